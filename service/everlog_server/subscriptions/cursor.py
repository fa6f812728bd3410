"""One subscription: a position that moves along the log.

    ┌────────── catch-up: the table ◀──── fell behind ────┐
    └──ring covers the position──▶ ring ──head reached──▶ live

It holds no queue: read after the position, send, advance. While the caller is slow, nothing of it
grows; when the ring has moved on meanwhile, the table has what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from everlog_server.errors import ReadTooExpensiveError, StorageUnavailableError
from everlog_server.model import EventFilter
from everlog_server.storage.reads import Batch, EventReader
from everlog_server.subscriptions.bounded import Outage
from everlog_server.subscriptions.tailer import Tailer

_STORAGE_RETRY_SECONDS = 0.25


@dataclass(slots=True)
class SubscriptionMessage:
    """Framed records, or a mark, and up to where the log was examined."""

    records: bytes
    examined_position: int
    caught_up: bool = False
    fell_behind: bool = False
    heartbeat: bool = False


class Cursor:
    """The state of one subscription. Iterate over `run`."""

    def __init__(
        self,
        tailer: Tailer,
        reader: EventReader,
        event_filter: EventFilter,
        *,
        after: int,
        head: int,
        heartbeat_seconds: float,
    ) -> None:
        self._tailer = tailer
        self._reader = reader
        self._filter = event_filter
        self._position = after
        self._head = head
        """The head when it began: it has not caught up before this."""
        self._heartbeat_seconds = heartbeat_seconds
        self._live = False
        self._outage = Outage()
        self._loop = asyncio.get_running_loop()
        self._last_sent = self._loop.time()

    async def run(self) -> AsyncGenerator[SubscriptionMessage]:
        """Every matching event after the position, once, in order, for ever; ends only by an error.

        Raises ServerDrainingError, StorageUnavailableError (PostgreSQL was away for 15 s) or
        LogDivergedError (the log was restored under it).
        """
        while True:
            grown = self._tailer.grown  # before the look: what comes after it wakes us
            self._raise_if_over()
            async with aclosing(self._source(grown)) as messages:
                async for message in messages:
                    yield message

    def _source(self, grown: asyncio.Future[None]) -> AsyncGenerator[SubscriptionMessage]:
        """Where the next messages come from. It ends; then it is asked again."""
        ring = self._tailer.ring
        if self._position >= ring.last:
            return self._wait(grown)
        if not ring.covers(self._position):
            return self._while_storage_is_away(self._catch_up(ring.last))
        if self._filter.needs_database:
            return self._while_storage_is_away(self._ask_database())
        return self._read_ring()

    async def _wait(self, grown: asyncio.Future[None]) -> AsyncGenerator[SubscriptionMessage]:
        """The head is reached: the mark, if that is new; else heartbeats until the log grows."""
        self._outage.end()
        if not self._live and self._position >= self._head:
            self._live = True
            yield self._message(caught_up=True)
            return
        await asyncio.wait((grown,), timeout=self._seconds_until_due())
        if not grown.done() and self._is_due():
            yield self._message(heartbeat=True)

    async def _read_ring(self) -> AsyncGenerator[SubscriptionMessage]:
        """What the ring has: the bytes are shared by all that stand here with an equal filter."""
        self._outage.end()
        read = self._tailer.ring.read(self._position, self._filter)
        self._position = read.examined_position
        if read.records:
            yield self._message(read.records)
        elif self._is_due():
            yield self._message(heartbeat=True)

    async def _catch_up(self, through: int) -> AsyncGenerator[SubscriptionMessage]:
        """What the table has up to a position; says so if the ring has moved on meanwhile."""
        if self._live:
            self._live = False
            self._head = through
            yield self._message(fell_behind=True)
        batches = self._reader.catch_up(
            self._tailer.tenant_id, self._filter, after=self._position, through=through
        )
        async with aclosing(batches):
            while self._position < through:
                reading = asyncio.create_task(_next(batches))
                try:
                    async for message in self._take(reading):
                        yield message
                finally:
                    # Ours alone, unlike those of the tailer: it goes with us.
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)

    async def _ask_database(self) -> AsyncGenerator[SubscriptionMessage]:
        """What PostgreSQL finds in the stretch that the ring covers, asked once for all who ask."""
        async for message in self._take(self._tailer.matching(self._filter, self._position)):
            yield message

    async def _take(self, reading: asyncio.Task[Batch]) -> AsyncGenerator[SubscriptionMessage]:
        """The batch of a read, and heartbeats while it lasts."""
        over = self._tailer.over
        while not reading.done():
            await asyncio.wait(
                (reading, over),
                timeout=self._seconds_until_due(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._raise_if_over()
            if not reading.done() and self._is_due():
                yield self._message(heartbeat=True)
        batch = reading.result()
        self._outage.end()
        self._position = batch.examined_position
        if batch.records:
            yield self._message(batch.records)
        elif self._is_due():
            yield self._message(heartbeat=True)

    async def _while_storage_is_away(
        self, messages: AsyncGenerator[SubscriptionMessage]
    ) -> AsyncGenerator[SubscriptionMessage]:
        """The messages; when PostgreSQL is away or busy, an end of them: then it is read again."""
        try:
            async with aclosing(messages):
                async for message in messages:
                    yield message
            return
        except StorageUnavailableError:
            if not self._outage.goes_on():
                raise
        except ReadTooExpensiveError:
            self._outage.end()  # it is there: that it is busy ends nobody
        if self._is_due():
            yield self._message(heartbeat=True)
        await asyncio.wait((self._tailer.over,), timeout=_STORAGE_RETRY_SECONDS)

    def _seconds_until_due(self) -> float:
        return max(0.0, self._last_sent + self._heartbeat_seconds - self._loop.time())

    def _is_due(self) -> bool:
        return self._loop.time() - self._last_sent >= self._heartbeat_seconds

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
