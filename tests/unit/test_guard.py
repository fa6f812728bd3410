"""Exceptions of handlers, as a caller meets them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog_server.errors import EventNotFoundError, OverloadedError
from everlog_server.rpc.calls import AccessLog, Calls
from everlog_server.rpc.guard import guarded, tenant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Handlers:
    async def Unary(self, data: bytes, context: Any) -> bytes:
        if data == b"overloaded":
            raise OverloadedError
        if data == b"defect":
            raise KeyError("secret")
        if data == b"abort":
            await context.abort(grpc.StatusCode.DATA_LOSS, "own words")
        return tenant_of(context).encode()

    async def Stream(self, data: bytes, context: Any) -> None:
        await context.write(b"first")
        raise EventNotFoundError(data.decode())


@asynccontextmanager
async def channel(calls: Calls | None = None) -> AsyncIterator[grpc.aio.Channel]:
    handlers = Handlers()
    calls = calls or Calls(AccessLog("off"))
    server = grpc.aio.server()
    methods: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(handlers.Unary),
        "Stream": grpc.unary_stream_rpc_method_handler(handlers.Stream),
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "t.S",
                {
                    name: guarded(method, calls.of(f"t.S/{name}", is_stream=name == "Stream"))
                    for name, method in methods.items()
                },
            ),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)


async def unary(data: bytes, *metadata: tuple[str, str]) -> bytes:
    async with channel() as opened:
        answer: bytes = await opened.unary_unary("/t.S/Unary")(data, metadata=metadata)
        return answer


def info_of(refusal: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(refusal)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return info


async def test_a_unary_calls_error_is_its_status() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(b"overloaded")
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert info_of(caught.value).reason == "OVERLOADED"


async def test_a_streams_error_is_its_last_status() -> None:
    async with channel() as opened:
        call = opened.unary_stream("/t.S/Stream")(b"gone")
        assert await call.read() == b"first"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "gone"


async def test_a_defect_has_the_callers_request_id() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(b"defect", ("x-request-id", "abc-1"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (caught.value.details() or "")
    assert info_of(caught.value).metadata["request_id"] == "abc-1"


async def test_an_ill_request_id_is_not_echoed() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(b"defect", ("x-request-id", "a b"))
    assert len(info_of(caught.value).metadata["request_id"]) == 32


async def test_a_handlers_own_abort_stands() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(b"abort")
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS


async def test_an_unknown_method_stays_unknown() -> None:
    async with channel() as opened:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await opened.unary_unary("/t.S/Nothing")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_call_has_its_tenant_or_the_default() -> None:
    assert await unary(b"") == b"default"
    assert await unary(b"", ("everlog-tenant", "shop.eu-1_a")) == b"shop.eu-1_a"
