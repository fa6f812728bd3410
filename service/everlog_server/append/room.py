"""Room for Emits that wait: of each tenant, and of all tenants of a process together.

A tenant may queue as much as is left free for others. Alone it may have half of the whole room;
beside another one like it, a third. So whoever comes finds room, however many wait for one tenant,
and nobody has to know who the others are.
"""

from __future__ import annotations

import math
import random
import time
from collections import deque
from dataclasses import dataclass

from everlog_server.errors import OverloadedError
from everlog_server.settings import AppendSettings

_LOOK_SECONDS = 0.5
_MARK_SECONDS = 0.02
_RETRY_SECONDS_MIN, _RETRY_SECONDS_MAX = 0.1, 5.0


@dataclass(slots=True)
class WholeRoom:
    """What waits in all queues of a process."""

    requests: int = 0
    size_bytes: int = 0
    refused: int = 0
    """Emits for which there was no room, since the start."""


class Room:
    """What waits in one tenant's queue, and how soon it will be gone."""

    __slots__ = (
        "_comings",
        "_full_per_second",
        "_gone",
        "_per_second",
        "_settings",
        "_since",
        "_taken",
        "_was_empty",
        "_whole",
        "requests",
        "size_bytes",
    )

    def __init__(self, settings: AppendSettings, whole: WholeRoom) -> None:
        self._settings = settings
        self._whole = whole
        self.requests = self.size_bytes = 0
        self._since = time.monotonic()
        self._taken = 0
        self._per_second = 0.0
        self._full_per_second = 0.0
        """The same, of a look in which some waited all the time. Otherwise it says how much came,
        not how much can go; and 0."""
        self._was_empty = True
        self._gone = 0
        """Requests that wait no more, since the start."""
        self._comings: deque[tuple[int, float]] = deque()
        """When some of the requests came, by their number: the first of each little while."""

    def require(self, size_bytes: int, *, moves: bool, seconds_left: float | None = None) -> None:
        """Raises OverloadedError unless a request of this size may wait, too.

        `moves`: whether those that wait are being appended, rather than PostgreSQL waited for. Then
        the time that one waits bounds the queue, long before its length does: what would
        be answered after its caller has gone must not take the time of those who still wait. The
        same goes for `seconds_left`, after which the caller of this request goes; None: it waits.

        It says how long to stay away: at most until what waits now is gone, at the pace of the last
        half second. Those who are refused together are not asked back together.
        """
        settings, whole = self._settings, self._whole
        left = math.inf if seconds_left is None else seconds_left
        if (
            self.requests < settings.queue_requests_max
            and self.requests < settings.queues_requests_max - whole.requests
            and self.size_bytes + size_bytes <= settings.queue_bytes_max
            and self.size_bytes + size_bytes <= settings.queues_bytes_max - whole.size_bytes
            and not (moves and self._seconds_to_wait() > min(settings.queue_seconds_max, left))
        ):
            return
        whole.refused += 1
        seconds = self.requests / self._per_second if self._per_second else _RETRY_SECONDS_MAX
        share = random.uniform(0.5, 1)  # noqa: S311  no secret
        raise OverloadedError(
            f"the append queue is full: {self.requests} requests of {self.size_bytes} bytes wait;"
            f" {whole.requests} of {whole.size_bytes} bytes in those of all tenants",
            retry_after_seconds=min(max(_RETRY_SECONDS_MIN, seconds * share), _RETRY_SECONDS_MAX),
        )

    def _seconds_to_wait(self) -> float:
        """How long one who comes now will wait, as far as can be known; 0: nobody knows.

        That the first has waited for long is known too late: those behind it came in meanwhile.
        """
        coming = self.requests / self._full_per_second if self._full_per_second else 0.0
        return max(self._seconds_waited(), coming)

    def _seconds_waited(self) -> float:
        """How long the first has waited; a little less, where that is not known to the request."""
        comings, gone = self._comings, self._gone
        while comings and comings[0][0] < gone:
            comings.popleft()
        return time.monotonic() - comings[0][1] if comings else 0.0

    def put(self, size_bytes: int) -> None:
        """A request waits now."""
        now = time.monotonic()
        if not self._comings or now - self._comings[-1][1] > _MARK_SECONDS:
            self._comings.append((self._gone + self.requests, now))
        self.requests += 1
        self.size_bytes += size_bytes
        self._whole.requests += 1
        self._whole.size_bytes += size_bytes

    def take(self, requests: int, size_bytes: int) -> None:
        """So many wait no more."""
        self.requests -= requests
        self.size_bytes -= size_bytes
        self._whole.requests -= requests
        self._whole.size_bytes -= size_bytes
        self._taken += requests
        self._gone += requests
        now = time.monotonic()
        if now - self._since >= _LOOK_SECONDS:
            self._per_second = self._taken / (now - self._since)
            self._full_per_second = 0.0 if self._was_empty else self._per_second
            self._since, self._taken, self._was_empty = now, 0, False
        if not self.requests:
            self._comings.clear()
            self._full_per_second, self._was_empty = 0.0, True

    def clear(self) -> None:
        """None waits any more."""
        self.take(self.requests, self.size_bytes)
