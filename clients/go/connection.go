package everlog

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

const messageSizeMax = 64 * 1024 * 1024

// dial makes the connection; it is established with the first call.
func dial(url string, s settings) (*grpc.ClientConn, error) {
	address, err := parseAddress(cmp.Or(url, os.Getenv("EVERLOG_URL"), DefaultURL))
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if address.tls {
		config := s.tls
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
			if config.RootCAs, err = authoritiesOfEnvironment(); err != nil {
				return nil, err
			}
		}
		transport = credentials.NewTLS(config)
	} else if s.tls != nil {
		return nil, errors.New("everlog: WithTLS with an everlog:// URL: expected everlogs://")
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("everlog-go/" + Version),
		grpc.WithChainUnaryInterceptor(s.unaryHeaders),
		grpc.WithChainStreamInterceptor(s.streamHeaders),
		// Batches are at most 1 MiB, except for one larger event: the server may allow larger ones than
		// gRPC's default of 4 MiB would let in.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageSizeMax)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: s.keepAliveInterval, Timeout: s.keepAliveTimeout,
		}),
		// gRPC would wait up to two minutes before it looks for a restarted server again.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		// The client decides about retries itself: it knows which emits may be repeated.
		grpc.WithDisableRetry(),
	}
	connection, err := grpc.NewClient(address.target(), append(options, s.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("everlog: %w", err)
	}
	return connection, nil
}

// authoritiesOfEnvironment gives those of the file that EVERLOG_CA names; nil, the system's, without it.
func authoritiesOfEnvironment() (*x509.CertPool, error) {
	path := os.Getenv("EVERLOG_CA")
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("everlog: EVERLOG_CA: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("everlog: EVERLOG_CA: %s has no certificate", path)
	}
	return authorities, nil
}

// withHeaders adds what every call carries. A tenant that the caller put there already stays.
func (s *settings) withHeaders(ctx context.Context) context.Context {
	headers, _ := metadata.FromOutgoingContext(ctx)
	headers = headers.Copy()
	if headers == nil {
		headers = metadata.MD{}
	}
	if s.tenant != "" && len(headers.Get("everlog-tenant")) == 0 {
		headers.Set("everlog-tenant", s.tenant)
	}
	if s.token != "" && len(headers.Get("authorization")) == 0 {
		headers.Set("authorization", "Bearer "+s.token)
	}
	return metadata.NewOutgoingContext(ctx, headers)
}

func (s *settings) unaryHeaders(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(s.withHeaders(ctx), method, request, reply, connection, options...)
}

func (s *settings) streamHeaders(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn,
	method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(s.withHeaders(ctx), description, connection, method, options...)
}
