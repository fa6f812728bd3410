"""The calls of EntityService: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from everlog.connection import Calls
from everlog.entities import EntityDeclaration, EntityDeclarations, EntityKey, EntitySummary
from everlog.recorded import RecordedEvent
from everlog.times import to_datetime
from everlog.v1 import entities_pb2

_PAGE_SIZE = 1_000


class EntityCalls(Calls):
    """The methods of a client that are about the knowledge graph."""

    async def declare_entities(
        self, declarations: Iterable[EntityDeclaration] = (), *, withdraw: Iterable[str] = ()
    ) -> list[EntityDeclaration]:
        """Say where events carry the ids of entities, and withdraw declarations by name.

        One that has the name of an earlier one replaces it. Returns all of them, by name. The index
        is then made anew from the log.
        """
        connection = self._open
        request = entities_pb2.DeclareEntitiesRequest(
            declarations=[one.to_message() for one in declarations], withdrawn_names=withdraw
        )
        response = await connection.read(connection.entities.DeclareEntities, request)
        return [_declaration(one) for one in response.declarations]

    async def entity_declarations(self) -> EntityDeclarations:
        """Tell what is declared, and how far the log is indexed by it."""
        connection = self._open
        request = entities_pb2.ListEntityDeclarationsRequest()
        response = await connection.read(connection.entities.ListEntityDeclarations, request)
        return EntityDeclarations(
            [_declaration(one) for one in response.declarations],
            response.indexed_position,
            response.head_position,
        )

    async def link_entities(
        self,
        entity: tuple[str, str],
        same_as: tuple[str, str],
        *,
        actor: str = "",
        undo: bool = False,
    ) -> list[EntityKey]:
        """Say that two ids, each a kind and an id, name the same entity; or take it back.

        Returns all ids of the entity. A link that events show can't be taken back.
        """
        connection = self._open
        request = entities_pb2.LinkEntitiesRequest(
            entity=_message(entity), same_as=_message(same_as), actor=actor, undo=undo
        )
        response = await connection.read(connection.entities.LinkEntities, request)
        return [_key(one) for one in response.entity]

    async def entities(
        self,
        kind: str = "",
        *,
        id_prefix: str = "",
        limit: int | None = None,
        min_position: int = 0,
    ) -> AsyncGenerator[EntitySummary, None]:
        """Yield the ids that are known, by kind and id."""
        connection = self._open
        listing = connection.listing(
            connection.entities.ListEntities,
            entities_pb2.ListEntitiesRequest(
                kind=kind, id_prefix=id_prefix, min_position=min_position
            ),
            lambda page: page.entities,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield _summary(one)

    async def events_of_entity(
        self,
        entity: tuple[str, str],
        *,
        this_id_only: bool = False,
        oldest_first: bool = False,
        limit: int | None = None,
        min_position: int = 0,
    ) -> AsyncGenerator[RecordedEvent, None]:
        """Yield the events about an entity, of whatever aggregates; raises EntityNotFound."""
        connection = self._open
        listing = connection.listing(
            connection.entities.EventsOfEntity,
            entities_pb2.EventsOfEntityRequest(
                entity=_message(entity),
                this_id_only=this_id_only,
                oldest_first=oldest_first,
                min_position=min_position,
            ),
            lambda page: page.events,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for event in found:
                yield RecordedEvent(event)


def _message(entity: tuple[str, str]) -> entities_pb2.EntityKey:
    kind, id_ = entity
    return entities_pb2.EntityKey(kind=kind, id=id_)


def _key(message: entities_pb2.EntityKey) -> EntityKey:
    return EntityKey(message.kind, message.id)


def _declaration(message: entities_pb2.EntityDeclaration) -> EntityDeclaration:
    return EntityDeclaration(
        name=message.name,
        pointer=message.pointer,
        kind=message.kind,
        event_types=tuple(message.event_types),
        subject=message.subject,
        ignore_case=message.ignore_case,
    )


def _summary(message: entities_pb2.EntitySummary) -> EntitySummary:
    has_time = message.HasField("last_record_time")
    return EntitySummary(
        _key(message.entity),
        message.events,
        message.last_position,
        to_datetime(message.last_record_time) if has_time else None,
        [_key(other) for other in message.same_as],
    )
