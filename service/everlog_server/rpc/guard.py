"""What stands around every handler: exceptions become statuses, and calls are counted."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any, NamedTuple, Self, TypeAlias, cast

import grpc

from everlog_server.errors import EverlogError
from everlog_server.rpc.calls import CANCELLED, OK, Ended, MethodCalls
from everlog_server.rpc.entry import TENANT_HEADER, Call, Context, Entry, call_of, tenant_of
from everlog_server.rpc.rights import Right
from everlog_server.rpc.status import trailers_status_of

__all__ = ["TENANT_HEADER", "Context", "call_of", "tenant_of"]

REQUEST_ID_HEADER = "everlog-request-id"
"""Of a call, and of its answer when it has failed, or is logged."""
_REQUEST_ID_HEADERS = (REQUEST_ID_HEADER, "x-request-id")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Behavior = Callable[[Any, Context], Awaitable[Any]]
Around = Callable[[_Behavior, str], _Behavior]
"""Gets a handler and its method, and gives the handler that is called in its place."""


def guarded(
    handler: _Handler,
    calls: MethodCalls,
    entry: Entry,
    right: Right,
    *,
    around: Around | None = None,
) -> _Handler:
    """The handler, for callers who may; it ends its calls with the status of what it raises.

    They are counted. For coroutine functions, unary or streaming (those write with
    `context.write`). Done once, when the handler is registered: an interceptor of grpc.aio would be
    run for every call, which costs a call 6 % of the server's time.
    """
    make, behavior = {
        (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
        (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
        (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
    }[bool(handler.request_streaming), bool(handler.response_streaming)]
    is_stream = handler.request_streaming or handler.response_streaming
    guard = _guard_stream if is_stream else _guard_unary
    guarding = cast("_Behavior", behavior)
    if around is not None and not is_stream:
        guarding = around(guarding, calls.method)
    return make(
        guard(guarding, calls, entry, right),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _guard_unary(behavior: _Behavior, calls: MethodCalls, entry: Entry, right: Right) -> _Behavior:
    logs_all = calls.access_log.takes_all

    async def guard(request: bytes, context: Context) -> bytes:
        began = monotonic()
        calls.began += 1
        call = entry.begin(context)
        try:
            caller = entry.known(call, context) or await entry.identify(call, context)
            call.admit(caller, right)
            # Here the caller is known, and may make this call.
            call.pace()
            answer: bytes = await behavior(request, context)
        except BaseException as error:
            seconds = monotonic() - began
            calls.received_bytes += len(request)
            calls.seconds.observe(seconds)
            passed = _Passed(seconds, len(request), 0)
            await _end_badly(error, context, call, calls, passed)
            raise
        seconds = monotonic() - began
        calls.succeeded += 1
        calls.received_bytes += len(request)
        calls.sent_bytes += len(answer)
        calls.seconds.observe(seconds)
        if logs_all:
            _end_well(context, call, calls, _Passed(seconds, len(request), len(answer)))
        return answer

    return guard


def _guard_stream(behavior: _Behavior, calls: MethodCalls, entry: Entry, right: Right) -> _Behavior:
    logs_all = calls.access_log.takes_all

    async def guard(request: Any, context: Context) -> Any:
        began = monotonic()
        calls.began += 1
        call = entry.begin(context)
        counted = _CountedStream(context, calls)
        try:
            caller = entry.known(call, context) or await entry.identify(call, context)
            call.admit(caller, right)
            # Here the caller is known, and may make this call.
            call.pace()
            async with entry.holding.stream(call):
                answer = await behavior(counted.reading(request), cast("Context", counted))
        except BaseException as error:
            await _end_badly(error, context, call, calls, counted.passed(monotonic() - began))
            raise
        calls.succeeded += 1
        if logs_all:
            _end_well(context, call, calls, counted.passed(monotonic() - began))
        return answer

    return guard


class _Passed(NamedTuple):
    """What a call took."""

    seconds: float
    received_bytes: int
    sent_bytes: int


class _CountedStream:
    """A stream's context, and its requests, with the bytes that pass counted."""

    def __init__(self, context: Context, calls: MethodCalls) -> None:
        self.received_bytes = self.sent_bytes = 0
        self._context = context
        self._calls = calls
        self._write = context.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def write(self, message: bytes) -> Awaitable[None]:
        """Without a coroutine of its own: a message to each of a hundred costs enough."""
        size = len(message)
        self.sent_bytes += size
        self._calls.sent_bytes += size
        return self._write(message)

    def passed(self, seconds: float) -> _Passed:
        """What the stream took, now that it is over."""
        return _Passed(seconds, self.received_bytes, self.sent_bytes)

    def reading(self, request: bytes | AsyncIterator[bytes]) -> bytes | AsyncIterator[bytes]:
        """The request, or the requests, of the stream."""
        if isinstance(request, bytes):
            self._receive(len(request))
            return request
        return _CountedRequests(request, self._receive)

    def _receive(self, size_bytes: int) -> None:
        self.received_bytes += size_bytes
        self._calls.received_bytes += size_bytes


