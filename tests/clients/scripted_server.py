"""A server whose every call follows a script: the peer that misbehaves as the test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from everlog.v1 import (
    admin_pb2_grpc,
    consumers_pb2_grpc,
    event_pb2,
    event_store_pb2,
    event_store_pb2_grpc,
)

Script = Callable[..., Any]


def status(
    code: grpc.StatusCode,
    reason: str,
    *details: Message,
    message: str = "as the script says",
    domain: str = "everlog",
    retry_after: float | None = None,
    **metadata: str,
) -> status_pb2.Status:
    """A status as everlog's server makes it."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
    given: list[Message] = [info, *details]
    if retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(round(retry_after * 1000))
        given.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in given:
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code.value[0], message=message, details=packed)


async def fail(context: grpc.aio.ServicerContext[Any, Any], given: status_pb2.Status) -> None:
    """End the call with a status, as everlog's server does."""
    code = next(code for code in grpc.StatusCode if code.value[0] == given.code)
    trailers = (("grpc-status-details-bin", given.SerializeToString()),)
    await context.abort(code, given.message, trailing_metadata=trailers)


def answer(emit: event_store_pb2.StreamedEmit, *, position: int) -> event_store_pb2.StreamedAnswer:
    """Receipts for one emit, from this position on."""
    receipts = [
        event_store_pb2.Receipt(event_id=f"id-{position + n}", position=position + n, sequence=1)
        for n in range(len(emit.request.events))
    ]
    response = event_store_pb2.EmitResponse(receipts=receipts)
    return event_store_pb2.StreamedAnswer(request_id=emit.request_id, response=response)


def events(*positions: int) -> list[event_pb2.RecordedEvent]:
    """Recorded events at these positions."""
    return [
        event_pb2.RecordedEvent(position=position, event_id=f"id-{position}", event_type="a.b")
        for position in positions
    ]


@dataclass
class ScriptedServer(
    event_store_pb2_grpc.EventStoreServiceServicer,
    consumers_pb2_grpc.ConsumerServiceServicer,
    admin_pb2_grpc.AdminServiceServicer,
):
    """Each call of a method takes the next script of that method; the last one is for good."""

    scripts: dict[str, list[Script]]
    address: str = ""
    requests: list[Any] = field(default_factory=list)
    """Every request, or message of a stream, in the order of arrival."""

    calls: list[str] = field(default_factory=list)
    """The method of each call, in the order of arrival."""

    headers: list[dict[str, str | bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first request."""

    def _next(self, method: str, context: Any) -> Script:
        self.calls.append(method)
        self.headers.append(dict(context.invocation_metadata()))
        scripts = self.scripts[method]
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    def _note(self, request: Any) -> None:
        self.requests.append(request)
        self.arrived.set()

    async def _noted(self, messages: Any) -> AsyncIterator[Any]:
        async for message in messages:
            self._note(message)
            yield message

    async def Emit(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("Emit", context)(request, context)

    async def EmitStream(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        script = self._next("EmitStream", context)
        async for response in script(self._noted(request_iterator), context):
            yield response

    async def Consume(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        script = self._next("Consume", context)
        async for response in script(self._noted(request_iterator), context):
            yield response

    async def Subscribe(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._note(request)
        async for response in self._next("Subscribe", context)(request, context):
            yield response

    async def Replay(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._note(request)
        async for response in self._next("Replay", context)(request, context):
            yield response

    async def Query(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("Query", context)(request, context)

    async def Get(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("Get", context)(request, context)

    async def GetHead(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("GetHead", context)(request, context)

    async def ListTenants(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("ListTenants", context)(request, context)

    async def DropTenant(self, request: Any, context: Any) -> Any:
        self._note(request)
        return await self._next("DropTenant", context)(request, context)


async def drain(source: AsyncIterable[Any], into: list[Any]) -> None:
    """Take everything, and keep what came even when the source raises."""
    async for item in source:
        into.append(item)  # noqa: PERF401 - a comprehension would lose what came before it raised


@asynccontextmanager
async def scripted(port: int = 0, **scripts: list[Script]) -> AsyncIterator[ScriptedServer]:
    """A server that follows the scripts, given by method; leaving cuts every connection."""
    servicer = ScriptedServer(scripts)
    server = grpc.aio.server()
    event_store_pb2_grpc.add_EventStoreServiceServicer_to_server(servicer, server)
    consumers_pb2_grpc.add_ConsumerServiceServicer_to_server(servicer, server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield servicer
    finally:
        await server.stop(grace=None)
