"""Members of a process that can't reach PostgreSQL, or that nobody reads for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Consumers, Member
from everlog_server.consumers.budget import QUEUED_BYTES_MAX, QUEUED_EVENTS_MAX
from everlog_server.errors import StorageUnavailableError
from everlog_server.rpc.consumer_requests import decode_settings, encode_settings, policy_of
from everlog_server.settings import LimitSettings, StorageSettings
from everlog_server.storage.consumers import SLOTS, ConsumerStore
from tests.factories import TENANT, House, emission, new_event, open_house
from tests.faults.proxy import proxied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from everlog_server.consumers.member import Delivery

WAIT_SECONDS = 30


class Room:
    """The room of consumers of one process, without streams."""

    def __init__(self, house: House, **options: Any) -> None:
        self.store = ConsumerStore(house.database)
        self.consumers = Consumers(
            self.store,
            house.reader,
            house.subscriptions.subscribe,
            partial(policy_of, limits=LimitSettings()),
            **options,
        )

    async def join(self, name: str, **settings: Any) -> Member:
        """A member of a new consumer."""
        wanted = pb.ConsumerSettings(checkpoint_interval=Duration(), **settings)
        stored = encode_settings(decode_settings(wanted, LimitSettings()))
        await self.store.create(TENANT, name, uuid4(), stored, position=0)
        return await self.consumers.join(TENANT, name, member_name="one", credit=0)


@asynccontextmanager
async def open_room(database_url: str, **options: Any) -> AsyncIterator[tuple[House, Room]]:
    async with open_house(database_url) as house:
        room = Room(house, **options)
        running = asyncio.create_task(room.consumers.run())
        await asyncio.sleep(0)
        try:
            yield house, room
        finally:
            await room.consumers.drain()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def told(member: Member, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            member.wake.clear()
            if holds():
                return
            await member.wake.wait()


async def test_a_group_that_can_not_store_while_it_gives_signs_of_life_ends_its_streams(
    database_url: str,
) -> None:
    settings = StorageSettings(lock_timeout_seconds=0.2)
    async with open_house(database_url, storage=settings) as house:
        room = Room(house, away_seconds_max=1.0)
        running = asyncio.create_task(room.consumers.run())
        await asyncio.sleep(0)
        member = await room.join("stuck")
        await house.submit(emission(new_event()))
        with psycopg.connect(database_url) as connection:
            taken: list[Delivery] = []
            await told(member, lambda: bool(taken.extend(member.take_deliveries(1000)) or taken))
            # It may read, and beat, but store no failure.
            connection.execute("LOCK TABLE everlog.consumer_events IN SHARE MODE")
            member.nack(taken[0].delivery_id, 1, "no", wait_seconds=None)
            await told(member, lambda: member.failure is not None)
        assert isinstance(member.failure, StorageUnavailableError)
        assert "answers can't be stored" in member.failure.message
        member.closed.set()
        # Whoever comes has the share, once its lease has run out.
        again = await room.consumers.join(TENANT, "stuck", member_name="two", credit=0)
        await told(again, lambda: bool(again.ready))
        await room.consumers.drain()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_postgres_that_stays_away_ends_streams(database_url: str, tmp_path: Path) -> None:
    async with (
        proxied(database_url, tmp_path) as (proxy, url),
        open_room(url, away_seconds_max=0.3) as (house, room),
    ):
        member = await room.join("away")
        await house.submit(emission(new_event("order/1")))
        taken: list[Delivery] = []
        await told(member, lambda: bool(taken.extend(member.take_deliveries(1_000_000)) or taken))
        proxy.closed = True
        proxy.cut()
        member.ack(taken[0].delivery_id, 1)
        await told(member, lambda: member.failure is not None)
        assert isinstance(member.failure, StorageUnavailableError)
        # Nobody may think that it was stored.
        assert not any(one.is_stored for one in member.take_settlements(10))
        member.closed.set()
        proxy.closed = False


async def test_a_postgres_that_is_away_for_a_moment_costs_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        proxied(database_url, tmp_path) as (proxy, url),
        open_room(url, away_seconds_max=WAIT_SECONDS) as (house, room),
    ):
        member = await room.join("moment")
        await house.submit(emission(new_event("order/1")))
        taken: list[Delivery] = []
        await told(member, lambda: bool(taken.extend(member.take_deliveries(1_000_000)) or taken))
        proxy.cut()
        member.ack(taken[0].delivery_id, 1)
        await told(member, lambda: any(one.is_stored for one in member.take_settlements(10)))
        assert member.failure is None
        member.closed.set()


@pytest.mark.slow
async def test_what_waits_for_a_member_that_takes_nothing_is_bounded(database_url: str) -> None:
    """Three times as much as its slots may hold, in one log."""
    most = SLOTS * QUEUED_EVENTS_MAX
    async with open_room(database_url) as (house, room):
        member = await room.join("deaf")
        for _ in range(3 * most // 1_000):
            await house.emit(*(new_event(f"order/{n}") for n in range(1_000)))
        ((_, group),) = room.consumers._groups.items()
        await told(member, lambda: len(member.ready) == SLOTS)
        async with asyncio.timeout(WAIT_SECONDS):
            while any(slot.is_wanting for slot in group.slots.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for slot in group.slots.values():
            assert slot.queued <= QUEUED_EVENTS_MAX
            assert slot.queued_bytes <= QUEUED_BYTES_MAX + 1_000
        # It hears nothing of it, and is given no more than its credit when it asks at last.
        assert len(member.take_deliveries(10_000_000)) == member.credit == 100
        assert member.take_deliveries(10_000_000) == []
        member.closed.set()
