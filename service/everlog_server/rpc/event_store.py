"""EventStoreService: check, decode, one call into the house, encode; EmitStream: emit_stream.py.

Handlers get and give bytes: what carries events is never built as objects. They raise; what guards
them (calls.py) answers. Streaming ones write and then return, so that a caller who goes
cancels them right where they are, and whatever they hold is let go at once.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import grpc

from everlog.v1 import event_store_pb2 as pb
from everlog_server.append import Sequencers
from everlog_server.catalog.catalogs import Catalogs
from everlog_server.errors import (
    AggregateNotFoundError,
    BadRequestError,
    EventNotFoundError,
    FieldViolation,
)
from everlog_server.model import AggregateKey, EventFilter, FoundEvent, Head
from everlog_server.rpc import requests
from everlog_server.rpc.codec import (
    encode_head,
    encode_query_response,
    encode_replay_response,
    encode_subscribe_response,
    event_ids_of,
)
from everlog_server.rpc.draining import until_drained
from everlog_server.rpc.emit_stream import BeginSpan, EmitStreams
from everlog_server.rpc.entry import Context, call_of
from everlog_server.rpc.fields import checked_enum, decode_aggregate, decode_uuid
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.outcomes import (
    OUTCOME_OF_GET,
    OUTCOMES_OF_QUERY,
    frame_outcome,
    frame_outcomes,
)
from everlog_server.rpc.page_token import Listing, Positions
from everlog_server.rpc.requests import at_least, checked_time, parse
from everlog_server.rpc.rights import Rights
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.trace_context import keep_trace
from everlog_server.rpc.validation import decode_emission
from everlog_server.rpc.visibility import check_aggregate_seen, tenant_that_shows
from everlog_server.settings import LimitSettings
from everlog_server.storage.outcomes import MeaningReader
from everlog_server.storage.reads import EventReader, log_diverged
from everlog_server.storage.tenants import Tenants
from everlog_server.subscriptions import SubscriptionMessage, Subscriptions

_OUTCOMES_BYTES_MAX = 2 * 1024 * 1024


class EventStore:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["EventStoreService"].full_name

    def __init__(
        self,
        *,
        sequencers: Sequencers,
        tenants: Tenants,
        catalogs: Catalogs,
        reader: EventReader,
        meaning: MeaningReader,
        subscriptions: Subscriptions,
        limits: LimitSettings,
        drain: asyncio.Event,
        heartbeat_seconds: float,
        streamed_emits: dict[tuple[str, str], int],
        begin_span: BeginSpan | None = None,
    ) -> None:
        """`streamed_emits` counts the answers of EmitStreams, by code and reason.

        `begin_span` begins those of their Emits; None: nobody traces.
        """
        self._sequencers = sequencers
        self._tenants = tenants
        self._catalogs = catalogs
        self._reader = reader
        self._meaning = meaning
        self._subscriptions = subscriptions
        self._limits = limits
        self._drain = drain
        self._heartbeat_seconds = heartbeat_seconds
        self._encoded: tuple[SubscriptionMessage | None, bytes] = (None, b"")
        self._streams = EmitStreams(
            sequencers=sequencers,
            tenants=tenants,
            catalogs=catalogs,
            limits=limits,
            drain=drain,
            answered=streamed_emits,
            begin_span=begin_span,
        )
        self._tenant_that_shows = partial(
            tenant_that_shows, tenants=tenants, wait=reader.wait_visible
        )

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(self.Emit, self.GetHead, self.Get, self.Query) | {
            "EmitStream": grpc.stream_stream_rpc_method_handler(self._streams.EmitStream),
            "Replay": grpc.unary_stream_rpc_method_handler(self.Replay),
            "Subscribe": grpc.unary_stream_rpc_method_handler(self.Subscribe),
        }

    async def Emit(self, data: bytes, context: Context) -> bytes:
        """Appends events. A caller who goes while they still wait takes them back."""
        call = call_of(context)
        tenant_id = await self._tenants.resolve(call.tenant)
        sequencer = self._sequencers.of(tenant_id)
        sequencer.require_room(len(data), context.time_remaining())
        followed = self._catalogs.of(tenant_id)
        catalogue = followed.at_hand() or await followed.fresh()
        request = parse(pb.EmitRequest, data)
        call.pace_events(len(request.events))
        if call.traceparent is not None:
            keep_trace(request, call.traceparent, self._limits)
        emission = decode_emission(request, self._limits, catalogue, call.rights)
        return await sequencer.submit(emission)

    async def GetHead(self, data: bytes, context: Context) -> bytes:
        """The head."""
        request = parse(pb.GetHeadRequest, data)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        head, rights = await self._reader.head(tenant_id), call_of(context).rights
        if not await self._sees(tenant_id, head.position, rights):
            # Where it ends is no secret, as gaps in positions tell: what happened there is.
            head = Head(head.position, None, 0)
        return encode_head(head)

    async def Get(self, data: bytes, context: Context) -> bytes:
        """One event: its record is the response, with its outcome behind it."""
        request = parse(pb.GetRequest, data)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        found, rights = await self._find(tenant_id, request), call_of(context).rights
        if found is None or not rights.sees(found.record):
            raise EventNotFoundError
        if found.outcome is None or rights.scope is not None:  # an event of somebody else
            return found.record
        return found.record + frame_outcome(OUTCOME_OF_GET, found.outcome)

    async def Query(self, data: bytes, context: Context) -> bytes:
        """A page of events."""
        request = parse(pb.QueryRequest, data)
        rights = call_of(context).rights
        event_filter = rights.narrow(decode_filter(request.filter, self._limits))
        if request.include_outcomes:
            rights.check_unlimited("include_outcomes", "outcomes are events of others")
        limit = requests.page_size(request, self._limits)
        checked_enum(request.order, pb.QueryOrder.DESCRIPTOR, "order")
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        request.order = request.order or pb.QUERY_ORDER_NEWEST_FIRST
        request.filter.SetInParent()  # an absent one and an empty one are the same listing
        listing = Listing(tenant_id, request, scope_key=rights.scope_key)
        if request.page_token:
            cursor, through = listing.place(request.page_token, Positions.unpack)
        else:
            cursor, through = None, (await self._reader.head(tenant_id)).position
        page = await self._reader.query(
            tenant_id,
            event_filter,
            newest_first=request.order == pb.QUERY_ORDER_NEWEST_FIRST,
            cursor=cursor,
            through=through,
            limit=limit,
        )
        next_page_token, total_size = "", None
        if not page.is_last:
            next_page_token = listing.token(Positions(page.examined_position, through).pack())
        if request.include_total_size:
            total_size = await self._reader.count(tenant_id, event_filter, through)
        outcomes = b""
        if request.include_outcomes:
            latest = await self._meaning.latest_outcomes(
                tenant_id, event_ids_of(page.records), bytes_max=_OUTCOMES_BYTES_MAX
            )
            outcomes = frame_outcomes(OUTCOMES_OF_QUERY, latest)
        return encode_query_response(
            page.records,
            next_page_token=next_page_token,
            total_size=total_size,
            through_position=through,
            outcomes=outcomes,
        )

    async def Replay(self, data: bytes, context: Context) -> None:
        """A stretch of history; ends with SERVER_DRAINING when the server stops."""
        request = parse(pb.ReplayRequest, data)
        aggregate, event_filter = requests.replay_scope(request, self._limits)
        max_events = at_least(0, request.max_events, "max_events") or None
        checked_enum(request.direction, pb.ReplayDirection.DESCRIPTOR, "direction")
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        if aggregate is not None:
            event_filter = replace(event_filter, aggregate=aggregate)
        rights = call_of(context).rights
        event_filter = rights.narrow(event_filter)
        if aggregate is not None:
            await check_aggregate_seen(self._reader, tenant_id, aggregate, rights)
        after, through = await self._stretch(tenant_id, aggregate, request)
        event_id = requests.cursor_event_id(request)
        await self._check_cursor_seen(tenant_id, request.after_position, event_id, rights)
        if after >= through:
            return
        replay = self._reader.replay(
            tenant_id,
            event_filter,
            after=after,
            through=through,
            backwards=request.direction == pb.REPLAY_DIRECTION_BACKWARDS,
            max_events=max_events,
        )
        async with aclosing(until_drained(replay, self._drain)) as batches:
            async for records, _, examined_position in batches:
                await context.write(encode_replay_response(records, examined_position))

    async def Subscribe(self, data: bytes, context: Context) -> None:
        """The log from a cursor on, without end."""
        request = parse(pb.SubscribeRequest, data)
        rights = call_of(context).rights
        event_filter = rights.narrow(decode_filter(request.filter, self._limits))
        heartbeat_seconds = requests.heartbeat_seconds(request, self._heartbeat_seconds)
        event_id = requests.cursor_event_id(request)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        match request.WhichOneof("start"):
            case "after_position":
                after = at_least(0, request.after_position, "after_position")
                await self._reader.check_cursor(tenant_id, after, event_id)
                await self._check_cursor_seen(tenant_id, after, event_id, rights)
            case "from_time":
                time = checked_time(request.from_time, "from_time")
                after, event_filter = await self._from_time(tenant_id, event_filter, time)
            case "from_now":
                after = (await self._reader.head(tenant_id)).position
            case _:
                raise BadRequestError(FieldViolation("start", "must be given"))
        subscription = self._subscriptions.subscribe(
            tenant_id, event_filter, after=after, heartbeat_seconds=heartbeat_seconds
        )
        async with subscription as messages:
            async for message in messages:
                await context.write(self._encode(message))

    async def _sees(self, tenant_id: int, position: int, rights: Rights) -> bool:
        """Whether a caller may see the event at a position."""
        if rights.scope is None:
            return True
        found = await self._reader.event_at_position(tenant_id, position)
        return found is not None and rights.sees(found.record)

    async def _check_cursor_seen(
        self, tenant_id: int, position: int, event_id: bytes | None, rights: Rights
    ) -> None:
        """LogDivergedError for an event that the caller may not see: as for one that is not it."""
        if event_id is not None and not await self._sees(tenant_id, position, rights):
            raise log_diverged(position, event_id)

    def _encode(self, message: SubscriptionMessage) -> bytes:
        """The response; those who follow live are sent the same one, one after the other."""
        if message is not self._encoded[0]:
            encoded = encode_subscribe_response(
                message.records,
                message.examined_position,
                caught_up=message.caught_up,
                fell_behind=message.fell_behind,
                heartbeat=message.heartbeat,
            )
            self._encoded = (message, encoded)
        return self._encoded[1]

    async def _find(self, tenant_id: int, request: pb.GetRequest) -> FoundEvent | None:
        reader, with_outcome = self._reader, not request.without_outcome
        match request.WhichOneof("by"):
            case "event_id":
                event_id = decode_uuid(request.event_id, "event_id")
                return await reader.event_by_id(tenant_id, event_id, with_outcome=with_outcome)
            case "position":
                position = at_least(1, request.position, "position")
                return await reader.event_at_position(
                    tenant_id, position, with_outcome=with_outcome
                )
            case "aggregate_sequence":
                by = request.aggregate_sequence
                path = "aggregate_sequence.aggregate"
                aggregate = decode_aggregate(by.aggregate, path, self._limits.name_bytes_max)
                sequence = at_least(1, by.sequence, "aggregate_sequence.sequence")
                return await reader.event_at_sequence(
                    tenant_id, aggregate, sequence, with_outcome=with_outcome
                )
            case "idempotency_key":
                key = requests.checked_key(request.idempotency_key, self._limits)
                return await reader.event_by_key(tenant_id, key, with_outcome=with_outcome)
            case _:
                raise BadRequestError(FieldViolation("by", "must be given"))

    async def _from_time(
        self, tenant_id: int, event_filter: EventFilter, time: int
    ) -> tuple[int, EventFilter]:
        """The position after which events from a time on are subscribed to, and the filter then."""
        head = await self._reader.head(tenant_id)
        after = await self._reader.position_before(tenant_id, time)
        if time > head.record_time:  # events may come that are still too early
            recorded_from = max(time, event_filter.recorded_from or time)
            event_filter = replace(event_filter, recorded_from=recorded_from)
        return after, event_filter

    async def _stretch(
        self, tenant_id: int, aggregate: AggregateKey | None, request: pb.ReplayRequest
    ) -> tuple[int, int]:
        """The positions after which, and through which, is replayed."""
        event_id = requests.cursor_event_id(request)
        cursor = at_least(0, request.after_position, "after_position")
        end = at_least(0, request.through_position, "through_position")
        asked = requests.extent_asked(request, aggregate)
        extent = await self._reader.extent(tenant_id, asked)
        if aggregate is not None and extent.last_sequence is None:
            raise AggregateNotFoundError(aggregate)
        extent.check_cursor(cursor, event_id)
        after = cursor if extent.after is None else extent.after
        if extent.through is not None:
            end = extent.through
        elif not request.HasField("through_position"):
            end = extent.head
        return after, min(end, extent.head)
