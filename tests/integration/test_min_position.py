"""Reads may wait until a position is visible here, and cost others nothing while they do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from everlog_server.errors import PositionNotVisibleError, StorageUnavailableError
from everlog_server.storage.reads import EventReader, _HeadPoll
from tests.factories import TENANT, House, new_event, open_house

if TYPE_CHECKING:
    from collections.abc import Callable

    from everlog_server.model import Head

FAR = 10**9
SECONDS = 20


async def test_who_waits_goes_on_when_the_position_is_reached(database_url: str) -> None:
    async with open_house(database_url) as house, open_house(database_url) as other:
        await other.emit(new_event())
        await house.reader.wait_visible(TENANT, 1, 0.0)
        waiting = [asyncio.create_task(house.reader.wait_visible(TENANT, n, 60)) for n in (2, 3, 4)]
        for number in range(3):
            await asyncio.sleep(0.2)
            assert [task.done() for task in waiting] == [n < number for n in range(3)]
            await other.emit(new_event())
            async with asyncio.timeout(SECONDS):  # far less than they may wait
                await waiting[number]
        await _until(lambda: _polls() == 0)


async def test_who_comes_late_does_not_wait_out_the_pause_of_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest, resting = _HeadPoll._rest, asyncio.Event()

    async def rest_long_at_first(poll: _HeadPoll, seconds: float) -> float:
        long = 1_000.0 if not resting.is_set() else seconds
        resting.set()
        return await rest(poll, long)

    monkeypatch.setattr(_HeadPoll, "_rest", rest_long_at_first)
    async with open_house(database_url) as house:
        far = asyncio.create_task(house.reader.wait_visible(TENANT, FAR, 1_000))
        await resting.wait()
        waiting = asyncio.create_task(house.reader.wait_visible(TENANT, 1, 1_000))
        await _until(lambda: _waiters(house) == 2)
        await house.emit(new_event())
        async with asyncio.timeout(SECONDS):
            await waiting
        far.cancel()
        await asyncio.gather(far, return_exceptions=True)


async def test_a_position_that_is_not_reached_in_time_is_told_with_the_head(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
        for seconds in (0.0, 0.2):
            with pytest.raises(PositionNotVisibleError, match="the head is 1") as caught:
                await house.reader.wait_visible(TENANT, 2, seconds)
            assert caught.value.metadata == {"position": "2", "head": "1"}
        await _until(lambda: _polls() == 0)


async def test_a_cancelled_waiter_leaves_the_others_waiting(database_url: str) -> None:
    async with open_house(database_url) as house:
        first, second = (
            asyncio.create_task(house.reader.wait_visible(TENANT, 1, 10)) for _ in range(2)
        )
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        await house.emit(new_event())
        await second
        await _until(lambda: _polls() == 0)


async def test_everybody_who_waits_is_told_when_postgresql_is_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(database_url) as house:
        waiting = [asyncio.create_task(house.reader.wait_visible(TENANT, 1, 10)) for _ in range(3)]
        await asyncio.sleep(0.1)

        async def away(*_: Any, **__: Any) -> Any:
            raise StorageUnavailableError

        monkeypatch.setattr(type(house.reader), "_row", away)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StorageUnavailableError] * 3
        monkeypatch.undo()
        await house.emit(new_event())
        await house.reader.wait_visible(TENANT, 1, 5)


async def test_many_who_wait_leave_the_connections_to_those_who_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, reads = EventReader.head, 0

    async def counted(reader: EventReader, tenant_id: int) -> Head:
        nonlocal reads
        reads += 1
        return await head(reader, tenant_id)

    monkeypatch.setattr(EventReader, "head", counted)
    async with open_house(database_url) as house:
        waiting = [
            asyncio.create_task(house.reader.wait_visible(TENANT, FAR, 60)) for _ in range(300)
        ]
        await _until(lambda: _waiters(house) == 300)  # each has looked for itself once
        reads, began = 0, time.monotonic()
        for _ in range(20):
            await head(house.reader, TENANT)
            await asyncio.sleep(0.02)
        # They share one read each 5 ms at the most. One each 100 ms and waiter were 3,000 a second.
        assert 0 < reads <= (time.monotonic() - began) / 0.005 + 1
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await _until(lambda: _polls() == 0)


def _waiters(house: House) -> int:
    poll = house.reader._polls.get(TENANT)
    return 0 if poll is None else len(poll._waiters)


def _polls() -> int:
    return sum("_HeadPoll" in repr(task.get_coro()) for task in asyncio.all_tasks())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  what it waits for has no event
            await asyncio.sleep(0.005)
