"""The exceptions of the client: one tree, with a class for each reason worth catching.

A class stands for one `reason` of the contract (`ErrorReason` in errors.proto), or for a canonical
gRPC code when the server is newer than this client and gives a reason that it does not know. Branch
on the class or on `reason`, never on the message. Each class's docstring is also its default
message, so that the two cannot drift apart.
"""

from collections.abc import Mapping, Sequence

from grpc import StatusCode

from everlog.details import (
    DataViolation,
    Details,
    FieldViolation,
    KnownEvent,
    SequenceViolation,
    UnknownEventType,
)


class EverlogError(Exception):
    """The call failed."""

    reason: str = ""
    """Why, as the contract names it; empty when the failure did not come from everlog itself."""

    code: StatusCode = StatusCode.UNKNOWN
    """The canonical gRPC code."""

    retry_after: float | None
    """The seconds to wait before trying again, when the server said so."""

    def __init__(
        self,
        message: str = "",
        *,
        code: StatusCode | None = None,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        details: Details | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.message)
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.details = details or Details()

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"


# --- Correct the request --------------------------------------------------------------------------


class InvalidArgument(EverlogError):
    """The request is ill-formed."""

    code = StatusCode.INVALID_ARGUMENT

    @property
    def field_violations(self) -> Sequence[FieldViolation]:
        """Each field that was refused, and why."""
        return self.details.field_violations


class InvalidEvent(InvalidArgument):
    """A field of an event is missing, ill-formed or too long."""

    reason = "INVALID_EVENT"


class InvalidFilter(InvalidArgument):
    """A field of the filter is ill-formed or too long."""

    reason = "INVALID_FILTER"


class InvalidRequest(InvalidArgument):
    """A field of the request is missing, ill-formed or contradicts a second one."""

    reason = "INVALID_REQUEST"


class PageTokenInvalid(InvalidArgument):
    """The page token is damaged, or belongs to another query."""

    reason = "PAGE_TOKEN_INVALID"


class EventTypeUnknown(InvalidArgument):
    """The tenant's catalogue is strict and does not have this event type."""

    reason = "EVENT_TYPE_UNKNOWN"

    @property
    def unknown_event_types(self) -> Sequence[UnknownEventType]:
        """Each of them, with the names that are most like it."""
        return self.details.unknown_event_types


class EventDataInvalid(InvalidArgument):
    """The event breaks the rules of its event type: its schema, its aggregate's kind or id."""

    reason = "EVENT_DATA_INVALID"

    @property
    def data_violations(self) -> Sequence[DataViolation]:
        """Each rule that is broken, and where. A unary call tells as many as fit."""
        return self.details.data_violations


class EventTooLarge(InvalidArgument):
    """One event is larger than the limit."""

    reason = "EVENT_TOO_LARGE"


class BatchTooLarge(InvalidArgument):
    """The request has more events or bytes than the limits."""

    reason = "BATCH_TOO_LARGE"


class ProjectionInvalid(InvalidArgument):
    """The database does not take a projection's SQL."""

    reason = "PROJECTION_INVALID"


class Unauthenticated(EverlogError):
    """The call carries no credentials, or none that are valid."""

    reason = "UNAUTHENTICATED"
    code = StatusCode.UNAUTHENTICATED


class PermissionDenied(EverlogError):
    """The credentials do not allow this call."""

    reason = "PERMISSION_DENIED"
    code = StatusCode.PERMISSION_DENIED


# --- Read again, decide again ---------------------------------------------------------------------


class SequenceConflict(EverlogError):
    """An aggregate is not at the expected sequence."""

    reason = "SEQUENCE_CONFLICT"
    code = StatusCode.ABORTED

    @property
    def violations(self) -> Sequence[SequenceViolation]:
        """Every expectation that did not hold, in the order of the request."""
        return self.details.sequence_violations


