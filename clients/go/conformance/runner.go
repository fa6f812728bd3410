package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
)

// runner has the one client, and its subscriptions by name.
type runner struct {
	client        *everlog.Client
	subscriptions map[string]*reader
}

// unsupportedError says what this client has not.
type unsupportedError string

func (e unsupportedError) Error() string { return "there is no such thing: " + string(e) }

// do obeys one command.
func (r *runner) do(line []byte) (any, error) {
	var named struct{ Command string }
	if err := json.Unmarshal(line, &named); err != nil {
		return nil, err
	}
	if r.client == nil && named.Command != "hello" && named.Command != "connect" && named.Command != "close" {
		return nil, errors.New("not connected")
	}
	switch named.Command {
	case "hello":
		return object{"protocol": 1, "language": "go", "client": everlog.Version, "runtime": runtime.Version()}, nil
	case "connect":
		return with(line, r.connect)
	case "close":
		return r.close()
	case "emit":
		return with(line, r.emit)
	case "emit_many":
		return with(line, r.emitMany)
	case "emit_stream":
		return with(line, r.emitStream)
	case "emit_concurrently":
		return with(line, r.emitConcurrently)
	case "get":
		return with(line, r.get)
	case "head":
		return with(line, r.head)
	case "query":
		return with(line, r.query)
	case "replay":
		return with(line, r.replay)
	case "subscribe_open":
		return with(line, r.subscribeOpen)
	case "subscribe_next":
		return with(line, r.subscribeNext)
	case "subscribe_close":
		return with(line, r.subscribeClose)
	}
	return nil, unsupportedError("the command " + named.Command)
}

// with decodes a command's arguments. Those that it does not know are a mistake: to pass them over
// would be to play another scenario.
func with[Arguments any](line []byte, obey func(Arguments) (any, error)) (any, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, err
	}
	delete(fields, "command")
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	var arguments Arguments
	if err := decoder.Decode(&arguments); err != nil {
		return nil, err
	}
	return obey(arguments)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

type connectArguments struct {
	URL                   string   `json:"url"`
	Tenant                *string  `json:"tenant"`
	TimeoutSeconds        *float64 `json:"timeout_seconds"`
	ConnectTimeoutSeconds *float64 `json:"connect_timeout_seconds"`
	Token                 *string  `json:"token"`
	RootCertificates      *string  `json:"root_certificates"`
	ClientCertificate     *string  `json:"client_certificate"`
	ClientKey             *string  `json:"client_key"`
}

