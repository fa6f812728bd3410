"""The way from threads into an event loop and back: what the synchronous client stands on.

    caller's thread                    the portal's thread, a daemon
    call(…)          ── coroutine ──▶  runs it, settles a future
    Bridge.next(…)   ◀── read ahead ── one task reads the asynchronous iterator, up to a bound
    Feed.put(…)      ── read ahead ─▶  the asynchronous iterator that a coroutine reads from

A portal is one loop on one thread. It holds nothing of those who call it, so that an owner that is
forgotten can be collected, and stop it then.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Generic, ParamSpec, TypeVar

from everlog.errors import ConnectionLost

_READ_AHEAD_ITEMS = 64
_STOP_SECONDS_MAX = 10.0

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


class Portal:
    """An event loop on a thread of its own, started with the first use.

    `opening` and `closing` run in it first and last. Any number of threads may call.
    """

    def __init__(
        self, opening: Callable[[], Awaitable[Any]], closing: Callable[[], Awaitable[None]]
    ) -> None:
        self._opening = opening
        self._closing = closing
        # Orders every call before the stop or refuses it: what is handed to a loop that ends
        # would never be answered. Taken by callers and by `stop`, held for no longer than that.
        self._entrance = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process_id = 0
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_wanted = asyncio.Event()
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> asyncio.AbstractEventLoop:
        """Start the loop, if need be, and return it. Raises RuntimeError where none can be had."""
        with self._entrance:
            if self._stopped:
                raise RuntimeError("this client is closed")
            if self._thread is None:
                self._process_id = os.getpid()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._run()), name="everlog client", daemon=True
                )
                self._thread.start()
        if self._process_id != os.getpid():
            raise RuntimeError("this client was used before a fork: connect again in the child")
        if self._thread is threading.current_thread():
            raise RuntimeError("a callback may not wait for the client: the client waits for it")
        self._opened.wait()
        if self._failure is not None:
            raise self._failure
        assert self._loop is not None  # noqa: S101 - set before `_opened`
        return self._loop

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._opening()
        except BaseException as failure:
            self._failure = failure
            return
        finally:
            self._opened.set()
        try:
            await self._stop_wanted.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._closing()

    def call(
        self,
        function: Callable[_Parameters, Awaitable[_Result]],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Run a coroutine function in the loop; return or raise what it does.

        Whoever is interrupted while it waits (KeyboardInterrupt) leaves nothing running. Raises
        ConnectionLost when the portal is stopped meanwhile.
        """
        loop = self.open()

        async def run() -> _Result:
            return await function(*args, **kwargs)

        with self._entrance:
            if self._stopped:
                raise RuntimeError("this client is closed")
            running = asyncio.run_coroutine_threadsafe(run(), loop)
        try:
            return running.result()
        except CancelledError:
            raise ConnectionLost("the client was closed") from None
        finally:
            running.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task, in the loop; it is cancelled before the client is closed."""
        task = asyncio.create_task(work, name="everlog bridge")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def wake(self, callback: Callable[[], object]) -> None:
        """Have something called in the loop, soon; or not, when it has ended."""
        if self._loop is not None and self._process_id == os.getpid():
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(callback)

    def stop(self) -> None:
        """Close what was opened, and end the thread. Harmless when that is done, or in a fork."""
        with self._entrance:
            self._stopped = True
        if self._thread is None or self._process_id != os.getpid():
            return
        self._opened.wait(_STOP_SECONDS_MAX)
        self.wake(self._stop_wanted.set)
        # The collector may have come by in the loop's own thread, which can't wait for itself.
        if self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS_MAX)


class Bridge(Generic[_Item]):
    """An asynchronous iterator, read in the portal's loop and handed out to a thread.

    One task reads it from its first item to its last, as a timeout in it needs. It reads at most 64
    items ahead. One thread at a time may take; any may close.
    """

    def __init__(
        self,
        portal: Portal,
        source: AsyncIterable[_Item],
        condition: threading.Condition | None = None,
    ) -> None:
        self._portal = portal
        self._source = source
        # Guards what follows, between the loop's thread and the others; notified at each change.
        self._condition = condition or threading.Condition()
        self._items: deque[_Item] = deque()
        self._error: BaseException | None = None
        self._ended = False
        self._reading: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    def start(self) -> None:
        """Begin to read, if that has not begun."""
        if self._reading is None and not self._ended:
            self._portal.call(self._start)

    async def _start(self) -> None:
        self._reading = self._portal.spawn(self._read())

    async def _read(self) -> None:
        items = aiter(self._source)
        try:
            async for item in items:
                with self._condition:
                    self._items.append(item)
                    self._condition.notify_all()
                    if len(self._items) < _READ_AHEAD_ITEMS:
                        continue
                    self._room.clear()
                await self._room.wait()
        except asyncio.CancelledError:
            # Closed by its reader, it just ends; by the end of the client, that is to be told.
            if not self._ended:
                self._error = ConnectionLost("the client was closed")
        except BaseException as error:
            self._error = error
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()
            with self._condition:
                self._ended = True
                self._condition.notify_all()

    def next(self, timeout_seconds: float | None = None) -> _Item:
        """Return the next item; raises what ended the source, StopIteration, or TimeoutError."""
        self.start()
        with self._condition:
            if not self._condition.wait_for(lambda: self._items or self._ended, timeout_seconds):
                raise TimeoutError(f"nothing came for {timeout_seconds:g} s")
            return self._take()

    def _take(self) -> _Item:
        if not self._items:
            error, self._error = self._error, None
            raise error or StopIteration
        item = self._items.popleft()
        if len(self._items) == _READ_AHEAD_ITEMS // 2:
            self._portal.wake(self._room.set)
        return item

    def ready(self) -> list[_Item]:
        """Take what is here, without waiting; raises what ended the source when nothing is left."""
        with self._condition:
            if not self._items and self._error is not None:
                self._take()
            return [self._take() for _ in range(len(self._items))]

    @property
    def has_news(self) -> bool:
        """Whether `ready` has something to give; to be asked under the condition."""
        return bool(self._items) or self._ended

    async def ahead(self) -> bool:
        """Tell, in the loop, whether items are here that nobody has taken."""
        return bool(self._items)

    def close(self) -> None:
        """End it at once: who waits in `next` gets StopIteration. Harmless when it has ended."""
        with self._condition:
            self._ended = True
            self._items.clear()
            self._condition.notify_all()
        if self._reading is not None:
            self._portal.wake(self._reading.cancel)


class Feed(AsyncIterator[_Item]):
    """An asynchronous iterator whose items come from a thread: at most 64 wait to be read."""

    def __init__(self, portal: Portal, condition: threading.Condition) -> None:
        self._portal = portal
        self._condition = condition
        self._items: deque[_Item] = deque()
        self._end: BaseException | None = None
        self._arrived = asyncio.Event()
        self._awaited = False

    @property
    def has_room(self) -> bool:
        """Whether `put` may be called; to be asked under the condition."""
        return len(self._items) < _READ_AHEAD_ITEMS

    def put(self, item: _Item) -> None:
        """Hand an item over."""
        with self._condition:
            self._items.append(item)
            self._wake()

    def end(self, reason: BaseException | None = None) -> None:
        """Say that no more will come, and why, if that is a failure."""
        with self._condition:
            self._end = reason or StopAsyncIteration()
            self._wake()

    def _wake(self) -> None:
        if self._awaited:
            self._awaited = False
            self._portal.wake(self._arrived.set)

    async def __anext__(self) -> _Item:
        while True:
            with self._condition:
                if self._items:
                    item = self._items.popleft()
                    self._condition.notify_all()
                    return item
                if self._end is not None:
                    raise self._end
                self._arrived.clear()
                self._awaited = True
            await self._arrived.wait()
