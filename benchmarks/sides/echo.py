"""A bare grpc.aio server that answers Emit at once, with as many receipts as there are events.

The same messages as everlog's, the same event loop, and nothing else: what RPC in Python costs by
itself. `python -m benchmarks.sides.echo 127.0.0.1:PORT`
"""

from __future__ import annotations

import sys
import time
import uuid

import grpc
import uvloop
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_store_pb2 as pb
from everlog.v1 import event_store_pb2_grpc


class Echo(event_store_pb2_grpc.EventStoreServiceServicer):
    """Counts positions, keeps nothing."""

    def __init__(self) -> None:
        self._position = 0
        self._event_id = str(uuid.uuid4())
        self._time = Timestamp(seconds=int(time.time()), nanos=1_000)

    async def Emit(self, request: pb.EmitRequest, context: object) -> pb.EmitResponse:  # noqa: N802
        """Answers with one receipt for each event."""
        response = pb.EmitResponse()
        for _ in request.events:
            self._position += 1
            response.receipts.add(
                event_id=self._event_id,
                position=self._position,
                sequence=self._position,
                record_time=self._time,
                documentable=True,
            )
        return response


async def main() -> None:
    server = grpc.aio.server()
    event_store_pb2_grpc.add_EventStoreServiceServicer_to_server(Echo(), server)  # type: ignore[abstract] # only Emit
    server.add_insecure_port(sys.argv[1])
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
