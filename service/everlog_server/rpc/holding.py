"""Streams end when their callers do not hold any more: one timer for all of a process.

Who revokes a token is promised that running streams end within 5 s. Every second each caller that
has streams is looked at once. A stream that has answers to give is asked first, and has a second
for them; all others, and those that have not ended then, are cancelled where they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from everlog_server.errors import UnauthenticatedError
from everlog_server.identity.callers import Caller

if TYPE_CHECKING:
    from everlog_server.rpc.entry import Call

INTERVAL_SECONDS = 1.0


class _Stream:
    """A stream that runs, and goes with its caller."""

    __slots__ = ("_call", "_task", "is_cancelled", "is_over")

    def __init__(self, call: Call, task: asyncio.Task[object]) -> None:
        self._call = call
        self._task = task
        self.is_over = self.is_cancelled = False
        """Whether it was told to end; whether it had no choice."""

    def end(self) -> None:
        """Tells it; the second time it has no choice."""
        softly = self._call.end_softly
        if softly is not None and not self.is_over:
            softly()
        elif not self.is_cancelled:
            self.is_cancelled = True
            self._task.cancel()
        self.is_over = True

    def error(self) -> UnauthenticatedError:
        """Why it ended."""
        return UnauthenticatedError(
            f"{self._call.identity} was revoked, or has expired, while this call ran"
        )


class Holding:
    """The streams of a process, by caller. Used from the event loop."""

    def __init__(
        self, holds: Callable[[Caller], bool], *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._holds = holds
        self._interval_seconds = interval_seconds
        self._streams: dict[Caller, set[_Stream]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncGenerator[None]:
        """Around what this task does for a stream; UnauthenticatedError if it was told to end."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        stream = _Stream(call, task)
        streams = self._streams.setdefault(call.caller, set())
        streams.add(stream)
        if self._timer is None:
            self._start()
        try:
            yield
            if stream.is_cancelled:  # as it ended by itself: what follows need not suffer
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            # A caller who went meanwhile has cancelled it, too: that stands.
            if not stream.is_cancelled or task.uncancel():
                raise
        finally:
            streams.discard(stream)
            if not streams:
                self._streams.pop(call.caller, None)
        if stream.is_over:
            raise stream.error()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval_seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        for caller, streams in list(self._streams.items()):
            if not self._holds(caller):
                for stream in list(streams):
                    stream.end()
        if self._streams:
            self._start()
