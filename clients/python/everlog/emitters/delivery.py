"""One run of deliveries: from the first event that waits until none does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

from grpc import StatusCode

from everlog.client import Client
from everlog.emitters.buffer import EventBuffer
from everlog.emitters.complaints import Complaints
from everlog.errors import AlreadyExists, EverlogError, InvalidArgument, InvalidEvent
from everlog.events import Event
from everlog.retry import Backoff, emit_may_be_retried

_BATCH_EVENTS_MAX = 500
_BATCH_BYTES_MAX = 1024 * 1024
_UNCLEAR_ATTEMPTS_MAX = 3

Verdict: TypeAlias = Literal["refused", "wait", "unclear"]

_UNCLEAR_CODES = frozenset(
    {
        StatusCode.ABORTED,
        StatusCode.DATA_LOSS,
        StatusCode.FAILED_PRECONDITION,
        StatusCode.INTERNAL,
        StatusCode.OUT_OF_RANGE,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.UNKNOWN,
    }
)


def judge(error: EverlogError) -> Verdict:
    """Say whether a failure is the fault of the events that were sent, or of the moment.

    `refused`: these events will never be stored. `wait`: they may be, later: a server that is away
    or slow, but also a token that has expired, or a proxy that leads elsewhere for a while.
    `unclear`: it may be either; what stays so is taken for the events' fault, or one event could
    hold up all others.
    """
    if isinstance(error, InvalidArgument | AlreadyExists):
        return "refused"
    if error.code in _UNCLEAR_CODES and not emit_may_be_retried(error, recognisable=True):
        return "unclear"
    return "wait"


class Delivery:
    """Sends what waits in a buffer, batch after batch, each until it has an answer.

    One bad event costs only itself: a batch that is refused for good is tried in halves, down to
    the event that is the reason.
    """

    def __init__(
        self,
        client: Client,
        buffer: EventBuffer,
        complaints: Complaints,
        *,
        attempt_timeout_seconds: float,
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._buffer = buffer
        self._complaints = complaints
        self._attempt_timeout_seconds = attempt_timeout_seconds
        self._backoff = backoff
        self._batch_events = _BATCH_EVENTS_MAX
        self._failures = 0
        self._unclear = 0
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Try again at once, if it is in a pause."""
        self._hurried.set()

    async def run(self, run: int) -> None:
        """Deliver until nothing waits. Cancelled, or without an open client, it leaves the rest."""
        try:
            while batch := self._buffer.front(
                run, events_max=self._batch_events, bytes_max=_BATCH_BYTES_MAX
            ):
                await self._send(run, batch)
        except asyncio.CancelledError:
            self._stop(run, "they are sent no longer")
            raise
        except Exception as error:
            self._stop(run, f"{type(error).__name__}: {error}")

    def _stop(self, run: int, reason: str) -> None:
        if self._buffer.halt(run):
            self._complaints.say("stopped", lambda: f"{self._buffer.backlog}: {reason}")

    async def _send(self, run: int, batch: Sequence[Event]) -> None:
        try:
            receipts = await self._client.emit_many(
                batch,
                # A batch that is tried again may begin and end elsewhere.
                known_events="skip",
                timeout_seconds=self._attempt_timeout_seconds,
            )
        except EverlogError as error:
            await self._bear(run, error, batch)
        except (TypeError, ValueError) as error:  # it can't even be sent
            await self._bear(run, InvalidEvent(str(error)), batch)
        else:
            known = sum(receipt.deduplicated for receipt in receipts)
            self._settle(run, stored=len(receipts) - known, deduplicated=known)
            self._batch_events = min(self._batch_events * 2, _BATCH_EVENTS_MAX)

    async def _bear(self, run: int, error: EverlogError, batch: Sequence[Event]) -> None:
        """Decide what follows: a pause, smaller batches, or to do without an event."""
        verdict = judge(error)
        self._unclear = self._unclear + 1 if verdict == "unclear" else 0
        if verdict == "wait" or (verdict == "unclear" and self._unclear < _UNCLEAR_ATTEMPTS_MAX):
            self._failures += 1
            self._complaints.say("interrupted", lambda: f"{error}; {self._buffer.backlog}")
            await self._pause(self._backoff.seconds(self._failures, retry_after=error.retry_after))
            return
        self._unclear = 0
        if len(batch) > 1:
            self._batch_events = (len(batch) + 1) // 2
            return
        name = f"{batch[0].event_type} with key {batch[0].idempotency_key!r}"
        self._complaints.say("refused", lambda: f"{name} is refused for good: {error}")
        self._settle(run, failed=1)

    def _settle(self, run: int, *, stored: int = 0, deduplicated: int = 0, failed: int = 0) -> None:
        self._buffer.settle(run, stored=stored, deduplicated=deduplicated, failed=failed)
        if self._failures:
            self._complaints.is_over(f"the server answers again, after {self._failures} failures")
        self._failures = 0
        self._unclear = 0

    async def _pause(self, seconds: float) -> None:
        self._hurried.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), seconds)
