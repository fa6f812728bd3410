package everlog

import (
	"time"

	"github.com/everlog/everlog/clients/go/everlogpb"
)

// Filter says which events are meant; the zero value means all of them.
//
// Values within a field are OR-ed, fields are AND-ed. …From is inclusive, …Before exclusive; a zero
// time is no bound.
type Filter struct {
	AggregateTypes []string
	// Aggregate is the one thing that the events are about; zero: any.
	Aggregate Aggregate
	// EventTypes are exact (order.created), or prefixes (order.*).
	EventTypes []string
	Sources    []string

	RecordedFrom   time.Time
	RecordedBefore time.Time
	OccurredFrom   time.Time
	OccurredBefore time.Time

	CorrelationID    string
	CausationID      string
	Actor            string
	UserID           string
	DocumentableOnly bool
	// Metadata has entries that an event's metadata must all have, with equal values.
	Metadata map[string]string
	// DataContains is what the event's JSON data must contain, as PostgreSQL's @> has it: anything that
	// encoding/json can write, such as map[string]any{"customer": "Ann"}. nil: anything.
	DataContains any
	// Keyword has words, whole or beginnings, that the event must all have among its texts.
	Keyword string
}

// message encodes the filter; none for a nil one.
func (f *Filter) message() (*everlogpb.EventFilter, error) {
	if f == nil {
		return nil, nil
	}
	message := &everlogpb.EventFilter{
		AggregateTypes:   f.AggregateTypes,
		EventTypes:       f.EventTypes,
		Sources:          f.Sources,
		RecordedFrom:     timestamp(f.RecordedFrom),
		RecordedBefore:   timestamp(f.RecordedBefore),
		OccurredFrom:     timestamp(f.OccurredFrom),
		OccurredBefore:   timestamp(f.OccurredBefore),
		CorrelationId:    f.CorrelationID,
		CausationId:      f.CausationID,
		Actor:            f.Actor,
		UserId:           f.UserID,
		DocumentableOnly: f.DocumentableOnly,
		Metadata:         f.Metadata,
		Keyword:          f.Keyword,
	}
	if f.Aggregate != (Aggregate{}) {
		message.Aggregate = f.Aggregate.message()
	}
	if f.DataContains != nil {
		text, err := encodeJSON(f.DataContains)
		if err != nil {
			return nil, refusal(ReasonInvalidFilter, "DataContains is no JSON: "+err.Error())
		}
		message.DataContains = text
	}
	return message, nil
}
