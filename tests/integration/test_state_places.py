"""How many states are told at a time, against a real log: others wait, and may give up waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from everlog_server.aggregates import States, StateThen, states
from everlog_server.errors import OverloadedError, ReadTooExpensiveError
from everlog_server.model import AggregateKey
from tests.factories import TENANT, House, new_event, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL, LARGE = AggregateKey("order", "small"), AggregateKey("order", "large")
SECONDS_MAX = 20


class Gate:
    """Where every state stops that has its place: where it looks for the aggregate's definition."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.inside = 0
        self._changed = asyncio.Condition()

    async def definition_of(self, _: int, __: str) -> None:
        async with self._changed:
            self.inside += 1
            self._changed.notify_all()
        try:
            await self.is_open.wait()
        finally:
            self.inside -= 1

    async def reaches(self, count: int) -> None:
        async with asyncio.timeout(SECONDS_MAX), self._changed:
            await self._changed.wait_for(lambda: self.inside >= count)


@pytest.fixture
async def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """With an aggregate of two events, and one of ten, where five are few."""
    monkeypatch.setattr(states, "_EVENTS_FEW", 5)
    async with open_house(database_url) as opened:
        await opened.emit(*[new_event("order/small", json='{"n":1}') for _ in range(2)])
        await opened.emit(*[new_event("order/large", json='{"n":2}') for _ in range(10)])
        yield opened


async def test_large_states_are_told_two_at_a_time_and_the_others_wait(house: House) -> None:
    gate = Gate()
    told = States(house.reader, gate.definition_of)
    large = [asyncio.create_task(told.state(TENANT, LARGE)) for _ in range(6)]
    await gate.reaches(2)
    # Small ones, and early moments of large ones, do not wait behind them.
    small = [
        asyncio.create_task(told.state(TENANT, SMALL)),
        asyncio.create_task(told.state(TENANT, LARGE, through_sequence=3)),
    ]
    await gate.reaches(4)
    # All have asked for their extent by now, and whoever may go on has.
    await house.reader.head(TENANT)
    done, _ = await asyncio.wait(large, timeout=0.1)
    assert (gate.inside, len(done)) == (4, 0)
    gate.is_open.set()
    then: list[StateThen] = await asyncio.gather(*large, *small)
    assert [one.events_replayed for one in then] == [10] * 6 + [2, 3]
    assert gate.inside == 0


async def test_a_caller_whose_deadline_passes_leaves_the_queue(house: House) -> None:
    gate = Gate()
    told = States(house.reader, gate.definition_of)
    running = [asyncio.create_task(told.state(TENANT, LARGE)) for _ in range(2)]
    await gate.reaches(2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await told.state(TENANT, LARGE)
    # One that is told when its deadline passes makes room for the next one.
    running[0].cancel()
    following = asyncio.create_task(told.state(TENANT, LARGE))
    await asyncio.wait(running[:1])
    await gate.reaches(2)
    gate.is_open.set()
    assert (await following).events_replayed == (await running[1]).events_replayed == 10


async def test_who_waits_too_long_is_told_that_the_server_is_overloaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_PLACE_SECONDS_MAX", 0.05)
    gate = Gate()
    told = States(house.reader, gate.definition_of)
    running = [asyncio.create_task(told.state(TENANT, LARGE)) for _ in range(2)]
    await gate.reaches(2)
    with pytest.raises(OverloadedError, match=r"more than 5 events are told 2 at a time"):
        await told.state(TENANT, LARGE)
    gate.is_open.set()
    waited = [await one for one in running]
    # Waiting is not part of how long it took, and the place is free again.
    assert [one.state for one in waited] == [b'{"n":2}'] * 2
    assert (await told.state(TENANT, LARGE)).events_replayed == 10


async def test_a_state_that_takes_too_long_gives_its_place_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_STATE_SECONDS_MAX", 0.05)
    gate = Gate()
    told = States(house.reader, gate.definition_of)
    for _ in range(3):
        with pytest.raises(ReadTooExpensiveError, match="could not be told within"):
            await told.state(TENANT, LARGE)
    monkeypatch.setattr(states, "_STATE_SECONDS_MAX", 10)
    gate.is_open.set()
    assert (await told.state(TENANT, LARGE)).events_replayed == 10
