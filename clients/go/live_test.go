package everlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
	"github.com/everlog/everlog/clients/go/everlogpb"
)

// The live server of the tests: that of EVERLOG_TEST_ADDRESS, or one that the first test which needs
// it starts from the repository's virtual environment. Without either a test is skipped by name, and
// fails when CI=true.

const startTimeout = 60 * time.Second

var errNoServer = errors.New("no live server: set EVERLOG_TEST_ADDRESS, or run `make setup` for ../../.venv/bin/everlog")

var shared struct {
	once   sync.Once
	server *liveServer
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.stop(syscall.SIGTERM); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		shared.server.remove()
	}
	os.Exit(code)
}

// live is a client of the shared server.
func live(t *testing.T, options ...everlog.Option) *everlog.Client {
	t.Helper()
	address := os.Getenv("EVERLOG_TEST_ADDRESS")
	if address == "" {
		shared.once.Do(func() {
			if shared.server, shared.err = newLiveServer("--ephemeral"); shared.err == nil {
				shared.err = shared.server.start()
			}
		})
		skipWithoutServer(t, shared.err)
		address = shared.server.address
	}
	return connectedTo(t, address, options...)
}

func connectedTo(t *testing.T, address string, options ...everlog.Option) *everlog.Client {
	t.Helper()
	client, err := everlog.Connect(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func skipWithoutServer(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errNoServer) && os.Getenv("CI") != "true":
		t.Skip("SKIPPED: ", err)
	default:
		t.Fatal(err)
	}
}

// liveServer is an `everlog serve` process on a port that stays its own over restarts.
type liveServer struct {
	program string
	flags   []string
	folder  string
	address string
	process *exec.Cmd
	ended   chan error
}

func newLiveServer(flags ...string) (*liveServer, error) {
	program, err := filepath.Abs("../../.venv/bin/everlog")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, errNoServer
	}
	folder, err := os.MkdirTemp("", "everlog-go-")
	if err != nil {
		return nil, err
	}
	// Run by root, the server has PostgreSQL run as a user who must be able to reach its folder.
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, err
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	return &liveServer{program: program, flags: flags, folder: folder, address: probe.Addr().String()}, nil
}

