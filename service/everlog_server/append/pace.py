"""How long a batch waits for company: not at all, unless the process is busy anyway.

Each batch costs PostgreSQL a transaction, and this process a round trip, however few requests are
in it. While the event loop has time to spare, nobody waits. When it has not, callers queue up
somewhere in any case; then waiting a moment here makes larger batches, and so shorter queues
(docs/adr/0007).
"""

from __future__ import annotations

import time

_LOOK_INTERVAL_SECONDS = 0.02
_BUSY_FROM, _BUSY_FULLY = 0.6, 0.75
"""Shares of the loop's time: one caller alone takes 0.4 of it, two 0.6, sixteen 0.75 and more."""


class Pace:
    """Looks at how busy this thread is. Made and used in the event loop's thread."""

    def __init__(self, linger_seconds_max: float) -> None:
        self._linger_seconds_max = linger_seconds_max
        self._linger_seconds = 0.0
        self._looked = time.monotonic()
        self._worked_seconds = time.thread_time()

    def linger_seconds(self) -> float:
        """How long the request that comes now may wait for others."""
        now = time.monotonic()
        since = now - self._looked
        if since >= _LOOK_INTERVAL_SECONDS:
            worked_seconds = time.thread_time()
            busy = (worked_seconds - self._worked_seconds) / since
            share = (busy - _BUSY_FROM) / (_BUSY_FULLY - _BUSY_FROM)
            self._linger_seconds = self._linger_seconds_max * min(max(share, 0.0), 1.0)
            self._looked, self._worked_seconds = now, worked_seconds
        return self._linger_seconds
