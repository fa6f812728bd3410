package everlog

import (
	"crypto/tls"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/everlog/everlog/clients/go/everlogpb"
)

func newTLSConfig() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

func TestAPayloadIsDataJSONOrBinary(t *testing.T) {
	for name, row := range map[string]struct {
		event Event
		want  *pb.NewEvent
	}{
		"none":         {Event{}, &pb.NewEvent{}},
		"native":       {Event{Data: map[string]any{"text": "<ü>", "n": int64(math.MaxInt64)}}, &pb.NewEvent{Payload: &pb.NewEvent_Json{Json: `{"n":9223372036854775807,"text":"<ü>"}`}}},
		"raw":          {Event{JSON: []byte(` {"a" : 1.0}`)}, &pb.NewEvent{Payload: &pb.NewEvent_Json{Json: ` {"a" : 1.0}`}}},
		"null":         {Event{JSON: []byte("null")}, &pb.NewEvent{Payload: &pb.NewEvent_Json{Json: "null"}}},
		"empty raw":    {Event{JSON: []byte{}}, &pb.NewEvent{Payload: &pb.NewEvent_Json{}}}, // the server's to refuse
		"binary":       {Event{Binary: []byte{0, 255}, ContentType: "x/y"}, &pb.NewEvent{Payload: &pb.NewEvent_Binary{Binary: []byte{0, 255}}, ContentType: "x/y"}},
		"empty binary": {Event{Binary: []byte{}}, &pb.NewEvent{Payload: &pb.NewEvent_Binary{Binary: []byte{}}}},
	} {
		got, err := row.event.message()
		if err != nil || !proto.Equal(got, row.want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestWhatIsNoEventIsRefusedNamingIt(t *testing.T) {
	for text, event := range map[string]Event{
		"data is no JSON":  {Data: math.NaN()},
		"one payload":      {Data: 1, JSON: []byte("1")},
		"this one has 2":   {JSON: []byte("1"), Binary: []byte{}},
		"metadata[\"k\"]":  {Metadata: map[string]any{"k": math.Inf(1)}},
		"unsupported type": {Data: make(chan int)},
	} {
		_, _, err := newEmitRequest([]Event{{}, event}, nil).message()
		if !errors.Is(err, ErrInvalidEvent) || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "events[1]") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEveryFieldOfANewEventIsSent(t *testing.T) {
	documentable, at := false, time.Date(2026, 1, 2, 3, 4, 5, 6_000, time.UTC)
	got, err := (&Event{
		EventType: "order.created", Aggregate: Aggregate{"order", "42"}, Source: "shop", Metadata: map[string]any{"k": "v", "tags": []string{"a", "<ü>"}},
		IdempotencyKey: "key", EventID: "id", CorrelationID: "c", CausationID: "d", Actor: "a", UserID: "u",
		OccurredTime: at, Documentable: &documentable,
		Intent:  &Intent{"p", "q", "g", "o", "m"},
		Context: &Context{"d", "c", []string{"r"}},
	}).message()
	want := &pb.NewEvent{
		EventType: "order.created", AggregateType: "order", AggregateId: "42", Source: "shop", Metadata: map[string]string{"k": "v", "tags": `["a","<ü>"]`},
		IdempotencyKey: "key", EventId: "id", CorrelationId: "c", CausationId: "d", Actor: "a", UserId: "u",
		OccurredTime: timestamppb.New(at), Documentable: &documentable,
		Intent:  &pb.Intent{ProblemSolved: "p", PainPoint: "q", Goal: "g", ExpectedOutcome: "o", ImpactMetric: "m"},
		Context: &pb.Context{Decision: "d", Category: "c", RelatedEventIds: []string{"r"}},
	}
	if err != nil || !proto.Equal(got, want) {
		t.Error(got, err)
	}
}

func TestTheFirstMomentOfYearOneIsATimeWhenItHasALocation(t *testing.T) {
	if got := timestamp(time.Time{}); got != nil {
		t.Error(got)
	}
	first := time.Time{}.In(time.FixedZone("UTC", 0))
	if got := timestamp(first); got == nil || !got.AsTime().IsZero() {
		t.Error(got)
	}
}

func TestOnlyEventsThatTheLogWouldKnowMayBeRepeated(t *testing.T) {
	for _, row := range []struct {
		events []Event
		want   bool
	}{
		{[]Event{{IdempotencyKey: "k"}, {EventID: "e"}}, true},
		{[]Event{{IdempotencyKey: "k"}, {}}, false},
	} {
		if _, got, err := newEmitRequest(row.events, nil).message(); err != nil || got != row.want {
			t.Error(row, got, err)
		}
	}
}

func TestAnExpectationIsOfTheOnlyAggregateOrOfANamedOne(t *testing.T) {
	bySource := Event{Source: "shop"}
	request, _, err := newEmitRequest([]Event{bySource, bySource},
		[]EmitOption{Expect(Exactly(0)), ExpectOf(Aggregate{"a", "1"}, MustExist), SkipKnownEvents()}).message()
	if err != nil {
		t.Fatal(err)
	}
	if request.GetKnownEvents() != pb.KnownEventsPolicy_KNOWN_EVENTS_POLICY_SKIP || len(request.GetExpectedSequences()) != 2 {
		t.Error(request)
	}
	for _, expected := range request.GetExpectedSequences() {
		switch expected.GetAggregate().GetAggregateType() {
		case "source":
			if _, exactly := expected.GetExpected().(*pb.ExpectedSequence_Exactly); !exactly {
				t.Error("0 is a sequence, not nothing:", expected)
			}
		case "a":
			if expected.GetMustExist() == nil {
				t.Error(expected)
			}
		}
	}
	_, _, err = newEmitRequest([]Event{bySource, {Source: "other"}}, []EmitOption{Expect(MustExist)}).message()
	if !errors.Is(err, ErrInvalidRequest) {
		t.Error(err)
	}
	if _, _, err = newEmitRequest(nil, []EmitOption{Expect(MustExist)}).message(); !errors.Is(err, ErrInvalidRequest) {
		t.Error(err)
	}
}

func TestARecordedEventDecodesItsDataWithoutRoundingIntegers(t *testing.T) {
	event := recordedFrom(&pb.RecordedEvent{Payload: &pb.RecordedEvent_Json{Json: `{"n": 9007199254740993}`}})
	var anything any
	var typed struct{ N int64 }
	if err := errors.Join(event.Decode(&anything), event.Decode(&typed)); err != nil {
		t.Fatal(err)
	}
	if text := anything.(map[string]any)["n"].(interface{ String() string }).String(); text != "9007199254740993" {
		t.Error(text)
	}
	if typed.N != 9007199254740993 {
		t.Error(typed)
	}
	if err := recordedFrom(&pb.RecordedEvent{EventId: "e"}).Decode(&anything); err == nil || !strings.Contains(err.Error(), "no JSON") {
		t.Error(err)
	}
}

func TestWhatAWriterLeftOutIsEmptyAndAnEmptyBinaryIsThere(t *testing.T) {
	event := recordedFrom(&pb.RecordedEvent{})
	if event.Intent != nil || event.Context != nil || event.Binary != nil || event.JSON != nil || !event.OccurredTime.IsZero() {
		t.Errorf("%+v", event)
	}
	var decoded pb.RecordedEvent
	encoded, _ := proto.Marshal(&pb.RecordedEvent{Payload: &pb.RecordedEvent_Binary{}})
	if err := proto.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if event = recordedFrom(&decoded); event.Binary == nil {
		t.Error("no bytes are not no payload")
	}
}

func TestAnAggregateIsReadUpToItsFirstSlash(t *testing.T) {
	if got, err := ParseAggregate("file/a/b"); err != nil || got != (Aggregate{"file", "a/b"}) || got.String() != "file/a/b" {
		t.Error(got, err)
	}
	for _, text := range []string{"", "order", "order/", "/42"} {
		if _, err := ParseAggregate(text); err == nil {
			t.Error(text)
		}
	}
}
