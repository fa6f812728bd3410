"""Requests on their way: who waits, what was sent for them, and how they are told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from everlog_server.append.judging import Batch, Outcome
from everlog_server.errors import CommitUnknownError, EverlogError
from everlog_server.model import Committed, Emission


class Caller(Protocol):
    """Whoever wants a request appended."""

    emission: Emission

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits: the answer was told, or is not wanted any more."""

    def tell(self, outcome: Outcome) -> None:
        """Takes the answer. Must not raise; does nothing when there was one, or nobody waits."""


class Waiting:
    """A caller that awaits a future."""

    __slots__ = ("answer", "emission")

    def __init__(self, emission: Emission, answer: asyncio.Future[bytes]) -> None:
        self.emission = emission
        self.answer = answer

    @property
    def is_gone(self) -> bool:
        """Whether the answer was told, or the future is cancelled."""
        return self.answer.done()

    def tell(self, outcome: Outcome) -> None:
        """Answers, if the future is still awaited."""
        if self.answer.done():
            return
        if isinstance(outcome, bytes):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


@dataclass(slots=True)
class Flight:
    """Requests that are appended together."""

    callers: list[Caller]
    batch: Batch | None
    """As it was last judged and sent; None before."""
    in_doubt: bool = False
    """Whether its connection was lost when it may have been committed."""
    sent: float = 0.0
    """When it was last sent, by time.monotonic()."""

    def refuse(self, error: EverlogError) -> None:
        """Tells every caller the same; of a flight in doubt, only that it is."""
        for caller in self.callers:
            caller.tell(CommitUnknownError() if self.in_doubt else error.again())

    @property
    def committed(self) -> Committed | None:
        """What its batch, now durable, has added to the log; None: nothing."""
        if self.batch is None or not self.batch.rows.events:
            return None
        rows = self.batch.rows
        return Committed(
            self.batch.fence.head + 1,
            rows.record_time,
            rows.events,
            rows.event_ids,
            rows.records,
            self.batch.fence.event_id,
        )

    def conclude(self) -> None:
        """Tells every caller what the batch, now durable, has for it."""
        if self.batch is not None:
            for caller, outcome in zip(self.callers, self.batch.outcomes, strict=True):
                caller.tell(outcome)
