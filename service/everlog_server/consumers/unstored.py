"""What has changed of a slot since it was stored: the rows that are to be written, or to go.

Only the last of what was noted of an event is kept, with all of its attempts that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from everlog_server.consumers.events import Held
    from everlog_server.model import AggregateKey
    from everlog_server.storage.consumers import Changes


class Unstored:
    """The changes of one slot, until they are collected."""

    def __init__(self, slot: int) -> None:
        self._slot = slot
        self._rows: dict[int, dict[str, Any]] = {}
        self._gone: set[int] = set()
        self._lanes: dict[AggregateKey, int | None] = {}
        self._instructions: list[UUID] = []

    def note(
        self,
        held: Held,
        *,
        failed: list[dict[str, Any]] | None = None,
        last_error: str = "",
        parked_time: int | None = None,
    ) -> None:
        """An event's row, as it is now; `failed` are attempts to be added to its history."""
        self._gone.discard(held.position)
        before = self._rows.get(held.position)
        if before is not None:
            failed = before["failed"] + (failed or [])
            last_error = last_error or before["last_error"]
        self._rows[held.position] = {
            "position": held.position,
            "slot": self._slot,
            "event_id": held.event_id,
            **held.aggregate._asdict(),
            "state": held.state,
            "attempts": held.attempts,
            "is_replayed": held.is_replayed,
            "next_attempt_time": held.due,
            "last_error": last_error,
            "failed": failed or [],
            "parked_time": parked_time,
        }

    def note_parked(self, held: Held, now: int, reason: str) -> None:
        """Parks an event, by hand."""
        held.state = "parked"
        failed = {"attempt": held.attempts, "failed_time": now, "member": "", "error": reason}
        self.note(held, failed=[failed], last_error=reason, parked_time=now)

    def drop(self, position: int) -> None:
        """An event needs no row any more."""
        self._rows.pop(position, None)
        self._gone.add(position)

    def place_lane(self, aggregate: AggregateKey, position: int | None) -> None:
        """Where an aggregate's lane begins; None: it has none any more."""
        self._lanes[aggregate] = position

    def note_instruction(self, instruction_id: UUID) -> None:
        """An instruction was obeyed."""
        self._instructions.append(instruction_id)

    def collect(self, changes: Changes) -> None:
        """Adds all of it, and begins anew."""
        changes.events += self._rows.values()
        changes.gone += [(self._slot, position) for position in self._gone]
        changes.lanes += [
            {"slot": self._slot, **aggregate._asdict(), "position": position}
            for aggregate, position in self._lanes.items()
        ]
        changes.instructions += self._instructions
        self._rows, self._gone, self._lanes = {}, set(), {}
        self._instructions = []
