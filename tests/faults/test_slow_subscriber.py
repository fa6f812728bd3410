"""A subscriber that does not read: it costs no growing memory, is not dropped, and gets it all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
import pytest

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.servers import serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

BATCH = 1000
MIB = 1024 * 1024


async def _emit(stub: EventStoreServiceStub, batches: range) -> None:
    for batch in batches:
        events = [
            event_pb2.NewEvent(
                aggregate_type="a",
                aggregate_id=str(n % 100),
                event_type="a.written",
                json=f'{{"batch": {batch}, "n": {n}, "filler": "{"x" * 200}"}}',
            )
            for n in range(BATCH)
        ]
        await stub.Emit(pb.EmitRequest(events=events))


@pytest.mark.parametrize(
    ("events", "silence_seconds"),
    [
        (30_000, 0),
        pytest.param(200_000, 25, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
async def test_a_subscriber_that_reads_nothing_costs_no_growing_memory_and_then_gets_everything(
    database_url: str, tmp_path: Path, events: int, silence_seconds: float
) -> None:
    """A slow caller is not dropped and costs bounded memory: it falls back to catch-up."""
    flags = ("--subscriptions-ring-bytes-max", "4MiB")
    async with (
        serving(database_url, tmp_path, *flags) as server,
        stub_for(server.address) as writer,
        stub_for(server.address) as reader,
    ):
        process = psutil.Process(server.pid)
        call = reader.Subscribe(pb.SubscribeRequest(after_position=0))
        first = await call.read()
        assert first.HasField("caught_up")

        # Nothing more is read: gRPC's windows fill up, and then the server's write waits.
        batches = events // BATCH
        began = asyncio.get_running_loop().time()
        await _emit(writer, range(batches // 2))
        halfway = process.memory_info().rss
        await _emit(writer, range(batches // 2, batches))
        at_the_end = process.memory_info().rss
        assert at_the_end - halfway < 16 * MIB
        passed = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, silence_seconds - passed))
        assert process.memory_info().rss - halfway < 16 * MIB

        positions: list[int] = []
        fell_behind = 0
        async with asyncio.timeout(120):
            while len(positions) < events:
                message = await call.read()
                positions += [event.position for event in message.events]
                assert message.ByteSize() <= MIB
                fell_behind += message.HasField("fell_behind")
                if message.events:
                    assert message.examined_position == positions[-1]
        assert positions == list(range(1, events + 1))
        assert fell_behind == 1
        # It is told when it has caught up again, and follows live.
        while not (await call.read()).HasField("caught_up"):
            pass
        await _emit(writer, range(1))
        assert (await call.read()).events[0].position == events + 1
        assert process.memory_info().rss - halfway < 32 * MIB
