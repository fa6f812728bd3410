"""What a run of a schedule has seen: everything said to the service, and everything it said back.

One recorder notes it all, in one event loop, so moments are numbers that rise: what ended at a
moment below that at which something else began was over before it. Real time says no more than
that, and clocks say less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What the caller of an Emit knows."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """A reason of everlog's that says that nothing was stored."""
    UNKNOWN = "unknown"
    """`COMMIT_UNKNOWN`, or no status of everlog's: a deadline, a broken connection."""


class Sent(NamedTuple):
    """An event as it was sent. `mark` names it and is its whole payload: unique in a history."""

    mark: str
    aggregate: str
    key: str = ""


class Expected(NamedTuple):
    """What an Emit expected of an aggregate."""

    aggregate: str
    sequence: int | None
    """Exactly; None: that it exists."""

    def holds(self, sequence: int) -> bool:
        """Whether an aggregate with this last sequence is as expected."""
        return sequence > 0 if self.sequence is None else sequence == self.sequence


class Receipt(NamedTuple):
    """A receipt, as it came."""

    position: int
    sequence: int
    event_id: str
    record_time: int
    deduplicated: bool = False


class Stored(NamedTuple):
    """An event as it was read."""

    position: int
    sequence: int
    event_id: str
    record_time: int
    mark: str
    aggregate: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """One attempt of one Emit."""

    writer: str
    began: int
    ended: int
    events: tuple[Sent, ...]
    verdict: Verdict
    expected: tuple[Expected, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    reason: str = ""
    actual: dict[str, int] = field(default_factory=dict)
    """Of a `SEQUENCE_CONFLICT`: the last sequences that it names, by aggregate."""
    is_only: bool = True
    """False: the client may have sent it several times by itself."""
    stream: str = ""
    """The EmitStream that it went over; its Emits were sent in the order of this history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read that was answered whole."""

    reader: str
    kind: str
    """`head`, `get`, `log` (Query and Replay: a stretch of the log) or `aggregate`."""
    began: int
    ended: int
    events: tuple[Stored, ...] = ()
    after: int = 0
    """Of `log`: the position that the stretch begins after. Of `aggregate`: the sequence."""
    through: int = 0
    """The last position that it says to have looked at: the head, where nothing else was asked."""
    is_to_head: bool = True
    """Whether the read was of all that there is: then it must have what was known before."""
    min_position: int = 0
    aggregate: str = ""
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A subscriber's stream began, with a cursor."""

    subscriber: str
    at: int
    after: int
    aggregate_type: str = ""
    """The filter: events of this type only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message of a subscriber's stream."""

    subscriber: str
    at: int
    events: tuple[Stored, ...]
    examined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A member asks for a stream of the consumer; noted before it does."""

    stream: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """An event came to a member."""

    stream: str
    at: int
    delivery: str
    attempt: int
    event: Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a member said of a delivery; noted before it was sent."""

    stream: str
    at: int
    delivery: str
    what: str
    """`ack`, `skip`, `park`, `nack` or `release`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A member was told that an answer is stored, or that it does not count."""

    stream: str
    at: int
    delivery: str
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A member's stream is over."""

    stream: str
    at: int
    reason: str
    """`left`, `killed` (it broke off), or what it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the consumer was said to be."""

    began: int
    ended: int
    checkpoint: int
    waiting: int = 0
    """How many events are tried again, and aggregates catch up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """Where the projection was said to be; with `tables`, what these held at that moment."""

    began: int
    ended: int
    checkpoint: int
    state: str = ""
    """As the service says it; empty where tables were read."""
    tables: Tables | None = None


class Tables(NamedTuple):
    """The state tables of the projection, read by one statement."""

    folds: dict[str, tuple[int, str]]
    """Of each aggregate, and of all (`*`): how many events, and the digest of their marks."""
    trail: tuple[int, ...]
    """Each position that took effect, as often as it did, in any order."""


@dataclass(slots=True)
class History:
    """All of it, in the order in which it ended."""

    emits: list[Emitted] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    subscribed: list[Opened | Received] = field(default_factory=list)
    consumed: list[Joined | Delivered | Answered | Settled | Gone] = field(default_factory=list)
    """What the consumer's members saw and said; a stream's own in the order of the stream."""
    standings: list[Standing] = field(default_factory=list)
    parked: frozenset[int] | None = None
    """The positions that the consumer had parked at the end; None: nobody could be asked."""
    projected: list[Projected] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    """Answers that only a defect explains: INTERNAL, or a status that no contract has."""
    _moment: int = 0

    def now(self) -> int:
        """The next moment."""
        self._moment += 1
        return self._moment
