"""Subscribers of everlog of three kinds, all in one process; each must get every event, in order.

Parameters: address, count (events that each must get), steady, slow and reconnecting (how many of
each). *Slow* ones take 1,000 events and pause, until the steady ones have everything; then they
take the rest. *Reconnecting* ones leave after up to 20,000 events, and subscribe again after their
last position.
"""

from __future__ import annotations

import asyncio
import random

import uvloop

import everlog
from benchmarks.loads import common

SLOW_EVENTS = 1_000
SLOW_PAUSE_SECONDS = 0.2
STAY_EVENTS_MAX = 20_000


class Soak:
    """What all subscribers share, and what they count."""

    def __init__(self, client: everlog.Client, after: int, count: int) -> None:
        self.client = client
        self.after = after
        self.last = after + count
        self.caught_up = asyncio.Semaphore(0)
        self.all_steady_are_done = asyncio.Event()
        self.fell_behind = self.reconnections = 0

    async def follow(self, *, is_slow: bool = False, stays: random.Random | None = None) -> int:
        """Subscribes until it has everything; returns how many events it was given."""
        position = self.after
        while position < self.last:
            stay = stays.randrange(1, STAY_EVENTS_MAX) if stays else self.last
            position = await self._stay(position, min(position + stay, self.last), is_slow=is_slow)
            self.reconnections += position < self.last
        return position - self.after

    async def _stay(self, position: int, through: int, *, is_slow: bool) -> int:
        async with self.client.subscribe(after_position=position, marks=True) as subscription:
            async for item in subscription:
                if isinstance(item, everlog.FellBehind):
                    self.fell_behind += 1
                elif isinstance(item, everlog.CaughtUp):
                    self.caught_up.release()
                else:
                    position += 1
                    assert item.position == position, (item.position, position)
                    if position == through:
                        break
                    if is_slow and position % SLOW_EVENTS == 0:
                        await self._pause()
        return position

    async def _pause(self) -> None:
        if not self.all_steady_are_done.is_set():
            await asyncio.sleep(SLOW_PAUSE_SECONDS)


async def main() -> None:
    told = common.parameters()
    async with everlog.connect(told["address"]) as client:
        soak = Soak(client, (await client.head()).position, told["count"])
        steady = [asyncio.ensure_future(soak.follow()) for _ in range(told["steady"])]
        others = [asyncio.ensure_future(soak.follow(is_slow=True)) for _ in range(told["slow"])]
        others += [
            asyncio.ensure_future(soak.follow(stays=random.Random(number)))
            for number in range(told["reconnecting"])
        ]
        for _ in (*steady, *others):
            await soak.caught_up.acquire()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        received = sum(await asyncio.gather(*steady))
        soak.all_steady_are_done.set()
        received += sum(await asyncio.gather(*others))
        stopwatch.report(received, fell_behind=soak.fell_behind, reconnections=soak.reconnections)


if __name__ == "__main__":
    uvloop.run(main())
