"""Deliveries of a consumer, and their answers, over streams that come and go.

    open ──▶ deliver ──▶ hand out ──▶ answer ──▶ settle
      ▲                     │            │
      └──── wait ◀──────────┴────────────┘ interrupted: drained, cut off, silent

Invariants:

- Every delivery belongs to the stream on which it came. When that ends, what has no answer is lost,
  and so is every answer without a settlement: the server delivers again what it has not stored.
- A lost delivery is never answered on another stream, where the server would not know it.
- What arrived and was not handed out yet keeps its lease; what is handed out keeps it by itself, or
  by its caller's `in_progress`, as whoever made this chose.
- Whoever leaves gives back what was not handed out, also what arrives later: it costs no attempt.
- Nothing waits for company: answers that were given while the writer was busy travel together.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeAlias

from google.protobuf.empty_pb2 import Empty
from grpc.aio import AioRpcError, StreamStreamCall, UsageError

from everlog.cancellation import Cancellation
from everlog.decisions import Decision, Retry
from everlog.ending import Ending
from everlog.errors import ConnectionLost, DeliveryNotHeld, EverlogError
from everlog.recorded import RecordedEvent
from everlog.retry import consuming_may_be_resumed
from everlog.silence import HEARTBEATS_MISSED_MAX, Silence
from everlog.status import error_from_status
from everlog.subscription import Resumption
from everlog.v1 import consumers_pb2

_MESSAGE_ANSWERS_MAX = 1_000
_LEASE_SECONDS_DEFAULT = 30.0
_CLOSE_SECONDS_MAX = 10.0

CLIENT_CLOSE_SECONDS_MAX = 5.0
"""How long a client that is closed waits for its members to leave."""

_EMPTY = Empty()

_log = logging.getLogger("everlog")

ConsumeCall: TypeAlias = StreamStreamCall[
    consumers_pb2.ConsumeRequest, consumers_pb2.ConsumeResponse
]
BeforeClose: TypeAlias = Callable[[Callable[[], Awaitable[object]]], Callable[[], None]]
"""Registers what is to be done before the client is closed; what it gives withdraws that."""

Settled: TypeAlias = "asyncio.Future[EverlogError | None]"
"""What became of an answer: None when it is stored; else why it does not count, or may not."""


class Delivery:
    """An event that somebody is to work on."""

    __slots__ = ("_lost", "attempt", "delivery_id", "event", "message", "replayed")

    def __init__(self, message: consumers_pb2.Delivery) -> None:
        self.message = message
        """What all of this is read from."""
        self.event = RecordedEvent(message.event)
        """The event."""
        self.attempt = message.attempt
        """Which attempt this is: 1 at first. An event whose answer was lost comes again."""
        self.delivery_id = message.delivery_id
        """Names this delivery, among all deliveries of all members."""
        self.replayed = message.replayed
        """It was parked: later events of its aggregate may have been delivered before."""
        self._lost: EverlogError | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is still this member's: when not, somebody else may be at the event by now."""
        return self._lost is None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} of event {self.event.position} ({self.event.event_type}), "
            f"attempt {self.attempt}>"
        )


class HeldDelivery(Delivery):
    """A delivery that its receiver answers: with exactly one of `ack`, `nack` and `release`.

    They return at once. Awaiting what they return tells what became of the answer: None when it is
    stored durably, else an EverlogError: it was refused, or the connection broke before the server
    said so.
    """

    __slots__ = ("_deliveries", "_keeps_its_lease", "_leased_at")

    def __init__(
        self, deliveries: Deliveries, message: consumers_pb2.Delivery, leased_at: float
    ) -> None:
        super().__init__(message)
        self._deliveries = deliveries
        self._leased_at = leased_at
        self._keeps_its_lease = True

    def ack(self) -> Settled:
        """Say that the event is finished."""
        answer = consumers_pb2.DeliveryAnswer(
            delivery_id=self.delivery_id, attempt=self.attempt, ack=_EMPTY
        )
        return self._deliveries._settle_later(self, answer)  # noqa: SLF001 - one module, one stream

    def nack(self, why: str | Decision) -> Settled:
        """Say that it failed: with an error's text, or what is decided: Retry, Park or Skip."""
        decision = why if isinstance(why, Decision) else Retry(error=why)
        return self.nack_with(decision.to_message())

    def nack_with(self, nack: consumers_pb2.DeliveryAnswer.Nack) -> Settled:
        """Say that it failed, in the contract's own message."""
        answer = consumers_pb2.DeliveryAnswer(
            delivery_id=self.delivery_id, attempt=self.attempt, nack=nack
        )
        return self._deliveries._settle_later(self, answer)  # noqa: SLF001 - one module, one stream

    def release(self) -> Settled:
        """Give the event back, not begun: it comes again, soon, and no attempt is counted."""
        answer = consumers_pb2.DeliveryAnswer(
            delivery_id=self.delivery_id, attempt=self.attempt, release=_EMPTY
        )
        return self._deliveries._settle_later(self, answer)  # noqa: SLF001 - one module, one stream

    def in_progress(self) -> None:
        """Say that it takes longer: the lease begins anew. Without effect when it is not held."""
        self._deliveries._renew(self)  # noqa: SLF001 - one module, one stream


