package everlog

import (
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
)

// Option says how a client connects.
type Option func(*settings)

type settings struct {
	tenant            string
	token             string
	tls               *tls.Config
	timeout           time.Duration
	connectTimeout    time.Duration
	backoff           *Backoff
	keepAliveInterval time.Duration
	keepAliveTimeout  time.Duration
	makeKeys          bool
	dial              []grpc.DialOption
}

func newSettings(options []Option) (settings, error) {
	backoff := DefaultBackoff
	s := settings{
		timeout: 30 * time.Second,
		// Short enough for who has mistyped an address, long enough for a server that is just starting.
		connectTimeout: 5 * time.Second,
		backoff:        &backoff,
		// A peer that vanished without a word (power, NAT) is noticed within 40 s. Servers answer pings
		// more frequent than their own minimum with GOAWAY.
		keepAliveInterval: 30 * time.Second,
		keepAliveTimeout:  10 * time.Second,
	}
	s.tenant, s.token = os.Getenv("EVERLOG_TENANT"), os.Getenv("EVERLOG_TOKEN")
	for _, option := range options {
		option(&s)
	}
	for name, value := range map[string]string{"tenant": s.tenant, "token": s.token} {
		for _, char := range value {
			if char < ' ' || char > '~' {
				// gRPC's metadata can carry nothing else. The value is not repeated: it may be a secret.
				return s, fmt.Errorf("everlog: the %s may hold printable ASCII only", name)
			}
		}
	}
	if b := s.backoff; b != nil && (b.Initial <= 0 || b.Max < b.Initial || b.Multiplier < 1) {
		return s, fmt.Errorf("everlog: backoff is %+v, expected 0 < Initial <= Max and Multiplier >= 1", *b)
	}
	return s, nil
}

// WithTenant names the tenant of every call. Without it, it is EVERLOG_TENANT of the environment; else,
// and with "", the first of those that the token or the certificate is good for, or "default" where the
// server asks for neither.
func WithTenant(tenant string) Option { return func(s *settings) { s.tenant = tenant } }

// WithToken sends a token with every call, as `authorization: Bearer …`. Without it, that is
// EVERLOG_TOKEN of the environment; with "", none.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithTLS says which authorities to trust and which certificate to show, for everlogs:// alone.
// Without it, those of the PEM file that EVERLOG_CA of the environment names are trusted, or the system's.
func WithTLS(config *tls.Config) Option { return func(s *settings) { s.tls = config } }

// WithTimeout bounds each emit and each unary read, retries included; 30 s without it, 0: no bound. A
// context that ends sooner wins.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithConnectTimeout bounds how long an emit or a unary read waits for the first connection; 5 s without
// it, 0: no bound but that of WithTimeout. It fails with [ErrConnectionLost] then. A client that has
// been connected waits for a server that is away as long as WithTimeout allows.
func WithConnectTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.connectTimeout = timeout }
}

// WithBackoff says how to wait between retries; [DefaultBackoff] without it.
func WithBackoff(backoff Backoff) Option { return func(s *settings) { s.backoff = &backoff } }

// WithMadeIdempotencyKeys gives each event that has no idempotency key a random one, so that every emit
// may be sent again after an interruption. It costs the log an index entry for each.
func WithMadeIdempotencyKeys() Option { return func(s *settings) { s.makeKeys = true } }

// WithoutRetries has nothing sent again, and no subscription resumed.
func WithoutRetries() Option { return func(s *settings) { s.backoff = nil } }

// WithKeepAlive pings the server after an interval of silence while calls are open, and gives the
// connection up when no answer comes within the timeout; 30 s and 10 s without it.
func WithKeepAlive(interval, timeout time.Duration) Option {
	return func(s *settings) { s.keepAliveInterval, s.keepAliveTimeout = interval, timeout }
}

// WithDialOptions adds options of gRPC's own, such as interceptors or a stats handler for traces.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}
