package everlog

import (
	"context"
	"errors"
	"io"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// From a failed call to an *Error: the one place where google.rpc.Status is read. A call fails with a
// status in its trailers; an answer on an EmitStream carries it as a message. Both end here.

const domain = "everlog"

// callError turns a call's failure into an *Error. When it was the call's own context (ctx) that ended
// it, that is its cause.
func callError(ctx context.Context, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, io.EOF) {
		return lost("the server ended the stream without a reason")
	}
	failure := errorFromStatus(status.Convert(err).Proto())
	switch {
	case failure.Reason != "":
	case failure.Code == codes.Canceled:
		failure.cause = ctx.Err()
	case failure.Code == codes.DeadlineExceeded:
		// Also when the server's clock noticed it before this one.
		failure.cause = context.DeadlineExceeded
	}
	return failure
}

// contextError says that the caller's own context is over; last is what had gone wrong before, which
// says more than that it took too long, or nil.
func contextError(ctx context.Context, last *Error) *Error {
	var failure Error
	switch {
	case last != nil:
		failure = *last
	case errors.Is(ctx.Err(), context.Canceled):
		failure = Error{Code: codes.Canceled, Message: "the caller gave up"}
	default:
		failure = Error{Code: codes.DeadlineExceeded, Message: "no answer came in time"}
	}
	failure.cause = ctx.Err()
	return &failure
}

func lost(message string) *Error { return &Error{Code: codes.Unavailable, Message: message} }

// refusal is what this client itself finds wrong with a request, before anything is sent.
func refusal(reason Reason, message string) *Error {
	return &Error{Reason: reason, Code: codes.InvalidArgument, Message: message}
}

// errorFromStatus turns a status into an *Error, with everything that its details say. A detail that
// can't be decoded is passed over: code and message still hold.
func errorFromStatus(given *spb.Status) *Error {
	failure := &Error{Code: codes.Code(given.GetCode()), Message: given.GetMessage(), status: given}
	for _, detail := range given.GetDetails() {
		message, err := detail.UnmarshalNew()
		if err != nil {
			continue
		}
		failure.note(message)
	}
	return failure
}

func (e *Error) note(message any) {
	switch detail := message.(type) {
	case *errdetails.ErrorInfo:
		e.Metadata = detail.GetMetadata()
		// A reason of somebody else's (a gateway, say) is not to be taken for one of everlog's.
		if detail.GetDomain() == domain {
			e.Reason = Reason(detail.GetReason())
		}
	case *errdetails.RetryInfo:
		e.RetryAfter = detail.GetRetryDelay().AsDuration()
	case *errdetails.BadRequest:
		for _, violation := range detail.GetFieldViolations() {
			e.FieldViolations = append(e.FieldViolations,
				FieldViolation{Field: violation.GetField(), Description: violation.GetDescription()})
		}
	case *everlogpb.SequenceConflict:
		for _, violation := range detail.GetViolations() {
			e.violations = append(e.violations, SequenceViolation{
				Aggregate: aggregateFrom(violation.GetAggregate()),
				Expected:  expectedFrom(violation),
				Actual:    violation.GetActualSequence(),
			})
		}
	case *everlogpb.KnownEvents:
		for _, known := range detail.GetEvents() {
			e.known = append(e.known, KnownEvent{
				Index:          int(known.GetIndex()),
				IdempotencyKey: known.GetIdempotencyKey(),
				EventID:        known.GetEventId(),
			})
		}
	}
}

func expectedFrom(violation *everlogpb.SequenceConflict_Violation) Expected {
	switch violation.GetExpected() {
	case everlogpb.SequenceConflict_Violation_EXPECTED_NOT_TO_EXIST:
		return MustNotExist
	case everlogpb.SequenceConflict_Violation_EXPECTED_TO_EXIST:
		return MustExist
	default:
		return Exactly(violation.GetExpectedSequence())
	}
}
