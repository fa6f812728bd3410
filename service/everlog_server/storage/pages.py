"""Pages of one stretch of a log: which statement reads the next one, and of how many events.

A page is one statement over a window of positions (window.py): no filter, however rare its matches,
becomes one long statement. It asks for as many events as fill a page, which it learns from the
sizes seen; a page's bytes are bounded whatever comes. Where nothing is left of the filter, or only
the aggregate, a plainer statement answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from everlog_server.errors import EventDamagedError, ReadTooExpensiveError
from everlog_server.model import EventFilter, uuid_text
from everlog_server.storage.connection import Connection
from everlog_server.storage.damage import are_whole
from everlog_server.storage.pool import Pool
from everlog_server.storage.sql import load
from everlog_server.storage.window import first_window

_SQL = load("reads.sql")

PAGE_BYTES_MAX = 1024 * 1024 - 1024
"""Of the records of a page; the rest of 1 MiB is for the fields beside them."""
_FILL_EVENTS_FIRST = 1_000
_FILL_EVENTS_MIN = 16
_FILL_EVENTS_MAX = 10_000
_FILL_SHARE = 0.97
"""Of a page's bytes, as a goal: so that events a little larger than those before still fit."""

_JOINED_PAGES_MAX = 8
"""How many times a page PostgreSQL may join in vain, where sizes suddenly are others."""


class RecordsPage(NamedTuple):
    """What one statement found. `records` are framed and joined."""

    records: bytes
    events: int
    examined_position: int
    """Up to (going backwards: down to) here, inclusive, everything that matches is in this page."""
    is_cut: bool
    """Whether it ends because of its bytes."""


@dataclass(slots=True)
class Fill:
    """How many events fill a page. PostgreSQL reads as many, whether they fit or not."""

    events: int

    def learn(self, size_bytes: int, events: int) -> None:
        """So many events were so large."""
        if events:
            fitting = int(PAGE_BYTES_MAX * _FILL_SHARE * events / size_bytes)
            self.events = min(max(fitting, _FILL_EVENTS_MIN), _FILL_EVENTS_MAX)


