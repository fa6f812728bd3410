"""How late the event loop is: whatever it does, everybody waits so long for it."""

from __future__ import annotations

import asyncio

from everlog_server.measures import Buckets

_INTERVAL_SECONDS = 0.25
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class LoopDelay:
    """Sets a timer four times a second, and looks how late it goes off. Run `run` as a task."""

    def __init__(self) -> None:
        self.seconds = Buckets(_BOUNDS)

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _INTERVAL_SECONDS
            await asyncio.sleep(_INTERVAL_SECONDS)
            self.seconds.observe(max(0.0, loop.time() - due))
