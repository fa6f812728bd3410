"""The source for durable consumers: the room's snapshot in, its families out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Metric

from everlog_server.consumers.counts import ConsumerFigures, ConsumersSnapshot
from everlog_server.metrics.source import Figure, counter, gauges_of, histogram
from everlog_server.storage.consumers import ConsumerStanding

_TOTALS = (
    ("delivered", "Deliveries to members."),
    ("acked", "Events that members have finished, or skipped."),
    ("failed", "Attempts that failed: nacks, leases that ran out, streams that broke."),
    ("parked", "Events that were parked after their last attempt, or at a member's wish."),
    ("released", "Deliveries that members gave back."),
    ("refused", "Answers to deliveries that were not the member's, or not any more."),
)
_LABELS = ("tenant", "consumer")
_OF_EACH: tuple[Figure[ConsumerFigures], ...] = (
    Figure("everlog_consumer_members", "Members at this process.", lambda one: one.members),
    Figure(
        "everlog_consumer_in_flight_events",
        "Deliveries of this process that have no answer.",
        lambda one: one.in_flight,
    ),
)
_OF_EACH_STANDING: tuple[Figure[ConsumerStanding], ...] = (
    Figure(
        "everlog_consumer_lag_events",
        "Positions behind the head, of all of the consumer.",
        lambda one: one.lag,
    ),
    Figure(
        "everlog_consumer_retrying_events",
        "Events that wait for another attempt; 10,000 at most.",
        lambda one: one.retrying,
    ),
    Figure(
        "everlog_consumer_parked_events",
        "Events that are parked; 10,000 at most.",
        lambda one: one.parked,
    ),
)


class ConsumerMetrics:
    """Consumers that have members in this process."""

    def __init__(
        self,
        snapshot: Callable[[], ConsumersSnapshot],
        names: Callable[[], dict[int, str]],
        *,
        consumers_max: int,
    ) -> None:
        self._snapshot = snapshot
        self._names = names
        self._consumers_max = consumers_max

    def collect(self) -> Iterator[Metric]:
        """Its families. Consumers are taken as they come, as many as tenants are elsewhere."""
        now, names = self._snapshot(), self._names()
        for field, text in _TOTALS:
            yield counter(f"everlog_consumers_{field}", text, getattr(now, field))
        yield histogram(
            "everlog_consumers_flush_seconds",
            "From asking PostgreSQL to store answers to hearing that they are.",
            (),
            {(): now.flush_seconds},
        )
        shown = {
            (names.get(one.tenant_id, str(one.tenant_id)), one.name): one
            for one in now.consumers[: self._consumers_max]
        }
        yield from gauges_of(_OF_EACH, _LABELS, shown)
        standings = {
            labels: one.standing for labels, one in shown.items() if one.standing is not None
        }
        yield from gauges_of(_OF_EACH_STANDING, _LABELS, standings)
