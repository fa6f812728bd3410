"""What the server gives back: recorded events, and receipts for new ones.

Both are views of the messages that came over the wire. They keep the message and decode a field
when it is asked for: a reader of a million events pays for what it looks at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from everlog.aggregates import AggregateKey
from everlog.times import to_datetime
from everlog.v1 import event_pb2, event_store_pb2, outcome_pb2


class RecordedEvent:
    """An event as it is stored. Texts that its writer left out are empty."""

    __slots__ = ("_data", "_outcome", "message")

    def __init__(
        self,
        message: event_pb2.RecordedEvent,
        outcome: outcome_pb2.Outcome | None = None,
    ) -> None:
        self.message = message
        self._outcome = outcome

    def __repr__(self) -> str:
        return (
            f"<RecordedEvent {self.position} {self.event_type} "
            f"{self.aggregate}#{self.sequence} {self.event_id}>"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedEvent) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message.event_id)

    @property
    def event_id(self) -> str:
        """Its id, a UUID."""
        return self.message.event_id

    @property
    def position(self) -> int:
        """Its number within the tenant's log, from 1."""
        return self.message.position

    @property
    def sequence(self) -> int:
        """Its number within its aggregate, from 1."""
        return self.message.sequence

    @property
    def aggregate_type(self) -> str:
        """The kind of thing that it is about."""
        return self.message.aggregate_type

    @property
    def aggregate_id(self) -> str:
        """The thing that it is about."""
        return self.message.aggregate_id

    @property
    def event_type(self) -> str:
        """What happened, such as `order.created`."""
        return self.message.event_type

    @property
    def source(self) -> str:
        """The component that spoke."""
        return self.message.source

    @property
    def content_type(self) -> str:
        """The media type of `binary`."""
        return self.message.content_type

    @property
    def idempotency_key(self) -> str:
        """The writer's name for it."""
        return self.message.idempotency_key

    @property
    def correlation_id(self) -> str:
        """Groups the events of one piece of work."""
        return self.message.correlation_id

    @property
    def causation_id(self) -> str:
        """The id of the event that caused it."""
        return self.message.causation_id

    @property
    def actor(self) -> str:
        """Who did it."""
        return self.message.actor

    @property
    def user_id(self) -> str:
        """The user whom it concerns or belongs to."""
        return self.message.user_id

    @property
    def documentable(self) -> bool:
        """Whether people should be told about it in narratives."""
        return self.message.documentable

    @property
    def aggregate(self) -> AggregateKey:
        """What it is about, such as `order/42`."""
        return AggregateKey(self.message.aggregate_type, self.message.aggregate_id)

    @property
    def data(self) -> Any:
        """Its JSON data, parsed once; None when it has none (see `binary`)."""
        try:
            return self._data
        except AttributeError:  # not parsed yet
            text = self.json
            self._data: Any = None if text is None else json.loads(text)
            return self._data

    @property
    def outcome(self) -> EventOutcome | None:
        """What came of it; None when nothing is known, or when nobody asked for it."""
        # One that a replay made has no such attribute.
        message = getattr(self, "_outcome", None)
        return None if message is None else EventOutcome(message)

    @property
    def json(self) -> str | None:
        """Its JSON data, byte for byte as it was sent; None when it has none."""
        return self.message.json or None  # no JSON text is empty

    @property
    def binary(self) -> bytes | None:
        """Its binary data; None when it has none."""
        return self.message.binary if self.message.HasField("binary") else None

    @property
    def metadata(self) -> Mapping[str, str]:
        """Technical context; a nested value is JSON text."""
        return self.message.metadata

    @property
    def record_time(self) -> datetime:
        """When the server recorded it, in UTC, to the microsecond."""
        return to_datetime(self.message.record_time)

    @property
    def occurred_time(self) -> datetime:
        """When it happened, in UTC, to the microsecond."""
        return to_datetime(self.message.occurred_time)

    @property
    def intent(self) -> event_pb2.Intent | None:
        """Why somebody wanted it, if that was said."""
        return self.message.intent if self.message.HasField("intent") else None

    @property
    def context(self) -> event_pb2.Context | None:
        """The decision behind it, and related events, if that was said."""
        return self.message.context if self.message.HasField("context") else None


class Receipt:
    """What the server says of an event that is stored, durably."""

    __slots__ = ("message",)

    def __init__(self, message: event_store_pb2.Receipt) -> None:
        self.message = message

    def __repr__(self) -> str:
        known = ", deduplicated" if self.deduplicated else ""
        return f"<Receipt {self.position} #{self.sequence} {self.event_id}{known}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Receipt) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message.event_id)

    @property
    def event_id(self) -> str:
        """The event's id, a UUID."""
        return self.message.event_id

    @property
    def position(self) -> int:
        """Its number within the tenant's log, from 1."""
        return self.message.position

    @property
    def sequence(self) -> int:
        """Its number within its aggregate, from 1."""
        return self.message.sequence

    @property
    def deduplicated(self) -> bool:
        """True when an earlier request stored it, and this one found it."""
        return self.message.deduplicated

    @property
    def documentable(self) -> bool:
        """Whether people should be told about it in narratives."""
        return self.message.documentable

    @property
    def record_time(self) -> datetime:
        """When it was recorded, in UTC, to the microsecond."""
        return to_datetime(self.message.record_time)


class Head:
    """The last position of a log."""

    __slots__ = ("message",)

    def __init__(self, message: event_store_pb2.GetHeadResponse) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"<Head {self.position} {self.event_id}>"

    @property
    def position(self) -> int:
        """The position of the last event; 0 when the log is empty."""
        return self.message.position

    @property
    def event_id(self) -> str:
        """The id of the last event; empty when the log is empty."""
        return self.message.event_id

    @property
    def record_time(self) -> datetime | None:
        """When the last event was recorded; None when the log is empty."""
        if not self.message.HasField("record_time"):
            return None
        return to_datetime(self.message.record_time)


class EventOutcome:
    """What came of an event, learnt later: recorded beside it, never into it."""

    __slots__ = ("message",)

    def __init__(self, message: outcome_pb2.Outcome) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"<EventOutcome {self.number} of {self.event_id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EventOutcome) and self.message == other.message

    def __hash__(self) -> int:
        return hash(self.message.outcome_event_id)

    @property
    def event_id(self) -> str:
        """The id of the event that it came of."""
        return self.message.event_id

    @property
    def outcome(self) -> str:
        """What came of it, in words."""
        return self.message.outcome

    @property
    def impact_metric(self) -> str:
        """What was measured; may be empty."""
        return self.message.impact_metric

    @property
    def actor(self) -> str:
        """By whom it was recorded; may be empty."""
        return self.message.actor

    @property
    def number(self) -> int:
        """Its number among the outcomes of its event, from 1: the last one counts."""
        return self.message.number

    @property
    def outcome_event_id(self) -> str:
        """The id of the event that records it."""
        return self.message.outcome_event_id

    @property
    def record_time(self) -> datetime:
        """When it was recorded, in UTC, to the microsecond."""
        return to_datetime(self.message.record_time)
