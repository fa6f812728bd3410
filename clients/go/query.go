package everlog

import (
	"context"
	"fmt"
	"iter"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Query says which events to list, and in which order. The zero value lists all, newest first.
type Query struct {
	// Filter says which events; nil: all.
	Filter *Filter
	// OldestFirst lists by rising position rather than by falling.
	OldestFirst bool
	// Limit bounds the events in all; 0: no limit.
	Limit int
	// PageSize bounds the events of one request, up to 1,000; 0: 1,000.
	PageSize int
	// TotalSize has the server count everything that matches; see [Page].
	TotalSize bool
	// MinPosition has the server wait until at least this position is visible.
	MinPosition int64
}

// Page is a part of a listing.
type Page struct {
	// Events may be empty before the last page.
	Events []*RecordedEvent
	// ThroughPosition is the head when the first page was taken: a Subscribe after it goes on from there.
	ThroughPosition int64
	// TotalSize is how many events match in all; nil when not asked for, or too expensive to count.
	TotalSize *int64
}

// Query lists events under a filter, and fetches its pages by itself. The listing is of the log as it
// is when the first page is taken.
//
// An error ends the iteration; the event beside it is nil. Ranging again asks the server again.
func (c *Client) Query(ctx context.Context, query Query) iter.Seq2[*RecordedEvent, error] {
	return func(yield func(*RecordedEvent, error) bool) {
		for page, err := range c.QueryPages(ctx, query) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, event := range page.Events {
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// QueryPages lists as [Client.Query] does, page by page.
func (c *Client) QueryPages(ctx context.Context, query Query) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		first, err := query.message()
		if err != nil {
			yield(nil, err)
			return
		}
		request := proto.CloneOf(first)
		for listed := 0; query.Limit == 0 || listed < query.Limit; {
			if query.Limit > 0 {
				request.PageSize = min(first.GetPageSize(), int32(min(query.Limit-listed, 1_000)))
			}
			response, err := read(ctx, c, c.stub.Query, request)
			if err != nil {
				yield(nil, err)
				return
			}
			page := &Page{
				Events:          recordedFromAll(response.GetEvents()),
				ThroughPosition: response.GetThroughPosition(),
				TotalSize:       response.TotalSize,
			}
			if !yield(page, nil) || response.GetNextPageToken() == "" {
				return
			}
			listed += len(page.Events)
			request.PageToken = response.GetNextPageToken()
		}
	}
}

func (q *Query) message() (*everlogpb.QueryRequest, error) {
	if q.Limit < 0 {
		return nil, refusal(ReasonInvalidRequest, fmt.Sprintf("Query.Limit is %d, expected 0 or more", q.Limit))
	}
	filter, err := q.Filter.message()
	if err != nil {
		return nil, err
	}
	request := &everlogpb.QueryRequest{
		Filter:           filter,
		Order:            everlogpb.QueryOrder_QUERY_ORDER_NEWEST_FIRST,
		PageSize:         1_000,
		IncludeTotalSize: q.TotalSize,
		MinPosition:      q.MinPosition,
	}
	if q.PageSize != 0 {
		// What is too large stays too large: the server says so.
		request.PageSize = int32(min(q.PageSize, math.MaxInt32))
	}
	if q.OldestFirst {
		request.Order = everlogpb.QueryOrder_QUERY_ORDER_OLDEST_FIRST
	}
	return request, nil
}
