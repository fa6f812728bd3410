"""The checker is right about consumers: a good history passes, each violation is seen by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.faults.checker import violations
from tests.faults.history import (
    Answered,
    Delivered,
    Emitted,
    Gone,
    History,
    Joined,
    Receipt,
    Sent,
    Settled,
    Standing,
    Stored,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Seen = Joined | Delivered | Answered | Settled | Gone


def at(position: int, aggregate: str, sequence: int) -> Stored:
    return Stored(position, sequence, f"id-{position}", position, f"mark-{position}", aggregate)


A1, B1, B2, A2 = at(1, "a/1", 1), at(2, "b/1", 1), at(3, "b/1", 2), at(4, "a/1", 2)
S1, S2 = at(5, "s/1", 1), at(6, "s/1", 2)
LOG = [A1, B1, B2, A2, S1, S2]


def came(moment: int, stream: str, delivery: str, event: Stored, attempt: int = 1) -> Delivered:
    return Delivered(stream=stream, at=moment, delivery=delivery, attempt=attempt, event=event)


def said(moment: int, stream: str, delivery: str, what: str = "ack") -> list[Seen]:
    """An answer, and that it is stored."""
    return [
        Answered(stream=stream, at=moment, delivery=delivery, what=what),
        Settled(stream=stream, at=moment + 5, delivery=delivery),
    ]


SEEN: list[Seen] = [
    Joined(stream="m/1", at=100),
    Joined(stream="n/1", at=110),
    came(120, "m/1", "m1", A1),
    came(130, "n/1", "n1", B1),
    *said(140, "m/1", "m1"),
    *said(150, "n/1", "n1", "nack"),
    came(160, "m/1", "m2", A2),
    came(170, "n/1", "n2", B1, 2),
    *said(180, "n/1", "n2"),
    # The first member's connection breaks, with an event that it has not answered.
    Gone(stream="m/1", at=190, reason="UNAVAILABLE"),
    Joined(stream="m/2", at=200),
    came(210, "n/1", "n3", A2, 2),
    *said(220, "n/1", "n3", "park"),
    came(230, "m/2", "m3", B2),
    *said(240, "m/2", "m3", "skip"),
    came(250, "m/2", "m4", S1),
    *said(260, "m/2", "m4", "release"),
    came(270, "n/1", "n4", S1),
    *said(280, "n/1", "n4"),
    came(290, "n/1", "n5", S2),
    *said(300, "n/1", "n5"),
    Gone(stream="n/1", at=310, reason="left"),
    Gone(stream="m/2", at=320, reason="killed"),
]
STANDINGS = [
    Standing(began=145, ended=146, checkpoint=1, waiting=0),
    Standing(began=155, ended=156, checkpoint=3, waiting=1),
    Standing(began=330, ended=331, checkpoint=6),
]


def good() -> History:
    emits = [
        Emitted(
            writer="w",
            began=2 * one.position,
            ended=2 * one.position + 1,
            events=(Sent(one.mark, one.aggregate),),
            verdict=Verdict.ACKNOWLEDGED,
            receipts=(Receipt(*one[:4]),),
        )
        for one in LOG
    ]
    return History(
        emits=emits, consumed=list(SEEN), standings=list(STANDINGS), parked=frozenset({4})
    )


def found(history: History) -> set[str]:
    return {type(one).__name__ for one in violations(history, LOG, settled_through=6)}


def test_a_good_history_breaks_nothing() -> None:
    assert violations(good(), LOG, settled_through=6) == []


def _with(*entries: Seen, after: int) -> Callable[[History], None]:
    """More entries, after the last one of a moment."""

    def change(history: History) -> None:
        place = max(n for n, one in enumerate(history.consumed) if one.at <= after)
        history.consumed[place + 1 : place + 1] = entries

    return change


def _without(delivery: str) -> Callable[[History], None]:
    """Nothing of a delivery."""

    def change(history: History) -> None:
        history.consumed = [
            one for one in history.consumed if getattr(one, "delivery", "") != delivery
        ]

    return change


def _changed(delivery: str, **changes: object) -> Callable[[History], None]:
    def change(history: History) -> None:
        history.consumed = [
            replace(one, **changes)  # type: ignore[arg-type]
            if isinstance(one, Delivered) and one.delivery == delivery
            else one
            for one in history.consumed
        ]

    return change


def _stands(**changes: int) -> Callable[[History], None]:
    def change(history: History) -> None:
        history.standings[-1] = replace(history.standings[-1], **changes)

    return change


def _parked(*positions: int) -> Callable[[History], None]:
    def change(history: History) -> None:
        history.parked = frozenset(positions)

    return change


CHANGES: list[tuple[str, Callable[[History], None]]] = [
    ("ConsumerSawOther", _changed("m1", event=A1._replace(mark="other"))),
    ("ConsumerSawOther", _changed("n5", event=S2._replace(sequence=9))),
    # Sent after another answer was heard, which was said after the confirmation: known for sure.
    ("ConsumerConfirmedAgain", _with(came(311, "m/2", "x", B1, 2), after=310)),
    # On the very stream that heard the confirmation.
    ("ConsumerConfirmedAgain", _with(came(186, "n/1", "x", B1, 2), after=185)),
    # It may have been on its way for long; but its answer was accepted.
    (
        "ConsumerConfirmedAgain",
        _with(
            Joined(stream="o/1", at=141),
            came(311, "o/1", "x", A1),
            *said(312, "o/1", "x"),
            after=310,
        ),
    ),
    ("ConsumerOvertaken", _with(came(156, "n/1", "x", B2), after=155)),
    ("ConsumerOvertaken", _with(came(261, "n/1", "x", S2), after=250)),
    (
        "ConsumerHeldTwice",
        _with(Joined(stream="o/1", at=121), came(122, "o/1", "x", A1), after=130),
    ),
    (
        "ConsumerHeldTwice",
        _with(Joined(stream="o/1", at=271), came(275, "o/1", "x", S1), after=270),
    ),
    ("ConsumerMiscounted", _changed("n2", attempt=1)),
    ("ConsumerMiscounted", _changed("n5", attempt=4)),
    ("ConsumerLost", _without("n5")),
    ("ConsumerParkedUntrue", _parked()),
    ("ConsumerParkedUntrue", _parked(1, 4)),
    ("ConsumerWentBack", lambda history: history.standings.insert(0, STANDINGS[-1])),
    ("ConsumerStuck", _stands(checkpoint=5)),
    ("ConsumerStuck", _stands(waiting=1)),
    ("ConsumerStuck", lambda history: history.standings.clear()),
]


@pytest.mark.parametrize(
    ("name", "change"), CHANGES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(CHANGES)]
)
def test_each_violation_of_a_consumer_is_seen(name: str, change: Callable[[History], None]) -> None:
    history = good()
    change(history)
    assert found(history) == {name}


def test_what_may_have_been_on_its_way_for_long_is_no_violation() -> None:
    history = good()
    # Its stream has heard nothing since before the confirmation, and its answer is refused.
    late = [
        Joined(stream="o/1", at=141),
        came(311, "o/1", "x", A1),
        Answered(stream="o/1", at=312, delivery="x", what="ack"),
        Settled(stream="o/1", at=313, delivery="x", is_refused=True),
    ]
    _with(*late, after=310)(history)
    assert found(history) == set()


def test_who_may_have_been_given_an_event_before_another_is_no_violation() -> None:
    history = good()
    # What its stream has heard is older than the delivery to the other one.
    _with(came(275, "m/2", "x", S1), after=270)(history)
    assert found(history) == set()


def test_what_was_not_confirmed_may_come_again() -> None:
    history = good()
    history.consumed = [
        one for one in history.consumed if not (isinstance(one, Settled) and one.delivery == "n5")
    ]
    again = [
        Joined(stream="o/1", at=311),
        came(312, "o/1", "x", S2),
        *said(313, "o/1", "x"),
    ]
    _with(*again, after=310)(history)
    assert found(history) == set()


def test_parked_or_not_is_up_to_who_was_not_answered() -> None:
    history = good()
    history.consumed = [
        one for one in history.consumed if not (isinstance(one, Settled) and one.delivery == "n3")
    ]
    for parked in (frozenset[int](), frozenset({4})):
        history.parked = parked
        assert found(history) == set()
