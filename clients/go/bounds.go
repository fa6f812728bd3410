package everlog

import (
	"time"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// ReplayStart is where a stretch of history begins: a [Cursor] or [AfterSequence].
type ReplayStart interface {
	startReplay(*everlogpb.ReplayRequest)
}

// ReplayEnd is where a stretch of history ends, inclusive: [ThroughPosition], [ThroughSequence] or
// [ThroughTime].
type ReplayEnd interface {
	endReplay(*everlogpb.ReplayRequest)
}

// SubscribeStart is where a subscription starts: a [Cursor] or [FromNow].
type SubscribeStart interface {
	startSubscribe(*everlogpb.SubscribeRequest)
}

// Cursor is a place in the log: [AfterPosition], [AfterEvent] or [FromTime].
type Cursor interface {
	ReplayStart
	SubscribeStart
}

// AfterPosition starts after this position of the log; 0 is the start.
func AfterPosition(position int64) Cursor { return afterPosition{position: position} }

// AfterEvent starts after this position, and has it checked that the event there has this id: else
// the log is not the one that the cursor is from, [ErrLogDiverged].
func AfterEvent(position int64, eventID string) Cursor {
	return afterPosition{position: position, eventID: eventID}
}

// FromTime starts with the first event recorded at this time or later.
func FromTime(t time.Time) Cursor { return fromTime{t} }

// FromNow starts with the next event to be recorded when the server answers: wait for [CaughtUp] to
// be sure.
func FromNow() SubscribeStart { return fromNow{} }

// AfterSequence starts after this sequence of the aggregate; 0 is the start.
func AfterSequence(sequence int64) ReplayStart { return afterSequence(sequence) }

// ThroughPosition ends with the event at this position.
func ThroughPosition(position int64) ReplayEnd { return throughPosition(position) }

// ThroughSequence ends with the event that has this sequence in the aggregate.
func ThroughSequence(sequence int64) ReplayEnd { return throughSequence(sequence) }

// ThroughTime ends with the last event recorded at this time or earlier.
func ThroughTime(t time.Time) ReplayEnd { return throughTime{t} }

type (
	afterPosition struct {
		position int64
		eventID  string
	}
	fromTime        struct{ time time.Time }
	fromNow         struct{}
	afterSequence   int64
	throughPosition int64
	throughSequence int64
	throughTime     struct{ time time.Time }
)

func (b afterPosition) startReplay(r *everlogpb.ReplayRequest) {
	r.Start = &everlogpb.ReplayRequest_AfterPosition{AfterPosition: b.position}
	r.AfterEventId = b.eventID
}

func (b afterPosition) startSubscribe(r *everlogpb.SubscribeRequest) {
	r.Start = &everlogpb.SubscribeRequest_AfterPosition{AfterPosition: b.position}
	r.AfterEventId = b.eventID
}

func (b fromTime) startReplay(r *everlogpb.ReplayRequest) {
	r.Start = &everlogpb.ReplayRequest_FromTime{FromTime: timestamppb.New(b.time)}
}

func (b fromTime) startSubscribe(r *everlogpb.SubscribeRequest) {
	r.Start = &everlogpb.SubscribeRequest_FromTime{FromTime: timestamppb.New(b.time)}
}

func (fromNow) startSubscribe(r *everlogpb.SubscribeRequest) {
	r.Start = &everlogpb.SubscribeRequest_FromNow{FromNow: &emptypb.Empty{}}
}

func (b afterSequence) startReplay(r *everlogpb.ReplayRequest) {
	r.Start = &everlogpb.ReplayRequest_AfterSequence{AfterSequence: int64(b)}
}

func (b throughPosition) endReplay(r *everlogpb.ReplayRequest) {
	r.End = &everlogpb.ReplayRequest_ThroughPosition{ThroughPosition: int64(b)}
}

func (b throughSequence) endReplay(r *everlogpb.ReplayRequest) {
	r.End = &everlogpb.ReplayRequest_ThroughSequence{ThroughSequence: int64(b)}
}

func (b throughTime) endReplay(r *everlogpb.ReplayRequest) {
	r.End = &everlogpb.ReplayRequest_ThroughTime{ThroughTime: timestamppb.New(b.time)}
}
