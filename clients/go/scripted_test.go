package everlog

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

type (
	emitStreamScript = func(*messages, pb.EventStoreService_EmitStreamServer) error
	subscribeScript  = func(*pb.SubscribeRequest, pb.EventStoreService_SubscribeServer) error
	replayScript     = func(*pb.ReplayRequest, pb.EventStoreService_ReplayServer) error
	queryScript      = func(*pb.QueryRequest) (*pb.QueryResponse, error)
	headScript       = func(context.Context) (*pb.GetHeadResponse, error)
	getScript        = func(*pb.GetRequest) (*pb.GetResponse, error)
)

// scripts say what becomes of each call: it takes the next script of its method; the last one is for
// good.
type scripts struct {
	emitStream []emitStreamScript
	subscribe  []subscribeScript
	replay     []replayScript
	query      []queryScript
	head       []headScript
	get        []getScript
}

// scripted is a peer that misbehaves as the test wants it to.
type scripted struct {
	pb.UnimplementedEventStoreServiceServer
	scripts scripts
	address string
	stop    func()

	mu       sync.Mutex
	requests []proto.Message // every request, or message of a stream, in the order of arrival
	calls    []string
	headers  []metadata.MD
	arrived  chan struct{} // has a token for each request
}

func serve(t *testing.T, s scripts) *scripted { return serveAt(t, "127.0.0.1:0", s) }

func serveAt(t *testing.T, address string, s scripts) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	servicer := &scripted{scripts: s, address: listener.Addr().String(), arrived: make(chan struct{}, 10_000)}
	server := grpc.NewServer()
	pb.RegisterEventStoreServiceServer(server, servicer)
	go server.Serve(listener)
	servicer.stop = server.Stop
	t.Cleanup(server.Stop)
	return servicer
}

func next[Script any](s *scripted, ctx context.Context, method string, scripts *[]Script) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	s.calls = append(s.calls, method)
	s.headers = append(s.headers, headers)
	script := (*scripts)[0]
	if len(*scripts) > 1 {
		*scripts = (*scripts)[1:]
	}
	return script
}

func (s *scripted) note(request proto.Message) {
	s.mu.Lock()
	s.requests = append(s.requests, request)
	s.mu.Unlock()
	s.arrived <- struct{}{}
}

// seen are the requests so far.
func seen[Request proto.Message](s *scripted) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, request := range s.requests {
		requests[i] = request.(Request)
	}
	return requests
}

func (s *scripted) callCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// messages are what a caller sends on an EmitStream; each is noted as it is read.
type messages struct {
	server *scripted
	stream pb.EventStoreService_EmitStreamServer
}

func (m *messages) next() ([]*pb.StreamedEmit, error) {
	message, err := m.stream.Recv()
	if err != nil {
		return nil, err
	}
	m.server.note(message)
	return message.GetEmits(), nil
}

func (s *scripted) EmitStream(stream pb.EventStoreService_EmitStreamServer) error {
	script := next(s, stream.Context(), "EmitStream", &s.scripts.emitStream)
	return script(&messages{s, stream}, stream)
}

func (s *scripted) Subscribe(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
	s.note(request)
	return next(s, stream.Context(), "Subscribe", &s.scripts.subscribe)(request, stream)
}

func (s *scripted) Replay(request *pb.ReplayRequest, stream pb.EventStoreService_ReplayServer) error {
	s.note(request)
	return next(s, stream.Context(), "Replay", &s.scripts.replay)(request, stream)
}

func (s *scripted) Query(ctx context.Context, request *pb.QueryRequest) (*pb.QueryResponse, error) {
	s.note(request)
	return next(s, ctx, "Query", &s.scripts.query)(request)
}

func (s *scripted) GetHead(ctx context.Context, request *pb.GetHeadRequest) (*pb.GetHeadResponse, error) {
	s.note(request)
	return next(s, ctx, "GetHead", &s.scripts.head)(ctx)
}

