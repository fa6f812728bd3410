"""What a tenant asks of its knowledge graph: declarations, links, ids, and events by id."""

from __future__ import annotations

from collections.abc import Sequence

from everlog_server.entities.declarations import changed, compiled
from everlog_server.entities.indexer import EntityIndexer
from everlog_server.errors import EntityNotFoundError, OverloadedError
from everlog_server.model import EntityDeclaration, EntityKey
from everlog_server.storage.entities import (
    Declared,
    EntitiesPage,
    EntityStore,
    EventsPage,
    IndexState,
    Link,
)
from everlog_server.storage.reads import EventReader

_ATTEMPTS_MAX = 20


class EntityGraph:
    """Everything that the RPC layer needs, but appending."""

    def __init__(self, store: EntityStore, indexer: EntityIndexer, reader: EventReader) -> None:
        self._store = store
        self._indexer = indexer
        self._reader = reader

    async def declared(self, tenant_id: int) -> Declared:
        """What is declared. The log of a tenant that never declared anything is all indexed."""
        declared = await self._store.declared(tenant_id)
        if declared is None:
            head = (await self._reader.head(tenant_id)).position
            return Declared(0, head, head, ())
        return declared

    async def declare(
        self,
        tenant_id: int,
        declarations: Sequence[EntityDeclaration],
        withdrawn_names: Sequence[str],
    ) -> tuple[EntityDeclaration, ...]:
        """Changes the declarations; all of them, by name. Raises as `declarations.changed`.

        The index is made anew only if they are others than before.
        """
        for _ in range(_ATTEMPTS_MAX):
            declared = await self._store.declared(tenant_id)
            before = declared.declarations if declared else ()
            after = changed(before, declarations, withdrawn_names)
            generation = declared.generation if declared else 0
            if after == before or await self._store.declare(
                tenant_id, declared=generation, declarations=[compiled(one) for one in after]
            ):
                self._indexer.kick(tenant_id)
                return after
        raise OverloadedError("many others declare entities at the same moment")

    async def begin(self, tenant_id: int) -> None:
        """Has the tenant's log followed, for its links, though nothing may be declared."""
        if await self._store.state(tenant_id) is None:
            await self._store.declare(tenant_id, declared=0, declarations=())
        self._indexer.kick(tenant_id)

    async def link(self, tenant_id: int, one: EntityKey, other: EntityKey) -> Link:
        """Whether two ids are linked, as far as is indexed."""
        return await self._store.link(tenant_id, one, other)

    async def same_entity(self, tenant_id: int, key: EntityKey) -> tuple[EntityKey, ...]:
        """All ids of an entity, itself among them, as far as is indexed."""
        return await self._store.same_entity(tenant_id, key)

    async def wait_read(self, tenant_id: int, position: int, timeout_seconds: float) -> None:
        """Until readers see a position indexed, by whatever they read."""
        await self._indexer.wait(
            tenant_id,
            lambda state: state.current_position >= position,
            position=position,
            timeout_seconds=timeout_seconds,
        )

    async def wait_indexed(self, tenant_id: int, position: int, timeout_seconds: float) -> None:
        """Until readers see a position indexed by what is declared now; 0: not at all."""
        if not position:
            return

        def is_indexed(state: IndexState) -> bool:
            return state.current == state.declared and state.current_position >= position

        state = await self._store.state(tenant_id)
        if state is None:
            await self._reader.wait_visible(tenant_id, position, timeout_seconds)
        elif not is_indexed(state):
            await self._indexer.wait(
                tenant_id, is_indexed, position=position, timeout_seconds=timeout_seconds
            )

    async def entities(
        self,
        tenant_id: int,
        *,
        kind: str | None,
        id_prefix: str | None,
        after: EntityKey | None,
        limit: int,
    ) -> EntitiesPage:
        """A page of ids."""
        page = await self._store.entities(
            tenant_id, kind=kind, id_prefix=id_prefix, after=after, limit=limit
        )
        if page is None:
            head = (await self._reader.head(tenant_id)).position
            return EntitiesPage([], is_last=True, indexed_position=head)
        return page

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
    ) -> EventsPage:
        """A page of the events of an entity; raises EntityNotFoundError."""
        page = await self._store.events(
            tenant_id,
            key,
            this_id_only=this_id_only,
            oldest_first=oldest_first,
            after=after,
            through=through,
            limit=limit,
        )
        if page is None:
            raise EntityNotFoundError(f"no event that is indexed carries {key}, nor is it linked")
        return page
