package everlog

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// How a pipeline runs: one stream after the other, each with one goroutine that writes and one that reads.

func (p *pipeline) run() {
	defer p.abandon()
	for p.ctx.Err() == nil {
		if p.waitForEmits() {
			p.settle(p.carry())
		}
	}
}

// abandon fails all that have no answer; the pipeline is closed, so none can follow them.
func (p *pipeline) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, emit := range p.inFlight {
		emit.finish(nil, lost("the client was closed before the answer came"))
		emit.release()
	}
	for _, emit := range p.queue {
		emit.finish(nil, lost("the client was closed before it was sent"))
		emit.release()
	}
	close(p.runner)
}

// waitForEmits waits until there is something to send and the pause is over; false when the wait was
// for nothing.
func (p *pipeline) waitForEmits() bool {
	p.mu.Lock()
	pause, queued := time.Until(p.pausedUntil), len(p.queue) > 0
	p.mu.Unlock()
	switch {
	case pause > 0:
		sleep(p.ctx, pause)
		return false
	case queued:
		return true
	}
	select {
	case <-p.wake:
	case <-p.ctx.Done():
	}
	return false
}

// carry sends and receives on one stream until it ends, and says why it ended.
func (p *pipeline) carry() *Error {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	stream, err := p.open(ctx)
	if err != nil {
		// Nothing was sent, so nothing can have been stored: whoever waits may go on waiting.
		p.postpone(callError(p.ctx, err))
		return nil
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		p.write(ctx, stream)
	}()
	defer func() {
		cancel()
		<-written
	}()
	for {
		response := new(everlogpb.EmitStreamResponse)
		if err := stream.RecvMsg(response); err != nil {
			return callError(p.ctx, err)
		}
		p.take(response)
	}
}

func (p *pipeline) write(ctx context.Context, stream grpc.ClientStream) {
	for ctx.Err() == nil {
		message := p.nextMessage()
		if message == nil {
			p.waitToWrite(ctx)
		} else if stream.SendMsg(message) != nil {
			return // the stream is over: the reader knows why
		}
	}
}

// waitToWrite waits for the end of the pause if there is one, else for something to send.
func (p *pipeline) waitToWrite(ctx context.Context) {
	p.mu.Lock()
	pause := time.Until(p.pausedUntil)
	p.mu.Unlock()
	if pause > 0 {
		sleep(ctx, pause)
		return
	}
	select {
	case <-p.wake:
	case <-ctx.Done():
	}
}

// nextMessage moves emits from the queue to those in flight, as many as one message may have.
func (p *pipeline) nextMessage() frames {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || p.messages >= messagesMax || time.Now().Before(p.pausedUntil) {
		return nil
	}
	var message frames
	size, taken, inFlight := 0, 0, new(int)
	for _, emit := range p.queue {
		if len(message) == messageEmitsMax || (size > 0 && size+len(emit.frame) > messageBytesMax) {
			break
		}
		taken++
		p.inFlight[emit.number] = emit
		emit.message = inFlight
		size += len(emit.frame)
		message = append(message, emit.frame)
	}
	p.queue = slices.Delete(p.queue, 0, taken)
	*inFlight = taken
	p.messages++
	return message
}
