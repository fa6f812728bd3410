"""The checker is right: a good history passes, and each violation is seen where it is, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.faults import (
    guarantees,
    test_checker_of_consumers,
    test_checker_of_projections,
)
from tests.faults.actors import Run
from tests.faults.checker import violations
from tests.faults.history import (
    Emitted,
    Expected,
    History,
    Opened,
    Read,
    Receipt,
    Received,
    Sent,
    Stored,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ACKNOWLEDGED, REFUSED, UNKNOWN = Verdict.ACKNOWLEDGED, Verdict.REFUSED, Verdict.UNKNOWN


def at(position: int, mark: str, aggregate: str, sequence: int, key: str = "") -> Stored:
    return Stored(position, sequence, f"id-{position}", position * 10, mark, aggregate, key)


def receipt(event: Stored, *, known: bool = False) -> Receipt:
    return Receipt(*event[:4], known)


A1, B1, B2 = at(1, "a1", "a/1", 1), at(2, "b1", "b/1", 1), at(3, "b2", "b/1", 2)
K1, S1, S2 = at(4, "k1", "a/1", 2, "key"), at(5, "s1", "s/1", 1), at(6, "s2", "s/1", 2)
LOG = [A1, B1, B2, K1, S1, S2]


def sent(*events: Stored) -> tuple[Sent, ...]:
    return tuple(Sent(event.mark, event.aggregate, event.key) for event in events)


def acked(began: int, ended: int, *events: Stored, known: bool = False) -> Emitted:
    return Emitted(
        writer="w",
        began=began,
        ended=ended,
        events=sent(*events),
        verdict=ACKNOWLEDGED,
        receipts=tuple(receipt(event, known=known) for event in events),
    )


ALONE = acked(1, 2, A1)
BATCH = replace(acked(3, 4, B1, B2), expected=(Expected("a/1", 1), Expected("a/1", None)))
TRIED = replace(acked(5, 6, K1), verdict=UNKNOWN, receipts=())
AGAIN = acked(7, 8, K1, known=True)
FIRST, SECOND = replace(acked(9, 11, S1), stream="s"), replace(acked(10, 12, S2), stream="s")
CONFLICT = Emitted(
    writer="w",
    began=13,
    ended=14,
    events=(Sent("x1", "a/1"),),
    verdict=REFUSED,
    expected=(Expected("a/1", 7),),
    reason="SEQUENCE_CONFLICT",
    actual={"a/1": 2},
)
HEAD = Read(reader="r", kind="head", began=15, ended=16, through=6)
PAGES = Read(
    reader="r",
    kind="log",
    began=17,
    ended=18,
    events=tuple(LOG[::-1]),
    through=6,
    is_descending=True,
)
OF_A1 = Read(
    reader="r", kind="aggregate", began=19, ended=20, events=(K1,), after=1, aggregate="a/1"
)
OPENED = Opened(subscriber="f", at=1, after=0)
ONE = Received(subscriber="f", at=21, events=(A1, B1, B2), examined=3)
REOPENED = Opened(subscriber="f", at=22, after=3)
TWO = Received(subscriber="f", at=23, events=(K1, S1, S2), examined=6)


def good() -> History:
    return History(
        emits=[ALONE, BATCH, TRIED, AGAIN, FIRST, SECOND, CONFLICT],
        reads=[HEAD, PAGES, OF_A1],
        subscribed=[OPENED, ONE, REOPENED, TWO],
    )


def found(history: History, log: list[Stored], others: list[list[Stored]]) -> set[str]:
    broken = violations(history, log, others=others, settled_through=6)
    return {type(one).__name__ for one in broken}


def test_a_good_history_breaks_nothing() -> None:
    assert violations(good(), LOG, others=[LOG], settled_through=6) == []


def _swap(history: History, old: object, *new: object) -> None:
    """Another entry, or none, in an entry's place."""
    for entries in (history.emits, history.reads, history.subscribed):
        if old in entries:
            place = entries.index(old)  # type: ignore[arg-type]
            entries[place : place + 1] = new  # type: ignore[assignment]


