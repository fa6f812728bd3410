"""What a source of metrics is, and how its families are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from everlog_server.measures import Distribution

Labelled = Mapping[Any, float]
"""Values by the values of their labels, which are a tuple of texts."""


class MetricsSource(Protocol):
    """Figures of one room. To add a room's: write one, and list it in app.py."""

    def collect(self) -> Iterable[Metric]:
        """Its families, as they are now.

        Called in the event loop's thread at each scrape. Must not wait, nor ask PostgreSQL: the
        figures matter most when that is away. What has to be asked is asked by a task of the room's
        own, now and then, and shown here as it was last.

        Names begin with `everlog_`, end with their unit; labels must be bounded.
        """


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    """What only grows. `name` without `_total`."""
    return CounterMetricFamily(name, text, value=value)


def counters(name: str, text: str, labels: Sequence[str], values: Labelled) -> CounterMetricFamily:
    """The same, by labels."""
    family = CounterMetricFamily(name, text, labels=labels)
    for of_labels, value in values.items():
        family.add_metric(list(of_labels), value)
    return family


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """What is so now."""
    return GaugeMetricFamily(name, text, value=value)


def gauges(name: str, text: str, labels: Sequence[str], values: Labelled) -> GaugeMetricFamily:
    """The same, by labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for of_labels, value in values.items():
        family.add_metric(list(of_labels), value)
    return family


def histogram(
    name: str,
    text: str,
    labels: Sequence[str],
    values: Mapping[Any, Distribution],
) -> HistogramMetricFamily:
    """How values are spread, by labels."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for of_labels, distribution in values.items():
        bounds = [*(f"{bound:g}" for bound in distribution.bounds), "+Inf"]
        cumulated = accumulate(distribution.counts)
        family.add_metric(
            list(of_labels), list(zip(bounds, cumulated, strict=True)), sum_value=distribution.total
        )
    return family
