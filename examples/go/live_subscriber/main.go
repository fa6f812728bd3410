// Command live_subscriber follows all orders, and keeps a running total of what was paid.
//
// What it has counted and where it is are one small file, so it goes on where it was, whenever and
// however it ended, and counts nothing twice.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
)

// totals are what was counted, and up to which event: saved together, so that they always agree.
type totals struct {
	Position int64 `json:"position"`
	// EventID is that of the event there: another log, or a restored one, has another event there.
	EventID   string `json:"event_id"`
	Placed    int    `json:"placed"`
	Paid      int    `json:"paid"`
	Rejected  int    `json:"rejected"`
	PaidCents int64  `json:"paid_cents"`
}

func (t *totals) add(event *everlog.RecordedEvent) error {
	switch event.EventType {
	case "order.placed":
		t.Placed++
	case "order.paid":
		var data struct {
			AmountCents int64 `json:"amount_cents"`
		}
		if err := event.Decode(&data); err != nil {
			return err
		}
		t.Paid++
		t.PaidCents += data.AmountCents
	case "order.rejected":
		t.Rejected++
	}
	t.Position, t.EventID = event.Position, event.EventID
	return nil
}

// save replaces the file as a whole: whoever is killed leaves the old one or the new one.
func (t *totals) save(file string) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func load(file string) (t totals, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, err
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("live_subscriber: ")
	file := flag.String("cursor-file", "live_subscriber.json", "where totals and position are kept")
	after := flag.Int64("after", -1, "count anew, after this position")
	eventsMax := flag.Int("events", 0, "end after so many events; 0: with Ctrl-C")
	flag.Parse()
	counted, err := load(*file)
	if *after >= 0 {
		counted, err = totals{Position: *after}, nil
	}
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = follow(ctx, &counted, *file, *eventsMax)
	switch {
	case errors.Is(err, everlog.ErrLogDiverged), errors.Is(err, everlog.ErrCursorBeyondHead):
		// The server's database came back from a backup, or it is another server's.
		log.Fatalf("%v\nDelete %s to count the log that is there now.", err, *file)
	case err != nil && !errors.Is(err, context.Canceled): // every event that was counted is saved
		log.Fatal(err)
	}
	fmt.Println("ended after position", counted.Position)
}

// follow counts what comes: first what is stored already, then what is live.
func follow(ctx context.Context, counted *totals, file string, eventsMax int) error {
	client, err := everlog.Connect(cmp.Or(os.Getenv("EVERLOG_URL"), everlog.DefaultURL),
		everlog.WithTenant(cmp.Or(os.Getenv("EVERLOG_TENANT"), "default")))
	if err != nil {
		return err
	}
	defer client.Close()
	subscription := client.Subscribe(ctx, everlog.Subscribe{
		Start:  everlog.AfterEvent(counted.Position, counted.EventID),
		Filter: &everlog.Filter{EventTypes: []string{"order.*"}},
		OnInterruption: func(err error, wait time.Duration) {
			// It goes on by itself when the server is back.
			log.Printf("interrupted, again in %.1f s: %v", wait.Seconds(), err)
		},
	})
	events := 0
	for item, err := range subscription.Items() {
		switch {
		case err != nil:
			return err
		case item.Mark == everlog.CaughtUp:
			fmt.Println("caught up at", item.Position)
		case item.Event != nil:
			if err := counted.add(item.Event); err != nil {
				return err
			}
			if err := counted.save(file); err != nil {
				return err
			}
			fmt.Printf("%d %s %s: %d placed, %d rejected, %d paid with %d cents\n",
				item.Event.Position, item.Event.Aggregate, item.Event.EventType,
				counted.Placed, counted.Rejected, counted.Paid, counted.PaidCents)
			if events++; events == eventsMax {
				return nil
			}
		}
	}
	return nil
}
