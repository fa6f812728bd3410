package everlog

import "google.golang.org/grpc/codes"

// Reason is why a call failed, as the contract names it (ErrorReason in errors.proto, without its
// prefix). A newer server may give reasons that are not among the constants.
type Reason string

// The reasons of the contract. Each has a sentinel for errors.Is.
const (
	ReasonInvalidEvent               Reason = "INVALID_EVENT"
	ReasonInvalidFilter              Reason = "INVALID_FILTER"
	ReasonInvalidRequest             Reason = "INVALID_REQUEST"
	ReasonPageTokenInvalid           Reason = "PAGE_TOKEN_INVALID"
	ReasonEventTypeUnknown           Reason = "EVENT_TYPE_UNKNOWN"
	ReasonEventDataInvalid           Reason = "EVENT_DATA_INVALID"
	ReasonEventTooLarge              Reason = "EVENT_TOO_LARGE"
	ReasonBatchTooLarge              Reason = "BATCH_TOO_LARGE"
	ReasonSequenceConflict           Reason = "SEQUENCE_CONFLICT"
	ReasonIdempotencyKeyReused       Reason = "IDEMPOTENCY_KEY_REUSED"
	ReasonIdempotencyKeysPartlyKnown Reason = "IDEMPOTENCY_KEYS_PARTLY_KNOWN"
	ReasonEventIDReused              Reason = "EVENT_ID_REUSED"
	ReasonEventNotFound              Reason = "EVENT_NOT_FOUND"
	ReasonAggregateNotFound          Reason = "AGGREGATE_NOT_FOUND"
	ReasonTenantNotFound             Reason = "TENANT_NOT_FOUND"
	ReasonCursorBeyondHead           Reason = "CURSOR_BEYOND_HEAD"
	ReasonCursorTrimmed              Reason = "CURSOR_TRIMMED"
	ReasonLogDiverged                Reason = "LOG_DIVERGED"
	ReasonOverloaded                 Reason = "OVERLOADED"
	ReasonTooManySubscriptions       Reason = "TOO_MANY_SUBSCRIPTIONS"
	ReasonStorageUnavailable         Reason = "STORAGE_UNAVAILABLE"
	ReasonServerDraining             Reason = "SERVER_DRAINING"
	ReasonCommitUnknown              Reason = "COMMIT_UNKNOWN"
	ReasonUnauthenticated            Reason = "UNAUTHENTICATED"
	ReasonPermissionDenied           Reason = "PERMISSION_DENIED"
	ReasonPositionNotVisible         Reason = "POSITION_NOT_VISIBLE"
	ReasonReadTooExpensive           Reason = "READ_TOO_EXPENSIVE"
	ReasonEventTypeExists            Reason = "EVENT_TYPE_EXISTS"
	ReasonEventTypeNotFound          Reason = "EVENT_TYPE_NOT_FOUND"
	ReasonAggregateTypeNotFound      Reason = "AGGREGATE_TYPE_NOT_FOUND"
	ReasonVersionConflict            Reason = "VERSION_CONFLICT"
	ReasonNarrativeNotFound          Reason = "NARRATIVE_NOT_FOUND"
	ReasonEntityNotFound             Reason = "ENTITY_NOT_FOUND"
	ReasonConsumerNotFound           Reason = "CONSUMER_NOT_FOUND"
	ReasonConsumerExists             Reason = "CONSUMER_EXISTS"
	ReasonDeliveryNotHeld            Reason = "DELIVERY_NOT_HELD"
	ReasonEventNotPending            Reason = "EVENT_NOT_PENDING"
	ReasonTooManyMembers             Reason = "TOO_MANY_MEMBERS"
	ReasonProjectionNotFound         Reason = "PROJECTION_NOT_FOUND"
	ReasonProjectionInvalid          Reason = "PROJECTION_INVALID"
	ReasonProjectionSchemaTaken      Reason = "PROJECTION_SCHEMA_TAKEN"
	ReasonTenantExists               Reason = "TENANT_EXISTS"
	ReasonTenantFrozen               Reason = "TENANT_FROZEN"
	ReasonTokenExists                Reason = "TOKEN_EXISTS"
	ReasonTokenNotFound              Reason = "TOKEN_NOT_FOUND"
	ReasonEventDamaged               Reason = "EVENT_DAMAGED"
	ReasonInternal                   Reason = "INTERNAL"
)

