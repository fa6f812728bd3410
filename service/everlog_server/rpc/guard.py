"""What stands before every handler: exceptions become statuses, and a call has a tenant."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

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


def guarded(handler: _Handler) -> _Handler:
    """The handler, ending its calls with the status of the exception when it raises.

    For coroutine functions, unary or streaming (those write with `context.write`). Done once, when
    the handler is registered: an interceptor of grpc.aio would be run for every call, which costs
    a call 6 % of the server's time.
    """
    make, behavior = {
        (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
        (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
        (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
    }[bool(handler.request_streaming), bool(handler.response_streaming)]
    return make(
        _with_statuses(cast("_Behavior", behavior)),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _with_statuses(behavior: _Behavior) -> _Behavior:
    async def guard(request: Any, context: Context) -> Any:
        try:
            return await behavior(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            status = trailers_status_of(error, request_id=_request_id_of(context))
            await context.abort_with_status(status)

    return guard


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
