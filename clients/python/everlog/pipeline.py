"""One EmitStream for many callers: concurrent emits share messages, each gets its own answer.

    submit ──▶ queue (by number) ──▶ in flight (by number) ──▶ answer
                     ▲                       │
                     └── may be retried ─────┘  refused for now, or the stream broke

Invariants:

- An emit's number is its `request_id` for good, and the queue gives out the lowest number first:
  what is sent again goes before what was never sent, in the order of submission.
- Nothing waits for company. What was submitted while the writer was busy, or in the same turn of
  the event loop, travels in one message.
- At most `_IN_FLIGHT_BYTES_MAX` are unanswered, except for one larger emit alone.
- Every emit ends in exactly one of: receipts, an error of its own, or its caller's cancellation.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from typing import TypeAlias

from grpc.aio import AioRpcError, StreamStreamCall

from everlog.cancellation import Cancellation
from everlog.ending import Ending
from everlog.errors import ConnectionLost, DeadlineExceeded, EverlogError
from everlog.framing import element, varint
from everlog.reach import Reach
from everlog.recorded import Receipt
from everlog.retry import Backoff, emit_may_be_retried
from everlog.status import error_from_status
from everlog.v1 import event_store_pb2

_MESSAGE_EMITS_MAX = 1_000
_MESSAGE_BYTES_MAX = 1024 * 1024
_IN_FLIGHT_EMITS_MAX = 5_000  # half of a server's append queue, at its default
_IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024

_REQUEST_ID = b"\x08"
"""The tag of StreamedEmit.request_id, a varint."""

Answer: TypeAlias = "asyncio.Future[list[Receipt]]"
EmitCall: TypeAlias = StreamStreamCall[bytes, event_store_pb2.EmitStreamResponse]


@dataclass(slots=True, eq=False)
class _Emit:
    """An emit that has no answer yet."""

    number: int
    frame: bytes
    """An EmitStreamRequest with this emit alone: see framing.py."""

    recognisable: bool
    deadline: float
    search_deadline: float
    """By then there must be a first connection."""

    answer: Answer
    last_error: EverlogError | None = None

    def resolve(self, receipts: Iterable[event_store_pb2.Receipt]) -> None:
        if not self.answer.done():
            self.answer.set_result([Receipt(receipt) for receipt in receipts])

    def refuse(self, error: EverlogError) -> None:
        if not self.answer.done():
            # One failure may end many emits: an exception that several tasks raise would gather
            # all of their tracebacks.
            self.answer.set_exception(copy(error))


class EmitPipeline:
    """Sends emits over one EmitStream, opening a new one when it breaks; see the module."""

    def __init__(
        self, open_call: Callable[[], EmitCall], reach: Reach, *, backoff: Backoff | None
    ) -> None:
        self._open_call = open_call
        self._reach = reach
        self._backoff = backoff
        self._numbers = itertools.count(1)
        self._queue: deque[_Emit] = deque()
        self._in_flight: dict[int, _Emit] = {}
        self._in_flight_bytes = 0
        self._failures = 0
        self._paused_until = 0.0
        # Set when there is something new to send, or new room to send it in.
        self._wake = asyncio.Event()
        # One timer for all, set to the earliest deadline that was seen since it last went off: one
        # for each emit would cost a tenth of its whole way through the client.
        self._expiry: asyncio.TimerHandle | None = None
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    def submit(
        self,
        request: bytes,
        *,
        recognisable: bool,
        timeout_seconds: float | None,
    ) -> Answer:
        """Queue a serialized EmitRequest; the future gives its receipts or raises its EverlogError.

        Cancelling the future withdraws the request if it is not sent yet; if it is, nobody will be
        told what becomes of it.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        emit = _Emit(
            number=number,
            frame=element(1, b"".join((_REQUEST_ID, varint(number), element(2, request)))),
            recognisable=recognisable,
            deadline=math.inf if timeout_seconds is None else loop.time() + timeout_seconds,
            search_deadline=self._reach.deadline(),
            answer=loop.create_future(),
        )
        if self._closed:
            emit.refuse(ConnectionLost("the client is closed"))
            return emit.answer
        self._expire_by(min(emit.deadline, emit.search_deadline))
        self._queue.append(emit)
        self._wake.set()
        if self._running is None:
            self._running = loop.create_task(self._run(), name="everlog emit pipeline")
        return emit.answer

    async def close(self) -> None:
        """End the stream. Emits without an answer fail with ConnectionLost."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        cancellation = Cancellation()
        try:
            while True:
                await self._wait_for_emits()
                await self._wait_for_pause()
                self._settle(await self._carry(self._open_call()))
                cancellation.heed()
        finally:
            self._closed = True
            if self._expiry is not None:
                self._expiry.cancel()
            for emit in (*self._in_flight.values(), *self._queue):
                emit.refuse(ConnectionLost("the client was closed before the answer came"))

    async def _wait_for_emits(self) -> None:
        while True:
            self._wake.clear()
            self._drop_done()
            if self._queue:
                return
            await self._wake.wait()

    async def _wait_for_pause(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._paused_until > now:
            await asyncio.sleep(self._paused_until - now)

    async def _carry(self, call: EmitCall) -> EverlogError:
        """Send and receive on one stream until it ends; say why it ended."""
        ending = Ending(call)
        writer = asyncio.create_task(self._write(call), name="everlog emit writer")
        try:
            async for response in call:
                self._take(response)
        except AioRpcError as failure:
            return ending.error(failure)
        finally:
            writer.cancel()
            call.cancel()
        return ending.error()

    async def _write(self, call: EmitCall) -> None:
        try:
            while True:
                await self._wait_for_pause()
                self._wake.clear()
                message = self._next_message()
                if message:
                    await call.write(message)
                else:
                    await self._wake.wait()
        except (AioRpcError, asyncio.InvalidStateError):
            pass  # the stream is over: the reader knows why

    def _next_message(self) -> bytes:
        """Move emits from the queue to those in flight, as many as one message may have."""
        frames: list[bytes] = []
        size = 0
        while self._queue and len(frames) < _MESSAGE_EMITS_MAX:
            emit = self._queue[0]
            if not emit.answer.done():
                full = frames and size + len(emit.frame) > _MESSAGE_BYTES_MAX
                if full or not self._has_room(len(emit.frame)):
                    break
                self._in_flight[emit.number] = emit
                self._in_flight_bytes += len(emit.frame)
                size += len(emit.frame)
                frames.append(emit.frame)
            self._queue.popleft()
        return b"".join(frames)

    def _has_room(self, size: int) -> bool:
        return not self._in_flight or (
            len(self._in_flight) < _IN_FLIGHT_EMITS_MAX
            and self._in_flight_bytes + size <= _IN_FLIGHT_BYTES_MAX
        )

    def _take(self, response: event_store_pb2.EmitStreamResponse) -> None:
        """Hand answers to those who wait for them."""
        self._reach.note()
        refused: list[tuple[_Emit, EverlogError]] = []
        for answer in response.answers:
            emit = self._in_flight.pop(answer.request_id, None)
            if emit is None:
                continue  # an answer to nobody: there is nobody to tell
            self._in_flight_bytes -= len(emit.frame)
            if answer.HasField("response"):
                self._failures = 0
                emit.resolve(answer.response.receipts)
            else:
                refused.append((emit, error_from_status(answer.status)))
        self._retry_or_refuse(refused)
        self._wake.set()

    def _settle(self, error: EverlogError) -> None:
        """Decide about the emits that a broken stream left without an answer."""
        unanswered = [(emit, error) for emit in self._in_flight.values()]
        self._in_flight.clear()
        self._in_flight_bytes = 0
        self._retry_or_refuse(unanswered)

    def _retry_or_refuse(self, failed: Iterable[tuple[_Emit, EverlogError]]) -> None:
        backoff = self._backoff
        retried = []
        for emit, error in failed:
            emit.last_error = error
            if backoff is None or not emit_may_be_retried(error, recognisable=emit.recognisable):
                emit.refuse(error)
            elif not emit.answer.done():
                retried.append(emit)
                self._pause(backoff, error)
        if retried:
            self._queue = deque(sorted((*retried, *self._queue), key=lambda emit: emit.number))

    def _pause(self, backoff: Backoff, error: EverlogError) -> None:
        """Hold everything back for a while: what failed now would fail for the next emit, too."""
        now = asyncio.get_running_loop().time()
        if now < self._paused_until:
            return  # another refusal out of the same misfortune
        self._failures += 1
        self._paused_until = now + backoff.seconds(self._failures, retry_after=error.retry_after)

    def _expire_by(self, deadline: float) -> None:
        if deadline < math.inf and (self._expiry is None or deadline < self._expiry.when()):
            if self._expiry is not None:
                self._expiry.cancel()
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_at(deadline, self._expire_overdue)

    def _expire_overdue(self) -> None:
        self._expiry = None
        now = asyncio.get_running_loop().time()
        earliest = math.inf
        for emit in (*self._in_flight.values(), *self._queue):
            if emit.deadline <= now:
                emit.refuse(emit.last_error or DeadlineExceeded("no answer came in time"))
            elif self._reach.is_over(emit.search_deadline):
                emit.refuse(self._reach.failure(emit.last_error))
            else:
                search = math.inf if self._reach.is_connected else emit.search_deadline
                earliest = min(earliest, emit.deadline, search)
        self._expire_by(earliest)

    def _drop_done(self) -> None:
        while self._queue and self._queue[0].answer.done():
            self._queue.popleft()
