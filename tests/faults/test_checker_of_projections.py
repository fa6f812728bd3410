"""The checker is right about projections: a good history passes, each violation is seen by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.faults.checker import violations
from tests.faults.checks_of_projections import fold
from tests.faults.history import History, Projected, Tables
from tests.faults.test_checker_of_consumers import LOG, good

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.history import Stored


def tables(events: Sequence[Stored]) -> Tables:
    """What they hold if these events have taken effect, in this order."""
    folds: dict[str, tuple[int, str]] = {}
    for event in events:
        fold(folds, event)
    return Tables(folds, tuple(event.position for event in events))


ASKED = Projected(began=401, ended=402, checkpoint=2, state="STATE_RUNNING")
SOME = Projected(began=403, ended=404, checkpoint=4, tables=tables(LOG[:4]))
AGAIN = Projected(began=405, ended=408, checkpoint=4, state="STATE_RUNNING")
ALL = Projected(began=406, ended=407, checkpoint=6, tables=tables(LOG))
PROJECTED = [ASKED, SOME, AGAIN, ALL]


def found(projected: list[Projected]) -> set[str]:
    history: History = good()
    history.projected = projected
    return {type(one).__name__ for one in violations(history, LOG, settled_through=6)}


def test_a_good_history_breaks_nothing() -> None:
    assert found(PROJECTED) == set()


def _some(events: Sequence[Stored]) -> list[Projected]:
    """Another effect of the first four."""
    return [ASKED, replace(SOME, tables=tables(events)), AGAIN, ALL]


CHANGES: list[tuple[str, list[Projected]]] = [
    ("ProjectionDoubled", _some([*LOG[:4], LOG[1]])),
    ("ProjectionMissed", _some([LOG[0], *LOG[2:4]])),
    ("ProjectionAhead", _some(LOG[:5])),
    ("ProjectionNotAFold", _some([LOG[1], LOG[0], *LOG[2:4]])),
    ("ProjectionNotAFold", _some([LOG[0]._replace(mark="other"), *LOG[1:4]])),
    ("ProjectionNotAFold", [replace(SOME, tables=Tables({}, (1, 2, 3, 4))), ALL]),
    ("ProjectionWentBack", [*PROJECTED, replace(SOME, began=409, ended=410)]),
    ("ProjectionWentBack", [*PROJECTED, replace(ASKED, began=409, ended=410)]),
    ("ProjectionWentBack", [replace(ASKED, checkpoint=5), SOME, ALL]),
    ("ProjectionStuck", [ASKED, SOME, AGAIN]),
    ("ProjectionStuck", [ASKED, replace(AGAIN, checkpoint=6)]),
]


@pytest.mark.parametrize(
    ("name", "projected"), CHANGES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(CHANGES)]
)
def test_each_violation_of_a_projection_is_seen(name: str, projected: list[Projected]) -> None:
    assert found(projected) == {name}


def test_a_reading_that_began_before_another_ended_may_know_less() -> None:
    assert found([ALL, replace(SOME, began=405, ended=409)]) == set()
