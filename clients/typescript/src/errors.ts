/**
 * The errors of the client: one tree, with a class for each reason worth catching.
 *
 * A class stands for one `reason` of the contract (`ErrorReason` in errors.proto), or for a canonical
 * gRPC code when the server is newer than this client and gives a reason that it does not know.
 * Branch on the class (`instanceof`) or on `reason`, never on the message.
 */

import type { status } from "@grpc/grpc-js";

import type { AggregateKey } from "./aggregates.js";
import type { FieldViolation, KnownEvent, SequenceViolation } from "./details.js";
import type { Expected } from "./expectations.js";

/** The name of a canonical gRPC code, such as `NOT_FOUND`. */
export type Code = keyof typeof status;

/** What is known of a failure; what is absent has the class's default. */
export interface Failure {
  readonly message?: string;
  readonly code?: Code;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number | undefined;
  readonly fieldViolations?: readonly FieldViolation[];
  readonly sequenceViolations?: readonly SequenceViolation[];
  readonly knownEvents?: readonly KnownEvent[];
}

/** A call failed. */
export class EverlogError extends Error {
  static readonly reason: string = "";
  static readonly code: Code = "UNKNOWN";
  static readonly summary: string = "The call failed.";

  /** Why, as the contract names it; empty when the failure did not come from everlog itself. */
  readonly reason: string;

  /** The canonical gRPC code. */
  readonly code: Code;

  /** Facts about the failure, as the server gave them, such as `position` and `head`. */
  readonly metadata: Readonly<Record<string, string>>;

  /** How long to wait before trying again, when the server said so. */
  readonly retryAfterMs: number | undefined;

  protected readonly failure: Failure;

  constructor(failure: Failure = {}) {
    const kind = new.target;
    super(failure.message || kind.summary);
    this.reason = failure.reason ?? kind.reason;
    this.code = failure.code ?? kind.code;
    this.metadata = failure.metadata ?? {};
    this.retryAfterMs = failure.retryAfterMs;
    this.failure = failure;
    // What is shown of an error names its own fields; this one repeats them.
    Object.defineProperty(this, "failure", { enumerable: false });
  }

  /** The same failure for another caller: one error that many hold would show one's trace to all. */
  copy(): EverlogError {
    return new (this.constructor as new (failure: Failure) => EverlogError)(this.failure);
  }
}

// Of each class its own name, without repeating it in all of them.
Object.defineProperty(EverlogError.prototype, "name", {
  get(this: EverlogError) {
    return this.constructor.name;
  },
});

// --- Correct the request -------------------------------------------------------------------------

/** The request is ill-formed. */
export class InvalidArgument extends EverlogError {
  static override readonly code: Code = "INVALID_ARGUMENT";
  static override readonly summary: string = "The request is ill-formed.";

  /** Each field that was refused, and why. */
  get fieldViolations(): readonly FieldViolation[] {
    return this.failure.fieldViolations ?? [];
  }
}

/** A field of an event is missing, ill-formed or too long. */
export class InvalidEvent extends InvalidArgument {
  static override readonly reason: string = "INVALID_EVENT";
  static override readonly summary: string =
    "A field of an event is missing, ill-formed or too long.";
}

/** A field of the filter is ill-formed or too long. */
export class InvalidFilter extends InvalidArgument {
  static override readonly reason: string = "INVALID_FILTER";
  static override readonly summary: string = "A field of the filter is ill-formed or too long.";
}

/** A field of the request is missing, ill-formed or contradicts a second one. */
export class InvalidRequest extends InvalidArgument {
  static override readonly reason: string = "INVALID_REQUEST";
  static override readonly summary: string =
    "A field of the request is missing, ill-formed or contradicts a second one.";
}

/** The page token is damaged, or belongs to another query. */
export class PageTokenInvalid extends InvalidArgument {
  static override readonly reason: string = "PAGE_TOKEN_INVALID";
  static override readonly summary: string =
    "The page token is damaged, or belongs to another query.";
}

