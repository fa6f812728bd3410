"""The races in which other event stores on PostgreSQL lost events, staged against this one.

Where positions come from a database sequence, a later one may be visible before an earlier one; a
reader that advances past the gap never sees what fills it. Here positions come from the head, whose
row is locked until the commit: these tests hold a writer open at the worst moment and look.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog_server.append.judging import judge
from everlog_server.append.memory import Memory
from everlog_server.errors import StorageUnavailableError
from everlog_server.rpc.records import CODEC
from everlog_server.settings import Settings
from everlog_server.storage.appends import (
    AppendConnection,
    AppendedRows,
    Checks,
    Fence,
    Verdict,
)
from everlog_server.storage.database import Database
from tests.factories import TENANT, assert_gap_free, emission, exactly, new_event, open_house
from tests.locks import until_somebody_waits_for_a_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.factories import House


@asynccontextmanager
async def _open_append(house: House) -> AsyncIterator[AppendConnection]:
    """A writer that has its positions and has appended, but has not committed."""
    connection = await house.database.connect_to_append(TENANT)
    event = new_event("held/1")
    facts = await connection.look_and_lock(Fence(0, None, 0), [], [], [event.aggregate])
    batch = judge(
        [emission(event)],
        fence=facts.fence,
        last_record_time=facts.last_record_time,
        memory=Memory(10),
        facts=facts,
        codec=CODEC,
    )
    statement = connection._append(batch.fence, Checks(), batch.rows)
    await connection._pipeline.ask(statement)  # and no COMMIT
    try:
        yield connection
    finally:
        connection.close("the test is over")


async def test_a_writer_held_between_its_position_and_its_commit_hides_nobody(
    database_url: str,
) -> None:
    """Marten #4964, Emmett PR #336: a reader passed a position that had not been committed yet."""
    async with open_house(database_url) as house, AsyncExitStack() as stack:
        await house.emit(new_event("a/1"))
        seen = asyncio.create_task(house.follow(lambda events: len(events) == 3))
        held = await stack.enter_async_context(_open_append(house))

        # The next writer can't get a later position while the earlier one is open: it waits.
        later = house.submit(emission(new_event("b/1")))
        await until_somebody_waits_for_a_lock(database_url)
        assert not later.done()
        assert len(await house.log()) == 1
        assert (await house.reader.head(TENANT)).position == 1

        await held._pipeline.ask((b"commit", ()))
        (receipt,) = await later
        assert receipt.position == 3
        log = await house.log()
        assert [event.aggregate_type for event in log] == ["a", "held", "b"]
        assert [event.position for event in await seen] == [1, 2, 3]
        assert_gap_free(log)


async def test_a_transaction_that_rolls_back_leaves_no_hole_to_wait_at(database_url: str) -> None:
    """Marten #3503: a position burnt by a rollback is a gap that readers stall at, or skip."""
    async with open_house(database_url) as house, AsyncExitStack() as stack:
        await house.emit(new_event("a/1"))
        held = await stack.enter_async_context(_open_append(house))
        later = house.submit(emission(new_event("b/1")))
        await until_somebody_waits_for_a_lock(database_url)

        await held.give_up()
        (receipt,) = await later
        assert receipt.position == 2
        received = await house.follow(lambda events: len(events) == 2)
        assert [event.aggregate_type for event in received] == ["a", "b"]
        assert_gap_free(await house.log())


async def test_a_writer_that_vanishes_while_it_holds_the_lock_blocks_nobody_for_long(
    database_url: str,
) -> None:
    async with open_house(database_url) as house, AsyncExitStack() as stack:
        held = await stack.enter_async_context(_open_append(house))
        later = house.submit(emission(new_event("b/1")))
        await until_somebody_waits_for_a_lock(database_url)
        held.close("killed")
        (receipt,) = await later
        assert receipt.position == 1


async def test_nobody_is_answered_for_an_event_that_is_not_there(database_url: str) -> None:
    """Eventuous #553: an append answered with success for an event that was never stored.

    Here the backend dies with the batch unacknowledged; whoever gets a receipt finds the event.
    """
    async with open_house(database_url) as house, AsyncExitStack() as stack:
        await house.emit(new_event("a/1"))
        held = await stack.enter_async_context(_open_append(house))
        emits = [house.submit(emission(new_event(f"b/{i}"))) for i in range(20)]
        await until_somebody_waits_for_a_lock(database_url)
        async with await psycopg.AsyncConnection.connect(
            database_url, autocommit=True
        ) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        assert not any(emit.done() for emit in emits)
        held.close("killed")
        receipts = [receipt for (receipt,) in await asyncio.gather(*emits)]
        log = await house.log()
        assert_gap_free(log)
        stored = {event.event_id.replace("-", ""): event.position for event in log}
        assert {r.event_id.hex(): r.position for r in receipts}.items() <= stored.items()
        assert len(log) == 21


async def test_a_head_that_others_moved_by_the_same_number_of_events_is_not_mistaken(
    database_url: str,
) -> None:
    """The fence names the event at the head, too.

    A count alone would let the second of two batches in flight follow a stranger's batch that is as
    long as the first, which failed; and leave a gap in an aggregate.
    """
    async with open_house(database_url) as house:
        connection = await house.database.connect_to_append(TENANT)
        await house.emit(new_event("a/1"))
        after_one = Fence(1, b"\x01" * 16, 0)
        event = new_event("a/1")
        rows = AppendedRows(1, [event], [b"\x02" * 16], [2], [b"\x0a\x00"])
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        connection.append(after_one, Checks(), rows, answered.set_result)
        assert await answered is Verdict.STALE
        assert len(await house.log()) == 1
        connection.close("done")


async def test_an_append_that_was_sent_before_the_epoch_was_raised_never_commits(
    database_url: str,
) -> None:
    """Without the epoch, a backend that still waits for the lock could commit after the look."""
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        facts_connection = await house.database.connect_to_append(TENANT)
        facts = await facts_connection.look_and_lock(Fence(0, None, 0), [], [], [])
        zombie = await house.database.connect_to_append(TENANT)
        later = facts.last_record_time + 1
        rows = AppendedRows(later, [new_event("z/1")], [b"\x05" * 16], [1], [b"\x0a\x00"])
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        zombie.append(facts.fence, Checks(), rows, answered.set_result)
        await until_somebody_waits_for_a_lock(database_url)

        resolver = await house.database.connect_to_append(TENANT)
        raising = asyncio.create_task(resolver.shut_out_earlier_appends())
        await facts_connection.give_up()
        await raising
        stored = await resolver.is_stored(facts.fence, rows)
        assert (await answered is Verdict.APPENDED) == stored
        assert await resolver.is_stored(facts.fence, rows) == stored
        for connection in (facts_connection, zombie, resolver):
            connection.close("done")


async def test_a_locked_log_answers_storage_unavailable_and_not_never(database_url: str) -> None:
    async with open_house(database_url) as house, AsyncExitStack() as stack:
        await house.emit(new_event("a/1"))
        storage = replace(Settings().storage, lock_timeout_seconds=0.2)
        house.database.append_conninfo = Database(database_url, storage).append_conninfo
        house.sequencers.of(TENANT)._connection.close("reconnect")  # type: ignore[union-attr]
        held = await stack.enter_async_context(_open_append(house))
        with pytest.raises(StorageUnavailableError):
            await house.emit(new_event("b/1"))
        await held.give_up()
        (receipt,) = await house.emit(new_event("b/1"), expect=[exactly("b/1", 0)])
        assert receipt.position == 2
