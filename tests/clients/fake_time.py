"""An event loop whose clock is a fake one: hours of waiting pass in no time, and exactly so.

When nothing is left to do but wait, the clock is set to the end of the wait. So a test may assert
to the millisecond when something was tried again, which a real clock never grants.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc_testing

_Result = TypeVar("_Result")


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: grpc_testing.Time) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and nobody for the clock")
        if not ready and timeout:
            self._clock.sleep_for(timeout)
        return ready


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """A loop that lives by `clock`. Other threads can't wake it: while it waits, it does not."""

    def __init__(self, clock: grpc_testing.Time) -> None:
        self._clock = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        return self._clock.time()


def run(story: Coroutine[Any, Any, _Result], clock: grpc_testing.Time) -> _Result:
    """Run a coroutine by a fake clock, to its end."""
    with asyncio.Runner(loop_factory=lambda: FakeTimeLoop(clock)) as runner:
        return runner.run(story)
