"""What a failed call says besides its code, reason and message."""

from collections.abc import Sequence
from dataclasses import dataclass

from everlog.aggregates import AggregateKey
from everlog.expectations import Expected, describe


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that was refused, such as `events[3].event_type`."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class SequenceViolation:
    """One expectation that did not hold: `actual` is the aggregate's last sequence, 0 if none."""

    aggregate: AggregateKey
    expected: Expected
    actual: int

    def __str__(self) -> str:
        expected = describe(self.expected)
        return f"{self.aggregate} is at sequence {self.actual}, expected {expected}"


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event of the request (`index`, from 0) that the log has, or whose key or id it has."""

    index: int
    idempotency_key: str
    event_id: str


@dataclass(frozen=True, slots=True)
class UnknownEventType:
    """An event type that a strict catalogue does not have; `index`: of the first event with it."""

    index: int
    event_type: str
    nearest_event_types: Sequence[str]
    """Registered names that are most like it, the most like first."""


@dataclass(frozen=True, slots=True)
class DataViolation:
    """A rule of its event type that an event (`index`, from 0) breaks.

    `data_pointer` is a JSON pointer into the event's data, and None when it is not the data that is
    wrong, but the aggregate; `schema_pointer` leads to the rule.
    """

    index: int
    event_type: str
    version: int
    data_pointer: str | None
    schema_pointer: str
    message: str

    def __str__(self) -> str:
        where = "" if self.data_pointer is None else f" data{self.data_pointer}:"
        return f"events[{self.index}] ({self.event_type}){where} {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a failed call says besides its code, reason and message."""

    field_violations: Sequence[FieldViolation] = ()
    sequence_violations: Sequence[SequenceViolation] = ()
    known_events: Sequence[KnownEvent] = ()
    unknown_event_types: Sequence[UnknownEventType] = ()
    data_violations: Sequence[DataViolation] = ()
