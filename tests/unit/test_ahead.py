"""The next item is made while somebody is busy with the last: one, no more, and nothing is left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from everlog_server.errors import StorageUnavailableError
from everlog_server.storage.ahead import one_ahead

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Source:
    """Makes 1, 2, 3 …; hangs or fails at one of them, or ends after it."""

    def __init__(self, *, end: int = 9, hang: int | None = None, fail: int | None = None) -> None:
        self.end, self.hang, self.fail = end, hang, fail
        self.made: list[int] = []
        self.hangs = asyncio.Event()
        self.closed = False

    async def items(self) -> AsyncGenerator[int]:
        try:
            for n in range(1, self.end + 1):
                await asyncio.sleep(0)
                if n == self.hang:
                    self.hangs.set()
                    await asyncio.Event().wait()
                if n == self.fail:
                    raise StorageUnavailableError
                self.made.append(n)
                yield n
        finally:
            await asyncio.sleep(0)
            self.closed = True


async def _let_it_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_items_come_in_order() -> None:
    source = Source()
    assert [n async for n in one_ahead(source.items())] == list(range(1, 10))
    assert source.closed


async def test_one_item_is_made_ahead_and_no_more() -> None:
    source = Source()
    async with aclosing(one_ahead(source.items())) as items:
        assert await anext(items) == 1
        await _let_it_run()
        assert source.made == [1, 2]
        assert await anext(items) == 2
        await _let_it_run()
        assert source.made == [1, 2, 3]
    assert source.closed


async def test_a_failure_comes_after_the_items_before_it() -> None:
    source = Source(fail=3)
    found: list[int] = []

    async def read() -> None:
        async for n in one_ahead(source.items()):
            await _let_it_run()
            found.append(n)

    with pytest.raises(StorageUnavailableError):
        await read()
    assert found == [1, 2]
    assert source.closed


async def test_whoever_leaves_while_the_next_is_made_ends_its_making() -> None:
    source = Source(hang=2)
    async with aclosing(one_ahead(source.items())) as items:
        assert await anext(items) == 1
        await source.hangs.wait()
    assert source.closed
    assert source.made == [1]


@pytest.mark.parametrize("hang", [1, 2])
async def test_whoever_is_cancelled_while_it_waits_ends_the_making(hang: int) -> None:
    source = Source(hang=hang)

    async def read() -> None:
        async with aclosing(one_ahead(source.items())) as items:
            async for _ in items:
                pass

    reading = asyncio.create_task(read())
    await source.hangs.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert source.closed
