package everlog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// reach knows whether a client has ever been connected to its server. Until it has, the address may be
// wrong or nobody be there: what waits is given up after the connect timeout. Later a server that is
// away is expected back, and is waited for as long as each call allows.
type reach struct {
	connection *grpc.ClientConn
	timeout    time.Duration // 0: no bound
	noted      atomic.Bool
}

// note is for whoever got an answer.
func (r *reach) note() {
	if !r.noted.Load() {
		r.noted.Store(true)
	}
}

// connected tells whether the client is, or has been, connected.
func (r *reach) connected() bool {
	if !r.noted.Load() && r.connection.GetState() == connectivity.Ready {
		r.noted.Store(true)
	}
	return r.noted.Load()
}

// afterTimeout has giveUp called when the client is still not connected after the connect timeout;
// stop it when nobody waits any more.
func (r *reach) afterTimeout(giveUp func()) (stop func()) {
	if r.timeout <= 0 || r.connected() {
		return func() {}
	}
	timer := time.AfterFunc(r.timeout, func() {
		if !r.connected() {
			giveUp()
		}
	})
	return func() { timer.Stop() }
}

// searching ends its context with errNotConnected when there is no connection in time.
func (r *reach) searching(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.connected() {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := r.afterTimeout(func() { cancel(errNotConnected) })
	return ctx, func() { stop(); cancel(nil) }
}

var errNotConnected = errors.New("no connection within the connect timeout")

// failure says that there is no server; last is what went wrong with the latest attempt, or nil.
func (r *reach) failure(last *Error) *Error {
	message := fmt.Sprintf("no server could be reached at %s within %s", r.connection.Target(), r.timeout)
	if last != nil {
		message += ": " + last.Message
	}
	return lost(message)
}
