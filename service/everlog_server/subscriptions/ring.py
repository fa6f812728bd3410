"""The ring: the latest committed events of one tenant, in memory, bounded by bytes.

Subscriptions are positions, not readers with a place of their own: a slow one costs nothing here,
and finds that the ring has moved on. What one of them reads is kept until the next append, so that
all that stand at the same position with an equal filter share the same bytes.

Invariants:
- The events in the ring are those at `start + 1 … last`, without a gap.
- What is kept of reads, and of what filters have found, is bounded whoever reads, and holds no
  event that the ring has let go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

from everlog_server.errors import EventDamagedError
from everlog_server.model import EventFilter, TailEvent
from everlog_server.subscriptions.bounded import Cache
from everlog_server.subscriptions.counts import SubscriptionCounts
from everlog_server.subscriptions.matching import matcher
from everlog_server.subscriptions.message import SubscriptionMessage

MESSAGE_BYTES_MAX = 1024 * 1024 - 1024
"""Of the records of one message; the rest of 1 MiB is for the fields beside them."""
_EVENT_OVERHEAD_BYTES = 600
"""What an event takes beside its record: the objects of its attributes."""
_SEGMENT_EVENTS_MAX = 256
"""Not more: a place in a segment is kept as one byte."""
_SEGMENTS_MIN = 16
"""In a full ring of small events: what goes for lack of room is a small part of it."""
_CACHE_BYTES_MAX = 4 * 1024 * 1024
"""Of each of the two caches."""
_ENTRY_OVERHEAD_BYTES = 500
_NAME_BYTES = 300


class Segment:
    """Events that follow each other. It takes more until it is full, and then stays as it is."""

    __slots__ = ("events", "is_full", "size_bytes")

    def __init__(self) -> None:
        self.events: list[TailEvent] = []
        self.size_bytes = 0
        self.is_full = False

    @property
    def first(self) -> int:
        """The position of its first event."""
        return self.events[0].position

    @property
    def last(self) -> int:
        """The position of its last event."""
        return self.events[-1].position

    def add(self, event: TailEvent, bytes_max: int) -> int:
        """Adds an event; returns its size."""
        size = len(event.record) + _EVENT_OVERHEAD_BYTES
        self.events.append(event)
        self.size_bytes += size
        self.is_full = len(self.events) == _SEGMENT_EVENTS_MAX or self.size_bytes >= bytes_max
        return size


class Ring:
    """The latest events of a log whose head was `start` when the ring was made."""

    def __init__(
        self, start: int, bytes_max: int, counts: SubscriptionCounts | None = None
    ) -> None:
        self._counts = counts or SubscriptionCounts()
        self.start = start
        self.last = start
        self._bytes_max = bytes_max
        self._size_bytes = 0
        self._segments: list[Segment] = []
        self._latest: tuple[EventFilter, int, SubscriptionMessage] | None = None
        """Asked for last, and by many in a row: a look at it is cheaper than a hash of a filter."""
        self._reads: Cache[tuple[EventFilter, int], SubscriptionMessage] = Cache(_CACHE_BYTES_MAX)
        self._matching: Cache[tuple[EventFilter, int], bytes] = Cache(_CACHE_BYTES_MAX)
        """By filter and first position of a full segment: the places in it of what matches."""

    def append(self, events: list[TailEvent]) -> int:
        """Adds the events that follow `last`, at least one; the oldest go for lack of room.

        Those that are added stay, however large: they are what everybody waits for. Returns their
        size in bytes.
        """
        added_bytes = 0
        for event in events:
            if not self._segments or self._segments[-1].is_full:
                self._segments.append(Segment())
            added_bytes += self._segments[-1].add(event, self._bytes_max // _SEGMENTS_MIN)
        self._size_bytes += added_bytes
        self.last = events[-1].position
        self._reads.clear()
        self._latest = None
        surplus = 0
        while (
            self._size_bytes > self._bytes_max and self._segments[surplus].last < events[0].position
        ):
            self._size_bytes -= self._segments[surplus].size_bytes
            surplus += 1
        if surplus:
            self.start = self._segments[surplus - 1].last
            del self._segments[:surplus]
        return added_bytes

    @property
    def size_bytes(self) -> int:
        """Of its events, with what each takes beside its record."""
        return self._size_bytes

    def covers(self, cursor: int) -> bool:
        """Whether everything after a position is here."""
        return self.start <= cursor

    def read(self, cursor: int, event_filter: EventFilter) -> SubscriptionMessage:
        """The matching events after a position that the ring covers, at most a message full.

        All that stand there with an equal filter get the same message. EventDamagedError, without
        an event id, where the first of them has no record.
        """
        latest = self._latest
        if latest is not None and latest[0] is event_filter and latest[1] == cursor:
            self._counts.ring_shared += 1
            return latest[2]
        key = (event_filter, cursor)
        found = self._reads.get(key)
        if found is not None:
            self._counts.ring_shared += 1
        else:
            self._counts.ring_read += 1
            found = self._read(cursor, event_filter)
            self._reads.put(key, found, len(found.records) + _size_of(event_filter))
        self._latest = (event_filter, cursor, found)
        return found

    def _read(self, cursor: int, event_filter: EventFilter) -> SubscriptionMessage:
        records: list[bytes] = []
        size = 0
        at = bisect_right(self._segments, cursor, key=lambda segment: segment.last)
        for segment in self._segments[at:]:
            for event in self._select(segment, cursor, event_filter):
                size += len(event.record)
                if not event.record:
                    if records:
                        return SubscriptionMessage(b"".join(records), event.position - 1)
                    raise EventDamagedError(event.position, event_id="")
                if records and size > MESSAGE_BYTES_MAX:
                    return SubscriptionMessage(b"".join(records), event.position - 1)
                records.append(event.record)
        return SubscriptionMessage(b"".join(records), self.last)

    def _select(
        self, segment: Segment, cursor: int, event_filter: EventFilter
    ) -> Iterable[TailEvent]:
        """The matching events of a segment after a position; of a full one found once for all."""
        events = segment.events
        begin = max(0, cursor + 1 - segment.first)
        if event_filter.is_empty:
            return events[begin:]
        if not segment.is_full:
            return filter(matcher(event_filter), events[begin:])
        key = (event_filter, segment.first)
        places = self._matching.get(key)
        if places is None:
            test = matcher(event_filter)
            places = bytes(place for place, event in enumerate(events) if test(event))
            self._matching.put(key, places, len(places) + _size_of(event_filter))
        return [events[place] for place in places if place >= begin]


@lru_cache(maxsize=256)
def one_of_equals(event_filter: EventFilter) -> EventFilter:
    """The filter itself, or an equal one that was here before: those who share it share more."""
    return event_filter


def _size_of(f: EventFilter) -> int:
    """What an entry of a cache takes beside its value; its filter may be nobody else's any more."""
    names = (f.aggregate_types, f.event_types, f.event_type_prefixes, f.sources)
    return _ENTRY_OVERHEAD_BYTES + _NAME_BYTES * sum(map(len, names))
