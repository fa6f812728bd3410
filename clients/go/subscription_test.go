package everlog

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

func batch(positions ...int64) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{Events: recorded(positions...), ExaminedPosition: positions[len(positions)-1]}
}

func heartbeat(examined int64) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{ExaminedPosition: examined, Heartbeat: &pb.Heartbeat{}}
}

// giving sends responses and then ends the call with an error; nil: never.
func giving(end error, responses ...*pb.SubscribeResponse) subscribeScript {
	return func(_ *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
		for _, response := range responses {
			if err := stream.Send(response); err != nil {
				return err
			}
		}
		if end == nil {
			<-stream.Context().Done()
		}
		return end
	}
}

var draining = fail(codes.Unavailable, "SERVER_DRAINING")

// take gives the positions of the next events.
func take(t *testing.T, subscription *Subscription, count int) []int64 {
	t.Helper()
	var positions []int64
	for event, err := range subscription.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if positions = append(positions, event.Position); len(positions) == count {
			break
		}
	}
	return positions
}

// cursorsOf are where each call began.
func cursorsOf(server *scripted) (cursors []cursor) {
	for _, request := range seen[*pb.SubscribeRequest](server) {
		cursors = append(cursors, cursor{request.GetAfterPosition(), request.GetAfterEventId()})
	}
	return cursors
}

type cursor struct {
	position int64
	eventID  string
}

// afterCalls waits until the server was called so often.
func afterCalls(t *testing.T, server *scripted, count int) {
	t.Helper()
	for ctx := within(t, 10*time.Second); server.callCount() < count; {
		select {
		case <-server.arrived:
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("called %d times, expected %d", server.callCount(), count)
		}
	}
}

func TestItResumesAfterWhatItHandedOut(t *testing.T) {
	for name, end := range map[string]error{
		"draining":               draining,
		"storage away":           fail(codes.Unavailable, "STORAGE_UNAVAILABLE"),
		"too many":               fail(codes.ResourceExhausted, "TOO_MANY_SUBSCRIPTIONS", retryAfter(time.Millisecond)),
		"lost":                   broken,
		"cut off by a proxy":     fail(codes.Internal, ""),
		"ended without a reason": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			interrupted := func(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
				if err := errors.Join(stream.Send(batch(1, 2)), stream.Send(batch(3))); err != nil {
					return err
				}
				return end
			}
			rest := giving(nil, batch(4, 5))
			server := serve(t, scripts{subscribe: []subscribeScript{interrupted, rest}})
			subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)})
			if got := take(t, subscription, 5); !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
				t.Error(got)
			}
			if got := cursorsOf(server); !slices.Equal(got, []cursor{{0, ""}, {3, "id-3"}}) {
				t.Error(got)
			}
		})
	}
}

func TestItResumesAfterARestartOfTheServer(t *testing.T) {
	first := serve(t, scripts{subscribe: []subscribeScript{giving(nil, batch(1))}})
	subscription := connected(t, first).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)})
	events, stop := iter.Pull2(subscription.Events())
	defer stop()
	if event, err, _ := events(); err != nil || event.Position != 1 {
		t.Fatal(event, err)
	}
	first.stop()
	second := serveAt(t, first.address, scripts{subscribe: []subscribeScript{giving(nil, batch(2))}})
	if event, err, _ := events(); err != nil || event.Position != 2 {
		t.Fatal(event, err)
	}
	if got := cursorsOf(second); !slices.Equal(got, []cursor{{1, "id-1"}}) {
		t.Error(got)
	}
}

func TestAFilteredOutStretchMovesTheCursor(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(draining, batch(1), heartbeat(900)), giving(nil, batch(901))}})
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)})
	take(t, subscription, 2)
	if got := cursorsOf(server); !slices.Equal(got, []cursor{{0, ""}, {900, ""}}) || subscription.Position() != 901 {
		t.Error(got, subscription.Position())
	}
}

func TestTheCursorsEventIDGoesAlongWhereItIsKnown(t *testing.T) {
	examinedBeyond := batch(3)
	examinedBeyond.ExaminedPosition = 7
	server := serve(t, scripts{subscribe: []subscribeScript{
		giving(draining, batch(1, 2)), giving(draining, heartbeat(2)), giving(draining, examinedBeyond), giving(nil),
	}})
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterEvent(0, "")})
	go func() {
		for range subscription.Events() {
		}
	}()
	afterCalls(t, server, 4)
	if got := cursorsOf(server); !slices.Equal(got, []cursor{{0, ""}, {2, "id-2"}, {2, "id-2"}, {7, ""}}) {
		t.Error(got)
	}
}

