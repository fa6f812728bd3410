"""EmitStreams of large requests, prebuilt, some in flight on each stream.

Parameters: address, count, streams, batch_events, in_flight (requests, on each stream),
payload_bytes, and a token if one is wanted. Every request must be answered with its number of
receipts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import uvloop

from benchmarks.loads import common
from benchmarks.loads.everlog_unary import make_requests
from everlog.v1.event_store_pb2 import EmitRequest, EmitStreamRequest
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def make_messages(count: int, batch_events: int, payload_bytes: int) -> list[EmitStreamRequest]:
    """One message for each request."""
    singles = make_requests(count, payload_bytes)
    messages = []
    for start in range(0, count, batch_events):
        batch = singles[start : start + batch_events]
        message = EmitStreamRequest()
        message.emits.add(
            request_id=start, request=EmitRequest(events=[one.events[0] for one in batch])
        )
        messages.append(message)
    return messages


async def main() -> None:
    told = common.parameters()
    messages = make_messages(told["count"], told["batch_events"], told["payload_bytes"])
    positions: set[int] = set()
    metadata = common.metadata(told)
    options = [("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(told["address"], options=options) as channel:
        stub = EventStoreServiceStub(channel)
        await channel.channel_ready()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        waiting = iter(messages)

        async def stream() -> None:
            room = asyncio.Semaphore(told["in_flight"])

            async def requests() -> AsyncIterator[EmitStreamRequest]:
                for message in waiting:
                    await room.acquire()
                    yield message

            async for response in stub.EmitStream(requests(), metadata=metadata):
                for answer in response.answers:
                    room.release()
                    positions.update(receipt.position for receipt in answer.response.receipts)

        await asyncio.gather(*(stream() for _ in range(told["streams"])))
        stopwatch.report(len(positions))


if __name__ == "__main__":
    uvloop.run(main())
