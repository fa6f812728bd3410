"""Which aggregates there are: by name, or by when something happened to them last.

A listing is of the log as it was when its first page was taken: each aggregate that had events then
comes once, with its last event then, whatever happens to it meanwhile.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import AggregateKey
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load
from everlog_server.storage.window import Window

_SQL = load("aggregates.sql", fragments_of="reads.sql")

_PAGE_SECONDS_MAX = 1.0
_POSITIONS_FIRST = 20_000
_STEPS_MAX = 1_000
"""So many aggregates one statement looks at by name."""
# `text` holds no NUL: nothing stands between a name and the name with this behind it.
_NEXT = "\x01"
_SURROGATES = range(0xD800, 0xE000)


class Names(NamedTuple):
    """A range of names, by their bytes: from `low` (inclusive) to `high` (exclusive; None: all)."""

    low: AggregateKey
    high: AggregateKey | None

    @classmethod
    def of(cls, aggregate_type: str, id_prefix: str) -> Names:
        """The aggregates of a type (empty: of all) whose ids begin so."""
        low = AggregateKey(aggregate_type, id_prefix)
        if not aggregate_type:
            return cls(low, None)
        beyond = _beyond(id_prefix)
        if beyond is None:
            return cls(low, AggregateKey(aggregate_type + _NEXT, ""))
        return cls(low, AggregateKey(aggregate_type, beyond))

    def after(self, aggregate: AggregateKey) -> Names:
        """Those that follow one."""
        aggregate_type, aggregate_id = aggregate
        return self._replace(low=AggregateKey(aggregate_type, aggregate_id + _NEXT))


class Stretch(NamedTuple):
    """Where last events are looked for: after `after`, up to `end`, of the log up to `head`."""

    after: int
    end: int
    head: int


class AggregateSummary(NamedTuple):
    """An aggregate, as of the head of its listing. Times are microseconds since 1970."""

    aggregate: AggregateKey
    last_sequence: int
    last_position: int
    last_event_type: str
    last_record_time: int
    first_record_time: int | None


class ActivityPage(NamedTuple):
    """A page of a listing by activity."""

    aggregates: list[AggregateSummary]
    end: int | None
    """Up to where the next page looks for last events; None: there is no next page."""


class NamePage(NamedTuple):
    """A page of a listing by name."""

    aggregates: list[AggregateSummary]
    last: AggregateKey | None
    """After which the next page begins; None: there is no next page."""


class Listings:
    """Lists aggregates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_name(
        self, tenant_id: int, names: Names, stretch: Stretch, *, limit: int
    ) -> NamePage:
        """The next aggregates by name whose last events stand in a stretch."""
        deadline = time.monotonic() + _PAGE_SECONDS_MAX
        listed: list[AggregateSummary] = []
        whole = stretch.after == 0 and stretch.end == stretch.head
        while True:
            steps = min(limit - len(listed), _STEPS_MAX) if whole else _STEPS_MAX
            rows = await self._walk(tenant_id, names, stretch.head, steps)
            for row in rows:
                if row[2] is not None and stretch.after < row[3] <= stretch.end:
                    listed.append(_summary(row))
                    if len(listed) == limit:
                        return NamePage(listed, listed[-1].aggregate)
            if len(rows) < steps:
                return NamePage(listed, None)
            last = AggregateKey(*rows[-1][:2])
            if time.monotonic() > deadline:
                return NamePage(listed, last)
            names = names.after(last)

    async def by_activity(
        self, tenant_id: int, names: Names, stretch: Stretch, *, limit: int
    ) -> ActivityPage:
        """The next aggregates whose last events stand in a stretch, newest first.

        Walks the log backwards, one window a statement. Where a first window has not filled the
        page and there are few aggregates, they are taken by name: else ten of them with millions of
        events would be a walk over them all.
        """
        window = Window(_POSITIONS_FIRST)
        deadline = time.monotonic() + _PAGE_SECONDS_MAX
        after, end, head = stretch
        listed: list[AggregateSummary] = []
        by_name: list[AggregateSummary] | None = None
        is_first = True
        while after < end and by_name is None:
            low = window.start(after, end)
            started = time.monotonic()
            wanted = limit - len(listed)
            try:
                rows = await self._rows(
                    "aggregates_by_activity",
                    names,
                    tenant_id=tenant_id,
                    after=low,
                    through=end,
                    head=head,
                    limit=wanted,
                )
            except ReadTooExpensiveError:
                window.shrink()
                continue
            listed += map(_summary, rows)
            if len(rows) == wanted:
                end = listed[-1].last_position - 1
                break
            end = low
            if is_first and after < end:
                by_name = await self._few(tenant_id, names, Stretch(after, end, head))
                is_first = False
            window.learn(time.monotonic() - started)
            if time.monotonic() > deadline:
                break
        if by_name is not None:
            wanted = limit - len(listed)
            listed += by_name[:wanted]
            end = listed[-1].last_position - 1 if len(by_name) > wanted else after
        return ActivityPage(listed, end if after < end else None)

    async def _few(
        self, tenant_id: int, names: Names, stretch: Stretch
    ) -> list[AggregateSummary] | None:
        """The same by name, if there are few in all: newest first. None: there are many."""
        rows = await self._walk(tenant_id, names, stretch.head, _STEPS_MAX)
        if len(rows) == _STEPS_MAX:
            return None
        found = [
            _summary(row)
            for row in rows
            if row[2] is not None and stretch.after < row[3] <= stretch.end
        ]
        return sorted(found, key=lambda summary: -summary.last_position)

    async def _walk(self, tenant_id: int, names: Names, head: int, steps: int) -> list[Any]:
        return await self._rows(
            "aggregates_by_name", names, tenant_id=tenant_id, head=head, limit=steps
        )

    async def _rows(self, query: str, names: Names, **parameters: int) -> list[Any]:
        low, high = names
        bounds = {
            "low_type": low.aggregate_type,
            "low_id": low.aggregate_id,
            "high_type": high and high.aggregate_type,
            "high_id": high and high.aggregate_id,
        }
        return await self._database.reads.fetch(_SQL[query], bounds | parameters)


def _summary(row: Any) -> AggregateSummary:
    return AggregateSummary(AggregateKey(row[0], row[1]), *row[2:])


def _beyond(prefix: str) -> str | None:
    """The first text behind all that begin with a prefix; None: there is none."""
    while prefix:
        code = ord(prefix[-1]) + 1
        if code in _SURROGATES:
            code = _SURROGATES.stop
        if code <= 0x10FFFF:
            return prefix[:-1] + chr(code)
        prefix = prefix[:-1]
    return None
