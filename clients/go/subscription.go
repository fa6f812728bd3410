package everlog

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

const (
	defaultHeartbeat    = 10 * time.Second
	heartbeatsMissedMax = 3
)

// Subscribe says what to follow, and from where.
type Subscribe struct {
	// Start is where to start: [AfterPosition], [AfterEvent], [FromTime] or [FromNow]. Required.
	Start SubscribeStart
	// Filter says which events; nil: all.
	Filter *Filter
	// Heartbeat is the server's longest silence, 1 s to 5 min; 0: 10 s. After three it reconnects.
	Heartbeat time.Duration
	// MinPosition has the server wait until at least this position is visible.
	MinPosition int64
	// OnInterruption is told what interrupted, and how long it is until the next attempt; may be nil.
	OnInterruption func(err error, wait time.Duration)
}

// Mark stands between events; see [Subscription.Items].
type Mark int

const (
	// NoMark is that of an event.
	NoMark Mark = iota
	// CaughtUp says that everything that the log had is handed out: what follows is live.
	CaughtUp
	// FellBehind says that the reader is slower than the log grows; nothing is lost.
	FellBehind
)

// Item is an event, or a mark between events.
type Item struct {
	// Event is nil when this is a mark.
	Event *RecordedEvent
	Mark  Mark
	// Position is the event's; of a mark, that up to which the log has been examined.
	Position int64
}

// Subscription is the events after a cursor, and then every new one, without end; made by
// [Client.Subscribe]. Range over it in one goroutine.
//
//	connect ──▶ read ──▶ hand out ──▶ read …
//	   ▲          │
//	   └─ wait ◀──┘ interrupted: UNAVAILABLE, cut off, or silent for three heartbeats
//
// The cursor moves with each event that is handed out, and to a message's examined position only when
// all of its events are. So whatever breaks, the next connection begins after exactly what was handed
// out. Where the cursor's event is known, its id goes along, and a log that was restored to an earlier
// state meanwhile is recognised ([ErrLogDiverged]).
type Subscription struct {
	ctx            context.Context
	client         *Client
	request        *everlogpb.SubscribeRequest
	silence        time.Duration
	onInterruption func(error, time.Duration)
	invalid        error
	position       atomic.Int64
}

// Subscribe follows the log: what is stored after a start, then every new event, without end.
//
// Exactly the matching events, once each, in position order. After an interruption (the server drains
// or is gone, PostgreSQL is away, three heartbeats are missing) it resumes where it was; other
// failures end the iteration, as does the context. Nothing is sent before the first iteration.
func (c *Client) Subscribe(ctx context.Context, subscribe Subscribe) *Subscription {
	heartbeat := subscribe.Heartbeat
	if heartbeat == 0 {
		heartbeat = defaultHeartbeat
	}
	request, err := subscribe.message(heartbeat)
	s := &Subscription{
		ctx:            ctx,
		client:         c,
		request:        request,
		silence:        heartbeatsMissedMax * heartbeat,
		onInterruption: subscribe.OnInterruption,
		invalid:        err,
	}
	s.position.Store(request.GetAfterPosition())
	return s
}

// Position is that after which to subscribe again, to go on after the last event that was handed out.
//
// It may be further than that event's: nothing in between matched. It is 0 until the first message
// when the subscription started from a time or from now. Any goroutine may ask.
func (s *Subscription) Position() int64 { return s.position.Load() }

// Events hands out the events. An error ends the iteration; the event beside it is nil. Leaving the
// loop ends the call; ranging again goes on after the last event that was handed out.
func (s *Subscription) Events() iter.Seq2[*RecordedEvent, error] {
	return func(yield func(*RecordedEvent, error) bool) {
		for item, err := range s.Items() {
			if (err != nil || item.Event != nil) && !yield(item.Event, err) {
				return
			}
		}
	}
}

