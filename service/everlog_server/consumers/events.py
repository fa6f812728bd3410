"""Events on their way through a consumer, cut out of batches of records."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from zlib import crc32

from everlog.v1 import event_pb2
from everlog_server.model import AggregateKey
from everlog_server.storage.consumers import SLOTS, HeldEvent

_UUID_LENGTH = 36


class Event:
    """An event that is to be delivered. `record` is framed, and passed on as it is."""

    __slots__ = ("aggregate", "attempts", "held", "is_replayed", "position", "record")

    def __init__(self, position: int, aggregate: AggregateKey, record: bytes) -> None:
        self.position = position
        self.aggregate = aggregate
        self.record = record
        self.attempts = 0
        """How many have failed."""
        self.is_replayed = False
        self.held: Held | None = None
        """Its row, if it has one."""

    @property
    def event_id(self) -> str:
        """Its UUID as text: what a record begins with, after its frame."""
        at = 1
        while self.record[at] > 127:
            at += 1
        return self.record[at + 3 : at + 3 + _UUID_LENGTH].decode()


class DamagedEvent(Event):
    """One whose record is no event any more: nobody can be given it."""

    __slots__ = ("_event_id",)

    def __init__(self, position: int, aggregate: AggregateKey, event_id: str) -> None:
        super().__init__(position, aggregate, b"")
        self._event_id = event_id

    @property
    def event_id(self) -> str:
        """Its UUID as text, which the table has beside the record."""
        return self._event_id


class Held:
    """An event with a row of its own, that is tried again or blocks its aggregate."""

    __slots__ = ("aggregate", "attempts", "due", "event_id", "is_replayed", "position", "state")

    def __init__(self, position: int, aggregate: AggregateKey, event_id: str, state: str) -> None:
        self.position = position
        self.aggregate = aggregate
        self.event_id = event_id
        self.state = state
        """`retrying`, `blocking` or `replaying`."""
        self.attempts = 0
        self.is_replayed = False
        self.due: int | None = None
        """When it is tried again, in microseconds since 1970; None: at once."""

    @classmethod
    def stored(cls, row: HeldEvent, event_id: str, *, now: int) -> Held:
        """As it is stored.

        What has failed later than now did so before PostgreSQL's clock was set back, or at a
        process that had not noticed yet: it waits from now on, as long as it was to.
        """
        held = cls(row.position, row.aggregate, event_id, row.state)
        held.attempts = row.attempts
        held.is_replayed = row.is_replayed
        held.due = row.next_attempt_time
        if held.due is not None and row.failed_time is not None:
            held.due -= max(0, row.failed_time - now)
        return held


def slot_of(position: int, aggregate: AggregateKey, *, is_ordered: bool) -> int:
    """The slot that an event belongs to."""
    return _slot_of_aggregate(aggregate) if is_ordered else position % SLOTS


@lru_cache(maxsize=16_384)
def _slot_of_aggregate(aggregate: AggregateKey) -> int:
    return crc32("\0".join(aggregate).encode()) % SLOTS


def split(records: bytes) -> Iterator[Event]:
    """The events of joined records."""
    end = 0
    parse = event_pb2.RecordedEvent.FromString
    while end < len(records):
        start = end
        size = shift = 0
        end += 1  # the tag
        while True:
            byte = records[end]
            end += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        event = parse(records[end : end + size])
        end += size
        yield Event(
            event.position,
            AggregateKey(event.aggregate_type, event.aggregate_id),
            records[start:end],
        )
