"""A member of a consumer, as a client without comforts: what tests say and hear on its stream."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import grpc

from everlog.v1 import consumers_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

WAIT_SECONDS = 30


class TestMember:
    """One Consume stream. `deliveries` and `settlements` fill by themselves."""

    __test__ = False

    def __init__(self, stub: ConsumerServiceStub, consumer: str, **opening: Any) -> None:
        self.deliveries: asyncio.Queue[pb.Delivery] = asyncio.Queue()
        self.settlements: asyncio.Queue[pb.Settlement] = asyncio.Queue()
        self.heartbeats = 0
        self._heard = asyncio.Event()
        self.opened: asyncio.Future[pb.ConsumeResponse.Opened] = asyncio.Future()
        self.ended: asyncio.Future[grpc.aio.AioRpcError | None] = asyncio.Future()
        self._call = stub.Consume()
        self._opening = pb.ConsumeRequest.Open(consumer=consumer, **opening)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            await self._call.write(pb.ConsumeRequest(open=self._opening))
            async for message in self._call:
                if message.HasField("opened"):
                    self.opened.set_result(message.opened)
                self.heartbeats += message.HasField("heartbeat")
                self._heard.set()
                for delivery in message.deliveries:
                    self.deliveries.put_nowait(delivery)
                for settlement in message.settlements:
                    self.settlements.put_nowait(settlement)
        except grpc.aio.AioRpcError as error:
            self._end(error)
        except (asyncio.CancelledError, asyncio.InvalidStateError):
            self._end(None)
        else:
            self._end(None)

    def _end(self, error: grpc.aio.AioRpcError | None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)
        if not self.opened.done():
            self.opened.cancel()

    async def next(self) -> pb.Delivery:
        """The next delivery; fails the test if the stream ends before."""
        async with asyncio.timeout(WAIT_SECONDS):
            getting = asyncio.ensure_future(self.deliveries.get())
            try:
                await asyncio.wait((getting, self.ended), return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    raise AssertionError(f"the stream ended: {self.ended.result()}")
                return getting.result()
            finally:
                getting.cancel()

    async def take(self, count: int) -> list[pb.Delivery]:
        """So many deliveries."""
        return [await self.next() for _ in range(count)]

    async def answer(self, *answers: pb.DeliveryAnswer, leave: bool = False) -> None:
        """Says so."""
        await self._call.write(pb.ConsumeRequest(answers=answers, leave=leave))

    async def ack(self, *deliveries: pb.Delivery) -> list[pb.Settlement]:
        """Acknowledges, and waits for the settlements."""
        await self.answer(*map(acked, deliveries))
        return [await self.settled() for _ in deliveries]

    async def settled(self) -> pb.Settlement:
        """The next settlement."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.settlements.get()

    async def leave(self) -> None:
        """Leaves, and waits for the end, which must be a good one."""
        await self.answer(leave=True)
        assert await self.end() is None

    async def end(self) -> grpc.aio.AioRpcError | None:
        """How the stream ended."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.ended

    async def hears_heartbeats(self, count: int) -> None:
        """Returns when so many have come."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.heartbeats < count:
                self._heard.clear()
                await self._heard.wait()

    async def half_close(self) -> None:
        """Says nothing more."""
        await self._call.done_writing()

    async def cancel(self) -> None:
        """Breaks the stream off."""
        self._call.cancel()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


def acked(delivery: pb.Delivery) -> pb.DeliveryAnswer:
    """The answer that it is finished."""
    return pb.DeliveryAnswer(delivery_id=delivery.delivery_id, attempt=delivery.attempt, ack={})  # type: ignore[arg-type]  # as protobuf takes it


def released(delivery: pb.Delivery) -> pb.DeliveryAnswer:
    """The answer that it was not begun."""
    return pb.DeliveryAnswer(
        delivery_id=delivery.delivery_id,
        attempt=delivery.attempt,
        release={},  # type: ignore[arg-type]  # as protobuf takes it
    )


def nacked(delivery: pb.Delivery, error: str = "no", **action: Any) -> pb.DeliveryAnswer:
    """The answer that it failed."""
    return pb.DeliveryAnswer(
        delivery_id=delivery.delivery_id,
        attempt=delivery.attempt,
        nack=pb.DeliveryAnswer.Nack(error=error, **action),
    )


class Client:
    """The stubs on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.events = EventStoreServiceStub(channel)
        self.consumers = ConsumerServiceStub(channel)

    async def create(self, name: str, **settings: Any) -> pb.Consumer:
        """A consumer from the log's beginning."""
        start = settings.pop("start", {})
        settings.setdefault("checkpoint_interval", {})
        request = pb.CreateConsumerRequest(
            name=name, settings=pb.ConsumerSettings(**settings), **start
        )
        return (await self.consumers.CreateConsumer(request)).consumer

    async def get(self, name: str) -> pb.Consumer:
        """A consumer."""
        return (await self.consumers.GetConsumer(pb.GetConsumerRequest(name=name))).consumer

    async def emit(self, *aggregates: str, event_type: str = "order.created") -> list[int]:
        """An event of each aggregate, in one request; their positions."""
        events = [
            event_pb2.NewEvent(
                aggregate_type=one.partition("/")[0],
                aggregate_id=one.partition("/")[2],
                event_type=event_type,
                json="{}",
            )
            for one in aggregates
        ]
        response = await self.events.Emit(event_store_pb2.EmitRequest(events=events))
        return [receipt.position for receipt in response.receipts]

    @contextlib.asynccontextmanager
    async def member(self, consumer: str, **opening: Any) -> AsyncIterator[TestMember]:
        """A member, broken off with the block."""
        member = TestMember(self.consumers, consumer, **opening)
        try:
            yield member
        finally:
            await member.cancel()


@contextlib.asynccontextmanager
async def client_for(address: str) -> AsyncIterator[Client]:
    """Stubs on a channel of its own."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    ]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield Client(channel)


def positions(deliveries: Iterable[pb.Delivery]) -> list[int]:
    """Of their events."""
    return [one.event.position for one in deliveries]
