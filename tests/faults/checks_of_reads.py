"""What readers and subscribers were given, judged by the log and by what was told before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.guarantees import (
    ReadDisagrees,
    ReadIncomplete,
    ReadWentBack,
    StaleAfterAck,
    SubscriberDoubled,
    SubscriberMissed,
    SubscriberOutOfOrder,
    SubscriberSawOther,
    SubscriberStuck,
    Violation,
)
from tests.faults.history import Opened, Stored, Verdict
from tests.faults.judged import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import Read, Received
    from tests.faults.judged import Judged


def reads_agree(judged: Judged) -> Iterator[Violation]:
    for read in judged.history.reads:
        for event in read.events:
            if judged.at.get(event.position) != event:
                yield ReadDisagrees(
                    f"{read.kind} of {read.reader} has {event}, and the log "
                    f"{judged.at.get(event.position)}"
                )
                break


def reads_are_complete(judged: Judged) -> Iterator[Violation]:
    for read in judged.history.reads:
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
                f"{shown(found)}"
            )


def reads_are_fresh(judged: Judged) -> Iterator[Violation]:
    """Of whole reads: by the position that they saw, whatever told of a higher one before."""
    known: list[tuple[int, int, type[Violation], str]] = [
        (emit.ended, emit.receipts[-1].position, StaleAfterAck, f"{emit.writer} was answered")
        for emit in judged.of(Verdict.ACKNOWLEDGED)
        if emit.receipts
    ]
    reads = [read for read in judged.history.reads if read.is_to_head]
    known += [
        (read.ended, read.through, ReadWentBack, f"{read.reader} had read")
        for read in reads
        if read.kind != "aggregate"
    ]
    known += [
        (one.at, one.events[-1].position, ReadWentBack, f"{one.subscriber} had received")
        for one in judged.history.subscribed
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
            yield from _fresh_aggregate(judged, read, *highest)
        elif read.through < highest[0]:
            yield highest[1](
                f"{read.kind} of {read.reader} saw {read.through} after {highest[2]} {highest[0]}"
            )
        if read.kind != "aggregate" and read.through < read.min_position:
            yield StaleAfterAck(
                f"{read.kind} of {read.reader} saw {read.through} and asked for {read.min_position}"
            )


def _fresh_aggregate(
    judged: Judged, read: Read, position: int, kind: type[Violation], who: str
) -> Iterator[Violation]:
    meant = judged.sequence_before(read.aggregate, max(position, read.min_position) + 1)
    seen = max((event.sequence for event in read.events), default=read.after)
    if seen < meant:
        yield kind(
            f"{read.reader} saw {read.aggregate} at {seen}, not {meant}, after {who} {position}"
        )


def subscribers_got_all(judged: Judged) -> Iterator[Violation]:
    for name, entries in judged.subscribers().items():
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
                yield from _judge_message(judged, one, cursor, aggregate_type)
                cursor = max(cursor, one.examined)


def _judge_message(
    judged: Judged, message: Received, cursor: int, aggregate_type: str
) -> Iterator[Violation]:
    name = message.subscriber
    if message.examined < cursor:
        yield SubscriberOutOfOrder(f"{name} was at {cursor}, and is at {message.examined}")
    found = [event.position for event in message.events]
    if found and found[0] <= cursor:
        yield SubscriberDoubled(f"{name} was at {cursor}, and got {found[0]}")
    if len(set(found)) < len(found):
        yield SubscriberDoubled(f"{name} got {shown(found)}")
    elif found != sorted(found) or (found and found[-1] > message.examined):
        yield SubscriberOutOfOrder(f"{name} got {shown(found)} up to {message.examined}")
    for event in message.events:
        is_other = judged.at.get(event.position) != event
        if is_other or not _matches(event, aggregate_type):
            yield SubscriberSawOther(f"{name} got {event}: {judged.at.get(event.position)}")
            return
    missed = [
        position
        for position in range(cursor + 1, message.examined + 1)
        if position in judged.at and _matches(judged.at[position], aggregate_type)
    ]
    if missed := sorted(set(missed) - set(found)):
        yield SubscriberMissed(f"{name} did not get {shown(missed)}")
    if message.examined > len(judged.log):
        yield SubscriberSawOther(f"{name} was told of {message.examined}, beyond the log")


def stuck_subscribers(judged: Judged, through: int) -> list[Violation]:
    """Who has not examined the log so far at the end."""
    found: list[Violation] = []
    for name, entries in judged.subscribers().items():
        reached = max(one.after if isinstance(one, Opened) else one.examined for one in entries)
        if reached < through:
            found.append(SubscriberStuck(f"{name} is at {reached} of {through}"))
    return found


def _matches(event: Stored, aggregate_type: str) -> bool:
    return not aggregate_type or event.aggregate.partition("/")[0] == aggregate_type
