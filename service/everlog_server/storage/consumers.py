"""The tables of consumers: who has which slots, what is finished, what failed.

What changes them goes through one function call a time, each a transaction of its own; none is left
half done. A call whose connection was lost may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from everlog_server.model import AggregateKey
from everlog_server.storage.damage import are_whole
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("consumers.sql")

SLOTS = 64
"""Of each consumer."""
MEMBERS_MAX = 1_000
_COUNTED_MAX = 10_000
_RECORDS_BYTES_MAX = 4 * 1024 * 1024


class StoredConsumer(NamedTuple):
    """A consumer. Times are microseconds since 1970."""

    consumer_id: UUID
    name: str
    settings: bytes
    """A serialized ConsumerSettings, every default filled in."""
    version: int
    generation: int
    """Another one: whatever was known of its slots is void."""
    start_position: int
    created_time: int
    updated_time: int


class ConsumerState(NamedTuple):
    """Where a consumer is."""

    checkpoint: int
    head: int
    oldest_unfinished_time: int | None
    in_flight: int
    retrying: int
    parked: int
    blocked: int
    catching_up: int


class ConsumerStanding(NamedTuple):
    """Where a consumer is, as far as figures need it."""

    lag: int
    """Positions behind the head."""
    retrying: int
    """At most 10,000: more are not counted. The same for `parked`."""
    parked: int


class StoredMember(NamedTuple):
    """A member that lives."""

    member_id: UUID
    name: str
    joined_time: int
    shares: int
    in_flight: int


class OwnMember(NamedTuple):
    """A member of this process, as its beat tells of it."""

    member_id: UUID
    name: str
    is_leaving: bool
    in_flight: Sequence[int]


class Instruction(NamedTuple):
    """What was decided by hand about an event."""

    instruction_id: UUID
    slot: int
    position: int
    event_id: str
    aggregate: AggregateKey
    action: str
    """`ack`, `retry` or `park`."""
    reason: str
    state: str | None
    """What its row says, if it has one."""


class Beat(NamedTuple):
    """What a process is told when it gives a sign of life."""

    generation: int
    version: int
    targets: Mapping[UUID, int]
    """By own member: how many slots it should have."""
    slots: Sequence[tuple[int, int, UUID]]
    """Slot, epoch, own member."""
    instructions: Sequence[Instruction]
    replaying: Sequence[int]
    """Own slots with events to be replayed."""


class StoredSlot(NamedTuple):
    """What is stored of a slot."""

    slot: int
    epoch: int
    checkpoint: int
    finished: Sequence[int]


class StoredLane(NamedTuple):
    """An aggregate that has left the line; its events before the position are finished."""

    slot: int
    aggregate: AggregateKey
    position: int


class HeldEvent(NamedTuple):
    """An event with a row of its own that a slot has to do with."""

    slot: int
    position: int
    event_id: bytes
    aggregate: AggregateKey
    state: str
    """`retrying`, `blocking` or `replaying`."""
    attempts: int
    is_replayed: bool
    next_attempt_time: int | None
    failed_time: int | None = None
    """The last time; known only of what a slot was claimed with, and that waits for long."""


@dataclass(slots=True)
class Changes:
    """What is to be stored together. Rows are dictionaries as consumer_store() reads them."""

    slots: list[tuple[int, int, int, Sequence[int]]] = field(default_factory=list)
    """Slot, epoch, checkpoint, finished positions after it."""
    events: list[dict[str, Any]] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)
    """Slot, position."""
    lanes: list[dict[str, Any]] = field(default_factory=list)
    instructions: list[UUID] = field(default_factory=list)


class ConsumerStore:
    """Reads and changes them. Errors are those of Pool.connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> int:
        """The time by PostgreSQL's clock, in microseconds since 1970."""
        return int((await self._read("now"))[0][0])

    async def find(self, tenant_id: int, name: str) -> StoredConsumer | None:
        """A consumer by its name."""
        rows = await self._read("find", tenant_id=tenant_id, name=name)
        return StoredConsumer(*rows[0]) if rows else None

    async def find_by_id(self, tenant_id: int, consumer_id: UUID) -> StoredConsumer | None:
        """A consumer by its id."""
        rows = await self._read("find_by_id", tenant_id=tenant_id, consumer_id=consumer_id)
        return StoredConsumer(*rows[0]) if rows else None

    async def create(
        self, tenant_id: int, name: str, consumer_id: UUID, settings: bytes, *, position: int
    ) -> bool:
        """Creates one that begins after a position; False: there is one of this name."""
        rows = await self._change(
            "create",
            tenant_id=tenant_id,
            name=name,
            consumer_id=consumer_id,
            settings=settings,
            position=position,
        )
        return bool(rows[0][0])

    async def status(self, tenant_id: int, consumer_id: UUID) -> ConsumerState:
        """Where it is. One that was deleted, or whose tenant was, is nowhere: all zeros."""
        rows = await self._read("status", tenant_id=tenant_id, consumer_id=consumer_id)
        if not rows:
            return ConsumerState(0, 0, None, 0, 0, 0, 0, 0)
        checkpoint, *rest = rows[0]
        return ConsumerState(checkpoint or 0, *rest)

    async def standing(self, tenant_id: int, consumer_id: UUID) -> ConsumerStanding | None:
        """The same in short, and bounded; None: it was deleted."""
        rows = await self._read(
            "standing",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            counted_max=_COUNTED_MAX,
        )
        return ConsumerStanding(*rows[0]) if rows and rows[0][0] is not None else None

    async def members(self, tenant_id: int, consumer_id: UUID) -> list[StoredMember]:
        """Those that live, by when they joined; at most 1,000."""
        rows = await self._read(
            "members", tenant_id=tenant_id, consumer_id=consumer_id, limit=MEMBERS_MAX
        )
        return [StoredMember(*row) for row in rows]

    async def join(
        self,
        tenant_id: int,
        consumer_id: UUID,
        *,
        member_id: UUID,
        name: str,
        process_id: UUID,
        lease_seconds: float,
    ) -> str:
        """Adds a member: `joined`, `full` or `missing`."""
        rows = await self._change(
            "join",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            member_id=member_id,
            name=name,
            process_id=process_id,
            lease_ms=round(lease_seconds * 1000),
            members_max=MEMBERS_MAX,
        )
        return str(rows[0][0])

    async def leave(self, tenant_id: int, consumer_id: UUID, member_ids: Sequence[UUID]) -> None:
        """Takes members away; their slots are free."""
        await self._change(
            "leave", tenant_id=tenant_id, consumer_id=consumer_id, member_ids=list(member_ids)
        )

    async def release(
        self, tenant_id: int, consumer_id: UUID, slots: Sequence[tuple[int, int]]
    ) -> None:
        """Gives slots back, each with its epoch."""
        await self._change(
            "release",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            slots=[slot for slot, _ in slots],
            epochs=[epoch for _, epoch in slots],
        )

    async def beat(
        self,
        tenant_id: int,
        consumer_id: UUID,
        process_id: UUID,
        members: Sequence[OwnMember],
        *,
        lease_seconds: float,
    ) -> Beat | None:
        """A sign of life of own members; None: there is no such consumer."""
        rows = await self._change(
            "beat",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            process_id=process_id,
            lease_ms=round(lease_seconds * 1000),
            member_ids=[one.member_id for one in members],
            names=[one.name for one in members],
            leaving=[one.is_leaving for one in members],
            in_flight=orjson.dumps([list(one.in_flight) for one in members]).decode(),
        )
        if rows[0][0] is None:
            return None
        told = orjson.loads(rows[0][0])
        return Beat(
            told["generation"],
            told["version"],
            {UUID(member): target for member, target in told["members"].items()},
            [(slot, epoch, UUID(member)) for slot, epoch, member in told["slots"]],
            [_instruction(one) for one in told["instructions"]],
            told["replaying"],
        )

    async def store(
        self, tenant_id: int, consumer_id: UUID, changes: Changes, *, number: int
    ) -> frozenset[int]:
        """Stores them, for the slots that are still held under their epochs; which those are.

        `number` rises with each call of a process, and is the same for one that is made again.
        """
        slots = changes.slots
        rows = await self._change(
            "store",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            number=number,
            slots=[one[0] for one in slots],
            epochs=[one[1] for one in slots],
            checkpoints=[one[2] for one in slots],
            finished=[f"{{{','.join(map(str, one[3]))}}}" for one in slots],
            events=orjson.dumps(changes.events).decode(),
            gone_slots=[slot for slot, _ in changes.gone],
            gone_positions=[position for _, position in changes.gone],
            lanes=orjson.dumps(changes.lanes).decode(),
            instructions=changes.instructions,
        )
        return frozenset(rows[0][0])

    async def load(
        self, tenant_id: int, consumer_id: UUID, slots: Sequence[int], *, now: int
    ) -> tuple[list[StoredSlot], list[StoredLane], list[HeldEvent], dict[int, list[int]]]:
        """What is stored of slots that were claimed before.

        Last, by slot, the positions after the checkpoint that were parked or skipped.
        """
        asked = {"tenant_id": tenant_id, "consumer_id": consumer_id, "slots": list(slots)}
        async with self._database.consumers.connection(tenant_id) as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(_SQL["slots"], asked)
            stored = [StoredSlot(*row) for row in await cursor.fetchall()]
            await cursor.execute(_SQL["lanes"], asked)
            lanes = [
                StoredLane(slot, AggregateKey(kind, name), position)
                for slot, kind, name, position in await cursor.fetchall()
            ]
            await cursor.execute(_SQL["held"], asked | {"now": now})
            held = [_held(row) for row in await cursor.fetchall()]
            checkpoints = {one.slot: one.checkpoint for one in stored}
            ahead: dict[int, list[int]] = {}
            if checkpoints:
                await cursor.execute(_SQL["ahead"], asked | {"after": min(checkpoints.values())})
                for slot, position in await cursor.fetchall():
                    if position > checkpoints[slot]:
                        ahead.setdefault(slot, []).append(position)
        return stored, lanes, held, ahead

    async def replaying(
        self, tenant_id: int, consumer_id: UUID, slots: Sequence[int], *, due: int, limit: int
    ) -> list[HeldEvent]:
        """The events to be replayed by a time that are due first, at most so many of each slot."""
        rows = await self._read(
            "replaying",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            slots=list(slots),
            due=due,
            limit=limit,
        )
        return [_held(row) for row in rows]

    async def own_rows(
        self,
        tenant_id: int,
        consumer_id: UUID,
        aggregate: AggregateKey,
        *,
        after: int,
        through: int,
    ) -> dict[int, str]:
        """The states of an aggregate's events that have rows of their own, by position."""
        rows = await self._read(
            "own_rows",
            tenant_id=tenant_id,
            consumer_id=consumer_id,
            after=after,
            through=through,
            **aggregate._asdict(),
        )
        return dict(rows)

    async def records(self, tenant_id: int, positions: Sequence[int]) -> dict[int, bytes]:
        """Events by position, framed: the first of them, at most 4 MiB, but one if there is one.

        Of a damaged one: nothing, as bytes.
        """
        rows = await self._read(
            "records",
            tenant_id=tenant_id,
            positions=list(positions),
            bytes_max=_RECORDS_BYTES_MAX,
        )
        return {row[0]: row[1] if are_whole(row[1], 1) else b"" for row in rows}

    async def _read(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.reads.fetch(_SQL[query], parameters)

    async def _change(self, query: str, **parameters: Any) -> list[Any]:
        return await self._database.consumers.fetch(_SQL[query], parameters)


def _held(row: Sequence[Any]) -> HeldEvent:
    slot, position, event_id, kind, name, *rest = row
    return HeldEvent(slot, position, event_id, AggregateKey(kind, name), *rest)


def _instruction(told: dict[str, Any]) -> Instruction:
    return Instruction(
        UUID(told["instruction_id"]),
        told["slot"],
        told["position"],
        told["event_id"],
        AggregateKey(told["aggregate_type"], told["aggregate_id"]),
        told["action"],
        told["reason"],
        told["state"],
    )
