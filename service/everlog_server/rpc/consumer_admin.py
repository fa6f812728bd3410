"""The rest of ConsumerService: what is around the streams. See consumer_service.py.

Check, decode, one call into the house, encode.
"""

from __future__ import annotations

from functools import lru_cache, partial

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers.accounts import EventAccounts
from everlog_server.consumers.parked import ParkedEvents
from everlog_server.consumers.pending import PendingEvents, Place
from everlog_server.errors import (
    BadRequestError,
    FieldViolation,
    VersionConflictError,
)
from everlog_server.model import EventFilter
from everlog_server.rpc import consumer_account_requests as requests
from everlog_server.rpc.consumer_account_messages import (
    encode_parked,
    encode_pending,
    encode_processing,
)
from everlog_server.rpc.consumer_messages import encode_consumer
from everlog_server.rpc.consumer_requests import (
    decode_name,
    decode_settings,
    encode_settings,
    policy_of,
)
from everlog_server.rpc.consumer_service import ConsumerService
from everlog_server.rpc.entry import Context, tenant_of
from everlog_server.rpc.fields import decode_uuid
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.page_token import Listing, Positions, fill_page
from everlog_server.rpc.requests import at_least, page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.visibility import patience_seconds
from everlog_server.settings import LimitSettings
from everlog_server.storage.consumer_accounts import ConsumerAccounts
from everlog_server.storage.consumer_parked import ConsumerParked
from everlog_server.storage.consumers import ConsumerStore, StoredConsumer
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants
from everlog_server.subscriptions.matching import matcher

_POLICIES_KEPT = 4_096
_REPLAY, _DISCARD = "retry", "ack"
_DECISION_SECONDS_MAX = 10.0


