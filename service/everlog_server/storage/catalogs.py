"""The catalogues of tenants as they are stored: rows. What they mean: room `catalog`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("catalogs.sql")


class CatalogState(NamedTuple):
    """Where a catalogue is. Revision 0: nothing was ever said in it."""

    revision: int
    is_strict: bool


class StoredEventType(NamedTuple):
    """An event type in its newest version."""

    name: str
    version: int
    created_time: datetime
    definition: bytes
    """A serialized EventTypeDefinition."""
    deprecated_time: datetime | None
    deprecation_note: str


class StoredVersion(NamedTuple):
    """One version of an event type or an aggregate type."""

    version: int
    created_time: datetime
    definition: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChange:
    """What becomes of a catalogue, all or none."""

    is_strict: bool | None = None
    event_types: Sequence[StoredEventType] = ()
    """As they will be; of a new version, `created_time` is the time of the change."""
    aggregate_types: Sequence[tuple[str, int, bytes]] = ()
    """Name, version and definition of new versions."""


class CatalogStore:
    """Reads and changes catalogues. Raises StorageUnavailableError or ReadTooExpensiveError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self, tenant_id: int) -> CatalogState:
        """Where the catalogue is now."""
        rows = await self._rows("state", tenant_id=tenant_id)
        return CatalogState(*rows[0]) if rows else CatalogState(0, False)

    async def event_types_since(
        self, tenant_id: int, revision: int, limit: int
    ) -> list[StoredEventType]:
        """The event types that have changed after a revision, in their newest versions."""
        rows = await self._rows(
            "event_types_since", tenant_id=tenant_id, revision=revision, limit=limit
        )
        return [StoredEventType(*row) for row in rows]

    async def event_type_version(
        self, tenant_id: int, name: str, version: int
    ) -> StoredVersion | None:
        """One version of an event type, if it exists."""
        rows = await self._rows(
            "event_type_version", tenant_id=tenant_id, name=name, version=version
        )
        return StoredVersion(*rows[0]) if rows else None

    async def aggregate_type(self, tenant_id: int, name: str) -> tuple[int, bytes] | None:
        """Version and serialized AggregateTypeDefinition of an aggregate type, the newest."""
        stored = await self.newest_aggregate_type(tenant_id, name)
        return None if stored is None else (stored.version, stored.definition)

    async def newest_aggregate_type(self, tenant_id: int, name: str) -> StoredVersion | None:
        """The newest version of an aggregate type, if it exists."""
        rows = await self._rows("aggregate_type", tenant_id=tenant_id, name=name)
        return StoredVersion(*rows[0]) if rows else None

    async def aggregate_types_named(
        self, tenant_id: int, names: Sequence[str]
    ) -> dict[str, StoredVersion]:
        """The newest versions of those of these aggregate types that exist."""
        rows = await self._rows("aggregate_types_named", tenant_id=tenant_id, names=list(names))
        return {name: StoredVersion(*rest) for name, *rest in rows}

    async def aggregate_types_after(
        self, tenant_id: int, after: str, limit: int, bytes_max: int
    ) -> list[tuple[str, StoredVersion]]:
        """The newest versions of the aggregate types whose names follow one, by name.

        Ends, too, with the one that makes their definitions larger than `bytes_max`.
        """
        rows = await self._rows(
            "aggregate_types_after",
            tenant_id=tenant_id,
            after=after,
            limit=limit,
            bytes_max=bytes_max,
        )
        return [(name, StoredVersion(*rest)) for name, *rest in rows]

    async def aggregate_type_count(self, tenant_id: int, limit: int) -> int:
        """How many aggregate types there are; beyond `limit` it stops counting."""
        rows = await self._rows("aggregate_type_count", tenant_id=tenant_id, limit=limit)
        return int(rows[0][0])

    async def change(
        self, tenant_id: int, revision: int, change: CatalogChange, time: datetime
    ) -> int | None:
        """Changes a catalogue that is at a revision, and returns its new one.

        None: it is at another one, and nothing has changed. When the connection is lost meanwhile,
        StorageUnavailableError, and it is not known.
        """
        types, aggregates = change.event_types, change.aggregate_types
        rows = await self._rows(
            "change",
            tenant_id=tenant_id,
            revision=revision,
            is_strict=change.is_strict,
            names=[one.name for one in types],
            versions=[one.version for one in types],
            definitions=[one.definition for one in types],
            deprecated_times=[one.deprecated_time for one in types],
            deprecation_notes=[one.deprecation_note for one in types],
            aggregate_names=[name for name, _, _ in aggregates],
            aggregate_versions=[version for _, version, _ in aggregates],
            aggregate_definitions=[definition for _, _, definition in aggregates],
            time=time,
        )
        return None if rows[0][0] is None else int(rows[0][0])

    async def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with self._database.changes.connection(parameters["tenant_id"]) as connection:
            cursor = await connection.execute(_SQL[query], parameters)
            return await cursor.fetchall()


def now() -> datetime:
    """The time of a change: it is the server's, as all times in the log are."""
    return datetime.now(UTC)
