package everlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Aggregate names what an event is about, such as order/42.
type Aggregate struct {
	Type string
	ID   string
}

// String gives type and id with a slash between them.
func (a Aggregate) String() string { return a.Type + "/" + a.ID }

// ParseAggregate reads order/42. The first slash parts type and id; the id may have more of them.
func ParseAggregate(text string) (Aggregate, error) {
	kind, id, found := strings.Cut(text, "/")
	if !found || kind == "" || id == "" {
		return Aggregate{}, fmt.Errorf("everlog: %q is no aggregate: expected its type and id, as in order/42", text)
	}
	return Aggregate{Type: kind, ID: id}, nil
}

func (a Aggregate) message() *everlogpb.AggregateKey {
	return &everlogpb.AggregateKey{AggregateType: a.Type, AggregateId: a.ID}
}

func aggregateFrom(key *everlogpb.AggregateKey) Aggregate {
	return Aggregate{Type: key.GetAggregateType(), ID: key.GetAggregateId()}
}

// Event is a new event. Only its type, and an aggregate or a source, are required. Its payload is one
// of Data, JSON and Binary, or absent.
type Event struct {
	// EventType is what happened, such as order.created.
	EventType string
	// Aggregate is what it is about. Zero: the aggregate source/<Source>.
	Aggregate Aggregate
	// Source is the component that speaks.
	Source string

	// Data is anything that encoding/json can write. nil: no data (for a JSON null: JSON, with "null").
	Data any
	// JSON is JSON text, kept byte for byte. nil: none.
	JSON json.RawMessage
	// Binary is kept byte for byte. nil: none; empty but not nil: no bytes, of ContentType.
	Binary []byte
	// ContentType is the media type of Binary.
	ContentType string

	// Metadata is technical context. A value that is no string is kept as JSON text.
	Metadata map[string]any
	// IdempotencyKey is the writer's name for the event, unique for ever. With it, an emit that was
	// interrupted is sent again.
	IdempotencyKey string
	// EventID is a UUID of the writer's choice. Empty: the server makes one.
	EventID       string
	CorrelationID string
	CausationID   string
	Actor         string
	UserID        string
	// OccurredTime is when it happened; the zero value: when it is recorded. Cut to microseconds.
	OccurredTime time.Time
	// Documentable says whether people should be told about it in narratives; nil: the server decides.
	Documentable *bool
	Intent       *Intent
	Context      *Context
}

// Intent is why somebody wanted what the event records: the goal before the fact.
type Intent struct {
	ProblemSolved   string
	PainPoint       string
	Goal            string
	ExpectedOutcome string
	ImpactMetric    string
}

// Context is the decision behind an event, and the ids of events that belong with it.
type Context struct {
	Decision        string
	Category        string
	RelatedEventIDs []string
}

// writtenAggregate is the aggregate that the event will belong to.
func (e *Event) writtenAggregate() Aggregate {
	if e.Aggregate == (Aggregate{}) {
		return Aggregate{Type: "source", ID: e.Source}
	}
	return e.Aggregate
}

// recognisable tells whether emitting the event a second time is harmless, because the log will know it.
func (e *Event) recognisable() bool { return e.IdempotencyKey != "" || e.EventID != "" }

func (e *Event) message() (*everlogpb.NewEvent, error) {
	metadata, err := metadataTexts(e.Metadata)
	if err != nil {
		return nil, err
	}
	message := &everlogpb.NewEvent{
		EventId:        e.EventID,
		AggregateType:  e.Aggregate.Type,
		AggregateId:    e.Aggregate.ID,
		EventType:      e.EventType,
		Source:         e.Source,
		ContentType:    e.ContentType,
		Metadata:       metadata,
		IdempotencyKey: e.IdempotencyKey,
		CorrelationId:  e.CorrelationID,
		CausationId:    e.CausationID,
		Actor:          e.Actor,
		UserId:         e.UserID,
		OccurredTime:   timestamp(e.OccurredTime),
		Documentable:   e.Documentable,
		Intent:         e.Intent.message(),
		Context:        e.Context.message(),
	}
	payloads := 0
	if e.Data != nil {
		payloads++
		text, err := encodeJSON(e.Data)
		if err != nil {
			return nil, fmt.Errorf("data is no JSON: %w", err)
		}
		message.Payload = &everlogpb.NewEvent_Json{Json: text}
	}
	if e.JSON != nil {
		payloads++
		message.Payload = &everlogpb.NewEvent_Json{Json: string(e.JSON)}
	}
	if e.Binary != nil {
		payloads++
		message.Payload = &everlogpb.NewEvent_Binary{Binary: e.Binary}
	}
	if payloads > 1 {
		return nil, fmt.Errorf("an event has one payload: Data, JSON or Binary; this one has %d", payloads)
	}
	return message, nil
}

func (i *Intent) message() *everlogpb.Intent {
	if i == nil {
		return nil
	}
	return &everlogpb.Intent{
		ProblemSolved:   i.ProblemSolved,
		PainPoint:       i.PainPoint,
		Goal:            i.Goal,
		ExpectedOutcome: i.ExpectedOutcome,
		ImpactMetric:    i.ImpactMetric,
	}
}

func (c *Context) message() *everlogpb.Context {
	if c == nil {
		return nil
	}
	return &everlogpb.Context{
		Decision:        c.Decision,
		Category:        c.Category,
		RelatedEventIds: c.RelatedEventIDs,
	}
}

func metadataTexts(metadata map[string]any) (map[string]string, error) {
	texts := make(map[string]string, len(metadata))
	for key, value := range metadata {
		text, isText := value.(string)
		if !isText {
			var err error
			if text, err = encodeJSON(value); err != nil {
				return nil, fmt.Errorf("metadata[%q] is no JSON: %w", key, err)
			}
		}
		texts[key] = text
	}
	return texts, nil
}

// encodeJSON is json.Marshal without escaping <, > and &: this is no HTML, and bytes are paid for.
func encodeJSON(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}
