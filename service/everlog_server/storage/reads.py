"""Single facts of a log: one event, its head, where a time or a sequence lies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from everlog_server.errors import (
    CursorBeyondHeadError,
    EventDamagedError,
    LogDivergedError,
    PositionNotVisibleError,
    TenantNotFoundError,
)
from everlog_server.model import AggregateKey, FoundEvent, Head, uuid_text
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.history import Batch, History, Page, position_before
from everlog_server.storage.outcomes import fetch_with_outcome
from everlog_server.storage.pages import damage_at, fetch_one

__all__ = ["Batch", "EventReader", "Page"]

_POLL_SECONDS_MIN = 0.005
_POLL_SECONDS_MAX = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtentAsked:
    """What is to be known of a replay's bounds; None: nothing of it."""

    position: int | None = None
    """Of a cursor, whose event's id is to be compared."""
    aggregate: AggregateKey | None = None
    after_sequence: int | None = None
    from_time: int | None = None
    through_sequence: int | None = None
    through_time: int | None = None

    def parameters(self) -> dict[str, Any]:
        """As reads.sql has them."""
        return {
            "position": self.position,
            "aggregate_type": self.aggregate and self.aggregate.aggregate_type,
            "aggregate_id": self.aggregate and self.aggregate.aggregate_id,
            "after_sequence": self.after_sequence,
            "from_time": self.from_time,
            "through_sequence": self.through_sequence,
            "through_time": self.through_time,
        }


def log_diverged(position: int, event_id: bytes) -> LogDivergedError:
    """The error of a cursor whose event is not that of the log."""
    return LogDivergedError(
        f"the event at position {position} is not {uuid_text(event_id)}: the log was"
        " restored to an earlier state and went on otherwise",
        metadata={"position": str(position)},
    )


class Extent(NamedTuple):
    """What bounds a replay. None: not asked, or not there."""

    head: int
    event_id: bytes | None
    last_sequence: int | None
    after: int | None
    """The position after which it begins: the head for a sequence that is not reached yet."""
    through: int | None
    """The position that it ends with, inclusive; likewise."""

    def check_cursor(self, position: int, event_id: bytes | None) -> None:
        """CursorBeyondHeadError or LogDivergedError unless a cursor is of this log."""
        if position > self.head:
            raise CursorBeyondHeadError(position=position, head=self.head)
        if event_id is not None and self.event_id != event_id:
            raise log_diverged(position, event_id)


