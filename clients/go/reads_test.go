package everlog

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

func storageIsAway(context.Context) (*pb.GetHeadResponse, error) {
	return nil, fail(codes.Unavailable, "STORAGE_UNAVAILABLE")
}

func headIs7(context.Context) (*pb.GetHeadResponse, error) {
	return &pb.GetHeadResponse{Position: 7, EventId: "id-7"}, nil
}

func hangs(ctx context.Context) (*pb.GetHeadResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAReadIsTriedAgainWhileTheStorageIsAway(t *testing.T) {
	server := serve(t, scripts{head: []headScript{storageIsAway, storageIsAway, headIs7}})
	head, err := connected(t, server).Head(within(t, 10*time.Second), MinPosition(7))
	if err != nil || head.Position != 7 || head.EventID != "id-7" || server.callCount() != 3 {
		t.Error(head, err, server.calls)
	}
	if got := seen[*pb.GetHeadRequest](server)[0].GetMinPosition(); got != 7 {
		t.Error(got)
	}
}

func TestAReadGivesUpAtItsDeadlineWithTheReason(t *testing.T) {
	server := serve(t, scripts{head: []headScript{storageIsAway}})
	_, err := connected(t, server, WithTimeout(300*time.Millisecond)).Head(t.Context())
	if !errors.Is(err, ErrStorageUnavailable) || server.callCount() < 3 {
		t.Error(err, server.calls)
	}
	server = serve(t, scripts{head: []headScript{storageIsAway, hangs}})
	client := connected(t, server, WithTimeout(200*time.Millisecond))
	if _, err = client.Head(t.Context()); !errors.Is(err, ErrStorageUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err = client.Head(t.Context()); !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestTheHeadOfAnEmptyLogHasNoTime(t *testing.T) {
	server := serve(t, scripts{head: []headScript{func(context.Context) (*pb.GetHeadResponse, error) { return &pb.GetHeadResponse{}, nil }}})
	if head, err := connected(t, server).Head(within(t, 10*time.Second)); err != nil || head != (Head{}) || !head.RecordTime.IsZero() {
		t.Error(head, err)
	}
}

func TestAnEventIsNamedInFourWaysAndNotAskedForTwice(t *testing.T) {
	server := serve(t, scripts{get: []getScript{func(*pb.GetRequest) (*pb.GetResponse, error) { return nil, fail(codes.NotFound, "EVENT_NOT_FOUND") }}})
	client := connected(t, server)
	for _, by := range []By{ByID("e"), ByPosition(9), BySequence(Aggregate{"a", "1"}, 3), ByIdempotencyKey("k")} {
		if _, err := client.Get(within(t, 10*time.Second), by); !errors.Is(err, ErrEventNotFound) {
			t.Error(err)
		}
	}
	requests := seen[*pb.GetRequest](server)
	if len(requests) != 4 || requests[0].GetEventId() != "e" || requests[1].GetPosition() != 9 ||
		requests[2].GetAggregateSequence().GetSequence() != 3 || requests[3].GetIdempotencyKey() != "k" {
		t.Error(requests)
	}
}

func page(token string, through int64, positions ...int64) queryScript {
	return func(*pb.QueryRequest) (*pb.QueryResponse, error) {
		return &pb.QueryResponse{
			Events: recorded(positions...), NextPageToken: token, ThroughPosition: through, TotalSize: proto.Int64(5),
		}, nil
	}
}

func collect(t *testing.T, events func(func(*RecordedEvent, error) bool)) []int64 {
	t.Helper()
	var all []*RecordedEvent
	for event, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event)
	}
	return positionsOf(all)
}

func TestAQueryFetchesItsPagesEvenPastAnEmptyOne(t *testing.T) {
	server := serve(t, scripts{query: []queryScript{page("t1", 9, 9, 8), page("t2", 10), page("", 11, 3)}})
	client := connected(t, server)
	got := collect(t, client.Query(within(t, 10*time.Second), Query{Filter: &Filter{EventTypes: []string{"a.*"}}}))
	if !slices.Equal(got, []int64{9, 8, 3}) {
		t.Error(got)
	}
	for i, request := range seen[*pb.QueryRequest](server) {
		if request.GetPageToken() != []string{"", "t1", "t2"}[i] || request.GetFilter().GetEventTypes()[0] != "a.*" ||
			request.GetPageSize() != 1_000 || request.GetOrder() != pb.QueryOrder_QUERY_ORDER_NEWEST_FIRST {
			t.Error(request)
		}
	}
}

func TestTheFirstPageTellsTheHeadAndTheTotal(t *testing.T) {
	server := serve(t, scripts{query: []queryScript{page("t1", 9, 9, 8)}})
	for page, err := range connected(t, server).QueryPages(within(t, 10*time.Second), Query{TotalSize: true, OldestFirst: true}) {
		if err != nil || page.ThroughPosition != 9 || *page.TotalSize != 5 {
			t.Error(page, err)
		}
		break
	}
	requests := seen[*pb.QueryRequest](server)
	if len(requests) != 1 || !requests[0].GetIncludeTotalSize() || requests[0].GetOrder() != pb.QueryOrder_QUERY_ORDER_OLDEST_FIRST {
		t.Error("leaving asks for nothing more:", requests)
	}
}

func TestALimitEndsAQueryWithoutAskingForMoreThanItNeeds(t *testing.T) {
	server := serve(t, scripts{query: []queryScript{page("t1", 9, 9, 8), page("t2", 9, 7)}})
	got := collect(t, connected(t, server).Query(within(t, 10*time.Second), Query{Limit: 3, PageSize: 2}))
	var sizes []int32
	for _, request := range seen[*pb.QueryRequest](server) {
		sizes = append(sizes, request.GetPageSize())
	}
	if !slices.Equal(got, []int64{9, 8, 7}) || !slices.Equal(sizes, []int32{2, 1}) {
		t.Error(got, sizes)
	}
}

func TestAQueryThatCanNotBeAskedIsRefused(t *testing.T) {
	client := connected(t, serve(t, scripts{}))
	for _, query := range []Query{{Limit: -1}, {Filter: &Filter{DataContains: func() {}}}} {
		for _, err := range client.Query(t.Context(), query) {
			if !errors.Is(err, ErrInvalidArgument) {
				t.Error(err)
			}
		}
	}
}

func TestAReplayHandsOutItsBatchesEventByEventAndEnds(t *testing.T) {
	history := func(_ *pb.ReplayRequest, stream pb.EventStoreService_ReplayServer) error {
		return errors.Join(
			stream.Send(&pb.ReplayResponse{Events: recorded(1, 2), ExaminedPosition: 2}),
			stream.Send(&pb.ReplayResponse{ExaminedPosition: 50}),
			stream.Send(&pb.ReplayResponse{Events: recorded(51), ExaminedPosition: 51}),
		)
	}
	client := connected(t, serve(t, scripts{replay: []replayScript{history}}))
	if got := collect(t, client.Replay(within(t, 10*time.Second), Replay{})); !slices.Equal(got, []int64{1, 2, 51}) {
		t.Error(got)
	}
	var examined []int64
	for batch, err := range client.ReplayBatches(within(t, 10*time.Second), Replay{}) {
		if err != nil {
			t.Fatal(err)
		}
		examined = append(examined, batch.ExaminedPosition)
	}
	if !slices.Equal(examined, []int64{2, 50, 51}) {
		t.Error(examined)
	}
}

func TestAnInterruptedReplayIsToldAfterWhatCame(t *testing.T) {
	server := serve(t, scripts{replay: []replayScript{func(_ *pb.ReplayRequest, stream pb.EventStoreService_ReplayServer) error {
		if err := stream.Send(&pb.ReplayResponse{Events: recorded(1), ExaminedPosition: 1}); err != nil {
			return err
		}
		return fail(codes.Unavailable, "SERVER_DRAINING")
	}}})
	var got []*RecordedEvent
	var last error
	for event, err := range connected(t, server).Replay(within(t, 10*time.Second), Replay{
		Aggregate: Aggregate{"a", "1"}, Start: AfterSequence(2), End: ThroughSequence(7), Backwards: true, MaxEvents: 3,
	}) {
		if last = err; err == nil {
			got = append(got, event)
		}
	}
	if len(got) != 1 || !errors.Is(last, ErrServerDraining) {
		t.Error(got, last)
	}
	request := seen[*pb.ReplayRequest](server)[0]
	if request.GetAggregate().GetAggregateId() != "1" || request.GetMaxEvents() != 3 || request.GetAfterSequence() != 2 ||
		request.GetThroughSequence() != 7 || request.GetDirection() != pb.ReplayDirection_REPLAY_DIRECTION_BACKWARDS {
		t.Error(request)
	}
}

func TestLeavingAReplayEndsTheCall(t *testing.T) {
	ended := make(chan struct{})
	endless := func(_ *pb.ReplayRequest, stream pb.EventStoreService_ReplayServer) error {
		defer close(ended)
		if err := stream.Send(&pb.ReplayResponse{Events: recorded(1, 2)}); err != nil {
			return err
		}
		<-stream.Context().Done()
		return nil
	}
	client := connected(t, serve(t, scripts{replay: []replayScript{endless}}))
	for range client.Replay(within(t, 10*time.Second), Replay{}) {
		break
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the call goes on")
	}
}

func TestTheStubCarriesTheTenantUnlessTheCallerNamesAnother(t *testing.T) {
	server := serve(t, scripts{head: []headScript{headIs7}})
	client := connected(t, server, WithTenant("acme"))
	other := metadata.AppendToOutgoingContext(within(t, 10*time.Second), "everlog-tenant", "other")
	for _, ctx := range []context.Context{within(t, 10*time.Second), other} {
		if _, err := client.Stub().GetHead(ctx, &pb.GetHeadRequest{}, grpc.WaitForReady(true)); err != nil {
			t.Fatal(err)
		}
	}
	if server.headers[0]["everlog-tenant"][0] != "acme" || !slices.Equal(server.headers[1]["everlog-tenant"], []string{"other"}) {
		t.Error(server.headers)
	}
}