// start returns when the server serves.
func (s *liveServer) start() error {
	ready := filepath.Join(s.folder, "ready.json")
	if err := os.RemoveAll(ready); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	flags := append([]string{"serve", "--port", port, "--ready-file", ready}, s.flags...)
	s.process = exec.Command(s.program, flags...)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	go func(process *exec.Cmd, ended chan<- error) { ended <- process.Wait() }(s.process, s.ended)
	for late := time.After(startTimeout); ; {
		if _, err := os.Stat(ready); err == nil {
			return nil
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("the server ended before it served: %w\n%s", err, s.log())
		case <-late:
			return fmt.Errorf("the server does not serve after %s\n%s", startTimeout, s.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop signals the server, and returns when it has ended.
func (s *liveServer) stop(signal os.Signal) error {
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.ended:
		s.ended <- err
		if signal == syscall.SIGTERM && err != nil {
			return fmt.Errorf("the server did not end well: %w\n%s", err, s.log())
		}
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("the server does not end"), s.process.Process.Kill())
	}
}

func (s *liveServer) remove() { os.RemoveAll(s.folder) }

func (s *liveServer) logFile() string { return filepath.Join(s.folder, "server.log") }

func (s *liveServer) log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// silenced runs something whose standard output is not of interest, and gives that.
func silenced(t *testing.T, run func() error) string {
	t.Helper()
	stdout := os.Stdout
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = writing
	said := make(chan string)
	go func() {
		text, _ := io.ReadAll(reading)
		said <- string(text)
	}()
	failed := run()
	os.Stdout = stdout
	writing.Close()
	text := <-said
	if failed != nil {
		t.Fatal(failed)
	}
	return text
}

// unique names something that no other test and no earlier run has: the log may be long.
func unique(t *testing.T) string {
	return t.Name() + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

func timed(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestTheREADMEsExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 8 {
		t.Errorf("README.md has %d examples in Go, expected 8", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(compiled), code) {
			t.Errorf("this example is not compiled:\n%s", code)
		}
	}

	for _, made := range []func() (*everlog.Client, error){
		connect, func() (*everlog.Client, error) { return connectSafely(nil, "evl_secret") },
	} {
		if client, err := made(); err != nil { // nothing is dialled before the first call
			t.Error(err)
		} else if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
	client, ctx, id := live(t), timed(t, 30*time.Second), unique(t)
	head, err := client.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	said := silenced(t, func() error {
		return errors.Join(
			emitOrder(ctx, client, id), emitMany(ctx, client, id), ship(ctx, client, id),
			importReadings(ctx, client, id, []float64{1.5, 2.5, 4}), queryOrders(ctx, client),
		)
	})
	if !strings.Contains(said, "as sequence 1") || !strings.Contains(said, "order/"+id+" gift for Ann") {
		t.Error(said)
	}
	if last, err := replayOrder(ctx, client, id); err != nil || last != 4 {
		t.Error(last, err)
	}
	enough := errors.New("enough")
	var types []string
	err = follow(ctx, client, head.Position, func(event *everlog.RecordedEvent) error {
		if types = append(types, event.EventType); len(types) == 7 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || strings.Join(types, " ") !=
		"order.created order.paid order.packed order.shipped meter.read meter.read meter.read" {
		t.Error(types, err)
	}

	_, err = everlogpb.NewConsumerServiceClient(client.Connection()).CreateConsumer(ctx, &everlogpb.CreateConsumerRequest{
		Name:     id,
		Settings: &everlogpb.ConsumerSettings{Filter: &everlogpb.EventFilter{EventTypes: []string{"order.*"}}},
		Start:    &everlogpb.CreateConsumerRequest_AfterPosition{AfterPosition: head.Position},
	})
	if err != nil {
		t.Fatal(err)
	}
	consuming, stop := context.WithCancel(ctx)
	var consumed []string
	err = consume(consuming, client, id, func(delivery *everlogpb.Delivery) error {
		if consumed = append(consumed, delivery.Event.EventType); len(consumed) == 4 {
			stop()
		}
		return nil
	})
	stop()
	if err == nil || strings.Join(consumed, " ") !=
		"order.created order.paid order.packed order.shipped" {
		t.Error(consumed, err)
	}
}

func TestWhatIsEmittedComesBackByteForByte(t *testing.T) {
	client, ctx, id := live(t), timed(t, 30*time.Second), unique(t)
	about := everlog.Aggregate{Type: "größe", ID: id}
	documentable := true
	payloads := []everlog.Event{
		{JSON: json.RawMessage(" {\"n\": 9007199254740993, \"t\": \"\\u00fc ü \u2028\"} ")},
		{Binary: []byte{0, 1, 254, 255}, ContentType: "application/x-test"},
		{Binary: []byte{}},
		{Data: map[string]any{"<": int64(9007199254740993)}, Documentable: &documentable, Intent: &everlog.Intent{}, Metadata: map[string]any{"tags": []int{1, 2}}},
		{},
	}
	for i := range payloads {
		payloads[i].EventType, payloads[i].Aggregate = "größe.geändert", about
	}
	receipts, err := client.EmitMany(ctx, payloads, everlog.Expect(everlog.MustNotExist))
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for event, err := range client.Replay(ctx, everlog.Replay{Aggregate: about}) {
		if err != nil {
			t.Fatal(err)
		}
		sent, receipt := payloads[i], receipts[i]
		i++
		if event.EventID != receipt.EventID || event.Position != receipt.Position || event.Sequence != int64(i) || !event.RecordTime.Equal(receipt.RecordTime) {
			t.Error(event, receipt)
		}
		if (event.Binary == nil) != (sent.Binary == nil) || string(event.Binary) != string(sent.Binary) || event.ContentType != sent.ContentType {
			t.Error(event.Binary, event.ContentType)
		}
		switch {
		case sent.Data != nil:
			if string(event.JSON) != `{"<":9007199254740993}` || event.Metadata["tags"] != "[1,2]" || !event.Documentable || event.Intent == nil {
				t.Errorf("%s %+v", event.JSON, event)
			}
		case string(event.JSON) != string(sent.JSON) || event.Intent != nil:
			t.Errorf("%s", event.JSON)
		}
	}
	if i != len(payloads) {
		t.Error(i)
	}
	event, err := client.Get(ctx, everlog.BySequence(about, 1), everlog.MinPosition(receipts[0].Position))
	if err != nil || event.EventID != receipts[0].EventID {
		t.Error(event, err)
	}
	if _, err := client.Get(ctx, everlog.ByPosition(1<<62)); !errors.Is(err, everlog.ErrEventNotFound) {
		t.Error(err)
	}
}

func TestAKeyIsRecognisedAndItsReuseAndAConflictAreTyped(t *testing.T) {
	client, ctx, id := live(t), timed(t, 30*time.Second), unique(t)
	about := everlog.Aggregate{Type: "order", ID: id}
	event := everlog.Event{EventType: "order.created", Aggregate: about, Data: 1, IdempotencyKey: id}
	first, err := client.Emit(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.Emit(ctx, event, everlog.Expect(everlog.MustNotExist))
	if err != nil || !again.Deduplicated || again.Position != first.Position {
		t.Error(again, err)
	}
	event.Data = 2
	var reused *everlog.IdempotencyKeyReused
	if _, err = client.Emit(ctx, event); !errors.As(err, &reused) || reused.EventID != first.EventID || reused.IdempotencyKey != id {
		t.Error(err)
	}
	event.IdempotencyKey = ""
	var conflict *everlog.SequenceConflict
	_, err = client.Emit(ctx, event, everlog.Expect(everlog.Exactly(7)), everlog.ExpectOf(everlog.Aggregate{Type: "order", ID: id + "-none"}, everlog.MustExist))
	if !errors.As(err, &conflict) || conflict.Aggregate != about || conflict.Expected != everlog.Exactly(7) || conflict.Actual != 1 || len(conflict.Violations) != 2 {
		t.Error(err)
	}
	event.EventType = ""
	var failed *everlog.Error
	if _, err = client.Emit(ctx, event); !errors.As(err, &failed) || failed.Reason != everlog.ReasonInvalidEvent || failed.FieldViolations[0].Field != "events[0].event_type" {
		t.Error(err)
	}
}

func TestAStreamOfThousandsIsReadBackInOrderAndInPages(t *testing.T) {
	const count = 3_000
	client, ctx, id := live(t), timed(t, 60*time.Second), unique(t)
	about := everlog.Aggregate{Type: "meter", ID: id}
	stream := client.EmitStream(ctx)
	for n := range count {
		if _, err := stream.Send([]everlog.Event{{EventType: "meter.read", Aggregate: about, Data: n, CorrelationID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for event, err := range client.Replay(ctx, everlog.Replay{Aggregate: about}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(event.JSON) != strconv.Itoa(n) {
			t.Fatalf("%s, expected %d", event.JSON, n)
		}
		n++
	}
	for event, err := range client.Query(ctx, everlog.Query{Filter: &everlog.Filter{CorrelationID: id}}) {
		if err != nil {
			t.Fatal(err)
		}
		if n--; string(event.JSON) != strconv.Itoa(n) {
			t.Fatalf("%s, expected %d", event.JSON, n)
		}
	}
	if n != 0 {
		t.Errorf("%d are missing", n)
	}
}

func TestASubscriptionCatchesUpAndGoesLive(t *testing.T) {
	client, ctx, id := live(t), timed(t, 30*time.Second), unique(t)
	about := everlog.Aggregate{Type: "order", ID: id}
	event := everlog.Event{EventType: "order.changed", Aggregate: about}
	if _, err := client.EmitMany(ctx, []everlog.Event{event, event}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	subscription := client.Subscribe(ctx, everlog.Subscribe{Start: everlog.AfterPosition(0), Filter: &everlog.Filter{Aggregate: about}})
	for item, err := range subscription.Items() {
		if err != nil {
			t.Fatal(err)
		}
		if item.Mark == everlog.CaughtUp {
			seen = append(seen, "caught up")
			if _, err := client.Emit(ctx, event); err != nil {
				t.Fatal(err)
			}
			continue
		}
		seen = append(seen, strconv.FormatInt(item.Event.Sequence, 10))
		if len(seen) == 4 {
			break
		}
	}
	if strings.Join(seen, " ") != "1 2 caught up 3" {
		t.Error(seen)
	}
}

// "Exactly the events after the cursor that match, once each, in position order, across … a server
// restart with the caller resuming from its last position."
func TestEmitsAndASubscriptionSurviveRestartsExactlyOnceAndInOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts a server")
	}
	server, err := newLiveServer()
	skipWithoutServer(t, err)
	t.Cleanup(server.remove)
	server.flags = []string{"--data-dir", filepath.Join(server.folder, "data")}
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	const count = 1_500
	client, ctx := connectedTo(t, server.address), timed(t, 100*time.Second)
	sent := make(chan error, 1)
	go func() {
		stream := client.EmitStream(ctx)
		for n := 1; n <= count; n++ {
			event := everlog.Event{
				EventType: "meter.read", Aggregate: everlog.Aggregate{Type: "meter", ID: "1"}, Data: n,
				IdempotencyKey: strconv.Itoa(n),
			}
			if _, err := stream.Send([]everlog.Event{event}); err != nil {
				sent <- err
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
		sent <- stream.Close()
	}()
	restarted := make(chan error, 1)
	go func() {
		for _, signal := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			time.Sleep(700 * time.Millisecond)
			if err := errors.Join(server.stop(signal), server.start()); err != nil {
				restarted <- err
				return
			}
		}
		restarted <- nil
	}()
	interruptions, want := 0, int64(0)
	subscription := client.Subscribe(ctx, everlog.Subscribe{
		Start: everlog.AfterPosition(0), OnInterruption: func(error, time.Duration) { interruptions++ },
	})
	for event, err := range subscription.Events() {
		if err != nil {
			t.Fatal(err, "\n", server.log())
		}
		want++
		if event.Position != want || event.Sequence != want || string(event.JSON) != strconv.FormatInt(want, 10) {
			t.Fatalf("%s with %s, expected %d", event, event.JSON, want)
		}
		if want == count {
			break
		}
	}
	if err := errors.Join(<-sent, <-restarted); err != nil {
		t.Error(err)
	}
	if interruptions < 2 {
		t.Errorf("%d interruptions, expected 2: the server was not restarted meanwhile", interruptions)
	}
}
