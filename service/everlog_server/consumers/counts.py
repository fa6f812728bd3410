"""What the members of a process were delivered, and said of it; how far their consumers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from everlog_server.measures import Buckets, Distribution

if TYPE_CHECKING:
    from everlog_server.storage.consumers import ConsumerStanding


@dataclass(frozen=True, slots=True)
class ConsumerFigures:
    """One consumer that has members here."""

    tenant_id: int
    name: str
    members: int
    """Here."""
    in_flight: int
    """Here."""
    standing: ConsumerStanding | None
    """Of all of it, as PostgreSQL told last; None: not asked yet."""


@dataclass(frozen=True, slots=True)
class ConsumersSnapshot:
    """Totals since the start, and how it is now."""

    delivered: int
    acked: int
    failed: int
    parked: int
    released: int
    refused: int
    flush_seconds: Distribution
    consumers: tuple[ConsumerFigures, ...]


class ConsumerCounts:
    """Raised by all members of a process."""

    __slots__ = ("acked", "delivered", "failed", "flush_seconds", "parked", "refused", "released")

    def __init__(self) -> None:
        self.delivered = 0
        self.acked = 0
        """Also those that a member skipped."""
        self.failed = 0
        """Attempts: nacks, leases that ran out, streams that broke."""
        self.parked = 0
        self.released = 0
        self.refused = 0
        """Answers to deliveries that were not the member's, or not any more."""
        self.flush_seconds = Buckets()
        """From asking PostgreSQL to store answers to hearing that they are."""

    def snapshot(self, consumers: tuple[ConsumerFigures, ...]) -> ConsumersSnapshot:
        """What was counted until now."""
        return ConsumersSnapshot(
            self.delivered,
            self.acked,
            self.failed,
            self.parked,
            self.released,
            self.refused,
            self.flush_seconds.snapshot(),
            consumers,
        )
