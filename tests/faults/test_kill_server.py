"""kill -9 of the server under load: what was acknowledged is there, once, and subscribers go on."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import grpc

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.factories import assert_gap_free
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

KILLS = 3
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


async def _write(
    stub: EventStoreServiceStub, writer: int, told: dict[str, int], stop: asyncio.Event
) -> None:
    """Emits with keys, again and again until each is answered."""
    n = 0
    while not stop.is_set():
        n += 1
        key = f"{writer}-{n}"
        event = event_pb2.NewEvent(
            aggregate_type="a",
            aggregate_id=str(writer % 3),
            event_type="a.written",
            idempotency_key=key,
        )
        while key not in told:
            try:
                response = await stub.Emit(pb.EmitRequest(events=[event]), timeout=5)
            except grpc.aio.AioRpcError as error:
                assert error.code() in (*AWAY, grpc.StatusCode.DEADLINE_EXCEEDED), error
                await asyncio.sleep(0.02)
            else:
                told[key] = response.receipts[0].position


async def _follow(
    stub: EventStoreServiceStub,
    received: list[event_pb2.RecordedEvent],
    until: asyncio.Future[int],
    resumed: list[int],
) -> None:
    """Subscribes, and again from the last examined position whenever the stream ends."""
    cursor = 0
    while True:
        try:
            request = pb.SubscribeRequest(after_position=cursor)
            request.heartbeat_interval.FromSeconds(1)
            async for message in stub.Subscribe(request):
                received += message.events
                cursor = message.examined_position
                if until.done() and cursor >= until.result():
                    return
        except grpc.aio.AioRpcError as error:
            assert error.code() in AWAY, error
            resumed.append(cursor)
            await asyncio.sleep(0.02)


async def test_after_kill_9_under_load_everything_acknowledged_is_there_once_and_resumed(
    database_url: str, tmp_path: Path
) -> None:
    told: dict[str, int] = {}
    received: list[list[event_pb2.RecordedEvent]] = [[], []]
    resumed: list[int] = []
    head: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    async with (
        serving(database_url, tmp_path) as server,
        stub_for(server.address) as stub,
        stub_for(server.address) as other,
        asyncio.TaskGroup() as tasks,
    ):
        followers = [
            tasks.create_task(_follow(s, events, head, resumed))
            for s, events in zip((stub, other), received, strict=True)
        ]
        writers = [
            tasks.create_task(_write((stub, other)[n % 2], n, told, stop)) for n in range(16)
        ]
        for _ in range(KILLS):
            stored = len(told)
            while len(told) < stored + 300:  # noqa: ASYNC110  the load is the clock
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.uniform(0, 0.02))
            await server.kill()
            await server.start()
        stop.set()
        await asyncio.gather(*writers)
        head.set_result((await stub.GetHead(pb.GetHeadRequest())).position)
        await asyncio.gather(*followers)
        log = await read_log(stub)

    assert_gap_free(log)
    assert {event.idempotency_key: event.position for event in log} == told
    assert len(log) == len(told)
    assert len(resumed) >= KILLS * 2
    for events in received:
        assert events == log
