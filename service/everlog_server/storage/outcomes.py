"""Outcomes and saved narratives, read back from the log.

Both are events on aggregates of their own; writing them is the sequencer's. What is read here is
only what can be understood: anybody may emit such events by hand, with any data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from everlog_server.errors import EventDamagedError
from everlog_server.model import FoundEvent, Outcome, uuid_text
from everlog_server.storage.connection import Connection
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("narratives.sql")

_NUMBER_MAX = 2**63 - 1


class OutcomesPage(NamedTuple):
    """Some outcomes of an event, newest first."""

    outcomes: list[Outcome]
    next_before: int | None
    """Where the next page begins; None: this is the last one."""


class SavedNarrative(NamedTuple):
    """A narrative as it was saved: the framed record of its event, and its version."""

    record: bytes
    version: int


class MeaningReader:
    """Reads outcomes and narratives; every method raises StorageUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def has_event(self, tenant_id: int, event_id: bytes) -> bool:
        """Whether the log has an event with this id."""
        rows = await self._rows("has_event", tenant_id=tenant_id, event_id=event_id)
        return bool(rows[0][0])

    async def latest_outcomes(
        self, tenant_id: int, event_ids: Sequence[str], *, bytes_max: int
    ) -> list[Outcome]:
        """The latest outcome of each of these events that has one, in their order.

        Those that would not fit into so many bytes, as a message, are left out.
        """
        if not event_ids:
            return []
        rows = await self._rows(
            "latest_outcomes", tenant_id=tenant_id, event_ids=list(event_ids), bytes_max=bytes_max
        )
        return [Outcome(*row) for row in rows]

    async def outcomes(
        self, tenant_id: int, event_id: bytes, *, before: int | None, limit: int, bytes_max: int
    ) -> OutcomesPage:
        """The outcomes of an event before a number (None: the latest ones)."""
        rows = await self._rows(
            "outcomes_page",
            tenant_id=tenant_id,
            event_id=event_id,
            before=_NUMBER_MAX if before is None else before,
            limit=limit + 1,
            bytes_max=bytes_max,
        )
        found = [Outcome(event_id, *row[1:]) for row in rows[:limit]]
        is_last = not rows or rows[0][0] == len(found)
        return OutcomesPage(found, None if is_last else found[-1].number)

    async def narrative(
        self, tenant_id: int, event_id: bytes, version: int | None
    ) -> SavedNarrative | None:
        """A version of an event's narrative (None: the last one), if there is one.

        Raises EventDamagedError if the event that says it is.
        """
        if version is None:
            rows = await self._rows("last_narrative", tenant_id=tenant_id, event_id=event_id)
        else:
            rows = await self._rows(
                "narrative_at", tenant_id=tenant_id, event_id=event_id, version=version
            )
        if not rows:
            return None
        record, number, position, said_by = rows[0]
        if not are_whole(record, 1):
            raise EventDamagedError(position, uuid_text(said_by))
        return SavedNarrative(record, number)

    async def narrative_summaries(
        self, tenant_id: int, event_ids: Sequence[str], *, characters_max: int
    ) -> dict[str, str]:
        """What the last narratives of these events say in short, by event id."""
        rows = await self._rows(
            "narrative_summaries",
            tenant_id=tenant_id,
            event_ids=list(event_ids),
            characters_max=characters_max,
        )
        return {uuid_text(event_id): summary for event_id, summary in rows}

    async def _rows(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)


async def fetch_with_outcome(
    connection: Connection, query: str, parameters: dict[str, Any]
) -> FoundEvent | None:
    """The event that a query of reads.sql finds, with its latest outcome: one round trip."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(_SQL[f"{query}_with_outcome"], parameters)
    row = await cursor.fetchone()
    if row is None:
        return None
    record, subject_id, event_id, *rest = row
    outcome = None if event_id is None else Outcome(subject_id, event_id, *rest)
    return FoundEvent(record, outcome)
