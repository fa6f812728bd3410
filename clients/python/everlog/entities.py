"""The knowledge graph: which customers, accounts or logins events speak of.

`Client.entities` leads here. What comes back are small values; events are RecordedEvents.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from everlog.connection import Connection
from everlog.recorded import RecordedEvent
from everlog.times import to_datetime
from everlog.v1 import entities_pb2


class EntityKey(NamedTuple):
    """Names an entity by an id of one kind. A plain pair of texts will do as well."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityDeclaration:
    """Says where events of some types carry the ids of entities; see the proto's message."""

    name: str
    pointer: str
    """A JSON pointer into the data, such as `/customer/email`; `*` is every element of an array."""
    kind: str
    event_types: Sequence[str] = ()
    """Exact types, or prefixes (`stripe.*`); empty: all."""
    subject: str = ""
    """Ids that one event carries under the same subject name the same entity."""
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.event_types, str):
            raise TypeError("event_types takes a sequence of texts, not one text")

    def to_message(self) -> entities_pb2.EntityDeclaration:
        """Encode the declaration."""
        return entities_pb2.EntityDeclaration(
            name=self.name,
            event_types=self.event_types,
            pointer=self.pointer,
            kind=self.kind,
            subject=self.subject,
            ignore_case=self.ignore_case,
        )


class EntityDeclarations(NamedTuple):
    """What is declared, and how far the log is indexed by it."""

    declarations: list[EntityDeclaration]
    indexed_position: int
    head_position: int


class EntitySummary(NamedTuple):
    """One id of an entity, and where it is met."""

    key: EntityKey
    events: int
    last_position: int
    last_record_time: datetime | None
    """None when no event carries it: somebody linked it."""
    same_as: list[EntityKey]
    """Other ids of the same entity; at most 100."""


async def declare(
    connection: Connection, declarations: Iterable[EntityDeclaration], withdrawn: Iterable[str]
) -> list[EntityDeclaration]:
    """Change what is declared; all of it, by name."""
    request = entities_pb2.DeclareEntitiesRequest(
        declarations=[one.to_message() for one in declarations], withdrawn_names=withdrawn
    )
    response = await connection.read(connection.entities.DeclareEntities, request)
    return [_declaration(one) for one in response.declarations]


async def declarations(connection: Connection) -> EntityDeclarations:
    """Tell what is declared."""
    request = entities_pb2.ListEntityDeclarationsRequest()
    response = await connection.read(connection.entities.ListEntityDeclarations, request)
    return EntityDeclarations(
        [_declaration(one) for one in response.declarations],
        response.indexed_position,
        response.head_position,
    )


async def link(
    connection: Connection,
    entity: tuple[str, str],
    same_as: tuple[str, str],
    *,
    actor: str,
    undo: bool,
) -> list[EntityKey]:
    """Say, or take back, that two ids name the same entity; all its ids then."""
    request = entities_pb2.LinkEntitiesRequest(
        entity=_message(entity), same_as=_message(same_as), actor=actor, undo=undo
    )
    response = await connection.read(connection.entities.LinkEntities, request)
    return [_key(one) for one in response.entity]


async def listing(
    connection: Connection, request: entities_pb2.ListEntitiesRequest, limit: int | None
) -> AsyncGenerator[EntitySummary, None]:
    """Yield ids, page by page."""
    remaining = limit
    while remaining is None or remaining > 0:
        if remaining is not None:
            request.page_size = min(remaining, 1_000)
        response = await connection.read(connection.entities.ListEntities, request)
        for one in response.entities:
            has_time = one.HasField("last_record_time")
            yield EntitySummary(
                _key(one.entity),
                one.events,
                one.last_position,
                to_datetime(one.last_record_time) if has_time else None,
                [_key(other) for other in one.same_as],
            )
        if not response.next_page_token:
            return
        if remaining is not None:
            remaining -= len(response.entities)
        request.page_token = response.next_page_token


async def events(
    connection: Connection, request: entities_pb2.EventsOfEntityRequest, limit: int | None
) -> AsyncGenerator[RecordedEvent, None]:
    """Yield the events of an entity, page by page."""
    remaining = limit
    while remaining is None or remaining > 0:
        if remaining is not None:
            request.page_size = min(remaining, 1_000)
        response = await connection.read(connection.entities.EventsOfEntity, request)
        for event in response.events:
            yield RecordedEvent(event)
        if not response.next_page_token:
            return
        if remaining is not None:
            remaining -= len(response.events)
        request.page_token = response.next_page_token


def listing_request(
    kind: str, id_prefix: str, min_position: int
) -> entities_pb2.ListEntitiesRequest:
    """Ask for ids."""
    return entities_pb2.ListEntitiesRequest(
        kind=kind, id_prefix=id_prefix, page_size=1_000, min_position=min_position
    )


def events_request(
    entity: tuple[str, str], *, this_id_only: bool, oldest_first: bool, min_position: int
) -> entities_pb2.EventsOfEntityRequest:
    """Ask for the events of an entity."""
    return entities_pb2.EventsOfEntityRequest(
        entity=_message(entity),
        this_id_only=this_id_only,
        oldest_first=oldest_first,
        page_size=1_000,
        min_position=min_position,
    )


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
