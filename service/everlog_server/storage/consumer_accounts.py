"""What became of events with consumers, asked and decided from outside their streams.

What changes anything is one function call a time, a transaction of its own. No statement looks at
more than a page or a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from everlog_server.errors import ConsumerNotFoundError
from everlog_server.model import AggregateKey, EventFilter, TailEvent
from everlog_server.storage.consumers import (
    MEMBERS_MAX,
    ConsumerState,
    StoredConsumer,
    StoredMember,
)
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("consumer_accounts.sql", fragments_of="reads.sql")


class Row(NamedTuple):
    """What is known of an event that is not simply finished or not. Times are microseconds."""

    state: str
    """See migrations/0005_consumers.sql."""
    attempts: int
    last_error: str
    next_attempt_time: int | None
    parked_time: int | None


class Lane(NamedTuple):
    """Where an aggregate goes on that has left the line."""

    position: int
    state: str | None
    """That of its event there, if that has a row."""


class Account(NamedTuple):
    """What one consumer knows of one event."""

    consumer_id: UUID
    consumer: str
    settings: bytes
    start_position: int
    is_passed_by_aggregate: bool
    """Whether its slot is through with it, if aggregates are dealt out."""
    is_passed_by_position: bool
    """The same, if positions are."""
    is_in_flight: bool
    lane: Lane | None
    row: Row | None


class SlotAccount(NamedTuple):
    """What is finished of a slot."""

    checkpoint: int
    finished: frozenset[int]


class ListedConsumer(NamedTuple):
    """A consumer, and where it is."""

    consumer: StoredConsumer
    state: ConsumerState
    members: list[StoredMember]


class ConsumerAccounts:
    """Reads and decides. Errors are those of Pool.connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def consumers(self, tenant_id: int, *, after: str, limit: int) -> list[ListedConsumer]:
        """The consumers after a name, by its bytes, and where they are."""
        rows = await self._read(
            "consumers", tenant_id=tenant_id, after=after, limit=limit, members_max=MEMBERS_MAX
        )
        return [
            ListedConsumer(
                StoredConsumer(*row[:8]),
                ConsumerState(*row[8:16]),
                [
                    StoredMember(*one)
                    for one in zip(*(column or () for column in row[16:]), strict=True)
                ],
            )
            for row in rows
        ]

    async def event(self, tenant_id: int, event_id: bytes) -> TailEvent | None:
        """An event by its id, as filters read it in memory."""
        rows = await self._read("event_of_id", tenant_id=tenant_id, event_id=event_id)
        return _tail_event(rows[0]) if rows else None

    async def judged(
        self, tenant_id: int, position: int, filters: Sequence[EventFilter]
    ) -> frozenset[int]:
        """The places of those filters that mean an event, by what only PostgreSQL can judge."""
        rows = await self._read(
            "judged_by_filters",
            tenant_id=tenant_id,
            position=position,
            metadatas=[one.metadata for one in filters],
            contained=[one.data_contains for one in filters],
            keywords=[
                orjson.dumps(one.keywords).decode() if one.keywords else None for one in filters
            ],
        )
        return frozenset(row[0] for row in rows)

    async def accounts(
        self,
        tenant_id: int,
        event: TailEvent,
        *,
        consumer: str | None,
        slot_of_aggregate: int,
        slot_of_position: int,
        limit: int,
    ) -> list[Account]:
        """What each consumer, or one of them, knows of an event, by their names."""
        rows = await self._read(
            "accounts",
            tenant_id=tenant_id,
            name=consumer,
            position=event.position,
            slot_of_aggregate=slot_of_aggregate,
            slot_of_position=slot_of_position,
            limit=limit,
            **event.aggregate._asdict(),
        )
        return [_account(row) for row in rows]

    async def slots(self, tenant_id: int, consumer_id: UUID) -> dict[int, SlotAccount]:
        """What is finished, by slot."""
        rows = await self._read("slots", tenant_id=tenant_id, consumer_id=consumer_id)
        return {
            slot: SlotAccount(checkpoint, frozenset(finished))
            for slot, checkpoint, finished in rows
        }

    async def in_flight(self, tenant_id: int, consumer_id: UUID) -> frozenset[int]:
        """The positions of deliveries without an answer, as of the last beats."""
        rows = await self._read("in_flight", tenant_id=tenant_id, consumer_id=consumer_id)
        return frozenset(row[0] for row in rows)

    async def single_rows(
        self, tenant_id: int, consumer_id: UUID, states: Sequence[str], *, after: int, limit: int
    ) -> list[int]:
        """The positions of the next events in one of these states."""
        rows = await self._read(
            "single_rows",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            states=list(states),
            after=after,
            limit=limit,
        )
        return [row[0] for row in rows]

    async def lanes(
        self,
        tenant_id: int,
        consumer_id: UUID,
        *,
        after: tuple[int, AggregateKey],
        limit: int,
    ) -> list[tuple[int, AggregateKey]]:
        """The next aggregates that have left the line, by where they go on."""
        position, aggregate = after
        rows = await self._read(
            "lanes",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            after=position,
            limit=limit,
            **aggregate._asdict(),
        )
        return [(place, AggregateKey(kind, name)) for place, kind, name in rows]

    async def lanes_of(
        self, tenant_id: int, consumer_id: UUID, aggregates: Sequence[AggregateKey]
    ) -> dict[AggregateKey, Lane]:
        """Those of some aggregates that have left the line."""
        rows = await self._read(
            "lanes_of",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            aggregate_types=[one.aggregate_type for one in aggregates],
            aggregate_ids=[one.aggregate_id for one in aggregates],
        )
        return {AggregateKey(kind, name): Lane(*rest) for kind, name, *rest in rows}

    async def rows_at(
        self, tenant_id: int, consumer_id: UUID, positions: Sequence[int]
    ) -> dict[int, Row]:
        """Those of some events that have a row of their own."""
        rows = await self._read(
            "rows_at", tenant_id=tenant_id, consumer_id=consumer_id, positions=list(positions)
        )
        return {position: Row(*rest) for position, *rest in rows}

    async def update(
        self, tenant_id: int, consumer: StoredConsumer, settings: bytes, *, expected_version: int
    ) -> tuple[int, bool]:
        """Replaces the settings; its version then, and whether that was done."""
        rows = await self._change(
            "update",
            tenant_id=tenant_id,
            consumer_id=consumer.consumer_id,
            settings=settings,
            expected_version=expected_version,
        )
        version, is_updated = rows[0]
        if version is None:
            raise not_found(consumer)
        return version, is_updated

    async def reset(
        self, tenant_id: int, consumer: StoredConsumer, position: int, *, discard_parked: bool
    ) -> None:
        """Lets it go on after a position."""
        rows = await self._change(
            "reset",
            tenant_id=tenant_id,
            consumer_id=consumer.consumer_id,
            position=position,
            discard_parked=discard_parked,
        )
        if not rows[0][0]:
            raise not_found(consumer)

    async def delete(self, tenant_id: int, consumer: StoredConsumer) -> None:
        """Deletes it, with all that is known of it."""
        rows = await self._change("delete", tenant_id=tenant_id, consumer_id=consumer.consumer_id)
        if not rows[0][0]:
            raise not_found(consumer)

    async def decide(
        self,
        tenant_id: int,
        account: Account,
        event: TailEvent,
        *,
        is_ordered: bool,
        slot: int,
        event_id: bytes,
        action: str,
        reason: str,
        instruction_id: UUID,
        lease_seconds: float,
        again: bool = False,
    ) -> str:
        """Decides about an event: `done`, `finished` or `asked`; see decide_event().

        `lease_seconds`: as members are given them, at most.
        """
        rows = await self._change(
            "decide",
            tenant_id=tenant_id,
            consumer_id=account.consumer_id,
            is_ordered=is_ordered,
            slot=slot,
            position=event.position,
            event_id=event_id,
            action=action,
            reason=reason,
            instruction_id=instruction_id,
            lease_ms=round(lease_seconds * 1000),
            again=again,
            **event.aggregate._asdict(),
        )
        if rows[0][0] == "missing":
            raise ConsumerNotFoundError(f"there is no consumer {account.consumer}")
        return str(rows[0][0])

    async def instructions_left(
        self, tenant_id: int, consumer_id: UUID, instruction_ids: Sequence[UUID]
    ) -> int:
        """How many of them are not done yet."""
        rows = await self._read(
            "instructions_left",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            instruction_ids=list(instruction_ids),
        )
        return int(rows[0][0])

    async def _read(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)

    async def _change(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.consumers.fetch(_SQL[query], parameters)


def _tail_event(row: Sequence[Any]) -> TailEvent:
    position, record, kind, name, *rest = row
    return TailEvent(position, record, AggregateKey(kind, name), *rest)


def _account(row: Sequence[Any]) -> Account:
    consumer_id, name, settings, start_position, by_aggregate, by_position, is_in_flight = row[:7]
    return Account(
        consumer_id,
        name,
        settings,
        start_position,
        bool(by_aggregate),
        bool(by_position),
        is_in_flight,
        Lane(row[7], row[8]) if row[7] is not None else None,
        Row(*row[9:]) if row[9] is not None else None,
    )


def not_found(consumer: StoredConsumer) -> ConsumerNotFoundError:
    """It was deleted meanwhile."""
    return ConsumerNotFoundError(f"there is no consumer {consumer.name}")
