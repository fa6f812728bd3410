"""The callers that have proved who they are: so that it is asked once, and not for every call.

Found by the SHA-256 of what they have shown. So no secret is kept in memory, and how long a look
takes tells nothing of one: who changes a character gets another digest altogether.

Bounded: the one that was asked for least recently goes first. Running streams ask every few
seconds, so theirs stay.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from everlog_server.identity.callers import Caller

CALLERS_MAX = 10_000
_FORMER_MAX = 8


@dataclass(slots=True, eq=False)
class Entry:
    """A caller that is known."""

    digest: bytes
    caller: Caller
    source: str
    """What must hold for it to hold: the name of its token, or the id of its key."""
    is_used: bool = True
    """Whether it has called since somebody looked, and set this back."""
    noted_at: float = 0.0
    """When it was noted last that it calls, in seconds of a monotonic clock; 0: never."""
    former: deque[Caller] = field(default_factory=lambda: deque(maxlen=_FORMER_MAX))
    """As the same one was known before its tenants were renamed: their streams may go on."""


class KnownCallers:
    """Who is known, by digest and by caller."""

    def __init__(
        self, *, callers_max: int = CALLERS_MAX, clock: Callable[[], float] = time.time
    ) -> None:
        self._callers_max = callers_max
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._by_caller: dict[Caller, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """All that are known, to be changed meanwhile."""
        return iter(list(self._entries.values()))

    def get(self, digest: bytes) -> Caller | None:
        """Who has shown this, if that still holds. On the hot path of every call."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        caller = entry.caller
        if caller.expires_at is not None and caller.expires_at <= self._clock():
            self.forget(entry)
            return None
        entry.is_used = True
        self._entries.move_to_end(digest)
        return caller

    def put(self, digest: bytes, caller: Caller, source: str) -> Caller:
        """Remembers it; returns the one that is remembered, which is another if one was first."""
        entry = self._entries.get(digest)
        if entry is not None:
            return entry.caller
        entry = Entry(digest, caller, source)
        self._entries[digest] = entry
        self._by_caller[caller] = entry
        if len(self._entries) > self._callers_max:
            self.forget(next(iter(self._entries.values())))
        return caller

    def replace(self, entry: Entry, caller: Caller) -> None:
        """Knows the same one otherwise from now on."""
        if len(entry.former) == _FORMER_MAX:
            self._by_caller.pop(entry.former[0], None)
        entry.former.append(entry.caller)
        entry.caller = caller
        self._by_caller[caller] = entry

    def forget(self, entry: Entry) -> None:
        """Knows it no more: it has to prove itself anew, and its streams end."""
        self._entries.pop(entry.digest, None)
        for caller in (entry.caller, *entry.former):
            self._by_caller.pop(caller, None)

    def holds(self, caller: Caller) -> bool:
        """Whether it is still known, and has not expired."""
        entry = self._by_caller.get(caller)
        return entry is not None and self.get(entry.digest) is not None
