package everlog

import (
	"math"
	"time"

	"google.golang.org/grpc/codes"
)

// When to try again, and how soon: decisions only, without clocks, goroutines or connections.
//
// What may be repeated follows from what the contract says of each reason:
//
//   - STORAGE_UNAVAILABLE, SERVER_DRAINING, OVERLOADED: nothing was stored. Anybody may try again.
//   - a lost connection, COMMIT_UNKNOWN: the events may be stored. Only who can be recognised (every
//     event carries an idempotency key or a chosen id) may try again.
//   - everything else is an answer, not an interruption.

// Backoff says how long to wait before the n-th attempt: growing, capped, with jitter.
type Backoff struct {
	Initial time.Duration
	Max     time.Duration
	// Multiplier is best below 2, so that whoever was away is found again within half of its absence.
	Multiplier float64
}

// DefaultBackoff is what a client does unless [WithBackoff] or [WithoutRetries] says otherwise.
var DefaultBackoff = Backoff{Initial: 100 * time.Millisecond, Max: 5 * time.Second, Multiplier: 1.5}

// wait says how long to wait after so many failures in a row (from 1); random gives 0 to 1.
//
// It is between half and all of the grown wait, so that clients do not return in step; not less than
// the server asked for, even beyond the cap.
func (b Backoff) wait(failures int, retryAfter time.Duration, random func() float64) time.Duration {
	full := min(float64(b.Initial)*math.Pow(b.Multiplier, float64(failures-1)), float64(b.Max))
	return max(time.Duration(full*(0.5+random()/2)), retryAfter)
}

// emitMayBeRetried tells whether an emit that failed so may be sent again; recognisable: the log
// would know it.
func emitMayBeRetried(err *Error, recognisable bool) bool {
	switch err.Reason {
	case ReasonStorageUnavailable, ReasonServerDraining, ReasonOverloaded:
		return true
	}
	return recognisable && (err.Code == codes.Unavailable || wasCutOff(err))
}

// readMayBeRetried tells whether a read that failed so may be sent again.
func readMayBeRetried(err *Error) bool {
	// Not after Internal, with which gRPC also ends what can never succeed.
	return err.Code == codes.Unavailable || err.Reason == ReasonOverloaded ||
		err.Code == codes.Canceled && wasCutOff(err)
}

// subscriptionMayBeResumed tells whether a subscription that ended so goes on from its cursor, rather
// than being over.
func subscriptionMayBeResumed(err *Error) bool {
	return err.Code == codes.Unavailable || err.Reason == ReasonOverloaded ||
		err.Reason == ReasonTooManySubscriptions || wasCutOff(err)
}

// wasCutOff tells whether something on the way (a proxy, gRPC in a dying or overloaded server) ended the
// call: everlog itself always gives a reason. The caller's own context is not on the way; see [callError].
func wasCutOff(err *Error) bool {
	return err.Reason == "" && err.cause == nil &&
		(err.Code == codes.Canceled || err.Code == codes.Internal)
}