class _CountedRequests:
    """The requests of a stream. Not a generator: those want to be closed."""

    def __init__(self, requests: AsyncIterator[bytes], receive: Callable[[int], None]) -> None:
        self._requests = aiter(requests)
        self._receive = receive

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        request = await anext(self._requests)
        self._receive(len(request))
        return request


async def _end_badly(
    error: BaseException, context: Context, call: Call, calls: MethodCalls, passed: _Passed
) -> None:
    """Counts, logs, and answers with a status if that is still to be done; else returns."""
    status, reason = None, ""
    request_id = request_id_of(context) or uuid.uuid4().hex
    if isinstance(error, asyncio.CancelledError):
        left_seconds: float | None = context.time_remaining()  # None: no deadline
        late = left_seconds is not None and left_seconds <= 0
        code = "DEADLINE_EXCEEDED" if late else CANCELLED
    elif isinstance(error, grpc.aio.AbortError):  # by the handler itself
        code = _name_of(context.code())
    elif isinstance(error, Exception):
        status = trailers_status_of(error, request_id=request_id)
        code = status.code.name
        reason = error.reason if isinstance(error, EverlogError) else "INTERNAL"
    else:
        code = "UNKNOWN"
    calls.fail(code, reason)
    if calls.access_log.takes(code):
        ended = _ended(
            context,
            call,
            calls.method,
            ending=(code, reason),
            passed=passed,
            request_id=request_id,
        )
        calls.access_log.write(ended)
    if status is not None:
        trailers = (*(status.trailing_metadata or ()), (REQUEST_ID_HEADER, request_id))
        await context.abort(status.code, status.details or "", trailers)


def _end_well(context: Context, call: Call, calls: MethodCalls, passed: _Passed) -> None:
    request_id = request_id_of(context) or uuid.uuid4().hex
    context.set_trailing_metadata(((REQUEST_ID_HEADER, request_id),))
    ended = _ended(
        context, call, calls.method, ending=(OK, ""), passed=passed, request_id=request_id
    )
    calls.access_log.write(ended)


def _ended(
    context: Context,
    call: Call,
    method: str,
    *,
    ending: tuple[str, str],
    passed: _Passed,
    request_id: str,
) -> Ended:
    seconds, received_bytes, sent_bytes = passed
    return Ended(
        method,
        call.shown_tenant,
        call.identity,
        *ending,
        seconds,
        received_bytes,
        sent_bytes,
        request_id,
        context.peer(),
    )


def _name_of(code: Any) -> str:
    """Of a status code, which grpc.aio has as a number or as itself."""
    if isinstance(code, grpc.StatusCode):
        return code.name
    return next((each.name for each in grpc.StatusCode if each.value[0] == code), "UNKNOWN")


def request_id_of(context: Context) -> str | None:
    """What the caller calls this call; None: nothing, or nothing that belongs into a log."""
    for header in _REQUEST_ID_HEADERS:
        for key, value in context.invocation_metadata() or ():
            if key == header and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
                return value
    return None
