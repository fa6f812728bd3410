"""Durable consumers: their settings, where they are, and what became of their events.

What comes back are small values; events are RecordedEvents. Durations are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Self, TypeAlias

from google.protobuf.duration_pb2 import Duration

from everlog import filters
from everlog.filters import Filter
from everlog.recorded import RecordedEvent
from everlog.times import optional_datetime, to_datetime
from everlog.v1 import consumers_pb2

Ordering: TypeAlias = Literal["per_aggregate", "none"]
"""Whether the events of one aggregate wait for each other."""
Exhausted: TypeAlias = Literal["park", "block"]
"""What becomes of an event after its last attempt: its aggregate goes on, or stays blocked."""
ProcessingState: TypeAlias = Literal[
    "not_matched", "pending", "in_flight", "retrying", "held_back", "parked", "finished"
]
ProcessingAction: TypeAlias = Literal["ack", "retry", "park"]
"""What is decided of an event: it is finished, tried at once with attempts anew, or parked."""

_NANOSECONDS = 1_000_000_000
_ORDERINGS: dict[Ordering, consumers_pb2.ConsumerSettings.Ordering.ValueType] = {
    "per_aggregate": consumers_pb2.ConsumerSettings.ORDERING_PER_AGGREGATE,
    "none": consumers_pb2.ConsumerSettings.ORDERING_NONE,
}
_EXHAUSTED: dict[Exhausted, consumers_pb2.ConsumerSettings.Exhausted.ValueType] = {
    "park": consumers_pb2.ConsumerSettings.EXHAUSTED_PARK,
    "block": consumers_pb2.ConsumerSettings.EXHAUSTED_BLOCK,
}
_STATES: dict[consumers_pb2.EventProcessing.State.ValueType, ProcessingState] = {
    consumers_pb2.EventProcessing.STATE_NOT_MATCHED: "not_matched",
    consumers_pb2.EventProcessing.STATE_PENDING: "pending",
    consumers_pb2.EventProcessing.STATE_IN_FLIGHT: "in_flight",
    consumers_pb2.EventProcessing.STATE_RETRYING: "retrying",
    consumers_pb2.EventProcessing.STATE_HELD_BACK: "held_back",
    consumers_pb2.EventProcessing.STATE_PARKED: "parked",
    consumers_pb2.EventProcessing.STATE_FINISHED: "finished",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBackoff:
    """How long to wait between the attempts of one event; None: the server's default."""

    initial_seconds: float | None = None
    """The wait after the first failed attempt."""
    multiplier: float | None = None
    """What each further wait is longer by."""
    max_seconds: float | None = None
    """The longest wait."""
    jitter: float | None = None
    """By how much a wait differs at random, as a part of it, either way."""

    def to_message(self) -> consumers_pb2.RetryBackoff:
        """Encode it."""
        return consumers_pb2.RetryBackoff(
            initial=_duration(self.initial_seconds),
            multiplier=self.multiplier or 0,
            max=_duration(self.max_seconds),
            jitter=self.jitter,
        )

    @classmethod
    def of(cls, message: consumers_pb2.RetryBackoff) -> Self:
        """Decode it."""
        return cls(
            initial_seconds=_seconds(message.initial) if message.HasField("initial") else None,
            multiplier=message.multiplier or None,
            max_seconds=_seconds(message.max) if message.HasField("max") else None,
            jitter=message.jitter if message.HasField("jitter") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    """How a consumer reads, shares and retries; None: the server's default. See the proto."""

    filter: Filter | None = None
    """Which events are meant; None: all."""
    lease_seconds: float | None = None
    """How long a member has for each delivery, before it counts as failed."""
    attempts_max: int | None = None
    """After how many failed attempts an event is parked."""
    backoff: RetryBackoff | None = None
    checkpoint_interval_seconds: float | None = None
    """For how long answers may gather before they are stored together; 0: not at all."""
    ordering: Ordering | None = None
    in_flight_max: int | None = None
    """How many deliveries one member may have unanswered."""
    exhausted: Exhausted | None = None

    def to_message(self) -> consumers_pb2.ConsumerSettings:
        """Encode the settings. Raises ValueError for an ordering or an end that there is not."""
        message = consumers_pb2.ConsumerSettings(
            filter=filters.to_message(self.filter),
            lease=_duration(self.lease_seconds),
            attempts_max=self.attempts_max or 0,
            backoff=self.backoff.to_message() if self.backoff else None,
            checkpoint_interval=_duration(self.checkpoint_interval_seconds),
            in_flight_max=self.in_flight_max or 0,
        )
        if self.ordering is not None:
            if self.ordering not in _ORDERINGS:
                raise ValueError(
                    f"ordering is {self.ordering!r}, expected one of {list(_ORDERINGS)}"
                )
            message.ordering = _ORDERINGS[self.ordering]
        if self.exhausted is not None:
            if self.exhausted not in _EXHAUSTED:
                raise ValueError(
                    f"exhausted is {self.exhausted!r}, expected one of {list(_EXHAUSTED)}"
                )
            message.exhausted = _EXHAUSTED[self.exhausted]
        return message

    @classmethod
    def of(cls, message: consumers_pb2.ConsumerSettings) -> Self:
        """Decode the settings; as a server gives them, every default is filled in."""
        interval = message.checkpoint_interval
        orderings = {number: name for name, number in _ORDERINGS.items()}
        ends = {number: name for name, number in _EXHAUSTED.items()}
        return cls(
            filter=filters.of(message.filter) if message.filter.ListFields() else None,
            lease_seconds=_seconds(message.lease) if message.HasField("lease") else None,
            attempts_max=message.attempts_max or None,
            backoff=RetryBackoff.of(message.backoff) if message.HasField("backoff") else None,
            checkpoint_interval_seconds=(
                _seconds(interval) if message.HasField("checkpoint_interval") else None
            ),
            ordering=orderings.get(message.ordering),
            in_flight_max=message.in_flight_max or None,
            exhausted=ends.get(message.exhausted),
        )


class ConsumerMember(NamedTuple):
    """One Consume stream."""

    member_id: str
    name: str
    """As it called itself."""
    joined_time: datetime
    shares: int
    """How many of the 64 shares of the log's aggregates it has."""
    in_flight: int
    """How many deliveries it has not answered; up to 2 s old."""


class ConsumerStatus(NamedTuple):
    """Where a consumer is."""

    checkpoint: int
    """All events up to here are finished or parked, or wait as the counts below say."""
    head_position: int
    lag: int
    """How many positions lie between: an upper bound of the events that wait."""
    oldest_unfinished_time: datetime | None
    """When the first event after the checkpoint was recorded; None: there is none."""
    in_flight: int
    retrying: int
    parked: int
    blocked: int
    """How many aggregates a parked event blocks."""
    members: list[ConsumerMember]
    catching_up: int = 0
    """How many aggregates catch up behind an event of theirs that had failed."""


class Consumer(NamedTuple):
    """A consumer, and where it is."""

    name: str
    settings: ConsumerSettings
    """With every default filled in."""
    version: int
    """How often the settings were changed, and one."""
    created_time: datetime
    updated_time: datetime
    """When its settings were changed last, or it was reset."""
    status: ConsumerStatus


class CreatedConsumer(NamedTuple):
    """A consumer that was asked for."""

    consumer: Consumer
    existed: bool
    """Whether it was there already, with the same settings; it then stays where it is."""


class EventProcessing(NamedTuple):
    """What became of one event with one consumer."""

    consumer: str
    state: ProcessingState
    attempts: int
    """How many failed since it was delivered first, or replayed last; not kept when finished."""
    last_error: str
    next_attempt_time: datetime | None
    """Only when it is `retrying`."""
    parked_time: datetime | None
    blocks_aggregate: bool


class PendingEvent(NamedTuple):
    """An event that a consumer has not finished."""

    event: RecordedEvent
    processing: EventProcessing


class FailedAttempt(NamedTuple):
    """An attempt that failed."""

    attempt: int
    failed_time: datetime
    member: str
    """By its name, or else its id; empty when it was parked by hand."""
    error: str


class ParkedEvent(NamedTuple):
    """An event that is parked."""

    event: RecordedEvent
    processing: EventProcessing
    attempts: list[FailedAttempt]
    """The last 20, the oldest first."""


def consumer_of(message: consumers_pb2.Consumer) -> Consumer:
    """Decode a consumer."""
    return Consumer(
        message.name,
        ConsumerSettings.of(message.settings),
        message.version,
        to_datetime(message.created_time),
        to_datetime(message.updated_time),
        _status(message.status),
    )


def processing_of(message: consumers_pb2.EventProcessing) -> EventProcessing:
    """Decode what became of an event. A state that only a newer server knows is `pending`."""
    return EventProcessing(
        message.consumer,
        _STATES.get(message.state, "pending"),
        message.attempts,
        message.last_error,
        optional_datetime(message, "next_attempt_time"),
        optional_datetime(message, "parked_time"),
        message.blocks_aggregate,
    )


def parked_of(message: consumers_pb2.ParkedEvent) -> ParkedEvent:
    """Decode a parked event."""
    return ParkedEvent(
        RecordedEvent(message.event),
        processing_of(message.processing),
        [
            FailedAttempt(one.attempt, to_datetime(one.failed_time), one.member, one.error)
            for one in message.attempts
        ],
    )


def _status(message: consumers_pb2.ConsumerStatus) -> ConsumerStatus:
    return ConsumerStatus(
        message.checkpoint,
        message.head_position,
        message.lag,
        optional_datetime(message, "oldest_unfinished_time"),
        message.in_flight,
        message.retrying,
        message.parked,
        message.blocked,
        [
            ConsumerMember(
                one.member_id, one.name, to_datetime(one.joined_time), one.shares, one.in_flight
            )
            for one in message.members
        ],
        message.catching_up,
    )


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    whole, rest = divmod(round(seconds * _NANOSECONDS), _NANOSECONDS)
    return Duration(seconds=whole, nanos=rest)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / _NANOSECONDS
