"""One slot: which of its events are finished, which may be delivered now. No I/O, no clock.

    feed ─▶ offer ─▶ line ─▶ take ─▶ finish
                      │        └───▶ fail ─▶ lane, or single ─▶ due ─▶ take …
                      └─ one in flight per line

A *line* is what waits for each other: an aggregate's events, or, unordered, one event. An aggregate
of which an event fails leaves for a *lane*: a place in the log from which its events are read
again, one after the other, until it has caught up with the slot. What is in a lane holds up neither
the checkpoint nor memory: its later events are dropped as they come, and read when their turn is.
A *single* is an event that is tried again by itself: unordered, or replayed.

Invariants:
- Of one line at most one event is in flight.
- `checkpoint` never goes back. All events up to it are finished, but for those of lanes from the
  lane's position on, and those with a row of their own; of the events after it the finished ones
  are in `finished`.
- Whatever `collect` gives says the same of all events as the memory does at that moment.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from everlog_server.consumers.events import Event, Held
from everlog_server.consumers.lines import Lane, Line
from everlog_server.consumers.unstored import Unstored

if TYPE_CHECKING:
    from uuid import UUID

    from everlog_server.model import AggregateKey
    from everlog_server.storage.consumers import Changes

HELD_MAX = 1_000
"""Lanes, and events that wait by themselves; beyond it the slot reads no further."""
QUEUED_EVENTS_MAX = 512
QUEUED_BYTES_MAX = 512 * 1024
"""Of events in line, and as much again of those that are tried again or wait in lanes."""
PROCESS_BYTES_MAX = 256 * 1024 * 1024
"""The same in all slots of a process: with more than 512 of them, each has less."""
FINISHED_MAX = 5_000
"""Positions after the checkpoint; beyond it the slot reads no further."""


class Budget:
    """What the slots of a process share: the bytes of events that wait in them."""

    def __init__(self) -> None:
        self._slots = 0

    def count(self, slots: int) -> None:
        """So many more slots; negative: fewer."""
        self._slots += slots

    @property
    def slot_bytes_max(self) -> int:
        """How many each may have in line, and as many apart; one event goes beyond it."""
        return min(QUEUED_BYTES_MAX, PROCESS_BYTES_MAX // max(1, self._slots))


class Slot:
    """A slot that this process has, under an epoch."""

    def __init__(
        self,
        number: int,
        epoch: int,
        *,
        checkpoint: int,
        finished: Iterable[int],
        is_ordered: bool,
        budget: Budget | None = None,
    ) -> None:
        self.number = number
        self.epoch = epoch
        self.checkpoint = checkpoint
        self.finished = set(finished)
        self.read_through = checkpoint
        self.is_ordered = is_ordered
        self.in_flight = 0
        self.queued = 0
        self.queued_bytes = 0
        self.supplied_bytes = 0
        """Of records that were read apart from the line, and not taken yet."""
        self.budget = budget or Budget()
        self.wanted: dict[int, Held] = {}
        """What is due, but for its record."""
        self.reading: dict[AggregateKey, Lane] = {}
        """Lanes that need to know how they go on."""
        self.settled: set[int] = set()
        """Singles that were finished or parked since the last `collect`."""
        self.stored_checkpoint = checkpoint
        """The one that was collected last."""
        self._open: set[int] = set()
        """Positions that were offered, and hold back the checkpoint."""
        self._offered: deque[int] = deque()
        self._lines: dict[object, Line] = {}
        self._ready: deque[Line] = deque()
        self._lanes: dict[AggregateKey, Lane] = {}
        self._singles: dict[int, Held] = {}
        self._waiting: list[tuple[int, int, Held]] = []
        self._waits = count()
        self._unstored = Unstored(number)

    # --- what is known when it is claimed --------------------------------------------------------

    def restore_lane(self, aggregate: AggregateKey, position: int) -> None:
        """A lane that is stored. Before `restore`."""
        lane = self._open_lane(aggregate, position)
        lane.dropped = self.checkpoint
        self.reading[aggregate] = lane

    def restore(self, held: Held) -> None:
        """An event with a row: of a lane if it is at its position, else by itself."""
        lane = self._lanes.get(held.aggregate)
        if held.state != "replaying" and lane is not None and lane.position == held.position:
            lane.head = held
            del self.reading[held.aggregate]
        elif held.position not in self._singles:
            self._singles[held.position] = held
        else:
            return
        self._wait(held)

    # --- the feed --------------------------------------------------------------------------------

    @property
    def bytes_max(self) -> int:
        """How many bytes may be queued: less where a process has very many slots."""
        return self.budget.slot_bytes_max

    @property
    def is_full(self) -> bool:
        """Whether it should be offered nothing now."""
        return (
            self.queued >= QUEUED_EVENTS_MAX
            or self.queued_bytes >= self.bytes_max
            or len(self._lanes) + len(self._singles) >= HELD_MAX
            or len(self.finished) >= FINISHED_MAX
        )

    @property
    def has_room(self) -> bool:
        """Whether it is worth reading for it again: full ones are left alone until half is done."""
        return (
            self.queued <= QUEUED_EVENTS_MAX // 2
            and self.queued_bytes <= self.bytes_max // 2
            and not self.is_full
        )

    def offer(self, event: Event) -> None:
        """The next event of the log that is this slot's, after `read_through`."""
        position = event.position
        self.read_through = position
        if position in self.finished or position in self._singles:
            return
        aggregate = event.aggregate
        if self.is_ordered:
            line = self._line(aggregate)
            if line.lane is not None:
                line.lane.dropped = position
                return
        else:
            line = self._line(position)
        self._open.add(position)
        self._offered.append(position)
        line.events.append(event)
        self.queued += 1
        self.queued_bytes += len(event.record)
        self._list(line)

    def examined(self, position: int) -> None:
        """Up to here nothing else is this slot's."""
        self.read_through = max(self.read_through, position)

    # --- deliveries ------------------------------------------------------------------------------

    @property
    def has_ready(self) -> bool:
        """Whether `take` may give something."""
        return bool(self._ready)

    def take(self) -> Event | None:
        """The next event to deliver; None: there is none now."""
        while self._ready:
            line = self._ready.popleft()
            line.is_ready = False
            if not line.has_next:
                self._forget_if_idle(line)
                continue
            if line.singles:
                event = line.singles.popleft()
                self.supplied_bytes -= len(event.record)
            elif line.lane is not None:
                event = line.lane.events.popleft()
                self.supplied_bytes -= len(event.record)
            else:
                event = line.events.popleft()
                self.queued -= 1
                self.queued_bytes -= len(event.record)
            line.busy = event
            self.in_flight += 1
            return event
        return None

    def finish(self, event: Event) -> None:
        """It is finished."""
        line = self._settle(event)
        self._finish(event, line)
        self._list(line)

    def fail(self, event: Event, failed: dict[str, Any], *, due: int) -> None:
        """It failed, and is tried again at a time."""
        line = self._settle(event)
        held = self._hold(event, line)
        held.attempts = event.attempts + 1
        held.due = due
        self._unstored.note(held, failed=[failed], last_error=failed["error"])
        self._wait(held)
        self._list(line)

    def park(
        self, event: Event, failed: dict[str, Any], *, now: int, attempts: int, blocks: bool
    ) -> None:
        """It is not tried again; its aggregate goes on, or is blocked."""
        line = self._settle(event)
        if blocks and self.is_ordered and event.position not in self._singles:
            held = self._hold(event, line)
            held.state, held.attempts, held.due = "blocking", attempts, None
            self._unstored.note(held, failed=[failed], last_error=failed["error"], parked_time=now)
        else:
            held = event.held or _held(event, "parked")
            held.attempts = attempts
            self._finish(event, line, keeps_row=True)
            held.state, held.due = "parked", None
            self._unstored.note(held, failed=[failed], last_error=failed["error"], parked_time=now)
        self._list(line)

    def put_back(self, event: Event) -> None:
        """It was not delivered after all: it is the next one of its line again."""
        line = self._settle(event)
        if event.position in self._singles:
            line.add_single(event, first=True)
            self.supplied_bytes += len(event.record)
        elif line.lane is not None:
            line.lane.events.appendleft(event)
            self.supplied_bytes += len(event.record)
        else:
            line.events.appendleft(event)
            self.queued += 1
            self.queued_bytes += len(event.record)
        self._list(line)

    # --- what is tried again ---------------------------------------------------------------------

    @property
    def next_due(self) -> int | None:
        """When the next event is to be tried again; None: none waits for a time."""
        return self._waiting[0][0] if self._waiting else None

    def wake_due(self, now: int) -> None:
        """Wants the records of what is due."""
        while self._waiting and self._waiting[0][0] <= now:
            due, _, held = heapq.heappop(self._waiting)
            if held.due == due and self._is_held(held):
                self.wanted[held.position] = held

    def supply(self, position: int, record: bytes | None) -> None:
        """A record that was wanted; None: the log has no such event any more."""
        held = self.wanted.pop(position, None)
        if held is None or not self._is_held(held):
            return
        line = self._line_of(held)
        if record is None:
            event = Event(position, held.aggregate, b"")
            event.held = held
            self._finish(event, line)
            self._list(line)
            return
        event = Event(position, held.aggregate, record)
        event.attempts, event.is_replayed, event.held = held.attempts, held.is_replayed, held
        if position in self._singles:
            line.add_single(event)
            self.supplied_bytes += len(record)
        elif line.lane is not None:
            line.lane.events.append(event)
            self.supplied_bytes += len(record)
        self._list(line)

    def replay(self, held: Held) -> None:
        """An event that is to be replayed, as it is stored; one that is known is left as it is.

        It must have been read after all that was collected was stored.
        """
        if held.position not in self._singles and held.position not in self.settled:
            self._singles[held.position] = held
            self._wait(held)

    def replaying(self, now: int) -> int:
        """How many events are replayed, but for those that wait for a later attempt."""
        return sum(
            held.state == "replaying" and (held.due is None or held.due <= now)
            for held in self._singles.values()
        )

    def forget_replays(self, now: int, most: int) -> None:
        """Of those that wait for a later attempt only so many are kept, the first ones.

        The others are stored, and given to `replay` again when their time has come.
        """
        later = [
            (held.due, position)
            for position, held in self._singles.items()
            if held.state == "replaying" and held.due is not None and held.due > now
        ]
        for _, position in sorted(later)[most:]:
            del self._singles[position]

    @property
    def is_supplied(self) -> bool:
        """Whether as much is ready as need be: more records would only take memory."""
        return len(self._ready) >= QUEUED_EVENTS_MAX // 2 or self.supplied_bytes >= self.bytes_max

    def lanes_to_read(self) -> Iterator[tuple[Lane, int, int]]:
        """Lanes with the position after which, and through which, their aggregate is to be read."""
        for lane in self.reading.values():
            yield lane, max(lane.covered, lane.position - 1), self.read_through

    def supply_lane(
        self,
        lane: Lane,
        events: Iterable[Event],
        *,
        after: int,
        examined: int,
        through: int,
        own_rows: dict[int, str],
    ) -> None:
        """What was read for a lane; with nothing left up to the slot's own place it dissolves."""
        is_current = self.reading.get(lane.aggregate) is lane
        if not is_current or after != max(lane.covered, lane.position - 1):
            return  # a decision by hand has changed it meanwhile
        rows = own_rows | lane.decided
        for position, state in rows.items():
            if state == "skipped" and after < position <= examined:
                self._unstored.drop(position)
                self._note_finished(position)
        lane.covered = max(lane.covered, examined)
        for event in events:
            if rows.get(event.position) is None:
                lane.events.append(event)
                self.supplied_bytes += len(event.record)
        if lane.events:
            del self.reading[lane.aggregate]
        elif examined >= through and lane.dropped <= through:
            del self.reading[lane.aggregate]
            self._dissolve(lane)
        else:
            return
        self._list(self._lines[lane.aggregate])

    # --- decisions by hand -----------------------------------------------------------------------

    def decide(
        self,
        action: str,
        position: int,
        aggregate: AggregateKey,
        event_id: str,
        *,
        now: int,
        reason: str,
        state: str | None,
        instruction_id: UUID,
    ) -> Event | None:
        """Does what was decided of an event, in whatever state; the one in flight, if it was.

        `state` is what its row says, which matters only of what is not in memory.
        """
        self._unstored.note_instruction(instruction_id)
        line = self._lines.get(aggregate if self.is_ordered else position)
        taken = None
        if line is not None and line.busy is not None and line.busy.position == position:
            taken = line.busy
            self.put_back(taken)
        held = self._held_at(position, aggregate)
        if held is None and position in self._open:
            self._decide_queued(action, position, aggregate, now=now, reason=reason)
        elif held is None:
            self._decide_unknown(
                action, position, aggregate, event_id, now=now, reason=reason, state=state
            )
        else:
            self._decide_held(action, held, now=now, reason=reason)
        if line is not None:
            self._list(line)
        return taken

    def _decide_held(self, action: str, held: Held, *, now: int, reason: str) -> None:
        line = self._line_of(held)
        self._unqueue(line, held.position)
        self.wanted.pop(held.position, None)
        event = Event(held.position, held.aggregate, b"")
        event.held = held
        if action == "retry":
            if held.state == "blocking":
                held.state, held.is_replayed = "retrying", True
            held.attempts, held.due = 0, None
            self._unstored.note(held)
            self._wait(held)
            return
        self._finish(event, line, keeps_row=action == "park")
        if action == "park":
            held.due = None
            self._unstored.note_parked(held, now, reason)
        self._list(line)

    def _decide_queued(
        self, action: str, position: int, aggregate: AggregateKey, *, now: int, reason: str
    ) -> None:
        if action == "retry":
            return
        line = self._lines[aggregate if self.is_ordered else position]
        event = self._unqueue(line, position)
        if event is None:
            return
        self._finish(event, line)
        held = _held(event, "skipped")
        if action == "park":
            self._unstored.note_parked(held, now, reason)
        elif self.is_ordered:  # a lane that begins before it must know
            self._unstored.note(held)

    def _decide_unknown(
        self,
        action: str,
        position: int,
        aggregate: AggregateKey,
        event_id: str,
        *,
        now: int,
        reason: str,
        state: str | None,
    ) -> None:
        lane = self._lanes.get(aggregate)
        is_behind = lane is not None and position >= lane.position
        is_ahead = not is_behind and position > self.read_through
        held = Held(position, aggregate, event_id, "skipped")
        if action == "park":
            self._unstored.note_parked(held, now, reason)
        elif is_behind or is_ahead:
            if action == "ack":
                self._unstored.note(held)
            else:
                self._unstored.drop(position)
        elif action == "ack":
            self._unstored.drop(position)
        else:
            held.state, held.is_replayed = "replaying", state in {"parked", "replaying"}
            self._singles[position] = held
            self._unstored.note(held)
            self._wait(held)
            return
        if lane is not None and is_behind:
            self._read_again(lane, position, None if action == "retry" else held.state)
        elif action == "retry":
            self.finished.discard(position)
        else:
            self._note_finished(position)

    # --- what is stored --------------------------------------------------------------------------

    @property
    def is_stale(self) -> bool:
        """Whether more of the log is done than was collected."""
        self._advance()
        return self.checkpoint > self.stored_checkpoint

    def collect(self, changes: Changes) -> None:
        """Adds what has changed since the last time, and where it is."""
        self._advance()
        self.finished = {one for one in self.finished if one > self.checkpoint}
        self.stored_checkpoint = self.checkpoint
        changes.slots.append((self.number, self.epoch, self.checkpoint, sorted(self.finished)))
        self._unstored.collect(changes)
        self.settled.clear()

    # --- inner parts -----------------------------------------------------------------------------

    def _line(self, key: object) -> Line:
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key)
        return line

    def _line_of(self, event: Event | Held) -> Line:
        return self._line(event.aggregate if self.is_ordered else event.position)

    def _list(self, line: Line) -> None:
        """Lists a line that has something to deliver; forgets one that has nothing at all."""
        if line.is_ready:
            return
        if line.has_next:
            line.is_ready = True
            self._ready.append(line)
        else:
            self._forget_if_idle(line)

    def _forget_if_idle(self, line: Line) -> None:
        if not (line.busy or line.events or line.singles or line.lane):
            self._lines.pop(line.key, None)

    def _settle(self, event: Event) -> Line:
        line = self._line_of(event)
        line.busy = None
        self.in_flight -= 1
        return line

    def _finish(self, event: Event, line: Line, *, keeps_row: bool = False) -> None:
        position, held, lane = event.position, event.held, line.lane
        is_single = self._singles.pop(position, None) is not None
        if is_single:
            self.settled.add(position)
        if held is not None and not keeps_row:
            self._unstored.drop(position)
            if (
                is_single
                and self.is_ordered
                and (position > self.checkpoint or (lane is not None and position >= lane.position))
            ):
                held.state, held.due = "skipped", None  # a lane that comes to it must know
                self._unstored.note(held)
                if lane is not None:
                    lane.decided[position] = "skipped"
        self._note_finished(position)
        if not is_single and lane is not None:
            lane.position, lane.head = position + 1, None
            lane.covered = max(lane.covered, position)
            self._unstored.place_lane(lane.aggregate, lane.position)
            if not lane.events:
                self.reading[lane.aggregate] = lane

    def _note_finished(self, position: int) -> None:
        self._open.discard(position)
        if position > self.checkpoint:
            self.finished.add(position)

    def _hold(self, event: Event, line: Line) -> Held:
        """The row of an event that is not finished, as the head of its lane or by itself."""
        held = event.held or _held(event, "retrying")
        if event.position in self._singles:
            return held
        self._open.discard(event.position)
        if not self.is_ordered:
            self._singles[event.position] = held
            return held
        lane = line.lane
        if lane is None:
            lane = self._open_lane(event.aggregate, event.position)
            lane.dropped = event.position
            for later in line.events:
                self._open.discard(later.position)
                lane.dropped = later.position
                self.queued -= 1
                self.queued_bytes -= len(later.record)
            line.events.clear()
        lane.position, lane.head = event.position, held
        lane.covered = event.position
        while lane.events:
            self.supplied_bytes -= len(lane.events.pop().record)
        self._unstored.place_lane(lane.aggregate, lane.position)
        return held

    def _open_lane(self, aggregate: AggregateKey, position: int) -> Lane:
        lane = self._lanes[aggregate] = Lane(aggregate, position)
        self._line(aggregate).lane = lane
        return lane

    def _read_again(self, lane: Lane, position: int, state: str | None) -> None:
        """A row of a lane's later event was made, or went: what was read from there on is void."""
        lane.decided[position] = state
        while lane.events and lane.events[-1].position >= position:
            self.supplied_bytes -= len(lane.events.pop().record)
        lane.covered = min(lane.covered, position - 1)
        if lane.head is None and not lane.events:
            line = self._lines[lane.aggregate]
            if line.busy is None or line.busy.held is not None:
                self.reading[lane.aggregate] = lane

    def _dissolve(self, lane: Lane) -> None:
        del self._lanes[lane.aggregate]
        self._lines[lane.aggregate].lane = None
        self._unstored.place_lane(lane.aggregate, None)

    def _wait(self, held: Held) -> None:
        if held.state == "blocking":
            return
        if held.due is None:
            self.wanted[held.position] = held
        else:
            heapq.heappush(self._waiting, (held.due, next(self._waits), held))

    def _is_held(self, held: Held) -> bool:
        """Whether it still waits: it was not decided by hand meanwhile."""
        return self._held_at(held.position, held.aggregate) is held and held.state != "blocking"

    def _held_at(self, position: int, aggregate: AggregateKey) -> Held | None:
        lane = self._lanes.get(aggregate)
        if lane is not None and lane.head is not None and lane.head.position == position:
            return lane.head
        return self._singles.get(position)

    def _unqueue(self, line: Line, position: int) -> Event | None:
        """Takes an event out of whatever it waits in."""
        for queue in (line.events, line.singles, line.lane.events if line.lane else deque()):
            for event in queue:
                if event.position == position:
                    queue.remove(event)
                    if queue is line.events:
                        self.queued -= 1
                        self.queued_bytes -= len(event.record)
                    else:
                        self.supplied_bytes -= len(event.record)
                    return event
        return None

    def _advance(self) -> None:
        offered, still_open = self._offered, self._open
        while offered and offered[0] not in still_open:
            self.finished.discard(offered.popleft())
        self.checkpoint = max(self.checkpoint, offered[0] - 1 if offered else self.read_through)


def _held(event: Event, state: str) -> Held:
    held = Held(event.position, event.aggregate, event.event_id, state)
    held.attempts, held.is_replayed = event.attempts, event.is_replayed
    return held
