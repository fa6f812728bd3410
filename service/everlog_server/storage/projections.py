"""Projections as they are stored: what was applied, where each is, what failed.

Reads go through the pool of short reads, changes through one function call each. How windows are
run: projecting.py. How tables are made: projection_builds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from everlog_server.model import EventFilter
from everlog_server.storage.connection import Connection, fetch_all
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.pages import PAGE_BYTES_MAX, filter_parameters
from everlog_server.storage.sql import load

_SQL = load("projections.sql", fragments_of="reads.sql")


class StoredRebuild(NamedTuple):
    """The build that is to take the live one's place. Times are microseconds since 1970."""

    build: int
    checkpoint: int
    started_time: int
    blocked_by: str
    structure: bytes


class StoredProjection(NamedTuple):
    """A projection. Times are microseconds since 1970."""

    name: str
    definition: bytes
    """A serialized ProjectionDefinition: the last one applied."""
    is_paused: bool
    created_time: int
    applied_time: int
    built_time: int
    build: int
    schema: str
    checkpoint: int
    checkpoint_time: int | None
    structure: bytes
    """What of its definition made the tables, serialized."""
    rebuild: StoredRebuild | None
    head: int
    projector: str
    events_per_second: float
    parked: int


class StoredFailure(NamedTuple):
    """An event that failed. `record` is framed.

    At position 0 no event is to blame, and there is none; nor is one where it had no room, or is
    damaged.
    """

    position: int
    is_live: bool
    is_parked: bool
    handler: int
    statement: int
    sqlstate: str
    message: str
    detail: str
    attempts: int
    failed_time: int
    next_attempt_time: int | None
    record: bytes | None
    event_type: str | None


class EventMeant(NamedTuple):
    """Where an event is, and whether a filter means it."""

    position: int
    event_type: str
    is_meant: bool


class EventTrace(NamedTuple):
    """What became of an event in a projection's live build."""

    checkpoint: int
    was_skipped: bool
    has_failed: bool
    transaction_id: int | None
    """None: it is not remembered, or did nothing."""
    committed_time: int | None
    rows: Sequence[int] | None


class Policy(NamedTuple):
    """What a definition says of failures."""

    on_failure: int
    attempts_max: int
    initial_seconds: float
    multiplier: float
    max_seconds: float
    jitter: float

    def parameters(self) -> dict[str, Any]:
        """As projections.sql has them."""
        return {
            "on_failure": self.on_failure,
            "attempts_max": self.attempts_max,
            "backoff": [self.initial_seconds, self.multiplier, self.max_seconds, self.jitter],
        }


