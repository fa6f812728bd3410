"""Twice the load that can be sustained: nobody is told anything wrong, and everybody something."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest

import everlog
from benchmarks.overload import describe, overload
from benchmarks.processes import Service
from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.servers import serving, stub_for
from tests.toolchains import require

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 20.0
MEMORY_MB_MAX = 600
WORK_SHARE_MIN = 0.3


@pytest.mark.polyglot
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_overload_loses_nothing_and_ends(database_url: str, tmp_path: Path) -> None:
    require("go", "the load is built by Go, and there is no go on this machine")
    async with serving(database_url, tmp_path) as server:
        run = partial(
            overload, Service(server.address, server.pid), peak_seconds=6.0, seconds=SECONDS
        )
        result = await asyncio.to_thread(run)
        said = describe(result)
        assert result.wrong == [], said
        # Not `late`: gRPC ends a call at its deadline in the caller's process, whatever the server
        # does. What comes later tells that this machine left the load no processor.
        # Not of the time, of which whoever else uses this machine takes what they like.
        # `benchmarks.overload`, which has it alone, holds goodput itself to 0.8 of the peak.
        assert result.work_share > WORK_SHARE_MIN, said
        assert max(result.mb) < MEMORY_MB_MAX, said
        assert len(result.over.ends) > result.peak.goodput * SECONDS, said
        # Afterwards it is as if nothing had been.
        async with stub_for(server.address) as stub, asyncio.timeout(10):
            head = await stub.GetHead(pb.GetHeadRequest())
        assert head.position >= len(result.over.numbers("OK"))
        assert psutil.pid_exists(server.pid)
        assert "Traceback" not in server.log


async def test_calls_that_are_not_begun_are_ended_and_nothing_of_them_is_done(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path, "--waiting-calls-max", "5") as server:

        async def emit(number: int) -> str:
            event = event_pb2.NewEvent(
                aggregate_type="order", aggregate_id=str(number), event_type="a.b", json="{}"
            )
            try:
                await stub.Emit(pb.EmitRequest(events=[event]), timeout=30)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

        async with stub_for(server.address) as stub:
            endings = await asyncio.gather(*(emit(number) for number in range(300)))
        assert set(endings) == {"OK", "CANCELLED"}
        async with everlog.connect(f"everlog://{server.address}") as client:
            # A client of ours asks again, as it does when a proxy has ended the call.
            heads = await asyncio.gather(*(client.head() for _ in range(300)))
            stored = Counter([event.aggregate_id async for event in client.replay()])
        assert {head.position for head in heads} == {endings.count("OK")}
        done = {str(number) for number, ending in enumerate(endings) if ending == "OK"}
        assert stored == Counter(done)
