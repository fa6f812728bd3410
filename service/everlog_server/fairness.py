"""Places that several share, so that no one of them can hold them all or keep the others waiting.

Who comes waits in a queue of its holder's; places that come free go round the holders, not down one
queue: a holder with a thousand who wait delays another one by one place, not by a thousand.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass


class NoPlace(Exception):
    """There was none: its text says why."""


class TooManyWait(NoPlace):
    """It would have had to wait, and too many do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesSnapshot:
    """How it is now, and totals since the start."""

    places_max: int
    each_max: int
    held: int
    waiting: int
    waits: int
    """How often somebody had to wait."""
    refused: int
    """How often somebody has waited in vain, or not been let in to wait."""


class FairPlaces:
    """So many places, of which each holder may have some. Used from one event loop."""

    def __init__(
        self, places_max: int, *, each_max: int, waiting_max: int, wait_seconds_max: float
    ) -> None:
        """`each_max` is of one holder; `waiting_max` of all together.

        Of those who wait a holder may have as many as there is room left for others: alone half of
        `waiting_max`, beside one like it a third.
        """
        self._places_max = places_max
        self._each_max = min(each_max, places_max)
        self._waiting_max = waiting_max
        self._wait_seconds_max = wait_seconds_max
        self._held: dict[Hashable, int] = {}
        self._held_in_all = 0
        self._queues: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        """Never an empty one. The first is whose turn it is next."""
        self._waiting = self._waits = self._refused = 0

    @asynccontextmanager
    async def place(self, holder: Hashable) -> AsyncIterator[None]:
        """A place for as long as the block; raises NoPlace, TooManyWait at once."""
        await self.enter(holder)
        try:
            yield
        finally:
            self.leave(holder)

    async def enter(self, holder: Hashable) -> None:
        """Takes a place, to be given back by `leave`; raises NoPlace, TooManyWait at once."""
        if holder not in self._queues and self._may_have(holder):
            self._take(holder)
            return
        queue = self._queues.get(holder)
        if (0 if queue is None else len(queue)) >= self._waiting_max - self._waiting:
            self._refused += 1
            raise TooManyWait(f"{self._waiting} are waiting")
        if queue is None:
            queue = self._queues[holder] = deque()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._waiting += 1
        self._waits += 1
        try:
            await asyncio.wait((turn,), timeout=self._wait_seconds_max)
        except BaseException:
            if not turn.done():
                self._give_up(holder, turn)
            elif turn.exception() is None:
                self.leave(holder)
            raise
        if not turn.done():
            self._give_up(holder, turn)
            self._refused += 1
            raise NoPlace(f"none has come free for {self._wait_seconds_max:g} s")
        turn.result()

    def leave(self, holder: Hashable) -> None:
        """Gives a place back: to whoever's turn it is."""
        held = self._held[holder] - 1
        if held:
            self._held[holder] = held
        else:
            del self._held[holder]
        self._held_in_all -= 1
        self._hand_on()

    @property
    def are_all_held(self) -> bool:
        """Whether somebody who comes now waits, whoever it is."""
        return self._held_in_all >= self._places_max

    def dismiss(self, reason: Callable[[], Exception]) -> None:
        """Ends the waiting of all who wait, each with an exception of its own."""
        for queue in self._queues.values():
            for turn in queue:
                turn.set_exception(reason())
        self._queues.clear()
        self._waiting = 0

    def snapshot(self) -> PlacesSnapshot:
        """What is held, and who waits."""
        return PlacesSnapshot(
            places_max=self._places_max,
            each_max=self._each_max,
            held=self._held_in_all,
            waiting=self._waiting,
            waits=self._waits,
            refused=self._refused,
        )

    def _may_have(self, holder: Hashable) -> bool:
        is_free = self._held_in_all < self._places_max
        return is_free and self._held.get(holder, 0) < self._each_max

    def _take(self, holder: Hashable) -> None:
        self._held[holder] = self._held.get(holder, 0) + 1
        self._held_in_all += 1

    def _hand_on(self) -> None:
        if self._held_in_all >= self._places_max:
            return
        for holder, queue in self._queues.items():
            if self._may_have(holder):
                turn = queue.popleft()
                self._waiting -= 1
                if queue:
                    self._queues.move_to_end(holder)
                else:
                    del self._queues[holder]
                self._take(holder)
                turn.set_result(None)
                return

    def _give_up(self, holder: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._queues[holder]
        queue.remove(turn)
        self._waiting -= 1
        if not queue:
            del self._queues[holder]
