"""How long batches linger, in a thread that is as saturated as the test says."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from everlog_server.append.pace import Pace


def linger_after(
    pauses_each: float, linger_seconds_max: float, monkeypatch: pytest.MonkeyPatch
) -> float:
    """How long the last of some hundred requests lingers, with so many pauses for each."""
    pauses = 1_000.0
    monkeypatch.setattr("resource.getrusage", lambda _: Mock(ru_nvcsw=pauses))
    pace = Pace(linger_seconds_max)
    assert pace.linger_seconds() == 0
    for _ in range(100):
        pauses += pauses_each
        seconds = pace.linger_seconds()
    return seconds


@pytest.mark.parametrize(
    ("pauses_each", "lingers_seconds"),
    [(3.0, 0.0), (2.0, 0.0), (1.05, 0.0), (0.75, 0.002), (0.3, 0.004), (0.0, 0.004)],
)
def test_a_batch_lingers_as_the_process_is_saturated(
    pauses_each: float, lingers_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = linger_after(pauses_each, 0.004, monkeypatch)
    assert seconds == pytest.approx(lingers_seconds, abs=0.000_2)


def test_nothing_lingers_where_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert linger_after(0.0, 0.0, monkeypatch) == 0
