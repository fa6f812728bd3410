"""The ring of a log, and that what it keeps is bounded whoever reads."""

from __future__ import annotations

import os
import tracemalloc

from everlog_server.model import AggregateKey, EventFilter, TailEvent
from everlog_server.subscriptions import bounded
from everlog_server.subscriptions.ring import Ring

MIB = 1024 * 1024


def event(position: int, size: int = 200) -> TailEvent:
    return TailEvent(
        position, position.to_bytes(8) + os.urandom(size - 8),
        AggregateKey("a", str(position % 50)), "order.created", 0, 0,
        None, None, None, None, f"u{position % 1000}", False,
    )  # fmt: skip


def filled(count: int, size: int = 200, *, at_once: int = 1) -> tuple[Ring, list[TailEvent]]:
    ring = Ring(0, 16 * MIB)
    events = [event(n + 1, size) for n in range(count)]
    for n in range(0, count, at_once):
        ring.append(events[n : n + at_once])
    return ring, events


def read_all(ring: Ring, cursor: int, event_filter: EventFilter) -> bytes:
    records = b""
    while cursor < ring.last:
        read = ring.read(cursor, event_filter)
        records, cursor = records + read.records, read.examined_position
    return records


def kept_bytes(ring: Ring, cursors: range, filters: list[EventFilter]) -> int:
    """What stays after everybody who has read is gone."""
    tracemalloc.start()
    try:
        for cursor in cursors:
            for event_filter in filters:
                read_all(ring, cursor, event_filter)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_what_readers_with_cursors_of_their_own_leave_behind_is_bounded() -> None:
    ring, _ = filled(1_500, 10_000)
    assert kept_bytes(ring, range(ring.start, ring.start + 20), [EventFilter()]) < 6 * MIB


def test_what_filters_leave_behind_in_a_log_of_single_appends_is_bounded() -> None:
    ring, _ = filled(20_000)
    filters = [EventFilter(user_id=f"u{n}") for n in range(100)]
    assert kept_bytes(ring, range(ring.start, ring.start + 1), filters) < 10 * MIB


def test_an_event_that_the_ring_has_let_go_is_kept_by_nobody() -> None:
    tracemalloc.start()
    try:
        ring = Ring(0, MIB)
        for n in range(4_000):
            ring.append([event(n + 1, 10_000)])
            ring.read(max(ring.start, n - 50), EventFilter(user_id=f"u{n % 1000}"))
        assert tracemalloc.get_traced_memory()[0] < 10 * MIB
    finally:
        tracemalloc.stop()


def test_readers_at_the_same_position_with_equal_filters_share_their_bytes() -> None:
    ring, _ = filled(50)
    first = ring.read(10, EventFilter(user_id="u20"))
    assert ring.read(10, EventFilter(user_id="u20")).records is first.records


def test_every_reader_gets_what_its_filter_means_from_where_it_stands() -> None:
    for count, at_once in ((1, 1), (255, 1), (256, 1), (257, 1), (700, 3), (2_000, 600)):
        ring, events = filled(count, at_once=at_once)
        assert (ring.start, ring.last) == (0, count)
        for cursor in {0, 1, 255, 256, 257, count // 2, count - 1, count} & set(range(count + 1)):
            for n in (1, 7, 300):
                wanted = [e for e in events[cursor:] if e.position % 1000 == n]
                expected = b"".join(e.record for e in wanted)
                for _ in range(2):  # found, then remembered
                    assert read_all(ring, cursor, EventFilter(user_id=f"u{n}")) == expected
            everything = b"".join(e.record for e in events[cursor:])
            assert read_all(ring, cursor, EventFilter()) == everything


def test_a_filter_that_has_read_sees_what_is_appended_after() -> None:
    ring, events = filled(300)
    assert read_all(ring, 0, EventFilter(user_id="u301")) == b""
    ring.append([event(301), event(302)])
    assert read_all(ring, 0, EventFilter(user_id="u301"))[:8] == (301).to_bytes(8)
    assert read_all(ring, 299, EventFilter())[:200] == events[299].record


def test_the_oldest_events_go_for_lack_of_room_and_those_just_added_stay() -> None:
    ring = Ring(0, MIB)
    for n in range(5_000):
        ring.append([event(n + 1)])
        assert ring.last == n + 1
    assert 5_000 - ring.start >= MIB // 800 * 0.9
    assert not ring.covers(ring.start - 1)
    assert len(read_all(ring, ring.start, EventFilter())) == 200 * (5_000 - ring.start)
    large = [event(5_001 + n, 500_000) for n in range(5)]
    ring.append(large)
    assert ring.covers(5_000)
    assert read_all(ring, 5_000, EventFilter()) == b"".join(e.record for e in large)


def test_a_cache_lets_go_what_was_not_used_for_longest() -> None:
    cache: bounded.Cache[str, int] = bounded.Cache(10)
    cache.put("a", 1, 4)
    cache.put("b", 2, 4)
    assert cache.get("a") == 1
    cache.put("c", 3, 4)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    cache.put("too large", 4, 11)
    assert cache.size_bytes == 0
