"""Judges a history against the log that came of it, guarantee by guarantee.

Every violation is an error of its own whose docstring is the guarantee, as docs/guarantees.md has
it. `violations` finds all of them, not only the first: one defect shows in several ways, and which
ones tells what it is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.faults.checks_of_consumers import (
    consumers_finish_what_was_answered,
    consumers_keep_their_word,
    stuck_consumers,
)
from tests.faults.checks_of_emits import (
    acknowledged_in_order,
    batches_are_whole,
    conflicts_are_true,
    expectations_held,
    keys_hold,
    receipts_hold,
    refusals_hold,
    streams_in_order,
)
from tests.faults.checks_of_projections import (
    projections_go_forward,
    stuck_projections,
    tables_are_a_fold,
)
from tests.faults.checks_of_reads import (
    reads_agree,
    reads_are_complete,
    reads_are_fresh,
    stuck_subscribers,
    subscribers_got_all,
)
from tests.faults.guarantees import (
    DefectSeen,
    Duplicated,
    EventChanged,
    PhantomEvent,
    PositionNotDense,
    RecordTimeWentBack,
    SequenceNotDense,
    ServersDisagree,
    Violation,
)
from tests.faults.judged import Judged, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.history import History
    from tests.faults.judged import Log


def violations(
    history: History, log: Log, *, others: Sequence[Log] = (), settled_through: int = 0
) -> list[Violation]:
    """Everything in a history that breaks a guarantee, given the log as it is at its end.

    `others`: the same log as read elsewhere. `settled_through`: the position that every subscriber,
    the consumer and the projection had the time to reach.
    """
    judged = Judged(history, log)
    found = [one for check in _CHECKS for one in check(judged)]
    found += [ServersDisagree(_first_difference(log, other)) for other in others if other != log]
    for stuck in (stuck_subscribers, stuck_consumers, stuck_projections):
        found += stuck(judged, settled_through)
    return found


def _first_difference(log: Log, other: Log) -> str:
    for one, two in zip(log, other, strict=False):
        if one != two:
            return f"{one} is {two} elsewhere"
    return f"it has {len(log)} events, and {len(other)} elsewhere"


def log_is_dense(judged: Judged) -> Iterator[Violation]:
    for place, event in enumerate(judged.log, 1):
        if event.position != place:
            yield PositionNotDense(f"the event at place {place} has position {event.position}")
            break
    for aggregate, events in judged.sequences.items():
        found = [event.sequence for event in events]
        if found != list(range(1, len(found) + 1)):
            yield SequenceNotDense(f"{aggregate} has the sequences {shown(found)}")
    for before, event in pairwise(judged.log):
        if event.record_time < before.record_time:
            yield RecordTimeWentBack(f"{event} is earlier than the event before it")


def log_has_what_was_sent(judged: Judged) -> Iterator[Violation]:
    sent = {event.mark: event for emit in judged.history.emits for event in emit.events}
    for mark, stored in judged.by_mark.items():
        if mark not in sent:
            yield PhantomEvent(f"nobody sent {stored[0]}")
            continue
        if len(stored) > 1:
            positions = [event.position for event in stored]
            yield Duplicated(f"{mark} is at the positions {positions}")
        if (stored[0].aggregate, stored[0].key) != sent[mark][1:]:
            yield EventChanged(f"{sent[mark]} is stored as {stored[0]}")


def no_defects(judged: Judged) -> Iterator[Violation]:
    yield from (DefectSeen(defect) for defect in judged.history.defects)


_CHECKS: tuple[Callable[[Judged], Iterator[Violation]], ...] = (
    log_is_dense,
    log_has_what_was_sent,
    receipts_hold,
    refusals_hold,
    batches_are_whole,
    acknowledged_in_order,
    streams_in_order,
    expectations_held,
    conflicts_are_true,
    keys_hold,
    reads_agree,
    reads_are_complete,
    reads_are_fresh,
    subscribers_got_all,
    consumers_keep_their_word,
    consumers_finish_what_was_answered,
    tables_are_a_fold,
    projections_go_forward,
    no_defects,
)
"""One for each guarantee, or for a few that are seen together."""
