"""What subscriptions have read, and from where: counted by message, never by event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSnapshot:
    """Totals since the start, and how it is now."""

    live: int
    catching_up: int
    lags: tuple[int, ...]
    """Of each subscription: how many positions it is behind the head that is known here."""
    ring_shared: int
    ring_read: int
    table_read: int
    fell_behind: int
    refused: int
    ring_bytes: int
    """Of all rings."""
    heads: dict[int, int]
    """By tenant that is followed."""


class SubscriptionCounts:
    """Raised by all subscriptions of a process."""

    __slots__ = ("fell_behind", "refused", "ring_read", "ring_shared", "table_read")

    def __init__(self) -> None:
        self.ring_shared = 0
        """Reads that the ring answered with what it had put together for another."""
        self.ring_read = 0
        """Reads that it put together."""
        self.table_read = 0
        """Batches that came from PostgreSQL: of those that catch up, and for what it must judge."""
        self.fell_behind = 0
        """How often a live one was so slow that the ring had moved on."""
        self.refused = 0
        """For lack of room."""
