"""Attempts and their times, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Clock, Consumers, Member
from everlog_server.rpc.consumer_requests import decode_settings, encode_settings, policy_of
from everlog_server.settings import LimitSettings
from everlog_server.storage.consumers import SLOTS, ConsumerStore, OwnMember
from tests.factories import TENANT, emission, new_event, open_house

if TYPE_CHECKING:
    from everlog_server.consumers.member import Delivery

START = 1_800_000_000_000_000
DAY = 86_400_000_000
WAIT_SECONDS = 30


class ByHand(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time

    def set(self, now: int) -> None:
        pass


class Ahead(Clock):
    """That of a process since whose start PostgreSQL's clock was set back by a day."""

    def set(self, now: int) -> None:
        super().set(now + DAY)


class Wrong(Clock):
    """That of a machine which is a day ahead."""

    def __init__(self) -> None:
        super().__init__()
        self._offset += DAY * 1000


async def _next(member: Member) -> Delivery:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            member.wake.clear()
            taken = member.take_deliveries(1_000_000)
            if taken:
                (delivery,) = taken
                return delivery
            await member.wake.wait()


async def test_an_event_is_tried_at_the_exact_times_and_then_parked(database_url: str) -> None:
    """1 s, 3 s, then 5 s at most; after the fifth it is parked, and its aggregate goes on."""
    limits, clock = LimitSettings(), ByHand()
    settings = pb.ConsumerSettings(
        attempts_max=5,
        checkpoint_interval=Duration(),
        backoff=pb.RetryBackoff(multiplier=3, max=Duration(seconds=5), jitter=0.0),
    )
    async with open_house(database_url) as house:
        store = ConsumerStore(house.database)
        consumers = Consumers(
            store,
            house.reader,
            house.subscriptions.subscribe,
            partial(policy_of, limits=limits),
            clock=clock,
        )
        running = asyncio.create_task(consumers.run())
        await asyncio.sleep(0)
        await house.submit(emission(new_event("order/1"), new_event("order/1")))
        stored = encode_settings(decode_settings(settings, limits))
        await store.create(TENANT, "exact", uuid4(), stored, position=0)
        member = await consumers.join(TENANT, "exact", member_name="one", credit=0)
        ((_, group),) = consumers._groups.items()
        times: list[int] = []
        for attempt in range(1, 6):
            delivery = await _next(member)
            assert (delivery.event.position, delivery.attempt) == (1, attempt)
            times.append(clock.time - START)
            member.nack(delivery.delivery_id, attempt, f"no {attempt}", wait_seconds=None)
            if attempt < 5:
                (due,) = {slot.next_due for slot in group.slots.values() if slot.next_due}
                clock.time = due - 1
                group.deliveries.tick()
                assert not any(slot.wanted for slot in group.slots.values())
                clock.time = due
                group.deliveries.tick()
        assert times == [0, 1_000_000, 4_000_000, 9_000_000, 14_000_000]
        delivery = await _next(member)
        assert (delivery.event.position, delivery.attempt) == (2, 1)
        member.ack(delivery.delivery_id, 1)
        await group.flush.flush()
        consumer = await store.find(TENANT, "exact")
        assert consumer is not None
        state = await store.status(TENANT, consumer.consumer_id)
        assert (state.parked, state.retrying) == (1, 0)
        async with house.database.reads.connection(TENANT) as connection:
            cursor = await connection.execute(
                "SELECT state, attempts, history, last_error FROM everlog.consumer_events"
            )
            ((row_state, attempts, history, last_error),) = await cursor.fetchall()
        assert (row_state, attempts, last_error) == ("parked", 5, "no 5")
        assert [one["failed_time"] - START for one in history] == times
        assert {one["member"] for one in history} == {"one"}
        member.break_off()
        await consumers.drain()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_lease_runs_out_also_while_another_event_waits_for_long(database_url: str) -> None:
    limits = LimitSettings()
    settings = pb.ConsumerSettings(
        lease=Duration(seconds=1),
        checkpoint_interval=Duration(),
        backoff=pb.RetryBackoff(initial=Duration(nanos=100_000_000), jitter=0.0),
    )
    async with open_house(database_url) as house:
        store = ConsumerStore(house.database)
        consumers = Consumers(
            store, house.reader, house.subscriptions.subscribe, partial(policy_of, limits=limits)
        )
        running = asyncio.create_task(consumers.run())
        await asyncio.sleep(0)
        await house.submit(emission(new_event("order/1")))
        stored = encode_settings(decode_settings(settings, limits))
        await store.create(TENANT, "leases", uuid4(), stored, position=0)
        member = await consumers.join(TENANT, "leases", member_name="one", credit=0)
        first = await _next(member)
        member.nack(first.delivery_id, 1, "not now", wait_seconds=3_600)
        await asyncio.sleep(1.5)  # its lease is over: nothing is due before an hour
        await house.submit(emission(new_event("order/2")))
        second = await _next(member)
        async with asyncio.timeout(10):
            again = await _next(member)
        assert (again.event.position, again.attempt) == (second.event.position, 2)
        member.break_off()
        await consumers.drain()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("first", [Wrong, Ahead])
async def test_another_process_tries_an_event_again_whatever_the_clock_of_the_first_was(
    database_url: str, first: type[Clock]
) -> None:
    limits = LimitSettings()
    settings = pb.ConsumerSettings(
        checkpoint_interval=Duration(), backoff=pb.RetryBackoff(initial=Duration(nanos=50_000_000))
    )
    async with open_house(database_url) as house:
        store = ConsumerStore(house.database)
        await house.submit(emission(new_event("order/1")))
        stored = encode_settings(decode_settings(settings, limits))
        await store.create(TENANT, "skewed", uuid4(), stored, position=0)
        for attempt, clock in enumerate((first(), Clock()), 1):
            consumers = Consumers(
                store,
                house.reader,
                house.subscriptions.subscribe,
                partial(policy_of, limits=limits),
                clock=clock,
            )
            running = asyncio.create_task(consumers.run())
            await asyncio.sleep(0)
            member = await consumers.join(TENANT, "skewed", member_name="one", credit=0)
            delivery = await _next(member)
            assert delivery.attempt == attempt
            member.nack(delivery.delivery_id, attempt, "not yet", wait_seconds=None)
            await consumers.drain()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_lease_from_before_the_clock_was_set_back_counts_from_now(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        store, consumer_id = ConsumerStore(house.database), uuid4()
        await store.create(TENANT, "ahead", consumer_id, b"", position=0)

        async def beat(member: OwnMember) -> dict[int, int]:
            told = await store.beat(TENANT, consumer_id, UUID(int=1), [member], lease_seconds=1)
            assert told is not None
            return {slot: epoch for slot, epoch, _ in told.slots}

        def set_back() -> None:
            with psycopg.connect(database_url) as connection:
                connection.execute(
                    "UPDATE everlog.consumer_members SET lease_until = lease_until + '1 hour'"
                )

        dead, living, other = (OwnMember(uuid4(), name, False, ()) for name in ("a", "b", "c"))
        assert len(await beat(dead)) == SLOTS
        set_back()
        assert await beat(living) == {}  # the other may live, and has a second to say so
        async with asyncio.timeout(10):
            while len(had := await beat(living)) < SLOTS:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.1)
        set_back()
        assert await beat(other) == {}
        assert await beat(living) == had
        assert await beat(other) == {}
