"""What the projection's tables held, judged by a fold of the log."""

from __future__ import annotations

from collections import Counter
from hashlib import md5
from typing import TYPE_CHECKING

from tests.faults.guarantees import (
    ProjectionAhead,
    ProjectionDoubled,
    ProjectionMissed,
    ProjectionNotAFold,
    ProjectionStuck,
    ProjectionWentBack,
    Violation,
)
from tests.faults.judged import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import Projected, Stored, Tables
    from tests.faults.judged import Judged

ALL = "*"
"""Names the fold over all aggregates, in which the order of all events shows."""


def digest(before: str, mark: str) -> str:
    """That of one more event."""
    return md5((before + mark).encode(), usedforsecurity=False).hexdigest()


def fold(folds: dict[str, tuple[int, str]], event: Stored) -> None:
    """Adds an event to what the tables should have."""
    for key in (event.aggregate, ALL):
        events, before = folds.get(key, (0, ""))
        folds[key] = events + 1, digest(before, event.mark)


def tables_are_a_fold(judged: Judged) -> Iterator[Violation]:
    meant: dict[str, tuple[int, str]] = {}
    folded = 0
    seen = [one for one in judged.history.projected if one.tables is not None]
    for one in sorted(seen, key=lambda one: one.checkpoint):
        assert one.tables is not None
        for event in judged.log[folded : one.checkpoint]:
            fold(meant, event)
        folded = max(folded, one.checkpoint)
        found = list(_judge_trail(one.checkpoint, one.tables))
        if not found and one.tables.folds != meant:
            other = next(
                key
                for key in sorted(meant.keys() | one.tables.folds.keys())
                if meant.get(key) != one.tables.folds.get(key)
            )
            found = [
                ProjectionNotAFold(
                    f"at {one.checkpoint} it has {one.tables.folds.get(other)} of {other},"
                    f" and the log {meant.get(other)}"
                )
            ]
        yield from found


def _judge_trail(checkpoint: int, tables: Tables) -> Iterator[Violation]:
    times = Counter(tables.trail)
    if doubled := sorted(at for at, count in times.items() if count > 1):
        yield ProjectionDoubled(f"at {checkpoint}, {shown(doubled)} took effect more than once")
    if missed := [at for at in range(1, checkpoint + 1) if at not in times]:
        yield ProjectionMissed(f"at {checkpoint}, {shown(missed)} did not take effect")
    if ahead := sorted(at for at in times if at > checkpoint):
        yield ProjectionAhead(f"at {checkpoint}, {shown(ahead)} took effect")


def projections_go_forward(judged: Judged) -> Iterator[Violation]:
    """Whoever asks knows at least what was known to anybody before."""
    known = sorted(judged.history.projected, key=lambda one: one.ended)
    place, highest = 0, 0
    for one in sorted(judged.history.projected, key=lambda one: one.began):
        while place < len(known) and known[place].ended < one.began:
            highest = max(highest, known[place].checkpoint)
            place += 1
        if one.checkpoint < highest:
            yield ProjectionWentBack(f"it was at {highest}, and {_how(one)} {one.checkpoint}")


def stuck_projections(judged: Judged, through: int) -> list[Violation]:
    """Whether the projection's tables have not come so far at the end."""
    projected = judged.history.projected
    if not projected:
        return []
    reached = max((one.checkpoint for one in projected if one.tables is not None), default=0)
    if reached >= through:
        return []
    return [ProjectionStuck(f"it is at {reached} of {through}, and {_how(projected[-1])}")]


def _how(one: Projected) -> str:
    return "its tables are at" if one.tables is not None else f"is said to be {one.state} at"