// tls is nil when the command has no certificates.
func (a connectArguments) tls() (*tls.Config, error) {
	if a.RootCertificates == nil && a.ClientCertificate == nil {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.RootCertificates != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(*a.RootCertificates)) {
			return nil, errors.New("root_certificates has no certificate")
		}
	}
	if a.ClientCertificate != nil && a.ClientKey != nil {
		pair, err := tls.X509KeyPair([]byte(*a.ClientCertificate), []byte(*a.ClientKey))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (r *runner) connect(a connectArguments) (any, error) {
	if _, err := r.close(); err != nil {
		return nil, err
	}
	var options []everlog.Option
	if a.Tenant != nil {
		options = append(options, everlog.WithTenant(*a.Tenant))
	}
	if a.TimeoutSeconds != nil {
		options = append(options, everlog.WithTimeout(seconds(*a.TimeoutSeconds)))
	}
	if a.ConnectTimeoutSeconds != nil {
		options = append(options, everlog.WithConnectTimeout(seconds(*a.ConnectTimeoutSeconds)))
	}
	if a.Token != nil {
		options = append(options, everlog.WithToken(*a.Token))
	}
	config, err := a.tls()
	if err != nil {
		return nil, err
	}
	if config != nil {
		options = append(options, everlog.WithTLS(config))
	}
	client, err := everlog.Connect(a.URL, options...)
	if err != nil {
		return nil, err
	}
	r.client = client
	return object{}, nil
}

func (r *runner) close() (any, error) {
	for name := range r.subscriptions {
		r.end(name)
	}
	if r.client == nil {
		return object{}, nil
	}
	client := r.client
	r.client = nil
	return object{}, client.Close()
}

type emitArguments struct {
	Event       event         `json:"event"`
	Events      []event       `json:"events"`
	Expect      []expectation `json:"expect"`
	KnownEvents string        `json:"known_events"`
	BatchEvents int           `json:"batch_events"`
}

func (a *emitArguments) options() []everlog.EmitOption {
	var options []everlog.EmitOption
	for _, expected := range a.Expect {
		options = append(options, expected.option())
	}
	if a.KnownEvents == "skip" {
		options = append(options, everlog.SkipKnownEvents())
	}
	return options
}

func (r *runner) emit(a emitArguments) (any, error) {
	receipt, err := r.client.Emit(context.Background(), a.Event.value(), a.options()...)
	if err != nil {
		return nil, err
	}
	return object{"receipt": fromReceipt(receipt)}, nil
}

func (r *runner) emitMany(a emitArguments) (any, error) {
	receipts, err := r.client.EmitMany(context.Background(), values(a.Events), a.options()...)
	if err != nil {
		return nil, err
	}
	shapes := []object{}
	for _, receipt := range receipts {
		shapes = append(shapes, fromReceipt(receipt))
	}
	return object{"receipts": shapes}, nil
}

func (r *runner) emitStream(a emitArguments) (any, error) {
	ctx := context.Background()
	stream := r.client.EmitStream(ctx)
	var requests [][]everlog.Event
	var answers []func() ([]everlog.Receipt, error)
	for batch := range slices.Chunk(values(a.Events), max(a.BatchEvents, 1)) {
		pending, err := stream.Send(batch, a.options()...)
		answer := func() ([]everlog.Receipt, error) { return nil, err }
		if err == nil {
			answer = func() ([]everlog.Receipt, error) { return pending.Receipts(ctx) }
		}
		requests, answers = append(requests, batch), append(answers, answer)
	}
	outcomes := []object{}
	for i, answer := range answers {
		receipts, err := answer()
		for n := range requests[i] {
			outcomes = append(outcomes, outcome(len(outcomes), receipts, n, err))
		}
	}
	// Its error is that of a request, which has been told already.
	_ = stream.Close()
	return object{"outcomes": outcomes}, nil
}

func outcome(index int, receipts []everlog.Receipt, n int, err error) object {
	if err != nil {
		return object{"index": index, "error": fromError(err)}
	}
	return object{"index": index, "receipt": fromReceipt(receipts[n])}
}

func (r *runner) emitConcurrently(a emitArguments) (any, error) {
	outcomes := make([]object, len(a.Events))
	var emits sync.WaitGroup
	for i, event := range values(a.Events) {
		emits.Go(func() {
			receipt, err := r.client.Emit(context.Background(), event)
			outcomes[i] = outcome(i, []everlog.Receipt{receipt}, 0, err)
		})
	}
	emits.Wait()
	return object{"outcomes": outcomes}, nil
}

type readArguments struct {
	aggregate
	EventID        *string `json:"event_id"`
	Position       *int64  `json:"position,string"`
	IdempotencyKey *string `json:"idempotency_key"`
	Sequence       *int64  `json:"sequence,string"`
	MinPosition    int64   `json:"min_position,string"`
}

func (r *runner) get(a readArguments) (any, error) {
	var by everlog.By
	switch {
	case a.EventID != nil:
		by = everlog.ByID(*a.EventID)
	case a.Position != nil:
		by = everlog.ByPosition(*a.Position)
	case a.IdempotencyKey != nil:
		by = everlog.ByIdempotencyKey(*a.IdempotencyKey)
	case a.Sequence != nil:
		by = everlog.BySequence(a.value(), *a.Sequence)
	default:
		return nil, errors.New("get names no event")
	}
	event, err := r.client.Get(context.Background(), by, everlog.MinPosition(a.MinPosition))
	if err != nil {
		return nil, err
	}
	return object{"event": fromEvent(event)}, nil
}

func (r *runner) head(a readArguments) (any, error) {
	head, err := r.client.Head(context.Background(), everlog.MinPosition(a.MinPosition))
	if err != nil {
		return nil, err
	}
	shape := object{"position": integer(head.Position), "event_id": head.EventID}
	if !head.RecordTime.IsZero() {
		shape["record_time"] = fromTime(head.RecordTime)
	}
	return shape, nil
}

type queryArguments struct {
	Filter      *filter `json:"filter"`
	Order       string  `json:"order"`
	Limit       int     `json:"limit"`
	PageSize    int     `json:"page_size"`
	TotalSize   bool    `json:"total_size"`
	MinPosition int64   `json:"min_position,string"`
}

func (r *runner) query(a queryArguments) (any, error) {
	events, shape := []object{}, object{}
	for page, err := range r.client.QueryPages(context.Background(), everlog.Query{
		Filter: a.Filter.value(), OldestFirst: a.Order == "oldest_first", Limit: a.Limit,
		PageSize: a.PageSize, TotalSize: a.TotalSize, MinPosition: a.MinPosition,
	}) {
		if err != nil {
			return nil, err
		}
		if len(shape) == 0 {
			shape["through_position"] = integer(page.ThroughPosition)
			if page.TotalSize != nil {
				shape["total_size"] = integer(*page.TotalSize)
			}
		}
		for _, event := range page.Events {
			events = append(events, fromEvent(event))
		}
	}
	shape["events"] = events
	return shape, nil
}

// bounds are those of a replay or a subscription.
type bounds struct {
	AfterPosition   *int64   `json:"after_position,string"`
	AfterSequence   *int64   `json:"after_sequence,string"`
	FromTime        *instant `json:"from_time"`
	FromNow         bool     `json:"from_now"`
	AfterEventID    string   `json:"after_event_id"`
	ThroughPosition *int64   `json:"through_position,string"`
	ThroughSequence *int64   `json:"through_sequence,string"`
	ThroughTime     *instant `json:"through_time"`
}

func (b *bounds) cursor() everlog.Cursor {
	switch {
	case b.AfterPosition != nil && b.AfterEventID != "":
		return everlog.AfterEvent(*b.AfterPosition, b.AfterEventID)
	case b.AfterPosition != nil:
		return everlog.AfterPosition(*b.AfterPosition)
	case b.FromTime != nil:
		return everlog.FromTime(time.Time(*b.FromTime))
	}
	return nil
}

type replayArguments struct {
	aggregate
	bounds
	Filter      *filter `json:"filter"`
	Direction   string  `json:"direction"`
	MaxEvents   int64   `json:"max_events,string"`
	MinPosition int64   `json:"min_position,string"`
}

func (r *runner) replay(a replayArguments) (any, error) {
	replay := everlog.Replay{
		Aggregate: a.value(), Filter: a.Filter.value(), Backwards: a.Direction == "backwards",
		MaxEvents: a.MaxEvents, MinPosition: a.MinPosition,
	}
	if a.AfterSequence != nil {
		replay.Start = everlog.AfterSequence(*a.AfterSequence)
	} else if cursor := a.cursor(); cursor != nil {
		replay.Start = cursor
	}
	switch {
	case a.ThroughPosition != nil:
		replay.End = everlog.ThroughPosition(*a.ThroughPosition)
	case a.ThroughSequence != nil:
		replay.End = everlog.ThroughSequence(*a.ThroughSequence)
	case a.ThroughTime != nil:
		replay.End = everlog.ThroughTime(time.Time(*a.ThroughTime))
	}
	events := []object{}
	for event, err := range r.client.Replay(context.Background(), replay) {
		if err != nil {
			return nil, err
		}
		events = append(events, fromEvent(event))
	}
	return object{"events": events}, nil
}
