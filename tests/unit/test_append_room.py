"""How long an append queue may be, for whom."""

from __future__ import annotations

import pytest

from everlog_server.append import room as rooms
from everlog_server.append.room import Room, WholeRoom
from everlog_server.errors import OverloadedError
from everlog_server.settings import AppendSettings


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rooms, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("waited_seconds", "seconds_left", "is_refused"),
    [
        (0.0, 0.001, False),
        (0.2, 0.3, False),
        (0.2, 0.1, True),
        (0.2, 0.0, True),
        (0.2, None, False),
        (0.9, 5.0, False),
        (1.1, 5.0, True),
        (1.1, None, True),
    ],
)
def test_whoever_would_be_gone_when_its_turn_comes_is_refused(
    clock: Clock, waited_seconds: float, seconds_left: float | None, is_refused: bool
) -> None:
    whole = WholeRoom()
    room = Room(AppendSettings(queue_seconds_max=1.0), whole)
    room.put(100)
    clock.seconds += waited_seconds
    # While PostgreSQL is waited for, nobody knows how long it takes.
    room.require(100, moves=False, seconds_left=seconds_left)
    if is_refused:
        with pytest.raises(OverloadedError):
            room.require(100, moves=True, seconds_left=seconds_left)
    else:
        room.require(100, moves=True, seconds_left=seconds_left)
    assert whole.refused == is_refused


def test_nobody_is_refused_where_nobody_waits(clock: Clock) -> None:
    room = Room(AppendSettings(), WholeRoom())
    room.put(100)
    clock.seconds += 10
    room.take(1, 100)
    room.require(100, moves=True, seconds_left=0.0)


def test_a_queue_that_grows_faster_than_it_goes_is_closed_before_its_first_is_late(
    clock: Clock,
) -> None:
    room = Room(AppendSettings(queue_seconds_max=1.0), WholeRoom())
    room.put(1)
    for _ in range(12):  # 100 a second go, 200 come
        for _ in range(20):
            room.put(1)
        clock.seconds += 0.1
        room.take(10, 10)
    assert room.requests == 121
    with pytest.raises(OverloadedError):
        room.require(1, moves=True)
    room.take(40, 40)
    room.require(1, moves=True)


def test_how_little_came_is_not_taken_for_how_little_can_go(clock: Clock) -> None:
    room = Room(AppendSettings(queue_seconds_max=1.0), WholeRoom())
    for _ in range(5):  # one every ten seconds
        room.put(1)
        clock.seconds += 10
        room.take(1, 1)
    for _ in range(50):
        room.require(1, moves=True, seconds_left=0.5)
        room.put(1)
