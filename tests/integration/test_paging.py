"""A stretch of the log is told whole, once, and in order, however it is cut into pages and batches.

Windows of three positions and events of up to 1 MiB: every way in which a page can end comes up.
"""

from __future__ import annotations

import random
import time
from typing import Any

import psycopg
import pytest

from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage import history, pages, window
from tests.factories import TENANT, House, new_event, open_house, parse

SLOW = pytest.mark.slow
EVENTS = 60
SIZES = [1, 1, 1, 50_000, 400_000, 600_000, 1_040_000]
FILTERS = [
    EventFilter(),
    EventFilter(actor="u1"),
    EventFilter(actor="nobody"),
    EventFilter(event_types=("t1.x", "t2.x")),
    EventFilter(event_type_prefixes=("t1.", "t3.")),
    EventFilter(event_type_prefixes=("none.",)),
    EventFilter(correlation_id="c3"),
    EventFilter(aggregate=AggregateKey("a", "1")),
    EventFilter(user_id="w1", actor="u2"),
]


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_POSITIONS_MIN", 3)
    monkeypatch.setattr(window, "_POSITIONS_FIRST", 3)
    monkeypatch.setattr(window, "_STATEMENT_SECONDS_GOAL", 0.0)
    monkeypatch.setattr(pages, "_FILL_EVENTS_FIRST", 7)
    monkeypatch.setattr(pages, "_FILL_EVENTS_MIN", 2)


@pytest.mark.parametrize("seed", [5, pytest.param(1, marks=SLOW), pytest.param(9, marks=SLOW)])
@pytest.mark.usefixtures("small_windows")
async def test_pages_and_batches_are_complete_and_in_order(database_url: str, seed: int) -> None:
    rnd = random.Random(seed)
    async with open_house(database_url) as house:
        for n in range(EVENTS):
            await house.emit(
                new_event(
                    f"a/{n % 3}",
                    f"t{n % 4}.x",
                    actor=f"u{n % 5}",
                    correlation_id=f"c{n % 7}",
                    user_id=f"w{n % 2}",
                    json=f'"{"x" * rnd.choice(SIZES)}"',
                )
            )
        log = await house.log()
        for event_filter in FILTERS:
            expected = [e.position for e in log if _matches(e, event_filter)]
            assert await house.reader.count(TENANT, event_filter, EVENTS) == len(expected)
            for newest_first in (False, True):
                ordered = expected[:: -1 if newest_first else 1]
                for limit in (2, 100):
                    paged = await _pages(house, event_filter, newest_first, limit)
                    assert paged == ordered, (event_filter, newest_first, limit)
                for max_events in (None, 7):
                    for after, through in ((0, EVENTS), (5, 44)):
                        bounded = [p for p in ordered if after < p <= through][:max_events]
                        bounds = (after, through)
                        replayed = await _replay(
                            house, event_filter, newest_first, bounds, max_events
                        )
                        assert replayed == bounded, (event_filter, newest_first, max_events, bounds)


@pytest.mark.usefixtures("small_windows")
async def test_a_large_event_behind_empty_windows_has_a_page_of_its_own(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event(actor="u", json=f'"{"x" * 600_000}"'))
        await house.emit(*(new_event(f"b/{n}") for n in range(20)))
        await house.emit(new_event(actor="u", json=f'"{"x" * 900_000}"'))
        await house.emit(new_event(actor="v", json=f'"{"x" * 1_048_300}"'))
        for newest_first in (False, True):
            order = -1 if newest_first else 1
            small, large = EventFilter(actor="u"), EventFilter(actor="v")
            assert await _pages(house, small, newest_first, 100, 23) == [1, 22][::order]
            assert await _pages(house, large, newest_first, 100, 23) == [23]


async def test_counting_that_takes_too_long_is_given_up_here_and_in_postgresql(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "SELECT * FROM (SELECT 1, pg_sleep(60)) AS never_read"
    async with open_house(database_url) as house:
        await house.emit(new_event())
        monkeypatch.setattr(history, "_COUNT_SECONDS_MAX", 0.2)
        monkeypatch.setitem(pages._SQL, "count_of_log", slow)
        started = time.monotonic()
        assert await house.reader.count(TENANT, EventFilter(actor="u"), 1) is None
        assert time.monotonic() - started < 30  # of 60
        with psycopg.connect(database_url) as connection:
            active = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'",
                ["%never_read"],
            ).fetchone()
        assert active == (0,)
        assert await house.reader.count(TENANT, EventFilter(), 1) == 1


