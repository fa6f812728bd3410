"""One subscription that outlives connections: it resumes where it was, without skip or repeat.

    connect ──▶ read ──▶ hand out ──▶ read …
       ▲          │
       └─ wait ◀──┘ interrupted: UNAVAILABLE, cut off, or silent for three heartbeats

The cursor moves to a response's `examined_position` only when the response is here as a whole; all
of its events are handed out before the next one is read. So whatever breaks, the next connection
begins after exactly what was handed out. Where the cursor's event is known, its id goes along, and
a log that was restored to an earlier state meanwhile is recognised (`LOG_DIVERGED`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

from google.protobuf.duration_pb2 import Duration
from grpc.aio import AioRpcError, UnaryStreamCall

from everlog.cancellation import Cancellation
from everlog.errors import ConnectionLost, EverlogError
from everlog.recorded import RecordedEvent
from everlog.retry import Backoff, subscription_may_be_resumed
from everlog.silence import HEARTBEATS_MISSED_MAX, Silence
from everlog.status import error_from_rpc
from everlog.v1 import event_pb2, event_store_pb2


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Everything that the log had, up to this position, is handed out: what follows is live."""

    position: int


@dataclass(frozen=True, slots=True)
class FellBehind:
    """The caller reads more slowly than the log grows; nothing is lost."""

    position: int


Mark: TypeAlias = CaughtUp | FellBehind
Item_co = TypeVar("Item_co", bound=RecordedEvent | CaughtUp | FellBehind, covariant=True)
SubscribeCall: TypeAlias = UnaryStreamCall[
    event_store_pb2.SubscribeRequest, event_store_pb2.SubscribeResponse
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """How a subscription deals with interruptions."""

    backoff: Backoff | None
    """None: an interruption ends the subscription."""

    heartbeat_seconds: float
    on_interruption: Callable[[EverlogError, float], None] | None = None
    """Called with what happened, and the seconds until the next attempt."""


class Subscription(AsyncIterator[Item_co], Generic[Item_co]):
    """The events after a cursor, and then every new one; iterate over it, in one task.

    `async with` (or `aclose`) ends the call at once rather than when the object is collected.
    """

    def __init__(
        self,
        open_call: Callable[[event_store_pb2.SubscribeRequest], SubscribeCall],
        request: event_store_pb2.SubscribeRequest,
        *,
        marks: bool,
        resumption: Resumption,
    ) -> None:
        self._open_call = open_call
        self._request = request
        self._request.heartbeat_interval.CopyFrom(_duration(resumption.heartbeat_seconds))
        self._marks = marks
        self._resumption = resumption
        self._failures = 0
        self._position = (
            request.after_position if request.WhichOneof("start") == "after_position" else None
        )
        self._last_event: event_pb2.RecordedEvent | None = None
        self._items = self._run()

    @property
    def position(self) -> int:
        """The position after which to subscribe again, to go on after the last item.

        It may be further than the last event's: nothing in between matched. 0 until the first
        message when the subscription started from a time or from now.
        """
        return self._position or 0

    def __aiter__(self) -> AsyncIterator[Item_co]:
        return self._items  # not self: a call less for each event

    def __anext__(self) -> Awaitable[Item_co]:
        return self._items.__anext__()

    async def aclose(self) -> None:
        """End the subscription."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _run(self) -> AsyncGenerator[Item_co, None]:
        while True:
            call = self._open_call(self._request)
            silence = Silence(call, HEARTBEATS_MISSED_MAX * self._resumption.heartbeat_seconds)
            cancellation = Cancellation()
            try:
                async for response in call:
                    silence.end()
                    self._failures = 0
                    for event in response.events:
                        self._position = event.position
                        self._last_event = event
                        yield RecordedEvent(event)  # type: ignore[misc] # Item is at least this
                    self._position = response.examined_position
                    if self._marks:
                        for mark in _marks_of(response):
                            yield mark  # type: ignore[misc] # Item is the union when marks are asked for
                    cancellation = Cancellation()  # another task may be the one that waits now
                    silence.begin()
                error: EverlogError = ConnectionLost("the server ended the stream without a reason")
            except AioRpcError as failure:
                cancellation.heed()
                error = error_from_rpc(failure)
            except asyncio.CancelledError:
                if not silence.has_ended_the_call:
                    raise
                error = ConnectionLost(f"not even a heartbeat came for {silence.seconds_max:g} s")
            finally:
                silence.close()
                call.cancel()
            self._resume_after_what_was_handed_out()
            await self._wait_or_raise(error)

    def _resume_after_what_was_handed_out(self) -> None:
        """Begin after the position next time, as soon as there is one."""
        event, request = self._last_event, self._request
        if self._position is None:
            return
        if event is not None and event.position == self._position:
            request.after_event_id = event.event_id
        elif self._position != request.after_position:
            request.after_event_id = ""
        request.after_position = self._position

    async def _wait_or_raise(self, error: EverlogError) -> None:
        backoff = self._resumption.backoff
        if backoff is None or not subscription_may_be_resumed(error):
            raise error
        self._failures += 1
        seconds = backoff.seconds(self._failures, retry_after=error.retry_after)
        if self._resumption.on_interruption is not None:
            self._resumption.on_interruption(error, seconds)
        await asyncio.sleep(seconds)


def _marks_of(response: event_store_pb2.SubscribeResponse) -> Iterator[Mark]:
    if response.HasField("caught_up"):
        yield CaughtUp(response.examined_position)
    if response.HasField("fell_behind"):
        yield FellBehind(response.examined_position)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMicroseconds(round(seconds * 1_000_000))
    return duration
