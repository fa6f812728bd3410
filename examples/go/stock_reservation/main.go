// Command stock_reservation has many workers sell one stock, at once, and never more than there is.
//
// Each reads the stock's events, decides, and emits what it decided on the condition that nothing came
// in between. If something did, it reads and decides again.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	mathrand "math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
)

const (
	triesMax = 50
	pauseMax = 100 * time.Millisecond
)

type worker struct {
	client              *everlog.Client
	aggregate           everlog.Aggregate
	name                string
	reserved, conflicts int
}

// run reserves one item after the other until none is left.
func (w *worker) run(ctx context.Context) error {
	for {
		reserved, err := w.reserveOne(ctx)
		if err != nil || !reserved {
			return err
		}
		w.reserved++
	}
}

func (w *worker) reserveOne(ctx context.Context) (reserved bool, err error) {
	event := everlog.Event{
		EventType: "stock.reserved",
		Aggregate: w.aggregate,
		Data:      quantity{1},
		// One key for all tries of one reservation: if the answer to a try is lost on the way, the
		// client sends it again, and the log knows it.
		IdempotencyKey: "reservation-" + rand.Text(),
		Actor:          "agent:" + w.name,
	}
	for tries := 1; tries <= triesMax; tries++ {
		stock, err := readStock(ctx, w.client, w.aggregate)
		if err != nil || stock.reserved >= stock.received {
			return false, err
		}
		_, err = w.client.Emit(ctx, event, everlog.Expect(everlog.Exactly(stock.sequence)))
		if !errors.Is(err, everlog.ErrSequenceConflict) {
			return err == nil, err
		}
		// Somebody was faster: what was read is old. Jitter, or all would return in step.
		w.conflicts++
		select {
		case <-time.After(mathrand.N(min(time.Millisecond<<min(tries, 10), pauseMax))):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, fmt.Errorf("%s: %s was busy for %d tries", w.name, w.aggregate, triesMax)
}

// sell receives the stock, unless that is known, and has the workers sell it.
func sell(ctx context.Context, sku string, received, workers int) error {
	client, err := everlog.Connect(cmp.Or(os.Getenv("EVERLOG_URL"), everlog.DefaultURL),
		everlog.WithTenant(cmp.Or(os.Getenv("EVERLOG_TENANT"), "default")))
	if err != nil {
		return err
	}
	defer client.Close()
	aggregate := everlog.Aggregate{Type: "stock", ID: sku}
	_, err = client.Emit(ctx, everlog.Event{
		EventType: "stock.received",
		Aggregate: aggregate,
		Data:      quantity{received},
		// Whoever comes second, in whatever language, finds it received already.
		IdempotencyKey: "stock-" + sku + "-received",
	})
	if err != nil {
		return err
	}
	crew, ended, running := make([]worker, workers), make([]error, workers), sync.WaitGroup{}
	for n := range crew {
		crew[n] = worker{client: client, aggregate: aggregate, name: fmt.Sprintf("go-%d", n+1)}
		running.Go(func() { ended[n] = crew[n].run(ctx) })
	}
	running.Wait()
	if err := errors.Join(ended...); err != nil {
		return err
	}
	stock, err := readStock(ctx, client, aggregate)
	if err != nil {
		return err
	}
	return report(sku, stock, crew)
}

// report prints what became of the stock; an oversold one would be a defect.
func report(sku string, s stock, crew []worker) error {
	reserved, conflicts := 0, 0
	for _, worker := range crew {
		reserved += worker.reserved
		conflicts += worker.conflicts
	}
	fmt.Printf("%s: reserved %d of %d here, %d in all; %d conflicts\n", sku, reserved, s.received, s.reserved, conflicts)
	if s.reserved > s.received {
		return fmt.Errorf("%s is oversold", sku)
	}
	return nil
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("stock_reservation: ")
	sku := flag.String("sku", "teapot", "what is sold")
	received := flag.Int("stock", 20, "how many there are to sell")
	workers := flag.Int("workers", 8, "how many sell it at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := sell(ctx, *sku, *received, *workers); err != nil {
		log.Fatal(err)
	}
}
