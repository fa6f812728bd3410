"""The events that consumers have parked: read a window at a time, moved a piece at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from everlog_server.model import EventFilter
from everlog_server.storage.consumer_accounts import Row, not_found
from everlog_server.storage.consumers import StoredConsumer
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.pages import PAGE_BYTES_MAX, filter_parameters
from everlog_server.storage.sql import load

_SQL = load("consumer_accounts.sql", fragments_of="reads.sql")

PARKED_WINDOW = 2_000
"""So many parked events one statement looks at."""


class Parked(NamedTuple):
    """A parked event. `record` is framed, and empty if it is damaged; `history` is JSON."""

    position: int
    record: bytes
    row: Row
    history: bytes


class ParkedPage(NamedTuple):
    """What one window has."""

    events: list[Parked]
    examined_position: int
    """Up to here, everything that is parked and matches is in this page or before."""
    is_last: bool


class Moved(NamedTuple):
    """What became of parked events."""

    events: int
    instructions: list[UUID]
    """What the members of some of them are still to do."""
    missing: list[int]
    """Positions of those that are not parked: then nothing was done."""


class ConsumerParked:
    """Reads and moves them. Errors are those of Pool.connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self, tenant_id: int, event_ids: Sequence[UUID]) -> list[int | None]:
        """Where events are; None: there is none of this id."""
        rows = await self._read("positions_of_ids", tenant_id=tenant_id, event_ids=list(event_ids))
        return [row[0] for row in rows]

    async def parked(
        self,
        tenant_id: int,
        consumer_id: UUID,
        event_filter: EventFilter,
        *,
        after: int,
        through: int,
        limit: int,
        bytes_max: int = PAGE_BYTES_MAX,
    ) -> ParkedPage:
        """The next parked events that match: what one window has of them, cut by bytes."""
        rows = await self._read(
            "parked",
            **filter_parameters(tenant_id, event_filter),
            consumer_id=consumer_id,
            after=after,
            through=through,
            window=PARKED_WINDOW,
            limit=limit,
            bytes_max=bytes_max,
        )
        last, candidates, matching = rows[0][:3]
        found = [_parked(row[3:]) for row in rows if row[3] is not None]
        if len(found) < matching or matching == limit:
            return ParkedPage(found, found[-1].position, is_last=False)
        is_last = candidates < PARKED_WINDOW
        return ParkedPage(found, through if is_last else last, is_last)

    async def parked_positions(
        self,
        tenant_id: int,
        consumer_id: UUID,
        event_filter: EventFilter,
        *,
        after: int,
        through: int,
    ) -> tuple[int | None, list[int]]:
        """The last position of the next window (None: it is empty), and those that match."""
        rows = await self._read(
            "parked_positions",
            **filter_parameters(tenant_id, event_filter),
            consumer_id=consumer_id,
            after=after,
            through=through,
            window=PARKED_WINDOW,
        )
        last, positions = rows[0]
        return last, positions

    async def parked_event(self, tenant_id: int, consumer_id: UUID, position: int) -> Parked | None:
        """One parked event; None: it is not parked."""
        rows = await self._read(
            "parked_event", tenant_id=tenant_id, consumer_id=consumer_id, position=position
        )
        return _parked(rows[0]) if rows else None

    async def move(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        positions: Sequence[int],
        *,
        is_ordered: bool,
        action: str,
        all_or_nothing: bool,
    ) -> Moved:
        """Replays (`retry`) or discards (`ack`) parked events: of so many as one page has."""
        rows = await self._change(
            "move",
            tenant_id=tenant_id,
            consumer_id=consumer.consumer_id,
            is_ordered=is_ordered,
            positions=list(positions),
            action=action,
            all_or_nothing=all_or_nothing,
        )
        if rows[0][0] is None:
            raise not_found(consumer)
        return Moved(*rows[0])

    async def _read(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)

    async def _change(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.consumers.fetch(_SQL[query], parameters)


def _parked(row: Sequence[Any]) -> Parked:
    position, record, state, attempts, last_error, next_attempt_time, parked_time, history = row
    told = Row(state, attempts, last_error, next_attempt_time, parked_time)
    if not are_whole(record, 1):
        record = b""  # the rest of the listing stays readable
    return Parked(position, record, told, history.encode())