func TestAGivenCursorKeepsItsEventIDUntilItMoves(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(draining), giving(draining, heartbeat(5)), giving(nil, batch(6))}})
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterEvent(5, "mine")})
	if subscription.Position() != 5 {
		t.Error(subscription.Position())
	}
	take(t, subscription, 1)
	if got := cursorsOf(server); !slices.Equal(got, []cursor{{5, "mine"}, {5, "mine"}, {5, "mine"}}) {
		t.Error(got)
	}
}

func TestLeavingInTheMiddleOfABatchAndRangingAgainNeitherSkipsNorRepeats(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(nil, batch(1, 2, 3)), giving(nil, batch(3))}})
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)})
	if got := take(t, subscription, 2); !slices.Equal(got, []int64{1, 2}) || subscription.Position() != 2 {
		t.Error(got, subscription.Position())
	}
	if got := take(t, subscription, 1); !slices.Equal(got, []int64{3}) {
		t.Error(got)
	}
	if got := cursorsOf(server); got[1] != (cursor{2, "id-2"}) {
		t.Error(got)
	}
}

func TestFromATimeItResumesFromThePositionOnceItKnowsOne(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(draining), giving(draining, batch(5)), giving(nil, batch(6))}})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	take(t, connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: FromTime(at)}), 2)
	requests := seen[*pb.SubscribeRequest](server)
	if !requests[0].GetFromTime().AsTime().Equal(at) || requests[1].GetFromTime() == nil || requests[2].GetAfterPosition() != 5 {
		t.Error(requests)
	}
}

func TestFromNowOnAnEmptyLogResumesAtItsStartAndSkipsNothing(t *testing.T) {
	caughtUp := &pb.SubscribeResponse{CaughtUp: &pb.CaughtUp{}}
	server := serve(t, scripts{subscribe: []subscribeScript{giving(draining, caughtUp), giving(nil, batch(1))}})
	take(t, connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: FromNow()}), 1)
	start, known := seen[*pb.SubscribeRequest](server)[1].GetStart().(*pb.SubscribeRequest_AfterPosition)
	if !known || start.AfterPosition != 0 {
		t.Error(start)
	}
}

func TestThreeMissedHeartbeatsMakeItReconnect(t *testing.T) {
	ended := make(chan struct{})
	fallsSilent := func(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
		defer close(ended)
		return giving(nil, batch(1))(request, stream)
	}
	server := serve(t, scripts{subscribe: []subscribeScript{fallsSilent, giving(nil, batch(2))}})
	var interruptions []error
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{
		Start: AfterPosition(0), Heartbeat: 100 * time.Millisecond,
		OnInterruption: func(err error, _ time.Duration) { interruptions = append(interruptions, err) },
	})
	if got := take(t, subscription, 2); !slices.Equal(got, []int64{1, 2}) {
		t.Error(got)
	}
	if len(interruptions) != 1 || !errors.Is(interruptions[0], ErrConnectionLost) {
		t.Error(interruptions)
	}
	<-ended
	if got := seen[*pb.SubscribeRequest](server)[0].GetHeartbeatInterval().AsDuration(); got != 100*time.Millisecond {
		t.Error(got)
	}
}

func TestHeartbeatsKeepItWhereItIs(t *testing.T) {
	beats := func(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
		for range 8 {
			time.Sleep(100 * time.Millisecond)
			if err := stream.Send(heartbeat(0)); err != nil {
				return err
			}
		}
		return giving(nil, batch(1))(request, stream)
	}
	server := serve(t, scripts{subscribe: []subscribeScript{beats}})
	take(t, connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0), Heartbeat: 100 * time.Millisecond}), 1)
	if server.callCount() != 1 {
		t.Error(server.calls)
	}
}

