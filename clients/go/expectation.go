package everlog

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Expected is what a writer expects of one aggregate at the moment of an append: [Exactly],
// [MustNotExist] or [MustExist]. Values may be compared with ==. The zero value expects nothing.
type Expected struct {
	kind     expectedKind
	sequence int64
}

type expectedKind int8

const (
	expectAnything expectedKind = iota
	expectExactly
	expectNone
	expectSome
)

// MustNotExist expects that the aggregate has no events, MustExist that it has.
var (
	MustNotExist = Expected{kind: expectNone}
	MustExist    = Expected{kind: expectSome}
)

// Exactly expects that the aggregate's last sequence is this one; 0: that it has no events.
func Exactly(sequence int64) Expected { return Expected{kind: expectExactly, sequence: sequence} }

// Sequence gives the sequence that is expected, if it is one exactly.
func (e Expected) Sequence() (sequence int64, exactly bool) {
	return e.sequence, e.kind == expectExactly
}

// String says what is expected, such as "3" or "it not to exist".
func (e Expected) String() string {
	switch e.kind {
	case expectExactly:
		return strconv.FormatInt(e.sequence, 10)
	case expectNone:
		return "it not to exist"
	case expectSome:
		return "it to exist"
	default:
		return "anything"
	}
}

func (e Expected) message(aggregate Aggregate) *everlogpb.ExpectedSequence {
	message := &everlogpb.ExpectedSequence{Aggregate: aggregate.message()}
	switch e.kind {
	case expectExactly:
		message.Expected = &everlogpb.ExpectedSequence_Exactly{Exactly: e.sequence}
	case expectNone:
		message.Expected = &everlogpb.ExpectedSequence_MustNotExist{MustNotExist: &emptypb.Empty{}}
	case expectSome:
		message.Expected = &everlogpb.ExpectedSequence_MustExist{MustExist: &emptypb.Empty{}}
	}
	return message
}

// EmitOption says more about one request: [Expect], [ExpectOf] or [SkipKnownEvents].
type EmitOption func(*emitRequest)

// emitRequest is an Emit in the making.
type emitRequest struct {
	events       []Event
	expectations []expectation // in the order of the options
	knownEvents  everlogpb.KnownEventsPolicy
}

type expectation struct {
	of       *Aggregate // nil: the only one that is written
	expected Expected
}

// Expect refuses the request unless the only aggregate that its events are about is as expected.
func Expect(expected Expected) EmitOption {
	return func(r *emitRequest) { r.expectations = append(r.expectations, expectation{nil, expected}) }
}

// ExpectOf refuses the request unless this aggregate, which it need not write, is as expected.
func ExpectOf(aggregate Aggregate, expected Expected) EmitOption {
	return func(r *emitRequest) {
		r.expectations = append(r.expectations, expectation{&aggregate, expected})
	}
}

// SkipKnownEvents answers events that the log knows with their original receipts and appends the
// others, rather than refusing the request: for imports whose batch boundaries have moved.
func SkipKnownEvents() EmitOption {
	return func(r *emitRequest) {
		r.knownEvents = everlogpb.KnownEventsPolicy_KNOWN_EVENTS_POLICY_SKIP
	}
}

// message encodes the request, and tells whether the log would know all of its events.
func (r *emitRequest) message() (message *everlogpb.EmitRequest, recognisable bool, err error) {
	message = &everlogpb.EmitRequest{
		Events:      make([]*everlogpb.NewEvent, len(r.events)),
		KnownEvents: r.knownEvents,
	}
	recognisable = true
	for i := range r.events {
		event := &r.events[i]
		recognisable = recognisable && event.recognisable()
		if message.Events[i], err = event.message(); err != nil {
			return nil, false, refusal(ReasonInvalidEvent, "events["+strconv.Itoa(i)+"]: "+err.Error())
		}
	}
	for _, expectation := range r.expectations {
		aggregate := expectation.of
		if aggregate == nil {
			if aggregate, err = r.onlyAggregate(); err != nil {
				return nil, false, refusal(ReasonInvalidRequest, err.Error())
			}
		}
		message.ExpectedSequences = append(message.ExpectedSequences, expectation.expected.message(*aggregate))
	}
	return message, recognisable, nil
}

func (r *emitRequest) onlyAggregate() (*Aggregate, error) {
	if len(r.events) == 0 {
		return nil, errors.New("no aggregate is written: say with ExpectOf of which something is expected")
	}
	only := r.events[0].writtenAggregate()
	for i := range r.events {
		if r.events[i].writtenAggregate() != only {
			return nil, errors.New("several aggregates are written: say with ExpectOf what is expected of each of them")
		}
	}
	return &only, nil
}

func newEmitRequest(events []Event, options []EmitOption) *emitRequest {
	request := &emitRequest{
		events:      events,
		knownEvents: everlogpb.KnownEventsPolicy_KNOWN_EVENTS_POLICY_REFUSE,
	}
	for _, option := range options {
		option(request)
	}
	return request
}