def _emit(old: Emitted, **changes: object) -> Callable[[History], None]:
    return lambda history: _swap(history, old, replace(old, **changes))  # type: ignore[arg-type]


def _read(old: Read, **changes: object) -> Callable[[History], None]:
    return lambda history: _swap(history, old, replace(old, **changes))  # type: ignore[arg-type]


def _got(old: Received, **changes: object) -> Callable[[History], None]:
    return lambda history: _swap(history, old, replace(old, **changes))  # type: ignore[arg-type]


OF_HISTORY: list[tuple[str, Callable[[History], None]]] = [
    ("PhantomEvent", lambda history: _swap(history, FIRST)),
    ("EventChanged", _emit(FIRST, events=(Sent("s1", "s/2"),))),
    ("Lost", lambda history: history.emits.append(acked(21, 22, at(7, "z", "z/1", 1)))),
    ("ReceiptWrong", _emit(ALONE, receipts=(receipt(A1)._replace(event_id="other"),))),
    ("ReceiptWrong", _emit(BATCH, receipts=(receipt(B1),))),
    ("RefusedButStored", _emit(SECOND, verdict=REFUSED, receipts=())),
    ("TornBatch", _emit(BATCH, events=sent(B1, B2, at(0, "b3", "b/1", 3)), verdict=UNKNOWN)),
    ("TornBatch", _emit(BATCH, events=sent(B2, B1), verdict=UNKNOWN)),
    ("AcknowledgedOutOfOrder", _emit(ALONE, began=13, ended=14)),
    ("StreamOutOfOrder", _emit(SECOND, began=8)),
    ("ExpectationBroken", _emit(BATCH, expected=(Expected("a/1", 0),))),
    ("ExpectationBroken", _emit(ALONE, expected=(Expected("b/1", None),))),
    ("ConflictUntrue", _emit(CONFLICT, actual={"a/1": 7})),
    ("ConflictUntrue", _emit(CONFLICT, actual={"a/1": 1})),
    ("ConflictUntrue", _emit(CONFLICT, actual={"a/1": 9})),
    ("ConflictUntrue", _emit(CONFLICT, actual={"b/1": 2})),
    ("ConflictUntrue", _emit(CONFLICT, actual={})),
    ("IdempotencyBroken", lambda history: _swap(history, TRIED)),
    ("ReadDisagrees", _read(OF_A1, events=(K1._replace(mark="other"),))),
    ("ReadIncomplete", _read(PAGES, events=(S2, S1, K1, B1, A1))),
    ("ReadIncomplete", _read(PAGES, events=(S2, K1, S1, B2, B1, A1))),
    ("ReadIncomplete", _read(OF_A1, after=0)),
    ("StaleAfterAck", _read(HEAD, through=5)),
    ("StaleAfterAck", _read(OF_A1, events=())),
    ("StaleAfterAck", _read(HEAD, min_position=7)),
    ("SubscriberMissed", _got(TWO, events=(K1, S2))),
    ("SubscriberMissed", _got(ONE, events=(A1, B1))),
    ("SubscriberDoubled", _got(TWO, events=(B2, K1, S1, S2))),
    ("SubscriberDoubled", _got(TWO, events=(K1, K1, S1, S2))),
    ("SubscriberOutOfOrder", _got(TWO, events=(S1, K1, S2))),
    ("SubscriberSawOther", _got(TWO, events=(K1._replace(mark="other"), S1, S2))),
    ("SubscriberSawOther", _got(TWO, examined=7)),
    ("SubscriberStuck", lambda history: _swap(history, TWO)),
    ("DefectSeen", lambda history: history.defects.append("INTERNAL")),
]


@pytest.mark.parametrize(
    ("name", "change"), OF_HISTORY, ids=[f"{n}-{name}" for n, (name, _) in enumerate(OF_HISTORY)]
)
def test_each_violation_in_a_history_is_seen(name: str, change: Callable[[History], None]) -> None:
    history = good()
    change(history)
    assert found(history, LOG, [LOG]) == {name}


