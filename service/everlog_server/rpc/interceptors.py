"""What stands before every handler: exceptions become statuses, and a call has a tenant."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

import grpc

from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import DEFAULT_TENANT
from everlog_server.rpc.status import trailers_status_of

TENANT_HEADER = "everlog-tenant"
REQUEST_ID_HEADER = "x-request-id"

_TENANT_NAME = re.compile(r"[a-z0-9._-]{1,63}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")

# Only the stubs of grpc know them as generic.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Behavior = Callable[[Any, Context], Awaitable[Any]]


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Ends a call whose handler raises with the status of the exception.

    For handlers that are coroutine functions, unary or streaming (those write with
    `context.write`); others, such as the reflection service's, pass through.
    """

    def __init__(self) -> None:
        self._guarded: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """The method's handler, guarded; made once a method. None for an unknown method."""
        method = handler_call_details.method
        handler = self._guarded.get(method)
        if handler is None:
            handler = await continuation(handler_call_details)
            # Names that nobody serves are not remembered: anybody may send any number of them.
            if handler is not None:
                handler = self._guarded[method] = _guard(handler)
        return handler


def _guard(handler: _Handler) -> _Handler:
    make, behavior = {
        (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
        (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
        (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
    }[bool(handler.request_streaming), bool(handler.response_streaming)]
    if not iscoroutinefunction(behavior):
        return handler
    return make(
        _with_statuses(behavior),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _with_statuses(behavior: _Behavior) -> _Behavior:
    async def guarded(request: Any, context: Context) -> Any:
        try:
            return await behavior(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            status = trailers_status_of(error, request_id=_request_id_of(context))
            await context.abort_with_status(status)

    return guarded


def tenant_of(context: Context) -> str:
    """The name of the call's tenant; raises BadRequestError if it is none, or if there are two."""
    name: str | None = None
    for key, value in context.invocation_metadata() or ():
        if key == TENANT_HEADER:
            if name is not None or not isinstance(value, str) or not _TENANT_NAME.fullmatch(value):
                raise BadRequestError(
                    FieldViolation(
                        TENANT_HEADER,
                        "must be given at most once, as 1 to 63 characters of a-z, 0-9, . _ and -",
                    )
                )
            name = value
    return DEFAULT_TENANT if name is None else name


def _request_id_of(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_HEADER and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return None
