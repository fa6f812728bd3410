"""How long a batch waits for company: not at all, unless the process is saturated anyway.

Each batch costs PostgreSQL a transaction, and this process a round trip, however few requests are
in it. While the event loop has nothing to do between requests, nobody waits. When it has not a
moment left, callers queue up somewhere in any case; then waiting a moment here makes larger
batches, and so shorter queues (docs/adr/0007).

Whether the loop had nothing to do is what the kernel counts as voluntary context switches of its
thread. A share of CPU time would say less: other processes, and other machines, share the cores.
"""

from __future__ import annotations

import resource

_REQUESTS_A_LOOK = 32
_PAUSES_FROM, _PAUSES_TO = 1.0, 0.5
"""Pauses for each request: one caller alone makes 3, two make 2, four 1, sixteen and more 0.3."""


class Pace:
    """Looks at how saturated this thread is. Made and used in the event loop's thread."""

    def __init__(self, linger_seconds_max: float) -> None:
        self._linger_seconds_max = linger_seconds_max
        self._linger_seconds = 0.0
        self._requests = 0
        self._pauses = _count_pauses()

    def linger_seconds(self) -> float:
        """How long the request that comes now may wait for others. To be asked for each one."""
        self._requests += 1
        if self._requests == _REQUESTS_A_LOOK:
            pauses = _count_pauses()
            each = (pauses - self._pauses) / self._requests
            share = (_PAUSES_FROM - each) / (_PAUSES_FROM - _PAUSES_TO)
            self._linger_seconds = self._linger_seconds_max * min(max(share, 0.0), 1.0)
            self._requests, self._pauses = 0, pauses
        return self._linger_seconds


def _count_pauses() -> int:
    return resource.getrusage(_WHO).ru_nvcsw


_WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
"""Where only the process is counted (macOS), the threads of gRPC pause too: it lingers less."""