func (s *scripted) Get(ctx context.Context, request *pb.GetRequest) (*pb.GetResponse, error) {
	s.note(request)
	return next(s, ctx, "Get", &s.scripts.get)(request)
}

// soon makes waits short.
var soon = Backoff{Initial: 10 * time.Millisecond, Max: 50 * time.Millisecond, Multiplier: 1.5}

// connected is a client of a scripted server.
func connected(t *testing.T, server *scripted, options ...Option) *Client {
	t.Helper()
	client, err := Connect(server.address, append([]Option{WithBackoff(soon)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// within is a context for a test that would hang if it were wrong.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// statusOf is a status as everlog's server makes it.
func statusOf(code codes.Code, reason string, details ...proto.Message) *spb.Status {
	return statusFrom(domain, code, reason, details...)
}

func statusFrom(domain string, code codes.Code, reason string, details ...proto.Message) *spb.Status {
	given := &spb.Status{Code: int32(code), Message: "as the script says"}
	info := &errdetails.ErrorInfo{Reason: reason, Domain: domain, Metadata: map[string]string{"position": "9"}}
	for _, detail := range append([]proto.Message{info}, details...) {
		packed, err := anypb.New(detail)
		if err != nil {
			panic(err)
		}
		given.Details = append(given.Details, packed)
	}
	return given
}

func retryAfter(wait time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}
}

// fail ends a call as everlog's server does.
func fail(code codes.Code, reason string, details ...proto.Message) error {
	return status.ErrorProto(statusOf(code, reason, details...))
}

// broken ends a call as a lost connection does.
var broken = status.Error(codes.Unavailable, "Socket closed")

// answer gives receipts for one emit, from this position on.
func answer(emit *pb.StreamedEmit, position int64) *pb.StreamedAnswer {
	response := &pb.EmitResponse{}
	for n := range emit.GetRequest().GetEvents() {
		at := position + int64(n)
		response.Receipts = append(response.Receipts,
			&pb.Receipt{EventId: fmt.Sprintf("id-%d", at), Position: at, Sequence: 1})
	}
	return &pb.StreamedAnswer{
		RequestId: emit.GetRequestId(), Answer: &pb.StreamedAnswer_Response{Response: response},
	}
}

func refused(emit *pb.StreamedEmit, given *spb.Status) *pb.StreamedAnswer {
	return &pb.StreamedAnswer{
		RequestId: emit.GetRequestId(), Answer: &pb.StreamedAnswer_Status{Status: given},
	}
}

func answers(given ...*pb.StreamedAnswer) *pb.EmitStreamResponse {
	return &pb.EmitStreamResponse{Answers: given}
}

// allWell stores every emit at the position of its number.
func allWell(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
	for {
		emits, err := messages.next()
		if err != nil {
			return nil
		}
		var given []*pb.StreamedAnswer
		for _, emit := range emits {
			given = append(given, answer(emit, emit.GetRequestId()))
		}
		if err := stream.Send(answers(given...)); err != nil {
			return err
		}
	}
}

// dies breaks off after the first message.
func dies(messages *messages, _ pb.EventStoreService_EmitStreamServer) error {
	if _, err := messages.next(); err != nil {
		return nil
	}
	return broken
}

// silent reads and never answers.
func silent(messages *messages, _ pb.EventStoreService_EmitStreamServer) error {
	for {
		if _, err := messages.next(); err != nil {
			return nil
		}
	}
}

func recorded(positions ...int64) []*pb.RecordedEvent {
	var events []*pb.RecordedEvent
	for _, position := range positions {
		events = append(events, &pb.RecordedEvent{
			Position: position, EventId: fmt.Sprintf("id-%d", position), EventType: "a.b",
		})
	}
	return events
}

func positionsOf(events []*RecordedEvent) []int64 {
	positions := make([]int64, 0, len(events))
	for _, event := range events {
		positions = append(positions, event.Position)
	}
	return positions
}