class Pages:
    """Reads the pages of one stretch, in one direction. No connection is held between two of them.

    Bounds on the record time must have become bounds on the position.
    """

    def __init__(
        self, pool: Pool, tenant_id: int, event_filter: EventFilter, *, descending: bool
    ) -> None:
        self._pool = pool
        self._descending = descending
        self._window = first_window(event_filter)
        self._fill = Fill(_FILL_EVENTS_FIRST)
        self._parameters = filter_parameters(tenant_id, event_filter)
        direction = "descending" if descending else "ascending"
        self._query = f"page_of_{scope_of(event_filter)}_{direction}"
        self._whole_log = f"whole_log_{direction}" if event_filter.is_empty else None
        if event_filter == EventFilter(aggregate=event_filter.aggregate) and not self._whole_log:
            self._query = f"whole_aggregate_{direction}"

    async def read(
        self, *, after: int, through: int, limit: int | None, bytes_max: int = PAGE_BYTES_MAX
    ) -> RecordsPage:
        """The next page between two positions: going backwards, the one that ends at `through`.

        Of at most `limit` events and `bytes_max`, but one event if there is one. Raises
        ReadTooExpensiveError, StorageUnavailableError, and EventDamagedError where the first event
        is damaged.
        """
        events = self._fill.events if limit is None else min(limit, self._fill.events)
        page = await self._read(after, through, events, bytes_max)
        while not are_whole(page.records, page.events):
            # Half as many, until what stands before the damaged event is left, or it alone.
            if page.events == 1:
                raise await damage_at(
                    self._pool, self._parameters["tenant_id"], page.examined_position
                )
            page = await self._read_window(after, through, page.events // 2, bytes_max)
        self._fill.learn(len(page.records), page.events)
        return page

    async def _read(self, after: int, through: int, events: int, bytes_max: int) -> RecordsPage:
        page = None
        if self._whole_log is not None:
            page = await self._read_whole(self._whole_log, after, through, events, bytes_max)
        if page is None:
            page = await self._read_window(after, through, events, bytes_max)
        return page

    async def _read_whole(
        self, query: str, after: int, through: int, events: int, bytes_max: int
    ) -> RecordsPage | None:
        """So many positions, all of them; None if that is too large for one page."""
        if self._descending:
            after = max(after, through - events)
        else:
            through = min(through, after + events)
        records, count = await self._row(
            query,
            after=after,
            through=through,
            bytes_max=bytes_max,
            record_bytes_max=PAGE_BYTES_MAX * _JOINED_PAGES_MAX // events,
        )
        if records is None or count < through - after:
            return None
        return RecordsPage(records, count, after + 1 if self._descending else through, False)

    async def _read_window(
        self, after: int, through: int, events: int, bytes_max: int
    ) -> RecordsPage:
        window = self._window
        while True:
            if self._descending:
                low, high = window.start(after, through), through
            else:
                low, high = after, window.end(after, through)
            started = time.monotonic()
            try:
                row = await self._row(
                    self._query, after=low, through=high, limit=events, bytes_max=bytes_max
                )
            except ReadTooExpensiveError:
                window.shrink()
                continue
            records, count, matched, last = row
            if matched == events or count < matched:
                return RecordsPage(records, count, last, count < matched)
            window.learn(time.monotonic() - started)
            if count == 1 and not are_whole(records, 1):
                return RecordsPage(records, 1, last, True)  # for it to be named
            return RecordsPage(records or b"", count, low + 1 if self._descending else high, False)

    async def _row(self, query: str, **bounds: int) -> Any:
        async with self._pool.connection(self._parameters["tenant_id"]) as connection:
            return await fetch_one(connection, query, self._parameters | bounds)


async def fetch_one(connection: Connection, query: str, parameters: dict[str, Any]) -> Any:
    """The one row of a query of reads.sql; None if there is none."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(_SQL[query], parameters)
    return await cursor.fetchone()


async def damage_at(pool: Pool, tenant_id: int, position: int) -> EventDamagedError:
    """The error that names the event at a position, whose record is damaged."""
    parameters = {"tenant_id": tenant_id, "position": position}
    async with pool.connection(tenant_id) as connection:
        row = await fetch_one(connection, "name_at_position", parameters)
    return EventDamagedError(position, "" if row is None else uuid_text(row[0]))


def scope_of(event_filter: EventFilter) -> str:
    """By which index a filter is answered: the aggregate's, the event types', or the log's own."""
    if event_filter.aggregate is not None:
        return "aggregate"
    if event_filter.event_types and not event_filter.event_type_prefixes:
        return "types"
    return "log"


def filter_parameters(tenant_id: int, event_filter: EventFilter) -> dict[str, Any]:
    """The parameters of reads.sql that say which events of a tenant are meant."""
    f = event_filter
    return {
        "tenant_id": tenant_id,
        "aggregate_types": list(f.aggregate_types) or None,
        "aggregate_type": f.aggregate and f.aggregate.aggregate_type,
        "aggregate_id": f.aggregate and f.aggregate.aggregate_id,
        "event_types": list(f.event_types) or None,
        "event_type_prefixes": list(f.event_type_prefixes) or None,
        "sources": list(f.sources) or None,
        "recorded_from": f.recorded_from,
        "recorded_before": f.recorded_before,
        "occurred_from": f.occurred_from,
        "occurred_before": f.occurred_before,
        "correlation_id": f.correlation_id,
        "causation_id": f.causation_id and f.causation_id.hex(),
        "actor": f.actor,
        "user_id": f.user_id,
        "documentable_only": f.documentable_only,
        "metadata": f.metadata,
        "data_contains": f.data_contains,
        "keywords": list(f.keywords) or None,
    }
