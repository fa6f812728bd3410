"""One timer for many times: it goes off at the earliest of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everlog_server.consumers.policy import Clock


class Timer:
    """Goes off once, and is to be armed anew then."""

    def __init__(self, clock: Clock, on_time: Callable[[float], None]) -> None:
        """`on_time` is told how many seconds late it is called."""
        self._clock = clock
        self._on_time = on_time
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0

    def arm(self, at: int) -> None:
        """Sees to it that it goes off at a time, in microseconds since 1970, or before."""
        if self._handle is not None:
            if self._at <= at:
                return
            self._handle.cancel()
        self._at = at
        # Never early: those of uvloop count milliseconds.
        seconds = max(0, at - self._clock.now()) / 1_000_000 + 0.001
        self._handle = self._loop.call_later(seconds, self._go_off, self._loop.time() + seconds)

    def disarm(self) -> None:
        """It does not go off."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _go_off(self, at: float) -> None:
        """`at`: when it should have been, of the loop's clock."""
        self._handle = None
        self._on_time(self._loop.time() - at)
