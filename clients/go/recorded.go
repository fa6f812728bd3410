package everlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// RecordedEvent is an event as it is stored. Texts that its writer left out are empty.
type RecordedEvent struct {
	// EventID is its id, a UUID.
	EventID string
	// Position is its number within the tenant's log, from 1.
	Position int64
	// Sequence is its number within its aggregate, from 1.
	Sequence int64
	// RecordTime is when the server recorded it, in UTC, to the microsecond.
	RecordTime time.Time

	Aggregate Aggregate
	EventType string
	Source    string

	// JSON is its JSON data, byte for byte as it was sent; nil when it has none. See Decode.
	JSON json.RawMessage
	// Binary is its binary data, byte for byte; nil when it has none.
	Binary []byte
	// ContentType is the media type of Binary.
	ContentType string

	// Metadata is technical context; a nested value is JSON text.
	Metadata       map[string]string
	IdempotencyKey string
	CorrelationID  string
	CausationID    string
	Actor          string
	UserID         string
	// OccurredTime is when it happened, in UTC, to the microsecond.
	OccurredTime time.Time
	// Documentable says whether people should be told about it in narratives.
	Documentable bool
	// Intent is why somebody wanted it; nil when that was not said.
	Intent *Intent
	// Context is the decision behind it, and related events; nil when that was not said.
	Context *Context
}

// Decode parses the JSON data into v, as encoding/json does, but for one thing: a number in an any
// becomes a json.Number, so that no integer is rounded to a float64.
func (e *RecordedEvent) Decode(v any) error {
	if e.JSON == nil {
		return fmt.Errorf("everlog: event %s has no JSON data", e.EventID)
	}
	decoder := json.NewDecoder(bytes.NewReader(e.JSON))
	decoder.UseNumber()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("everlog: data of event %s: %w", e.EventID, err)
	}
	return nil
}

// String names the event, such as "12 order.created order/42#1".
func (e *RecordedEvent) String() string {
	return fmt.Sprintf("%d %s %s#%d", e.Position, e.EventType, e.Aggregate, e.Sequence)
}

func recordedFrom(message *everlogpb.RecordedEvent) *RecordedEvent {
	event := &RecordedEvent{
		EventID:        message.GetEventId(),
		Position:       message.GetPosition(),
		Sequence:       message.GetSequence(),
		RecordTime:     timeFrom(message.GetRecordTime()),
		Aggregate:      Aggregate{Type: message.GetAggregateType(), ID: message.GetAggregateId()},
		EventType:      message.GetEventType(),
		Source:         message.GetSource(),
		ContentType:    message.GetContentType(),
		Metadata:       message.GetMetadata(),
		IdempotencyKey: message.GetIdempotencyKey(),
		CorrelationID:  message.GetCorrelationId(),
		CausationID:    message.GetCausationId(),
		Actor:          message.GetActor(),
		UserID:         message.GetUserId(),
		OccurredTime:   timeFrom(message.GetOccurredTime()),
		Documentable:   message.GetDocumentable(),
	}
	switch payload := message.GetPayload().(type) {
	case *everlogpb.RecordedEvent_Json:
		event.JSON = json.RawMessage(payload.Json)
	case *everlogpb.RecordedEvent_Binary:
		event.Binary = payload.Binary
		if event.Binary == nil {
			event.Binary = []byte{} // there, but empty
		}
	}
	if intent := message.GetIntent(); intent != nil {
		event.Intent = &Intent{
			ProblemSolved:   intent.GetProblemSolved(),
			PainPoint:       intent.GetPainPoint(),
			Goal:            intent.GetGoal(),
			ExpectedOutcome: intent.GetExpectedOutcome(),
			ImpactMetric:    intent.GetImpactMetric(),
		}
	}
	if context := message.GetContext(); context != nil {
		event.Context = &Context{
			Decision:        context.GetDecision(),
			Category:        context.GetCategory(),
			RelatedEventIDs: context.GetRelatedEventIds(),
		}
	}
	return event
}

func recordedFromAll(messages []*everlogpb.RecordedEvent) []*RecordedEvent {
	events := make([]*RecordedEvent, len(messages))
	for i, message := range messages {
		events[i] = recordedFrom(message)
	}
	return events
}

// Receipt is what the server says of an event that is stored, durably.
type Receipt struct {
	// EventID is the event's id, a UUID.
	EventID string
	// Position is its number within the tenant's log, from 1.
	Position int64
	// Sequence is its number within its aggregate, from 1.
	Sequence int64
	// RecordTime is when it was recorded, in UTC, to the microsecond.
	RecordTime time.Time
	// Deduplicated is true when an earlier request stored it, and this one found it.
	Deduplicated bool
	// Documentable says whether people should be told about it in narratives.
	Documentable bool
}

func receiptsFrom(messages []*everlogpb.Receipt) []Receipt {
	receipts := make([]Receipt, len(messages))
	for i, message := range messages {
		receipts[i] = Receipt{
			EventID:      message.GetEventId(),
			Position:     message.GetPosition(),
			Sequence:     message.GetSequence(),
			RecordTime:   timeFrom(message.GetRecordTime()),
			Deduplicated: message.GetDeduplicated(),
			Documentable: message.GetDocumentable(),
		}
	}
	return receipts
}

// Head is the end of a log.
type Head struct {
	// Position is that of the last event; 0 when the log is empty.
	Position int64
	// EventID is the id of the last event; empty when the log is empty. See [AfterEvent].
	EventID string
	// RecordTime is when the last event was recorded; zero when the log is empty.
	RecordTime time.Time
}
