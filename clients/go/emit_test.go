package everlog

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

func about(name string) Event { return Event{EventType: "a.b", Aggregate: Aggregate{"a", name}} }

func keyed(name string) Event {
	event := about(name)
	event.IdempotencyKey = "k" + name
	return event
}

// namesOf are the aggregate ids of each message, in the order of arrival.
func namesOf(server *scripted) [][]string {
	var all [][]string
	for _, message := range seen[*pb.EmitStreamRequest](server) {
		var names []string
		for _, emit := range message.GetEmits() {
			names = append(names, emit.GetRequest().GetEvents()[0].GetAggregateId())
		}
		all = append(all, names)
	}
	return all
}

// send puts events on a stream, one request each, and gives what becomes of them.
func send(t *testing.T, stream *EmitStream, events ...Event) []*Pending {
	t.Helper()
	var all []*Pending
	for _, event := range events {
		pending, err := stream.Send([]Event{event})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pending)
	}
	return all
}

func TestAnEmitGivesItsReceipt(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{allWell}})
	client := connected(t, server, WithTenant("acme"), WithToken("t"))
	receipt, err := client.Emit(within(t, 10*time.Second), about("1"), Expect(MustNotExist))
	if err != nil || receipt.Position != 1 || receipt.EventID != "id-1" {
		t.Fatal(receipt, err)
	}
	emit := seen[*pb.EmitStreamRequest](server)[0].GetEmits()[0].GetRequest()
	if emit.GetExpectedSequences()[0].GetMustNotExist() == nil || emit.GetKnownEvents() != pb.KnownEventsPolicy_KNOWN_EVENTS_POLICY_REFUSE {
		t.Error(emit)
	}
	headers := server.headers[0]
	if !slices.Equal(headers["everlog-tenant"], []string{"acme"}) || !slices.Equal(headers["authorization"], []string{"Bearer t"}) {
		t.Error(headers)
	}
	if agent := headers["user-agent"][0]; !strings.HasPrefix(agent, "everlog-go/"+Version) {
		t.Error(agent)
	}
}

func TestConcurrentEmitsShareOneStream(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{allWell}})
	client := connected(t, server)
	var emits sync.WaitGroup
	for n := range 200 {
		emits.Go(func() {
			if _, err := client.Emit(within(t, 10*time.Second), about(strconv.Itoa(n))); err != nil {
				t.Error(err)
			}
		})
	}
	emits.Wait()
	if server.callCount() != 1 {
		t.Error(server.calls)
	}
}

func TestWhatIsSubmittedWhileMessagesAreUnansweredTravelsTogether(t *testing.T) {
	mayAnswer := make(chan struct{})
	held := func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		var given []*pb.StreamedAnswer
		for range messagesMax {
			emits, err := messages.next()
			if err != nil {
				return nil
			}
			for _, emit := range emits {
				given = append(given, answer(emit, 1))
			}
		}
		<-mayAnswer
		if err := stream.Send(answers(given...)); err != nil {
			return err
		}
		return allWell(messages, stream)
	}
	server := serve(t, scripts{emitStream: []emitStreamScript{held}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	for n := range messagesMax {
		send(t, stream, about(strconv.Itoa(n)))
		<-server.arrived
	}
	send(t, stream, about("a"), about("b"), about("c"))
	close(mayAnswer)
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	if got := namesOf(server); len(got) != messagesMax+1 || !slices.Equal(got[messagesMax], []string{"a", "b", "c"}) {
		t.Error(got)
	}
}

func TestAStreamSendsInOrderAndInMessagesOfBoundedSize(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{allWell}})
	stream := connected(t, server).EmitStream(within(t, 30*time.Second))
	var want []string
	var last *Pending
	for n := range 7_500 {
		last = send(t, stream, about(strconv.Itoa(n)))[0]
		want = append(want, strconv.Itoa(n))
	}
	if receipts, err := last.Receipts(t.Context()); err != nil || receipts[0].Position != 7_500 {
		t.Error(receipts, err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	messages := namesOf(server)
	if !slices.Equal(slices.Concat(messages...), want) {
		t.Error("the order is not that of the calls")
	}
	for _, message := range messages {
		if len(message) > messageEmitsMax {
			t.Error(len(message))
		}
	}
}

func TestAnswersOutOfOrderReachThoseWhoAsked(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		var read []*pb.StreamedEmit
		for total := 0; total < 3; {
			emits, err := messages.next()
			if err != nil {
				return nil
			}
			total += len(emits)
			if read = append(read, emits...); len(read) < 2 && total < 3 {
				continue
			}
			for _, emit := range slices.Backward(read) {
				position, _ := strconv.ParseInt(emit.GetRequest().GetEvents()[0].GetAggregateId(), 10, 64)
				stranger := &pb.StreamedAnswer{RequestId: 999}
				if err := stream.Send(answers(stranger, answer(emit, position))); err != nil {
					return err
				}
			}
			read = nil
		}
		return silent(messages, stream)
	}}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	for i, pending := range send(t, stream, about("7"), about("8"), about("9")) {
		receipts, err := pending.Receipts(t.Context())
		if err != nil || receipts[0].Position != int64(i+7) {
			t.Error(receipts, err)
		}
	}
}

