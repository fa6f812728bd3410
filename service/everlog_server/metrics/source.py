"""What a source of metrics is, and how its families are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from everlog_server.measures import Distribution

T = TypeVar("T")

Labelled = Mapping[Any, float]
"""Values by the values of their labels, which are a tuple of texts."""


@dataclass(frozen=True, slots=True)
class Figure(Generic[T]):
    """One figure of things of one kind: a family, with a value of each of them."""

    name: str
    text: str
    value: Callable[[T], float | None]
    """None: it has none now, and is not shown."""


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


def gauges_of(
    figures: Iterable[Figure[T]], labels: Sequence[str], things: Mapping[Any, T]
) -> Iterator[GaugeMetricFamily]:
    """What is so now of things, which are told by the values of their labels."""
    for one in figures:
        yield gauges(one.name, one.text, labels, _values(one, things))


def counters_of(
    figures: Iterable[Figure[T]], labels: Sequence[str], things: Mapping[Any, T]
) -> Iterator[CounterMetricFamily]:
    """The same of what only grows."""
    for one in figures:
        yield counters(one.name, one.text, labels, _values(one, things))


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


def _values(figure: Figure[T], things: Mapping[Any, T]) -> Labelled:
    values = {of_labels: figure.value(thing) for of_labels, thing in things.items()}
    return {of_labels: value for of_labels, value in values.items() if value is not None}
