"""A slot against a plain list of events: it loses none, repeats none, keeps their order."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from everlog_server.consumers.budget import PROCESS_BYTES_MAX, Budget
from everlog_server.consumers.events import Event, Held
from everlog_server.consumers.slots import Slot
from everlog_server.model import AggregateKey
from everlog_server.rpc.codec import varint
from everlog_server.storage.consumers import Changes

_WAIT = 10


def _record(position: int) -> bytes:
    body = b"\x0a\x24" + str(UUID(int=position)).encode()
    return b"\x0a" + varint(len(body)) + body


def _held(row: dict[str, Any]) -> Held:
    aggregate = AggregateKey(row["aggregate_type"], row["aggregate_id"])
    held = Held(row["position"], aggregate, row["event_id"], row["state"])
    held.attempts, held.due = row["attempts"], row["next_attempt_time"]
    return held


class _Tables:
    """What consumer_store() would have written."""

    def __init__(self) -> None:
        self.checkpoint = 0
        self.finished: list[int] = []
        self.events: dict[int, dict[str, Any]] = {}
        self.lanes: dict[AggregateKey, int] = {}

    def store(self, changes: Changes) -> None:
        ((_, _, checkpoint, finished),) = changes.slots
        assert checkpoint >= self.checkpoint
        self.checkpoint, self.finished = checkpoint, list(finished)
        for _, position in changes.gone:
            self.events.pop(position, None)
        for row in changes.events:
            assert row["position"] > 0
            self.events[row["position"]] = row
        for row in changes.lanes:
            key = AggregateKey(row["aggregate_type"], row["aggregate_id"])
            if row["position"] is None:
                self.lanes.pop(key, None)
            else:
                self.lanes[key] = row["position"]
        for position, row in list(self.events.items()):
            lane = self.lanes.get(AggregateKey(row["aggregate_type"], row["aggregate_id"]))
            is_passed = position <= checkpoint and (lane is None or lane > position)
            if row["state"] == "skipped" and is_passed:
                del self.events[position]

    def says_finished(self, position: int, aggregate: AggregateKey) -> bool:
        """As migrations/0005_consumers.sql has it. Parked counts as finished."""
        row = self.events.get(position)
        if row is not None:
            return row["state"] in {"parked", "skipped"}
        lane = self.lanes.get(aggregate)
        if lane is not None:
            return position < lane
        return position <= self.checkpoint or position in self.finished


class SlotMachine(RuleBasedStateMachine):
    """Rules are what may happen to a slot, in any order; restarts lose all but the tables."""

    @initialize(is_ordered=st.booleans(), blocks=st.booleans())
    def begin(self, is_ordered: bool, blocks: bool) -> None:
        self.is_ordered = is_ordered
        self.blocks = blocks and is_ordered
        self.log: list[tuple[int, AggregateKey]] = []
        self.tables = _Tables()
        self.now = 0
        self.done: set[int] = set()
        """Finished or parked, as the slot was told."""
        self.blocked: set[int] = set()
        self.by_hand: set[int] = set()
        """Decided by hand, or replayed: their order is anybody's."""
        self.in_flight: dict[int, Event] = {}
        self.attempts: dict[int, int] = {}
        self.positions = count(1)
        self.slot = Slot(3, 1, checkpoint=0, finished=(), is_ordered=is_ordered)

    # --- the log, and the feed -------------------------------------------------------------------

    @rule(aggregate=st.integers(0, 3), gap=st.integers(0, 2))
    def append(self, aggregate: int, gap: int) -> None:
        position = next(self.positions)
        for _ in range(gap):
            position = next(self.positions)
        self.log.append((position, AggregateKey("a", str(aggregate))))

    @rule(most=st.integers(1, 5))
    def feed(self, most: int) -> None:
        for position, aggregate in self.log:
            if position > self.slot.read_through and most and not self.slot.is_full:
                most -= 1
                self.slot.offer(Event(position, aggregate, _record(position)))

    # --- deliveries ------------------------------------------------------------------------------

    @rule()
    def take(self) -> None:
        event = self.slot.take()
        if event is None:
            return
        position, aggregate = event.position, event.aggregate
        assert position not in self.in_flight
        assert position not in self.done
        assert position not in self.blocked
        assert (position, aggregate) in self.log
        if self.is_ordered:
            assert all(other.aggregate != aggregate for other in self.in_flight.values())
            if position not in self.by_hand:
                for before, other in self.log:
                    if other == aggregate and before < position:
                        assert before in self.done | self.by_hand
        assert event.attempts == self.attempts.get(position, 0)
        self.in_flight[position] = event

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), what=st.sampled_from(["finish", "finish", "fail", "park", "put back"]))
    def answer(self, data: st.DataObject, what: str) -> None:
        position = data.draw(st.sampled_from(sorted(self.in_flight)))
        event = self.in_flight.pop(position)
        failed = {"attempt": event.attempts + 1, "failed_time": self.now, "error": "no"}
        match what:
            case "finish":
                self.slot.finish(event)
                self._finish(position)
            case "fail":
                self.attempts[position] = event.attempts + 1
                self.slot.fail(event, failed, due=self.now + _WAIT)
            case "park":
                self.slot.park(
                    event, failed, now=self.now, attempts=event.attempts + 1, blocks=self.blocks
                )
                self.attempts[position] = event.attempts + 1
                if self.blocks and position not in self.slot._singles and not self._is_done(event):
                    self.blocked.add(position)
                else:
                    self._finish(position)
            case "put back":
                self.slot.put_back(event)

    def _is_done(self, event: Event) -> bool:
        held = self.slot._held_at(event.position, event.aggregate)
        return held is None or held.state != "blocking"

    def _finish(self, position: int) -> None:
        self.done.add(position)
        self.attempts.pop(position, None)

    # --- what is tried again ---------------------------------------------------------------------

    @rule()
    def pass_time(self) -> None:
        self.now += _WAIT
        self.slot.wake_due(self.now)

    @rule()
    def supply(self) -> None:
        for position in list(self.slot.wanted):
            self.slot.supply(position, _record(position))

    @rule(most=st.integers(1, 3))
    def read_lanes(self, most: int) -> None:
        for lane, after, through in list(self.slot.lanes_to_read()):
            found = [
                Event(position, aggregate, _record(position))
                for position, aggregate in self.log
                if aggregate == lane.aggregate and after < position <= through
            ]
            examined = through if len(found) <= most else found[most - 1].position
            rows = {
                position: row["state"]
                for position, row in self.tables.events.items()
                if (row["aggregate_type"], row["aggregate_id"]) == lane.aggregate
                and after < position <= examined
            }
            self.slot.supply_lane(
                lane,
                found[:most],
                after=after,
                examined=examined,
                through=through,
                own_rows=rows,
            )

    @rule(most=st.integers(0, 2))
    def look_for_replays(self, most: int) -> None:
        """Forgets those that wait, and is told of those that are due, as by a beat."""
        self.store()
        for row in self.tables.events.values():
            due = row["next_attempt_time"]
            if row["state"] == "replaying" and (due is None or due <= self.now):
                self.slot.replay(_held(row))
        self.slot.forget_replays(self.now, most)

    # --- by hand ---------------------------------------------------------------------------------

    @precondition(lambda self: self.log)
    @rule(data=st.data(), action=st.sampled_from(["ack", "retry", "park"]))
    def decide(self, data: st.DataObject, action: str) -> None:
        position, aggregate = data.draw(st.sampled_from(self.log))
        self.store()  # as the beat tells of rows: those that are stored
        row = self.tables.events.get(position)
        was_done = position in self.done
        if action == "ack" and was_done and row is None:
            return  # nothing to decide
        taken = self.slot.decide(
            action,
            position,
            aggregate,
            str(UUID(int=position)),
            now=self.now,
            reason="so",
            state=row and row["state"],
            instruction_id=uuid4(),
        )
        assert taken is self.in_flight.pop(position, None)
        self.by_hand.add(position)
        self.blocked.discard(position)
        self.attempts.pop(position, None)
        if action == "retry":
            self.done.discard(position)
        else:
            self.done.add(position)

    # --- the tables ------------------------------------------------------------------------------

    @rule()
    def store(self) -> None:
        changes = Changes()
        self.slot.collect(changes)
        self.tables.store(changes)
        for position, aggregate in self.log:
            assert self.tables.says_finished(position, aggregate) == (position in self.done), (
                position,
                aggregate,
            )

    @rule()
    def restart(self) -> None:
        """All that was stored is known; what was not is as it was before it happened."""
        tables = self.tables
        self.done = {
            position
            for position, aggregate in self.log
            if tables.says_finished(position, aggregate)
        }
        self.in_flight.clear()
        self.blocked = {p for p, row in tables.events.items() if row["state"] == "blocking"}
        self.attempts = {
            position: row["attempts"]
            for position, row in tables.events.items()
            if row["state"] in {"retrying", "replaying"} and row["attempts"]
        }
        ahead = [
            position
            for position, row in tables.events.items()
            if row["state"] in {"parked", "skipped"} and position > tables.checkpoint
        ]
        self.slot = Slot(
            3,
            self.slot.epoch + 1,
            checkpoint=tables.checkpoint,
            finished=[*tables.finished, *ahead],
            is_ordered=self.is_ordered,
        )
        for aggregate, position in tables.lanes.items():
            self.slot.restore_lane(aggregate, position)
        for row in tables.events.values():
            if row["state"] in {"retrying", "blocking", "replaying"}:
                self.slot.restore(_held(row))

    @invariant()
    def counts_hold(self) -> None:
        if not hasattr(self, "slot"):
            return
        assert self.slot.in_flight == len(self.in_flight)
        assert self.slot.queued >= 0
        assert self.slot.queued_bytes >= 0
        assert self.slot.supplied_bytes == sum(
            len(event.record)
            for line in self.slot._lines.values()
            for event in (*line.singles, *(line.lane.events if line.lane else ()))
        )

    def teardown(self) -> None:
        """Whatever happened: when everything is acknowledged, everything is finished."""
        if not hasattr(self, "slot"):
            return
        for _ in range(3 * len(self.log) + 10):
            for event in self.in_flight.values():
                self.slot.finish(event)
                self._finish(event.position)
            self.in_flight.clear()
            self.feed(1000)
            self.pass_time()
            self.look_for_replays(1)
            self.supply()
            self.read_lanes(3)
            self.take()
        held_back = {
            position
            for position, aggregate in self.log
            for blocking in self.blocked
            if position >= blocking and (blocking, aggregate) in self.log
        }
        self.store()
        missing = {p for p, _ in self.log} - self.done
        assert missing <= held_back
        if not held_back and self.log:
            assert self.slot.checkpoint == self.slot.read_through
            assert not self.tables.lanes