// refusing refuses what is about the aggregate, and stores all else.
func refusing(name string, code codes.Code, reason string) emitStreamScript {
	return func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		for {
			emits, err := messages.next()
			if err != nil {
				return nil
			}
			for _, emit := range emits {
				given := answer(emit, emit.GetRequestId())
				if emit.GetRequest().GetEvents()[0].GetAggregateId() == name {
					given = refused(emit, statusOf(code, reason))
				}
				if err := stream.Send(answers(given)); err != nil {
					return err
				}
			}
		}
	}
}

func TestARefusedRequestDoesNotTouchItsNeighboursAndIsToldAtTheEnd(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{refusing("2", codes.Aborted, "SEQUENCE_CONFLICT")}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	all := send(t, stream, about("1"), about("2"), about("3"))
	for i, pending := range all {
		_, err := pending.Receipts(t.Context())
		if errors.Is(err, ErrSequenceConflict) != (i == 1) || (err == nil) != (i != 1) {
			t.Error(i, err)
		}
	}
	if err := stream.Close(); !errors.Is(err, ErrSequenceConflict) {
		t.Error(err)
	}
	if _, err := stream.Send([]Event{about("4")}); err == nil {
		t.Error("Send on a stream that is closed")
	}
}

func TestAnEventThatCanNotBeEncodedIsRefusedAlone(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{allWell}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	defer stream.Close()
	first := send(t, stream, about("1"))[0]
	for _, event := range []Event{{Data: func() {}}, {EventType: "a\xff"}} {
		if _, err := stream.Send([]Event{event}); !errors.Is(err, ErrInvalidEvent) {
			t.Error(err)
		}
	}
	if _, err := first.Receipts(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestABrokenStreamFailsThoseWithoutKeysAndTheNextCallOpensANewOne(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{dies, allWell}})
	client := connected(t, server)
	if _, err := client.Emit(within(t, 10*time.Second), about("1")); !errors.Is(err, ErrConnectionLost) {
		t.Fatal(err)
	}
	if _, err := client.Emit(within(t, 10*time.Second), about("2")); err != nil {
		t.Fatal(err)
	}
	if got := namesOf(server); len(got) != 2 || server.callCount() != 2 {
		t.Error(got)
	}
}

func TestKeyedEmitsAreSentAgainInTheirOrder(t *testing.T) {
	var read []*pb.StreamedEmit
	answersOneAndDies := func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		for len(read) < 2 {
			emits, err := messages.next()
			if err != nil {
				return nil
			}
			read = append(read, emits...)
		}
		if err := stream.Send(answers(answer(read[1], 1))); err != nil {
			return err
		}
		return broken
	}
	server := serve(t, scripts{emitStream: []emitStreamScript{answersOneAndDies, allWell}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	chosen := about("3")
	chosen.EventID = "chosen"
	send(t, stream, keyed("0"), keyed("1"), keyed("2"), chosen)
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	names := slices.Concat(namesOf(server)...)
	if !slices.Equal(names[len(read):], []string{"0", "2", "3"}) || server.callCount() != 2 {
		t.Error(names)
	}
}

func TestAClientThatMakesKeysSendsEveryEmitAgainUnderTheSameKey(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{dies, allWell}})
	client := connected(t, server, WithMadeIdempotencyKeys())
	events := []Event{about("1"), keyed("2")}
	if _, err := client.EmitMany(within(t, 10*time.Second), events); err != nil {
		t.Fatal(err)
	}
	var keys [][]string
	for _, message := range seen[*pb.EmitStreamRequest](server) {
		var of []string
		for _, event := range message.GetEmits()[0].GetRequest().GetEvents() {
			of = append(of, event.GetIdempotencyKey())
		}
		keys = append(keys, of)
	}
	if len(keys) != 2 || !slices.Equal(keys[0], keys[1]) || len(keys[0][0]) != 26 || keys[0][1] != "k2" {
		t.Error(keys)
	}
	if events[0].IdempotencyKey != "" {
		t.Error("the caller's own event was changed")
	}
}

