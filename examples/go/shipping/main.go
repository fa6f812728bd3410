// Command shipping ships what is paid: a member of the durable consumer "shipping", by the generated
// stub.
//
// Any number of them share the orders, also with those in other languages. Each order is shipped once,
// whoever dies in between: what is not acknowledged is delivered again, and what was emitted already
// is recognised by its idempotency key.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
	"github.com/everlog/everlog/clients/go/everlogpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	consumer  = "shipping"
	credit    = 8 // so many orders are shipped at once
	heartbeat = 10 * time.Second
	leaveMax  = 30 * time.Second
	waitMax   = 5 * time.Second
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("shipping: ")
	answersMax := flag.Int("answers", 0, "leave after so many; 0: with Ctrl-C or SIGTERM")
	flag.Parse()
	client, err := everlog.Connect(cmp.Or(os.Getenv("EVERLOG_URL"), everlog.DefaultURL),
		everlog.WithTenant(cmp.Or(os.Getenv("EVERLOG_TENANT"), "default")))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, leave := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer leave()
	s := &shipping{
		client:     client,
		consumers:  everlogpb.NewConsumerServiceClient(client.Connection()),
		answersMax: *answersMax,
		leave:      leave,
	}
	if err := s.run(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("left after %d answers\n", s.answers)
}

type shipping struct {
	client     *everlog.Client
	consumers  everlogpb.ConsumerServiceClient
	answersMax int
	leave      func()
	answers    int // those that are stored
}

// run joins, and joins again after an interruption, until the context ends and all is settled.
func (s *shipping) run(ctx context.Context) error {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		joined, err := s.join(ctx)
		if joined {
			wait = 100 * time.Millisecond
		}
		if err == nil || ctx.Err() != nil {
			return nil // what is not settled is delivered to somebody else
		}
		switch status.Code(err) {
		case codes.Unavailable, codes.ResourceExhausted, codes.Canceled, codes.Internal:
			// The server drains or is away, has no room, or was silent: waiting mends it.
		default:
			return err
		}
		log.Printf("interrupted, again in %.1f s: %v", wait.Seconds(), err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			wait = min(2*wait, waitMax)
		}
	}
	return nil
}

// join is one membership: it takes orders until its stream ends. Without an error, it has left.
func (s *shipping) join(ctx context.Context) (joined bool, err error) {
	// To create it again is harmless, as long as the settings are the same.
	_, err = s.consumers.CreateConsumer(ctx, &everlogpb.CreateConsumerRequest{
		Name:     consumer,
		Settings: &everlogpb.ConsumerSettings{Filter: &everlogpb.EventFilter{EventTypes: []string{"order.paid"}}},
	})
	if err != nil {
		return false, err
	}
	// The stream has to outlive ctx: what is in flight is to be finished.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stream, err := s.consumers.Consume(streamCtx)
	if err != nil {
		return false, err
	}
	m := &member{stream: stream}
	host, _ := os.Hostname()
	m.send(&everlogpb.ConsumeRequest{Open: &everlogpb.ConsumeRequest_Open{
		Consumer: consumer, MemberName: host, Credit: credit, HeartbeatInterval: durationpb.New(heartbeat),
	}})
	defer context.AfterFunc(ctx, func() {
		m.send(&everlogpb.ConsumeRequest{Leave: true})
		time.AfterFunc(leaveMax, cancel)
	})()
	silence := time.AfterFunc(3*heartbeat, cancel)
	defer silence.Stop()
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) && ctx.Err() != nil {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			err = status.Error(codes.Unavailable, "the server ended the stream")
		}
		if err != nil {
			return joined, err
		}
		joined = true
		silence.Reset(3 * heartbeat)
		for _, delivery := range response.Deliveries {
			// The server sends at most `credit` of them, and the orders of one aggregate one by one.
			go func() { m.answer(delivery, s.ship(streamCtx, delivery)) }()
		}
		for _, settlement := range response.Settlements {
			s.settled(settlement)
		}
	}
}

// ship does the work. The answer says what became of it; nil: it is finished.
func (s *shipping) ship(ctx context.Context, delivery *everlogpb.Delivery) *everlogpb.DeliveryAnswer_Nack {
	order := delivery.Event
	if order.GetJson() == "" {
		// Another attempt would find the same: put it aside, for somebody to look at.
		return &everlogpb.DeliveryAnswer_Nack{
			Error: "nobody says what was paid", Action: &everlogpb.DeliveryAnswer_Nack_Park{Park: &emptypb.Empty{}},
		}
	}
	receipt, err := s.client.Emit(ctx, everlog.Event{
		EventType: "order.shipped",
		Aggregate: everlog.Aggregate{Type: order.AggregateType, ID: order.AggregateId},
		Data:      map[string]any{"carrier": "bluedart"},
		// From the order itself, not random: when the order is delivered again, it is the same.
		IdempotencyKey: "order-" + order.AggregateId + "-shipped",
		CorrelationID:  order.CorrelationId,
		CausationID:    order.EventId,
		Actor:          "system",
		Source:         "shipping",
	})
	if err != nil {
		// Tried again after the consumer's back-off, and parked after its last attempt.
		return &everlogpb.DeliveryAnswer_Nack{Error: err.Error()}
	}
	known := ""
	if receipt.Deduplicated {
		known = ", deduplicated"
	}
	fmt.Printf("order %s: shipped at %d%s\n", order.AggregateId, receipt.Position, known)
	return nil
}

// settled counts what is stored, and leaves after the last one that was asked for.
func (s *shipping) settled(settlement *everlogpb.Settlement) {
	if refusal := settlement.Refusal; refusal != nil {
		// It took longer than the lease, say: the order is delivered again.
		log.Printf("delivery %s: %s", settlement.DeliveryId, refusal.Message)
		return
	}
	if s.answers++; s.answers == s.answersMax {
		s.leave()
	}
}

// member sends on one stream.
type member struct {
	mu     sync.Mutex // a stream takes one message at a time
	stream everlogpb.ConsumerService_ConsumeClient
}

func (m *member) answer(delivery *everlogpb.Delivery, nack *everlogpb.DeliveryAnswer_Nack) {
	answer := &everlogpb.DeliveryAnswer{DeliveryId: delivery.DeliveryId, Attempt: delivery.Attempt}
	if nack == nil {
		answer.Answer = &everlogpb.DeliveryAnswer_Ack{Ack: &emptypb.Empty{}}
	} else {
		answer.Answer = &everlogpb.DeliveryAnswer_Nack_{Nack: nack}
	}
	m.send(&everlogpb.ConsumeRequest{Answers: []*everlogpb.DeliveryAnswer{answer}})
}

// send tells nothing of a stream that is broken: receiving does.
func (m *member) send(request *everlogpb.ConsumeRequest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.stream.Send(request)
}