TestSlot = SlotMachine.TestCase
TestSlot.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_what_is_tried_again_is_bounded_by_bytes_as_what_is_in_line() -> None:
    budget = Budget()
    budget.count(PROCESS_BYTES_MAX // 1_000)
    slot = Slot(0, 1, checkpoint=0, finished=(), is_ordered=True, budget=budget)
    record = bytes(600)
    for position in (1, 2, 3):
        slot.replay(Held(position, AggregateKey("a", str(position)), "", "replaying"))
    slot.supply(1, record)
    assert not slot.is_supplied
    slot.supply(2, record)
    assert slot.is_supplied
    assert slot.take() is not None
    assert not slot.is_supplied


def test_a_process_with_many_slots_has_less_in_each() -> None:
    budget = Budget()
    slot = Slot(0, 1, checkpoint=0, finished=(), is_ordered=False, budget=budget)
    budget.count(200 * 64)
    position = 0
    while not slot.is_full:
        position += 1
        slot.offer(Event(position, AggregateKey("a", "1"), bytes(10_000)))
    assert slot.queued_bytes * 200 * 64 < PROCESS_BYTES_MAX * 1.5
    budget.count(1 - 200 * 64)
    assert slot.has_room


@pytest.mark.parametrize("how", ["replayed", "by hand"])
def test_what_is_finished_ahead_of_its_lane_stays_so_while_the_lane_comes_to_it(how: str) -> None:
    """Also when the slot changes hands just after the lane was read that far."""
    machine = SlotMachine()
    machine.begin(is_ordered=True, blocks=True)
    for _ in range(3):
        machine.append(aggregate=0, gap=0)
    machine.feed(3)
    first = machine.slot.take()
    assert first is not None
    machine.slot.park(first, _FAILED, now=0, attempts=1, blocks=True)

    def decide(action: str, position: int, state: str | None = None) -> None:
        machine.slot.decide(
            action,
            position,
            first.aggregate,
            str(UUID(int=position)),
            now=0,
            reason="",
            state=state,
            instruction_id=uuid4(),
        )

    if how == "by hand":
        decide("ack", 3)
    else:
        decide("park", 3)
        _stored(machine)
        machine.slot.replay(_held(machine.tables.events[3] | {"state": "replaying"}))
        machine.supply()
        third = machine.slot.take()
        assert third is not None
        assert third.position == 3
        machine.slot.finish(third)
    assert _stored(machine) == [False, False, True]
    decide("retry", 1)
    machine.supply()
    again = machine.slot.take()
    assert again is not None
    assert again.position == 1
    machine.slot.finish(again)
    machine.read_lanes(3)
    assert _stored(machine) == [True, False, True]
    second = machine.slot.take()
    assert second is not None
    machine.slot.finish(second)
    assert _stored(machine) == [True, True, True]
    machine.read_lanes(3)
    assert _stored(machine) == [True, True, True]
    assert not machine.tables.lanes
    assert not machine.tables.events


_FAILED = {"attempt": 1, "failed_time": 0, "error": "no"}


def _stored(machine: SlotMachine) -> list[bool]:
    """Stores what the slot has come to; which events are finished then."""
    changes = Changes()
    machine.slot.collect(changes)
    machine.tables.store(changes)
    return [machine.tables.says_finished(*one) for one in machine.log]