/** The tenant's catalogue is strict and does not have this event type. */
export class EventTypeUnknown extends InvalidArgument {
  static override readonly reason: string = "EVENT_TYPE_UNKNOWN";
  static override readonly summary: string =
    "The tenant's catalogue is strict and does not have this event type.";
}

/** The event's data breaks its event type's schema. */
export class EventDataInvalid extends InvalidArgument {
  static override readonly reason: string = "EVENT_DATA_INVALID";
  static override readonly summary: string = "The event's data breaks its event type's schema.";
}

/** One event is larger than the limit. */
export class EventTooLarge extends InvalidArgument {
  static override readonly reason: string = "EVENT_TOO_LARGE";
  static override readonly summary: string = "One event is larger than the limit.";
}

/** The request has more events or bytes than the limits. */
export class BatchTooLarge extends InvalidArgument {
  static override readonly reason: string = "BATCH_TOO_LARGE";
  static override readonly summary: string =
    "The request has more events or bytes than the limits.";
}

/** The database does not take a projection's SQL. */
export class ProjectionInvalid extends InvalidArgument {
  static override readonly reason: string = "PROJECTION_INVALID";
  static override readonly summary: string = "The database does not take a projection's SQL.";
}

/** The call carries no credentials, or none that are valid. */
export class Unauthenticated extends EverlogError {
  static override readonly reason: string = "UNAUTHENTICATED";
  static override readonly code: Code = "UNAUTHENTICATED";
  static override readonly summary: string =
    "The call carries no credentials, or none that are valid.";
}

/** The credentials do not allow this call. */
export class PermissionDenied extends EverlogError {
  static override readonly reason: string = "PERMISSION_DENIED";
  static override readonly code: Code = "PERMISSION_DENIED";
  static override readonly summary: string = "The credentials do not allow this call.";
}

// --- Read again, decide again --------------------------------------------------------------------

/** An aggregate is not at the expected sequence. */
export class SequenceConflict extends EverlogError {
  static override readonly reason: string = "SEQUENCE_CONFLICT";
  static override readonly code: Code = "ABORTED";
  static override readonly summary: string = "An aggregate is not at the expected sequence.";

  /** Every expectation that did not hold, in the order of the request. */
  get violations(): readonly SequenceViolation[] {
    return this.failure.sequenceViolations ?? [];
  }

  /** The aggregate of the first violation. */
  get aggregate(): AggregateKey | undefined {
    return this.violations[0]?.aggregate;
  }

  /** What was expected in the first violation. */
  get expected(): Exclude<Expected, number> | undefined {
    return this.violations[0]?.expected;
  }

  /** The last sequence of the first violation's aggregate; 0n when it has no events. */
  get actual(): bigint | undefined {
    return this.violations[0]?.actual;
  }
}

/** The log knows an event of the request already. */
export class AlreadyExists extends EverlogError {
  static override readonly code: Code = "ALREADY_EXISTS";
  static override readonly summary: string = "The log knows an event of the request already.";

  /** The events of the request that are known, or whose key or id belongs to another one. */
  get knownEvents(): readonly KnownEvent[] {
    return this.failure.knownEvents ?? [];
  }

  /** The id of the first known event; empty when the server did not say. */
  get eventId(): string {
    return this.knownEvents[0]?.eventId ?? "";
  }
}

/** An idempotency key was seen before with other content. */
export class IdempotencyKeyReused extends AlreadyExists {
  static override readonly reason: string = "IDEMPOTENCY_KEY_REUSED";
  static override readonly summary: string =
    "An idempotency key was seen before with other content.";
}

/** Some of the request's idempotency keys or event ids are known and others are not. */
export class IdempotencyKeysPartlyKnown extends AlreadyExists {
  static override readonly reason: string = "IDEMPOTENCY_KEYS_PARTLY_KNOWN";
  static override readonly summary: string =
    "Some of the request's idempotency keys or event ids are known and others are not.";
}

/** A chosen event id was seen before with other content. */
export class EventIdReused extends AlreadyExists {
  static override readonly reason: string = "EVENT_ID_REUSED";
  static override readonly summary: string =
    "A chosen event id was seen before with other content.";
}

