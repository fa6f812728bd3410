"""Rates of callers on a real server, and what clients make of being refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import everlog
from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.servers import make_tenant, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub


def event(number: int) -> event_pb2.NewEvent:
    return event_pb2.NewEvent(
        aggregate_type="order", aggregate_id=str(number), event_type="order.created", json="{}"
    )


def refusal_of(error: grpc.aio.AioRpcError) -> tuple[str, float]:
    """The reason, and the seconds to wait."""
    status = rpc_status.from_call(error)
    assert status is not None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    return info.reason, retry.retry_delay.ToTimedelta().total_seconds()


async def call_until_refused(stub: EventStoreServiceStub) -> None:
    for _ in range(100):
        await stub.GetHead(pb.GetHeadRequest())


async def test_calls_beyond_the_rate_are_refused_until_the_time_that_is_told(
    database_url: str, tmp_path: Path
) -> None:
    make_tenant(database_url, "other", 2)
    flags = ("--limits-caller-calls-per-second", "2")
    async with serving(database_url, tmp_path, *flags) as server:
        async with stub_for(server.address) as stub, stub_for(server.address, "other") as other:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call_until_refused(stub)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "tenant:default may have 2 calls a second" in (refused.value.details() or "")
            reason, seconds = refusal_of(refused.value)
            assert reason == "OVERLOADED"
            assert 0 < seconds <= 0.5
            await other.GetHead(pb.GetHeadRequest())
        # The client waits as long as it is told, and tries again.
        async with everlog.connect(f"everlog://{server.address}") as client:
            began = time.monotonic()
            for number in range(6):
                await client.emit(everlog.Event("order.created", aggregate=("order", str(number))))
            assert time.monotonic() - began > 1


async def test_on_a_stream_each_emit_beyond_the_rate_has_its_own_answer(
    database_url: str, tmp_path: Path
) -> None:
    flags = ("--limits-caller-events-per-second", "5")
    async with serving(database_url, tmp_path, *flags) as server, stub_for(server.address) as stub:
        call = stub.EmitStream()
        emits = [
            pb.StreamedEmit(request_id=n, request=pb.EmitRequest(events=[event(n)]))
            for n in range(1, 21)
        ]
        await call.write(pb.EmitStreamRequest(emits=emits))
        await call.done_writing()
        answers = [answer async for response in call for answer in response.answers]
        refused = {a.request_id for a in answers if a.WhichOneof("answer") == "status"}
        assert {a.request_id for a in answers} == set(range(1, 21))
        assert refused == set(range(6, 21))
        assert (await stub.GetHead(pb.GetHeadRequest())).position == 5
