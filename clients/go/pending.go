package everlog

import (
	"context"
	"sync"
)

// Pending is a request on its way.
type Pending struct {
	number       int64
	frame        []byte // an EmitStreamRequest with this emit alone
	events       int    // how many it has
	recognisable bool
	release      func()       // frees what watches over its context
	onFinish     func(*Error) // told once, perhaps with the pipeline's mu held; may be nil
	lastError    *Error       // guarded by the pipeline's mu, as is the next
	message      *int         // how many emits of the message that it was sent in are in flight

	once     sync.Once
	done     chan struct{}
	receipts []Receipt
	err      *Error
}

// Done is closed when it is known what became of the request.
func (e *Pending) Done() <-chan struct{} { return e.done }

// Receipts waits until it is known what became of the request, and gives one receipt for each of its
// events, or an [*Error]. A context that ends, ends the waiting alone.
func (e *Pending) Receipts(ctx context.Context) ([]Receipt, error) {
	select {
	case <-e.done:
	case <-ctx.Done():
		return nil, contextError(ctx, nil)
	}
	if e.err != nil {
		return nil, e.err
	}
	return e.receipts, nil
}

func (e *Pending) finish(receipts []Receipt, err *Error) {
	e.once.Do(func() {
		e.receipts, e.err = receipts, err
		close(e.done)
		if e.onFinish != nil {
			e.onFinish(err)
		}
	})
}

func (e *Pending) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}
