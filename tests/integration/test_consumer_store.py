"""consumer_store(): what a call changes that is made again, arrives late, or lost its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from everlog_server.storage.consumers import Changes, ConsumerStore, OwnMember
from tests.factories import TENANT, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.database import Database

POSITION = 7


class Desk:
    """A consumer whose slots one member has."""

    def __init__(self, database: Database) -> None:
        self.store = ConsumerStore(database)
        self.consumer_id = uuid4()
        self._database = database
        self._member = OwnMember(uuid4(), "one", False, ())

    async def begin(self) -> None:
        """Creates it, and claims its slots."""
        await self.store.create(TENANT, self.consumer_id.hex, self.consumer_id, b"", position=0)
        await self.beat()

    async def beat(self) -> None:
        """A sign of life."""
        beat = await self.store.beat(
            TENANT, self.consumer_id, UUID(int=1), [self._member], lease_seconds=60
        )
        assert beat is not None
        self.epoch = next(epoch for slot, epoch, _ in beat.slots if slot == 3)

    def changes(self, checkpoint: int, **row: Any) -> Changes:
        """Of slot 3, under the epoch that is known."""
        changes = Changes(slots=[(3, self.epoch, checkpoint, ())])
        if row:
            changes.events.append(_row(**row))
        return changes

    async def write(self, changes: Changes, number: int) -> bool:
        """Whether the slot was still held."""
        told = await self.store.store(TENANT, self.consumer_id, changes, number=number)
        return told == {3}

    async def move(self, action: str) -> None:
        """Replays or discards what is parked."""
        await self._run(
            "SELECT * FROM everlog.move_parked(%s, %s, true, %s::bigint[], %s, false)",
            [POSITION],
            action,
        )

    async def rows(self) -> list[tuple[int, str]]:
        """Positions and states."""
        return await self._run(
            "SELECT position, state FROM everlog.consumer_events"
            " WHERE tenant_id = %s AND consumer_id = %s ORDER BY position"
        )

    async def checkpoint(self) -> int:
        """Of the slot."""
        rows = await self._run(
            "SELECT checkpoint FROM everlog.consumer_slots"
            " WHERE tenant_id = %s AND consumer_id = %s AND slot = 3"
        )
        return int(rows[0][0])

    async def _run(self, statement: str, *more: Any) -> list[Any]:
        async with self._database.consumers.connection(TENANT) as connection:
            cursor = await connection.execute(statement, (TENANT, self.consumer_id, *more))
            return await cursor.fetchall()


def _row(state: str, position: int = POSITION) -> dict[str, Any]:
    return {
        "position": position,
        "slot": 3,
        "event_id": str(UUID(int=position)),
        "aggregate_type": "order",
        "aggregate_id": "1",
        "state": state,
        "attempts": 1,
        "is_replayed": False,
        "next_attempt_time": None,
        "last_error": "no",
        "failed": [{"attempt": 1, "failed_time": 5, "member": "", "error": "no"}],
        "parked_time": 5,
    }


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with open_house(database_url) as house:
        desk = Desk(house.database)
        await desk.begin()
        yield desk


@pytest.mark.parametrize(("action", "left"), [("retry", [(POSITION, "replaying")]), ("ack", [])])
async def test_a_repeated_call_parks_nothing_that_was_moved_since(
    desk: Desk, action: str, left: list[tuple[int, str]]
) -> None:
    """Its connection was lost after the commit, and before the answer."""
    parking = desk.changes(10, state="parked")
    assert await desk.write(parking, 1)
    await desk.move(action)
    assert await desk.write(parking, 1)
    assert await desk.rows() == left
    assert await desk.checkpoint() == 10


async def test_a_call_that_arrives_after_the_next_one_changes_nothing(desk: Desk) -> None:
    """A backend had it before its connection broke, and got the lock only now."""
    gone = Changes(slots=[(3, desk.epoch, 20, ())], gone=[(3, POSITION)])
    assert await desk.write(gone, 2)
    assert await desk.write(desk.changes(10, state="retrying"), 1)
    assert (await desk.rows(), await desk.checkpoint()) == ([], 20)


async def test_who_claims_a_slot_counts_from_the_beginning(desk: Desk) -> None:
    assert await desk.write(desk.changes(10), 99)
    late = desk.changes(15)
    await desk.store.release(TENANT, desk.consumer_id, [(3, desk.epoch)])
    await desk.beat()
    assert await desk.write(desk.changes(11), 1)
    assert not await desk.write(late, 100)
    assert await desk.checkpoint() == 11


async def test_what_was_skipped_goes_when_checkpoint_and_lane_have_passed_it(desk: Desk) -> None:
    def lane(position: int | None) -> dict[str, Any]:
        return {"slot": 3, "aggregate_type": "order", "aggregate_id": "1", "position": position}

    changes = desk.changes(5, state="skipped")
    changes.lanes.append(lane(4))
    await desk.write(changes, 1)
    assert await desk.rows() == [(POSITION, "skipped")]
    await desk.write(desk.changes(9), 2)  # the checkpoint has passed it, the lane has not
    assert await desk.rows() == [(POSITION, "skipped")]
    changes = desk.changes(9)
    changes.lanes.append(lane(None))
    await desk.write(changes, 3)
    assert await desk.rows() == []


async def test_a_consumer_that_is_gone_with_its_tenant_or_without_is_nowhere(
    database_url: str,
) -> None:
    dropped = 999
    async with open_house(database_url) as house:
        store = ConsumerStore(house.database)
        for tenant_id in (TENANT, dropped):
            assert tuple(await store.status(tenant_id, uuid4())) == (0, 0, None, 0, 0, 0, 0, 0)
