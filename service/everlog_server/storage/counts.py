"""How much has happened: events counted under a filter, in all and by group, and statistics."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from everlog_server.errors import ReadTooExpensiveError, TenantNotFoundError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage.history import History
from everlog_server.storage.pages import filter_parameters
from everlog_server.storage.sql import load
from everlog_server.storage.window import first_window

_SQL = load("aggregates.sql", fragments_of="reads.sql")

GROUPS_MAX = 1_000
_GROUPS_COUNTED_MAX = 200_000
_SECONDS_MAX = 5.0
EVENTS_EXAMINED_MAX = 100_000


class Group(Enum):
    """What counted events have in common; the value is part of a query's name."""

    EVENT_TYPE = "event_type"
    DAY = "day"
    AGGREGATE_TYPE = "aggregate_type"
    ACTOR = "actor"


class Counted(NamedTuple):
    """Groups with their numbers of events, as they are to be told, and what they are cut from."""

    groups: list[tuple[str, int]]
    total: int
    truncated: bool


class Activity(NamedTuple):
    """How much was recorded up to now. Times are microseconds since 1970, None in an empty log."""

    head: int
    first_record_time: int | None
    last_record_time: int | None
    events: list[int]
    """In each of the spans that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What the newest events are about."""

    events: int
    bytes: int
    record_bytes_max: int
    aggregates: int
    types: list[tuple[str, int]]
    busiest: list[tuple[AggregateKey, int]]


class Counts(History):
    """Counts events. Every method raises ReadTooExpensiveError after a few seconds."""

    async def total(self, tenant_id: int, event_filter: EventFilter, through: int) -> int:
        """How many events up to a position match."""
        total = await self.count(tenant_id, event_filter, through)
        if total is None:
            raise ReadTooExpensiveError
        return total

    async def grouped(
        self, tenant_id: int, event_filter: EventFilter, through: int, group: Group
    ) -> Counted:
        """How many events up to a position match, by group; at most 1,000 groups are told.

        Days in their order, if they are too many the last ones; others with the largest first.
        """
        try:
            # PostgreSQL is told as well: psycopg cancels the statement that it waits for.
            async with asyncio.timeout(_SECONDS_MAX):
                return await self._grouped(tenant_id, event_filter, through, group)
        except TimeoutError:
            raise ReadTooExpensiveError from None

    async def _grouped(
        self, tenant_id: int, event_filter: EventFilter, through: int, group: Group
    ) -> Counted:
        event_filter = await self._narrow(tenant_id, event_filter)
        event_filter, after, end = await self._clip(tenant_id, event_filter, 0, through)
        stretch = {"tenant_id": tenant_id, "after": after, "through": end}
        if event_filter.is_empty and group is Group.DAY:
            days = await self._rows("counts_of_all_days", **stretch, limit=GROUPS_MAX + 1)
            told = days[:GROUPS_MAX]
            return Counted(told[::-1], max(0, end - after), len(days) > GROUPS_MAX)
        if event_filter.is_empty and group is Group.EVENT_TYPE:
            rows = await self._rows("counts_of_all_types", **stretch, limit=GROUPS_MAX + 1)
            if len(rows) <= GROUPS_MAX:
                return _counted(Counter({name: n for name, n in rows if n}), group)
        return _counted(await self._in_windows(tenant_id, event_filter, after, end, group), group)

    async def _in_windows(
        self, tenant_id: int, event_filter: EventFilter, after: int, end: int, group: Group
    ) -> Counter[str]:
        window = first_window(event_filter)
        counter: Counter[str] = Counter()
        parameters = filter_parameters(tenant_id, event_filter)
        while after < end:
            high = window.end(after, end)
            started = time.monotonic()
            try:
                rows = await self._rows(
                    f"counts_by_{group.value}", **parameters | {"after": after, "through": high}
                )
            except ReadTooExpensiveError:
                window.shrink()
                continue
            for name, events in rows:
                counter[name] += events
            if len(counter) > _GROUPS_COUNTED_MAX:
                raise ReadTooExpensiveError(
                    f"there are more than {_GROUPS_COUNTED_MAX:,} groups: narrow the filter"
                )
            after = high
            window.learn(time.monotonic() - started)
        return counter

    async def activity(self, tenant_id: int, spans_seconds: list[int]) -> Activity:
        """How much was recorded in stretches of so many seconds that end now."""
        rows = await self._rows("activity", tenant_id=tenant_id, spans=spans_seconds)
        if not rows:
            raise TenantNotFoundError(f"tenant {tenant_id} has no log")
        return Activity(*rows[0])

    async def newest(self, tenant_id: int, *, head: int, busiest_max: int) -> Newest:
        """What the last 100,000 events up to a head are about."""
        rows = await self._rows(
            "newest",
            tenant_id=tenant_id,
            after=max(0, head - EVENTS_EXAMINED_MAX),
            through=head,
            limit=busiest_max,
        )
        (*_, events, size, size_max, aggregates), *busiest = rows
        return Newest(
            events=events,
            bytes=size,
            record_bytes_max=size_max,
            aggregates=aggregates,
            types=[(row[0], row[3]) for row in busiest if row[0] is not None],
            busiest=[(AggregateKey(row[1], row[2]), row[3]) for row in busiest if row[0] is None],
        )

    async def _rows(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)


def _counted(counter: Counter[str], group: Group) -> Counted:
    if group is Group.DAY:
        groups = sorted(counter.items())
        told = groups[-GROUPS_MAX:]
    else:
        groups = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
        told = groups[:GROUPS_MAX]
    return Counted(told, counter.total(), len(groups) > GROUPS_MAX)