func TestRefusedForNowIsTriedAgainAfterTheTimeThatTheServerAskedFor(t *testing.T) {
	for _, row := range []struct {
		code   codes.Code
		reason string
	}{
		{codes.Unavailable, "STORAGE_UNAVAILABLE"},
		{codes.Unavailable, "SERVER_DRAINING"},
		{codes.ResourceExhausted, "OVERLOADED"},
	} {
		t.Run(row.reason, func(t *testing.T) {
			t.Parallel()
			later := func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
				for n := 0; ; n++ {
					emits, err := messages.next()
					if err != nil {
						return nil
					}
					given := answer(emits[0], 1)
					if n < 2 {
						given = refused(emits[0], statusOf(row.code, row.reason, retryAfter(200*time.Millisecond)))
					}
					if err := stream.Send(answers(given)); err != nil {
						return err
					}
				}
			}
			server := serve(t, scripts{emitStream: []emitStreamScript{later}})
			client := connected(t, server)
			began := time.Now()
			if _, err := client.Emit(within(t, 10*time.Second), about("1")); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited < 400*time.Millisecond || server.callCount() != 1 {
				t.Error(waited, server.calls)
			}
		})
	}
}

func TestCommitUnknownIsToldToThoseWithoutKeys(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{refusing("1", codes.Unavailable, "COMMIT_UNKNOWN")}})
	client := connected(t, server)
	if _, err := client.Emit(within(t, 10*time.Second), about("1")); !errors.Is(err, ErrCommitUnknown) {
		t.Error(err)
	}
	if len(namesOf(server)) != 1 {
		t.Error(namesOf(server))
	}
}

func TestWithoutAnAnswerAnEmitEndsAtItsDeadline(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{silent}})
	client := connected(t, server, WithTimeout(100*time.Millisecond))
	if _, err := client.Emit(t.Context(), keyed("1")); !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := client.Emit(ctx, keyed("2")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRetriesEndAtTheDeadlineWithWhatWentWrongLast(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{refusing("1", codes.Unavailable, "STORAGE_UNAVAILABLE")}})
	client := connected(t, server, WithTimeout(300*time.Millisecond))
	_, err := client.Emit(t.Context(), about("1"))
	if !errors.Is(err, ErrStorageUnavailable) || !errors.Is(err, context.DeadlineExceeded) || len(namesOf(server)) < 3 {
		t.Error(err, namesOf(server))
	}
}

func TestWithoutRetriesNothingIsSentTwice(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{dies}})
	client := connected(t, server, WithoutRetries())
	if _, err := client.Emit(within(t, 10*time.Second), keyed("1")); !errors.Is(err, ErrConnectionLost) || server.callCount() != 1 {
		t.Error(err, server.calls)
	}
}

func TestKeyedEmitsSurviveARestartOfTheServer(t *testing.T) {
	first := serve(t, scripts{emitStream: []emitStreamScript{silent}})
	client := connected(t, first)
	done := make(chan error, 1)
	go func() {
		_, err := client.Emit(within(t, 10*time.Second), keyed("1"))
		done <- err
	}()
	<-first.arrived
	first.stop()
	second := serveAt(t, first.address, scripts{emitStream: []emitStreamScript{allWell}})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := namesOf(second); len(got) != 1 {
		t.Error(got)
	}
}

