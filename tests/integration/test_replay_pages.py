"""A replay's pages are full, bounded whatever sizes come, and read one ahead of who takes them."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from itertools import count
from typing import Any

import psycopg
import pytest

from everlog_server.errors import ServerDrainingError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.draining import until_drained
from everlog_server.storage import pages
from tests.factories import TENANT, House, new_event, open_house, parse

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


async def test_an_event_too_large_for_its_page_is_not_fetched(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(*(_event(10) for _ in range(50)))
        await house.emit(_event(1_000_000))
        large = 2_000_000
        assert _weigh(database_url, bytes_max=large, record_bytes_max=large)[0] == (True, 51)
        assert _weigh(database_url, bytes_max=900_000, record_bytes_max=large)[0] == (False, 51)
        found, buffers = _weigh(database_url, bytes_max=900_000, record_bytes_max=8_000)
        assert found == (True, 50)
        assert buffers < 10


def _weigh(database_url: str, **bounds: int) -> tuple[tuple[bool, int], int]:
    """Whether there are records, and how many; and the pages of tables and indexes touched."""
    text = pages._SQL["whole_log_ascending"].encode()
    bounds |= {"after": 0, "through": 51, "tenant_id": TENANT}
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        row = connection.execute(text, bounds).fetchone()
        plan = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + text, bounds).fetchone()
    assert row is not None
    assert plan is not None
    top = plan[0][0]["Plan"]
    return (row[0] is not None, row[1]), top["Shared Hit Blocks"] + top["Shared Read Blocks"]


@pytest.mark.parametrize("ending", ["drained", "closed", "cancelled"])
async def test_a_page_that_is_read_ahead_ends_with_its_replay(
    database_url: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_one, hangs = pages.fetch_one, asyncio.Event()
    reads = count(1)

    async def hang_at_the_second(connection: Any, query: str, parameters: dict[str, Any]) -> Any:
        if next(reads) == 2:
            # Only then: a statement that PostgreSQL has not begun can't be cancelled.
            telling = asyncio.create_task(_set_when_it_runs(database_url, hangs))
            try:
                await connection.execute("SELECT pg_sleep(60) AS never_read")
            finally:
                telling.cancel()
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
        assert time.monotonic() - started < 30  # of 60
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            assert await _running(connection) == 0
        assert len(await house.log()) == stored


async def _set_when_it_runs(database_url: str, hangs: asyncio.Event) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while not await _running(connection):  # noqa: ASYNC110  what it waits for has no event
            await asyncio.sleep(0.005)
    hangs.set()


async def _running(connection: psycopg.AsyncConnection[Any]) -> int:
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'",
        ["%never_read"],
    )
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
