package main

import (
	"context"
	"fmt"
	"time"

	everlog "github.com/everlog/everlog/clients/go"
)

// reader reads one subscription, an item ahead at most.
type reader struct {
	items  chan given
	marks  bool
	failed error // told by the next command
	cancel context.CancelFunc
}

type given struct {
	item everlog.Item
	err  error
}

type openArguments struct {
	bounds
	Subscription     string   `json:"subscription"`
	Filter           *filter  `json:"filter"`
	HeartbeatSeconds *float64 `json:"heartbeat_seconds"`
	Marks            bool     `json:"marks"`
	MinPosition      int64    `json:"min_position,string"`
}

func (r *runner) subscribeOpen(a openArguments) (any, error) {
	subscribe := everlog.Subscribe{Filter: a.Filter.value(), MinPosition: a.MinPosition}
	if a.FromNow {
		subscribe.Start = everlog.FromNow()
	} else if cursor := a.cursor(); cursor != nil {
		subscribe.Start = cursor
	}
	if a.HeartbeatSeconds != nil {
		subscribe.Heartbeat = seconds(*a.HeartbeatSeconds)
	}
	ctx, cancel := context.WithCancel(context.Background())
	opened := &reader{items: make(chan given), marks: a.Marks, cancel: cancel}
	go opened.read(ctx, r.client.Subscribe(ctx, subscribe))
	r.subscriptions[a.Subscription] = opened
	return object{}, nil
}

func (s *reader) read(ctx context.Context, subscription *everlog.Subscription) {
	defer close(s.items)
	for item, err := range subscription.Items() {
		if err == nil && item.Mark != everlog.NoMark && !s.marks {
			continue
		}
		select {
		case s.items <- given{item, err}:
		case <-ctx.Done():
			return
		}
	}
}

type nextArguments struct {
	Subscription   string  `json:"subscription"`
	Count          int     `json:"count"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
}

func (r *runner) subscribeNext(a nextArguments) (any, error) {
	reader, known := r.subscriptions[a.Subscription]
	if !known {
		return nil, fmt.Errorf("there is no subscription %q", a.Subscription)
	}
	items := []object{}
	over := time.After(seconds(a.TimeoutSeconds))
	for len(items) < a.Count && reader.failed == nil {
		select {
		case next, more := <-reader.items:
			if !more {
				return nil, fmt.Errorf("subscription %q ended without an error", a.Subscription)
			}
			if reader.failed = next.err; next.err == nil {
				items = append(items, fromItem(next.item))
			}
		case <-over:
			return object{"items": items}, nil
		}
	}
	if len(items) == 0 && reader.failed != nil {
		return nil, reader.failed
	}
	return object{"items": items}, nil
}

type closeArguments struct {
	Subscription string `json:"subscription"`
}

func (r *runner) subscribeClose(a closeArguments) (any, error) {
	if _, known := r.subscriptions[a.Subscription]; !known {
		return nil, fmt.Errorf("there is no subscription %q", a.Subscription)
	}
	r.end(a.Subscription)
	return object{}, nil
}

// end ends a subscription, and returns when it has ended.
func (r *runner) end(name string) {
	reader := r.subscriptions[name]
	delete(r.subscriptions, name)
	reader.cancel()
	for range reader.items {
	}
}
