"""Names that worlds and their events have in the log; the client for Node.js gives the same."""

from __future__ import annotations

import hashlib

from everlog.aggregates import AggregateKey
from everlog.emitters.forking import ForkableLock

_NAME_BYTES_MAX = 255  # the server's own limit, of ids and of keys
_REPEATED_MAX = 10_000

# Guards all ordinals, whose order is that of use, between threads that emit.
_counting = ForkableLock()


def world_aggregate(world: str, chat: str | None) -> AggregateKey:
    """Name the aggregate of a chat, or of what belongs to a world and to no chat in it.

    In a chat's name the world's `/` is `%2F` and its `%` is `%25`: chat `b/c` of world `a` is not
    chat `c` of world `a/b`.
    """
    if chat is None:
        return AggregateKey("world", fitting(world))
    return AggregateKey("chat", fitting(f"{_escaped(world)}/{chat}"))


def key_prefix(world: str) -> str:
    """Begin a world's keys: message ids of two worlds in one tenant may be the same."""
    return f"{_escaped(world)}/"


def fitting(name: str) -> str:
    """Give a name of at most 255 bytes of UTF-8.

    A longer one becomes its first 190 bytes or so, `~`, and the SHA-256 of all of it.
    """
    if len(name) * 4 <= _NAME_BYTES_MAX or len(encoded := name.encode()) <= _NAME_BYTES_MAX:
        return name
    tail = f"~{hashlib.sha256(encoded).hexdigest()}"
    return encoded[: _NAME_BYTES_MAX - len(tail)].decode(errors="ignore") + tail


def _escaped(world: str) -> str:
    return world.replace("%", "%25").replace("/", "%2F")


class Ordinals:
    """Counts how often a name was given: a message's chunks share channel, message id and type.

    It remembers the 10,000 names that were used last; one that was forgotten begins at 1 again.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, name: str) -> int:
        """Count the name; 1 for one that is new."""
        with _counting:
            ordinal = self._counts.pop(name, 0) + 1
            self._counts[name] = ordinal
            if len(self._counts) > _REPEATED_MAX:
                del self._counts[next(iter(self._counts))]
            return ordinal
