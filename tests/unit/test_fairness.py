"""Places that holders share."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from everlog_server.fairness import FairPlaces, NoPlace, TooManyWait

SECONDS = 20


def places(
    count: int = 6, *, each: int = 4, waiting: int = 1000, seconds: float = SECONDS
) -> FairPlaces:
    return FairPlaces(count, each_max=each, waiting_max=waiting, wait_seconds_max=seconds)


async def begin(shared: FairPlaces, *holders: str) -> list[asyncio.Task[None]]:
    """Whoever has no place at once waits in the task that is returned for it."""
    tasks = [asyncio.create_task(shared.enter(holder)) for holder in holders]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def entered(tasks: list[asyncio.Task[None]]) -> list[bool]:
    return [task.done() for task in tasks]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_holder_never_has_them_all() -> None:
    shared = places()
    noisy = await begin(shared, *"a" * 100)
    assert sum(entered(noisy)) == 4
    quiet = await begin(shared, "b")
    assert entered(quiet) == [True]
    for task in noisy:
        task.cancel()


async def test_who_comes_last_of_a_quiet_holder_is_served_before_a_noisy_ones_queue() -> None:
    shared = places(1, each=1)
    first = await begin(shared, "a")
    noisy = await begin(shared, *"a" * 50)
    quiet = await begin(shared, "b")
    assert entered([*first, *quiet]) == [True, False]
    shared.leave("a")
    await settle()  # a's turn: it has waited for longer
    assert entered([*noisy[:2], *quiet]) == [True, False, False]
    shared.leave("a")
    await settle()
    assert entered([noisy[1], *quiet]) == [False, True]
    for task in noisy:
        task.cancel()


async def test_who_may_wait_is_bounded_and_leaves_room_for_others() -> None:
    shared = places(1, each=1, waiting=10)
    await begin(shared, "a")
    noisy = await begin(shared, *"a" * 9)
    assert [isinstance(t.exception(), TooManyWait) for t in noisy if t.done()] == [True] * 4
    quiet = await begin(shared, *"b" * 5)
    assert sum(not task.done() for task in quiet) == 3
    assert shared.snapshot().waiting == 8
    assert shared.snapshot().refused == 6
    for task in (*noisy, *quiet):
        task.cancel()


async def test_who_waits_too_long_is_told_and_takes_nothing() -> None:
    shared = places(1, each=1, seconds=0.01)
    await shared.enter("a")
    with pytest.raises(NoPlace, match=r"none has come free for 0\.01 s"):
        await shared.enter("b")
    shared.leave("a")
    assert shared.snapshot().held == 0
    await shared.enter("b")


async def test_dismissed_ones_are_told_why_and_take_nothing() -> None:
    shared = places(1, each=1)
    await shared.enter("a")
    waiting = await begin(shared, "a", "b")
    shared.dismiss(lambda: ValueError("away"))
    await settle()
    assert [str(task.exception()) for task in waiting] == ["away", "away"]
    shared.leave("a")
    assert (shared.snapshot().held, shared.snapshot().waiting) == (0, 0)


async def test_whoever_goes_while_it_is_given_a_place_gives_it_back() -> None:
    shared = places(1, each=1)
    await shared.enter("a")
    [waiting] = await begin(shared, "b")
    shared.leave("a")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert shared.snapshot().held == 0


@pytest.mark.parametrize("seed", range(20))
async def test_the_bounds_hold_whatever_comes_and_goes(seed: int) -> None:
    chosen = random.Random(seed)
    shared = places(5, each=3, waiting=20, seconds=SECONDS)
    held: Counter[str] = Counter()
    refused = 0

    async def use(holder: str) -> None:
        nonlocal refused
        try:
            async with shared.place(holder):
                held[holder] += 1
                assert held[holder] <= 3
                assert held.total() <= 5
                try:
                    for _ in range(chosen.randrange(4)):
                        await asyncio.sleep(0)
                finally:
                    held[holder] -= 1
        except TooManyWait:
            refused += 1

    async def come() -> None:
        tasks = []
        for _ in range(300):
            tasks.append(asyncio.create_task(use(chosen.choice("aaaaabc"))))
            if chosen.random() < 0.1:
                victim = chosen.choice(tasks)
                victim.cancel()
            for _ in range(chosen.randrange(3)):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        failures = [t.exception() for t in tasks if not t.cancelled()]
        assert failures == [None] * len(failures)

    async with asyncio.timeout(SECONDS):
        await come()
    now = shared.snapshot()
    assert (now.held, now.waiting, now.refused) == (0, 0, refused)
