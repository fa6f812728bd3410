"""Members of a new consumer that acknowledge what they get, or a plain Subscribe of the same.

Parameters: address, kind (`consume` or `subscribe`), members (of the consumer), count, and rate: 0
for events that are there already, from the log's beginning; else events are emitted here, so many
a second, one by one, and what is reported is how long each took to reach a handler. All by
generated stubs: what is measured is the server.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import grpc
import uvloop
from google.protobuf.empty_pb2 import Empty

from benchmarks.loads import common
from everlog.v1 import consumers_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from everlog.v1.consumers_pb2_grpc import ConsumerServiceAsyncStub
    from everlog.v1.event_store_pb2_grpc import EventStoreServiceAsyncStub

PAYLOAD_BYTES = 48
CREDIT = 1_000
SLOTS = 64


class Handled:
    """What has reached a handler, and how long that took."""

    def __init__(self, count: int, *, is_live: bool) -> None:
        self.latencies: list[float] = []
        self._left = count
        self._is_live = is_live
        self.all = asyncio.Event()

    def handle(self, event: event_pb2.RecordedEvent) -> None:
        if self._is_live:
            self.latencies.append(common.seconds_since_sending(event.json))

    def finish(self, count: int) -> None:
        self._left -= count
        if self._left <= 0:
            self.all.set()


async def consume(stub: ConsumerServiceAsyncStub, name: str, handled: Handled) -> None:
    call = stub.Consume()
    opening = pb.ConsumeRequest.Open(consumer=name, credit=CREDIT)
    await call.write(pb.ConsumeRequest(open=opening))
    async for message in call:
        answers = []
        for delivery in message.deliveries:
            handled.handle(delivery.event)
            answers.append(
                pb.DeliveryAnswer(
                    delivery_id=delivery.delivery_id, attempt=delivery.attempt, ack=Empty()
                )
            )
        if answers:
            await call.write(pb.ConsumeRequest(answers=answers))
        for settlement in message.settlements:
            assert not settlement.HasField("refusal"), settlement
        handled.finish(len(message.settlements))


async def subscribe(
    stub: EventStoreServiceAsyncStub, after: int, handled: Handled, ready: Callable[[], None]
) -> None:
    async for message in stub.Subscribe(event_store_pb2.SubscribeRequest(after_position=after)):
        for event in message.events:
            handled.handle(event)
        if message.HasField("caught_up"):
            ready()
        handled.finish(len(message.events))


async def have_shares(stub: ConsumerServiceAsyncStub, name: str, members: int) -> None:
    """Returns when all members have their part: what comes before is no latency of an event."""
    while True:
        status = (await stub.GetConsumer(pb.GetConsumerRequest(name=name))).consumer.status
        shares = [one.shares for one in status.members]
        if len(shares) == members and sum(shares) == SLOTS and max(shares) <= -(-SLOTS // members):
            return
        await asyncio.sleep(0.05)


async def emit_one(store: EventStoreServiceAsyncStub, event: event_pb2.NewEvent) -> None:
    await store.Emit(event_store_pb2.EmitRequest(events=[event]))


async def emit(store: EventStoreServiceAsyncStub, count: int, rate: float) -> None:
    started = time.monotonic()
    emitting = []
    for number in range(count):
        await asyncio.sleep(max(started + number / rate - time.monotonic(), 0))
        event = event_pb2.NewEvent(
            aggregate_type=common.AGGREGATE_TYPE,
            aggregate_id=common.aggregate_id(number),
            event_type=common.EVENT_TYPE,
            json=common.stamped_payload(PAYLOAD_BYTES),
        )
        emitting.append(asyncio.create_task(emit_one(store, event)))
    await asyncio.gather(*emitting)


async def main() -> None:
    told = common.parameters()
    count, rate, members = told["count"], told["rate"], told["members"]
    handled = Handled(count, is_live=bool(rate))
    async with grpc.aio.insecure_channel(told["address"]) as channel:
        store, consumers = EventStoreServiceStub(channel), ConsumerServiceStub(channel)
        after = (await store.GetHead(event_store_pb2.GetHeadRequest())).position if rate else 0
        working: list[asyncio.Task[None]] = []
        name = f"bench-{uuid.uuid4()}"
        caught_up = asyncio.Event()

        def start() -> None:
            if told["kind"] == "consume":
                working.extend(
                    asyncio.create_task(consume(consumers, name, handled)) for _ in range(members)
                )
            else:
                reading = subscribe(store, after, handled, caught_up.set)
                working.append(asyncio.create_task(reading))

        if told["kind"] == "consume":
            request = pb.CreateConsumerRequest(
                name=name,
                settings=pb.ConsumerSettings(in_flight_max=CREDIT),
                after_position=after,
            )
            await consumers.CreateConsumer(request)
        if rate:
            start()
            if told["kind"] == "consume":
                await have_shares(consumers, name, members)
            else:
                await caught_up.wait()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        if rate:
            await emit(store, count, rate)
        else:
            start()
        await handled.all.wait()
        details = common.latency_details(handled.latencies) if rate else {}
        stopwatch.report(count, **details)
        for one in working:
            one.cancel()
        await asyncio.gather(*working, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main())
