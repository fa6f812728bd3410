"""What members of a consumer saw, and a checker that says which promise it breaks.

Every promise is an error of its own; its docstring is the promise, and what went against it is
added. Times are those at which a client saw or said something: what it says it says before it is
sent, what it hears after it has come.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple


class Broken(AssertionError):
    """A promise."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{self.__doc__} But {what}")


class EventLost(Broken):
    """Every event is delivered until somebody has answered for it."""


class ConfirmedAgain(Broken):
    """An answer that was confirmed is never asked for again."""


class OutOfOrder(Broken):
    """An aggregate's events are delivered first in the order of the log."""


class OvertakenUnanswered(Broken):
    """An event comes after the one before it was answered, or its holder was gone."""


class HeldTwice(Broken):
    """An aggregate's events are with one member at a time."""


class Seen(NamedTuple):
    """One thing that a client saw or said."""

    what: str
    """`delivered`, `acked`, `nacked`, `confirmed` or `gone` (the member; no event).

    Who goes may not hear the confirmation of an ack: that it was said is what counts then.
    """
    member: str
    position: int = 0
    aggregate: str = ""


def check(history: list[Seen], stored: dict[int, str]) -> None:
    """Raises what is broken. `stored`: all events that are meant, with their aggregates."""
    checker = _Checker(stored)
    acked: set[int] = set()
    for what, member, position, aggregate in history:
        match what:
            case "delivered":
                checker.see_delivered(member, position, aggregate)
            case "acked" | "nacked":
                checker.see_answered(member, position, aggregate)
                if what == "acked":
                    acked.add(position)
            case "confirmed":
                checker.confirmed.add(position)
            case "gone":
                checker.see_gone(member)
    lost = set(stored) - acked
    if lost:
        raise EventLost(f"{len(lost)} of {len(stored)} were not: {sorted(lost)[:10]}")


class _Checker:
    def __init__(self, stored: dict[int, str]) -> None:
        self.confirmed: set[int] = set()
        self._in_order: dict[str, list[int]] = defaultdict(list)
        for position, aggregate in sorted(stored.items(), reverse=True):
            self._in_order[aggregate].append(position)
        self._first_delivered: set[int] = set()
        self._held: dict[str, tuple[str, int]] = {}
        """By aggregate: the member that has an event of it, unanswered."""

    def see_delivered(self, member: str, position: int, aggregate: str) -> None:
        if position in self.confirmed:
            raise ConfirmedAgain(f"{position} of {aggregate} came to {member}")
        if position not in self._first_delivered:
            expected = self._in_order[aggregate].pop()
            if expected != position:
                raise OutOfOrder(f"{position} of {aggregate} came before {expected}")
            self._first_delivered.add(position)
        holder = self._held.get(aggregate)
        if holder is not None and holder[0] != member:
            raise HeldTwice(f"{holder} had {aggregate} when {member} got {position}")
        if holder is not None and holder[1] != position:
            raise OvertakenUnanswered(f"{position} of {aggregate} came before {holder}")
        self._held[aggregate] = (member, position)

    def see_answered(self, member: str, position: int, aggregate: str) -> None:
        if self._held.get(aggregate) == (member, position):
            del self._held[aggregate]

    def see_gone(self, member: str) -> None:
        self._held = {key: one for key, one in self._held.items() if one[0] != member}
