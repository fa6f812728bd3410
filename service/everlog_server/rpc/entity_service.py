"""EntityService: check, decode, one call into the house, encode. See event_store.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from everlog.v1 import entities_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.append import Sequencers
from everlog_server.entities import EntityGraph
from everlog_server.errors import BadRequestError, FieldViolation, PositionNotVisibleError
from everlog_server.model import EntityDeclaration, EntityKey
from everlog_server.rpc import entity_requests
from everlog_server.rpc.entry import Context, call_of, tenant_of
from everlog_server.rpc.page_token import Listing, Positions
from everlog_server.rpc.requests import page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.validation import decode_emission
from everlog_server.rpc.visibility import patience_seconds, tenant_that_shows
from everlog_server.settings import LimitSettings
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants

if TYPE_CHECKING:
    from everlog_server.storage.entities import Entity

AGGREGATE_TYPE = "entity"
LINKED = "entity.linked"
UNLINKED = "entity.unlinked"


class EntityService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["EntityService"].full_name

    def __init__(
        self,
        *,
        graph: EntityGraph,
        sequencers: Sequencers,
        tenants: Tenants,
        reader: EventReader,
        limits: LimitSettings,
    ) -> None:
        self._graph = graph
        self._sequencers = sequencers
        self._tenants = tenants
        self._reader = reader
        self._limits = limits
        self._tenant_that_shows = partial(
            tenant_that_shows, tenants=tenants, wait=graph.wait_indexed
        )

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.DeclareEntities,
            self.ListEntityDeclarations,
            self.LinkEntities,
            self.ListEntities,
            self.EventsOfEntity,
        )

    async def DeclareEntities(self, data: bytes, context: Context) -> bytes:
        """Changes the declarations."""
        request = parse(pb.DeclareEntitiesRequest, data)
        declarations = entity_requests.decode_declarations(request)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        after = await self._graph.declare(tenant_id, declarations, request.withdrawn_names)
        response = pb.DeclareEntitiesResponse(declarations=map(_encode_declaration, after))
        return response.SerializeToString()

    async def ListEntityDeclarations(self, data: bytes, context: Context) -> bytes:
        """What is declared, and how far the log is indexed by it."""
        parse(pb.ListEntityDeclarationsRequest, data)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        declared = await self._graph.declared(tenant_id)
        return pb.ListEntityDeclarationsResponse(
            declarations=map(_encode_declaration, declared.declarations),
            indexed_position=declared.position,
            head_position=declared.head,
        ).SerializeToString()

    async def LinkEntities(self, data: bytes, context: Context) -> bytes:
        """Says, or takes back, that two ids name the same entity.

        What is said already, or was never said, is not said again: a call may be repeated.
        """
        request = parse(pb.LinkEntitiesRequest, data)
        one, other = entity_requests.decode_link(request, self._limits)
        rights = call_of(context).rights
        rights.check_actor(request.actor)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        await self._graph.begin(tenant_id)
        head = await self._reader.head(tenant_id)
        await self._graph.wait_read(tenant_id, head.position, patience_seconds(context))
        link = await self._graph.link(tenant_id, one, other)
        if request.undo and not link.said:
            seen = f"an event carries {one} and {other} together: a fact, which can't be withdrawn"
            raise BadRequestError(
                FieldViolation("undo", seen if link.seen else f"nobody said that {one} is {other}")
            )
        known: dict[EntityKey, None] = {}
        if link.said == request.undo:
            emission = decode_emission(_emit_request(request), self._limits, rights=rights)
            receipts = await self._sequencers.of(tenant_id).submit(emission)
            position = event_store_pb2.EmitResponse.FromString(receipts).receipts[0].position
            try:
                await self._graph.wait_read(tenant_id, position, patience_seconds(context))
            except PositionNotVisibleError:
                # It is said, and durable. What of it the index does not have yet is put together.
                if not request.undo:
                    known = dict.fromkeys(await self._graph.same_entity(tenant_id, other))
        known = dict.fromkeys(await self._graph.same_entity(tenant_id, one)) | known
        return pb.LinkEntitiesResponse(entity=map(_encode_key, known)).SerializeToString()

    async def ListEntities(self, data: bytes, context: Context) -> bytes:
        """A page of ids."""
        request = parse(pb.ListEntitiesRequest, data)
        kind, id_prefix = entity_requests.decode_listing(request)
        limit = page_size(request, self._limits)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        listing, after = Listing(tenant_id, request), None
        if request.page_token:
            after = listing.place(request.page_token, _unpack_key)
        page = await self._graph.entities(
            tenant_id, kind=kind, id_prefix=id_prefix, after=after, limit=limit
        )
        response = pb.ListEntitiesResponse(
            entities=map(_encode_entity, page.entities), indexed_position=page.indexed_position
        )
        if not page.is_last:
            response.next_page_token = listing.token(_pack_key(page.entities[-1].key))
        return response.SerializeToString()

    async def EventsOfEntity(self, data: bytes, context: Context) -> bytes:
        """A page of the events of an entity."""
        request = parse(pb.EventsOfEntityRequest, data)
        key = entity_requests.decode_key(request.entity, "entity")
        limit = page_size(request, self._limits)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        listing, after, end = Listing(tenant_id, request), 0, 0
        through: int | None = None
        if request.page_token:
            cursor, end = listing.place(request.page_token, Positions.unpack)
            after, through = (cursor, end) if request.oldest_first else (0, cursor - 1)
        page = await self._graph.events(
            tenant_id,
            key,
            this_id_only=request.this_id_only,
            oldest_first=request.oldest_first,
            after=after,
            through=through,
            limit=limit,
        )
        rest = pb.EventsOfEntityResponse(
            entity=map(_encode_key, page.ids), indexed_position=page.indexed_position
        )
        if not page.is_last and page.last_position is not None:
            place = Positions(page.last_position, end or page.indexed_position)
            rest.next_page_token = listing.token(place.pack())
        # Fields may come in any order, and joined records are those of field 1: see codec.py.
        return page.records + rest.SerializeToString()


def _emit_request(request: pb.LinkEntitiesRequest) -> event_store_pb2.EmitRequest:
    one, other = request.entity, request.same_as
    content = {
        "entity": {"kind": one.kind, "id": one.id},
        "same_as": {"kind": other.kind, "id": other.id},
    }
    event = event_pb2.NewEvent(
        aggregate_type=AGGREGATE_TYPE,
        aggregate_id=f"{one.kind}:{one.id}",
        event_type=UNLINKED if request.undo else LINKED,
        actor=request.actor,
        json=orjson.dumps(content).decode(),
    )
    return event_store_pb2.EmitRequest(events=[event])


def _pack_key(key: EntityKey) -> bytes:
    return "\0".join(key).encode()  # no name holds a NUL


def _unpack_key(place: bytes) -> EntityKey:
    kind, id_ = place.decode().split("\0")
    return EntityKey(kind, id_)


def _encode_declaration(one: EntityDeclaration) -> pb.EntityDeclaration:
    return pb.EntityDeclaration(**one._asdict())


def _encode_key(key: EntityKey) -> pb.EntityKey:
    return pb.EntityKey(kind=key.kind, id=key.id)


def _encode_entity(entity: Entity) -> pb.EntitySummary:
    summary = pb.EntitySummary(
        entity=_encode_key(entity.key),
        events=entity.events,
        last_position=entity.last_position,
        same_as=map(_encode_key, entity.same_as),
    )
    if entity.last_record_time is not None:
        summary.last_record_time.FromMicroseconds(entity.last_record_time)
    return summary
