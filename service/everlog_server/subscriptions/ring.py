"""The ring: the latest committed events of one tenant, in memory, bounded by bytes.

Subscriptions are positions, not readers with a place of their own: a slow one costs nothing here,
and finds that the ring has moved on. What one of them reads is kept until the next append, so that
all that stand at the same position with an equal filter share the same bytes.

Invariant: the events in the ring are those at `start + 1 … last`, without a gap.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from everlog_server.model import EventFilter, TailEvent
from everlog_server.subscriptions.matching import matcher

MESSAGE_BYTES_MAX = 1024 * 1024 - 1024
"""Of the records of one message; the rest of 1 MiB is for the fields beside them."""
_EVENT_OVERHEAD_BYTES = 600
"""What an event takes beside its record: the objects of its attributes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Events that were committed together, or read together."""

    events: list[TailEvent]
    size_bytes: int
    matching: dict[EventFilter, list[TailEvent]] = field(default_factory=dict)
    """What filters have found in it so far."""

    @classmethod
    def of(cls, events: list[TailEvent]) -> Segment:
        """A segment of at least one event."""
        return cls(events, sum(len(e.record) + _EVENT_OVERHEAD_BYTES for e in events))

    @property
    def first(self) -> int:
        """The position of its first event."""
        return self.events[0].position

    @property
    def last(self) -> int:
        """The position of its last event."""
        return self.events[-1].position

    def select(self, event_filter: EventFilter) -> list[TailEvent]:
        """The events that a filter means, found once for all who ask."""
        if event_filter.is_empty:
            return self.events
        found = self.matching.get(event_filter)
        if found is None:
            test = matcher(event_filter)
            found = self.matching[event_filter] = [e for e in self.events if test(e)]
        return found


class RingRead(NamedTuple):
    """What the ring has after a position: framed records, and up to where it looked."""

    records: bytes
    examined_position: int


class Ring:
    """The latest events of a log whose head was `start` when the ring was made."""

    def __init__(self, start: int, bytes_max: int) -> None:
        self.start = start
        self.last = start
        self._bytes_max = bytes_max
        self._size_bytes = 0
        self._segments: list[Segment] = []
        self._reads: dict[tuple[EventFilter, int], RingRead] = {}

    def append(self, events: list[TailEvent]) -> None:
        """Adds the events that follow `last`, at least one; the oldest go for lack of room."""
        segment = Segment.of(events)
        self._segments.append(segment)
        self._size_bytes += segment.size_bytes
        self.last = segment.last
        self._reads.clear()
        surplus = 0
        while self._size_bytes > self._bytes_max and surplus < len(self._segments) - 1:
            self._size_bytes -= self._segments[surplus].size_bytes
            surplus += 1
        if surplus:
            self.start = self._segments[surplus - 1].last
            del self._segments[:surplus]

    def covers(self, cursor: int) -> bool:
        """Whether everything after a position is here."""
        return self.start <= cursor

    def read(self, cursor: int, event_filter: EventFilter) -> RingRead:
        """The matching events after a position that the ring covers, at most a message full."""
        key = (event_filter, cursor)
        found = self._reads.get(key)
        if found is None:
            found = self._reads[key] = self._read(cursor, event_filter)
        return found

    def _read(self, cursor: int, event_filter: EventFilter) -> RingRead:
        records: list[bytes] = []
        size = 0
        at = bisect_right(self._segments, cursor, key=lambda segment: segment.last)
        for segment in self._segments[at:]:
            for event in segment.select(event_filter):
                if event.position <= cursor:
                    continue
                size += len(event.record)
                if records and size > MESSAGE_BYTES_MAX:
                    return RingRead(b"".join(records), event.position - 1)
                records.append(event.record)
        return RingRead(b"".join(records), self.last)
