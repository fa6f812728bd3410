"""What a consumer's members were given and told, judged by the log and by what they had said.

Who is told of what first says little: a connection that breaks is noticed at one end before the
other, and what was sent before may arrive after. So what counts as known is only what must have
been so. A delivery was sent after whatever its stream had been answered before it came
(`sent_after`), and before it came; a delivery was held from when it came to when it was
answered, if that answer was accepted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.faults.guarantees import (
    ConsumerConfirmedAgain,
    ConsumerHeldTwice,
    ConsumerLost,
    ConsumerMiscounted,
    ConsumerOvertaken,
    ConsumerParkedUntrue,
    ConsumerSawOther,
    ConsumerStuck,
    ConsumerWentBack,
    Violation,
)
from tests.faults.history import Answered, Delivered, Gone, Joined, Settled
from tests.faults.judged import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import Standing
    from tests.faults.judged import Judged

_FINAL = {"ack", "skip", "park"}
"""Answers after which an event is not delivered any more."""
_COSTS_NO_ATTEMPT = {"left", "SERVER_DRAINING"}
"""Ends of a stream at which what was in flight has not failed."""


class _Heard(NamedTuple):
    """When and where it was heard that an answer is stored: `what`, or of which attempt."""

    at: int
    stream: str
    what: str = ""
    attempt: int = 0


@dataclass(slots=True)
class _Held:
    """A delivery."""

    of: Delivered
    sent_after: int
    answer: Answered | None = None

    def knows(self, heard: _Heard) -> bool:
        """Whether it was sent after that answer was stored."""
        return heard.at < self.sent_after or heard.stream == self.of.stream


def consumers_keep_their_word(judged: Judged) -> Iterator[Violation]:
    """All that was said and heard on the members' streams, in the order in which it was."""
    members = _Members(judged)
    for one in judged.history.consumed:
        match one:
            case Joined():
                members.join(one)
            case Delivered():
                yield from members.deliver(one)
            case Answered():
                members.answer(one)
            case Settled():
                yield from members.settle(one)
            case Gone():
                members.breaks -= one.reason in _COSTS_NO_ATTEMPT
    yield from members.judge_parked()