def test_another_receipt_for_the_same_key_is_seen() -> None:
    history = good()
    other = replace(TRIED, verdict=ACKNOWLEDGED, receipts=(receipt(K1)._replace(position=1),))
    _swap(history, TRIED, other)
    assert {"IdempotencyBroken", "ReceiptWrong"} <= found(history, LOG, [LOG])


def test_two_answers_that_both_say_new_are_seen() -> None:
    history = good()
    _swap(history, TRIED, acked(5, 6, K1))
    _swap(history, AGAIN, acked(7, 8, K1))
    assert "IdempotencyBroken" in found(history, LOG, [])


def test_a_read_that_knows_less_than_an_earlier_one_is_seen() -> None:
    history = good()
    # Nobody was answered for the last one, so it is only the earlier read that knows of it.
    _swap(history, SECOND, replace(SECOND, verdict=UNKNOWN, receipts=()))
    history.reads.append(replace(HEAD, began=24, ended=25, through=5))
    assert found(history, LOG, []) == {"ReadWentBack"}


def test_an_examined_position_that_goes_back_is_seen() -> None:
    history = good()
    history.subscribed.append(replace(TWO, events=(), examined=5))
    assert found(history, LOG, []) == {"SubscriberOutOfOrder"}


def test_a_subscriber_that_resumes_elsewhere_is_seen() -> None:
    history = good()
    _swap(history, REOPENED, replace(REOPENED, after=4))
    assert "SubscriberMissed" in found(history, LOG, [])


OF_LOG: list[tuple[str, list[Stored]]] = [
    ("PositionNotDense", [A1, B1, B2, K1, S1, S2._replace(position=7)]),
    ("PositionNotDense", [A1, B2, B1, K1, S1, S2]),
    ("SequenceNotDense", [A1, B1, B2, K1, S1, S2._replace(sequence=3)]),
    ("SequenceNotDense", [A1, B1, B2, K1, S1, S2._replace(sequence=1)]),
    ("RecordTimeWentBack", [A1, B1, B2, K1, S1, S2._replace(record_time=1)]),
    ("Duplicated", [*LOG, S2._replace(position=7, sequence=3)]),
    ("Lost", LOG[:-1]),
    ("ServersDisagree", [*LOG[:-1], S2._replace(mark="s3")]),
]


@pytest.mark.parametrize(
    ("name", "log"), OF_LOG, ids=[f"{n}-{name}" for n, (name, _) in enumerate(OF_LOG)]
)
def test_each_violation_in_the_log_is_seen_whatever_else_that_breaks(
    name: str, log: list[Stored]
) -> None:
    assert name in found(good(), log, [LOG])


def test_every_violation_has_a_history_that_has_it() -> None:
    names = {
        name
        for name, kind in vars(guarantees).items()
        if isinstance(kind, type) and issubclass(kind, guarantees.Violation)
    }
    of_their_own = {"ReadWentBack"}
    of_others = [*test_checker_of_consumers.CHANGES, *test_checker_of_projections.CHANGES]
    seen = {name for name, _ in [*OF_HISTORY, *OF_LOG, *of_others]} | of_their_own
    # Who does not recover has no log to be judged, and who is dropped none any more: see runs.py.
    assert names - {"Violation"} == seen | {"DidNotRecover", "TenantNotDropped"}


def test_what_is_unknown_may_be_stored_or_not() -> None:
    history = good()
    lost = replace(TRIED, events=(Sent("lost", "a/1"),), began=30, ended=31)
    history.emits.append(lost)
    _swap(history, SECOND, replace(SECOND, verdict=UNKNOWN, receipts=()))
    assert found(history, LOG, [LOG]) == set()


def test_what_is_acknowledged_twice_leads_no_reader_beyond_the_head() -> None:
    run = Run(0, "tenant", [])
    for known in (False, True, True):
        run.note(sent(K1)[0], receipt(K1, known=known))
    assert len(run.acknowledged) == 3
    assert run.through == K1.position
    run.note(sent(A1)[0], receipt(A1))
    assert run.through == K1.position
