package main

import (
	"context"

	everlog "github.com/everlog/everlog/clients/go"
)

// quantity is the data of both event types.
type quantity struct {
	Quantity int `json:"quantity"`
}

// stock is what the events of one stock/<sku> come to.
type stock struct {
	received, reserved int
	// sequence is that of the last event which is counted: what a decision is based on.
	sequence int64
}

// readStock folds the aggregate's whole history; a long one would be read on from a snapshot.
func readStock(ctx context.Context, client *everlog.Client, aggregate everlog.Aggregate) (s stock, err error) {
	for event, err := range client.Replay(ctx, everlog.Replay{Aggregate: aggregate}) {
		if err != nil {
			return s, err
		}
		var data quantity
		if err := event.Decode(&data); err != nil {
			return s, err
		}
		switch event.EventType {
		case "stock.received":
			s.received += data.Quantity
		case "stock.reserved":
			s.reserved += data.Quantity
		}
		s.sequence = event.Sequence
	}
	return s, nil
}
