"""The projections that this process works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import get_args

from prometheus_client import Metric

from everlog_server.metrics.source import Figure, counters_of, gauge, gauges, gauges_of
from everlog_server.projections.figures import Figures, ProjectionState

_LABELS = ("tenant", "projection")
_OF_EACH: tuple[Figure[Figures], ...] = (
    Figure(
        "everlog_projection_checkpoint",
        "All events up to here have taken effect, or are parked.",
        lambda one: one.checkpoint,
    ),
    Figure(
        "everlog_projection_lag_events",
        "How many positions it is behind the head, as it was within the last seconds.",
        lambda one: one.lag,
    ),
    Figure(
        "everlog_projection_rebuild_position",
        "Up to where the new tables have come; only while a rebuild runs.",
        lambda one: one.rebuild_checkpoint,
    ),
)
_TOTALS_OF_EACH: tuple[Figure[Figures], ...] = (
    Figure(
        "everlog_projection_events",
        "Events that took effect, also in rebuilds, since this process works on it.",
        lambda one: one.events,
    ),
    Figure(
        "everlog_projection_failed_windows",
        "Windows that failed, for an event or for the projection itself.",
        lambda one: one.failed_windows,
    ),
)


class ProjectionMetrics:
    """Where they are, and what they do. Of `projections_max` by name, as they come."""

    def __init__(self, snapshot: Callable[[], Sequence[Figures]], *, projections_max: int) -> None:
        self._snapshot = snapshot
        self._projections_max = projections_max

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        held = self._snapshot()
        shown = {(one.tenant, one.name): one for one in islice(held, max(0, self._projections_max))}
        yield gauge("everlog_projections", "Projections that this process works on.", len(held))
        yield gauge(
            "everlog_projection_lag_events_max",
            "How many positions the slowest of them is behind its log's head.",
            max((one.lag for one in held), default=0),
        )
        yield gauges(
            "everlog_projection_state",
            "1 for the state that it is in, 0 for the others.",
            (*_LABELS, "state"),
            {
                (*labels, state): float(one.state == state)
                for labels, one in shown.items()
                for state in get_args(ProjectionState)
            },
        )
        yield from gauges_of(_OF_EACH, _LABELS, shown)
        yield from counters_of(_TOTALS_OF_EACH, _LABELS, shown)
