"""What a slot can't hold in memory: it is left for a while, and never for good."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Consumers, Member, slots, supply
from everlog_server.rpc.consumer_requests import decode_settings, encode_settings, policy_of
from everlog_server.settings import LimitSettings
from everlog_server.storage.consumers import ConsumerStore
from tests.factories import TENANT, House, emission, new_event, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from everlog_server.consumers.member import Delivery

WAIT_SECONDS = 30


@asynccontextmanager
async def _consuming(
    database_url: str, settings: pb.ConsumerSettings
) -> AsyncIterator[tuple[House, Member]]:
    limits = LimitSettings()
    async with open_house(database_url) as house:
        store = ConsumerStore(house.database)
        consumers = Consumers(
            store,
            house.reader,
            house.subscriptions.subscribe,
            partial(policy_of, limits=limits),
        )
        running = asyncio.create_task(consumers.run())
        await asyncio.sleep(0)
        stored = encode_settings(decode_settings(settings, limits))
        await store.create(TENANT, "room", uuid4(), stored, position=0)
        member = await consumers.join(TENANT, "room", member_name="one", credit=0)
        try:
            yield house, member
        finally:
            member.break_off()
            await consumers.drain()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _take(member: Member, most: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < most:
            member.wake.clear()
            taken = member.take_deliveries(10_000_000)
            found += taken
            if not taken:
                await member.wake.wait()
    return found


async def _settled(member: Member, most: int) -> None:
    count = 0
    async with asyncio.timeout(WAIT_SECONDS):
        while count < most:
            member.wake.clear()
            told = member.take_settlements(most)
            assert all(one.is_stored for one in told)
            count += len(told)
            if not told:
                await member.wake.wait()


async def test_replays_that_wait_hold_up_no_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "_REPLAYING_MAX", 2)
    settings = pb.ConsumerSettings(checkpoint_interval=Duration())
    async with _consuming(database_url, settings) as (house, member):
        await house.submit(emission(*(new_event("order/1") for _ in range(7))))
        for _ in range(7):
            (delivery,) = await _take(member, 1)
            member.park(delivery.delivery_id, 1, "no")
            await _settled(member, 1)
        async with house.database.consumers.connection(TENANT) as connection:
            await connection.execute(
                "SELECT everlog.move_parked("
                "c.tenant_id, c.consumer_id, true, %s::bigint[], 'retry', true"
                ") FROM everlog.consumers AS c WHERE c.tenant_id = %s",
                (list(range(1, 8)), TENANT),
            )
        replayed = []
        for _ in range(7):
            (delivery,) = await _take(member, 1)
            replayed.append(delivery.event.position)
            member.nack(delivery.delivery_id, 1, "not yet", wait_seconds=3600)
            await _settled(member, 1)
        assert sorted(replayed) == list(range(1, 8))
        (group,) = {one.member._group for one in member._group.slots.values()}
        kept = sum(len(slot._singles) for slot in group.slots.values())
        assert kept < 7


async def test_slots_that_were_full_of_what_is_finished_are_read_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them: nothing else would have the feed look again."""
    monkeypatch.setattr(slots, "FINISHED_MAX", 1)
    settings = pb.ConsumerSettings(
        checkpoint_interval=Duration(),
        ordering=pb.ConsumerSettings.ORDERING_NONE,
        in_flight_max=1_000,
    )
    async with _consuming(database_url, settings) as (house, member):
        await house.submit(emission(*(new_event(f"order/{n}") for n in range(192))))
        taken = await _take(member, 192)
        first = [one for one in taken if one.event.position <= 64]
        for one in taken:
            if one not in first:
                member.ack(one.delivery_id, 1)
        await _settled(member, 128)
        await house.submit(emission(*(new_event(f"order/{n}") for n in range(64))))
        async with asyncio.timeout(WAIT_SECONDS):
            while any(  # noqa: ASYNC110  nobody tells
                slot.is_wanting for slot in member._group.slots.values()
            ):
                await asyncio.sleep(0.01)
        for one in first:
            member.ack(one.delivery_id, 1)
        await _settled(member, 64)
        more = await _take(member, 64)
        assert sorted(one.event.position for one in more) == list(range(193, 257))
