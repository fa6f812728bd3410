"""Exceptions of handlers, as a caller meets them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from structlog.testing import capture_logs

from everlog_server.errors import EventNotFoundError, OverloadedError
from everlog_server.model import Role
from everlog_server.rpc.calls import AccessLog, Calls
from everlog_server.rpc.entry import Entry, open_entry, tenant_of
from everlog_server.rpc.guard import guarded
from everlog_server.rpc.rights import Narrowing, Right

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


RIGHT = Right(Role.READ, Narrowing.NONE)


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
async def channel(
    calls: Calls | None = None, entry: Entry | None = None
) -> AsyncIterator[grpc.aio.Channel]:
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
                    name: guarded(
                        method,
                        calls.of(f"t.S/{name}", is_stream=name == "Stream"),
                        entry or open_entry(),
                        RIGHT,
                    )
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


async def unary(data: bytes, *metadata: tuple[str, str], calls: Calls | None = None) -> bytes:
    async with channel(calls) as opened:
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


async def test_a_failed_call_answers_with_its_request_id() -> None:
    for sent in (("everlog-request-id", "abc-2"), ("x-request-id", "abc-2")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(b"overloaded", sent)
        assert dict(caught.value.trailing_metadata())["everlog-request-id"] == "abc-2"


def lines(logged: list[Any]) -> list[Any]:
    return [line for line in logged if line["event"] == "call"]


async def test_failed_calls_are_logged_and_nothing_of_what_they_said() -> None:
    with capture_logs() as logged:
        calls = Calls(AccessLog("failures"))
        await unary(b"", calls=calls)
        for data in (b"overloaded", b"defect", b"abort"):
            with pytest.raises(grpc.aio.AioRpcError):
                await unary(
                    data,
                    *(("everlog-tenant", "shop"), ("authorization", "Bearer hidden")),
                    ("everlog-request-id", f"id-{data.decode()}"),
                    calls=calls,
                )
        async with channel(calls) as opened:
            with pytest.raises(grpc.aio.AioRpcError):
                await opened.unary_unary("/t.S/Unary")(b"x", metadata=(("everlog-tenant", "A B"),))
            stream = opened.unary_stream("/t.S/Stream")(b"gone")
            with pytest.raises(grpc.aio.AioRpcError):
                [message async for message in stream]
    overloaded, defect, abort, ill, stream_line = lines(logged)
    assert overloaded.pop("duration_ms") > 0
    assert overloaded.pop("peer").startswith("ipv4:127.0.0.1:")
    assert overloaded == {
        "event": "call",
        "log_level": "info",
        "method": "t.S/Unary",
        "tenant": "shop",
        "identity": "open",
        "code": "RESOURCE_EXHAUSTED",
        "reason": "OVERLOADED",
        "request_id": "id-overloaded",
        "received_bytes": len(b"overloaded"),
        "sent_bytes": 0,
    }
    assert (defect["code"], defect["reason"]) == ("INTERNAL", "INTERNAL")
    assert abort["code"] == "DATA_LOSS"
    assert "reason" not in abort
    assert ill["tenant"] == "invalid"
    assert (stream_line["method"], stream_line["sent_bytes"]) == ("t.S/Stream", len(b"first"))
    assert "hidden" not in str(lines(logged))


async def test_every_call_is_logged_when_that_is_wanted() -> None:
    with capture_logs() as logged:
        calls = Calls(AccessLog("all"))
        async with channel(calls) as opened:
            call = opened.unary_unary("/t.S/Unary")(b"", metadata=(("x-request-id", "abc-3"),))
            assert await call == b"default"
            trailers = dict(await call.trailing_metadata())
    assert trailers["everlog-request-id"] == "abc-3"
    (line,) = lines(logged)
    assert (line["code"], line["request_id"], line["sent_bytes"]) == ("OK", "abc-3", 7)


async def test_no_call_is_logged_when_that_is_wanted() -> None:
    with capture_logs() as logged, pytest.raises(grpc.aio.AioRpcError):
        await unary(b"overloaded", calls=Calls(AccessLog("off")))
    assert lines(logged) == []


def test_who_fails_in_a_loop_does_not_fill_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    access_log = AccessLog("failures")
    with capture_logs() as logged:
        assert sum(access_log.takes("ABORTED") for _ in range(1000)) == 100
        assert not access_log.takes("CANCELLED")
        now += 1
        assert access_log.takes("ABORTED")
    assert logged == [{"event": "failed calls not logged", "calls": 900, "log_level": "warning"}]
