// Command order_service takes orders, decides about each of them, and emits what happened.
//
// Orders are generated (--orders 10) or come as JSON, one on each line of stdin:
//
//	{"order": "1001", "customer": "mia", "sku": "teapot", "quantity": 2, "price_cents": 1250}
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log"
	"os"
	"os/signal"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
)

const (
	creditLimitCents = 50_000
	orderTimeout     = 30 * time.Second
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("order_service: ")
	count := flag.Int("orders", -1, "generate so many orders; without it they are read from stdin")
	flag.Parse()
	orders := readOrders(os.Stdin)
	if *count >= 0 {
		orders = generateOrders(*count)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// Whatever was not finished is finished by the next run: what is stored is recognised.
	if err := takeOrders(ctx, orders); err != nil {
		log.Fatal(err)
	}
}

func takeOrders(ctx context.Context, orders iter.Seq2[order, error]) error {
	client, err := everlog.Connect(cmp.Or(os.Getenv("EVERLOG_URL"), everlog.DefaultURL),
		everlog.WithTenant(cmp.Or(os.Getenv("EVERLOG_TENANT"), "default")))
	if err != nil {
		return err
	}
	defer client.Close()
	var stored, deduplicated, refused int
	for order, err := range orders {
		if err != nil {
			return err
		}
		receipts, err := handle(ctx, client, order)
		var reused *everlog.IdempotencyKeyReused
		if errors.As(err, &reused) {
			// The key says which event it is, so this is no retry: somebody gave the number away twice.
			fmt.Printf("order %s: refused, it is known with other content: %s\n", order.Number, reused.EventID)
			refused++
			continue
		}
		if err != nil {
			return err
		}
		for _, receipt := range receipts {
			if receipt.Deduplicated {
				deduplicated++
			} else {
				stored++
			}
		}
	}
	fmt.Printf("%d stored, %d deduplicated, %d refused\n", stored, deduplicated, refused)
	return nil
}

// handle emits that the order was placed, and then what was decided.
func handle(ctx context.Context, client *everlog.Client, o order) ([]everlog.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	placed, err := client.Emit(ctx, everlog.Event{
		EventType: "order.placed",
		Aggregate: everlog.Aggregate{Type: "order", ID: o.Number},
		Data:      o.details,
		// From the order itself, not random: a second run, or a retry after a crash, has it again.
		IdempotencyKey: "order-" + o.Number + "-placed",
		CorrelationID:  "order-" + o.Number,
		Actor:          "user:" + o.Customer,
		Source:         "order-service",
	})
	if err != nil {
		return nil, err
	}
	// A known order answers with its first receipt: its decision has the same cause again.
	decision := decide(o, placed.EventID)
	decided, err := client.Emit(ctx, decision)
	if err != nil {
		return nil, err
	}
	known := ""
	if placed.Deduplicated && decided.Deduplicated {
		known = ", deduplicated"
	}
	fmt.Printf("order %s: %s at %d%s\n", o.Number, decision.EventType, decided.Position, known)
	return []everlog.Receipt{placed, decided}, nil
}

// decide says the same of the same order, whenever it is asked.
func decide(o order, cause string) everlog.Event {
	decision := everlog.Event{
		EventType: "order.paid",
		Aggregate: everlog.Aggregate{Type: "order", ID: o.Number},
		Data:      map[string]any{"amount_cents": o.Quantity * o.PriceCents},
		// One key for both outcomes: an order is decided once, also if the limit changes meanwhile.
		IdempotencyKey: "order-" + o.Number + "-decided",
		CorrelationID:  "order-" + o.Number,
		CausationID:    cause,
		Actor:          "system",
		Source:         "order-service",
		Intent:         &everlog.Intent{Goal: "nobody owes more than the credit limit"},
	}
	if total := o.Quantity * o.PriceCents; total > creditLimitCents {
		decision.EventType = "order.rejected"
		decision.Data = map[string]any{
			"reason": fmt.Sprintf("%d cents are over the limit of %d cents", total, creditLimitCents),
		}
	}
	return decision
}