class ConsumerAdmin:
    """All handlers of the service: those of the streams, and its own."""

    name = ConsumerService.name

    def __init__(
        self,
        service: ConsumerService,
        *,
        store: ConsumerStore,
        accounts: ConsumerAccounts,
        parked: ConsumerParked,
        tenants: Tenants,
        reader: EventReader,
        limits: LimitSettings,
    ) -> None:
        self._service = service
        self._tenants = tenants
        self._reader = reader
        self._limits = limits
        self._stored = accounts
        self._policy_of = lru_cache(_POLICIES_KEPT)(partial(policy_of, limits=limits))
        self._accounts = EventAccounts(accounts, self._policy_of, matcher)
        self._pending = PendingEvents(accounts, store, reader, self._policy_of)
        self._parked = ParkedEvents(parked, self._accounts, reader, self._policy_of)

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return self._service.handlers() | unary(
            self.UpdateConsumer,
            self.ListConsumers,
            self.DeleteConsumer,
            self.ResetConsumer,
            self.ListPending,
            self.GetProcessing,
            self.SetProcessing,
            self.ListParked,
            self.GetParked,
            self.ReplayParked,
            self.DiscardParked,
        )

    async def UpdateConsumer(self, data: bytes, context: Context) -> bytes:
        """Replaces the settings."""
        request = parse(pb.UpdateConsumerRequest, data)
        name = decode_name(request.name, "name")
        settings = encode_settings(decode_settings(request.settings, self._limits))
        expected = at_least(0, request.expected_version, "expected_version")
        tenant_id, consumer = await self._find(name, context)
        before, after = self._policy_of(consumer.settings), self._policy_of(settings)
        if before.is_ordered != after.is_ordered:
            raise BadRequestError(
                FieldViolation(
                    "settings.ordering",
                    "can't be changed, since it says whose share an event is: create another"
                    " consumer",
                )
            )
        version, is_updated = await self._stored.update(
            tenant_id, consumer, settings, expected_version=expected
        )
        if not is_updated:
            raise VersionConflictError(f"consumer {name}", expected=expected, actual=version)
        told = await self._told(tenant_id, name)
        return pb.UpdateConsumerResponse(consumer=told).SerializeToString()

    async def ListConsumers(self, data: bytes, context: Context) -> bytes:
        """A page of consumers."""
        request = parse(pb.ListConsumersRequest, data)
        limit = page_size(request, self._limits)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        listing, after = Listing(tenant_id, request), ""
        if request.page_token:
            after = listing.place(request.page_token, bytes.decode)
        found = await self._stored.consumers(tenant_id, after=after, limit=limit + 1)
        response = pb.ListConsumersResponse()
        if fill_page(response.consumers, (encode_consumer(*one) for one in found), limit):
            response.next_page_token = listing.token(response.consumers[-1].name.encode())
        return response.SerializeToString()

    async def DeleteConsumer(self, data: bytes, context: Context) -> bytes:
        """Deletes it."""
        request = parse(pb.DeleteConsumerRequest, data)
        name = decode_name(request.name, "name")
        tenant_id, consumer = await self._find(name, context)
        await self._discard_all(tenant_id, consumer)
        await self._stored.delete(tenant_id, consumer)
        return b""

    async def ResetConsumer(self, data: bytes, context: Context) -> bytes:
        """Lets it go on elsewhere."""
        request = parse(pb.ResetConsumerRequest, data)
        name = decode_name(request.name, "name")
        if request.WhichOneof("start") is None:
            raise BadRequestError(
                FieldViolation("start", "must be given: after_position, from_time, or from_now")
            )
        tenant_id, consumer = await self._find(name, context)
        position = await self._service.start_of(tenant_id, request)
        if request.discard_parked:
            await self._discard_all(tenant_id, consumer)
        await self._stored.reset(
            tenant_id, consumer, position, discard_parked=request.discard_parked
        )
        told = await self._told(tenant_id, name)
        return pb.ResetConsumerResponse(consumer=told).SerializeToString()

    async def ListPending(self, data: bytes, context: Context) -> bytes:
        """A page of events that are not finished."""
        request = parse(pb.ListPendingRequest, data)
        name = decode_name(request.consumer, "consumer")
        limit = page_size(request, self._limits)
        tenant_id, consumer = await self._find(name, context)
        listing, place = Listing(tenant_id, request), None
        if request.page_token:
            place = listing.place(request.page_token, Place.unpack)
        page = await self._pending.page(tenant_id, consumer, place, limit=limit)
        rest = pb.ListPendingResponse()
        if page.next_place is not None:
            rest.next_page_token = listing.token(page.next_place.pack())
        # Fields may come in any order, and joined elements are those of field 1: see codec.py.
        return b"".join([*map(encode_pending, page.events), rest.SerializeToString()])

    async def GetProcessing(self, data: bytes, context: Context) -> bytes:
        """What became of an event."""
        request = parse(pb.GetProcessingRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        name = requests.optional_name(request.consumer, "consumer")
        tenant_id = await self._tenants.resolve(tenant_of(context))
        found = await self._accounts.processing(tenant_id, event_id, consumer=name)
        return pb.GetProcessingResponse(
            processing=map(encode_processing, found)
        ).SerializeToString()

    async def SetProcessing(self, data: bytes, context: Context) -> bytes:
        """Decides about an event by hand."""
        request = parse(pb.SetProcessingRequest, data)
        name = decode_name(request.consumer, "consumer")
        event_id = decode_uuid(request.event_id, "event_id")
        action = requests.decode_action(request)
        tenant_id, _ = await self._find(name, context)
        after = await self._accounts.decide(
            tenant_id,
            name,
            event_id,
            action=action,
            reason=request.reason,
            patience_seconds=_patience_seconds(context),
        )
        return pb.SetProcessingResponse(processing=encode_processing(after)).SerializeToString()

    async def ListParked(self, data: bytes, context: Context) -> bytes:
        """A page of parked events."""
        request = parse(pb.ListParkedRequest, data)
        name = decode_name(request.consumer, "consumer")
        limit = page_size(request, self._limits)
        event_filter = decode_filter(request.filter, self._limits)
        tenant_id, consumer = await self._find(name, context)
        request.filter.SetInParent()  # an absent one and an empty one are the same listing
        listing = Listing(tenant_id, request)
        if request.page_token:
            after, through = listing.place(request.page_token, Positions.unpack)
        else:
            after, through = 0, (await self._reader.head(tenant_id)).position
        page = await self._parked.page(
            tenant_id, consumer, event_filter, after=after, through=through, limit=limit
        )
        rest = pb.ListParkedResponse()
        if page.examined_position:
            rest.next_page_token = listing.token(Positions(page.examined_position, through).pack())
        parked = (encode_parked(name, one) for one in page.events)
        return b"".join([*parked, rest.SerializeToString()])

    async def GetParked(self, data: bytes, context: Context) -> bytes:
        """One parked event."""
        request = parse(pb.GetParkedRequest, data)
        name = decode_name(request.consumer, "consumer")
        event_id = decode_uuid(request.event_id, "event_id")
        tenant_id, consumer = await self._find(name, context)
        return encode_parked(name, await self._parked.event(tenant_id, consumer, event_id))

    async def ReplayParked(self, data: bytes, context: Context) -> bytes:
        """Delivers parked events again."""
        request = parse(pb.ReplayParkedRequest, data)
        events = await self._move(request.consumer, request.selection, _REPLAY, context)
        return pb.ReplayParkedResponse(events=events).SerializeToString()

    async def DiscardParked(self, data: bytes, context: Context) -> bytes:
        """Forgets parked events."""
        request = parse(pb.DiscardParkedRequest, data)
        events = await self._move(request.consumer, request.selection, _DISCARD, context)
        return pb.DiscardParkedResponse(events=events).SerializeToString()

    async def _move(
        self, name: str, selection: pb.ParkedSelection, action: str, context: Context
    ) -> int:
        decode_name(name, "consumer")
        selected = requests.decode_selection(selection, self._limits)
        tenant_id, consumer = await self._find(name, context)
        patience = _patience_seconds(context)
        if isinstance(selected, EventFilter):
            return await self._parked.move_matching(
                tenant_id, consumer, selected, action=action, patience_seconds=patience
            )
        return await self._parked.move_ids(
            tenant_id, consumer, selected, action=action, patience_seconds=patience
        )

    async def _discard_all(self, tenant_id: int, consumer: StoredConsumer) -> None:
        """Parked events in pieces: what comes after it is one statement a table."""
        await self._parked.move_matching(
            tenant_id, consumer, EventFilter(), action=_DISCARD, patience_seconds=0
        )

    async def _find(self, name: str, context: Context) -> tuple[int, StoredConsumer]:
        tenant_id = await self._tenants.resolve(tenant_of(context))
        return tenant_id, await self._service.find(tenant_id, name)

    async def _told(self, tenant_id: int, name: str) -> pb.Consumer:
        return await self._service.describe(tenant_id, await self._service.find(tenant_id, name))


def _patience_seconds(context: Context) -> float:
    return min(_DECISION_SECONDS_MAX, patience_seconds(context))
