package everlog

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// By names one event; see [Client.Get].
type By func(*everlogpb.GetRequest)

// ByID names an event by its id, a UUID.
func ByID(eventID string) By {
	return func(r *everlogpb.GetRequest) { r.By = &everlogpb.GetRequest_EventId{EventId: eventID} }
}

// ByPosition names an event by its position in the log, from 1.
func ByPosition(position int64) By {
	return func(r *everlogpb.GetRequest) { r.By = &everlogpb.GetRequest_Position{Position: position} }
}

// BySequence names an event by its sequence in an aggregate, from 1.
func BySequence(aggregate Aggregate, sequence int64) By {
	return func(r *everlogpb.GetRequest) {
		r.By = &everlogpb.GetRequest_AggregateSequence{AggregateSequence: &everlogpb.AggregateSequence{
			Aggregate: aggregate.message(), Sequence: sequence,
		}}
	}
}

// ByIdempotencyKey names an event by its writer's name for it.
func ByIdempotencyKey(key string) By {
	return func(r *everlogpb.GetRequest) {
		r.By = &everlogpb.GetRequest_IdempotencyKey{IdempotencyKey: key}
	}
}

// ReadOption says more about one read: [MinPosition].
type ReadOption func(*readSettings)

type readSettings struct{ minPosition int64 }

// MinPosition has a read wait until at least this position is visible; one may write here and read
// there. It fails with [ErrPositionNotVisible] when the time is over.
func MinPosition(position int64) ReadOption {
	return func(s *readSettings) { s.minPosition = position }
}

func readOptions(options []ReadOption) (s readSettings) {
	for _, option := range options {
		option(&s)
	}
	return s
}

// read makes a unary read, again while it is UNAVAILABLE and there is time.
func read[Request, Response any](
	ctx context.Context, c *Client,
	call func(context.Context, *Request, ...grpc.CallOption) (*Response, error), request *Request,
) (*Response, error) {
	ctx, cancel := withTimeout(ctx, c.settings.timeout)
	defer cancel()
	searching, stop := c.reach.searching(ctx)
	defer stop()
	var interruption *Error
	for failures := 1; ; failures++ {
		response, err := call(searching, request)
		if err == nil {
			c.reach.note()
			return response, nil
		}
		failure := callError(ctx, err)
		if failure.Reason != "" {
			c.reach.note()
		}
		switch {
		case c.closed():
			return nil, lost(closedMessage)
		case context.Cause(searching) == errNotConnected:
			return nil, c.reach.failure(interruption)
		case failure.cause != nil && interruption != nil:
			// Why it took so long says more than that it did.
			interruption.cause = failure.cause
			return nil, interruption
		case c.settings.backoff == nil || !readMayBeRetried(failure):
			return nil, failure
		}
		interruption = failure
		wait := c.settings.backoff.wait(failures, failure.RetryAfter, rand.Float64)
		if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= wait {
			failure.cause = context.DeadlineExceeded
			return nil, failure
		}
		sleep(searching, wait)
		switch {
		case context.Cause(searching) == errNotConnected:
			return nil, c.reach.failure(interruption)
		case ctx.Err() != nil:
			return nil, contextError(ctx, interruption)
		}
	}
}
