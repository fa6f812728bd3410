"""Followers are woken at once where that is cheap, together where it is not, and all of them."""

from __future__ import annotations

import asyncio

from everlog_server.subscriptions.waves import REST_SECONDS_MAX, Waves

SECONDS = 10.0


class Follower:
    """Reads up to what is shown, again and again, as a cursor does."""

    def __init__(self, waves: Waves) -> None:
        self.seen: list[int] = []
        self._waves = waves
        self.task = asyncio.create_task(self._follow())

    @property
    def position(self) -> int:
        return self.seen[-1] if self.seen else 0

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._waves.wait_beyond(self.position, loop.create_future())
            self._waves.note_read()
            self.seen.append(self._waves.shown)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def resting(reads: int = 20_000) -> Waves:
    """Waves in the rest after one that many have read, and of which more is to be shown."""
    waves = Waves(0, unshown_bytes_max=1_000)
    waves.grow(1, 10)
    for _ in range(reads):
        waves.note_read()
    waves.grow(2, 10)
    assert (waves.shown, waves.is_resting) == (1, True)
    return waves


async def test_a_lone_follower_never_waits_for_the_end_of_a_rest() -> None:
    waves = Waves(0, unshown_bytes_max=1_000_000)
    follower = Follower(waves)
    for position in range(1, 200):
        await asyncio.sleep(0)
        waves.grow(position, 10)
        assert (waves.shown, waves.is_resting) == (position, False)
    await asyncio.sleep(0)
    assert follower.position == 199
    await follower.leave()


async def test_many_followers_share_waves_and_each_is_shown_all_there_is() -> None:
    waves = Waves(0, unshown_bytes_max=1_000_000)
    followers = [Follower(waves) for _ in range(500)]
    for position in range(1, 1_001):
        waves.grow(position, 10)
        await asyncio.sleep(0)
    async with asyncio.timeout(SECONDS):
        await waves.wait_beyond(999, asyncio.get_running_loop().create_future())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for follower in followers:
        assert follower.position == 1_000
        assert follower.seen == sorted(set(follower.seen))  # nobody is woken for nothing
        assert len(follower.seen) < 900
        await follower.leave()


async def test_a_rest_is_bounded_however_many_have_read() -> None:
    waves = await resting()
    loop = asyncio.get_running_loop()
    assert waves._timer is not None
    assert waves._timer.when() - loop.time() <= REST_SECONDS_MAX
    async with asyncio.timeout(SECONDS):
        await waves.wait_beyond(1, loop.create_future())
    assert (waves.shown, waves.is_resting) == (2, False)


async def test_those_who_read_late_lengthen_the_rest_too() -> None:
    woken: list[str] = []

    async def wait(name: str, waves: Waves) -> None:
        await waves.wait_beyond(1, asyncio.get_running_loop().create_future())
        woken.append(name)

    punctual, late = await resting(100), await resting(100)
    for _ in range(20_000):
        late.note_read()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(wait("late", late), wait("punctual", punctual))
    assert woken == ["punctual", "late"]


async def test_a_rest_ends_when_what_waits_fills_a_message() -> None:
    waves = await resting()
    waves.grow(3, 900)
    assert (waves.shown, waves.is_resting) == (1, True)
    waves.grow(4, 90)
    assert (waves.shown, waves.is_resting) == (4, False)


async def test_the_end_wakes_everybody_at_once_also_in_a_rest() -> None:
    waves = await resting()
    loop = asyncio.get_running_loop()
    waiting = [
        asyncio.create_task(waves.wait_beyond(2, loop.create_future())),
        asyncio.create_task(waves.wait_beyond(1, loop.create_future())),
    ]
    await asyncio.sleep(0)
    waves.end()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert all(task.done() for task in waiting)
    assert not waves.is_resting
    await waves.wait_beyond(9, loop.create_future())  # nobody waits any more


async def test_who_is_cancelled_takes_only_himself_out() -> None:
    waves = Waves(0, unshown_bytes_max=1_000)
    followers = [Follower(waves) for _ in range(3)]
    await asyncio.sleep(0)
    await followers[1].leave()
    waves.grow(1, 10)
    await asyncio.sleep(0)
    assert [follower.position for follower in followers] == [1, 0, 1]
    for follower in followers:
        await follower.leave()