class AlreadyExists(EverlogError):
    """The log knows an event of the request already."""

    code = StatusCode.ALREADY_EXISTS

    @property
    def known_events(self) -> Sequence[KnownEvent]:
        """The events of the request that are known, or whose key or id belongs to another one."""
        return self.details.known_events

    @property
    def event_id(self) -> str:
        """The id of the first known event; empty when the server did not say."""
        return self.known_events[0].event_id if self.known_events else ""


class IdempotencyKeyReused(AlreadyExists):
    """An idempotency key was seen before with other content."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyKeysPartlyKnown(AlreadyExists):
    """Some of the request's idempotency keys or event ids are known and others are not."""

    reason = "IDEMPOTENCY_KEYS_PARTLY_KNOWN"


class EventIdReused(AlreadyExists):
    """A chosen event id was seen before with other content."""

    reason = "EVENT_ID_REUSED"


class EventTypeExists(AlreadyExists):
    """The catalogue has the event type with another definition."""

    reason = "EVENT_TYPE_EXISTS"


class ConsumerExists(AlreadyExists):
    """There is a consumer of this name with other settings."""

    reason = "CONSUMER_EXISTS"


class TenantExists(AlreadyExists):
    """There is a tenant of this name."""

    reason = "TENANT_EXISTS"


class TokenExists(AlreadyExists):
    """There is, or was, a token of this name."""

    reason = "TOKEN_EXISTS"


class VersionConflict(EverlogError):
    """What is to be replaced is not at the expected version."""

    reason = "VERSION_CONFLICT"
    code = StatusCode.ABORTED


# --- It is not there ------------------------------------------------------------------------------


class NotFound(EverlogError):
    """There is no such thing."""

    code = StatusCode.NOT_FOUND


class EventNotFound(NotFound):
    """There is no such event."""

    reason = "EVENT_NOT_FOUND"


class AggregateNotFound(NotFound):
    """The aggregate has no events."""

    reason = "AGGREGATE_NOT_FOUND"


class TenantNotFound(NotFound):
    """There is no such tenant."""

    reason = "TENANT_NOT_FOUND"


class EventTypeNotFound(NotFound):
    """The catalogue does not have the event type, or not that version of it."""

    reason = "EVENT_TYPE_NOT_FOUND"


class AggregateTypeNotFound(NotFound):
    """The catalogue does not have the aggregate type."""

    reason = "AGGREGATE_TYPE_NOT_FOUND"


class NarrativeNotFound(NotFound):
    """Nobody has saved a narrative of the event, or not that version of it."""

    reason = "NARRATIVE_NOT_FOUND"


class EntityNotFound(NotFound):
    """No event that is indexed carries the id, and nobody has linked it."""

    reason = "ENTITY_NOT_FOUND"


class ConsumerNotFound(NotFound):
    """There is no such consumer."""

    reason = "CONSUMER_NOT_FOUND"


class ProjectionNotFound(NotFound):
    """There is no such projection."""

    reason = "PROJECTION_NOT_FOUND"


class TokenNotFound(NotFound):
    """There is no such token."""

    reason = "TOKEN_NOT_FOUND"


class CursorBeyondHead(EverlogError):
    """The cursor is beyond the log's head: it is not from this log."""

    reason = "CURSOR_BEYOND_HEAD"
    code = StatusCode.OUT_OF_RANGE


class CursorTrimmed(EverlogError):
    """Retention has removed events that follow the cursor."""

    reason = "CURSOR_TRIMMED"
    code = StatusCode.OUT_OF_RANGE


class LogDiverged(EverlogError):
    """The log was restored to an earlier state and went on otherwise: rebuild from the start."""

    reason = "LOG_DIVERGED"
    code = StatusCode.FAILED_PRECONDITION


class DeliveryNotHeld(EverlogError):
    """The delivery is not this member's, or not any more."""

    reason = "DELIVERY_NOT_HELD"
    code = StatusCode.FAILED_PRECONDITION


