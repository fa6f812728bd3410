"""One subscription: a position that moves along the log.

    ┌────────── catch-up: the table ◀──── fell behind ────┐
    └──ring covers the position──▶ ring ──head reached──▶ live

It holds no queue: read after the position, send, advance. While the caller is slow, nothing of it
grows; when the ring has moved on meanwhile, the table has what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Self

from everlog_server.errors import (
    EventDamagedError,
    ReadTooExpensiveError,
    StorageUnavailableError,
)
from everlog_server.model import EventFilter
from everlog_server.storage.reads import Batch, EventReader
from everlog_server.subscriptions.bounded import Outage
from everlog_server.subscriptions.counts import SubscriptionCounts
from everlog_server.subscriptions.message import SubscriptionMessage
from everlog_server.subscriptions.ring import one_of_equals
from everlog_server.subscriptions.tailer import Tailer

_STORAGE_RETRY_SECONDS = 0.25


class Cursor:
    """The state of one subscription; iterate over it, and `aclose` it.

    It gives every matching event after the position, once, in order, for ever, and ends only by an
    error: ServerDrainingError, StorageUnavailableError (PostgreSQL was away for 15 s),
    LogDivergedError (the log was restored under it) or EventDamagedError (the next event is).
    """

    def __init__(
        self,
        tailer: Tailer,
        reader: EventReader,
        event_filter: EventFilter,
        *,
        after: int,
        head: int,
        heartbeat_seconds: float,
        counts: SubscriptionCounts,
    ) -> None:
        self._counts = counts
        self._tailer = tailer
        self._reader = reader
        self._filter = one_of_equals(event_filter)
        self._needs_database = event_filter.needs_database
        self._position = after
        self._head = head
        """The head when it began: it has not caught up before this."""
        self._heartbeat_seconds = heartbeat_seconds
        self._live = False
        self._outage = Outage()
        self._history: AsyncGenerator[Batch] | None = None
        """A stretch of the table that is being read, up to `_through`."""
        self._through = 0
        self._reading: asyncio.Task[Batch] | None = None
        """What PostgreSQL has been asked: the next batch of that stretch, or what all ask alike."""
        self._loop = asyncio.get_running_loop()
        self._last_sent = self._loop.time()
        self._wake: asyncio.Future[None] | None = None
        # One timer, which moves on when it goes off: one for each wait would cost more than it.
        self._pulse = self._loop.call_later(heartbeat_seconds, self._on_pulse)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SubscriptionMessage:
        while True:
            message = await self._step()
            if message is not None:
                return message

    @property
    def is_live(self) -> bool:
        """Whether it has caught up, and not fallen behind since."""
        return self._live

    @property
    def lag(self) -> int:
        """How many positions its caller has not been given, of those that are known here."""
        return max(0, self._tailer.head - self._position)

    async def aclose(self) -> None:
        """Lets go of what it holds."""
        self._pulse.cancel()
        await self._leave_history()

    async def _step(self) -> SubscriptionMessage | None:
        """The next message, from where the position is in the log; None: ask again."""
        self._raise_if_over()
        if self._history is None and self._reading is None:
            if self._position >= self._tailer.waves.shown:
                return await self._wait()
            if not self._tailer.ring.covers(self._position):
                if self._live:
                    return self._fall_behind()
            elif not self._needs_database:
                try:
                    return self._read_ring()
                except EventDamagedError as damaged:
                    raise await self._reader.damage_at(
                        self._tailer.tenant_id, damaged.position
                    ) from None
        return await self._read_table()

    async def _wait(self) -> SubscriptionMessage | None:
        """The head is reached: the mark, if that is new; else heartbeats until the log grows."""
        self._outage.end()
        if not self._live and self._position >= self._head:
            self._live = True
            return self._message(caught_up=True)
        if self._is_due():
            return self._message(heartbeat=True)
        self._wake = self._loop.create_future()
        await self._tailer.waves.wait_beyond(self._position, self._wake)
        return None

    def _read_ring(self) -> SubscriptionMessage | None:
        """What the ring has: all that stand here with an equal filter share the message."""
        self._outage.end()
        self._tailer.waves.note_read()
        message = self._tailer.ring.read(self._position, self._filter)
        self._position = message.examined_position
        if not message.records:
            return self._message(heartbeat=True) if self._is_due() else None
        self._last_sent = self._loop.time()
        return message

    def _fall_behind(self) -> SubscriptionMessage:
        """The ring has moved on: the table has what follows, until it has caught up again."""
        self._live = False
        self._counts.fell_behind += 1
        self._head = self._tailer.ring.last
        return self._message(fell_behind=True)

    async def _read_table(self) -> SubscriptionMessage | None:
        """A batch from PostgreSQL, or a heartbeat while it takes its time, or is away or busy."""
        if self._reading is None:
            self._reading = self._ask()
        try:
            await asyncio.wait(
                (self._reading, self._tailer.over),
                timeout=self._seconds_until_due(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._raise_if_over()
            if not self._reading.done():
                return self._message(heartbeat=True) if self._is_due() else None
            batch = self._reading.result()
        except StorageUnavailableError:
            await self._leave_history()
            if not self._outage.goes_on():
                raise
        except ReadTooExpensiveError:
            await self._leave_history()
            self._outage.end()  # it is there: that it is busy ends nobody
        else:
            self._reading = None
            self._counts.table_read += 1
            self._outage.end()
            if self._history is not None and batch.examined_position >= self._through:
                await self._leave_history()
            self._position = batch.examined_position
            if batch.records:
                return self._message(batch.records)
            return self._message(heartbeat=True) if self._is_due() else None
        await asyncio.wait((self._tailer.over,), timeout=_STORAGE_RETRY_SECONDS)
        return self._message(heartbeat=True) if self._is_due() else None

    def _ask(self) -> asyncio.Task[Batch]:
        """The next batch of the stretch that begins, or goes on, here.

        Where the ring covers it, and only PostgreSQL can judge it, all who ask alike share it.
        """
        tailer = self._tailer
        if self._history is None:
            if tailer.ring.covers(self._position):
                return tailer.matching(self._filter, self._position)
            self._through = tailer.ring.last
            self._history = self._reader.catch_up(
                tailer.tenant_id, self._filter, after=self._position, through=self._through
            )
        return self._loop.create_task(_next(self._history))

    async def _leave_history(self) -> None:
        """Whatever comes next from the table is asked anew."""
        history, self._history = self._history, None
        reading, self._reading = self._reading, None
        if history is not None:
            if reading is not None:  # ours alone, unlike those of the tailer: it goes with us
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            await history.aclose()

    def _on_pulse(self) -> None:
        """Sees to it that a heartbeat is sent if one is due and it only waits."""
        seconds = self._seconds_until_due()
        if seconds == 0:
            seconds = self._heartbeat_seconds
            if self._wake is not None and not self._wake.done():
                self._wake.set_result(None)
        self._pulse = self._loop.call_later(seconds, self._on_pulse)

    def _seconds_until_due(self) -> float:
        return max(0.0, self._last_sent + self._heartbeat_seconds - self._loop.time())

    def _is_due(self) -> bool:
        return self._seconds_until_due() == 0  # as the timer sees it, to the last digit

    def _raise_if_over(self) -> None:
        if self._tailer.failure is not None:
            raise self._tailer.failure.again()

    def _message(
        self,
        records: bytes = b"",
        *,
        caught_up: bool = False,
        fell_behind: bool = False,
        heartbeat: bool = False,
    ) -> SubscriptionMessage:
        self._last_sent = self._loop.time()
        return SubscriptionMessage(records, self._position, caught_up, fell_behind, heartbeat)


async def _next(batches: AsyncGenerator[Batch]) -> Batch:
    return await anext(batches)
