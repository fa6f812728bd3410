"""What the sequencers of a process have done: counted by batch, never by event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from everlog_server.append.judging import Batch
from everlog_server.measures import Buckets, Distribution
from everlog_server.model import NewEvent

NoteBatch = Callable[[int, Sequence[NewEvent], float], None]
"""Gets the tenant, the events and the seconds of a batch that is durable."""

_BATCH_EVENTS_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendSnapshot:
    """Totals since the start, and how it is now."""

    emits: int
    """Answered with receipts."""
    events: int
    """Appended; without those that were known already."""
    deduplicated: int
    """Events that were known already, and answered with their first receipts."""
    refused: dict[str, int]
    """Emits that were judged and refused, by reason."""
    settlings: int
    """How often the fast path was left: another process appended, a connection was lost."""
    batch_events: Distribution
    commit_seconds: Distribution
    """From sending a batch to hearing that it is durable."""
    queued_emits: int
    queued_bytes: int
    turned_away: int
    """Emits for which the queues had no room."""
    batches_in_flight: int
    connections: int
    """Held by sequencers."""
    waiting_for_connection: int
    """Tenants whose sequencers wait for their turn."""
    heads: dict[int, int]
    """By tenant: as the last append here left it."""


class AppendCounts:
    """Raised by all sequencers of a process."""

    __slots__ = (
        "batch_events",
        "commit_seconds",
        "deduplicated",
        "emits",
        "events",
        "refused",
        "settlings",
    )

    def __init__(self) -> None:
        self.emits = self.events = self.deduplicated = self.settlings = 0
        self.refused: dict[str, int] = {}
        self.batch_events = Buckets(_BATCH_EVENTS_BOUNDS)
        self.commit_seconds = Buckets()

    def note(self, batch: Batch, seconds: float) -> None:
        """A batch is durable, and its callers are told; it took so long since it was sent."""
        refusals = batch.refusals
        self.emits += len(batch.outcomes) - len(refusals)
        self.deduplicated += batch.deduplicated
        if events := len(batch.rows.events):
            self.events += events
            self.batch_events.observe(events)
            self.commit_seconds.observe(seconds)
        for refusal in refusals:
            self.refused[refusal.reason] = self.refused.get(refusal.reason, 0) + 1
