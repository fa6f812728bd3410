"""Rates: how many calls, and how many events, each caller may have in a second.

Counted by this process for itself, in memory: an answer that had to ask PostgreSQL would cost more
than what it refuses.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from everlog_server.errors import OverloadedError

_BURST_SECONDS = 1.0
_ROUNDING = 1e-6
_CALLERS_MAX = 10_000
"""Of whom is remembered what they have used; who was silent for longest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesSnapshot:
    """Totals since the start."""

    refused: dict[str, int]
    """By what there was too much of: `calls`, `events`."""


class Bucket:
    """Fills at a steady rate, up to what one second brings; whoever takes empties it.

    What is asked for at once may be more than a second's worth: then the bucket must be full, and
    is in debt afterwards. So the rate holds, and no request is refused for ever.
    """

    __slots__ = ("_level", "_rate", "_seen")

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._level = rate * _BURST_SECONDS
        self._seen = now

    def turn_to(self, rate: int, now: float) -> None:
        """Fills at another rate from now on, and is as full, or as deep in debt, as it was.

        In seconds of the rate: whoever has used up one rate has used up the other, too.
        """
        if rate != self._rate:
            self._level = self._level_at(now) * rate / self._rate
            self._seen = now
            self._rate = rate

    def take(self, amount: int, now: float) -> float:
        """Takes it, and returns 0.0; else takes nothing, and returns the seconds until it could."""
        level = self._level_at(now)
        self._seen = now
        missing = min(amount, self._rate * _BURST_SECONDS) - level
        if missing > _ROUNDING:
            self._level = level
            return missing / self._rate
        self._level = level - amount
        return 0.0

    def _level_at(self, now: float) -> float:
        return min(self._rate * _BURST_SECONDS, self._level + (now - self._seen) * self._rate)


class CallerRates:
    """Counts what callers do. Used from one event loop."""

    def __init__(
        self,
        *,
        calls_per_second: int = 0,
        events_per_second: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The rates are those of callers without their own; 0: none."""
        self._calls = _Rate("calls", calls_per_second)
        self._events = _Rate("events", events_per_second)
        self.has_defaults = bool(calls_per_second or events_per_second)
        """Whether callers without rates of their own are limited."""
        self._clock = clock

    def begin_call(self, caller: str, own_per_second: int) -> None:
        """Counts one call; raises OverloadedError, with the time to wait, if it is too many."""
        if own_per_second or self._calls.default:
            self._calls.take(caller, own_per_second, 1, self._clock())

    def append(self, caller: str, own_per_second: int, events: int) -> None:
        """Counts events that are to be appended; raises OverloadedError likewise."""
        if own_per_second or self._events.default:
            self._events.take(caller, own_per_second, events, self._clock())

    def snapshot(self) -> RatesSnapshot:
        """What was refused."""
        return RatesSnapshot(refused={r.what: r.refused for r in (self._calls, self._events)})


class _Rate:
    """The buckets of one kind."""

    def __init__(self, what: str, default: int) -> None:
        self.what = what
        self.default = default
        self.refused = 0
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, caller: str, own: int, amount: int, now: float) -> None:
        rate = own or self.default
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(rate, now)
            if len(self._buckets) > _CALLERS_MAX:
                self._buckets.popitem(last=False)
        else:
            bucket.turn_to(rate, now)
        self._buckets.move_to_end(caller)
        wait_seconds = bucket.take(amount, now)
        if wait_seconds:
            self.refused += 1
            raise OverloadedError(
                f"{caller} may have {rate} {self.what} a second, and has had them",
                retry_after_seconds=wait_seconds,
            )
