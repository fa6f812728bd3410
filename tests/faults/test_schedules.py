"""Seeded schedules of faults, each judged by the checker (docs/faults.md).

More of them: `-m slow`, and `python -m tests.faults --seeds 0-199`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.faults.runs import run_seed
from tests.faults.schedules import schedule_of
from tests.faults.world import new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.world import World

OF_TWO_SERVERS = [seed for seed in range(200) if not schedule_of(seed).has_workers]
OF_WORKERS = [seed for seed in range(200) if schedule_of(seed).has_workers]
QUICK = [2, OF_TWO_SERVERS[0]]
"""The first with a consumer and a projection, and one more."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two_servers() -> AsyncIterator[World]:
    async with new_world(has_workers=False) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers() -> AsyncIterator[World]:
    async with new_world(has_workers=True) as world:
        yield world


async def _breaks_nothing(world: World, seed: int) -> None:
    outcome = await run_seed(world, seed)
    broken = "\n".join(map(str, outcome.violations))
    assert not broken, f"{outcome.schedule.name}\n{broken}\n{world.logs()}"
    assert outcome.events > 50
    assert outcome.messages > 10
    if outcome.schedule.members:
        assert outcome.deliveries >= outcome.events - 1  # but for the last one, which is late
    if outcome.schedule.has_projection:
        assert outcome.tables > 5


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("seed", QUICK)
async def test_a_schedule_breaks_no_guarantee(two_servers: World, seed: int) -> None:
    await _breaks_nothing(two_servers, seed)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("seed", [one for one in OF_TWO_SERVERS[:14] if one not in QUICK])
async def test_more_schedules_break_no_guarantee(two_servers: World, seed: int) -> None:
    await _breaks_nothing(two_servers, seed)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("seed", OF_WORKERS[:5])
async def test_schedules_of_four_workers_break_no_guarantee(workers: World, seed: int) -> None:
    await _breaks_nothing(workers, seed)


def test_a_seed_gives_the_same_schedule_again() -> None:
    schedules = [schedule_of(seed) for seed in range(200)]
    assert schedules == [schedule_of(seed) for seed in range(200)]
    assert len({schedule.faults for schedule in schedules}) == 200


def test_each_kind_of_fault_is_in_several_of_200_schedules() -> None:
    kinds = [fault.kind for seed in range(200) for fault in schedule_of(seed).faults]
    assert min(kinds.count(kind) for kind in set(kinds)) >= 5
    assert len(set(kinds)) == 24


def test_a_consumer_and_a_projection_are_in_many_schedules_of_each_world() -> None:
    for seeds in (OF_TWO_SERVERS, OF_WORKERS):
        schedules = [schedule_of(seed) for seed in seeds]
        both = [one for one in schedules if one.members and one.has_projection]
        assert len(both) * 8 > len(schedules)
        assert {one.members for one in schedules} == {0, 2}
