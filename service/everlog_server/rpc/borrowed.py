"""Services that others wrote, health and reflection, refuse nonsense as everlog's own do.

grpc.aio logs a traceback for each message that it can't deserialize, and answers UNKNOWN: whoever
reaches the port could fill the disk with them. So messages are deserialized here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from inspect import isasyncgenfunction
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from everlog_server.rpc.guard import Context


class RefusingServer:
    """Stands for a server where services of others are added to it."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Is called beside the other with the same handlers, which can't be looked into."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Adds a service's methods."""
        refusing = {name: _refusing(handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, refusing)]
        )


def _refusing(handler: Any) -> Any:
    behavior: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[bool(handler.request_streaming), bool(handler.response_streaming)]

    async def read(data: bytes, context: Context) -> Any:
        try:
            return handler.request_deserializer(data)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "request: can't be read")

    async def read_all(messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[Any]:
        async for data in messages:
            yield await read(data, context)

    async def requests(given: Any, context: Context) -> Any:
        return read_all(given, context) if handler.request_streaming else await read(given, context)

    async def answer(given: Any, context: Context) -> Any:
        return await behavior(await requests(given, context), context)

    async def answers(given: Any, context: Context) -> AsyncIterator[Any]:
        async for one in behavior(await requests(given, context), context):
            yield one

    return make(
        answers if isasyncgenfunction(behavior) else answer,
        response_serializer=handler.response_serializer,
    )
