"""ConsumerService: check, decode, one call into the house, encode. Consume: consume_stream.py."""

from __future__ import annotations

from uuid import uuid4

import grpc

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Consumers
from everlog_server.errors import (
    BadRequestError,
    ConsumerExistsError,
    ConsumerNotFoundError,
    CursorBeyondHeadError,
    FieldViolation,
)
from everlog_server.rpc import consumer_requests as requests
from everlog_server.rpc.consume_stream import ConsumeStreams
from everlog_server.rpc.consumer_messages import encode_consumer
from everlog_server.rpc.entry import Context, tenant_of
from everlog_server.rpc.requests import at_least, checked_time, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.settings import LimitSettings
from everlog_server.storage.consumers import ConsumerStore, StoredConsumer
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants


class ConsumerService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["ConsumerService"].full_name

    def __init__(
        self,
        *,
        consumers: Consumers,
        store: ConsumerStore,
        tenants: Tenants,
        reader: EventReader,
        limits: LimitSettings,
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._reader = reader
        self._limits = limits
        self._streams = ConsumeStreams(consumers=consumers, tenants=tenants)

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(self.CreateConsumer, self.GetConsumer) | {
            "Consume": grpc.stream_stream_rpc_method_handler(self._streams.Consume),
        }

    async def CreateConsumer(self, data: bytes, context: Context) -> bytes:
        """Creates a consumer, unless it is there."""
        request = parse(pb.CreateConsumerRequest, data)
        name = requests.decode_name(request.name)
        settings = requests.decode_settings(request.settings, self._limits)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        found = await self._store.find(tenant_id, name)
        existed = found is not None
        if found is None:
            position = await self.start_of(tenant_id, request)
            existed = not await self._store.create(
                tenant_id, name, uuid4(), requests.encode_settings(settings), position=position
            )
            found = await self.find(tenant_id, name)
        if existed and pb.ConsumerSettings.FromString(found.settings) != settings:
            raise ConsumerExistsError(f"there is a consumer {name!r} with other settings")
        consumer = await self.describe(tenant_id, found)
        return pb.CreateConsumerResponse(consumer=consumer, existed=existed).SerializeToString()

    async def GetConsumer(self, data: bytes, context: Context) -> bytes:
        """A consumer, and where it is."""
        request = parse(pb.GetConsumerRequest, data)
        name = requests.decode_name(request.name)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        consumer = await self.describe(tenant_id, await self.find(tenant_id, name))
        return pb.GetConsumerResponse(consumer=consumer).SerializeToString()

    async def find(self, tenant_id: int, name: str) -> StoredConsumer:
        """A consumer by its name; raises ConsumerNotFoundError."""
        found = await self._store.find(tenant_id, name)
        if found is None:
            raise ConsumerNotFoundError(f"there is no consumer {name!r}")
        return found

    async def describe(self, tenant_id: int, found: StoredConsumer) -> pb.Consumer:
        """A consumer, and where it is."""
        return encode_consumer(
            found,
            await self._store.status(tenant_id, found.consumer_id),
            await self._store.members(tenant_id, found.consumer_id),
        )

    async def start_of(
        self, tenant_id: int, request: pb.CreateConsumerRequest | pb.ResetConsumerRequest
    ) -> int:
        """The position after which a consumer starts; 0 if the request doesn't say."""
        start = request.WhichOneof("start")
        if start is None:
            return 0
        head = await self._reader.head(tenant_id)
        if start == "from_now":
            return head.position
        if start == "after_position":
            position = at_least(0, request.after_position, "after_position")
            if position > head.position:
                raise CursorBeyondHeadError(position=position, head=head.position)
            return position
        time = checked_time(request.from_time, "from_time")
        if time > head.record_time and time > await self._store.now():
            raise BadRequestError(FieldViolation("from_time", "lies in the future"))
        return await self._reader.position_before(tenant_id, time)