func TestASlowReaderIsNotTakenForASilentServer(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(nil, batch(1), batch(2))}})
	subscription := connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0), Heartbeat: 50 * time.Millisecond})
	for event, err := range subscription.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if event.Position == 2 {
			break
		}
		time.Sleep(400 * time.Millisecond)
	}
	if server.callCount() != 1 {
		t.Error(server.calls)
	}
}

func TestMarksStandBetweenTheEvents(t *testing.T) {
	caughtUp, fellBehind := batch(1), heartbeat(1)
	caughtUp.CaughtUp, fellBehind.FellBehind = &pb.CaughtUp{}, &pb.FellBehind{}
	server := serve(t, scripts{subscribe: []subscribeScript{giving(nil, caughtUp, fellBehind, batch(2))}})
	var marks []Mark
	var positions []int64
	for item, err := range connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)}).Items() {
		if err != nil {
			t.Fatal(err)
		}
		if (item.Event == nil) != (item.Mark != NoMark) {
			t.Error(item)
		}
		marks, positions = append(marks, item.Mark), append(positions, item.Position)
		if item.Position == 2 {
			break
		}
	}
	if !slices.Equal(marks, []Mark{NoMark, CaughtUp, FellBehind, NoMark}) || !slices.Equal(positions, []int64{1, 1, 1, 2}) {
		t.Error(marks, positions)
	}
}

func TestWhatWaitingCanNotMendEndsTheSubscription(t *testing.T) {
	for reason, code := range map[Reason]codes.Code{
		ReasonCursorBeyondHead: codes.OutOfRange, ReasonLogDiverged: codes.FailedPrecondition,
		ReasonInvalidFilter: codes.InvalidArgument, ReasonInternal: codes.Internal,
	} {
		server := serve(t, scripts{subscribe: []subscribeScript{giving(fail(code, string(reason)))}})
		ends := 0
		for _, err := range connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(5)}).Events() {
			ends++
			var known *Error
			if !errors.As(err, &known) || known.Reason != reason {
				t.Error(err)
			}
		}
		if ends != 1 || server.callCount() != 1 {
			t.Error(reason, ends, server.calls)
		}
	}
}

func TestWithoutRetriesAnInterruptionIsTold(t *testing.T) {
	server := serve(t, scripts{subscribe: []subscribeScript{giving(draining, batch(1))}})
	var last error
	for _, err := range connected(t, server, WithoutRetries()).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)}).Events() {
		last = err
	}
	if !errors.Is(last, ErrServerDraining) {
		t.Error(last)
	}
}

func TestTheContextEndsASubscriptionAndItsCallAndAlsoAWait(t *testing.T) {
	ended := make(chan struct{})
	watched := func(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
		defer close(ended)
		return giving(nil, batch(1))(request, stream)
	}
	server := serve(t, scripts{subscribe: []subscribeScript{watched, giving(fail(codes.Unavailable, "SERVER_DRAINING", retryAfter(time.Hour)))}})
	client := connected(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	for _, err := range client.Subscribe(ctx, Subscribe{Start: AfterPosition(0)}).Events() {
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
	}
	<-ended
	ctx, cancel = context.WithCancel(t.Context())
	for _, err := range client.Subscribe(ctx, Subscribe{
		Start: AfterPosition(0), OnInterruption: func(error, time.Duration) { time.AfterFunc(10*time.Millisecond, cancel) },
	}).Events() {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestLeavingEndsTheCall(t *testing.T) {
	ended := make(chan struct{})
	watched := func(request *pb.SubscribeRequest, stream pb.EventStoreService_SubscribeServer) error {
		defer close(ended)
		return giving(nil, batch(1, 2))(request, stream)
	}
	server := serve(t, scripts{subscribe: []subscribeScript{watched}})
	take(t, connected(t, server).Subscribe(within(t, 10*time.Second), Subscribe{Start: AfterPosition(0)}), 1)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the call goes on")
	}
}

func TestASubscriptionThatCanNotStartSaysSo(t *testing.T) {
	client := connected(t, serve(t, scripts{}))
	for _, subscribe := range []Subscribe{{}, {Start: FromNow(), Heartbeat: -1}} {
		ends := 0
		for _, err := range client.Subscribe(t.Context(), subscribe).Events() {
			if ends++; !errors.Is(err, ErrInvalidRequest) {
				t.Error(err)
			}
		}
		if ends != 1 {
			t.Error(ends)
		}
	}
}