/** The catalogue has the event type with another definition. */
export class EventTypeExists extends AlreadyExists {
  static override readonly reason: string = "EVENT_TYPE_EXISTS";
  static override readonly summary: string =
    "The catalogue has the event type with another definition.";
}

/** There is a consumer of this name with other settings. */
export class ConsumerExists extends AlreadyExists {
  static override readonly reason: string = "CONSUMER_EXISTS";
  static override readonly summary: string =
    "There is a consumer of this name with other settings.";
}

/** There is a tenant of this name. */
export class TenantExists extends AlreadyExists {
  static override readonly reason: string = "TENANT_EXISTS";
  static override readonly summary: string = "There is a tenant of this name.";
}

/** There is, or was, a token of this name. */
export class TokenExists extends AlreadyExists {
  static override readonly reason: string = "TOKEN_EXISTS";
  static override readonly summary: string = "There is, or was, a token of this name.";
}

/** What is to be replaced is not at the expected version. */
export class VersionConflict extends EverlogError {
  static override readonly reason: string = "VERSION_CONFLICT";
  static override readonly code: Code = "ABORTED";
  static override readonly summary: string =
    "What is to be replaced is not at the expected version.";
}

// --- It is not there -----------------------------------------------------------------------------

/** There is no such thing. */
export class NotFound extends EverlogError {
  static override readonly code: Code = "NOT_FOUND";
  static override readonly summary: string = "There is no such thing.";
}

/** There is no such event. */
export class EventNotFound extends NotFound {
  static override readonly reason: string = "EVENT_NOT_FOUND";
  static override readonly summary: string = "There is no such event.";
}

/** The aggregate has no events. */
export class AggregateNotFound extends NotFound {
  static override readonly reason: string = "AGGREGATE_NOT_FOUND";
  static override readonly summary: string = "The aggregate has no events.";
}

/** There is no such tenant. */
export class TenantNotFound extends NotFound {
  static override readonly reason: string = "TENANT_NOT_FOUND";
  static override readonly summary: string = "There is no such tenant.";
}

/** The catalogue does not have the event type, or not that version of it. */
export class EventTypeNotFound extends NotFound {
  static override readonly reason: string = "EVENT_TYPE_NOT_FOUND";
  static override readonly summary: string =
    "The catalogue does not have the event type, or not that version of it.";
}

/** The catalogue does not have the aggregate type. */
export class AggregateTypeNotFound extends NotFound {
  static override readonly reason: string = "AGGREGATE_TYPE_NOT_FOUND";
  static override readonly summary: string = "The catalogue does not have the aggregate type.";
}

/** Nobody has saved a narrative of the event, or not that version of it. */
export class NarrativeNotFound extends NotFound {
  static override readonly reason: string = "NARRATIVE_NOT_FOUND";
  static override readonly summary: string =
    "Nobody has saved a narrative of the event, or not that version of it.";
}

/** No event that is indexed carries the id, and nobody has linked it. */
export class EntityNotFound extends NotFound {
  static override readonly reason: string = "ENTITY_NOT_FOUND";
  static override readonly summary: string =
    "No event that is indexed carries the id, and nobody has linked it.";
}

/** There is no such consumer. */
export class ConsumerNotFound extends NotFound {
  static override readonly reason: string = "CONSUMER_NOT_FOUND";
  static override readonly summary: string = "There is no such consumer.";
}

/** There is no such projection. */
export class ProjectionNotFound extends NotFound {
  static override readonly reason: string = "PROJECTION_NOT_FOUND";
  static override readonly summary: string = "There is no such projection.";
}

/** There is no such token. */
export class TokenNotFound extends NotFound {
  static override readonly reason: string = "TOKEN_NOT_FOUND";
  static override readonly summary: string = "There is no such token.";
}

