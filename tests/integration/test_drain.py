"""Whoever reads history when the server stops is told so, with a reason to go elsewhere."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.servers import serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_replay_that_runs_when_the_server_stops_ends_with_a_reason(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path, "--drain-grace-seconds", "60") as server,
        stub_for(server.address) as stub,
    ):
        event = event_pb2.NewEvent(
            aggregate_type="a", aggregate_id="1", event_type="a.written", json=f'"{"x" * 200_000}"'
        )
        for _ in range(40):  # far more than gRPC takes from a handler that nobody reads
            await stub.Emit(pb.EmitRequest(events=[event] * 4))
        replay = stub.Replay(pb.ReplayRequest())
        batches = aiter(replay)
        positions = [e.position for e in (await anext(batches)).events]
        stopping = asyncio.create_task(server.stop(signal.SIGTERM))
        await asyncio.sleep(0.5)  # the server waits in a write

        async def read_on() -> None:
            async for batch in batches:
                positions.extend(e.position for e in batch.events)

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await asyncio.wait_for(read_on(), 20)  # of a grace of 60
        assert await stopping == 0

    status = rpc_status.from_call(ended.value)  # type: ignore[arg-type]  # it has what it takes
    info = ErrorInfo()
    assert status is not None, ended.value
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason == "SERVER_DRAINING"
    assert positions == list(range(1, len(positions) + 1))
    assert len(positions) < 160
