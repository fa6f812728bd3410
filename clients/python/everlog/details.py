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


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a failed call says besides its code, reason and message."""

    field_violations: Sequence[FieldViolation] = ()
    sequence_violations: Sequence[SequenceViolation] = ()
    known_events: Sequence[KnownEvent] = ()
