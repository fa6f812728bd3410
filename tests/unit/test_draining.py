"""Whatever is streamed ends when the server begins to stop."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from everlog_server.errors import ServerDrainingError, StorageUnavailableError
from everlog_server.rpc.draining import until_drained

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Source:
    """Counts to three, and then hangs, fails or ends."""

    def __init__(self, then: str = "end") -> None:
        self.then = then
        self.hangs = asyncio.Event()
        self.closed = False

    async def items(self) -> AsyncGenerator[int]:
        try:
            for n in range(3):
                yield n
            if self.then == "hang":
                self.hangs.set()
                await asyncio.sleep(60)
            if self.then == "fail":
                raise StorageUnavailableError
        finally:
            self.closed = True


async def _drain_when(hangs: asyncio.Event, drain: asyncio.Event) -> None:
    await hangs.wait()
    drain.set()


async def test_without_a_drain_all_items_pass() -> None:
    source = Source()
    assert [n async for n in until_drained(source.items(), asyncio.Event())] == [0, 1, 2]
    assert source.closed


async def test_a_failure_passes() -> None:
    source = Source("fail")
    with pytest.raises(StorageUnavailableError):
        assert [n async for n in until_drained(source.items(), asyncio.Event())]
    assert source.closed


async def test_a_drain_ends_it_while_the_next_item_is_made() -> None:
    source, drain = Source("hang"), asyncio.Event()
    found: list[int] = []
    draining = asyncio.create_task(_drain_when(source.hangs, drain))

    async def read() -> None:
        async for n in until_drained(source.items(), drain):
            found.append(n)  # noqa: PERF401  # what was had before counts

    with pytest.raises(ServerDrainingError):
        await asyncio.wait_for(read(), 1)
    assert found == [0, 1, 2]
    assert source.closed
    await draining


async def test_a_drain_ends_it_between_two_items() -> None:
    source, drain = Source(), asyncio.Event()
    async with aclosing(until_drained(source.items(), drain)) as items:
        assert await anext(items) == 0
        drain.set()
        with pytest.raises(ServerDrainingError):
            await anext(items)
    assert source.closed


async def test_a_caller_who_goes_closes_the_source() -> None:
    source = Source("hang")

    async def read() -> None:
        async with aclosing(until_drained(source.items(), asyncio.Event())) as items:
            async for _ in items:
                pass

    reading = asyncio.create_task(read())
    await source.hangs.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert source.closed
