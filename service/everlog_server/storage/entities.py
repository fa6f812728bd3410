"""The tables of the knowledge graph: declarations, the index of ids, links between them.

Reads go through the pool of short reads. What changes the index goes through one function call a
time, each a transaction of its own, on connections that do not wait for the disk: an index that
loses its last windows in a crash takes them from the log again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from everlog_server.model import EntityDeclaration, EntityKey
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.pages import PAGE_BYTES_MAX, damage_at
from everlog_server.storage.sql import load

_SQL = load("entities.sql")

ENTITY_IDS_MAX = 1_000
"""Of one entity; what is linked beyond is left out."""
SAME_AS_MAX = 100
"""Of an entity in a listing."""
_REMOVED_ROWS_MAX = 5_000
_BEHIND_TENANTS_MAX = 1_000


class IndexState(NamedTuple):
    """Where a tenant's index is. A generation is one set of declarations."""

    declared: int
    """The generation that was declared last."""
    current: int
    """The one that is read."""
    declared_position: int
    """Up to where the log is indexed by what is declared."""
    current_position: int
    """Up to where it is indexed by what is read."""
    head: int
    has_more: bool
    """Whether the next step has something to do; only known after a step."""


class Declared(NamedTuple):
    """What a tenant has declared; generation 0: it has never declared or linked anything."""

    generation: int
    position: int
    head: int
    declarations: tuple[EntityDeclaration, ...]
    """By name."""


class CompiledDeclaration(NamedTuple):
    """A declaration as the index reads it."""

    declaration: EntityDeclaration
    event_type_prefixes: Sequence[str]
    path: Sequence[str]
    """Steps that `#>` takes as the pointer means them."""
    jsonpath: str | None
    """The rest, as a path of PostgreSQL's jsonb; None: there is none, or it is `steps`."""
    steps: Sequence[str]
    """The rest, where a jsonpath can't say it."""


class Entity(NamedTuple):
    """One id and where it is met. `events` is 0 for one that was only linked."""

    key: EntityKey
    events: int
    last_position: int
    last_record_time: int | None
    same_as: tuple[EntityKey, ...]


class EntitiesPage(NamedTuple):
    """A page of ids."""

    entities: list[Entity]
    is_last: bool
    indexed_position: int


class EventsPage(NamedTuple):
    """A page of an entity's events. `records` are framed and joined."""

    records: bytes
    last_position: int | None
    """The position of the page's last event; None: it has none."""
    is_last: bool
    indexed_position: int
    ids: tuple[EntityKey, ...]


class Link(NamedTuple):
    """Why two ids name the same entity."""

    seen: bool
    said: bool


