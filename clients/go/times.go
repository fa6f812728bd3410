package everlog

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// withTimeout is context.WithTimeout, but 0 is no bound.
func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// sleep waits so long, or until the context ends.
func sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// timestamp encodes a time; none for the zero value. It is the value that counts, not the instant: the
// first moment of year 1, which the contract allows, can be given in a location.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t == (time.Time{}) {
		return nil
	}
	return timestamppb.New(t)
}

// timeFrom decodes a time; none is the zero time.
func timeFrom(timestamp *timestamppb.Timestamp) time.Time {
	if timestamp == nil {
		return time.Time{}
	}
	return timestamp.AsTime()
}
