"""One member of a consumer at work: each delivery goes to its handler, and is answered by it.

    delivery ──▶ [waits for room] ──▶ handler ──▶ ack, or nack ──▶ settled
                        └───────────▶ release, when it stops

The server sends at most as many deliveries as may be handled at once, and of an aggregate one at a
time. After an interruption it sends again what was not settled; a handler that is still at the same
aggregate by then is waited for, so that two of them never work on it in one process. Only a plain
function whose time was over is not: nobody knows whether it will ever end.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Self

from everlog.decisions import Decision, failure
from everlog.deliveries import CLIENT_CLOSE_SECONDS_MAX, Deliveries, HeldDelivery
from everlog.handlers import Handlers
from everlog.threads import Threads
from everlog.v1 import consumers_pb2

_log = logging.getLogger("everlog")


class Consuming:
    """A consumer's events, on their way through handlers; made by `consume`.

    `async with` begins, and stops at its end; `run` (or `await`) does both and waits in between.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        handlers: Handlers,
        *,
        concurrency: int,
        stop_timeout_seconds: float,
        handler_timeout_seconds: float | None = None,
        before_close: Callable[[Callable[[], Awaitable[object]]], Callable[[], None]],
    ) -> None:
        self._deliveries = deliveries
        self._handlers = handlers
        if handler_timeout_seconds is not None and not handler_timeout_seconds > 0:
            raise ValueError(
                f"handler_timeout_seconds is {handler_timeout_seconds}, expected more than 0"
            )
        self._concurrency = concurrency
        self._stop_timeout_seconds = stop_timeout_seconds
        self._handler_timeout_seconds = handler_timeout_seconds
        self._before_close = before_close
        self._threads = Threads(concurrency, name="everlog handler")
        # In the order in which they came; a delivery waits for room, or for its aggregate.
        self._waiting: list[HeldDelivery] = []
        self._working: dict[asyncio.Task[None], HeldDelivery] = {}
        self._at_work: dict[tuple[str, str], list[HeldDelivery]] = {}
        self._running: asyncio.Task[None] | None = None
        self._finished = 0
        self._abandoned = 0

    @property
    def finished(self) -> int:
        """How many calls of handlers have come to their end, well or not."""
        return self._finished

    @property
    def abandoned(self) -> int:
        """How many were cancelled, or left alone in their threads, when it was stopped."""
        return self._abandoned

    @property
    def member_id(self) -> str:
        """The member's id (a UUID) on the present stream; empty before the first one is open."""
        return self._deliveries.member_id

    # --- Beginning and ending ---------------------------------------------------------------------

    def start(self) -> None:
        """Begin, in the running event loop; `async with` and `run` do."""
        if self._running is None:
            withdraw = self._before_close(
                lambda: self.stop(timeout_seconds=CLIENT_CLOSE_SECONDS_MAX)
            )
            self._running = asyncio.create_task(self._run(), name="everlog consuming")
            self._running.add_done_callback(lambda _: withdraw())
            # What it raises is told by `wait`; who never waits is not to be warned of it later.
            self._running.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def wait(self) -> None:
        """Wait until it has ended: by `stop`, or by an error, which is raised.

        Cancelling this does not stop it.
        """
        self.start()
        if self._running is not None:
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.result()

    async def run(self, *, signals: Iterable[signal.Signals] = ()) -> None:
        """Handle events until it is stopped, or ended by an error, which is raised.

        A signal of `signals`, such as SIGTERM, stops it; so does a cancellation. A second one does
        not wait for handlers any more.
        """
        loop = asyncio.get_running_loop()
        given = list(signals)
        for one in given:
            loop.add_signal_handler(one, self.begin_stop)
        try:
            async with self:
                await self.wait()
        finally:
            for one in given:
                loop.remove_signal_handler(one)

    def __await__(self) -> Generator[Any, None, None]:
        return self.run().__await__()

    def begin_stop(self) -> None:
        """Take nothing more, and don't wait; called a second time, give up what is in flight."""
        if self._deliveries.is_leaving:
            self._abandon()
        elif self._running is not None:
            self._leave()
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._stop_timeout_seconds, self._abandon)
            self._running.add_done_callback(lambda _: timer.cancel())

    async def stop(self, *, timeout_seconds: float | None = None) -> None:
        """Take nothing more, finish what is in flight, have it settled, and leave.

        What no handler has begun is given back. What takes longer than the timeout (that of
        `consume`, when None) is abandoned, and so is everything when this is cancelled: it is
        delivered again, and counts as failed.
        """
        self._leave()
        if self._running is None:
            return
        seconds = self._stop_timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            await asyncio.wait([self._running], timeout=seconds)
        finally:
            self._abandon()
        await asyncio.wait([self._running])

    def _leave(self) -> None:
        self._deliveries.leave()
        waiting, self._waiting = self._waiting, []
        for delivery in waiting:
            if delivery.is_held:
                delivery.release()

    def _abandon(self) -> None:
        if self._running is not None and not self._running.done():
            self._abandoned += len(self._working)
            for task in self._working:
                task.cancel()
            self._working.clear()
            self._running.cancel()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        if error is None:
            await self.wait()

    # --- Handling ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async for delivery in self._deliveries:
                self._waiting.append(delivery)
                self._start_what_may()
        finally:
            # Nobody sends any more, or nobody can be told: what is in flight ends all the same.
            try:
                if self._working:
                    await asyncio.wait(self._working, timeout=self._stop_timeout_seconds)
            finally:
                self._abandoned += len(self._working)
                for task in self._working:
                    task.cancel()
                self._threads.close()
                # Its end was waited for before, or the time for that is over.
                await self._deliveries.aclose(timeout_seconds=0)

    def _start_what_may(self) -> None:
        if len(self._working) >= self._concurrency:
            return
        waiting, self._waiting = self._waiting, []
        for delivery in waiting:
            if not delivery.is_held:
                continue  # lost while it waited: whoever has it now handles it
            if len(self._working) >= self._concurrency or self._must_wait(delivery):
                self._waiting.append(delivery)
                continue
            self._at_work.setdefault(_aggregate_of(delivery), []).append(delivery)
            task = asyncio.create_task(self._handle(delivery), name="everlog handler")
            self._working[task] = delivery
            task.add_done_callback(self._forget)

    def _must_wait(self, delivery: HeldDelivery) -> bool:
        """Whether a handler is at its aggregate with what the server has given up."""
        event_id = delivery.message.event.event_id
        return any(
            not other.is_held or other.message.event.event_id == event_id
            for other in self._at_work.get(_aggregate_of(delivery), ())
        )

    def _forget(self, task: asyncio.Task[None]) -> None:
        delivery = self._working.pop(task, None)
        if delivery is None:
            return  # abandoned
        aggregate = _aggregate_of(delivery)
        at_work = self._at_work[aggregate]
        at_work.remove(delivery)
        if not at_work:
            del self._at_work[aggregate]
        if self._waiting:
            self._start_what_may()

    async def _handle(self, delivery: HeldDelivery) -> None:
        overtime = self._overtime(delivery) if self._handler_timeout_seconds is not None else None
        nack = None
        try:
            nack = await self._outcome(delivery)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # Cancelled once for its time; a second time is somebody else's, who means it.
            if overtime is None or not overtime.is_over or task is None or task.uncancel() > 0:
                raise
        finally:
            if overtime is not None:
                overtime.timer.cancel()
        self._finished += 1
        if overtime is not None and overtime.is_over:
            return  # answered when its time was over
        if nack is None:
            delivery.ack()
        else:
            delivery.nack_with(nack)

    def _overtime(self, delivery: HeldDelivery) -> _Overtime:
        seconds, task = self._handler_timeout_seconds, asyncio.current_task()
        assert seconds is not None  # noqa: S101 - asked before
        assert task is not None  # noqa: S101 - handlers run in tasks
        return _Overtime(seconds, delivery, task)

    async def _outcome(self, delivery: HeldDelivery) -> consumers_pb2.DeliveryAnswer.Nack | None:
        """Call the handler; give what is to be answered, None: ack."""
        try:
            try:
                decided = await self._call(delivery)
            except Decision as decision:
                decided = decision
            return decided.to_message() if isinstance(decided, Decision) else None
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._failed(delivery, cancelled)  # something of its own was cancelled
        except Exception as error:
            return self._failed(delivery, error)

    async def _call(self, delivery: HeldDelivery) -> Any:
        event_type = delivery.event.event_type
        found = self._handlers.of(event_type)
        if found is None:
            raise LookupError(f"no handler is for {event_type}; one for `*` would get it")
        handler, is_asynchronous = found
        if is_asynchronous:
            result = await handler(delivery)
        else:
            result = await self._threads.run(handler, delivery)
            if asyncio.iscoroutine(result):
                result = await result
        if isinstance(result, type) and issubclass(result, Decision):
            result = result()
        return result

    def _failed(
        self, delivery: HeldDelivery, error: BaseException
    ) -> consumers_pb2.DeliveryAnswer.Nack:
        _log.warning("the handler failed on %r", delivery, exc_info=error)
        return failure(error)


class _Overtime:
    """The time that a handler has: when it is over, its event has failed, and it is cancelled."""

    def __init__(self, seconds: float, delivery: HeldDelivery, task: asyncio.Task[None]) -> None:
        self.is_over = False
        self._seconds = seconds
        self._delivery = delivery
        self._task = task
        self.timer = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        self.is_over = True
        error = TimeoutError(f"the handler was not through after {self._seconds:g} s")
        _log.warning("the handler failed on %r: %s", self._delivery, error)
        self._task.cancel()
        # At once, for it may not heed that, and the lease would be kept meanwhile.
        self._delivery.nack_with(failure(error))


def _aggregate_of(delivery: HeldDelivery) -> tuple[str, str]:
    event = delivery.message.event
    return event.aggregate_type, event.aggregate_id