class ProjectionStore:
    """Reads projections, and changes them. Errors are those of Pool.connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, tenant_id: int, name: str) -> StoredProjection | None:
        """A projection, if it exists."""
        rows = await self._read("projections", tenant_id=tenant_id, name=name, after=None, limit=1)
        return _projection(rows[0]) if rows else None

    async def page(self, tenant_id: int, *, after: str, limit: int) -> list[StoredProjection]:
        """The projections whose names follow one."""
        rows = await self._read(
            "projections", tenant_id=tenant_id, name=None, after=after, limit=limit
        )
        return [_projection(row) for row in rows]

    async def failures(
        self,
        tenant_id: int,
        name: str,
        *,
        after: tuple[int, bool] = (-1, False),
        limit: int,
    ) -> list[StoredFailure]:
        """Events that failed, by position and then the rebuild first; a page ends at 1 MiB, too."""
        rows = await self._read(
            "failures",
            tenant_id=tenant_id,
            name=name,
            after=after[0],
            after_is_live=after[1],
            limit=limit,
            bytes_max=PAGE_BYTES_MAX,
        )
        return [_failure(row) for row in rows]

    async def waited_for(
        self, tenant_id: int, names: Sequence[str]
    ) -> dict[str, list[StoredFailure]]:
        """What each of some projections waits for; records beyond 4 MiB, four pages, are left out.

        Those of the first projection, an event of each build, always fit.
        """
        rows = await self._read(
            "waited_for", tenant_id=tenant_id, names=list(names), bytes_max=4 * PAGE_BYTES_MAX
        )
        found: dict[str, list[StoredFailure]] = {}
        for name, *row in rows:
            found.setdefault(name, []).append(_failure(row))
        return found

    async def failure_of_event(
        self, tenant_id: int, name: str, event_id: bytes
    ) -> list[tuple[int, bool, bool]]:
        """How an event failed, in each build: its position, whether parked, whether live."""
        return await self._read(
            "failure_of_event", tenant_id=tenant_id, name=name, event_id=event_id
        )

    async def parked(self, tenant_id: int, name: str, *, after: int, limit: int) -> list[int]:
        """The positions of parked events."""
        rows = await self._read("parked", tenant_id=tenant_id, name=name, after=after, limit=limit)
        return [row[0] for row in rows]

    async def parked_count(self, tenant_id: int, name: str, *, after: int, limit: int) -> int:
        """How many parked events there are behind a position; `limit` stands for more."""
        rows = await self._read(
            "parked_count", tenant_id=tenant_id, name=name, after=after, limit=limit
        )
        return int(rows[0][0])

    async def values(
        self,
        tenant_id: int,
        places: Sequence[tuple[int, str, Sequence[str]]],
        *,
        characters_max: int,
    ) -> list[str | None]:
        """What stands at places, each a position, a source and the steps in it, as text, cut."""
        if not places:
            return []
        documents = [
            {"position": position, "source": source, "path": list(path), "number": number}
            for number, (position, source, path) in enumerate(places)
        ]
        rows = await self._read(
            "values",
            tenant_id=tenant_id,
            places=orjson.dumps(documents).decode(),
            characters_max=characters_max,
        )
        values = dict(rows)
        return [values.get(number) for number in range(len(places))]

    async def event_meant(
        self, tenant_id: int, event_id: bytes, event_filter: EventFilter
    ) -> EventMeant | None:
        """Whether a filter means an event; None: there is no such event."""
        rows = await self._read(
            "event_meant", **filter_parameters(tenant_id, event_filter), event_id=event_id
        )
        return EventMeant(*rows[0]) if rows else None

    async def trace_of_event(
        self, tenant_id: int, name: str, position: int, statements: int
    ) -> EventTrace | None:
        """What became of an event whose handler has so many statements."""
        rows = await self._read(
            "trace_of_event",
            tenant_id=tenant_id,
            name=name,
            position=position,
            statements=statements,
        )
        return EventTrace(*rows[0]) if rows else None

    async def schema_exists(self, schema: str) -> bool:
        """Whether the database has a schema of this name."""
        return bool(await self._read("schema_exists", schema=schema))

    async def unknown_roles(self, names: Sequence[str]) -> list[str]:
        """Those of some names that no role of the database has."""
        rows = await self._read("unknown_roles", names=list(names))
        return [row[0] for row in rows]

    async def pause(self, tenant_id: int, name: str, *, is_paused: bool) -> bool:
        """Lets it rest, or go on; False: there is none."""
        return bool(
            await self._change("pause", tenant_id=tenant_id, name=name, is_paused=is_paused)
        )

    async def retry(self, tenant_id: int, name: str, position: int | None) -> bool:
        """Has the event that is waited for tried at once; False: none is."""
        return bool(await self._change("retry", tenant_id=tenant_id, name=name, position=position))

    async def skip(self, tenant_id: int, name: str, position: int) -> bool:
        """Does without an event; False: it did not fail."""
        return bool(await self._change("skip", tenant_id=tenant_id, name=name, position=position))

    async def _read(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)

    async def _change(self, query: str, **parameters: Any) -> Any:
        rows = await self._database.changes.fetch(_SQL[query], parameters)
        return rows[0][0]


async def fetch(connection: Connection, query: str, parameters: dict[str, Any]) -> list[Any]:
    """The rows of a query of projections.sql."""
    return await fetch_all(connection, _SQL[query], parameters)


def _projection(row: Any) -> StoredProjection:
    rebuild = StoredRebuild(*row[11:16]) if row[11] is not None else None
    return StoredProjection._make([*row[:11], rebuild, *row[16:]])


def _failure(row: Sequence[Any]) -> StoredFailure:
    failure = StoredFailure(*row)
    if failure.record is not None and not are_whole(failure.record, 1):
        return failure._replace(record=None)
    return failure
