"""When to try again, and how soon: decisions only, without clocks, tasks or connections.

What may be repeated follows from what the contract says of each reason:

- `STORAGE_UNAVAILABLE`, `SERVER_DRAINING`, `OVERLOADED`: nothing was stored. Anybody may try again.
- a lost connection, CANCELLED without a reason (so gRPC ends what an overloaded server has not
  begun, and so proxies end anything), `COMMIT_UNKNOWN`: the events may be stored. Only who can be
  recognised (every event carries an idempotency key or a chosen id) may try again.
- everything else is an answer, not an interruption.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from grpc import StatusCode

from everlog.errors import (
    EverlogError,
    Overloaded,
    ServerDraining,
    StorageUnavailable,
    TooManyMembers,
    TooManySubscriptions,
    Unavailable,
)

_NOTHING_WAS_STORED = (StorageUnavailable, ServerDraining, Overloaded)

# How a proxy, or a server that dies or is overloaded, ends a call without everlog saying why.
_CUT_OFF = frozenset({StatusCode.CANCELLED, StatusCode.INTERNAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the n-th attempt: growing, capped, with jitter."""

    initial_seconds: float = 0.1
    max_seconds: float = 5.0
    multiplier: float = 1.5
    """Below 2, so that whoever was away is found again within half of its absence."""

    def seconds(
        self,
        failures: int,
        *,
        retry_after: float | None = None,
        random: Callable[[], float] = random.random,
    ) -> float:
        """Say how long to wait after so many failures in a row (from 1).

        Between half and all of the grown wait, so that clients do not return in step; not less
        than the server asked for, even beyond the cap.
        """
        # The exponent is bounded: a float overflows after a thousand failures.
        full = self.initial_seconds * self.multiplier ** min(failures - 1, 32)
        jittered = min(full, self.max_seconds) * (0.5 + random() / 2)
        return max(jittered, retry_after or 0.0)


def emit_may_be_retried(error: EverlogError, *, recognisable: bool) -> bool:
    """Whether an emit that failed so may be sent again; `recognisable`: the log would know it."""
    if isinstance(error, _NOTHING_WAS_STORED):
        return True
    return recognisable and (isinstance(error, Unavailable) or was_cut_off(error))


def read_may_be_retried(error: EverlogError) -> bool:
    """Whether a read that failed so may be sent again."""
    # Not after INTERNAL, with which gRPC also ends what can never succeed.
    return isinstance(error, Unavailable | Overloaded) or _was_cancelled_on_the_way(error)


def subscription_may_be_resumed(error: EverlogError) -> bool:
    """Whether a subscription that ended so goes on from its cursor, rather than being over."""
    return isinstance(error, Unavailable | Overloaded | TooManySubscriptions) or was_cut_off(error)


def consuming_may_be_resumed(error: EverlogError) -> bool:
    """Whether a member whose stream ended so joins again, rather than being told."""
    return isinstance(error, Unavailable | Overloaded | TooManyMembers) or was_cut_off(error)


def was_cut_off(error: EverlogError) -> bool:
    """Whether something on the way ended the call: everlog itself always gives a reason."""
    return not error.reason and error.code in _CUT_OFF


def _was_cancelled_on_the_way(error: EverlogError) -> bool:
    return was_cut_off(error) and error.code is StatusCode.CANCELLED