class EventReader(History):
    """Reads logs. Every method raises StorageUnavailableError when PostgreSQL can't be reached."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._polls: dict[int, _HeadPoll] = {}
        """By tenant; idle while nobody waits for that tenant's head."""

    async def head(self, tenant_id: int) -> Head:
        """Where the log ends."""
        row = await self._row("head", tenant_id=tenant_id)
        if row is None:
            raise TenantNotFoundError(f"tenant {tenant_id} has no log")
        return Head(*row)

    async def event_by_id(
        self, tenant_id: int, event_id: bytes, *, with_outcome: bool = False
    ) -> FoundEvent | None:
        """The event with this id, if there is one."""
        return await self._event(
            "event_by_id", with_outcome, tenant_id=tenant_id, event_id=event_id
        )

    async def event_at_position(
        self, tenant_id: int, position: int, *, with_outcome: bool = False
    ) -> FoundEvent | None:
        """The event at this position, if there is one."""
        return await self._event(
            "event_at_position", with_outcome, tenant_id=tenant_id, position=position
        )

    async def event_at_sequence(
        self,
        tenant_id: int,
        aggregate: AggregateKey,
        sequence: int,
        *,
        with_outcome: bool = False,
    ) -> FoundEvent | None:
        """The event with this number in its aggregate, if there is one."""
        return await self._event(
            "event_at_sequence",
            with_outcome,
            tenant_id=tenant_id,
            sequence=sequence,
            **aggregate._asdict(),
        )

    async def event_by_key(
        self, tenant_id: int, idempotency_key: str, *, with_outcome: bool = False
    ) -> FoundEvent | None:
        """The event with this idempotency key, if there is one."""
        return await self._event(
            "event_by_key", with_outcome, tenant_id=tenant_id, idempotency_key=idempotency_key
        )

    async def wait_visible(self, tenant_id: int, min_position: int, timeout_seconds: float) -> None:
        """Returns when `min_position` is visible here; PositionNotVisibleError if it is not."""
        seen = (await self.head(tenant_id)).position
        if seen >= min_position:
            return
        poll = self._polls.get(tenant_id)
        if poll is None:
            poll = self._polls[tenant_id] = _HeadPoll(partial(self.head, tenant_id))
        try:
            async with asyncio.timeout(timeout_seconds):
                await poll.reaches(min_position)
        except TimeoutError:
            seen = max(seen, poll.position)
            raise PositionNotVisibleError(
                f"position {min_position} is not visible here; the head is {seen}",
                metadata={"position": str(min_position), "head": str(seen)},
            ) from None

    async def extent(self, tenant_id: int, asked: ExtentAsked) -> Extent:
        """What bounds a replay: one round trip, one snapshot."""
        row = await self._row("extent", tenant_id=tenant_id, **asked.parameters())
        if row is None:
            raise TenantNotFoundError(f"tenant {tenant_id} has no log")
        return Extent(*row)

    async def position_before(self, tenant_id: int, time_microseconds: int) -> int:
        """The last position that was recorded before a time; 0 if none was."""
        async with self._database.reads.connection(tenant_id) as connection:
            return await position_before(connection, tenant_id, time_microseconds)

    async def check_cursor(self, tenant_id: int, position: int, event_id: bytes | None) -> None:
        """CursorBeyondHeadError or LogDivergedError unless a cursor is of this log."""
        asked = ExtentAsked(position=None if event_id is None else position)
        extent = await self.extent(tenant_id, asked)
        extent.check_cursor(position, event_id)

    async def _event(self, query: str, with_outcome: bool, **parameters: Any) -> FoundEvent | None:
        async with self._database.reads.connection(parameters["tenant_id"]) as connection:
            if with_outcome:
                found = await fetch_with_outcome(connection, query, parameters)
            else:
                row = await fetch_one(connection, query, parameters)
                found = None if row is None else FoundEvent(row[0], None)
            if found is not None and not are_whole(found.record, 1):
                row = await fetch_one(connection, f"position_of_{query}", parameters)
                raise EventDamagedError(row[0], uuid_text(row[1]))
            return found

    async def name_of(self, tenant_id: int, position: int) -> tuple[bytes, AggregateKey] | None:
        """The id and the aggregate of the event at a position, also of a damaged one."""
        row = await self._row("name_at_position", tenant_id=tenant_id, position=position)
        return None if row is None else (row[0], AggregateKey(*row[1:]))

    async def damage_at(self, tenant_id: int, position: int) -> EventDamagedError:
        """The error that names the event at a position, whose record is damaged."""
        return await damage_at(self._database.reads, tenant_id, position)

    async def _row(self, query: str, **parameters: Any) -> Any:
        async with self._database.reads.connection(parameters["tenant_id"]) as connection:
            return await fetch_one(connection, query, parameters)


class _HeadPoll:
    """Reads one tenant's head again and again, once for everybody who waits for a position.

    The task that does so begins with the first who waits, and ends by itself after the last: who is
    cancelled only takes himself out.
    """

    def __init__(self, read_head: Callable[[], Awaitable[Head]]) -> None:
        self.position = 0
        """Of the head, when it was last read."""
        self._read_head = read_head
        self._waiters: dict[asyncio.Future[None], int] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        """Somebody has come, who should not wait out a long pause, or the last has gone."""

    async def reaches(self, position: int) -> None:
        """Returns when the head is there. Raises what reading the head raises."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = position
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            await waiter
        finally:
            del self._waiters[waiter]
            if not self._waiters:
                self._changed.set()

    async def _run(self) -> None:
        pause = _POLL_SECONDS_MIN
        try:
            while self._waiters:
                self._changed.clear()  # before the read: who comes during it may need the next
                await asyncio.sleep(_POLL_SECONDS_MIN)
                self.position = (await self._read_head()).position
                for waiter, position in self._waiters.items():
                    if position <= self.position and not waiter.done():
                        waiter.set_result(None)
                pause = await self._rest(pause)
        except Exception as error:  # whatever it is, it is for those who wait
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_exception(error)
        finally:
            self._task = None

    async def _rest(self, seconds: float) -> float:
        """Waits so long, unless something changes. How long to wait the next time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return min(seconds * 2, _POLL_SECONDS_MAX)
        return _POLL_SECONDS_MIN
