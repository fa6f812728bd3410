"""A replay's pages are full, bounded whatever sizes come, and read one ahead of who takes them."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from everlog_server.errors import ServerDrainingError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.draining import until_drained
from everlog_server.storage import pages
from tests.factories import TENANT, House, new_event, open_house, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = 3_000
ONE = EventFilter(aggregate=AggregateKey("a", "1"))
FILTERS = [EventFilter(), ONE, EventFilter(actor="u"), EventFilter(event_types=("t.x",))]


def _event(size: int) -> Any:
    return new_event("a/1", "t.x", actor="u", json=f'"{"x" * size}"')


async def _fill(house: House) -> int:
    """Small events, then some of up to 1 MiB among small ones, then small ones; how many."""
    sizes = (
        [10] * SMALL + [10, 1_048_000, 10, 10, 600_000, 500_000, 300, 900_000] * 2 + [10] * SMALL
    )
    for start in range(0, len(sizes), 500):
        await house.emit(*(_event(size) for size in sizes[start : start + 500]))
    return len(sizes)


async def test_pages_are_bounded_and_full_whatever_sizes_come(database_url: str) -> None:
    async with open_house(database_url) as house:
        stored = await _fill(house)
        for event_filter in FILTERS:
            for backwards in (False, True):
                replay = house.reader.replay(
                    TENANT, event_filter, after=0, through=stored, backwards=backwards
                )
                batches = [batch async for batch in replay]
                for batch in batches:
                    assert len(batch.records) <= pages.PAGE_BYTES_MAX or batch.events == 1
                found = [event.position for b in batches for event in parse(b.records)]
                assert found == sorted(range(1, stored + 1), reverse=backwards)
                # Some 1 MB of small ones, and 16 of which two never fit together.
                assert len(batches) <= 24, (event_filter, backwards)


async def test_what_does_not_fit_is_weighed_but_not_read(database_url: str) -> None:
    text = f"EXPLAIN (ANALYZE, FORMAT JSON) {pages._SQL['whole_log_ascending']}"
    async with open_house(database_url) as house:
        await house.emit(*(_event(900) for _ in range(100)))
        for bytes_max, loops in ((1_000, 0), (1_000_000, 1)):
            bounds = {"after": 0, "through": 100, "bytes_max": bytes_max, "tenant_id": TENANT}
            with psycopg.connect(database_url) as connection:
                row = connection.execute(text.encode(), bounds).fetchone()
            assert row is not None
            scans = list(_nodes(row[0][0]["Plan"], "Index Scan"))
            assert sorted(scan["Actual Loops"] for scan in scans) == [loops, 1]


def _nodes(plan: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    if plan["Node Type"] == kind:
        yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child, kind)


@pytest.mark.parametrize("ending", ["drained", "closed", "cancelled"])
async def test_a_page_that_is_read_ahead_ends_with_its_replay(
    database_url: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_one, hangs = pages.fetch_one, asyncio.Event()
    reads = count(1)

    async def hang_at_the_second(connection: Any, query: str, parameters: dict[str, Any]) -> Any:
        if next(reads) == 2:
            hangs.set()
            await connection.execute("SELECT pg_sleep(60) AS never_read")
        return await fetch_one(connection, query, parameters)

    async with open_house(database_url) as house:
        stored = await _fill(house)
        drain = asyncio.Event()

        async def read() -> None:
            replay = house.reader.replay(TENANT, EventFilter(), after=0, through=stored)
            async with aclosing(until_drained(replay, drain)) as batches:
                assert (await anext(batches)).events > 0
                await hangs.wait()
                if ending != "closed":
                    await anext(batches)

        with monkeypatch.context() as patched:
            patched.setattr(pages, "fetch_one", hang_at_the_second)
            reading = asyncio.create_task(read())
            await hangs.wait()
            started = time.monotonic()
            match ending:
                case "closed":
                    await reading
                case "drained":
                    drain.set()
                    with pytest.raises(ServerDrainingError):
                        await reading
                case _:
                    reading.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await reading
        assert time.monotonic() - started < 2
        with psycopg.connect(database_url) as connection:
            active = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'",
                ["%never_read"],
            ).fetchone()
        assert active == (0,)
        assert len(await house.log()) == stored
