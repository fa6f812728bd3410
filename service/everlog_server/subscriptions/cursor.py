"""One subscription: a position that moves along the log.

    ┌────────── catch-up: the table ◀──── fell behind ────┐
    └──ring covers the position──▶ ring ──head reached──▶ live

It holds no queue: read after the position, send, advance. While the caller is slow, nothing of it
grows; when the ring has moved on meanwhile, the table has what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from everlog_server.errors import StorageUnavailableError
from everlog_server.model import EventFilter
from everlog_server.storage.reads import EventReader
from everlog_server.subscriptions.tailer import Tailer

_STORAGE_AWAY_SECONDS_MAX = 15.0
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
            ring = self._tailer.ring
            if self._position >= ring.last:
                if not self._live and self._position >= self._head:
                    self._live = True
                    yield self._message(caught_up=True)
                    continue
                if await self._wait(grown):
                    yield self._message(heartbeat=True)
            elif ring.covers(self._position) and not self._filter.needs_database:
                read = ring.read(self._position, self._filter)
                self._position = read.examined_position
                if read.records:
                    yield self._message(read.records)
                elif self._is_due():
                    yield self._message(heartbeat=True)
            else:
                if self._live and not ring.covers(self._position):
                    self._live = False
                    self._head = ring.last
                    yield self._message(fell_behind=True)
                async for message in self._read_table(through=ring.last):
                    yield message

    async def _read_table(self, *, through: int) -> AsyncGenerator[SubscriptionMessage]:
        away_since: float | None = None
        while self._position < through:
            try:
                async for batch in self._reader.catch_up(
                    self._tailer.tenant_id, self._filter, after=self._position, through=through
                ):
                    self._raise_if_over()
                    away_since = None
                    self._position = batch.examined_position
                    if batch.records:
                        yield self._message(batch.records)
                    elif self._is_due():
                        yield self._message(heartbeat=True)
            except StorageUnavailableError:
                now = self._loop.time()
                away_since = away_since or now
                if now - away_since > _STORAGE_AWAY_SECONDS_MAX:
                    raise
                if self._is_due():
                    yield self._message(heartbeat=True)
                await asyncio.sleep(_STORAGE_RETRY_SECONDS)
                self._raise_if_over()

    async def _wait(self, grown: asyncio.Future[None]) -> bool:
        """Waits for the log to grow; true if the heartbeat is due before that."""
        timeout = self._last_sent + self._heartbeat_seconds - self._loop.time()
        await asyncio.wait((grown,), timeout=timeout)
        return not grown.done() and self._is_due()

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
