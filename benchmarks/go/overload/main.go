// Overload emits at a rate that nobody slows down, or as fast as answers come; what became of each
// Emit is told.
//
// A load of `python -m benchmarks.overload`, which see. It is in Go because a client in Python
// takes as much of the machine for a call as the server does: at twice the peak it would be the
// load that is overloaded, and its own delays what is measured.
//
// Its one argument is a JSON object: address, tenant, seconds, rate (Emits a second, begun whether
// or not earlier ones were answered; 0: in_flight at a time, each after the one before), in_flight,
// connections, events (of each Emit), payload_bytes, deadline_seconds, first (the number of the
// first Emit), answers (a file: for each Emit its number, the seconds at which it ended, those that
// it took, and OK, the reason of its refusal or gRPC's code). Nothing is tried again.
//
// It writes `ready`, reads `go`, and writes the number of Emits, the seconds and its CPU seconds.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/everlog/everlog/clients/go/everlogpb"
	"google.golang.org/protobuf/proto"
)

const (
	method     = "/everlog.v1.EventStoreService/Emit"
	tick       = 2 * time.Millisecond
	aggregates = 1_000
	marked     = "000000000000"
)

type parameters struct {
	Address         string  `json:"address"`
	Tenant          string  `json:"tenant"`
	Seconds         float64 `json:"seconds"`
	Rate            float64 `json:"rate"`
	InFlight        int     `json:"in_flight"`
	Connections     int     `json:"connections"`
	Events          int     `json:"events"`
	PayloadBytes    int     `json:"payload_bytes"`
	DeadlineSeconds float64 `json:"deadline_seconds"`
	First           int64   `json:"first"`
	Answers         string  `json:"answers"`
}

// raw sends bytes as they are, and reads no answers: what they say is not needed.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

// template is the bytes of an Emit, made once: only its number is put in, at its places.
type template struct{ pieces [][]byte }

func newTemplate(p parameters) (template, error) {
	filler := strings.Repeat("x", max(0, p.PayloadBytes-40))
	request := &everlogpb.EmitRequest{}
	for index := range p.Events {
		request.Events = append(request.Events, &everlogpb.NewEvent{
			AggregateType: "overload",
			AggregateId:   fmt.Sprintf("a-%d-%s", index, marked),
			EventType:     "order.created",
			Payload: &everlogpb.NewEvent_Json{
				Json: fmt.Sprintf(`{"n":"%s","i":%d,"filler":"%s"}`, marked, index, filler),
			},
		})
	}
	whole, err := proto.Marshal(request)
	return template{bytes.Split(whole, []byte(marked))}, err
}

// of gives the Emit of this number, to aggregates that others share.
func (t template) of(number int64) []byte {
	aggregate := fmt.Appendf(nil, "%012d", number%aggregates)
	own := fmt.Appendf(nil, "%012d", number)
	whole := bytes.Clone(t.pieces[0])
	for place, piece := range t.pieces[1:] {
		if place%2 == 0 {
			whole = append(whole, aggregate...)
		} else {
			whole = append(whole, own...)
		}
		whole = append(whole, piece...)
	}
	return whole
}

type load struct {
	parameters
	template    template
	connections []*grpc.ClientConn
	began       time.Time
	next        atomic.Int64

	mutex   sync.Mutex
	answers bytes.Buffer
}

// emit makes one, answered or not.
func (l *load) emit() {
	number := l.First + l.next.Add(1) - 1
	began := time.Now()
	deadline := time.Duration(l.DeadlineSeconds * float64(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "everlog-tenant", l.Tenant)
	connection := l.connections[number%int64(len(l.connections))]
	err := connection.Invoke(ctx, method, l.template.of(number), nil, grpc.ForceCodecV2(raw{}))
	ended := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	fmt.Fprintf(&l.answers, "%d %.4f %.4f %s\n",
		number, ended.Sub(l.began).Seconds(), ended.Sub(began).Seconds(), endingOf(err))
}

// closed emits as fast as answers come.
func (l *load) closed(length time.Duration) {
	var callers sync.WaitGroup
	for range l.InFlight {
		callers.Go(func() {
			for time.Since(l.began) < length {
				l.emit()
			}
		})
	}
	callers.Wait()
}

// open emits at a rate, with gaps as they are between callers who know nothing of each other.
func (l *load) open(length time.Duration) {
	var running sync.WaitGroup
	next := 0.0
	for {
		now := time.Since(l.began)
		if now >= length {
			break
		}
		for next <= now.Seconds() {
			running.Go(l.emit)
			next += rand.ExpFloat64() / l.Rate
		}
		time.Sleep(tick)
	}
	running.Wait()
}

func endingOf(err error) string {
	if err == nil {
		return "OK"
	}
	said := status.Convert(err)
	for _, detail := range said.Proto().GetDetails() {
		if bytes.Contains(detail.GetValue(), []byte("OVERLOADED")) {
			return "OVERLOADED"
		}
	}
	if said.Code() == codes.Canceled {
		return "CANCELLED"
	}
	var name strings.Builder
	for place, letter := range said.Code().String() {
		if place > 0 && letter < 'a' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

func connect(p parameters) ([]*grpc.ClientConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var connections []*grpc.ClientConn
	for range p.Connections {
		connection, err := grpc.NewClient(
			"passthrough:///"+p.Address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDisableRetry(),
		)
		if err != nil {
			return nil, err
		}
		connection.Connect()
		for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
			if !connection.WaitForStateChange(ctx, state) {
				return nil, fmt.Errorf("no connection to %s", p.Address)
			}
		}
		connections = append(connections, connection)
	}
	return connections, nil
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: %s PARAMETERS", os.Args[0])
	}
	var p parameters
	if err := json.Unmarshal([]byte(os.Args[1]), &p); err != nil {
		return err
	}
	template, err := newTemplate(p)
	if err != nil {
		return err
	}
	connections, err := connect(p)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if line, _ := bufio.NewReader(os.Stdin).ReadString('\n'); line != "go\n" {
		return fmt.Errorf("the harness is gone")
	}
	l := &load{parameters: p, template: template, connections: connections, began: time.Now()}
	length, cpu := time.Duration(p.Seconds*float64(time.Second)), cpuSeconds()
	if p.Rate > 0 {
		l.open(length)
	} else {
		l.closed(length)
	}
	seconds, used := time.Since(l.began).Seconds(), cpuSeconds()-cpu
	if err := os.WriteFile(p.Answers, l.answers.Bytes(), 0o600); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(
		map[string]any{"count": l.next.Load(), "seconds": seconds, "cpu_seconds": used})
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