/** The cursor is beyond the log's head: it is not from this log. */
export class CursorBeyondHead extends EverlogError {
  static override readonly reason: string = "CURSOR_BEYOND_HEAD";
  static override readonly code: Code = "OUT_OF_RANGE";
  static override readonly summary: string =
    "The cursor is beyond the log's head: it is not from this log.";
}

/** Retention has removed events that follow the cursor. */
export class CursorTrimmed extends EverlogError {
  static override readonly reason: string = "CURSOR_TRIMMED";
  static override readonly code: Code = "OUT_OF_RANGE";
  static override readonly summary: string = "Retention has removed events that follow the cursor.";
}

/** The log was restored to an earlier state and went on otherwise: rebuild from the start. */
export class LogDiverged extends EverlogError {
  static override readonly reason: string = "LOG_DIVERGED";
  static override readonly code: Code = "FAILED_PRECONDITION";
  static override readonly summary: string =
    "The log was restored to an earlier state and went on otherwise: rebuild from the start.";
}

/** The delivery is not this member's, or not any more. */
export class DeliveryNotHeld extends EverlogError {
  static override readonly reason: string = "DELIVERY_NOT_HELD";
  static override readonly code: Code = "FAILED_PRECONDITION";
  static override readonly summary: string = "The delivery is not this member's, or not any more.";
}

/** The event is not in a state of which the call could make anything. */
export class EventNotPending extends EverlogError {
  static override readonly reason: string = "EVENT_NOT_PENDING";
  static override readonly code: Code = "FAILED_PRECONDITION";
  static override readonly summary: string =
    "The event is not in a state of which the call could make anything.";
}

/** A schema is in somebody else's use. */
export class ProjectionSchemaTaken extends EverlogError {
  static override readonly reason: string = "PROJECTION_SCHEMA_TAKEN";
  static override readonly code: Code = "FAILED_PRECONDITION";
  static override readonly summary: string = "A schema is in somebody else's use.";
}

/** The tenant is frozen: it takes no events. */
export class TenantFrozen extends EverlogError {
  static override readonly reason: string = "TENANT_FROZEN";
  static override readonly code: Code = "FAILED_PRECONDITION";
  static override readonly summary: string = "The tenant is frozen: it takes no events.";
}

// --- Try again later -----------------------------------------------------------------------------

/** The server has no room for the call now. */
export class ResourceExhausted extends EverlogError {
  static override readonly code: Code = "RESOURCE_EXHAUSTED";
  static override readonly summary: string = "The server has no room for the call now.";
}

/** The server's append queue is full. */
export class Overloaded extends ResourceExhausted {
  static override readonly reason: string = "OVERLOADED";
  static override readonly summary: string = "The server's append queue is full.";
}

/** This server has as many subscriptions as it may have. */
export class TooManySubscriptions extends ResourceExhausted {
  static override readonly reason: string = "TOO_MANY_SUBSCRIPTIONS";
  static override readonly summary: string =
    "This server has as many subscriptions as it may have.";
}

/** The read took longer than the server allows: narrow the filter. */
export class ReadTooExpensive extends ResourceExhausted {
  static override readonly reason: string = "READ_TOO_EXPENSIVE";
  static override readonly summary: string =
    "The read took longer than the server allows: narrow the filter.";
}

/** The consumer has as many members as it may have. */
export class TooManyMembers extends ResourceExhausted {
  static override readonly reason: string = "TOO_MANY_MEMBERS";
  static override readonly summary: string = "The consumer has as many members as it may have.";
}

/** The server can't answer now. */
export class Unavailable extends EverlogError {
  static override readonly code: Code = "UNAVAILABLE";
  static override readonly summary: string = "The server can't answer now.";
}

/**
 * The server can't be reached, or the connection broke before it answered.
 *
 * Of an emit it is then unknown whether it is stored: with idempotency keys it is safe to try again,
 * and the client has done so until the time was over.
 */
export class ConnectionLost extends Unavailable {
  static override readonly summary: string =
    "The server can't be reached, or the connection broke before it answered.";
}

