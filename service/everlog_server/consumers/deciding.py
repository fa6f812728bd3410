"""What people decide of a slot's events by hand: an event is tried again, parked, or done without.

It may be anywhere: in flight, held in memory, waiting in a line, or only in a row that is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from everlog_server.consumers.events import Event, Held
from everlog_server.consumers.slot_state import SlotState, held_of

if TYPE_CHECKING:
    from uuid import UUID

    from everlog_server.model import AggregateKey


class DecidedSlot(SlotState):
    """A slot whose events can be decided by hand."""

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
        held = held_of(event, "skipped")
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
