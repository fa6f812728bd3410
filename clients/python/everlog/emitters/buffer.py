"""Events on their way to the log: a bounded buffer, filled by any thread, emptied from its front.

    put ──▶ waiting ──▶ one batch on its way ──▶ stored, known already, or refused for good
               ▲                   │
               └── not for now ────┘  after a pause, the same events with the same keys

Invariants:

- One *run* of deliveries goes on at a time: it is claimed when something waits, and is over when
  nothing does, or when it is halted. Both are decided under the lock that `put` takes, so that no
  event is left behind.
- A batch is the front of the buffer and stays there until it has its answer: what is stored is
  stored in the order of `put`, whatever failed in between.
- `put` waits for nothing but that lock, which is never held over a call of anything else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import islice

from everlog.emitters.reports import Stats
from everlog.events import Event

_ENVELOPE_BYTES = 256


class EventBuffer:
    """Holds what is not answered yet; see the module."""

    def __init__(self, *, events_max: int, bytes_max: int) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        # Guards all that follows, between those who put and the run. Reentrant, because a signal
        # handler that emits interrupts the very thread that holds it.
        self._lock = threading.RLock()
        self._entries: deque[tuple[Event, int]] = deque()
        self._bytes = 0
        self._run = 0
        self._is_running = False
        self._is_closed = False
        self._is_over = False
        self._stored = self._deduplicated = self._dropped = self._failed = 0
        self._put = 0
        self._settled = 0
        self._flushes: list[tuple[int, Future[bool]]] = []

    @property
    def backlog(self) -> str:
        """What waits, in words."""
        return f"{len(self._entries):,} events ({self._bytes:,} bytes) wait"

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._is_closed

    @property
    def is_full(self) -> bool:
        """Whether there is no room, even for the smallest event."""
        return len(self._entries) >= self._events_max or self._bytes >= self._bytes_max

    @property
    def stats(self) -> Stats:
        """Counts since the beginning."""
        with self._lock:
            return Stats(
                stored=self._stored,
                deduplicated=self._deduplicated,
                dropped=self._dropped,
                failed=self._failed,
                buffered=len(self._entries),
            )

    def put(self, event: Event, size: int) -> bool:
        """Queue an event; False, and it is counted, when there is no room for it."""
        with self._lock:
            if self._is_closed or self.is_full or self._bytes + size > self._bytes_max:
                self._dropped += 1
                return False
            self._entries.append((event, size))
            self._bytes += size
            self._put += 1
            return True

    def drop(self) -> None:
        """Count an event that there is no room for."""
        with self._lock:
            self._dropped += 1

    def fail(self) -> None:
        """Count an event that can't be stored."""
        with self._lock:
            self._failed += 1

    # --- A run ------------------------------------------------------------------------------------

    def claim(self) -> int | None:
        """Begin a run, and return its number; None when there is one, or nothing to do."""
        with self._lock:
            if self._is_running or self._is_over or not self._entries:
                return None
            self._is_running = True
            return self._run

    def front(self, run: int, *, events_max: int, bytes_max: int) -> list[Event]:
        """Give the next batch, at least one event; none when the run is over."""
        with self._lock:
            if run != self._run:
                return []
            if not self._entries:
                self._is_running = False
                return []
            batch: list[Event] = []
            total = 0
            for event, size in islice(self._entries, events_max):
                total += size
                if batch and total > bytes_max:
                    break
                batch.append(event)
            return batch

    def settle(self, run: int, *, stored: int = 0, deduplicated: int = 0, failed: int = 0) -> None:
        """Remove the front, which has its answer. Of a run that was halted, nobody is told."""
        with self._lock:
            if run != self._run:
                return
            for _ in range(stored + deduplicated + failed):
                _, size = self._entries.popleft()
                self._bytes -= size
                self._settled += 1
            self._stored += stored
            self._deduplicated += deduplicated
            self._failed += failed
            finished = self._withdraw(lambda mark: mark <= self._settled)
        _resolve(finished, True)

    def halt(self, run: int) -> int:
        """End this run, if it still goes on; what waits stays for the next. Return how much."""
        with self._lock:
            if run != self._run:
                return 0
            self._run += 1
            self._is_running = False
            halted = self._withdraw(lambda _: True)
            waiting = len(self._entries)
        _resolve(halted, False)
        return waiting

    # --- Its end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Take nothing more. What waits is still sent."""
        with self._lock:
            self._is_closed = True

    def end(self) -> list[Event]:
        """End whatever goes on, for good; return what has no answer."""
        with self._lock:
            self._is_closed = self._is_over = True
            self._run += 1
            self._is_running = False
            halted = self._withdraw(lambda _: True)
            unanswered = [event for event, _ in self._entries]
        _resolve(halted, False)
        return unanswered

    # --- Waiting ----------------------------------------------------------------------------------

    def flushed(self) -> Future[bool]:
        """Tell when all that was put has its answer: true, or false when the run is halted."""
        future: Future[bool] = Future()
        with self._lock:
            is_flushed = self._settled == self._put
            if not is_flushed and not self._is_over:
                self._flushes.append((self._put, future))
                return future
        future.set_result(is_flushed)
        return future

    def _withdraw(self, is_over: Callable[[int], bool]) -> list[Future[bool]]:
        over = [future for mark, future in self._flushes if is_over(mark)]
        self._flushes = [(mark, future) for mark, future in self._flushes if not is_over(mark)]
        return over


def _resolve(futures: list[Future[bool]], result: bool) -> None:
    for future in futures:
        with suppress(InvalidStateError):  # who waited has gone
            future.set_result(result)


def size_of(event: Event) -> int:
    """Say about how many bytes an event has, once its data is text."""
    texts = (event.event_type, event.source, event.idempotency_key, event.correlation_id)
    entries = (event.metadata or {}).items()
    return (
        sum(map(len, texts))
        + sum(len(name) + len(str(value)) for name, value in entries)
        + len((event.json or "").encode(errors="surrogatepass"))
        + len(event.binary or b"")
        + _ENVELOPE_BYTES
    )
