"""Stretches of the log under a filter, page by page (pages.py).

Invariant: a page tells up to where it has examined the log; everything that matches up to there is
in it or was in a page before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

from everlog_server.errors import EventDamagedError, ReadTooExpensiveError
from everlog_server.model import AggregateKey, EventFilter, TailEvent
from everlog_server.storage.ahead import one_ahead
from everlog_server.storage.connection import Connection
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.pages import (
    PAGE_BYTES_MAX,
    Pages,
    fetch_one,
    filter_parameters,
    scope_of,
)
from everlog_server.storage.sql import load

_SQL = load("reads.sql")

_QUERY_SECONDS_MAX = 1.0
_COUNT_SECONDS_MAX = 2.0
_EVENT_TYPES_BY_INDEX_MAX = 100


class Page(NamedTuple):
    """A page of a Query. `records` are framed and joined."""

    records: bytes
    events: int
    examined_position: int
    """Up to (newest first: down to) here, everything that matches is in this page or before."""
    is_last: bool


class Batch(NamedTuple):
    """A batch of a Replay. `records` are framed and joined."""

    records: bytes
    events: int
    examined_position: int


class History:
    """Reads stretches of logs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def query(
        self,
        tenant_id: int,
        event_filter: EventFilter,
        *,
        newest_first: bool,
        cursor: int | None,
        through: int,
        limit: int,
        bytes_max: int = PAGE_BYTES_MAX,
    ) -> Page:
        """The page after `cursor`, the `examined_position` of the page before (None: the first).

        Going newest first the stretch ends before the cursor. May return fewer than `limit` without
        being the last: when the page is full by bytes, or its time slice of 1 s is over. One event
        may be larger than `bytes_max`, which is at least 1.
        """
        if newest_first:
            after, end = 0, through if cursor is None else cursor - 1
        else:
            after, end = cursor or 0, through
        event_filter = await self._narrow(tenant_id, event_filter)
        event_filter, after, end = await self._clip(tenant_id, event_filter, after, end)
        pages = Pages(self._database.reads, tenant_id, event_filter, descending=newest_first)
        deadline = time.monotonic() + _QUERY_SECONDS_MAX
        parts: list[bytes] = []
        total = size = 0
        examined = 0 if newest_first else through
        while after < end and total < limit and size < bytes_max:
            try:
                records, count, page_examined, is_cut = await pages.read(
                    after=after, through=end, limit=limit - total, bytes_max=bytes_max - size
                )
            except EventDamagedError:
                if not total:
                    raise
                break  # it is the next page that fails
            if size and size + len(records) > bytes_max:
                break  # one large event alone: it is the next page's
            parts.append(records)
            total += count
            size += len(records)
            examined = page_examined
            if newest_first:
                end = examined - 1
            else:
                after = examined
            if is_cut or time.monotonic() > deadline:
                break
        return Page(b"".join(parts), total, examined, is_last=after >= end)

    async def replay(
        self,
        tenant_id: int,
        event_filter: EventFilter,
        *,
        after: int,
        through: int,
        backwards: bool = False,
        max_events: int | None = None,
    ) -> AsyncGenerator[Batch]:
        """The stretch after `after` up to `through`, both positions, in batches of at most 1 MiB.

        While the caller is busy with a batch the next one is read, and held; a connection only as
        long as that takes. An empty batch reports a window in which nothing matched.
        """
        batches = self._batches(
            tenant_id,
            event_filter,
            after=after,
            through=through,
            backwards=backwards,
            max_events=max_events,
        )
        async with aclosing(one_ahead(batches)) as ahead:
            async for batch in ahead:
                yield batch

    async def _batches(
        self,
        tenant_id: int,
        event_filter: EventFilter,
        *,
        after: int,
        through: int,
        backwards: bool,
        max_events: int | None,
    ) -> AsyncGenerator[Batch]:
        event_filter = await self._narrow(tenant_id, event_filter)
        first, last = after, through
        event_filter, after, through = await self._clip(tenant_id, event_filter, after, through)
        pages = Pages(self._database.streams, tenant_id, event_filter, descending=backwards)
        remaining = max_events
        while after < through:
            page = await pages.read(after=after, through=through, limit=remaining)
            records, count, examined, _ = page
            if backwards:
                through = examined - 1
            else:
                after = examined
            if remaining is not None:
                remaining -= count
                if remaining <= 0:
                    yield Batch(records, count, examined)
                    return
            if after >= through:
                examined = first + 1 if backwards else last
            yield Batch(records, count, examined)

    async def count(self, tenant_id: int, event_filter: EventFilter, through: int) -> int | None:
        """How many events up to `through` match; None if counting takes longer than 2 s."""
        if event_filter.is_empty:
            return through
        try:
            # PostgreSQL is told as well: psycopg cancels the statement that it waits for.
            async with asyncio.timeout(_COUNT_SECONDS_MAX):
                return await self._count(tenant_id, event_filter, through)
        except (TimeoutError, ReadTooExpensiveError):
            return None

    async def _count(self, tenant_id: int, event_filter: EventFilter, through: int) -> int:
        event_filter = await self._narrow(tenant_id, event_filter)
        event_filter, after, end = await self._clip(tenant_id, event_filter, 0, through)
        query = "count_of_types" if scope_of(event_filter) == "types" else "count_of_log"
        parameters = filter_parameters(tenant_id, event_filter) | {"after": after, "through": end}
        async with self._database.reads.connection(tenant_id) as connection:
            row = await fetch_one(connection, query, parameters)
        return int(row[0])

    async def heads(
        self, positions: dict[int, int]
    ) -> dict[int, tuple[int, bytes | None, bytes | None]]:
        """The heads of several logs, given a position in each, by tenant.

        Each with the head's event id, and the id of the event at that position (None: there is
        none), of one snapshot. A tenant that is dropped is missing.
        """
        async with self._database.tail.connection(None) as connection:
            cursor = connection.cursor(binary=True)
            asked = {"tenant_ids": list(positions), "positions": list(positions.values())}
            await cursor.execute(_SQL["heads"], asked)
            return {row[0]: row[1:] for row in await cursor.fetchall()}

    async def tail(
        self, tenant_id: int, *, after: int, through: int, limit: int, bytes_max: int
    ) -> tuple[list[TailEvent], bytes | None, bytes | None]:
        """The next events in order, at most `bytes_max`, but one if there is one.

        A damaged one has no record. Then, of the same snapshot, the ids of the event at `after` and
        of the last one returned; without events both are None.
        """
        async with self._database.tail.connection(tenant_id) as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(
                _SQL["tail"],
                {
                    "tenant_id": tenant_id,
                    "after": after,
                    "through": through,
                    "limit": limit,
                    "bytes_max": bytes_max,
                },
            )
            rows = await cursor.fetchall()
        events = [
            TailEvent(
                row[2],
                row[3] if are_whole(row[3], 1) else b"",
                AggregateKey(row[4], row[5]),
                *row[6:],
            )
            for row in rows
        ]
        return events, rows[-1][0] if rows else None, rows[-1][1] if rows else None

    async def catch_up(
        self, tenant_id: int, event_filter: EventFilter, *, after: int, through: int
    ) -> AsyncGenerator[Batch]:
        """`replay` for those who follow: forwards, and always through `through`."""
        replay = self.replay(tenant_id, event_filter, after=after, through=through)
        async with aclosing(replay) as batches:
            async for batch in batches:
                yield batch
                after = batch.examined_position
        if after < through:  # nothing in the rest can match
            yield Batch(b"", 0, through)

    async def _narrow(self, tenant_id: int, event_filter: EventFilter) -> EventFilter:
        """Turns prefixes of event types into the types that exist, which an index has."""
        if not event_filter.event_type_prefixes:
            return event_filter
        async with self._database.reads.connection(tenant_id) as connection:
            cursor = await connection.execute(
                _SQL["event_types_with_prefixes"],
                {
                    "tenant_id": tenant_id,
                    "event_type_prefixes": list(event_filter.event_type_prefixes),
                    "limit": _EVENT_TYPES_BY_INDEX_MAX + 1,
                },
            )
            found = {row[0] for row in await cursor.fetchall()} | set(event_filter.event_types)
        if len(found) > _EVENT_TYPES_BY_INDEX_MAX:
            return event_filter
        # A filter by no type at all would let every event through: keep the prefix that has none.
        names = tuple(sorted(found)) or event_filter.event_type_prefixes
        return replace(event_filter, event_types=names, event_type_prefixes=())

    async def _clip(
        self, tenant_id: int, event_filter: EventFilter, after: int, through: int
    ) -> tuple[EventFilter, int, int]:
        """Turns bounds on the record time into bounds on the position: both only ever grow."""
        recorded_from, recorded_before = event_filter.recorded_from, event_filter.recorded_before
        if recorded_from is None and recorded_before is None:
            return event_filter, after, through
        async with self._database.reads.connection(tenant_id) as connection:
            if recorded_from is not None:
                after = max(after, await position_before(connection, tenant_id, recorded_from))
            if recorded_before is not None:
                through = min(
                    through, await position_before(connection, tenant_id, recorded_before)
                )
        return replace(event_filter, recorded_from=None, recorded_before=None), after, through


async def position_before(connection: Connection, tenant_id: int, time_microseconds: int) -> int:
    """The last position that was recorded before a time; 0 if none was."""
    row = await fetch_one(
        connection, "position_before", {"tenant_id": tenant_id, "time": time_microseconds}
    )
    return int(row[0])
