"""Rates of callers, by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog_server.admission import CallerRates
from everlog_server.admission.rates import Bucket
from everlog_server.errors import OverloadedError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


REQUESTS = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), min_size=1, max_size=60).map(
    lambda pairs: [(pause, amount) for pause, amount in pairs]
)


@given(rate=st.integers(1, 200), requests=REQUESTS)
def test_no_stretch_of_time_has_more_than_the_rate_and_one_burst(
    rate: int, requests: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(rate, clock.now)
    taken: list[tuple[float, int]] = []
    for pause, amount in requests:
        clock.now += pause
        if not bucket.take(amount, clock.now):
            taken.append((clock.now, amount))
    for first, (began, _) in enumerate(taken):
        total = 0
        for now, amount in taken[first:]:
            # What is larger than a burst goes into debt: it is let in by the level before it.
            assert total <= rate * (1 + now - began) + 1e-3
            total += amount


@given(rate=st.integers(1, 200), requests=REQUESTS)
def test_whoever_waits_as_long_as_it_is_told_is_let_in_and_not_before(
    rate: int, requests: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(rate, clock.now)
    for pause, amount in requests:
        clock.now += pause
        wait_seconds = bucket.take(amount, clock.now)
        if wait_seconds:
            if wait_seconds > 0.01:
                clock.now += wait_seconds - 0.005 / rate
                assert bucket.take(amount, clock.now) > 0
                clock.now += 0.005 / rate
            else:
                clock.now += wait_seconds
            assert bucket.take(amount, clock.now) == 0


def test_after_a_seconds_rest_a_seconds_worth_is_let_in_at_once() -> None:
    clock = Clock()
    rates = CallerRates(calls_per_second=5, clock=clock)
    for _ in range(3):
        for _ in range(5):
            rates.begin_call("token:a", 0)
        with pytest.raises(OverloadedError) as refused:
            rates.begin_call("token:a", 0)
        assert refused.value.retry_after_seconds == pytest.approx(0.2)
        assert refused.value.message == "token:a may have 5 calls a second, and has had them"
        clock.now += 1
    assert rates.snapshot().refused == {"calls": 3, "events": 0}


def test_callers_have_rates_of_their_own_and_do_not_share_them() -> None:
    rates = CallerRates(events_per_second=10, clock=Clock())
    rates.append("token:a", 0, 10)
    rates.append("token:b", 0, 10)
    rates.append("token:c", 100, 100)
    for caller, own in (("token:a", 0), ("token:b", 0), ("token:c", 100)):
        with pytest.raises(OverloadedError):
            rates.append(caller, own, 1)


def test_a_rate_that_was_changed_holds_at_once() -> None:
    clock = Clock()
    rates = CallerRates(clock=clock)
    rates.append("token:a", 10, 5)
    rates.append("token:a", 100, 50)
    with pytest.raises(OverloadedError) as refused:
        rates.append("token:a", 100, 1)
    assert refused.value.retry_after_seconds == pytest.approx(0.01)
    clock.now += 0.5
    rates.append("token:a", 10, 5)
    with pytest.raises(OverloadedError):
        rates.append("token:a", 10, 1)


def test_two_rates_of_one_caller_used_in_turn_bring_no_more_than_the_higher_one() -> None:
    """As two JWTs of one subject have them."""
    clock = Clock()
    rates = CallerRates(clock=clock)
    let_in = 0
    for turn in range(1_000):
        try:
            rates.begin_call("jwt:ada", 9 + turn % 2)
            let_in += 1
        except OverloadedError:
            clock.now += 0.01
    assert let_in <= 10 * (1 + clock.now - 1000.0)


def test_what_a_caller_owes_is_owed_at_another_rate_too() -> None:
    clock = Clock()
    rates = CallerRates(clock=clock)
    rates.append("token:a", 10, 50)
    with pytest.raises(OverloadedError) as refused:
        rates.append("token:a", 20, 1)
    assert refused.value.retry_after_seconds == pytest.approx(4.05)


def test_a_request_larger_than_a_seconds_worth_waits_for_a_full_bucket_and_pays_later() -> None:
    clock = Clock()
    rates = CallerRates(events_per_second=10, clock=clock)
    rates.append("token:a", 0, 50)
    with pytest.raises(OverloadedError) as refused:
        rates.append("token:a", 0, 1)
    assert refused.value.retry_after_seconds == pytest.approx(4.1)
    clock.now += 4.1
    rates.append("token:a", 0, 1)


def test_without_rates_nobody_is_limited() -> None:
    rates = CallerRates()
    for _ in range(10_000):
        rates.begin_call("open", 0)
        rates.append("open", 0, 1000)
    assert rates.snapshot().refused == {"calls": 0, "events": 0}
