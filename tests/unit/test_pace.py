"""How long batches linger, in a thread that is as busy as the test says."""

from __future__ import annotations

import pytest

from everlog_server.append.pace import Pace


@pytest.mark.parametrize(
    ("busy", "lingers_seconds"), [(0.0, 0.0), (0.4, 0.0), (0.6, 0.0), (0.675, 0.002), (0.9, 0.004)]
)
def test_a_batch_lingers_as_long_as_the_process_is_busy(
    busy: float, lingers_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 100.0, "worked": 5.0}
    monkeypatch.setattr("time.monotonic", lambda: clock["now"])
    monkeypatch.setattr("time.thread_time", lambda: clock["worked"])
    pace = Pace(0.004)
    assert pace.linger_seconds() == 0
    for _ in range(3):
        clock["now"] += 0.1
        clock["worked"] += 0.1 * busy
        assert pace.linger_seconds() == pytest.approx(lingers_seconds, abs=1e-9)
    clock["now"] += 60
    assert pace.linger_seconds() == 0


def test_nothing_lingers_where_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 100.0}
    monkeypatch.setattr("time.monotonic", lambda: clock["now"])
    monkeypatch.setattr("time.thread_time", lambda: clock["now"])
    pace = Pace(0)
    clock["now"] += 1
    assert pace.linger_seconds() == 0