class EventNotPending(EverlogError):
    """The event is not in a state of which the call could make anything."""

    reason = "EVENT_NOT_PENDING"
    code = StatusCode.FAILED_PRECONDITION


class ProjectionSchemaTaken(EverlogError):
    """A schema is in somebody else's use."""

    reason = "PROJECTION_SCHEMA_TAKEN"
    code = StatusCode.FAILED_PRECONDITION


class TenantFrozen(EverlogError):
    """The tenant is frozen: it takes no events."""

    reason = "TENANT_FROZEN"
    code = StatusCode.FAILED_PRECONDITION


# --- Try again later ------------------------------------------------------------------------------


class ResourceExhausted(EverlogError):
    """The server has no room for the call now."""

    code = StatusCode.RESOURCE_EXHAUSTED


class Overloaded(ResourceExhausted):
    """The server's append queue is full."""

    reason = "OVERLOADED"


class TooManySubscriptions(ResourceExhausted):
    """This server has as many subscriptions as it may have."""

    reason = "TOO_MANY_SUBSCRIPTIONS"


class ReadTooExpensive(ResourceExhausted):
    """The read took longer than the server allows: narrow the filter."""

    reason = "READ_TOO_EXPENSIVE"


class TooManyMembers(ResourceExhausted):
    """The consumer has as many members as it may have."""

    reason = "TOO_MANY_MEMBERS"


class Unavailable(EverlogError):
    """The server can't answer now."""

    code = StatusCode.UNAVAILABLE


class ConnectionLost(Unavailable):
    """The server can't be reached, or the connection broke before it answered.

    Of an emit it is then unknown whether it is stored: with idempotency keys it is safe to try
    again, and the client has done so until the time was over.
    """


class StorageUnavailable(Unavailable):
    """PostgreSQL can't be reached or refuses work; nothing was stored."""

    reason = "STORAGE_UNAVAILABLE"


class ServerDraining(Unavailable):
    """This server is shutting down; nothing was stored."""

    reason = "SERVER_DRAINING"


class CommitUnknown(Unavailable):
    """It could not be found out whether the events are stored: with keys, try again."""

    reason = "COMMIT_UNKNOWN"


class DeadlineExceeded(EverlogError):
    """No answer came in time; of an emit it is unknown whether it is stored."""

    code = StatusCode.DEADLINE_EXCEEDED


class PositionNotVisible(DeadlineExceeded):
    """`min_position` did not become visible in time."""

    reason = "POSITION_NOT_VISIBLE"


class EventDamaged(EverlogError):
    """What is stored of an event is no event any more: it has to be restored from a backup.

    Trying again does not help. Reads may go on after its position.
    """

    reason = "EVENT_DAMAGED"
    code = StatusCode.DATA_LOSS

    @property
    def position(self) -> int:
        """Where it stands in the log; 0 when the server did not say."""
        return int(self.metadata.get("position", "0"))

    @property
    def event_id(self) -> str:
        """Its id; empty when the server did not say."""
        return self.metadata.get("event_id", "")


class InternalError(EverlogError):
    """A defect of the server; its log has the details."""

    reason = "INTERNAL"
    code = StatusCode.INTERNAL


def _tree(root: type[EverlogError]) -> list[type[EverlogError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _tree(child))]


ERRORS_BY_REASON: Mapping[str, type[EverlogError]] = {
    error.reason: error for error in _tree(EverlogError) if error.reason
}
"""The class of each reason that this client knows."""

ERRORS_BY_CODE: Mapping[StatusCode, type[EverlogError]] = {
    error.code: error
    for error in (
        InvalidArgument,
        AlreadyExists,
        NotFound,
        ResourceExhausted,
        Unavailable,
        DeadlineExceeded,
        Unauthenticated,
        PermissionDenied,
    )
}
"""The class of a failure whose reason is absent or unknown to this client."""
