package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"

	everlog "github.com/everlog/everlog/clients/go"
)

// Between the suite's canonical JSON and the client's values.

type object map[string]any

// instant is RFC 3339 in UTC with six digits and a Z.
type instant time.Time

const instantLayout = "2006-01-02T15:04:05.000000Z"

func (i *instant) UnmarshalJSON(text []byte) error {
	var t time.Time
	if err := t.UnmarshalJSON(text); err != nil {
		return err
	}
	// With a location, so that the first moment of year 1 is not taken for the absent one.
	*i = instant(t.In(time.FixedZone("UTC", 0)))
	return nil
}

func fromTime(t time.Time) string { return t.UTC().Format(instantLayout) }

type aggregate struct {
	AggregateType string `json:"aggregate_type"`
	AggregateID   string `json:"aggregate_id"`
}

func (a aggregate) value() everlog.Aggregate {
	return everlog.Aggregate{Type: a.AggregateType, ID: a.AggregateID}
}

type intent struct {
	ProblemSolved   string `json:"problem_solved"`
	PainPoint       string `json:"pain_point"`
	Goal            string `json:"goal"`
	ExpectedOutcome string `json:"expected_outcome"`
	ImpactMetric    string `json:"impact_metric"`
}

type surroundings struct {
	Decision        string   `json:"decision"`
	Category        string   `json:"category"`
	RelatedEventIDs []string `json:"related_event_ids"`
}

type event struct {
	aggregate
	EventID        string         `json:"event_id"`
	EventType      string         `json:"event_type"`
	Source         string         `json:"source"`
	JSON           *string        `json:"json"`
	Data           any            `json:"data"`
	Binary         []byte         `json:"binary"`
	ContentType    string         `json:"content_type"`
	Metadata       map[string]any `json:"metadata"`
	IdempotencyKey string         `json:"idempotency_key"`
	CorrelationID  string         `json:"correlation_id"`
	CausationID    string         `json:"causation_id"`
	Actor          string         `json:"actor"`
	UserID         string         `json:"user_id"`
	OccurredTime   instant        `json:"occurred_time"`
	Documentable   *bool          `json:"documentable"`
	Intent         *intent        `json:"intent"`
	Context        *surroundings  `json:"context"`
}

func (e *event) value() everlog.Event {
	value := everlog.Event{
		EventType: e.EventType, Aggregate: e.aggregate.value(), Source: e.Source,
		Data: e.Data, Binary: e.Binary, ContentType: e.ContentType, Metadata: e.Metadata,
		IdempotencyKey: e.IdempotencyKey, EventID: e.EventID, CorrelationID: e.CorrelationID,
		CausationID: e.CausationID, Actor: e.Actor, UserID: e.UserID,
		OccurredTime: time.Time(e.OccurredTime), Documentable: e.Documentable,
		Intent: (*everlog.Intent)(e.Intent), Context: (*everlog.Context)(e.Context),
	}
	if e.JSON != nil {
		value.JSON = append(json.RawMessage{}, *e.JSON...)
	}
	return value
}

func values(events []event) []everlog.Event {
	all := make([]everlog.Event, len(events))
	for i := range events {
		all[i] = events[i].value()
	}
	return all
}

type expectation struct {
	aggregate
	Exactly      *int64 `json:"exactly,string"`
	MustNotExist bool   `json:"must_not_exist"`
	MustExist    bool   `json:"must_exist"`
}

func (e expectation) option() everlog.EmitOption {
	switch {
	case e.Exactly != nil:
		return everlog.ExpectOf(e.value(), everlog.Exactly(*e.Exactly))
	case e.MustExist:
		return everlog.ExpectOf(e.value(), everlog.MustExist)
	default:
		return everlog.ExpectOf(e.value(), everlog.MustNotExist)
	}
}

type filter struct {
	AggregateTypes   []string          `json:"aggregate_types"`
	Aggregate        aggregate         `json:"aggregate"`
	EventTypes       []string          `json:"event_types"`
	Sources          []string          `json:"sources"`
	RecordedFrom     instant           `json:"recorded_from"`
	RecordedBefore   instant           `json:"recorded_before"`
	OccurredFrom     instant           `json:"occurred_from"`
	OccurredBefore   instant           `json:"occurred_before"`
	CorrelationID    string            `json:"correlation_id"`
	CausationID      string            `json:"causation_id"`
	Actor            string            `json:"actor"`
	UserID           string            `json:"user_id"`
	DocumentableOnly bool              `json:"documentable_only"`
	Metadata         map[string]string `json:"metadata"`
	DataContains     any               `json:"data_contains"`
	Keyword          string            `json:"keyword"`
}

