"""Traces of one workflow, or Queries of as many events, one after the other, each timed.

Parameters: address, kind (`trace` or `query`), calls, events (of the workflow, and of a page). The
workflow is emitted first, with ids that are the same each time: the second load finds it there.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import grpc
import uvloop

from benchmarks.loads import common
from everlog.v1 import event_pb2, narratives_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

WARM_UP_CALLS = 5
PAYLOAD_BYTES = 48


def workflow(count: int) -> Iterable[event_pb2.NewEvent]:
    """Events that each name the two before the middle, one of them as the cause."""
    ids = [str(uuid.UUID(int=(7 << 76) | (2 << 62) | number)) for number in range(count)]
    for number, event_id in enumerate(ids):
        event = event_pb2.NewEvent(
            event_id=event_id,
            aggregate_type="workflow",
            aggregate_id=common.aggregate_id(number),
            event_type="step.done",
            json=common.payload(PAYLOAD_BYTES, number),
            correlation_id="workflow",
        )
        if number:
            event.causation_id = ids[(number - 1) // 2]
            event.context.related_event_ids.extend({ids[(number - 1) // 2], ids[number // 2]})
        yield event


async def main() -> None:
    told = common.parameters()
    count = told["events"]
    async with grpc.aio.insecure_channel(told["address"]) as channel:
        store, narratives = EventStoreServiceStub(channel), NarrativeServiceStub(channel)
        response = await store.Emit(pb.EmitRequest(events=workflow(count)))
        root = response.receipts[0].event_id

        async def trace(_: int) -> int:
            request = narratives_pb2.TraceRequest(event_id=root, max_events=count)
            return len((await narratives.Trace(request)).events)

        async def query(_: int) -> int:
            return len((await store.Query(pb.QueryRequest(page_size=count))).events)

        call = {"trace": trace, "query": query}[told["kind"]]
        await common.report_calls(call, warm_up_calls=WARM_UP_CALLS, calls=told["calls"])


if __name__ == "__main__":
    uvloop.run(main())
