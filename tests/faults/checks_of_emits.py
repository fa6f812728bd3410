"""What writers were told, judged by the log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.faults.guarantees import (
    AcknowledgedOutOfOrder,
    ConflictUntrue,
    ExpectationBroken,
    IdempotencyBroken,
    Lost,
    ReceiptWrong,
    RefusedButStored,
    StreamOutOfOrder,
    TornBatch,
    Violation,
)
from tests.faults.history import Verdict
from tests.faults.judged import is_deduplicated, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import Emitted
    from tests.faults.judged import Judged


def receipts_hold(judged: Judged) -> Iterator[Violation]:
    for emit in judged.of(Verdict.ACKNOWLEDGED):
        if len(emit.receipts) != len(emit.events):
            yield ReceiptWrong(f"{emit} has {len(emit.receipts)} receipts")
            continue
        for event, receipt in zip(emit.events, emit.receipts, strict=True):
            stored = judged.by_mark.get(event.mark)
            if stored is None:
                yield Lost(f"{event.mark} of {emit.writer} was given {receipt}")
            elif all(one[:4] != receipt[:4] for one in stored):
                yield ReceiptWrong(f"{event.mark} was given {receipt}, and is {stored[0]}")


def refusals_hold(judged: Judged) -> Iterator[Violation]:
    # Of what was sent again, another attempt may have been stored.
    maybe = {
        event.mark
        for emit in judged.history.emits
        if emit.verdict is not Verdict.REFUSED
        for event in emit.events
    }
    for emit in judged.of(Verdict.REFUSED):
        for event in emit.events:
            if event.mark in judged.by_mark and event.mark not in maybe:
                stored = judged.by_mark[event.mark][0]
                yield RefusedButStored(f"{emit.reason} for {event.mark}, and it is {stored}")


def batches_are_whole(judged: Judged) -> Iterator[Violation]:
    seen: set[tuple[str, ...]] = set()
    for emit in judged.history.emits:
        marks = tuple(event.mark for event in emit.events)
        if marks in seen:
            continue
        seen.add(marks)
        found = [judged.by_mark[mark][0].position for mark in marks if mark in judged.by_mark]
        if found and (
            len(found) < len(marks) or found != list(range(found[0], found[0] + len(found)))
        ):
            yield TornBatch(f"{shown(list(marks))} is at the positions {shown(found)}")


def acknowledged_in_order(judged: Judged) -> Iterator[Violation]:
    news = sorted(
        (emit for emit in judged.of(Verdict.ACKNOWLEDGED) if not is_deduplicated(emit)),
        key=lambda emit: emit.began,
    )
    ended = sorted(news, key=lambda emit: emit.ended)
    highest, next_ended = 0, 0
    for emit in news:
        while ended[next_ended].ended < emit.began:
            highest = max(highest, *(one.position for one in ended[next_ended].receipts))
            next_ended += 1
        if emit.receipts[0].position <= highest:
            yield AcknowledgedOutOfOrder(f"{emit} began when {highest} was acknowledged")


def streams_in_order(judged: Judged) -> Iterator[Violation]:
    last: dict[str, int] = {}
    for emit in sorted(judged.history.emits, key=lambda emit: emit.began):
        if not emit.stream or is_deduplicated(emit) or not judged.stored_by(emit):
            continue
        for event in emit.events:
            for stored in judged.by_mark.get(event.mark, ())[:1]:
                if stored.position < last.get(emit.stream, 0):
                    yield StreamOutOfOrder(f"{stored} stands before what was sent before it")
                last[emit.stream] = max(stored.position, last.get(emit.stream, 0))


def expectations_held(judged: Judged) -> Iterator[Violation]:
    seen: set[tuple[str, ...]] = set()
    for emit in judged.history.emits:
        marks = tuple(event.mark for event in emit.events)
        stored = judged.by_mark.get(marks[0])
        if stored is None or marks in seen or is_deduplicated(emit):
            continue
        # A refused attempt of what another one stored was not judged at that moment.
        if emit.verdict is Verdict.REFUSED:
            continue
        seen.add(marks)
        for one in emit.expected:
            actual = judged.sequence_before(one.aggregate, stored[0].position)
            if not one.holds(actual):
                yield ExpectationBroken(f"{one} and it was at {actual}, of {stored[0]}")


def conflicts_are_true(judged: Judged) -> Iterator[Violation]:
    for emit in judged.history.emits:
        if emit.reason != "SEQUENCE_CONFLICT":
            continue
        expected = {one.aggregate: one for one in emit.expected}
        if not emit.actual or emit.actual.keys() - expected.keys():
            yield ConflictUntrue(f"{emit} names {list(emit.actual)}")
            continue
        for aggregate, actual in emit.actual.items():
            least = judged.acknowledged_before(aggregate, emit.began)
            most = len(judged.sequences.get(aggregate, ()))
            if expected[aggregate].holds(actual) or not least <= actual <= most:
                yield ConflictUntrue(
                    f"{expected[aggregate]} was said to be at {actual}, and was at {least} "
                    f"before and is at {most} now"
                )


def keys_hold(judged: Judged) -> Iterator[Violation]:
    receipts: dict[str, list[tuple[Emitted, int]]] = defaultdict(list)
    for emit in judged.of(Verdict.ACKNOWLEDGED):
        for n, event in enumerate(emit.events[: len(emit.receipts)]):
            if event.key:
                receipts[event.key].append((emit, n))
    for key, answers in receipts.items():
        got = [emit.receipts[n] for emit, n in answers]
        if len({receipt[:4] for receipt in got}) > 1:
            yield IdempotencyBroken(f"{key} was answered with {shown(got)}")
        elif sum(not receipt.deduplicated for receipt in got) > 1:
            yield IdempotencyBroken(f"{key} was said to be new {len(got)} times")
    for emit in judged.of(Verdict.ACKNOWLEDGED):
        if is_deduplicated(emit) and judged.attempts[emit.events[0].mark] == 1:
            yield IdempotencyBroken(f"{emit} was said to be known, and was sent once")