class EntityStore:
    """Reads and moves the indexes. Errors are those of Pool.connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self, tenant_id: int) -> IndexState | None:
        """Where the index is; None: the tenant has none."""
        rows = await self._rows("state", tenant_id=tenant_id)
        return IndexState(*rows[0]) if rows else None

    async def declared(self, tenant_id: int) -> Declared | None:
        """What is declared; None: the tenant has no index."""
        rows = await self._rows("declarations", tenant_id=tenant_id)
        if not rows:
            return None
        declarations = tuple(_declaration(row[3:]) for row in rows if row[3] is not None)
        generation, position, head = rows[0][:3]
        return Declared(generation, position, head, declarations)

    async def declare(
        self, tenant_id: int, *, declared: int, declarations: Sequence[CompiledDeclaration]
    ) -> bool:
        """Replaces the declarations of generation `declared` (0: none); False if others have."""
        documents = [
            one.declaration._asdict()
            | {
                "event_type_prefixes": one.event_type_prefixes,
                "path": one.path,
                "jsonpath": one.jsonpath,
                "steps": one.steps,
            }
            for one in declarations
        ]
        parameters = {
            "tenant_id": tenant_id,
            "declared": declared,
            "declarations": orjson.dumps(documents).decode(),
        }
        rows = await self._database.indexing.fetch(_SQL["declare"], parameters)
        return rows[0][0] is not None

    async def follow(self, tenant_id: int, *, events_max: int) -> IndexState | None:
        """Takes the index a window further; None: the tenant has none."""
        parameters = {
            "tenant_id": tenant_id,
            "events_max": events_max,
            "removed_rows_max": _REMOVED_ROWS_MAX,
        }
        rows = await self._database.indexing.fetch(_SQL["follow"], parameters)
        return IndexState(*rows[0]) if rows else None

    async def behind(self) -> list[int]:
        """The tenants whose index has something to do; at most 1,000."""
        rows = await self._rows("behind", limit=_BEHIND_TENANTS_MAX)
        return [row[0] for row in rows]

    async def link(self, tenant_id: int, one: EntityKey, other: EntityKey) -> Link:
        """Whether two ids are linked, by the generation that is read."""
        rows = await self._rows(
            "link",
            tenant_id=tenant_id,
            kind=one.kind,
            id=one.id,
            other_kind=other.kind,
            other_id=other.id,
        )
        return Link(seen=(False,) in rows, said=(True,) in rows)

    async def same_entity(self, tenant_id: int, key: EntityKey) -> tuple[EntityKey, ...]:
        """All ids of an entity, at most 1,000, the given one first, as it is stored."""
        rows = await self._rows(
            "same_entity", tenant_id=tenant_id, ids_max=ENTITY_IDS_MAX, **key._asdict()
        )
        return tuple(EntityKey(*row) for row in rows)

    async def entities(
        self,
        tenant_id: int,
        *,
        kind: str | None,
        id_prefix: str | None,
        after: EntityKey | None,
        limit: int,
    ) -> EntitiesPage | None:
        """A page of ids after one, by their bytes; None: the tenant has no index."""
        rows = await self._rows(
            "entities",
            tenant_id=tenant_id,
            kind=kind,
            id_prefix=id_prefix,
            after_kind=after and after.kind,
            after_id=after and after.id,
            limit=limit + 1,
            ids_max=SAME_AS_MAX + 1,
        )
        if not rows:
            return None
        found = [_entity(row) for row in rows if row[1] is not None]
        return EntitiesPage(found[:limit], len(found) <= limit, rows[0][0])

    async def events(
        self,
        tenant_id: int,
        key: EntityKey,
        *,
        this_id_only: bool,
        oldest_first: bool,
        after: int,
        through: int | None,
        limit: int,
    ) -> EventsPage | None:
        """A page of the events between two positions; `through` None: as far as is indexed.

        None: nobody knows the id. Raises EventDamagedError where the first event is damaged.
        """
        while True:
            rows = await self._rows(
                "events_oldest_first" if oldest_first else "events_newest_first",
                tenant_id=tenant_id,
                this_id_only=this_id_only,
                after=after,
                through=through,
                limit=limit,
                bytes_max=PAGE_BYTES_MAX,
                ids_max=ENTITY_IDS_MAX,
                **key._asdict(),
            )
            if not rows:
                return None
            ((indexed, is_known, kinds, ids, records, count, matched, last),) = rows
            if not is_known:
                return None
            if are_whole(records or b"", count):
                break
            if count == 1:
                raise await damage_at(self._database.reads, tenant_id, last)
            # Half as many, until what stands before the damaged event is left, or it alone.
            limit = count // 2
        keys = tuple(map(EntityKey, kinds, ids))
        return EventsPage(records or b"", last, count == matched, indexed, keys)

    async def _rows(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)


def _declaration(row: Sequence[Any]) -> EntityDeclaration:
    name, event_types, pointer, kind, subject, ignore_case = row
    return EntityDeclaration(name, tuple(event_types), pointer, kind, subject, ignore_case)


def _entity(row: Sequence[Any]) -> Entity:
    _, kind, id_, events, last_position, last_record_time, kinds, ids = row
    return Entity(
        EntityKey(kind, id_),
        events,
        last_position,
        last_record_time,
        tuple(map(EntityKey, kinds or (), ids or ())),
    )
