"""The events that a consumer has parked: read, replayed and discarded in pieces of bounded size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from everlog_server.consumers.accounts import Decode, EventAccounts
from everlog_server.errors import EventNotFoundError, EventNotPendingError
from everlog_server.model import EventFilter, uuid_text
from everlog_server.storage.consumer_parked import ConsumerParked, Parked
from everlog_server.storage.consumers import StoredConsumer
from everlog_server.storage.pages import PAGE_BYTES_MAX
from everlog_server.storage.reads import EventReader

_PAGE_SECONDS_MAX = 1.0
_MOVED_MAX = 1_000
"""So many events one statement moves."""


class ParkedListing(NamedTuple):
    """A page of parked events."""

    events: list[Parked]
    examined_position: int
    """Where the next page begins; 0: there is none."""


class ParkedEvents:
    """Reads and moves them."""

    def __init__(
        self,
        store: ConsumerParked,
        accounts: EventAccounts,
        reader: EventReader,
        decode: Decode,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._reader = reader
        self._decode = decode

    async def page(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        event_filter: EventFilter,
        *,
        after: int,
        through: int,
        limit: int,
    ) -> ParkedListing:
        """The page behind a position. It may be empty without being the last: see pending.py."""
        deadline = time.monotonic() + _PAGE_SECONDS_MAX
        found: list[Parked] = []
        size = 0
        while True:
            window = await self._store.parked(
                tenant_id,
                consumer.consumer_id,
                event_filter,
                after=after,
                through=through,
                limit=limit - len(found),
                bytes_max=PAGE_BYTES_MAX - size,
            )
            added = sum(len(one.record) + len(one.history) for one in window.events)
            if found and size + added > PAGE_BYTES_MAX:
                return ParkedListing(found, after)  # one large event alone: it is the next page's
            found += window.events
            size += added
            after = window.examined_position
            if window.is_last:
                return ParkedListing(found, 0)
            if len(found) >= limit or size >= PAGE_BYTES_MAX or time.monotonic() > deadline:
                return ParkedListing(found, after)

    async def event(self, tenant_id: int, consumer: StoredConsumer, event_id: bytes) -> Parked:
        """One of them; raises EventNotFoundError and EventNotPendingError."""
        (position,) = await self._positions(tenant_id, [event_id])
        found = await self._store.parked_event(tenant_id, consumer.consumer_id, position)
        if found is None:
            raise _not_parked(event_id, consumer)
        return found

    async def move_ids(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        event_ids: Sequence[bytes],
        *,
        action: str,
        patience_seconds: float,
    ) -> int:
        """Replays (`retry`) or discards (`ack`) these, all or nothing, at most 1,000."""
        ids = list(dict.fromkeys(event_ids))
        positions = await self._positions(tenant_id, ids)
        moved = await self._store.move(
            tenant_id,
            consumer,
            positions,
            is_ordered=self._decode(consumer.settings).is_ordered,
            action=action,
            all_or_nothing=True,
        )
        if moved.missing:
            raise _not_parked(ids[positions.index(moved.missing[0])], consumer)
        await self._wait(tenant_id, consumer, moved.instructions, patience_seconds)
        return moved.events

    async def move_matching(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        event_filter: EventFilter,
        *,
        action: str,
        patience_seconds: float,
    ) -> int:
        """Replays or discards those that match and are parked now, oldest first; how many.

        Each statement is a transaction: what was done stays done when the call is cancelled.
        """
        deadline = time.monotonic() + patience_seconds
        is_ordered = self._decode(consumer.settings).is_ordered
        through = (await self._reader.head(tenant_id)).position
        after: int | None = 0
        events = 0
        instructions: list[UUID] = []
        while after is not None:
            after, positions = await self._store.parked_positions(
                tenant_id, consumer.consumer_id, event_filter, after=after, through=through
            )
            for start in range(0, len(positions), _MOVED_MAX):
                piece = positions[start : start + _MOVED_MAX]
                moved = await self._store.move(
                    tenant_id,
                    consumer,
                    piece,
                    is_ordered=is_ordered,
                    action=action,
                    all_or_nothing=False,
                )
                events += moved.events
                instructions += moved.instructions
        await self._wait(tenant_id, consumer, instructions, deadline - time.monotonic())
        return events

    async def _wait(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        instructions: Sequence[UUID],
        patience_seconds: float,
    ) -> None:
        if instructions:
            await self._accounts.wait_done(
                tenant_id, consumer.consumer_id, instructions, patience_seconds
            )

    async def _positions(self, tenant_id: int, event_ids: Sequence[bytes]) -> list[int]:
        found = await self._store.positions(tenant_id, [UUID(bytes=one) for one in event_ids])
        for event_id, position in zip(event_ids, found, strict=True):
            if position is None:
                raise EventNotFoundError(f"there is no event {uuid_text(event_id)}")
        return [position for position in found if position is not None]


def _not_parked(event_id: bytes, consumer: StoredConsumer) -> EventNotPendingError:
    return EventNotPendingError(uuid_text(event_id), f"is not parked with {consumer.name}")