// Sentinels for errors.Is, one for each reason.
var (
	// Correct the request.

	ErrInvalidEvent      error = &reasonError{ReasonInvalidEvent, "a field of an event is missing, ill-formed or too long"}
	ErrInvalidFilter     error = &reasonError{ReasonInvalidFilter, "a field of the filter is ill-formed or too long"}
	ErrInvalidRequest    error = &reasonError{ReasonInvalidRequest, "a field of the request is missing, ill-formed or contradicts a second one"}
	ErrPageTokenInvalid  error = &reasonError{ReasonPageTokenInvalid, "the page token is damaged, or belongs to another query"}
	ErrEventTypeUnknown  error = &reasonError{ReasonEventTypeUnknown, "the tenant's catalogue is strict and does not have this event type"}
	ErrEventDataInvalid  error = &reasonError{ReasonEventDataInvalid, "the event's data breaks its event type's schema"}
	ErrEventTooLarge     error = &reasonError{ReasonEventTooLarge, "one event is larger than the limit"}
	ErrBatchTooLarge     error = &reasonError{ReasonBatchTooLarge, "the request has more events or bytes than the limits"}
	ErrProjectionInvalid error = &reasonError{ReasonProjectionInvalid, "the database does not take a projection's SQL"}
	ErrUnauthenticated   error = &reasonError{ReasonUnauthenticated, "the call carries no credentials, or none that are valid"}
	ErrPermissionDenied  error = &reasonError{ReasonPermissionDenied, "the credentials do not allow this call"}

	// Read again, decide again.

	ErrSequenceConflict           error = &reasonError{ReasonSequenceConflict, "an aggregate is not at the expected sequence"}
	ErrIdempotencyKeyReused       error = &reasonError{ReasonIdempotencyKeyReused, "an idempotency key was seen before with other content"}
	ErrIdempotencyKeysPartlyKnown error = &reasonError{ReasonIdempotencyKeysPartlyKnown, "some of the request's idempotency keys or event ids are known and others are not"}
	ErrEventIDReused              error = &reasonError{ReasonEventIDReused, "a chosen event id was seen before with other content"}
	ErrEventTypeExists            error = &reasonError{ReasonEventTypeExists, "the catalogue has the event type with another definition"}
	ErrConsumerExists             error = &reasonError{ReasonConsumerExists, "there is a consumer of this name with other settings"}
	ErrTenantExists               error = &reasonError{ReasonTenantExists, "there is a tenant of this name"}
	ErrTokenExists                error = &reasonError{ReasonTokenExists, "there is, or was, a token of this name"}
	ErrVersionConflict            error = &reasonError{ReasonVersionConflict, "what is to be replaced is not at the expected version"}

	// It is not there.

	ErrEventNotFound         error = &reasonError{ReasonEventNotFound, "there is no such event"}
	ErrAggregateNotFound     error = &reasonError{ReasonAggregateNotFound, "the aggregate has no events"}
	ErrTenantNotFound        error = &reasonError{ReasonTenantNotFound, "there is no such tenant"}
	ErrEventTypeNotFound     error = &reasonError{ReasonEventTypeNotFound, "the catalogue does not have the event type, or not that version of it"}
	ErrAggregateTypeNotFound error = &reasonError{ReasonAggregateTypeNotFound, "the catalogue does not have the aggregate type"}
	ErrNarrativeNotFound     error = &reasonError{ReasonNarrativeNotFound, "nobody has saved a narrative of the event, or not that version of it"}
	ErrEntityNotFound        error = &reasonError{ReasonEntityNotFound, "no event that is indexed carries the id, and nobody has linked it"}
	ErrConsumerNotFound      error = &reasonError{ReasonConsumerNotFound, "there is no such consumer"}
	ErrProjectionNotFound    error = &reasonError{ReasonProjectionNotFound, "there is no such projection"}
	ErrTokenNotFound         error = &reasonError{ReasonTokenNotFound, "there is no such token"}
	ErrCursorBeyondHead      error = &reasonError{ReasonCursorBeyondHead, "the cursor is beyond the log's head: it is not from this log"}
	ErrCursorTrimmed         error = &reasonError{ReasonCursorTrimmed, "retention has removed events that follow the cursor"}
	ErrLogDiverged           error = &reasonError{ReasonLogDiverged, "the log was restored to an earlier state and went on otherwise: rebuild from the start"}
	ErrTenantFrozen          error = &reasonError{ReasonTenantFrozen, "the tenant is frozen: it takes no events"}
	ErrDeliveryNotHeld       error = &reasonError{ReasonDeliveryNotHeld, "the delivery is not this member's, or not any more"}
	ErrEventNotPending       error = &reasonError{ReasonEventNotPending, "the event is not in a state of which the call could make anything"}
	ErrProjectionSchemaTaken error = &reasonError{ReasonProjectionSchemaTaken, "a schema is in somebody else's use"}

	// Neither the caller's fault, nor better later.

	ErrEventDamaged error = &reasonError{ReasonEventDamaged, "what is stored of an event is no event any more: it has to be restored from a backup"}
	ErrInternal     error = &reasonError{ReasonInternal, "a defect of the server; its log has the details"}

	// Try again later.

	ErrOverloaded           error = &reasonError{ReasonOverloaded, "the server's append queue is full"}
	ErrTooManySubscriptions error = &reasonError{ReasonTooManySubscriptions, "this server has as many subscriptions as it may have"}
	ErrReadTooExpensive     error = &reasonError{ReasonReadTooExpensive, "the read took longer than the server allows: narrow the filter"}
	ErrTooManyMembers       error = &reasonError{ReasonTooManyMembers, "the consumer has as many members as it may have"}
	ErrStorageUnavailable   error = &reasonError{ReasonStorageUnavailable, "PostgreSQL can't be reached or refuses work; nothing was stored"}
	ErrServerDraining       error = &reasonError{ReasonServerDraining, "this server is shutting down; nothing was stored"}
	ErrCommitUnknown        error = &reasonError{ReasonCommitUnknown, "it could not be found out whether the events are stored: with keys, try again"}
	ErrPositionNotVisible   error = &reasonError{ReasonPositionNotVisible, "the minimal position did not become visible in time"}
)

// Sentinels for errors.Is that stand for every reason with one code, also for those that this client
// does not know yet.
var (
	ErrInvalidArgument   error = &codeError{codes.InvalidArgument}
	ErrAlreadyExists     error = &codeError{codes.AlreadyExists}
	ErrNotFound          error = &codeError{codes.NotFound}
	ErrResourceExhausted error = &codeError{codes.ResourceExhausted}
	ErrUnavailable       error = &codeError{codes.Unavailable}
	ErrDeadlineExceeded  error = &codeError{codes.DeadlineExceeded}
)

// ErrConnectionLost is for errors.Is: the server can't be reached, the connection broke before it
// answered, or the client was closed.
//
// Of an emit it is then unknown whether it is stored: with idempotency keys it is safe to try again,
// and the client has done so until the time was over.
var ErrConnectionLost error = &lostError{}

type reasonError struct {
	reason Reason
	text   string
}

func (e *reasonError) Error() string { return "everlog: " + string(e.reason) + ": " + e.text }

type codeError struct{ code codes.Code }

func (e *codeError) Error() string { return "everlog: " + e.code.String() }

type lostError struct{}

func (*lostError) Error() string { return "everlog: the connection was lost" }