func (f *filter) value() *everlog.Filter {
	if f == nil {
		return nil
	}
	return &everlog.Filter{
		AggregateTypes: f.AggregateTypes, Aggregate: f.Aggregate.value(), EventTypes: f.EventTypes, Sources: f.Sources,
		RecordedFrom: time.Time(f.RecordedFrom), RecordedBefore: time.Time(f.RecordedBefore),
		OccurredFrom: time.Time(f.OccurredFrom), OccurredBefore: time.Time(f.OccurredBefore),
		CorrelationID: f.CorrelationID, CausationID: f.CausationID, Actor: f.Actor, UserID: f.UserID,
		DocumentableOnly: f.DocumentableOnly, Metadata: f.Metadata, DataContains: f.DataContains, Keyword: f.Keyword,
	}
}

func integer(n int64) string { return strconv.FormatInt(n, 10) }

func fromEvent(e *everlog.RecordedEvent) object {
	shape := object{
		"event_id": e.EventID, "position": integer(e.Position), "sequence": integer(e.Sequence),
		"record_time": fromTime(e.RecordTime), "aggregate_type": e.Aggregate.Type, "aggregate_id": e.Aggregate.ID,
		"event_type": e.EventType, "source": e.Source, "content_type": e.ContentType, "metadata": texts(e.Metadata),
		"idempotency_key": e.IdempotencyKey, "correlation_id": e.CorrelationID, "causation_id": e.CausationID,
		"actor": e.Actor, "user_id": e.UserID, "occurred_time": fromTime(e.OccurredTime), "documentable": e.Documentable,
	}
	if e.JSON != nil {
		shape["json"] = string(e.JSON)
	}
	if e.Binary != nil {
		shape["binary"] = e.Binary
	}
	if e.Intent != nil {
		shape["intent"] = (*intent)(e.Intent)
	}
	if e.Context != nil {
		context := surroundings(*e.Context)
		if context.RelatedEventIDs == nil {
			context.RelatedEventIDs = []string{}
		}
		shape["context"] = context
	}
	return shape
}

func texts(given map[string]string) map[string]string {
	if given == nil {
		return map[string]string{}
	}
	return given
}

func fromReceipt(r everlog.Receipt) object {
	return object{
		"event_id": r.EventID, "position": integer(r.Position), "sequence": integer(r.Sequence),
		"record_time": fromTime(r.RecordTime), "deduplicated": r.Deduplicated, "documentable": r.Documentable,
	}
}

func fromItem(item everlog.Item) object {
	switch item.Mark {
	case everlog.CaughtUp:
		return object{"caught_up": integer(item.Position)}
	case everlog.FellBehind:
		return object{"fell_behind": integer(item.Position)}
	default:
		return object{"event": fromEvent(item.Event)}
	}
}

func fromError(err error) object {
	var failed *everlog.Error
	if !errors.As(err, &failed) {
		return object{}
	}
	fields, violations, known := []object{}, []object{}, []object{}
	for _, violation := range failed.FieldViolations {
		fields = append(fields, object{"field": violation.Field, "description": violation.Description})
	}
	var conflict *everlog.SequenceConflict
	if errors.As(err, &conflict) {
		for _, violation := range conflict.Violations {
			violations = append(violations, fromViolation(violation))
		}
	}
	for _, event := range knownEvents(err) {
		known = append(known, object{
			"index": event.Index, "idempotency_key": event.IdempotencyKey, "event_id": event.EventID,
		})
	}
	shape := object{
		"reason": failed.Reason, "code": codeName(failed.Code), "message": failed.Message, "metadata": texts(failed.Metadata),
		"field_violations": fields, "sequence_violations": violations, "known_events": known,
	}
	if failed.RetryAfter > 0 {
		shape["retry_after_seconds"] = failed.RetryAfter.Seconds()
	}
	return shape
}

func fromViolation(violation everlog.SequenceViolation) object {
	shape := object{
		"aggregate_type": violation.Aggregate.Type, "aggregate_id": violation.Aggregate.ID,
		"actual_sequence": integer(violation.Actual),
	}
	switch violation.Expected {
	case everlog.MustNotExist:
		shape["must_not_exist"] = true
	case everlog.MustExist:
		shape["must_exist"] = true
	default:
		sequence, _ := violation.Expected.Sequence()
		shape["exactly"] = integer(sequence)
	}
	return shape
}

// knownEvents are those of whichever type the error's reason has.
func knownEvents(err error) []everlog.KnownEvent {
	var reused *everlog.IdempotencyKeyReused
	var partly *everlog.IdempotencyKeysPartlyKnown
	var id *everlog.EventIDReused
	switch {
	case errors.As(err, &reused):
		return reused.All
	case errors.As(err, &partly):
		return partly.All
	case errors.As(err, &id):
		return id.All
	}
	return nil
}

// codeName is the canonical name, such as DEADLINE_EXCEEDED, of which Go makes DeadlineExceeded.
func codeName(code codes.Code) string {
	switch code {
	case codes.OK:
		return "OK"
	case codes.Canceled:
		return "CANCELLED"
	}
	var name strings.Builder
	for i, char := range code.String() {
		if i > 0 && unicode.IsUpper(char) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(char))
	}
	return name.String()
}
