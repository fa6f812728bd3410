"""Counting by size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from everlog_server.measures import Buckets


def test_an_upper_bound_belongs_to_its_bucket() -> None:
    buckets = Buckets((1, 2))
    for value in (0.5, 1, 1.5, 2, 2.5):
        buckets.observe(value)
    assert buckets.snapshot().counts == (2, 2, 1)


@given(st.lists(st.integers(0, 100)))
def test_each_value_is_counted_once_below_its_bound(values: list[int]) -> None:
    bounds = (3, 10, 50)
    buckets = Buckets(bounds)
    for value in values:
        buckets.observe(value)
    seen = buckets.snapshot()
    assert sum(seen.counts) == len(values)
    assert seen.total == sum(values)
    for at, bound in enumerate(bounds, 1):
        assert sum(seen.counts[:at]) == sum(value <= bound for value in values)
