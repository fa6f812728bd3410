package everlog

import (
	"context"
	"errors"
	"sync"
)

// EmitStream appends many requests without waiting for each answer; made by [Client.EmitStream].
//
// They are judged in the order in which they were sent, each on its own: a refused one does not touch
// the others. What is sent and not answered is bounded (to 5,000 requests and 4 MiB): Send waits for
// room. Any number of goroutines may send.
type EmitStream struct {
	client   *Client
	pipeline *pipeline
	ctx      context.Context

	mu      sync.Mutex // guards all below
	closed  bool
	sent    sync.WaitGroup
	failure *Error // the first
}

// Send puts one request on its way, all or nothing, and returns when there is room for it. What
// becomes of it is told by the [Pending]; each request has the client's timeout. Send itself fails
// only when the request can't be encoded, the stream's context is over, or the stream is closed.
func (s *EmitStream) Send(events []Event, options ...EmitOption) (*Pending, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errors.New("everlog: Send on an EmitStream that is closed")
	}
	s.sent.Add(1)
	s.mu.Unlock()

	var once sync.Once
	finished := func(err *Error) {
		once.Do(func() {
			s.note(err)
			s.sent.Done()
		})
	}
	pending, err := s.pipeline.submit(s.ctx, newEmitRequest(s.client.keyed(events), options), s.client.settings.timeout, finished)
	if err != nil {
		finished(nil) // Send's own caller is told
		return nil, err
	}
	return pending, nil
}

// Close waits until it is known what became of everything that was sent, and ends the stream. It
// returns the first failure of any request, for callers who need not know which one.
func (s *EmitStream) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.sent.Wait()
	s.pipeline.close()
	s.client.forget(s.pipeline)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	return nil
}

func (s *EmitStream) note(err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
}
