"""Judges a history against the log that came of it, guarantee by guarantee.

Every violation is an error of its own whose docstring is the guarantee, as docs/guarantees.md has
it. `violations` finds all of them, not only the first: one defect shows in several ways, and which
ones tells what it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.faults.guarantees import (
    AcknowledgedOutOfOrder,
    ConflictUntrue,
    DefectSeen,
    Duplicated,
    EventChanged,
    ExpectationBroken,
    IdempotencyBroken,
    Lost,
    PhantomEvent,
    PositionNotDense,
    ReadDisagrees,
    ReadIncomplete,
    ReadWentBack,
    ReceiptWrong,
    RecordTimeWentBack,
    RefusedButStored,
    SequenceNotDense,
    ServersDisagree,
    StaleAfterAck,
    StreamOutOfOrder,
    SubscriberDoubled,
    SubscriberMissed,
    SubscriberOutOfOrder,
    SubscriberSawOther,
    SubscriberStuck,
    TornBatch,
    Violation,
)
from tests.faults.history import Opened, Stored, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.history import Emitted, History, Read, Received

    Log = Sequence[Stored]


def violations(
    history: History, log: Log, *, others: Sequence[Log] = (), settled_through: int = 0
) -> list[Violation]:
    """Everything in a history that breaks a guarantee, given the log as it is at its end.

    `others`: the same log as read elsewhere. `settled_through`: the position that every subscriber
    had the time to reach.
    """
    checker = _Checker(history, log)
    found = [one for check in checker.checks() for one in check()]
    found += [ServersDisagree(_first_difference(log, other)) for other in others if other != log]
    found += checker.stuck_subscribers(settled_through)
    return found


def _first_difference(log: Log, other: Log) -> str:
    for one, two in zip(log, other, strict=False):
        if one != two:
            return f"{one} is {two} elsewhere"
    return f"it has {len(log)} events, and {len(other)} elsewhere"


class _Checker:
    def __init__(self, history: History, log: Log) -> None:
        self._history = history
        self._log = log
        self._at = {event.position: event for event in log}
        self._by_mark: dict[str, list[Stored]] = defaultdict(list)
        self._sequences: dict[str, list[Stored]] = defaultdict(list)
        self._attempts = Counter(
            event.mark for emit in history.emits for event in emit.events * (2 - emit.is_only)
        )
        """By mark, how often it was sent; twice, where that is not known."""
        for event in log:
            self._by_mark[event.mark].append(event)
            self._sequences[event.aggregate].append(event)

    def checks(self) -> list[Callable[[], Iterator[Violation]]]:
        """One for each guarantee, or for a few that are seen together."""
        return [
            self.log_is_dense,
            self.log_has_what_was_sent,
            self.receipts_hold,
            self.refusals_hold,
            self.batches_are_whole,
            self.acknowledged_in_order,
            self.streams_in_order,
            self.expectations_held,
            self.conflicts_are_true,
            self.keys_hold,
            self.reads_agree,
            self.reads_are_complete,
            self.reads_are_fresh,
            self.subscribers_got_all,
            self.no_defects,
        ]

    def log_is_dense(self) -> Iterator[Violation]:
        for place, event in enumerate(self._log, 1):
            if event.position != place:
                yield PositionNotDense(f"the event at place {place} has position {event.position}")
                break
        for aggregate, events in self._sequences.items():
            found = [event.sequence for event in events]
            if found != list(range(1, len(found) + 1)):
                yield SequenceNotDense(f"{aggregate} has the sequences {_shown(found)}")
        for before, event in pairwise(self._log):
            if event.record_time < before.record_time:
                yield RecordTimeWentBack(f"{event} is earlier than the event before it")

    def log_has_what_was_sent(self) -> Iterator[Violation]:
        sent = {event.mark: event for emit in self._history.emits for event in emit.events}
        for mark, stored in self._by_mark.items():
            if mark not in sent:
                yield PhantomEvent(f"nobody sent {stored[0]}")
                continue
            if len(stored) > 1:
                positions = [event.position for event in stored]
                yield Duplicated(f"{mark} is at the positions {positions}")
            if (stored[0].aggregate, stored[0].key) != sent[mark][1:]:
                yield EventChanged(f"{sent[mark]} is stored as {stored[0]}")

    def receipts_hold(self) -> Iterator[Violation]:
        for emit in self._of(Verdict.ACKNOWLEDGED):
            if len(emit.receipts) != len(emit.events):
                yield ReceiptWrong(f"{emit} has {len(emit.receipts)} receipts")
                continue
            for event, receipt in zip(emit.events, emit.receipts, strict=True):
                stored = self._by_mark.get(event.mark)
                if stored is None:
                    yield Lost(f"{event.mark} of {emit.writer} was given {receipt}")
                elif all(one[:4] != receipt[:4] for one in stored):
                    yield ReceiptWrong(f"{event.mark} was given {receipt}, and is {stored[0]}")

    def refusals_hold(self) -> Iterator[Violation]:
        # Of what was sent again, another attempt may have been stored.
        maybe = {
            event.mark
            for emit in self._history.emits
            if emit.verdict is not Verdict.REFUSED
            for event in emit.events
        }
        for emit in self._of(Verdict.REFUSED):
            for event in emit.events:
                if event.mark in self._by_mark and event.mark not in maybe:
                    stored = self._by_mark[event.mark][0]
                    yield RefusedButStored(f"{emit.reason} for {event.mark}, and it is {stored}")

    def batches_are_whole(self) -> Iterator[Violation]:
        judged: set[tuple[str, ...]] = set()
        for emit in self._history.emits:
            marks = tuple(event.mark for event in emit.events)
            if marks in judged:
                continue
            judged.add(marks)
            found = [self._by_mark[mark][0].position for mark in marks if mark in self._by_mark]
            if found and (
                len(found) < len(marks) or found != list(range(found[0], found[0] + len(found)))
            ):
                yield TornBatch(f"{_shown(list(marks))} is at the positions {_shown(found)}")

    def acknowledged_in_order(self) -> Iterator[Violation]:
        news = sorted(
            (emit for emit in self._of(Verdict.ACKNOWLEDGED) if not _is_deduplicated(emit)),
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

    def streams_in_order(self) -> Iterator[Violation]:
        last: dict[str, int] = {}
        for emit in sorted(self._history.emits, key=lambda emit: emit.began):
            if not emit.stream or _is_deduplicated(emit) or not self._stored_by(emit):
                continue
            for event in emit.events:
                for stored in self._by_mark.get(event.mark, ())[:1]:
                    if stored.position < last.get(emit.stream, 0):
                        yield StreamOutOfOrder(f"{stored} stands before what was sent before it")
                    last[emit.stream] = max(stored.position, last.get(emit.stream, 0))

    def expectations_held(self) -> Iterator[Violation]:
        judged: set[tuple[str, ...]] = set()
        for emit in self._history.emits:
            marks = tuple(event.mark for event in emit.events)
            stored = self._by_mark.get(marks[0])
            if stored is None or marks in judged or _is_deduplicated(emit):
                continue
            # A refused attempt of what another one stored was not judged at that moment.
            if emit.verdict is Verdict.REFUSED:
                continue
            judged.add(marks)
            for one in emit.expected:
                actual = self._sequence_before(one.aggregate, stored[0].position)
                if not one.holds(actual):
                    yield ExpectationBroken(f"{one} and it was at {actual}, of {stored[0]}")

    def conflicts_are_true(self) -> Iterator[Violation]:
        for emit in self._history.emits:
            if emit.reason != "SEQUENCE_CONFLICT":
                continue
            expected = {one.aggregate: one for one in emit.expected}
            if not emit.actual or emit.actual.keys() - expected.keys():
                yield ConflictUntrue(f"{emit} names {list(emit.actual)}")
                continue
            for aggregate, actual in emit.actual.items():
                least = self._acknowledged_before(aggregate, emit.began)
                most = len(self._sequences.get(aggregate, ()))
                if expected[aggregate].holds(actual) or not least <= actual <= most:
                    yield ConflictUntrue(
                        f"{expected[aggregate]} was said to be at {actual}, and was at {least} "
                        f"before and is at {most} now"
                    )

    def keys_hold(self) -> Iterator[Violation]:
        receipts: dict[str, list[tuple[Emitted, int]]] = defaultdict(list)
        for emit in self._of(Verdict.ACKNOWLEDGED):
            for n, event in enumerate(emit.events[: len(emit.receipts)]):
                if event.key:
                    receipts[event.key].append((emit, n))
        for key, answers in receipts.items():
            got = [emit.receipts[n] for emit, n in answers]
            if len({receipt[:4] for receipt in got}) > 1:
                yield IdempotencyBroken(f"{key} was answered with {_shown(got)}")
            elif sum(not receipt.deduplicated for receipt in got) > 1:
                yield IdempotencyBroken(f"{key} was said to be new {len(got)} times")
        for emit in self._of(Verdict.ACKNOWLEDGED):
            if _is_deduplicated(emit) and self._attempts[emit.events[0].mark] == 1:
                yield IdempotencyBroken(f"{emit} was said to be known, and was sent once")

    def reads_agree(self) -> Iterator[Violation]:
        for read in self._history.reads:
            for event in read.events:
                if self._at.get(event.position) != event:
                    yield ReadDisagrees(
                        f"{read.kind} of {read.reader} has {event}, and the log "
                        f"{self._at.get(event.position)}"
                    )
                    break

    def reads_are_complete(self) -> Iterator[Violation]:
        for read in self._history.reads:
            if read.kind == "log":
                found = [event.position for event in read.events]
                meant = list(range(read.after + 1, read.through + 1))
            elif read.kind == "aggregate":
                found = [event.sequence for event in read.events]
                meant = list(range(read.after + 1, read.after + 1 + len(found)))
            else:
                continue
            if found != (meant[::-1] if read.is_descending else meant):
                yield ReadIncomplete(
                    f"{read.kind} of {read.reader} after {read.after} through {read.through} has "
                    f"{_shown(found)}"
                )

    def reads_are_fresh(self) -> Iterator[Violation]:
        """Of whole reads: by the position that they saw, whatever told of a higher one before."""
        known: list[tuple[int, int, type[Violation], str]] = [
            (emit.ended, emit.receipts[-1].position, StaleAfterAck, f"{emit.writer} was answered")
            for emit in self._of(Verdict.ACKNOWLEDGED)
            if emit.receipts
        ]
        reads = [read for read in self._history.reads if read.is_to_head]
        known += [
            (read.ended, read.through, ReadWentBack, f"{read.reader} had read")
            for read in reads
            if read.kind != "aggregate"
        ]
        known += [
            (one.at, one.events[-1].position, ReadWentBack, f"{one.subscriber} had received")
            for one in self._history.subscribed
            if not isinstance(one, Opened) and one.events
        ]
        known.sort(key=lambda one: one[0])
        place = 0
        highest: tuple[int, type[Violation], str] = (0, ReadWentBack, "")
        for read in sorted(reads, key=lambda read: read.began):
            while place < len(known) and known[place][0] < read.began:
                highest = max(highest, known[place][1:], key=lambda one: one[0])
                place += 1
            if read.kind == "aggregate":
                yield from self._fresh_aggregate(read, *highest)
            elif read.through < highest[0]:
                yield highest[1](
                    f"{read.kind} of {read.reader} saw {read.through} after {highest[2]} "
                    f"{highest[0]}"
                )
            if read.kind != "aggregate" and read.through < read.min_position:
                yield StaleAfterAck(
                    f"{read.kind} of {read.reader} saw {read.through} and asked for "
                    f"{read.min_position}"
                )

    def _fresh_aggregate(
        self, read: Read, position: int, kind: type[Violation], who: str
    ) -> Iterator[Violation]:
        meant = self._sequence_before(read.aggregate, max(position, read.min_position) + 1)
        seen = max((event.sequence for event in read.events), default=read.after)
        if seen < meant:
            yield kind(
                f"{read.reader} saw {read.aggregate} at {seen}, not {meant}, after {who} {position}"
            )

    def subscribers_got_all(self) -> Iterator[Violation]:
        for name, entries in self._subscribers().items():
            cursor: int | None = None
            aggregate_type = ""
            for one in entries:
                if isinstance(one, Opened):
                    aggregate_type = one.aggregate_type
                    if cursor is not None and one.after != cursor:
                        yield SubscriberMissed(f"{name} went on after {one.after}, not {cursor}")
                    cursor = one.after
                else:
                    assert cursor is not None, "a message without a stream"
                    yield from self._judge_message(one, cursor, aggregate_type)
                    cursor = max(cursor, one.examined)

    def _judge_message(
        self, message: Received, cursor: int, aggregate_type: str
    ) -> Iterator[Violation]:
        name = message.subscriber
        if message.examined < cursor:
            yield SubscriberOutOfOrder(f"{name} was at {cursor}, and is at {message.examined}")
        found = [event.position for event in message.events]
        if found and found[0] <= cursor:
            yield SubscriberDoubled(f"{name} was at {cursor}, and got {found[0]}")
        if len(set(found)) < len(found):
            yield SubscriberDoubled(f"{name} got {_shown(found)}")
        elif found != sorted(found) or (found and found[-1] > message.examined):
            yield SubscriberOutOfOrder(f"{name} got {_shown(found)} up to {message.examined}")
        for event in message.events:
            is_other = self._at.get(event.position) != event
            if is_other or not _matches(event, aggregate_type):
                yield SubscriberSawOther(f"{name} got {event}: {self._at.get(event.position)}")
                return
        missed = [
            position
            for position in range(cursor + 1, message.examined + 1)
            if position in self._at and _matches(self._at[position], aggregate_type)
        ]
        if missed := sorted(set(missed) - set(found)):
            yield SubscriberMissed(f"{name} did not get {_shown(missed)}")
        if message.examined > len(self._log):
            yield SubscriberSawOther(f"{name} was told of {message.examined}, beyond the log")

    def stuck_subscribers(self, through: int) -> list[Violation]:
        """Who has not examined the log so far at the end."""
        found: list[Violation] = []
        for name, entries in self._subscribers().items():
            reached = max(one.after if isinstance(one, Opened) else one.examined for one in entries)
            if reached < through:
                found.append(SubscriberStuck(f"{name} is at {reached} of {through}"))
        return found

    def no_defects(self) -> Iterator[Violation]:
        yield from (DefectSeen(defect) for defect in self._history.defects)

    def _of(self, verdict: Verdict) -> Iterator[Emitted]:
        return (emit for emit in self._history.emits if emit.verdict is verdict)

    def _subscribers(self) -> dict[str, list[Opened | Received]]:
        by_name: dict[str, list[Opened | Received]] = defaultdict(list)
        for one in self._history.subscribed:
            by_name[one.subscriber].append(one)
        return by_name

    def _stored_by(self, emit: Emitted) -> bool:
        """Whether, if an Emit's events are stored, it is this attempt that stored them."""
        is_only = self._attempts[emit.events[0].mark] == 1
        return emit.verdict is Verdict.ACKNOWLEDGED or (emit.verdict is Verdict.UNKNOWN and is_only)

    def _sequence_before(self, aggregate: str, position: int) -> int:
        events = self._sequences.get(aggregate, ())
        return max((one.sequence for one in events if one.position < position), default=0)

    def _acknowledged_before(self, aggregate: str, moment: int) -> int:
        """The last sequence that was acknowledged when something began."""
        return max(
            (
                receipt.sequence
                for emit in self._of(Verdict.ACKNOWLEDGED)
                if emit.ended < moment
                for event, receipt in zip(emit.events, emit.receipts, strict=False)
                if event.aggregate == aggregate
            ),
            default=0,
        )


def _is_deduplicated(emit: Emitted) -> bool:
    return any(receipt.deduplicated for receipt in emit.receipts)


def _matches(event: Stored, aggregate_type: str) -> bool:
    return not aggregate_type or event.aggregate.partition("/")[0] == aggregate_type


def _shown(values: Sequence[object], most: int = 12) -> str:
    text = ", ".join(map(str, values[:most]))
    return f"[{text}, … ({len(values)})]" if len(values) > most else f"[{text}]"