async def test_counting_by_event_type_reads_what_matches_and_no_more(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(database_url) as house:
        for _ in range(20):
            await house.emit(*(new_event(f"a/{n}", "common.thing") for n in range(500)))
        await house.emit(new_event("b/1", "rare.thing"), new_event("b/1", "rare.other"))
        rare, prefix = (
            EventFilter(event_types=("rare.thing",)),
            EventFilter(event_type_prefixes=("rare.",)),
        )
        for event_filter, expected in ((rare, 1), (prefix, 2)):
            assert await house.reader.count(TENANT, event_filter, 10_002) == expected
            assert await _buffers_of_count(house, event_filter, 10_002, monkeypatch) < 30
        both = EventFilter(event_types=("common.thing",), event_type_prefixes=("rare.",))
        assert await house.reader.count(TENANT, both, 10_001) == 10_001


async def test_an_event_type_that_is_not_there_is_not_looked_for_along_the_log(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        for _ in range(10):
            await house.emit(*(new_event(f"a/{n}", "common.thing") for n in range(500)))
    bounds = {"after": 0, "through": 5_000, "limit": 100, "bytes_max": pages.PAGE_BYTES_MAX}
    parameters = pages.filter_parameters(TENANT, EventFilter(event_types=("none.such",))) | bounds
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE everlog.events")
        for direction in ("ascending", "descending"):
            query = f"EXPLAIN (ANALYZE, FORMAT JSON) {pages._SQL[f'page_of_types_{direction}']}"
            row = connection.execute(query.encode(), parameters).fetchone()
            assert row is not None
            plan = row[0][0]["Plan"]
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10


def _matches(event: object, f: EventFilter) -> bool:
    def value(name: str) -> str:
        return str(getattr(event, name))

    return (
        (f.actor is None or value("actor") == f.actor)
        and (f.user_id is None or value("user_id") == f.user_id)
        and (f.correlation_id is None or value("correlation_id") == f.correlation_id)
        and (f.aggregate is None or value("aggregate_id") == f.aggregate.aggregate_id)
        and (not f.event_types or value("event_type") in f.event_types)
        and (not f.event_type_prefixes or value("event_type").startswith(f.event_type_prefixes))
    )


async def _pages(
    house: House, event_filter: EventFilter, newest_first: bool, limit: int, through: int = EVENTS
) -> list[int]:
    found: list[int] = []
    cursor, is_last = None, False
    while not is_last:
        page = await house.reader.query(
            TENANT,
            event_filter,
            newest_first=newest_first,
            cursor=cursor,
            through=through,
            limit=limit,
        )
        events = parse(page.records)
        assert len(events) == page.events <= limit
        assert len(page.records) <= history.PAGE_BYTES_MAX or len(events) == 1
        found += [event.position for event in events]
        assert cursor is None or page.is_last or page.examined_position != cursor
        cursor, is_last = page.examined_position, page.is_last
    return found


async def _replay(
    house: House,
    event_filter: EventFilter,
    backwards: bool,
    bounds: tuple[int, int],
    max_events: int | None,
) -> list[int]:
    found: list[int] = []
    examined: list[int] = []
    after, through = bounds
    batches = house.reader.replay(
        TENANT,
        event_filter,
        after=after,
        through=through,
        backwards=backwards,
        max_events=max_events,
    )
    async for batch in batches:
        assert len(batch.records) <= history.PAGE_BYTES_MAX or batch.events == 1
        found += [event.position for event in parse(batch.records)]
        examined.append(batch.examined_position)
    assert examined == sorted(set(examined), reverse=backwards)
    return found


async def _buffers_of_count(
    house: House, event_filter: EventFilter, through: int, monkeypatch: pytest.MonkeyPatch
) -> int:
    """How many pages of tables and indexes PostgreSQL reads to count."""
    plans: list[Any] = []
    fetch_one = history.fetch_one

    async def explained(connection: Any, query: str, parameters: dict[str, Any]) -> Any:
        text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {pages._SQL[query]}"
        plans.append(await (await connection.execute(text, parameters)).fetchone())
        return await fetch_one(connection, query, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(history, "fetch_one", explained)
        await house.reader.count(TENANT, event_filter, through)
    plan = plans[-1][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
