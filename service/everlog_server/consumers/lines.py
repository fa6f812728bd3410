"""Lines of a slot: what waits for each other, and the lanes of those that have left.

See slots.py, which moves them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everlog_server.consumers.events import Event, Held
    from everlog_server.model import AggregateKey


class Lane:
    """An aggregate that has left the line."""

    __slots__ = ("aggregate", "covered", "decided", "dropped", "events", "head", "position")

    def __init__(self, aggregate: AggregateKey, position: int) -> None:
        self.aggregate = aggregate
        self.position = position
        """Its events before it are finished, but for those with rows; none from it on is."""
        self.head: Held | None = None
        """The event at the position, when that has failed."""
        self.events: deque[Event] = deque()
        """What was read from there on; with a head, at most that."""
        self.covered = position - 1
        """Up to here the log was examined for `events`."""
        self.dropped = 0
        """The last of its events that came while it was a lane."""
        self.decided: dict[int, str | None] = {}
        """Rows that were made, or went (None), by hand; what is read may not show them yet."""


# Most lines never have one: a deque takes 600 bytes, also while it is empty. Never added to.
_NONE: deque[Event] = deque(maxlen=0)


class Line:
    """What waits for each other."""

    __slots__ = ("busy", "events", "is_ready", "key", "lane", "singles")

    def __init__(self, key: object) -> None:
        self.key = key
        self.events: deque[Event] = deque()
        self.lane: Lane | None = None
        self.singles: deque[Event] = _NONE
        """Events with rows of their own, whose turn it is."""
        self.busy: Event | None = None
        """The one in flight."""
        self.is_ready = False
        """Whether it is listed as ready."""

    def add_single(self, event: Event, *, first: bool = False) -> None:
        """Its turn has come, after that of others or before."""
        if self.singles is _NONE:
            self.singles = deque()
        if first:
            self.singles.appendleft(event)
        else:
            self.singles.append(event)

    @property
    def has_next(self) -> bool:
        """Whether an event could be delivered now."""
        if self.busy is not None:
            return False
        if self.singles:
            return True
        return bool(self.lane.events if self.lane is not None else self.events)
