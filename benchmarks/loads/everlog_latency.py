"""Calls one after the other, each timed: nothing else is in flight.

Parameters: address, calls, kind, events (that each call must bring), payload_bytes, and a token if
one is wanted. Kinds: `emit` (everlog or the echo), `query` (a page, newest first), `query_type` (a
page of one event type), `replay` (one aggregate, folded into a state).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import grpc
import uvloop

from benchmarks.loads import common
from benchmarks.loads.everlog_unary import make_requests
from everlog.v1 import event_pb2, filter_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceAsyncStub

    Call = Callable[[int], Awaitable[int]]

WARM_UP_CALLS = 50


def make_call(stub: EventStoreServiceAsyncStub, told: dict[str, Any]) -> Call:
    """The call, which returns how many events it brought or stored."""
    metadata = common.metadata(told)
    emits = make_requests(common.AGGREGATES, told["payload_bytes"])
    event_filter = (
        filter_pb2.EventFilter(event_types=[common.EVENT_TYPE])
        if told["kind"] == "query_type"
        else None
    )
    page = pb.QueryRequest(page_size=told["events"], filter=event_filter)

    async def emit(number: int) -> int:
        response = await stub.Emit(emits[number % len(emits)], metadata=metadata)
        return len(response.receipts)

    async def query(_: int) -> int:
        return len((await stub.Query(page, metadata=metadata)).events)

    async def replay(number: int) -> int:
        key = event_pb2.AggregateKey(
            aggregate_type=common.AGGREGATE_TYPE,
            aggregate_id=common.aggregate_id(number * 7),
        )
        count, state = 0, dict[str, Any]()
        request = pb.ReplayRequest(aggregate=key, max_events=told["events"])
        async for batch in stub.Replay(request, metadata=metadata):
            for event in batch.events:
                count += 1
                state.update(json.loads(event.json))
        return count

    return {"emit": emit, "query": query, "query_type": query, "replay": replay}[told["kind"]]


async def main() -> None:
    told = common.parameters()
    async with grpc.aio.insecure_channel(told["address"]) as channel:
        call = make_call(EventStoreServiceStub(channel), told)
        await common.report_calls(call, warm_up_calls=WARM_UP_CALLS, calls=told["calls"])


if __name__ == "__main__":
    uvloop.run(main())
