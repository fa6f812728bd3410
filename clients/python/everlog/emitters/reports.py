"""What became of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from everlog.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of the events that were handed over; the five add up to their number."""

    stored: int
    """Appended to the log."""

    deduplicated: int
    """Found in the log, under the same key with the same content."""

    dropped: int
    """Not taken, because the buffer was full or closed."""

    failed: int
    """No JSON can be made of them, or the server refused them for good."""

    buffered: int
    """Not answered yet."""


@dataclass(frozen=True, slots=True)
class CloseReport:
    """What is left when a writer or an attachment is closed."""

    stats: Stats
    unstored: Sequence[Event]
    """What has no answer, in order. With their keys it is safe to emit them later, also those that
    have arrived after all."""