class _Members:
    def __init__(self, judged: Judged) -> None:
        self.breaks = 0
        """How many streams may have broken, and cost attempts."""
        self._judged = judged
        self._fresh: dict[str, int] = {}
        """By stream: what comes last was sent after this moment."""
        self._held: dict[str, _Held] = {}
        self._by_aggregate: dict[str, list[_Held]] = defaultdict(list)
        self._answered: dict[int, set[str]] = defaultdict(set)
        """By position, what was said of it, confirmed or not."""
        self._confirmed: dict[int, _Heard] = {}
        """By position: its final answer."""
        self._failed: dict[int, int] = defaultdict(int)
        """By position: how many nacks were said."""
        self._failed_surely: dict[int, _Heard] = {}
        """By position: the last nack."""
        self._next: dict[str, int] = defaultdict(int)
        """By aggregate: its first event that nobody has answered for, as a place in its order."""

    def join(self, one: Joined) -> None:
        self._fresh[one.stream] = one.at
        self.breaks += 1

    def deliver(self, one: Delivered) -> Iterator[Violation]:
        event = one.event
        held = self._held[one.delivery] = _Held(one, self._fresh[one.stream])
        self._by_aggregate[event.aggregate].append(held)
        if self._judged.at.get(event.position) != event:
            in_log = self._judged.at.get(event.position)
            yield ConsumerSawOther(f"{one.stream} got {event}, and the log has {in_log}")
            return
        known = self._confirmed.get(event.position)
        if known is not None and held.knows(known):
            yield ConsumerConfirmedAgain(
                f"{event.position} came to {one.stream}, its {known.what} confirmed"
            )
        yield from self._judge_order(one)
        yield from self._judge_attempt(held)

    def answer(self, one: Answered) -> None:
        held = self._held[one.delivery]
        held.answer = one
        position, aggregate = held.of.event.position, held.of.event.aggregate
        self._answered[position].add(one.what)
        self._failed[position] += one.what == "nack"
        events = self._judged.sequences[aggregate]
        place = self._next[aggregate]
        while place < len(events) and self._answered[events[place].position] & _FINAL:
            place += 1
        self._next[aggregate] = place

    def settle(self, one: Settled) -> Iterator[Violation]:
        held = self._held[one.delivery]
        answer = held.answer
        assert answer is not None, "settled before it was answered"
        self._fresh[one.stream] = max(self._fresh[one.stream], answer.at)
        if one.is_refused:
            return
        position = held.of.event.position
        known = self._confirmed.get(position)
        if known is not None and known.at < answer.at:
            yield ConsumerConfirmedAgain(
                f"{position} was still {one.stream}'s to {answer.what}, its {known.what} confirmed"
            )
        yield from self._judge_holders(held, answer)
        if answer.what in _FINAL:
            self._confirmed.setdefault(position, _Heard(one.at, one.stream, answer.what))
        elif answer.what == "nack":
            nacked = _Heard(one.at, one.stream, attempt=held.of.attempt)
            self._failed_surely[position] = nacked

    def judge_parked(self) -> Iterator[Violation]:
        parked = self._judged.history.parked
        if parked is None:
            return
        surely = {at for at, one in self._confirmed.items() if one.what == "park"}
        said = {at for at, what in self._answered.items() if "park" in what}
        if missing := sorted(surely - parked):
            yield ConsumerParkedUntrue(f"{shown(missing)} were parked, and are not")
        if others := sorted(parked - said):
            yield ConsumerParkedUntrue(f"{shown(others)} are parked, and nobody said so")

    def _judge_order(self, one: Delivered) -> Iterator[Violation]:
        aggregate = one.event.aggregate
        events = self._judged.sequences[aggregate]
        place = self._next[aggregate]
        if place < len(events) and events[place].position < one.event.position:
            yield ConsumerOvertaken(
                f"{one.event.position} of {aggregate} came to {one.stream} before"
                f" {events[place].position} was answered"
            )

    def _judge_attempt(self, held: _Held) -> Iterator[Violation]:
        one, position = held.of, held.of.event.position
        failed = self._failed_surely.get(position)
        if failed is not None and held.knows(failed) and one.attempt <= failed.attempt:
            yield ConsumerMiscounted(
                f"{position} came as attempt {one.attempt}, after attempt {failed.attempt} failed"
            )
        # All streams but this one may have broken; which ones had the event nobody knows.
        most = 1 + self._failed[position] + self.breaks - 1
        if one.attempt > most:
            yield ConsumerMiscounted(
                f"{position} came as attempt {one.attempt}; at most {most - 1} can have failed"
            )

    def _judge_holders(self, held: _Held, answer: Answered) -> Iterator[Violation]:
        since = held.of.at
        for other in reversed(self._by_aggregate[held.of.event.aggregate]):
            if other.of.at < since:
                return
            if other is not held and other.sent_after > since and other.of.at < answer.at:
                yield ConsumerHeldTwice(
                    f"{other.of.event.position} of {other.of.event.aggregate} was given to"
                    f" {other.of.stream} while {held.of.stream} had {held.of.event.position}"
                )


def consumers_finish_what_was_answered(judged: Judged) -> Iterator[Violation]:
    """What lies before a checkpoint where nothing is tried again has been answered for."""
    said: dict[int, int] = {}
    events = {
        one.delivery: one.event.position
        for one in judged.history.consumed
        if isinstance(one, Delivered)
    }
    for one in judged.history.consumed:
        if isinstance(one, Answered) and one.what in _FINAL:
            said.setdefault(events[one.delivery], one.at)
    before: Standing | None = None
    for standing in judged.history.standings:
        if before is not None and standing.checkpoint < before.checkpoint:
            yield ConsumerWentBack(
                f"it was at {before.checkpoint}, and is at {standing.checkpoint}"
            )
        before = standing
    if before is not None and not before.waiting:
        through = min(before.checkpoint, len(judged.log))
        lost = [at for at in range(1, through + 1) if said.get(at, before.ended) >= before.ended]
        if lost:
            yield ConsumerLost(f"it is at {before.checkpoint}, and nobody answered {shown(lost)}")


def stuck_consumers(judged: Judged, through: int) -> list[Violation]:
    """Whether the consumer has not finished so much at the end."""
    standings = judged.history.standings
    if not any(isinstance(one, Joined) for one in judged.history.consumed):
        return []
    if not standings:
        return [ConsumerStuck("nobody could be asked where it is")]
    last = standings[-1]
    if last.checkpoint >= through and not last.waiting:
        return []
    return [ConsumerStuck(f"it is at {last.checkpoint} of {through}, and {last.waiting} wait")]
