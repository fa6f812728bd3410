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
from typing import Any, TypeAlias

_Work: TypeAlias = "tuple[Callable[[], Any], asyncio.Future[Any]] | None"


class Threads:
    """Up to a number of threads, each started when there is work and none is idle."""

    def __init__(self, threads_max: int, *, name: str) -> None:
        self._threads_max = threads_max
        self._name = name
        self._count = 0
        self._busy = 0
        self._work: SimpleQueue[_Work] = SimpleQueue()

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in a thread, in the caller's context; return or raise what it does.

        Cancelling does not end the function: nobody hears what comes of it.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()
        self._busy += 1
        if self._busy > self._count and self._count < self._threads_max:
            self._count += 1
            name = f"{self._name} {self._count}"
            threading.Thread(target=self._serve, args=(loop,), name=name, daemon=True).start()
        self._work.put((lambda: context.run(function, *args), done))
        try:
            return await done
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in range(self._count):
            self._work.put(None)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while (work := self._work.get()) is not None:
            function, done = work
            result: Any = None
            error: BaseException | None = None
            try:
                result = function()
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(_tell, done, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits
            del work, function, done, result, error


def _tell(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if isinstance(error, StopIteration):  # which no future takes
        error = RuntimeError(f"{error!r} was raised")
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
