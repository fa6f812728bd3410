"""Cancellations that a call must not swallow."""

from __future__ import annotations

import asyncio


class Cancellation:
    """Notices that the current task was cancelled since this was made, whatever came of it.

    A call of grpc.aio runs in a task of its own. If the one that waits for it is cancelled in the
    very moment in which the call fails, it is that failure which is raised, and the cancellation
    is lost: a loop that tries again would go on for ever.
    """

    def __init__(self) -> None:
        task = asyncio.current_task()
        # What is called while a cancelled task cleans up is not cancelled for that.
        self._before = task.cancelling() if task is not None else 0

    def heed(self) -> None:
        """Raise CancelledError if it was."""
        task = asyncio.current_task()
        if task is not None and task.cancelling() > self._before:
            raise asyncio.CancelledError
