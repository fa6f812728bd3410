"""Streams from which nothing comes any more: three heartbeats that are missing end them."""

from __future__ import annotations

import asyncio

from grpc.aio import Call

HEARTBEATS_MISSED_MAX = 3


class Silence:
    """Ends a call from which nothing has come for too long while it was read.

    One timer, which moves on when it goes off: one for each message would cost as much as the rest
    of the message's way through the client.
    """

    def __init__(self, call: Call, seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self._call = call
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        self._began: float | None = self._loop.time()
        self._timer = self._loop.call_later(seconds_max, self._look)

    def begin(self) -> None:
        """The next message is waited for."""
        self._began = self._loop.time()

    def end(self) -> None:
        """It has come: while it is handed out, nobody is silent."""
        self._began = None

    def close(self) -> None:
        """Watch no longer."""
        self._timer.cancel()

    @property
    def has_ended_the_call(self) -> bool:
        """Whether a cancellation that is felt is of the call, and not of the task that reads it."""
        task = asyncio.current_task()
        return self._is_over and (task is None or not task.cancelling())

    def _look(self) -> None:
        seconds = self.seconds_max
        if self._began is not None:
            seconds -= self._loop.time() - self._began
        if seconds > 0:
            self._timer = self._loop.call_later(seconds, self._look)
        else:
            self._is_over = True
            self._call.cancel()
