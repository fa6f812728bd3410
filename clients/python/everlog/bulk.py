"""Many events, in order, without waiting for each answer.

A feeder takes events from the caller's iterable, puts them into requests and submits those; the
caller reads the answers in the order of the events. The feeder stops when too much is unanswered or
unread, so that memory does not grow with the length of the input.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from everlog.errors import EverlogError, InvalidEvent
from everlog.events import Event
from everlog.pipeline import Answer, EmitPipeline
from everlog.recorded import Receipt
from everlog.trace_context import current_traceparent, keep_trace
from everlog.v1 import event_pb2, event_store_pb2

Outcome: TypeAlias = tuple[int, Receipt | EverlogError]
"""The index of an event in the input, from 0, and what became of it."""

_REQUEST_BYTES_MAX = 1024 * 1024
_UNREAD_BYTES_MAX = 8 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Request:
    """One Emit in the making, and then on its way."""

    indexes: list[int] = field(default_factory=list)
    events: list[event_pb2.NewEvent] = field(default_factory=list)
    size: int = 0
    keyed: bool = False
    recognisable: bool = True
    answer: Answer | None = None
    refusal: EverlogError | None = None

    async def outcomes(self) -> list[Outcome]:
        error = self.refusal
        if self.answer is not None:
            try:
                return list(zip(self.indexes, await self.answer, strict=True))
            except EverlogError as refusal:
                error = refusal
        assert error is not None  # noqa: S101 - a request is submitted or refused
        return [(index, error) for index in self.indexes]


class BulkEmit:
    """Emits one iterable of events; used once."""

    def __init__(
        self,
        pipeline: EmitPipeline,
        *,
        batch_events: int,
        known_events: event_store_pb2.KnownEventsPolicy.ValueType,
        linger_seconds: float | None,
        timeout_seconds: float | None,
        make_idempotency_keys: bool = False,
    ) -> None:
        if not 1 <= batch_events <= 1_000:
            raise ValueError(f"batch_events is {batch_events}, expected 1 to 1,000")
        self._pipeline = pipeline
        self._batch_events = batch_events
        self._known_events = known_events
        self._linger_seconds = linger_seconds
        self._timeout_seconds = timeout_seconds
        self._make_idempotency_keys = make_idempotency_keys
        self._index = 0
        self._filling = _Request()
        self._linger: asyncio.TimerHandle | None = None
        self._submitted: deque[_Request] = deque()
        self._unread_bytes = 0
        self._fed = False
        # Each is set when its side may have something to do; its side clears it, then looks.
        self._for_reader = asyncio.Event()
        self._for_feeder = asyncio.Event()

    async def outcomes(
        self, events: Iterable[Event] | AsyncIterable[Event]
    ) -> AsyncGenerator[Outcome, None]:
        """Emit the events, and yield what became of each, in their order.

        When `events` itself raises, that is raised here, after the outcomes of what it gave before.
        """
        feeder = asyncio.create_task(self._feed(events), name="everlog bulk feeder")
        try:
            while (request := await self._next_submitted()) is not None:
                for outcome in await request.outcomes():
                    yield outcome
                self._unread_bytes -= request.size
                self._for_feeder.set()
            await feeder
        finally:
            feeder.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await feeder
            for request in self._submitted:
                if request.answer is not None:
                    request.answer.cancel()

    async def _next_submitted(self) -> _Request | None:
        while True:
            self._for_reader.clear()
            if self._submitted:
                return self._submitted.popleft()
            if self._fed:
                return None
            await self._for_reader.wait()

    async def _feed(self, events: Iterable[Event] | AsyncIterable[Event]) -> None:
        try:
            if isinstance(events, AsyncIterable):
                async for event in events:
                    await self._add(event)
                    self._linger_from_now()
            else:
                for event in events:
                    await self._add(event)
        finally:
            self._submit()
            self._fed = True
            self._for_reader.set()

    async def _add(self, event: Event) -> None:
        index = self._index
        self._index += 1
        if self._make_idempotency_keys:
            event = event.with_key()
        try:
            message = event.to_message()
        except (TypeError, ValueError) as error:
            self._submit()
            self._hand_over(_Request(indexes=[index], refusal=InvalidEvent(str(error))))
            return
        if traceparent := current_traceparent():
            keep_trace(message, traceparent)
        size = message.ByteSize()
        # A request is all or nothing, also as to keys: the server refuses a mixture.
        keyed = bool(event.idempotency_key)
        filling = self._filling
        if filling.events and (filling.keyed != keyed or filling.size + size > _REQUEST_BYTES_MAX):
            self._submit()
            filling = self._filling
        filling.indexes.append(index)
        filling.events.append(message)
        filling.size += size
        filling.keyed = keyed
        filling.recognisable = filling.recognisable and event.may_be_repeated
        if len(filling.events) >= self._batch_events:
            self._submit()
            await self._wait_for_room()

    def _linger_from_now(self) -> None:
        # The next event may be long in coming: what is here does not wait for it.
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._filling.events and self._linger_seconds is not None:
            loop = asyncio.get_running_loop()
            self._linger = loop.call_later(self._linger_seconds, self._submit)

    def _submit(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        request, self._filling = self._filling, _Request()
        if not request.events:
            return
        request.answer = self._pipeline.submit(
            event_store_pb2.EmitRequest(
                events=request.events, known_events=self._known_events
            ).SerializeToString(),
            recognisable=request.recognisable,
            timeout_seconds=self._timeout_seconds,
        )
        request.events = []
        self._hand_over(request)

    def _hand_over(self, request: _Request) -> None:
        self._submitted.append(request)
        self._unread_bytes += request.size
        self._for_reader.set()

    async def _wait_for_room(self) -> None:
        # Give way now and then: a plain iterable would keep the loop from sending anything.
        if len(self._submitted) % 64 == 0:
            await asyncio.sleep(0)
        while True:
            self._for_feeder.clear()
            if self._unread_bytes < _UNREAD_BYTES_MAX and len(self._submitted) < 4_000:
                return
            await self._for_feeder.wait()
