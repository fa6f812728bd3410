package everlog_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
	"github.com/everlog/everlog/clients/go/everlogpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The functions of this file are the examples of README.md, word for word: TestTheREADMEsExamples runs
// them against a live server, and compares the texts.

func connect() (*everlog.Client, error) {
	return everlog.Connect("everlog://127.0.0.1:7420",
		everlog.WithTenant("default"), everlog.WithTimeout(10*time.Second))
}

func connectSafely(authority []byte, token string) (*everlog.Client, error) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	return everlog.Connect("everlogs://events.example.org:7420", everlog.WithTenant("acme"),
		everlog.WithToken(token), everlog.WithTLS(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}))
}

func emitOrder(ctx context.Context, client *everlog.Client, id string) error {
	receipt, err := client.Emit(ctx, everlog.Event{
		EventType:      "order.created",
		Aggregate:      everlog.Aggregate{Type: "order", ID: id},
		Data:           map[string]any{"total": 12, "note": "gift for Ann"},
		IdempotencyKey: "order-" + id + "-created",
	}, everlog.Expect(everlog.MustNotExist))
	if err != nil {
		return err
	}
	fmt.Println("stored at position", receipt.Position, "as sequence", receipt.Sequence)
	return nil
}

func emitMany(ctx context.Context, client *everlog.Client, id string) error {
	order := everlog.Aggregate{Type: "order", ID: id}
	_, err := client.EmitMany(ctx, []everlog.Event{
		{EventType: "order.paid", Aggregate: order, JSON: []byte(`{"amount": 12.00}`)},
		{EventType: "order.packed", Aggregate: order, Binary: []byte{0x89, 'P', 'N', 'G'}, ContentType: "image/png"},
	}, everlog.Expect(everlog.Exactly(1)))
	return err
}

func importReadings(ctx context.Context, client *everlog.Client, meter string, readings []float64) error {
	stream := client.EmitStream(ctx)
	for n, reading := range readings {
		// Send waits while too much is on its way, not for the answer: that is pending.Receipts.
		_, err := stream.Send([]everlog.Event{{
			EventType:      "meter.read",
			Aggregate:      everlog.Aggregate{Type: "meter", ID: meter},
			Data:           reading,
			IdempotencyKey: meter + "-" + strconv.Itoa(n),
		}})
		if err != nil {
			stream.Close()
			return err
		}
	}
	return stream.Close() // when all is answered; the first failure, if any
}

func queryOrders(ctx context.Context, client *everlog.Client) error {
	filter := &everlog.Filter{EventTypes: []string{"order.*"}, Keyword: "gift"}
	for event, err := range client.Query(ctx, everlog.Query{Filter: filter, Limit: 50}) {
		if err != nil {
			return err
		}
		var data struct{ Note string }
		if err := event.Decode(&data); err != nil {
			return err
		}
		fmt.Println(event.Position, event.Aggregate, data.Note)
	}
	return nil
}

func replayOrder(ctx context.Context, client *everlog.Client, id string) (last int64, err error) {
	order := everlog.Aggregate{Type: "order", ID: id}
	for event, err := range client.Replay(ctx, everlog.Replay{Aggregate: order}) {
		if err != nil {
			return last, err
		}
		last = event.Sequence
	}
	return last, nil
}

func follow(ctx context.Context, client *everlog.Client, checkpoint int64, handle func(*everlog.RecordedEvent) error) error {
	subscription := client.Subscribe(ctx, everlog.Subscribe{Start: everlog.AfterPosition(checkpoint)})
	for event, err := range subscription.Events() {
		if err != nil {
			return err // the context's end, or what waiting can't mend
		}
		if err := handle(event); err != nil {
			return err
		}
		// Keep event.Position as your checkpoint.
	}
	return nil
}

func ship(ctx context.Context, client *everlog.Client, id string) error {
	order := everlog.Aggregate{Type: "order", ID: id}
	for {
		last, err := replayOrder(ctx, client, id)
		if err != nil {
			return err
		}
		_, err = client.Emit(ctx, everlog.Event{EventType: "order.shipped", Aggregate: order}, everlog.Expect(everlog.Exactly(last)))
		var conflict *everlog.SequenceConflict
		switch {
		case errors.As(err, &conflict):
			fmt.Println("somebody was faster:", conflict.Aggregate, conflict.Expected, conflict.Actual)
		case errors.Is(err, everlog.ErrUnavailable):
			return fmt.Errorf("try again later, it may be stored: %w", err)
		default:
			return err
		}
	}
}

func consume(ctx context.Context, client *everlog.Client, consumer string, handle func(*everlogpb.Delivery) error) error {
	stream, err := everlogpb.NewConsumerServiceClient(client.Connection()).Consume(ctx)
	if err != nil {
		return err
	}
	open := &everlogpb.ConsumeRequest_Open{Consumer: consumer, Credit: 8}
	if err := stream.Send(&everlogpb.ConsumeRequest{Open: open}); err != nil {
		return err
	}
	for {
		response, err := stream.Recv() // opened, deliveries, settlements, heartbeats
		if err != nil {
			return err // io.EOF after a leave; else join again, unless waiting cannot mend it
		}
		for _, delivery := range response.Deliveries {
			answer := &everlogpb.DeliveryAnswer{DeliveryId: delivery.DeliveryId, Attempt: delivery.Attempt}
			if err := handle(delivery); err == nil {
				answer.Answer = &everlogpb.DeliveryAnswer_Ack{Ack: &emptypb.Empty{}}
			} else {
				answer.Answer = &everlogpb.DeliveryAnswer_Nack_{Nack: &everlogpb.DeliveryAnswer_Nack{Error: err.Error()}}
			}
			request := &everlogpb.ConsumeRequest{Answers: []*everlogpb.DeliveryAnswer{answer}}
			if err := stream.Send(request); err != nil {
				return err
			}
		}
	}
}