/** PostgreSQL can't be reached or refuses work; nothing was stored. */
export class StorageUnavailable extends Unavailable {
  static override readonly reason: string = "STORAGE_UNAVAILABLE";
  static override readonly summary: string =
    "PostgreSQL can't be reached or refuses work; nothing was stored.";
}

/** This server is shutting down; nothing was stored. */
export class ServerDraining extends Unavailable {
  static override readonly reason: string = "SERVER_DRAINING";
  static override readonly summary: string = "This server is shutting down; nothing was stored.";
}

/** It could not be found out whether the events are stored: with keys, try again. */
export class CommitUnknown extends Unavailable {
  static override readonly reason: string = "COMMIT_UNKNOWN";
  static override readonly summary: string =
    "It could not be found out whether the events are stored: with keys, try again.";
}

/** No answer came in time; of an emit it is unknown whether it is stored. */
export class DeadlineExceeded extends EverlogError {
  static override readonly code: Code = "DEADLINE_EXCEEDED";
  static override readonly summary: string =
    "No answer came in time; of an emit it is unknown whether it is stored.";
}

/** `minPosition` did not become visible in time. */
export class PositionNotVisible extends DeadlineExceeded {
  static override readonly reason: string = "POSITION_NOT_VISIBLE";
  static override readonly summary: string = "`minPosition` did not become visible in time.";
}

/**
 * What is stored of an event is no event any more: it has to be restored from a backup.
 *
 * Trying again does not help. Reads may go on after its position.
 */
export class EventDamaged extends EverlogError {
  static override readonly reason: string = "EVENT_DAMAGED";
  static override readonly code: Code = "DATA_LOSS";
  static override readonly summary: string =
    "What is stored of an event is no event any more: it has to be restored from a backup.";

  /** Where it stands in the log; 0n when the server did not say. */
  get position(): bigint {
    return BigInt(this.metadata.position ?? 0);
  }

  /** Its id; empty when the server did not say. */
  get eventId(): string {
    return this.metadata.event_id ?? "";
  }
}

/** A defect of the server; its log has the details. */
export class InternalError extends EverlogError {
  static override readonly reason: string = "INTERNAL";
  static override readonly code: Code = "INTERNAL";
  static override readonly summary: string = "A defect of the server; its log has the details.";
}

type ErrorClass = typeof EverlogError;

/** The class of each reason that this client knows. */
export const ERRORS_BY_REASON: ReadonlyMap<string, ErrorClass> = new Map(
  [
    InvalidEvent,
    InvalidFilter,
    InvalidRequest,
    PageTokenInvalid,
    EventTypeUnknown,
    EventDataInvalid,
    EventTooLarge,
    BatchTooLarge,
    SequenceConflict,
    IdempotencyKeyReused,
    IdempotencyKeysPartlyKnown,
    EventIdReused,
    EventNotFound,
    AggregateNotFound,
    TenantNotFound,
    CursorBeyondHead,
    CursorTrimmed,
    LogDiverged,
    Overloaded,
    TooManySubscriptions,
    StorageUnavailable,
    ServerDraining,
    CommitUnknown,
    Unauthenticated,
    PermissionDenied,
    PositionNotVisible,
    ReadTooExpensive,
    TenantExists,
    TenantFrozen,
    TokenExists,
    TokenNotFound,
    ConsumerNotFound,
    ConsumerExists,
    DeliveryNotHeld,
    EventNotPending,
    TooManyMembers,
    ProjectionNotFound,
    ProjectionInvalid,
    ProjectionSchemaTaken,
    EventDamaged,
    InternalError,
    EventTypeExists,
    EventTypeNotFound,
    AggregateTypeNotFound,
    VersionConflict,
    NarrativeNotFound,
    EntityNotFound,
  ].map((kind) => [kind.reason, kind]),
);

/** The class of a failure whose reason is absent or unknown to this client. */
export const ERRORS_BY_CODE: ReadonlyMap<Code, ErrorClass> = new Map(
  [
    InvalidArgument,
    AlreadyExists,
    NotFound,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    Unauthenticated,
    PermissionDenied,
  ].map((kind) => [kind.code, kind]),
);
