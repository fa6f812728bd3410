package everlog

import (
	"fmt"
	"strconv"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is the failure of a call. Every error that a [Client] returns for a call is one, or wraps one.
//
//	errors.Is(err, everlog.ErrSequenceConflict)           // one reason
//	errors.Is(err, everlog.ErrNotFound)                   // any reason with that code
//	errors.Is(err, context.DeadlineExceeded)              // the caller's own time was over
//	var conflict *everlog.SequenceConflict
//	errors.As(err, &conflict)                             // what there is more to say
type Error struct {
	// Reason is why, as the contract names it; empty when the failure did not come from everlog itself.
	Reason Reason
	// Code is the canonical gRPC code.
	Code codes.Code
	// Message is for people. It says which value was wrong; never branch on it.
	Message string
	// Metadata has what the reason has to say in words and numbers, such as position and head.
	Metadata map[string]string
	// RetryAfter is how long to wait before trying again; 0 when the server did not say.
	RetryAfter time.Duration
	// FieldViolations has each field of the request that was refused, and why.
	FieldViolations []FieldViolation

	violations []SequenceViolation
	known      []KnownEvent
	cause      error
	status     *spb.Status
}

// FieldViolation is one field of a request that was refused, such as events[3].event_type.
type FieldViolation struct {
	Field       string
	Description string
}

// Error gives the reason (or the code, when there is none) and the message.
func (e *Error) Error() string {
	text := fmt.Sprintf("everlog: %s: %s", e.Code, e.Message)
	if e.Reason != "" {
		text = fmt.Sprintf("everlog: %s: %s", e.Reason, e.Message)
	}
	if e.cause != nil {
		text += " (" + e.cause.Error() + ")"
	}
	return text
}

// Unwrap gives the context's error when it was the caller's own time that was over.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus gives the status as it came over the wire: status.Code and status.FromError know it.
func (e *Error) GRPCStatus() *status.Status {
	if e.status != nil {
		return status.FromProto(e.status)
	}
	return status.New(e.Code, e.Message)
}

// Is tells whether the error has the reason, or the code, that a sentinel of this package stands for.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case *reasonError:
		return e.Reason == target.reason
	case *codeError:
		return e.Code == target.code
	case *lostError:
		return e.Code == codes.Unavailable && e.Reason == ""
	}
	return false
}

// As gives the type that says more about the error's reason, for [errors.As].
func (e *Error) As(target any) bool {
	switch target := target.(type) {
	case **SequenceConflict:
		if e.Reason != ReasonSequenceConflict {
			return false
		}
		*target = &SequenceConflict{Violations: e.violations, err: e}
		if len(e.violations) > 0 {
			(*target).SequenceViolation = e.violations[0]
		}
	case **IdempotencyKeyReused:
		if e.Reason != ReasonIdempotencyKeyReused {
			return false
		}
		*target = &IdempotencyKeyReused{knownEvents(e)}
	case **IdempotencyKeysPartlyKnown:
		if e.Reason != ReasonIdempotencyKeysPartlyKnown {
			return false
		}
		*target = &IdempotencyKeysPartlyKnown{knownEvents(e)}
	case **EventIDReused:
		if e.Reason != ReasonEventIDReused {
			return false
		}
		*target = &EventIDReused{knownEvents(e)}
	case **EventDamaged:
		if e.Reason != ReasonEventDamaged {
			return false
		}
		position, _ := strconv.ParseInt(e.Metadata["position"], 10, 64)
		*target = &EventDamaged{Position: position, EventID: e.Metadata["event_id"], err: e}
	default:
		return false
	}
	return true
}

// SequenceViolation is one expectation that did not hold.
type SequenceViolation struct {
	Aggregate Aggregate
	Expected  Expected
	// Actual is the aggregate's last sequence; 0 when it has no events.
	Actual int64
}

// String says what was expected and what is, such as "order/42 is at sequence 4, expected 3".
func (v SequenceViolation) String() string {
	return fmt.Sprintf("%s is at sequence %d, expected %s", v.Aggregate, v.Actual, v.Expected)
}

// SequenceConflict says that an aggregate is not at the expected sequence: read it again, decide
// again. The embedded violation is the first; Violations has them all, in the order of the request.
type SequenceConflict struct {
	SequenceViolation
	Violations []SequenceViolation
	err        *Error
}

func (e *SequenceConflict) Error() string { return e.err.Error() }
func (e *SequenceConflict) Unwrap() error { return e.err }

// KnownEvent is an event of the request that the log has, or whose key or id belongs to another one.
type KnownEvent struct {
	// Index is that of the event in the request, from 0.
	Index int
	// IdempotencyKey is the event's; empty when the event is known by its id.
	IdempotencyKey string
	// EventID is the id of the event that the log has.
	EventID string
}

// KnownEvents says which events of a request the log has; in the order of the request. The embedded
// one is the first.
type KnownEvents struct {
	KnownEvent
	All []KnownEvent
	err *Error
}

func (e *KnownEvents) Error() string { return e.err.Error() }
func (e *KnownEvents) Unwrap() error { return e.err }

func knownEvents(err *Error) KnownEvents {
	known := KnownEvents{All: err.known, err: err}
	if len(err.known) > 0 {
		known.KnownEvent = err.known[0]
	}
	return known
}

// IdempotencyKeyReused says that a key was seen before with other content.
type IdempotencyKeyReused struct{ KnownEvents }

// IdempotencyKeysPartlyKnown says that some of a request's keys or ids are known and others are not.
type IdempotencyKeysPartlyKnown struct{ KnownEvents }

// EventIDReused says that a chosen event id was seen before with other content.
type EventIDReused struct{ KnownEvents }

// EventDamaged says that what is stored of an event is no event any more: it has to be restored from
// a backup. Trying again does not help; reads may go on after its position.
type EventDamaged struct {
	// Position is where it stands in the log; 0 when the server did not say.
	Position int64
	// EventID is its id; empty when the server did not say.
	EventID string
	err     *Error
}

func (e *EventDamaged) Error() string { return e.err.Error() }
func (e *EventDamaged) Unwrap() error { return e.err }
