"""When those who follow a log are told that it has grown: at once, or together in a wave.

A message costs the server and its reader so much each, however little is in it. Were everybody
woken by each commit, a hundred followers of 500 commits a second would take 50,000 messages; what
can't be taken piles up in gRPC's buffers, where nothing puts small messages together any more. So
a wave is followed by a rest, some times as long as the wave's messages took to make: of a
few followers none, of a hundred some 25 ms, of a great many at most 100 ms. What is appended
meanwhile travels in the next wave, in one message for each (docs/adr/0009).

    quiet ──grown──▶ wave ──grown during the rest──▶ wave at its end ──▶ …

Invariants:
- `shown` is behind the ring's last event only while the end of a rest is awaited.
- Nobody waits who could be shown something: `wait_beyond` looks and joins without an await between.
- A rest ends early when what waits fills a message: it gains nothing more. So the ring, which holds
  several, does not move on beyond somebody who only waits for the next wave.
"""

from __future__ import annotations

import asyncio
import time

REST_SECONDS_MAX = 0.1
_REST_FACTOR = 4
"""So many times what was measured: a write is completed later, by another thread, and appends need
the core, too."""
_READ_SECONDS_FIRST = 0.0001
_READ_SECONDS_MAX = 0.0002
"""What is measured above it is another process that had the core."""
_SMOOTHING = 0.125
_TIMER_SECONDS_MIN = 0.001
"""A shorter rest is not worth a timer: those of uvloop count milliseconds."""


class Waves:
    """Wakes the followers of one log, whose ring ends at `last`."""

    def __init__(self, last: int, *, unshown_bytes_max: int) -> None:
        self.shown = last
        """Up to here the ring went when the last wave began: who stands before it may read on."""
        self._last = last
        self._unshown_bytes = 0
        self._unshown_bytes_max = unshown_bytes_max
        self._waiting: set[asyncio.Future[None]] = set()
        self._began = time.monotonic()
        self._reads = 0
        """Of followers, since the last wave began: of those that it woke, and of late ones."""
        self._read_seconds = _READ_SECONDS_FIRST
        """What one read takes, with the writing of its message: measured, smoothed."""
        self._clock = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def is_resting(self) -> bool:
        """Whether something is there to be shown, and waits for the end of the rest."""
        return self._timer is not None

    def grow(self, last: int, size_bytes: int) -> None:
        """The ring now ends here, by so many bytes more: a wave begins, now or after the rest."""
        self._last = last
        self._unshown_bytes += size_bytes
        if not self.is_resting or self._unshown_bytes >= self._unshown_bytes_max:
            self._begin_or_rest()

    def note_read(self) -> None:
        """A follower has read the ring. It has been work, and there will be a message to send."""
        self._reads += 1

    async def wait_beyond(self, position: int, wake: asyncio.Future[None]) -> None:
        """Returns when more than a position is shown, all is over, or somebody has set `wake`."""
        if self.shown > position or self._is_over:
            return
        self._waiting.add(wake)
        try:
            await wake
        finally:
            self._waiting.discard(wake)

    def end(self) -> None:
        """It is over: everybody who waits is woken, and nobody waits any more."""
        self._is_over = True
        self._begin()

    def _begin_or_rest(self) -> None:
        rest_seconds = min(_REST_FACTOR * self._reads * self._read_seconds, REST_SECONDS_MAX)
        seconds = self._began + rest_seconds - time.monotonic()
        if seconds < _TIMER_SECONDS_MIN or self._unshown_bytes >= self._unshown_bytes_max:
            self._begin()
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._begin_or_rest)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.shown = self._last
        self._unshown_bytes = self._reads = 0
        self._began = time.monotonic()
        if self._waiting:
            # Callbacks run in the order in which they are asked for: between these two nobody runs
            # but those who are woken, each up to where its message is written.
            loop = asyncio.get_running_loop()
            loop.call_soon(self._start_clock)
            for wake in self._waiting:
                if not wake.done():
                    wake.set_result(None)
            loop.call_soon(self._stop_clock, len(self._waiting))
            self._waiting = set()

    def _start_clock(self) -> None:
        self._clock = time.monotonic()

    def _stop_clock(self, woken: int) -> None:
        measured = min((time.monotonic() - self._clock) / woken, _READ_SECONDS_MAX)
        self._read_seconds += _SMOOTHING * (measured - self._read_seconds)
