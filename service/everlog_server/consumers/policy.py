"""How a consumer reads and retries, and by which clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from everlog_server.model import EventFilter


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between the attempts of one event."""

    initial_seconds: float
    multiplier: float
    max_seconds: float
    jitter: float
    """By how much a wait differs at random, as a part of it, either way: 0 to 1."""

    def seconds(self, failed_attempts: int, random: Random) -> float:
        """The wait after so many attempts that failed, at least one."""
        try:
            wait = self.initial_seconds * self.multiplier ** (failed_attempts - 1)
        except OverflowError:  # of the thousandth attempt; the longest wait was reached long before
            wait = self.max_seconds
        wait = min(self.max_seconds, wait)
        return wait * (1 + self.jitter * random.uniform(-1, 1))


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a consumer, as the engine reads them."""

    event_filter: EventFilter
    lease_seconds: float
    attempts_max: int
    backoff: Backoff
    checkpoint_interval_seconds: float
    is_ordered: bool
    """Whether the events of one aggregate wait for each other."""
    in_flight_max: int
    blocks: bool
    """Whether an event whose attempts are exhausted blocks its aggregate."""


class Clock:
    """Microseconds since 1970 that never go back while there are consumers.

    When an event is tried again is stored, and waited for by whichever process has it then: so they
    all go by PostgreSQL's clock, however wrong their own are.
    """

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def set(self, now: int) -> None:
        """It is now so late. Only while nothing waits for a time."""
        self._offset = now * 1000 - time.monotonic_ns()

    def now(self) -> int:
        """The time."""
        return (self._offset + time.monotonic_ns()) // 1000
