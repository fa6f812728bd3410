package everlog

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

const (
	messageEmitsMax    = 1_000
	messageBytesMax    = 1024 * 1024
	unansweredEmitsMax = 5_000 // half of a server's append queue, at its default
	unansweredBytesMax = 4 * 1024 * 1024
	messagesMax        = 2
)

// pipeline sends emits over one EmitStream, opening a new one when it breaks. Concurrent emits share
// messages, each gets its own answer:
//
//	submit ──▶ queue (by number) ──▶ in flight (by number) ──▶ answer
//	                 ▲                       │
//	                 └── may be retried ─────┘  refused for now, or the stream broke
//
// Invariants:
//
//   - An emit's number is its request_id for good, and the queue gives out the lowest number first:
//     what is sent again goes before what was never sent, in the order of submission.
//   - At most messagesMax messages are without an answer; what is submitted meanwhile travels together
//     in the next one. A message costs the server more than an emit does: one for each would make it
//     several times slower. What is alone waits for nobody.
//   - At most unansweredBytesMax are unanswered, except for one larger emit alone; who would exceed
//     that waits for room, in turn.
//   - Every emit ends in exactly one of: receipts, an error of its own, or the end of its context.
type pipeline struct {
	open    func(context.Context) (grpc.ClientStream, error)
	reach   *reach
	backoff *Backoff // nil: nothing is sent twice

	ctx    context.Context // over when the pipeline is closed
	cancel context.CancelFunc
	number atomic.Int64

	// turn is held by the one who waits for room: the others wait behind it, first come, first served.
	turn chan struct{}
	// wake has a token when there may be something to send. Who sends takes it, then looks.
	wake chan struct{}

	mu              sync.Mutex // guards all below; held for moments, never while sending or waiting
	queue           []*Pending // by number
	inFlight        map[int64]*Pending
	messages        int // with an emit in flight
	unanswered      int // in the queue or in flight, also when nobody waits for the answer any more
	unansweredBytes int
	room            chan struct{} // closed and replaced when something is answered, if anybody waits
	roomWanted      bool
	failures        int
	pausedUntil     time.Time
	runner          chan struct{} // closed when run has returned; nil before the first emit
}

func byNumber(one, other *Pending) int { return cmp.Compare(one.number, other.number) }

func newPipeline(open func(context.Context) (grpc.ClientStream, error), reach *reach, backoff *Backoff) *pipeline {
	ctx, cancel := context.WithCancel(context.Background())
	return &pipeline{
		open:     open,
		reach:    reach,
		backoff:  backoff,
		ctx:      ctx,
		cancel:   cancel,
		turn:     make(chan struct{}, 1),
		wake:     make(chan struct{}, 1),
		inFlight: map[int64]*Pending{},
		room:     make(chan struct{}),
	}
}

// submit queues a request, waiting for room first. When ctx ends, or the timeout (0: none) is over,
// the request is withdrawn if it is not sent yet; if it is, nobody will be told what becomes of it.
// onFinish (or nil) is told the request's end, if submit itself returns no error.
func (p *pipeline) submit(ctx context.Context, request *emitRequest, timeout time.Duration, onFinish func(*Error)) (*Pending, error) {
	message, recognisable, err := request.message()
	if err != nil {
		return nil, err
	}
	emit := &Pending{
		number: p.number.Add(1), events: len(message.GetEvents()), recognisable: recognisable,
		onFinish: onFinish, done: make(chan struct{}),
	}
	frame, err := proto.Marshal(&everlogpb.EmitStreamRequest{
		Emits: []*everlogpb.StreamedEmit{{RequestId: emit.number, Request: message}},
	})
	if err != nil {
		return nil, refusal(ReasonInvalidEvent, err.Error())
	}
	emit.frame = frame

	ctx, cancel := withTimeout(ctx, timeout)
	unwatch := context.AfterFunc(ctx, func() {
		p.withdraw(emit, func() *Error { return contextError(ctx, emit.lastError) })
	})
	endSearch := p.reach.afterTimeout(func() {
		p.withdraw(emit, func() *Error { return p.reach.failure(emit.lastError) })
	})
	emit.release = func() { unwatch(); endSearch(); cancel() }
	if err := p.enter(ctx, emit); err != nil {
		emit.release()
		return nil, err
	}
	return emit, nil
}

// enter puts an emit into the queue, when there is room and its turn has come.
func (p *pipeline) enter(ctx context.Context, emit *Pending) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return contextError(ctx, nil)
	case <-p.ctx.Done():
		return lost(closedMessage)
	}
	for {
		room, err := p.enterNow(emit)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return contextError(ctx, nil)
		case <-p.ctx.Done():
			return lost(closedMessage)
		}
	}
}

