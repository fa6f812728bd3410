package everlog

import (
	"context"
	"io"
	"iter"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Replay says which stretch of history to read. The zero value is the whole log, oldest first.
type Replay struct {
	// Aggregate is the only one to read; zero: the whole log.
	Aggregate Aggregate
	// Filter says which events of the stretch; nil: all.
	Filter *Filter
	// Start is where the stretch begins; nil: at the first event.
	Start ReplayStart
	// End is where it ends; nil: at the head as it is when the call arrives.
	End ReplayEnd
	// Backwards reads newest first. Start and End are of the stretch, whatever the direction.
	Backwards bool
	// MaxEvents stops after so many; 0: no limit.
	MaxEvents int64
	// MinPosition has the server wait until at least this position is visible.
	MinPosition int64
}

// Batch is a part of a replay.
type Batch struct {
	// Events may be empty after a stretch where none matches.
	Events []*RecordedEvent
	// ExaminedPosition is how far the log has been examined, inclusive.
	ExaminedPosition int64
}

// Replay reads a stretch of history, of one aggregate or of the whole log, and ends.
//
// An error ends the iteration; the event beside it is nil. An interruption is such an error and is not
// resumed: go on after the last event's position. An aggregate without events fails with
// [ErrAggregateNotFound]. There is no timeout but the context's.
func (c *Client) Replay(ctx context.Context, replay Replay) iter.Seq2[*RecordedEvent, error] {
	return func(yield func(*RecordedEvent, error) bool) {
		for batch, err := range c.ReplayBatches(ctx, replay) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, event := range batch.Events {
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// ReplayBatches reads as [Client.Replay] does, in the batches in which the events come.
func (c *Client) ReplayBatches(ctx context.Context, replay Replay) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		request, err := replay.message()
		if err != nil {
			yield(nil, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.stub.Replay(ctx, request)
		if err != nil {
			yield(nil, callError(ctx, err))
			return
		}
		for {
			response, err := stream.Recv()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, callError(ctx, err))
				return
			}
			batch := &Batch{
				Events:           recordedFromAll(response.GetEvents()),
				ExaminedPosition: response.GetExaminedPosition(),
			}
			if !yield(batch, nil) {
				return
			}
		}
	}
}

func (r *Replay) message() (*everlogpb.ReplayRequest, error) {
	filter, err := r.Filter.message()
	if err != nil {
		return nil, err
	}
	request := &everlogpb.ReplayRequest{
		Filter:      filter,
		Direction:   everlogpb.ReplayDirection_REPLAY_DIRECTION_FORWARDS,
		MaxEvents:   r.MaxEvents,
		MinPosition: r.MinPosition,
	}
	if r.Aggregate != (Aggregate{}) {
		request.Aggregate = r.Aggregate.message()
	}
	if r.Start != nil {
		r.Start.startReplay(request)
	}
	if r.End != nil {
		r.End.endReplay(request)
	}
	if r.Backwards {
		request.Direction = everlogpb.ReplayDirection_REPLAY_DIRECTION_BACKWARDS
	}
	return request, nil
}
