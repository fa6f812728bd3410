package everlog

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"google.golang.org/grpc"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Client appends events, reads them back and follows them, for one tenant; made by [Connect]. Any
// number of goroutines may share it.
type Client struct {
	settings   settings
	connection *grpc.ClientConn
	reach      *reach
	stub       everlogpb.EventStoreServiceClient
	emits      *pipeline // for Emit and EmitMany

	mu        sync.Mutex             // guards pipelines
	pipelines map[*pipeline]struct{} // nil when the client is closed
}

const closedMessage = "the client is closed"

// Connect makes a client; nothing is connected before the first call.
//
// url is everlog://host:port, everlogs://… for TLS, or host:port (7420 when absent), such as
// [DefaultURL]. With "", it is EVERLOG_URL of the environment, or else DefaultURL. Tenant, token and
// authorities that no option names are taken from the environment, too: see [WithTenant], [WithToken]
// and [WithTLS]. Connect fails when the URL or an option can't be understood.
func Connect(url string, options ...Option) (*Client, error) {
	settings, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	connection, err := dial(url, settings)
	if err != nil {
		return nil, err
	}
	client := &Client{
		settings:   settings,
		connection: connection,
		reach:      &reach{connection: connection, timeout: settings.connectTimeout},
		stub:       everlogpb.NewEventStoreServiceClient(connection),
		pipelines:  map[*pipeline]struct{}{},
	}
	client.emits = client.newPipeline()
	return client, nil
}

// Close closes the connection. Emits without an answer fail with [ErrConnectionLost].
func (c *Client) Close() error {
	c.mu.Lock()
	pipelines := c.pipelines
	c.pipelines = nil
	c.mu.Unlock()
	for pipeline := range pipelines {
		pipeline.close()
	}
	return c.connection.Close()
}

// Stub gives the generated stub, for calls that this client has no method for. Its calls carry the
// client's tenant and token, but are not retried, and fail with gRPC's errors.
func (c *Client) Stub() everlogpb.EventStoreServiceClient { return c.stub }

// Connection gives the connection, for the stubs of other services, such as
// everlogpb.NewConsumerServiceClient. Their calls are as those of [Client.Stub].
func (c *Client) Connection() grpc.ClientConnInterface { return c.connection }

// Emit appends one event, and returns when it is stored durably.
//
// Concurrent calls share one stream and its messages; each is judged on its own. An event with an
// idempotency key (or a chosen id) is sent again after an interruption, until the context or the
// client's timeout is over. Ending the context does not undo what is sent already.
func (c *Client) Emit(ctx context.Context, event Event, options ...EmitOption) (Receipt, error) {
	receipts, err := c.EmitMany(ctx, []Event{event}, options...)
	if err != nil {
		return Receipt{}, err
	}
	return receipts[0], nil
}

// EmitMany appends 1 to 1,000 events, all or none, in this order; otherwise as Emit. It gives one
// receipt for each.
func (c *Client) EmitMany(ctx context.Context, events []Event, options ...EmitOption) ([]Receipt, error) {
	pending, err := c.emits.submit(ctx, newEmitRequest(c.keyed(events), options), c.settings.timeout, nil)
	if err != nil {
		return nil, err
	}
	// It ends with ctx by itself, and says then what had gone wrong before.
	<-pending.Done()
	if pending.err != nil {
		return nil, pending.err
	}
	return pending.receipts, nil
}

// keyed gives the events the keys that the client is to make.
func (c *Client) keyed(events []Event) []Event {
	if !c.settings.makeKeys {
		return events
	}
	keyed := slices.Clone(events)
	for i := range keyed {
		if keyed[i].IdempotencyKey == "" {
			keyed[i].IdempotencyKey = rand.Text()
		}
	}
	return keyed
}

// EmitStream starts a stream of requests, which ends with its context or with Close; close it.
func (c *Client) EmitStream(ctx context.Context) *EmitStream {
	return &EmitStream{client: c, pipeline: c.newPipeline(), ctx: ctx}
}

// Head tells where the log ends.
func (c *Client) Head(ctx context.Context, options ...ReadOption) (Head, error) {
	request := &everlogpb.GetHeadRequest{MinPosition: readOptions(options).minPosition}
	response, err := read(ctx, c, c.stub.GetHead, request)
	if err != nil {
		return Head{}, err
	}
	return Head{
		Position:   response.GetPosition(),
		EventID:    response.GetEventId(),
		RecordTime: timeFrom(response.GetRecordTime()),
	}, nil
}

// Get reads one event: [ByID], [ByPosition], [BySequence] or [ByIdempotencyKey]. It fails with
// [ErrEventNotFound].
func (c *Client) Get(ctx context.Context, by By, options ...ReadOption) (*RecordedEvent, error) {
	request := &everlogpb.GetRequest{MinPosition: readOptions(options).minPosition}
	by(request)
	response, err := read(ctx, c, c.stub.Get, request)
	if err != nil {
		return nil, err
	}
	return recordedFrom(response.GetEvent()), nil
}

func (c *Client) newPipeline() *pipeline {
	created := newPipeline(c.openEmitStream, c.reach, c.settings.backoff)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pipelines == nil {
		created.close() // so is the client
	} else {
		c.pipelines[created] = struct{}{}
	}
	return created
}

func (c *Client) closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pipelines == nil
}

func (c *Client) forget(ended *pipeline) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pipelines, ended)
}

func (c *Client) openEmitStream(ctx context.Context) (grpc.ClientStream, error) {
	description := &grpc.StreamDesc{StreamName: "EmitStream", ServerStreams: true, ClientStreams: true}
	return c.connection.NewStream(ctx, description,
		everlogpb.EventStoreService_EmitStream_FullMethodName, grpc.ForceCodecV2(newFramesCodec()))
}
