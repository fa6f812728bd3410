"""Consume for the synchronous client: handlers in threads, deliveries one by one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, TracebackType
from typing import Self, TypeVar

from everlog.consuming import Consuming
from everlog.decisions import Decision
from everlog.deliveries import Deliveries, Delivery, HeldDelivery
from everlog.portal import Portal

_Result = TypeVar("_Result")


class SyncConsuming:
    """A consumer's events, on their way through handlers in threads; made by `consume`.

    `with` begins, and stops at its end; `run` does both and waits in between.
    """

    def __init__(self, owner: object, portal: Portal, consuming: Consuming) -> None:
        self._owner = owner  # which must not be collected, and so closed, while this is in use
        self._portal = portal
        self._consuming = consuming

    @property
    def finished(self) -> int:
        """How many calls of handlers have come to their end, well or not."""
        return self._consuming.finished

    @property
    def abandoned(self) -> int:
        """How many were left alone in their threads when it was stopped."""
        return self._consuming.abandoned

    def start(self) -> None:
        """Begin; `with` and `run` do."""
        _in_loop(self._portal, self._consuming.start)

    def wait(self) -> None:
        """Wait until it has ended: by `stop` in another thread, or by an error, which is raised."""
        self._portal.call(self._consuming.wait)

    def run(self, *, signals: Iterable[signal.Signals] = ()) -> None:
        """Handle events until it is stopped, or ended by an error, which is raised.

        A signal of `signals`, such as SIGTERM, stops it (in the main thread only, as Python has
        it), and so does Ctrl-C. A second one does not wait for handlers any more.
        """

        def begin_stop(_number: int, _frame: FrameType | None) -> None:
            self._portal.wake(self._consuming.begin_stop)

        before = {one: signal.signal(one, begin_stop) for one in signals}
        try:
            with self:
                self.wait()
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def stop(self, *, timeout_seconds: float | None = None) -> None:
        """Take nothing more, finish what is in flight, have it settled, and leave.

        What takes longer than the timeout (that of `consume`, when None) is abandoned. Not to be
        called by a handler, which would wait for itself: that may raise in its own stead.
        """
        self._portal.call(self._consuming.stop, timeout_seconds=timeout_seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None:
            self.wait()


class SyncHeldDelivery(Delivery):
    """A delivery that its receiver answers: with exactly one of `ack`, `nack` and `release`."""

    __slots__ = ("_held", "_portal")

    def __init__(self, portal: Portal, held: HeldDelivery) -> None:
        super().__init__(held.message)
        self._portal = portal
        self._held = held

    @property
    def is_held(self) -> bool:
        """Whether it is still this member's: when not, somebody else may be at the event by now."""
        return self._held.is_held

    def ack(self) -> None:
        """Say that the event is finished. It is stored soon: `on_unsettled` tells if not."""
        _in_loop(self._portal, self._held.ack)

    def nack(self, why: str | Decision) -> None:
        """Say that it failed: with an error's text, or what is decided: Retry, Park or Skip."""
        _in_loop(self._portal, lambda: self._held.nack(why))

    def release(self) -> None:
        """Give the event back, not begun: it comes again, soon, and no attempt is counted."""
        _in_loop(self._portal, self._held.release)

    def in_progress(self) -> None:
        """Say that it takes longer: the lease begins anew. Without effect when it is not held."""
        _in_loop(self._portal, self._held.in_progress)


class SyncDeliveries(Iterator[SyncHeldDelivery]):
    """What a member of a consumer is to work on; iterate over it, and answer each delivery.

    `with` (or `close`) leaves: what is answered is stored; what is not is delivered again, and
    counts as failed if it was handed out.
    """

    def __init__(self, owner: object, portal: Portal, deliveries: Deliveries) -> None:
        self._owner = owner  # which must not be collected, and so closed, while this is in use
        self._portal = portal
        self._deliveries = deliveries

    def __next__(self) -> SyncHeldDelivery:
        return self.next()

    def next(self, *, timeout_seconds: float | None = None) -> SyncHeldDelivery:
        """Return the next one; raises TimeoutError, and loses nothing, when none comes in time."""
        held = self._portal.call(self._deliveries.next, timeout_seconds=timeout_seconds)
        if held is None:
            raise StopIteration
        return SyncHeldDelivery(self._portal, held)

    def leave(self) -> None:
        """Take nothing more. The iteration ends when all that was taken is answered and stored.

        What has arrived, and was not taken, is given back: nothing is counted.
        """
        _in_loop(self._portal, self._deliveries.leave)

    def close(self) -> None:
        """Leave, and wait until every answer is settled; what has no answer is cut off."""
        self._portal.call(self._deliveries.aclose)

    def __enter__(self) -> Self:
        _in_loop(self._portal, self._deliveries.start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _in_loop(portal: Portal, function: Callable[[], _Result]) -> _Result:
    async def call() -> _Result:
        return function()

    return portal.call(call)