// enterNow puts an emit into the queue, or gives what is closed when there may be room for it.
func (p *pipeline) enterNow(emit *Pending) (room <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil, lost(closedMessage)
	}
	if emit.finished() {
		return nil, emit.err // its context ended before its turn came
	}
	if p.unanswered > 0 && (p.unanswered >= unansweredEmitsMax ||
		p.unansweredBytes+len(emit.frame) > unansweredBytesMax) {
		p.roomWanted = true
		return p.room, nil
	}
	p.unanswered++
	p.unansweredBytes += len(emit.frame)
	p.enqueue(emit)
	if p.runner == nil {
		p.runner = make(chan struct{})
		go p.run()
	}
	return nil, nil
}

// close ends the stream. Emits without an answer fail with ErrConnectionLost.
func (p *pipeline) close() {
	p.mu.Lock()
	p.cancel()
	runner := p.runner
	p.mu.Unlock()
	if runner != nil {
		<-runner
	}
}

// take hands answers to those who wait for them.
func (p *pipeline) take(response *everlogpb.EmitStreamResponse) {
	p.reach.note()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range response.GetAnswers() {
		emit := p.inFlight[answer.GetRequestId()]
		if emit == nil {
			continue // an answer to nobody: there is nobody to tell
		}
		delete(p.inFlight, emit.number)
		p.answered(emit)
		switch receipts := answer.GetResponse().GetReceipts(); {
		case answer.GetStatus() != nil:
			p.retryOrRefuse(emit, errorFromStatus(answer.GetStatus()))
		case len(receipts) != emit.events:
			p.end(emit, nil, &Error{Code: codes.Internal, Message: fmt.Sprintf(
				"the server answered %d events with %d receipts", emit.events, len(receipts))})
		default:
			p.failures = 0
			p.end(emit, receiptsFrom(receipts), nil)
		}
	}
}

// settle decides about the emits that a broken stream left without an answer.
func (p *pipeline) settle(err *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return // closed: abandon says so
	}
	for _, emit := range p.inFlight {
		p.retryOrRefuse(emit, err)
	}
	clear(p.inFlight)
	p.messages = 0
}

// postpone decides about the emits that wait for a stream which could not be opened.
func (p *pipeline) postpone(err *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	waiting := p.queue
	p.queue = nil
	for _, emit := range waiting {
		if p.backoff == nil || !emitMayBeRetried(err, true) {
			p.end(emit, nil, err)
		} else {
			p.retry(emit, err)
		}
	}
}

// All below are called with mu held.

// answered counts an emit off its message.
func (p *pipeline) answered(emit *Pending) {
	if *emit.message--; *emit.message == 0 {
		p.messages--
		p.wakeWriter()
	}
}

func (p *pipeline) retryOrRefuse(emit *Pending, err *Error) {
	if p.backoff == nil || !emitMayBeRetried(err, emit.recognisable) {
		p.end(emit, nil, err)
	} else {
		p.retry(emit, err)
	}
}

func (p *pipeline) retry(emit *Pending, err *Error) {
	emit.lastError = err
	if emit.finished() {
		p.end(emit, nil, err) // nobody waits for it any more
		return
	}
	p.enqueue(emit)
	// Everything is held back for a while: what failed now would fail for the next emit, too. Other
	// refusals out of the same misfortune add nothing.
	if now := time.Now(); !now.Before(p.pausedUntil) {
		p.failures++
		p.pausedUntil = now.Add(p.backoff.wait(p.failures, err.RetryAfter, rand.Float64))
	}
}

func (p *pipeline) enqueue(emit *Pending) {
	at, _ := slices.BinarySearchFunc(p.queue, emit, byNumber)
	p.queue = slices.Insert(p.queue, at, emit)
	p.wakeWriter()
}

func (p *pipeline) wakeWriter() {
	select {
	case p.wake <- struct{}{}:
	default: // there is a token already
	}
}

// end says what became of an emit, and gives its room to others.
func (p *pipeline) end(emit *Pending, receipts []Receipt, err *Error) {
	emit.finish(receipts, err)
	emit.release()
	p.unanswered--
	p.unansweredBytes -= len(emit.frame)
	if p.roomWanted {
		close(p.room)
		p.room, p.roomWanted = make(chan struct{}), false
	}
}

// withdraw ends an emit that has waited for long enough. If it is in flight, its room stays taken: the
// server still works on it.
func (p *pipeline) withdraw(emit *Pending, because func() *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, queued := slices.BinarySearchFunc(p.queue, emit, byNumber)
	if !queued {
		emit.finish(nil, because())
		return
	}
	p.queue = slices.Delete(p.queue, at, at+1)
	p.end(emit, nil, because())
}
