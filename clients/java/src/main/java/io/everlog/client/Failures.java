package io.everlog.client;

import io.grpc.Status.Code;
import java.util.Map;
import java.util.function.Function;

/** The one table from a failure to its exception: by reason, else by code, else the base class. */
final class Failures {
    static final Map<String, Function<Failure, EverlogException>> BY_REASON = Map.ofEntries(
            Map.entry("INVALID_EVENT", InvalidEventException::new),
            Map.entry("INVALID_FILTER", InvalidFilterException::new),
            Map.entry("INVALID_REQUEST", InvalidRequestException::new),
            Map.entry("PAGE_TOKEN_INVALID", PageTokenInvalidException::new),
            Map.entry("EVENT_TYPE_UNKNOWN", EventTypeUnknownException::new),
            Map.entry("EVENT_DATA_INVALID", EventDataInvalidException::new),
            Map.entry("EVENT_TOO_LARGE", EventTooLargeException::new),
            Map.entry("BATCH_TOO_LARGE", BatchTooLargeException::new),
            Map.entry("UNAUTHENTICATED", UnauthenticatedException::new),
            Map.entry("PERMISSION_DENIED", PermissionDeniedException::new),
            Map.entry("SEQUENCE_CONFLICT", SequenceConflictException::new),
            Map.entry("IDEMPOTENCY_KEY_REUSED", IdempotencyKeyReusedException::new),
            Map.entry("IDEMPOTENCY_KEYS_PARTLY_KNOWN", IdempotencyKeysPartlyKnownException::new),
            Map.entry("EVENT_ID_REUSED", EventIdReusedException::new),
            Map.entry("EVENT_NOT_FOUND", EventNotFoundException::new),
            Map.entry("AGGREGATE_NOT_FOUND", AggregateNotFoundException::new),
            Map.entry("TENANT_NOT_FOUND", TenantNotFoundException::new),
            Map.entry("CURSOR_BEYOND_HEAD", CursorBeyondHeadException::new),
            Map.entry("CURSOR_TRIMMED", CursorTrimmedException::new),
            Map.entry("LOG_DIVERGED", LogDivergedException::new),
            Map.entry("OVERLOADED", OverloadedException::new),
            Map.entry("TOO_MANY_SUBSCRIPTIONS", TooManySubscriptionsException::new),
            Map.entry("READ_TOO_EXPENSIVE", ReadTooExpensiveException::new),
            Map.entry("STORAGE_UNAVAILABLE", StorageUnavailableException::new),
            Map.entry("SERVER_DRAINING", ServerDrainingException::new),
            Map.entry("COMMIT_UNKNOWN", CommitUnknownException::new),
            Map.entry("POSITION_NOT_VISIBLE", PositionNotVisibleException::new),
            Map.entry("EVENT_TYPE_EXISTS", EventTypeExistsException::new),
            Map.entry("EVENT_TYPE_NOT_FOUND", EventTypeNotFoundException::new),
            Map.entry("AGGREGATE_TYPE_NOT_FOUND", AggregateTypeNotFoundException::new),
            Map.entry("VERSION_CONFLICT", VersionConflictException::new),
            Map.entry("NARRATIVE_NOT_FOUND", NarrativeNotFoundException::new),
            Map.entry("ENTITY_NOT_FOUND", EntityNotFoundException::new),
            Map.entry("CONSUMER_NOT_FOUND", ConsumerNotFoundException::new),
            Map.entry("CONSUMER_EXISTS", ConsumerExistsException::new),
            Map.entry("DELIVERY_NOT_HELD", DeliveryNotHeldException::new),
            Map.entry("EVENT_NOT_PENDING", EventNotPendingException::new),
            Map.entry("TOO_MANY_MEMBERS", TooManyMembersException::new),
            Map.entry("PROJECTION_NOT_FOUND", ProjectionNotFoundException::new),
            Map.entry("PROJECTION_INVALID", ProjectionInvalidException::new),
            Map.entry("PROJECTION_SCHEMA_TAKEN", ProjectionSchemaTakenException::new),
            Map.entry("TENANT_EXISTS", TenantExistsException::new),
            Map.entry("TENANT_FROZEN", TenantFrozenException::new),
            Map.entry("TOKEN_EXISTS", TokenExistsException::new),
            Map.entry("TOKEN_NOT_FOUND", TokenNotFoundException::new),
            Map.entry("EVENT_DAMAGED", EventDamagedException::new),
            Map.entry("INTERNAL", InternalException::new));

    /** For a failure whose reason is absent, or unknown to this client because the server is newer. */
    static final Map<Code, Function<Failure, EverlogException>> BY_CODE = Map.ofEntries(
            Map.entry(Code.INVALID_ARGUMENT, InvalidArgumentException::new),
            Map.entry(Code.UNAUTHENTICATED, UnauthenticatedException::new),
            Map.entry(Code.PERMISSION_DENIED, PermissionDeniedException::new),
            Map.entry(Code.ALREADY_EXISTS, AlreadyExistsException::new),
            Map.entry(Code.NOT_FOUND, NotFoundException::new),
            Map.entry(Code.RESOURCE_EXHAUSTED, ResourceExhaustedException::new),
            Map.entry(Code.UNAVAILABLE, UnavailableException::new),
            Map.entry(Code.DEADLINE_EXCEEDED, DeadlineExceededException::new));

    private Failures() {}

    static EverlogException exception(Failure failure) {
        Function<Failure, EverlogException> known = BY_REASON.get(failure.reason());
        return (known != null ? known : BY_CODE.getOrDefault(failure.code(), EverlogException::new))
                .apply(failure);
    }

    static EverlogException connectionLost(String message) {
        return new ConnectionLostException(Failure.of(Code.UNAVAILABLE, message));
    }

    static EverlogException deadlineExceeded() {
        return new DeadlineExceededException(
                Failure.of(Code.DEADLINE_EXCEEDED, "no answer came in time"));
    }

    /** Of a thread that was interrupted; its flag is set again. */
    static EverlogException interrupted() {
        Thread.currentThread().interrupt();
        return new CallCancelledException(
                Failure.of(Code.CANCELLED, "the thread was interrupted while it waited"));
    }
}
