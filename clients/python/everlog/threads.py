"""Threads for plain functions, so that they don't hold up the event loop.

Not a ThreadPoolExecutor: the interpreter waits at its end for the threads of one, also for those
that somebody has given up. These are daemons.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class _Work:
    """One call; its states are changed under the lock of its threads."""

    __slots__ = ("done", "function", "is_begun", "is_ended", "is_given_up")

    def __init__(self, function: Callable[[], Any], done: asyncio.Future[Any]) -> None:
        self.function = function
        self.done = done
        self.is_begun = self.is_ended = self.is_given_up = False


class Threads:
    """Up to a number of threads, each started when there is work and none is idle."""

    def __init__(self, threads_max: int, *, name: str) -> None:
        self._threads_max = threads_max
        self._name = name
        self._count = 0
        self._busy = 0
        self._states = threading.Lock()
        self._work: SimpleQueue[_Work | None] = SimpleQueue()

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in a thread, in the caller's context; return or raise what it does.

        Cancelling does not end the function: nobody hears what comes of it, and its thread does not
        count any more. One that has not begun is not called.
        """
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        work = _Work(lambda: context.run(function, *args), loop.create_future())
        self._busy += 1
        if self._busy > self._count and self._count < self._threads_max:
            self._count += 1
            name = f"{self._name} {self._count}"
            threading.Thread(target=self._serve, args=(loop,), name=name, daemon=True).start()
        self._work.put(work)
        try:
            return await work.done
        finally:
            self._busy -= 1
            if not work.is_ended:
                self._give_up(work)

    def _give_up(self, work: _Work) -> None:
        with self._states:
            work.is_given_up = not work.is_ended
            if work.is_begun and work.is_given_up:
                self._count -= 1  # the thread ends when the function does

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in range(self._count):
            self._work.put(None)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while (work := self._work.get()) is not None:
            with self._states:
                work.is_begun = not work.is_given_up
            if not work.is_begun:
                continue
            result: Any = None
            error: BaseException | None = None
            try:
                result = work.function()
            except BaseException as raised:
                error = raised
            with self._states:
                work.is_ended = True
            if work.is_given_up:
                return
            try:
                loop.call_soon_threadsafe(_tell, work.done, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits
            del work, result, error


def _tell(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if isinstance(error, StopIteration):  # which no future takes
        error = RuntimeError(f"{error!r} was raised")
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