// Items hands out the events, and the marks between them, otherwise as Events.
func (s *Subscription) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if s.invalid != nil {
			yield(Item{}, s.invalid)
			return
		}
		backoff := s.client.settings.backoff
		for failures := 0; ; {
			err := s.follow(yield, &failures)
			if err == nil {
				return // the reader has left
			}
			if s.ctx.Err() != nil {
				yield(Item{}, contextError(s.ctx, nil))
				return
			}
			if s.client.closed() {
				yield(Item{}, lost(closedMessage))
				return
			}
			if backoff == nil || !subscriptionMayBeResumed(err) {
				yield(Item{}, err)
				return
			}
			failures++
			wait := backoff.wait(failures, err.RetryAfter, rand.Float64)
			if s.onInterruption != nil {
				s.onInterruption(err, wait)
			}
			sleep(s.ctx, wait)
		}
	}
}

// follow hands out what one call gives, and says why it ended; nil: the reader has left.
func (s *Subscription) follow(yield func(Item, error) bool, failures *int) *Error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	watchdog := newWatchdog(s.silence, cancel)
	// Opening waits for a connection: that is bounded, too.
	watchdog.start()
	// The request changes while the call may still be sending it.
	stream, err := s.client.stub.Subscribe(ctx, proto.CloneOf(s.request))
	for {
		var response *everlogpb.SubscribeResponse
		if err == nil {
			response, err = receive(stream, watchdog)
		}
		if err != nil {
			if watchdog.barked() {
				return lost(fmt.Sprintf("not even a heartbeat came for %s", s.silence))
			}
			return callError(s.ctx, err)
		}
		*failures = 0
		if !s.handOut(response, yield) {
			return nil
		}
	}
}

// receive reads one message; only then the watchdog is awake: a slow reader is not a silent server.
func receive(stream grpc.ServerStreamingClient[everlogpb.SubscribeResponse], watchdog *watchdog) (*everlogpb.SubscribeResponse, error) {
	watchdog.start()
	defer watchdog.stop()
	return stream.Recv()
}

func (s *Subscription) handOut(response *everlogpb.SubscribeResponse, yield func(Item, error) bool) bool {
	for _, message := range response.GetEvents() {
		s.advance(message.GetPosition(), message.GetEventId())
		event := recordedFrom(message)
		if !yield(Item{Event: event, Position: event.Position}, nil) {
			return false
		}
	}
	examined := response.GetExaminedPosition()
	if start, known := s.request.GetStart().(*everlogpb.SubscribeRequest_AfterPosition); !known || start.AfterPosition != examined {
		s.advance(examined, "")
	}
	if response.GetCaughtUp() != nil && !yield(Item{Mark: CaughtUp, Position: examined}, nil) {
		return false
	}
	return response.GetFellBehind() == nil || yield(Item{Mark: FellBehind, Position: examined}, nil)
}

// advance has the next call begin after this position.
func (s *Subscription) advance(position int64, eventID string) {
	s.request.Start = &everlogpb.SubscribeRequest_AfterPosition{AfterPosition: position}
	s.request.AfterEventId = eventID
	s.position.Store(position)
}

func (s *Subscribe) message(heartbeat time.Duration) (*everlogpb.SubscribeRequest, error) {
	if s.Start == nil {
		return nil, refusal(ReasonInvalidRequest, "Subscribe.Start is missing: expected AfterPosition, AfterEvent, FromTime or FromNow")
	}
	if heartbeat < 0 {
		return nil, refusal(ReasonInvalidRequest, fmt.Sprintf("Subscribe.Heartbeat is %s, expected 1 s to 5 min", heartbeat))
	}
	filter, err := s.Filter.message()
	if err != nil {
		return nil, err
	}
	request := &everlogpb.SubscribeRequest{
		Filter:            filter,
		HeartbeatInterval: durationpb.New(heartbeat),
		MinPosition:       s.MinPosition,
	}
	s.Start.startSubscribe(request)
	return request, nil
}

// watchdog ends a call after a silence.
type watchdog struct {
	timer   *time.Timer
	silence time.Duration
	silent  atomic.Bool
}

func newWatchdog(silence time.Duration, end context.CancelFunc) *watchdog {
	w := &watchdog{silence: silence}
	w.timer = time.AfterFunc(silence, func() {
		w.silent.Store(true)
		end()
	})
	return w
}

func (w *watchdog) start()       { w.timer.Reset(w.silence) }
func (w *watchdog) stop()        { w.timer.Stop() }
func (w *watchdog) barked() bool { return w.silent.Load() }
