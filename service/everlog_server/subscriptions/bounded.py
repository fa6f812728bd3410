"""What a process keeps only to save itself work, or to wait for, and the bounds on it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Generic, TypeVar

STORAGE_AWAY_SECONDS_MAX = 15.0

_K = TypeVar("_K")
_V = TypeVar("_V")


class Cache(Generic[_K, _V]):
    """The values used last whose sizes, as they are given, are together within a bound."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._found: OrderedDict[_K, tuple[_V, int]] = OrderedDict()
        self.size_bytes = 0

    def get(self, key: _K) -> _V | None:
        """The value, if it is still here."""
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def put(self, key: _K, value: _V, size_bytes: int) -> None:
        """Keeps a value that is not here; what was not used for longest goes for it."""
        self._found[key] = (value, size_bytes)
        self.size_bytes += size_bytes
        while self.size_bytes > self._bytes_max:
            self.size_bytes -= self._found.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forgets everything."""
        self._found.clear()
        self.size_bytes = 0


class Outage:
    """How long PostgreSQL has been away, as one of those who ask it sees it."""

    def __init__(self) -> None:
        self._since: float | None = None

    def end(self) -> None:
        """PostgreSQL has answered, or was not needed: the next outage is another one."""
        self._since = None

    def goes_on(self) -> bool:
        """PostgreSQL could not be reached: whether it still may come back."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        return now - self._since <= STORAGE_AWAY_SECONDS_MAX