class Deliveries(AsyncIterator[HeldDelivery]):
    """What a member of a consumer is to work on; iterate over it, and answer each delivery.

    `async with` (or `aclose`) leaves: what is answered is stored; what is not is delivered again,
    and counts as failed if it was handed out.
    """

    def __init__(
        self,
        open_call: Callable[[], ConsumeCall],
        opening: consumers_pb2.ConsumeRequest.Open,
        *,
        resumption: Resumption,
        before_close: BeforeClose | None = None,
        on_unsettled: Callable[[Delivery, EverlogError], None] | None = None,
        keeps_leases: bool = False,
    ) -> None:
        self._open_call = open_call
        self._opening = opening
        self._opening.heartbeat_interval.FromMicroseconds(
            round(resumption.heartbeat_seconds * 1_000_000)
        )
        self._resumption = resumption
        self._before_close = before_close
        self._on_unsettled = on_unsettled
        self._keeps_leases = keeps_leases
        self._failures = 0
        self._lease_seconds = _LEASE_SECONDS_DEFAULT
        self._member_id = ""
        self._running: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._leaving = asyncio.Event()
        # Set when something is to be written, or the state changed that somebody waits for.
        self._to_write = asyncio.Event()
        self._changed = asyncio.Event()
        # Of the present stream:
        self._arrived: deque[HeldDelivery] = deque()
        self._unanswered: dict[str, HeldDelivery] = {}
        self._answers: deque[consumers_pb2.DeliveryAnswer] = deque()
        self._unsettled: dict[str, tuple[HeldDelivery, Settled]] = {}
        self._renewal: asyncio.TimerHandle | None = None

    @property
    def member_id(self) -> str:
        """The member's id (a UUID) on the present stream; empty before the first one is open."""
        return self._member_id

    @property
    def lease_seconds(self) -> float:
        """How long a delivery is this member's, unless it says that it is in progress."""
        return self._lease_seconds

    @property
    def is_leaving(self) -> bool:
        """Whether nothing more is taken."""
        return self._leaving.is_set()

    # --- Handing out ------------------------------------------------------------------------------

    async def next(self, *, timeout_seconds: float | None = None) -> HeldDelivery | None:
        """Return the next delivery, or None when there is no more.

        Raises TimeoutError, and loses nothing, when none comes in time.
        """
        async with asyncio.timeout(timeout_seconds):
            return await anext(self, None)

    async def __anext__(self) -> HeldDelivery:
        self.start()
        while not self._arrived:
            if self._running is None or self._running.done():
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._change()
        delivery = self._arrived.popleft()
        if not self._keeps_leases:
            delivery._keeps_its_lease = False  # noqa: SLF001 - one module, one stream
            if self._is_due(delivery, asyncio.get_running_loop().time()):
                self._renew(delivery)
        return delivery

    def start(self) -> None:
        """Begin, if that has not happened; `__anext__` and `async with` do."""
        if self._running is None and not self._leaving.is_set():
            self._running = asyncio.create_task(self._run(), name="everlog deliveries")
            if self._before_close is not None:
                withdraw = self._before_close(
                    lambda: self.aclose(timeout_seconds=CLIENT_CLOSE_SECONDS_MAX)
                )
                self._running.add_done_callback(lambda _: withdraw())

    def leave(self) -> None:
        """Take nothing more. The iteration ends when all that was taken is answered and stored.

        What has arrived, and was not taken, is given back: nothing is counted.
        """
        self._leaving.set()
        self._give_back()
        self._to_write.set()

    async def aclose(self, *, timeout_seconds: float = _CLOSE_SECONDS_MAX) -> None:
        """Leave, and wait until every answer is settled; then cut off what nobody has answered.

        The server counts that as a failed attempt, and delivers it again. What was not handed out
        is given back, and not counted.
        """
        self.leave()
        if self._running is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self._running.done() and (self._unsettled or not self._unanswered):
                    await self._change()
        except TimeoutError:
            pass
        finally:
            self._running.cancel()
        await asyncio.wait([self._running])

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # --- Answering --------------------------------------------------------------------------------

    def _give_back(self) -> None:
        while self._arrived:
            self._arrived.popleft().release()

    def _settle_later(
        self, delivery: HeldDelivery, answer: consumers_pb2.DeliveryAnswer
    ) -> Settled:
        settled: Settled = asyncio.get_running_loop().create_future()
        if self._unanswered.pop(delivery.delivery_id, None) is not None:
            self._unsettled[delivery.delivery_id] = delivery, settled
            self._write_soon(answer)
            return settled
        lost = delivery._lost  # noqa: SLF001 - one module, one stream
        if lost is None:
            raise RuntimeError(f"{delivery!r} is answered already")
        settled.set_result(lost)
        self._tell(delivery, lost)
        return settled

    def _renew(self, delivery: HeldDelivery) -> None:
        if delivery.delivery_id in self._unanswered:
            delivery._leased_at = asyncio.get_running_loop().time()  # noqa: SLF001
            answer = consumers_pb2.DeliveryAnswer(
                delivery_id=delivery.delivery_id, attempt=delivery.attempt, in_progress=_EMPTY
            )
            self._write_soon(answer)

    def _write_soon(self, answer: consumers_pb2.DeliveryAnswer) -> None:
        self._answers.append(answer)
        self._to_write.set()

    def _tell(self, delivery: Delivery, error: EverlogError) -> None:
        if self._on_unsettled is None:
            _log.warning("the answer to %r does not count: %s", delivery, error)
            return
        try:
            self._on_unsettled(delivery, error)
        except Exception as raised:
            # Whoever is told of it must not stop half-way: others wait for what becomes of theirs.
            self._break_off(raised)

    def _break_off(self, error: Exception) -> None:
        """End with an error that is nobody's to handle but the caller's."""
        if self._running is None or self._running.done():
            _log.error("a callback failed when all was over", exc_info=error)
        elif self._error is None:
            self._error = error
            self._running.cancel()

    # --- The streams ------------------------------------------------------------------------------

    async def _run(self) -> None:
        cancellation = Cancellation()
        try:
            while not self._leaving.is_set():
                error = await self._carry()
                cancellation.heed()
                if error is not None and not self._leaving.is_set():
                    await self._wait_or_raise(error)
        except asyncio.CancelledError:
            cancellation.heed()
            self._error = ConnectionLost("the client was closed")
        except Exception as error:  # also what a callback has raised
            self._error = self._error or error
        finally:
            if self._renewal is not None:
                self._renewal.cancel()
            # Whoever waits looks again once this task is done.
            asyncio.get_running_loop().call_soon(self._changed.set)

    async def _wait_or_raise(self, error: EverlogError) -> None:
        backoff = self._resumption.backoff
        if backoff is None or not consuming_may_be_resumed(error):
            raise error
        self._failures += 1
        seconds = backoff.seconds(self._failures, retry_after=error.retry_after)
        if self._resumption.on_interruption is not None:
            self._resumption.on_interruption(error, seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            pass

    async def _carry(self) -> EverlogError | None:
        """Be a member over one stream until it ends; say why it ended, None: as it was wished."""
        try:
            call = self._open_call()
        except UsageError:
            raise ConnectionLost("the client is closed", code=None, reason="") from None
        ending = Ending(call)
        silence = Silence(call, HEARTBEATS_MISSED_MAX * self._resumption.heartbeat_seconds)
        writer = asyncio.create_task(self._write(call), name="everlog answers")
        error: EverlogError = ConnectionLost("the connection was cut")
        try:
            async for response in call:
                silence.begin()
                self._take(response)
            error = ending.error()
            return None if self._leaving.is_set() and not error.reason else error
        except AioRpcError as failure:
            error = ending.error(failure)
            return error
        except asyncio.CancelledError:
            if not silence.has_ended_the_call:
                raise
            error = ConnectionLost(f"not even a heartbeat came for {silence.seconds_max:g} s")
            return error
        finally:
            silence.close()
            writer.cancel()
            call.cancel()
            self._lose_all(error)

    async def _write(self, call: ConsumeCall) -> None:
        try:
            await call.write(consumers_pb2.ConsumeRequest(open=self._opening))
            has_left = False
            while True:
                self._to_write.clear()
                count = min(len(self._answers), _MESSAGE_ANSWERS_MAX)
                leaves = self._leaving.is_set() and not has_left
                if count or leaves:
                    answers = [self._answers.popleft() for _ in range(count)]
                    has_left = has_left or leaves
                    await call.write(consumers_pb2.ConsumeRequest(answers=answers, leave=leaves))
                else:
                    await self._to_write.wait()
        except (AioRpcError, asyncio.InvalidStateError):
            pass  # the stream is over: the reader knows why

    def _take(self, response: consumers_pb2.ConsumeResponse) -> None:
        if response.HasField("opened"):
            self._member_id = response.opened.member_id
            self._lease_seconds = response.opened.lease.ToTimedelta() / timedelta(seconds=1)
        if response.deliveries:
            now = asyncio.get_running_loop().time()
            for message in response.deliveries:
                delivery = HeldDelivery(self, message, now)
                self._unanswered[delivery.delivery_id] = delivery
                self._arrived.append(delivery)
            if self._renewal is None:
                self._look_later()
            if self._leaving.is_set():
                self._give_back()  # it was on its way
        for settlement in response.settlements:
            self._settle(settlement)
        if response.settlements or response.HasField("heartbeat"):
            # A server that lets members in and fails at once is not to be called without a pause.
            self._failures = 0
        self._changed.set()

    def _settle(self, settlement: consumers_pb2.Settlement) -> None:
        error = error_from_status(settlement.refusal) if settlement.HasField("refusal") else None
        if settlement.delivery_id in self._unsettled:
            delivery, settled = self._unsettled.pop(settlement.delivery_id)
            if not settled.done():
                settled.set_result(error)
        elif error is not None and settlement.delivery_id in self._unanswered:
            # It said that it was in progress, and is not held any more.
            delivery = self._unanswered.pop(settlement.delivery_id)
        else:
            return
        if error is not None:
            delivery._lost = error  # noqa: SLF001 - one module, one stream
            self._tell(delivery, error)

    def _lose_all(self, error: EverlogError) -> None:
        """The stream is over: nothing of it can be answered, or settled, any more."""
        self._answers.clear()
        self._arrived.clear()
        lost = DeliveryNotHeld(f"its stream is over: {error.message}", reason="", code=error.code)
        for delivery in self._unanswered.values():
            delivery._lost = lost  # noqa: SLF001 - one module, one stream
        self._unanswered.clear()
        unsettled, self._unsettled = self._unsettled, {}
        for delivery, settled in unsettled.values():
            unknown = ConnectionLost(f"whether the answer is stored is unknown: {error.message}")
            delivery._lost = unknown  # noqa: SLF001 - one module, one stream
            if not settled.done():
                settled.set_result(unknown)
            self._tell(delivery, unknown)
        self._changed.set()

    # --- Leases -----------------------------------------------------------------------------------

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._renewal = loop.call_later(self._lease_seconds / 3, self._renew_due)

    def _renew_due(self) -> None:
        """Renew every third of a lease; what is younger than a sixth can wait for the next time."""
        self._renewal = None
        now = asyncio.get_running_loop().time()
        for delivery in self._unanswered.values():
            if delivery._keeps_its_lease and self._is_due(delivery, now):  # noqa: SLF001
                self._renew(delivery)
        if self._unanswered:
            self._look_later()

    def _is_due(self, delivery: HeldDelivery, now: float) -> bool:
        return now - delivery._leased_at >= self._lease_seconds / 6  # noqa: SLF001