func TestWhatWasNeverSentWaitsForAServerEvenWithoutAKey(t *testing.T) {
	gone := serve(t, scripts{})
	gone.stop()
	client := connected(t, gone)
	done := make(chan error, 1)
	go func() {
		_, err := client.Emit(within(t, 10*time.Second), about("1"))
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	serveAt(t, gone.address, scripts{emitStream: []emitStreamScript{allWell}})
	if err := <-done; err != nil {
		t.Error(err)
	}
	gone = serve(t, scripts{})
	gone.stop()
	if _, err := connected(t, gone, WithTimeout(200*time.Millisecond)).Emit(t.Context(), about("1")); !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
}

func TestWhatIsWithdrawnBeforeItIsSentIsNotSent(t *testing.T) {
	mayAnswer := make(chan struct{})
	held := func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		emits, err := messages.next()
		if err != nil {
			return nil
		}
		if err := stream.Send(answers(refused(emits[0], statusOf(codes.ResourceExhausted, "OVERLOADED", retryAfter(300*time.Millisecond))))); err != nil {
			return err
		}
		close(mayAnswer)
		return allWell(messages, stream)
	}
	server := serve(t, scripts{emitStream: []emitStreamScript{held}})
	client := connected(t, server)
	stream := client.EmitStream(within(t, 10*time.Second))
	first := send(t, stream, about("first"))[0]
	<-mayAnswer
	time.Sleep(50 * time.Millisecond) // until the pause is known
	withdrawn := client.EmitStream(within(t, 10*time.Second))
	withdrawn.pipeline = stream.pipeline
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn.ctx = ctx
	second := send(t, withdrawn, about("withdrawn"))[0]
	third := send(t, stream, about("third"))[0]
	cancel()
	if _, err := second.Receipts(t.Context()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, pending := range []*Pending{first, third} {
		if _, err := pending.Receipts(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := namesOf(server); !slices.Equal(slices.Concat(got...), []string{"first", "first", "third"}) {
		t.Error(got)
	}
}

func TestWhatIsSentAndNotAnsweredIsBounded(t *testing.T) {
	mayAnswer := make(chan struct{})
	holdsBack := func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		read := make(chan []*pb.StreamedEmit, 100)
		go func() {
			defer close(read)
			for {
				emits, err := messages.next()
				if err != nil {
					return
				}
				read <- emits
			}
		}()
		<-mayAnswer
		for emits := range read {
			for _, emit := range emits {
				if err := stream.Send(answers(answer(emit, 1))); err != nil {
					return err
				}
			}
		}
		return nil
	}
	server := serve(t, scripts{emitStream: []emitStreamScript{holdsBack}})
	stream := connected(t, server).EmitStream(within(t, 30*time.Second))
	large := Event{EventType: "a.b", Source: "s", Binary: make([]byte, 900_000)}
	sent := make(chan int, 20)
	go func() {
		defer close(sent)
		for n := range 12 {
			if _, err := stream.Send([]Event{large}); err != nil {
				t.Error(err)
			}
			sent <- n
		}
	}()
	for range messagesMax {
		<-server.arrived
	}
	time.Sleep(200 * time.Millisecond)
	if len(sent) != 4 || len(namesOf(server)) != messagesMax { // of 4 MiB
		t.Errorf("%d are on their way, in %d messages", len(sent), len(namesOf(server)))
	}
	close(mayAnswer)
	for range sent {
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosingFailsThoseWhoStillWait(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{silent}})
	client := connected(t, server)
	done := make(chan error, 1)
	go func() {
		_, err := client.Emit(t.Context(), keyed("1"))
		done <- err
	}()
	<-server.arrived
	client.Close()
	if err := <-done; !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
	if _, err := client.Emit(t.Context(), keyed("2")); !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
	if _, err := client.EmitStream(t.Context()).Send([]Event{keyed("3")}); !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
	if _, err := client.Head(t.Context()); !errors.Is(err, ErrConnectionLost) {
		t.Error(err)
	}
	for _, err := range client.Subscribe(t.Context(), Subscribe{Start: FromNow()}).Events() {
		if !errors.Is(err, ErrConnectionLost) {
			t.Error(err)
		}
	}
}

func TestAStreamThatTheServerEndsUnderAWriteKeepsItsReason(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{func(*messages, pb.EventStoreService_EmitStreamServer) error {
		return fail(codes.NotFound, "TENANT_NOT_FOUND")
	}}})
	stream := connected(t, server).EmitStream(within(t, 10*time.Second))
	large := Event{EventType: "a.b", Source: "s", Binary: make([]byte, 200_000)}
	for range 50 {
		pending := send(t, stream, large)[0]
		if _, err := pending.Receipts(t.Context()); !errors.Is(err, ErrTenantNotFound) {
			t.Fatal(err)
		}
	}
}

func TestAnAnswerWithTooFewReceiptsIsADefectNotAPanic(t *testing.T) {
	server := serve(t, scripts{emitStream: []emitStreamScript{func(messages *messages, stream pb.EventStoreService_EmitStreamServer) error {
		emits, err := messages.next()
		if err != nil {
			return nil
		}
		given := &pb.StreamedAnswer{RequestId: emits[0].GetRequestId()}
		if err := stream.Send(answers(given)); err != nil {
			return err
		}
		return silent(messages, stream)
	}}})
	if _, err := connected(t, server).Emit(within(t, 10*time.Second), about("1")); err == nil || !strings.Contains(err.Error(), "0 receipts") {
		t.Error(err)
	}
}
