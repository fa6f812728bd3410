"""Aggregates, what events are about: their names, states, counts and statistics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from everlog.times import to_datetime
from everlog.v1 import aggregates_pb2, event_pb2

AggregateOrder: TypeAlias = Literal["last_active_first", "name"]
CountGroup: TypeAlias = Literal["event_type", "day", "aggregate_type", "actor"]


class AggregateKey(NamedTuple):
    """Names an aggregate, such as `order` / `42`. A plain pair of texts will do as well."""

    aggregate_type: str
    aggregate_id: str

    def __str__(self) -> str:
        return f"{self.aggregate_type}/{self.aggregate_id}"

    @classmethod
    def parse(cls, text: str) -> AggregateKey:
        """Read `order/42`. The first slash parts type and id; the id may have more of them."""
        aggregate_type, slash, aggregate_id = text.partition("/")
        if not (aggregate_type and slash and aggregate_id):
            raise ValueError(f"{text!r} is no aggregate: expected its type and id, as in order/42")
        return cls(aggregate_type, aggregate_id)


def to_message(aggregate: tuple[str, str]) -> event_pb2.AggregateKey:
    """Encode an aggregate's name."""
    aggregate_type, aggregate_id = aggregate
    return event_pb2.AggregateKey(aggregate_type=aggregate_type, aggregate_id=aggregate_id)


class State:
    """What the events of an aggregate add up to, at a moment."""

    __slots__ = ("_data", "message")

    def __init__(self, message: aggregates_pb2.GetStateResponse) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"<State #{self.last_sequence} {self.json[:60]}>"

    @property
    def data(self) -> Any:
        """The state, parsed once."""
        try:
            return self._data
        except AttributeError:  # not parsed yet
            self._data: Any = json.loads(self.message.state)
            return self._data

    @property
    def json(self) -> str:
        """The state, as JSON text."""
        return self.message.state

    @property
    def events_replayed(self) -> int:
        """How many events it was made of; 0 when the aggregate had none then."""
        return self.message.events_replayed

    @property
    def last_sequence(self) -> int:
        """The sequence of the last one: expect it when you append what you decide."""
        return self.message.last_sequence

    @property
    def last_event_type(self) -> str:
        """The type of the last one; empty when there was none."""
        return self.message.last_event_type

    @property
    def last_position(self) -> int:
        """The position of the last one; 0 when there was none."""
        return self.message.last_position

    @property
    def last_record_time(self) -> datetime | None:
        """When the last one was recorded; None when there was none."""
        return _optional_time(self.message, "last_record_time")

    @property
    def duration(self) -> timedelta:
        """How long the server took to read and fold."""
        duration = self.message.duration
        return timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1000)

    @property
    def aggregate_type_version(self) -> int:
        """The version of the aggregate type whose reducer was applied; 0: data were merged."""
        return self.message.aggregate_type_version


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateSummary:
    """An aggregate of a listing, and its last event."""

    aggregate: AggregateKey
    last_sequence: int
    last_position: int
    last_event_type: str
    last_record_time: datetime
    first_record_time: datetime | None
    """None when retention has removed its first event."""

    @classmethod
    def of(cls, message: aggregates_pb2.AggregateSummary) -> AggregateSummary:
        """Decode one."""
        return cls(
            aggregate=_key(message.aggregate),
            last_sequence=message.last_sequence,
            last_position=message.last_position,
            last_event_type=message.last_event_type,
            last_record_time=to_datetime(message.last_record_time),
            first_record_time=_optional_time(message, "first_record_time"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many events there are."""

    total: int
    groups: dict[str, int]
    """By what they have in common: days in their order, others with the largest first."""

    truncated: bool
    """Whether there were more groups: they are in the total only."""

    through_position: int
    """The head when it was counted."""

    @classmethod
    def of(cls, message: aggregates_pb2.CountEventsResponse) -> Counts:
        """Decode them."""
        return cls(
            total=message.total,
            groups={count.key: count.events for count in message.counts},
            truncated=message.truncated,
            through_position=message.through_position,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What happened in a stretch of time that ends now."""

    span: timedelta
    events: int
    events_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """How much has happened in a log. What follows `events_examined` is of the newest events."""

    head_position: int
    first_record_time: datetime | None
    """None when the log is empty."""

    last_record_time: datetime | None
    activity: list[Activity]
    events_examined: int
    """At most 100,000."""

    record_bytes_mean: float
    record_bytes_max: int
    aggregates_active: int
    busiest_types: dict[str, int]
    """Busiest first."""

    busiest_aggregates: dict[AggregateKey, int]
    """Busiest first."""

    log_bytes_estimate: int

    @classmethod
    def of(cls, message: aggregates_pb2.GetStatisticsResponse) -> Statistics:
        """Decode them."""
        return cls(
            head_position=message.head_position,
            first_record_time=_optional_time(message, "first_record_time"),
            last_record_time=_optional_time(message, "last_record_time"),
            activity=[
                Activity(
                    span=timedelta(seconds=one.span.seconds),
                    events=one.events,
                    events_per_second=one.events_per_second,
                )
                for one in message.activity
            ],
            events_examined=message.events_examined,
            record_bytes_mean=message.record_bytes_mean,
            record_bytes_max=message.record_bytes_max,
            aggregates_active=message.aggregates_active,
            busiest_types={one.event_type: one.events for one in message.busiest_types},
            busiest_aggregates={
                _key(one.aggregate): one.events for one in message.busiest_aggregates
            },
            log_bytes_estimate=message.log_bytes_estimate,
        )


def _optional_time(message: Any, name: str) -> datetime | None:
    """Decode a time that may be absent."""
    time: Timestamp = getattr(message, name)
    return to_datetime(time) if message.HasField(name) else None


def _key(message: event_pb2.AggregateKey) -> AggregateKey:
    return AggregateKey(message.aggregate_type, message.aggregate_id)
