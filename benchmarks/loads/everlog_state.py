"""States told by the server, or replays of as many events, one after the other, each timed.

Parameters: address, kind, aggregate_type, aggregate_id, events (that the aggregate has), calls,
payload_bytes. Kinds: `emit` (makes the aggregate's events; calls is not asked for), `state`
(GetState), `replay` (of the aggregate, whose events are only counted).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import uvloop

from benchmarks.loads import common
from everlog.v1 import aggregates_pb2, event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.aggregates_pb2_grpc import AggregateServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WARM_UP_CALLS = 3
BATCH_EVENTS = 1_000


def make_requests(told: dict[str, Any]) -> list[pb.EmitRequest]:
    """The aggregate's events, in requests of 1,000."""
    events = [
        event_pb2.NewEvent(
            aggregate_type=told["aggregate_type"],
            aggregate_id=told["aggregate_id"],
            event_type=common.EVENT_TYPE,
            json=common.payload(told["payload_bytes"], number),
        )
        for number in range(told["events"])
    ]
    starts = range(0, len(events), BATCH_EVENTS)
    return [pb.EmitRequest(events=events[start : start + BATCH_EVENTS]) for start in starts]


def make_call(channel: grpc.aio.Channel, told: dict[str, Any]) -> Callable[[int], Awaitable[int]]:
    """The call, which returns how many events it was about."""
    key = event_pb2.AggregateKey(
        aggregate_type=told["aggregate_type"], aggregate_id=told["aggregate_id"]
    )
    store, aggregates = EventStoreServiceStub(channel), AggregateServiceStub(channel)

    async def state(_: int) -> int:
        response = await aggregates.GetState(aggregates_pb2.GetStateRequest(aggregate=key))
        return response.events_replayed

    async def replay(_: int) -> int:
        batches = store.Replay(pb.ReplayRequest(aggregate=key))
        return sum([len(batch.events) async for batch in batches])

    return {"state": state, "replay": replay}[told["kind"]]


async def main() -> None:
    told = common.parameters()
    async with grpc.aio.insecure_channel(told["address"]) as channel:
        if told["kind"] == "emit":
            requests = make_requests(told)
            stub = EventStoreServiceStub(channel)
            common.wait_for_go()
            stopwatch = common.Stopwatch()
            stopwatch.report(
                sum([len((await stub.Emit(request)).receipts) for request in requests])
            )
            return
        call = make_call(channel, told)
        await common.report_calls(call, warm_up_calls=WARM_UP_CALLS, calls=told["calls"])


if __name__ == "__main__":
    uvloop.run(main())
