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

What is known is in slot_state.py, with the steps that change it; what people decide by hand is in
deciding.py.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from everlog_server.consumers.budget import QUEUED_EVENTS_MAX
from everlog_server.consumers.deciding import DecidedSlot
from everlog_server.consumers.events import Event
from everlog_server.consumers.slot_state import held_of

if TYPE_CHECKING:
    from everlog_server.consumers.events import Held
    from everlog_server.consumers.lines import Lane
    from everlog_server.model import AggregateKey
    from everlog_server.storage.consumers import Changes

HELD_MAX = 1_000
"""Lanes, and events that wait by themselves; beyond it the slot reads no further."""
FINISHED_MAX = 5_000
"""Positions after the checkpoint; beyond it the slot reads no further."""


class Slot(DecidedSlot):
    """A slot that this process has, under an epoch."""

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
            held = event.held or held_of(event, "parked")
            held.attempts = attempts
            self._finish(event, line, keeps_row=True)
            held.state, held.due = "parked", None
            self._unstored.note(held, failed=[failed], last_error=failed["error"], parked_time=now)
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
                # Its row goes only when the lane has passed it, in consumer_store(): until then
                # nothing else says of what is stored that it is finished.
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
