"""What is known of a slot's events, and the steps that all changes of it are made of.

See slots.py, which has the invariants: each holds again after a step of its own, or of deciding.py.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from everlog_server.consumers.budget import Budget
from everlog_server.consumers.events import Event, Held
from everlog_server.consumers.lines import Lane, Line
from everlog_server.consumers.unstored import Unstored

if TYPE_CHECKING:
    from everlog_server.model import AggregateKey


class SlotState:
    """Lines, lanes and singles of a slot, and which of its events are finished."""

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
        held = event.held or held_of(event, "retrying")
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


def held_of(event: Event, state: str) -> Held:
    """The row of an event that has none."""
    held = Held(event.position, event.aggregate, event.event_id, state)
    held.attempts, held.is_replayed = event.attempts, event.is_replayed
    return held
