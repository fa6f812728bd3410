"""Single facts of a log: one event, its head, where a time or a sequence lies."""

from __future__ import annotations

import asyncio
from typing import Any

from everlog_server.errors import (
    CursorBeyondHeadError,
    LogDivergedError,
    PositionNotVisibleError,
    TenantNotFoundError,
)
from everlog_server.model import AggregateKey, Head
from everlog_server.storage.history import Batch, History, Page, position_before
from everlog_server.storage.sql import load

__all__ = ["Batch", "EventReader", "Page"]

_SQL = load("reads.sql")
_VISIBLE_POLL_SECONDS = 0.02


class EventReader(History):
    """Reads logs. Every method raises StorageUnavailableError when PostgreSQL can't be reached."""

    async def head(self, tenant_id: int) -> Head:
        """Where the log ends."""
        row = await self._row("head", tenant_id=tenant_id)
        if row is None:
            raise TenantNotFoundError(f"tenant {tenant_id} has no log")
        return Head(*row)

    async def event_by_id(self, tenant_id: int, event_id: bytes) -> bytes | None:
        """The framed record of the event with this id, if there is one."""
        return await self._record("event_by_id", tenant_id=tenant_id, event_id=event_id)

    async def event_at_position(self, tenant_id: int, position: int) -> bytes | None:
        """The framed record of the event at this position, if there is one."""
        return await self._record("event_at_position", tenant_id=tenant_id, position=position)

    async def event_at_sequence(
        self, tenant_id: int, aggregate: AggregateKey, sequence: int
    ) -> bytes | None:
        """The framed record of the event with this number in its aggregate, if there is one."""
        return await self._record(
            "event_at_sequence", tenant_id=tenant_id, sequence=sequence, **aggregate._asdict()
        )

    async def event_by_key(self, tenant_id: int, idempotency_key: str) -> bytes | None:
        """The framed record of the event with this idempotency key, if there is one."""
        return await self._record(
            "event_by_key", tenant_id=tenant_id, idempotency_key=idempotency_key
        )

    async def wait_visible(self, tenant_id: int, min_position: int, timeout_seconds: float) -> None:
        """Returns when `min_position` is visible here; PositionNotVisibleError if it is not."""
        head = await self.head(tenant_id)
        try:
            async with asyncio.timeout(timeout_seconds):
                while head.position < min_position:
                    await asyncio.sleep(_VISIBLE_POLL_SECONDS)
                    head = await self.head(tenant_id)
        except TimeoutError:
            raise PositionNotVisibleError(
                f"position {min_position} is not visible here; the head is {head.position}",
                metadata={"position": str(min_position), "head": str(head.position)},
            ) from None

    async def last_sequence(self, tenant_id: int, aggregate: AggregateKey) -> int:
        """The last sequence of an aggregate; 0 if it has no events."""
        row = await self._row("last_sequence", tenant_id=tenant_id, **aggregate._asdict())
        return 0 if row is None else int(row[0])

    async def position_of_sequence(
        self, tenant_id: int, aggregate: AggregateKey, sequence: int
    ) -> int:
        """The position of an aggregate's event; 0 for 0, the head for one not yet reached."""
        if sequence <= 0:
            return 0
        row = await self._row(
            "position_at_sequence", tenant_id=tenant_id, sequence=sequence, **aggregate._asdict()
        )
        return (await self.head(tenant_id)).position if row is None else int(row[0])

    async def position_before(self, tenant_id: int, time_microseconds: int) -> int:
        """The last position that was recorded before a time; 0 if none was."""
        async with self._database.reads.connection() as connection:
            return await position_before(connection, tenant_id, time_microseconds)

    async def check_cursor(self, tenant_id: int, position: int, event_id: bytes | None) -> Head:
        """The head, if a cursor is of this log; else CursorBeyondHeadError or LogDivergedError."""
        head = await self.head(tenant_id)
        if position > head.position:
            raise CursorBeyondHeadError(position=position, head=head.position)
        if event_id is not None:
            row = await self._row("event_id_at_position", tenant_id=tenant_id, position=position)
            if row is None or row[0] != event_id:
                raise LogDivergedError(
                    f"the event at position {position} is not {event_id.hex()}: the log was"
                    " restored to an earlier state and went on otherwise",
                    metadata={"position": str(position)},
                )
        return head

    async def _record(self, query: str, **parameters: Any) -> bytes | None:
        row = await self._row(query, **parameters)
        return None if row is None else row[0]

    async def _row(self, query: str, **parameters: Any) -> Any:
        async with self._database.reads.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(_SQL[query], parameters)
            return await cursor.fetchone()
