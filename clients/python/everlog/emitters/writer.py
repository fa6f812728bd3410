"""Events that are stored in the background: handed over in any thread, at once, and in order.

    offer(event)  ── any thread ──▶  buffer  ── the client's event loop ──▶  the log

A task runs in that loop only while something waits. A writer may so be made where no loop runs yet,
such as beside a decorated function, and forgotten without being closed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self, TypedDict, Unpack
from uuid import uuid4

from everlog.client import Client
from everlog.emitters.buffer import EventBuffer, size_of
from everlog.emitters.complaints import Complaints
from everlog.emitters.delivery import Delivery
from everlog.emitters.jsonable import to_json
from everlog.emitters.reports import CloseReport, Stats
from everlog.events import Event
from everlog.retry import Backoff
from everlog.sync import SyncClient

_BUFFER_EVENTS_MAX = 10_000
_BUFFER_BYTES_MAX = 16 * 1024 * 1024
_ATTEMPT_TIMEOUT_SECONDS = 10.0
_FLUSH_SECONDS = 10.0
_CLIENT_CLOSES_SECONDS_MAX = 5.0


class Bounds(TypedDict, total=False):
    """How much may wait, and how it is tried again."""

    buffer_events_max: int
    """How many events may wait for the server; 10,000 when absent."""

    buffer_bytes_max: int
    """How many bytes may wait for the server, about; 16 MiB when absent."""

    attempt_timeout_seconds: float
    """How long one attempt to store a batch may take before it is made again; 10 when absent."""

    backoff: Backoff
    """How to wait between attempts; as the client does when absent."""


class EventWriter:
    """Stores events in the background, in order, through one client; see the module.

    What waits for the server is bounded: beyond that the newest event is dropped, counted and
    logged. Failures go to the logger `everlog.emitters`, at most one line of a kind in 10 s.

    Any thread may call, and so may a signal handler. The tasks run in the event loop of the client:
    with a `Client` the one that runs when the writer is made, or else when it is first used; with a
    `SyncClient` its own. When that client is closed, what waits is flushed for 5 s at most.

    After a fork, a child has none of the events of its parent.
    """

    def __init__(
        self, client: Client | SyncClient, *, subject: str = "writer", **bounds: Unpack[Bounds]
    ) -> None:
        """`subject` is what its lines in the log are about. Raises ValueError for a bad bound."""
        self._events_max = bounds.get("buffer_events_max", _BUFFER_EVENTS_MAX)
        self._bytes_max = bounds.get("buffer_bytes_max", _BUFFER_BYTES_MAX)
        self._attempt_seconds = bounds.get("attempt_timeout_seconds", _ATTEMPT_TIMEOUT_SECONDS)
        self._backoff = bounds.get("backoff") or client.settings.backoff or Backoff()
        for name, bound in (
            ("buffer_events_max", self._events_max),
            ("buffer_bytes_max", self._bytes_max),
            ("attempt_timeout_seconds", self._attempt_seconds),
        ):
            if not bound > 0:
                raise ValueError(f"{name} is {bound}, expected a positive number")
        self._given = client
        self._complaints = Complaints(subject)
        self._reset()
        # The client, and the loop in which it lives; known once it is in use.
        self._home: tuple[Client, asyncio.AbstractEventLoop] | None = None
        loop = _running_loop()
        if isinstance(client, Client) and loop is not None:
            self._home = (client, loop)

    def _reset(self) -> None:
        self._process_id = os.getpid()
        self._buffer = EventBuffer(events_max=self._events_max, bytes_max=self._bytes_max)
        self._home = None
        self._delivery: Delivery | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def _waiting(self) -> EventBuffer:
        """What waits, in this process."""
        if self._process_id != os.getpid():
            # Of a fork: the events are the parent's, and its lock may be held by a thread that
            # is no more.
            self._reset()
        return self._buffer

    @property
    def stats(self) -> Stats:
        """Counts since it was made."""
        return self._waiting.stats

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._waiting.is_closed

    @property
    def has_room(self) -> bool:
        """Whether it would take an event, if it is small."""
        return not (self._waiting.is_full or self._waiting.is_closed)

    def offer(self, event: Event) -> bool:
        """Hand an event over; False when it is dropped or can't be stored.

        Never waits for the server, never raises. An event without a key is given one: it may be
        sent more than once. Its data becomes text at once, by the rules of `jsonable`.
        """
        buffer = self._waiting
        try:
            if not event.idempotency_key:
                event = replace(event, idempotency_key=str(uuid4()))
            if event.data is not None:
                event = replace(event, data=None, json=to_json(event.data))
            size = size_of(event)
        except Exception as error:
            self.fail(event.event_type, error)
            return False
        if not buffer.put(event, size):
            self._complain_of_drop(event.event_type)
            return False
        self._start()
        return True

    def drop(self, what: str) -> bool:
        """Count and log an event for which there is no room; False, as `offer` has it."""
        self._waiting.drop()
        self._complain_of_drop(what)
        return False

    def fail(self, what: str, error: Exception) -> None:
        """Count and log an event that can't be stored."""
        self._waiting.fail()
        self.complain("failed", f"{what} can't be stored", error)

    def complain(self, kind: str, what: str, error: Exception) -> None:
        """Log a failure, unless one of its kind was logged within 10 s; then it is counted."""
        self._complaints.say(kind, lambda: f"{what}: {type(error).__name__}: {error}")

    def _complain_of_drop(self, what: str) -> None:
        buffer = self._waiting
        why = "it is closed" if buffer.is_closed else f"{buffer.backlog}, there is no room for more"
        self._complaints.say(
            "dropped", lambda: f"dropped {what}, {buffer.stats.dropped:,} in all: {why}"
        )

    # --- The loop ---------------------------------------------------------------------------------

    def _start(self) -> None:
        """Begin a run of deliveries, if there is none. What can't be sent waits."""
        buffer = self._waiting
        run = buffer.claim()
        if run is None:
            return
        try:
            client, loop = self._find_home()
            # Before the run begins: the client may be closed in this very turn of its loop.
            withdraw = client.before_close(self._finish)
            loop.call_soon_threadsafe(self._begin, client, run, withdraw)
        except Exception as error:  # no loop, a closed one, a closed client
            buffer.halt(run)
            self.complain("stopped", buffer.backlog, error)

    def _find_home(self) -> tuple[Client, asyncio.AbstractEventLoop]:
        if self._home is None or self._home[1].is_closed():
            if isinstance(self._given, SyncClient):
                self._home = self._given.call(_at_home)
            else:
                self._home = (self._given, asyncio.get_running_loop())
        return self._home

    def _begin(self, client: Client, run: int, withdraw: Callable[[], None]) -> None:
        self._delivery = Delivery(
            client,
            self._buffer,
            self._complaints,
            attempt_timeout_seconds=self._attempt_seconds,
            backoff=self._backoff,
        )
        self._task = asyncio.create_task(self._delivery.run(run), name="everlog event writer")
        self._task.add_done_callback(lambda _: withdraw())

    async def _finish(self) -> None:
        """The client closes."""
        await self.flush(_CLIENT_CLOSES_SECONDS_MAX)
        if self._task is not None:
            self._task.cancel()

    def _call_in_loop(self, callback: Callable[[], object]) -> None:
        if self._home is not None:
            with suppress(RuntimeError):  # it is closed
                self._home[1].call_soon_threadsafe(callback)

    # --- Waiting ----------------------------------------------------------------------------------

    async def flush(self, timeout_seconds: float = _FLUSH_SECONDS) -> bool:
        """Wait for everything that was offered so far: true when all of it is stored (or refused).

        False when the time is over first, or when nothing can be sent. May be called in any loop.
        """
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.wrap_future(self._flushed()), timeout_seconds)
        return False

    def flush_blocking(self, timeout_seconds: float = _FLUSH_SECONDS) -> bool:
        """Wait as `flush` does, for threads. Raises RuntimeError in the client's own loop."""
        self._refuse_to_block()
        with suppress(TimeoutError):
            return self._flushed().result(timeout_seconds)
        return False

    async def close(self, timeout_seconds: float = _FLUSH_SECONDS) -> CloseReport:
        """Take nothing more, wait as `flush` does, then give up what is left and tell what that is.

        It may be called again, and tells the same. The client stays open.
        """
        self._begin_to_close()
        await self.flush(timeout_seconds)
        return self._end()

    def close_blocking(self, timeout_seconds: float = _FLUSH_SECONDS) -> CloseReport:
        """Close as `close` does, for threads. Raises RuntimeError in the client's own loop."""
        self._refuse_to_block()
        self._begin_to_close()
        self.flush_blocking(timeout_seconds)
        return self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close_blocking()

    def _flushed(self) -> Future[bool]:
        flushed = self._waiting.flushed()
        self._start()  # afterwards: if that fails, whoever waits is told
        return flushed

    def _begin_to_close(self) -> None:
        self._waiting.close()
        if self._delivery is not None:
            self._call_in_loop(self._delivery.hurry)

    def _end(self) -> CloseReport:
        unstored = self._waiting.end()
        if self._task is not None:
            self._call_in_loop(self._task.cancel)
        if unstored:
            self._complaints.say("closed", lambda: f"closed with {len(unstored):,} not stored")
        return CloseReport(self.stats, tuple(unstored))

    def _refuse_to_block(self) -> None:
        if self._home is not None and self._home[1] is _running_loop():
            raise RuntimeError("the loop would wait for itself: await it instead")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _at_home(client: Client) -> tuple[Client, asyncio.AbstractEventLoop]:
    return client, asyncio.get_running_loop()
