"""Unary Emits of one event each, so many in flight: against everlog, or against the echo.

Parameters: address, count, in_flight, payload_bytes, and a token if one is wanted. Every answer has
to have one receipt, and no two the same position.
"""

from __future__ import annotations

import asyncio

import grpc
import uvloop

from benchmarks.loads import common
from everlog.v1 import event_pb2
from everlog.v1.event_store_pb2 import EmitRequest
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub


def make_requests(count: int, payload_bytes: int) -> list[EmitRequest]:
    """One request for each event."""
    return [
        EmitRequest(
            events=[
                event_pb2.NewEvent(
                    aggregate_type=common.AGGREGATE_TYPE,
                    aggregate_id=common.aggregate_id(number),
                    event_type=common.EVENT_TYPE,
                    json=common.payload(payload_bytes, number),
                )
            ]
        )
        for number in range(count)
    ]


async def main() -> None:
    told = common.parameters()
    requests = make_requests(told["count"], told["payload_bytes"])
    positions: set[int] = set()
    metadata = common.metadata(told)
    async with grpc.aio.insecure_channel(told["address"]) as channel:
        emit = EventStoreServiceStub(channel).Emit
        await channel.channel_ready()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        waiting = iter(requests)

        async def caller() -> None:
            for request in waiting:
                response = await emit(request, metadata=metadata)
                positions.update(receipt.position for receipt in response.receipts)

        await asyncio.gather(*(caller() for _ in range(told["in_flight"])))
        stopwatch.report(len(positions))


if __name__ == "__main__":
    uvloop.run(main())
