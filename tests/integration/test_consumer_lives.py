"""Members in the course of a consumer's life: it is changed, reset, deleted; they come and go."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from tests.integration.test_consume import client, consumer, reason_of, server, url
from tests.members import WAIT_SECONDS, Client, TestMember, acked, nacked, positions
from tests.servers import make_tenant

__all__ = ["client", "server", "url"]

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio(loop_scope="module")

_tenants = count(2)


async def until(
    client: Client, name: str, holds: Callable[[pb.ConsumerStatus], bool]
) -> pb.ConsumerStatus:
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds(status := (await client.get(name)).status):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return status


async def ended_with(member: TestMember) -> str:
    error = await member.end()
    assert error is not None
    return reason_of(error)


async def again(member: TestMember, delivery: pb.Delivery) -> pb.Delivery:
    """The same event once more, of which the first delivery is void: nothing was counted."""
    later = await member.next()
    assert (later.event.position, later.attempt) == (delivery.event.position, 1)
    assert later.delivery_id != delivery.delivery_id
    (settlement,) = await member.ack(delivery)
    assert settlement.HasField("refusal")
    return later


def stored_at(url: str, name: str) -> list[tuple[Any, ...]]:
    """What changes with each write of a slot."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT s.slot, s.xmin FROM everlog.consumer_slots AS s"
            " JOIN everlog.consumers AS c USING (tenant_id, consumer_id)"
            " WHERE c.name = %s AND c.tenant_id = 1 ORDER BY s.slot",
            (name,),
        ).fetchall()


async def test_lag_is_soon_none_when_what_came_last_is_not_meant(client: Client, url: str) -> None:
    """Measured in the heartbeats of a stream, so that a slow machine is slow with both."""
    name = await consumer(client, "meant")
    interval = Duration(nanos=100_000_000)
    async with client.member(name, heartbeat_interval=interval) as member:
        await client.emit("meant/1")
        await member.ack(await member.next())
        await client.emit(*(f"unmeant/{n}" for n in range(50)))
        before = member.heartbeats
        status = await until(client, name, lambda status: status.lag == 0)
        assert status.checkpoint == status.head_position
        assert member.heartbeats - before <= 30

        written = await asyncio.to_thread(stored_at, url, name)
        await member.hears_heartbeats(member.heartbeats + 25)
        assert await asyncio.to_thread(stored_at, url, name) == written  # nothing to be written


async def test_a_deleted_consumer_ends_its_streams(client: Client) -> None:
    name = await consumer(client, "deleted")
    await client.emit("deleted/1")
    async with client.member(name) as member, client.member(name) as other:
        await asyncio.gather(member.opened, other.opened)
        await client.consumers.DeleteConsumer(pb.DeleteConsumerRequest(name=name))
        for one in (member, other):
            assert await ended_with(one) == "CONSUMER_NOT_FOUND"
        async with client.member(name) as late:
            assert await ended_with(late) == "CONSUMER_NOT_FOUND"


async def test_new_settings_void_what_is_in_flight_and_the_stream_goes_on(client: Client) -> None:
    name = await consumer(client, "renewed")
    first, second = await client.emit("renewed/1", "renewed/1")
    async with client.member(name) as member:
        delivery = await member.next()
        settings = (await client.get(name)).settings
        settings.attempts_max = 7
        await client.consumers.UpdateConsumer(
            pb.UpdateConsumerRequest(name=name, settings=settings)
        )
        delivery = await again(member, delivery)
        assert delivery.event.position == first
        await member.ack(delivery)
        assert positions([await member.next()]) == [second]


async def test_a_reset_voids_what_is_in_flight_and_the_stream_goes_on(client: Client) -> None:
    name = await consumer(client, "reset")
    first, second = await client.emit("reset/1", "reset/1")
    async with client.member(name) as member:
        await member.ack(await member.next())
        delivery = await member.next()
        assert delivery.event.position == second
        await client.consumers.ResetConsumer(pb.ResetConsumerRequest(name=name, after_position=0))
        assert positions([await member.next()]) == [first]
        (settlement,) = await member.ack(delivery)
        assert settlement.HasField("refusal")


async def test_a_consumer_of_the_same_name_of_another_tenant_is_apart(
    client: Client, url: str
) -> None:
    name = await consumer(client, "apart")
    tenant = f"apart-{next(_tenants)}"
    make_tenant(url, tenant, next(_tenants))

    class Theirs:
        """The stub of the same channel, for the other tenant."""

        metadata = (("everlog-tenant", tenant),)

        def Consume(self) -> Any:
            return client.consumers.Consume(metadata=self.metadata)

    create = pb.CreateConsumerRequest(name=name)
    assert not (await client.consumers.CreateConsumer(create, metadata=Theirs.metadata)).existed
    meant = event_pb2.NewEvent(
        aggregate_type="apart", aggregate_id="9", event_type="apart.theirs", json="{}"
    )
    await client.events.Emit(event_store_pb2.EmitRequest(events=[meant]), metadata=Theirs.metadata)
    (ours,) = await client.emit("apart/1", event_type="apart.ours")
    theirs = TestMember(Theirs(), name)  # type: ignore[arg-type]
    async with client.member(name) as member:
        try:
            delivery, other = await member.next(), await theirs.next()
            assert (delivery.event.position, delivery.event.event_type) == (ours, "apart.ours")
            assert (other.event.position, other.event.event_type) == (1, "apart.theirs")
            for one, stranger in ((member, other), (theirs, delivery)):
                (settlement,) = await one.ack(stranger)
                assert settlement.HasField("refusal")
            (settlement,) = await theirs.ack(other)
            assert not settlement.HasField("refusal")
            await client.consumers.DeleteConsumer(
                pb.DeleteConsumerRequest(name=name), metadata=Theirs.metadata
            )
            assert await ended_with(theirs) == "CONSUMER_NOT_FOUND"
            (settlement,) = await member.ack(delivery)
            assert not settlement.HasField("refusal")
        finally:
            await theirs.cancel()


def shares(status: pb.ConsumerStatus) -> list[int]:
    return sorted(member.shares for member in status.members)


async def test_of_70_members_64_have_shares_and_the_others_take_over(client: Client) -> None:
    name = await consumer(client, "seventy")
    async with AsyncExitStack() as stack:
        members: list[TestMember] = []
        for _ in range(70):
            member = await stack.enter_async_context(client.member(name))
            await member.opened
            members.append(member)
        await until(client, name, lambda status: shares(status) == [0] * 6 + [1] * 64)
        await asyncio.gather(*(one.leave() for one in members[:5]))
        await members[5].cancel()
        await until(client, name, lambda status: shares(status) == [1] * 64)
        stored = await client.emit(*(f"seventy/{n}" for n in range(300)))
        taken: list[int] = []

        async def work(member: TestMember) -> None:
            while True:
                delivery = await member.deliveries.get()
                await member.answer(acked(delivery))
                taken.append(delivery.event.position)

        working = [asyncio.create_task(work(one)) for one in members[6:]]
        await until(client, name, lambda status: status.lag == 0)
        for one in working:
            one.cancel()
        assert sorted(taken) == stored


async def test_a_member_that_never_reads_holds_no_other(client: Client) -> None:
    name = await consumer(client, "deaf", in_flight_max=10)
    call = client.consumers.Consume()
    opening = pb.ConsumeRequest.Open(consumer=name, member_name="deaf")
    await call.write(pb.ConsumeRequest(open=opening))
    body = '"' + "x" * 100_000 + '"'
    async with client.member(name) as member:
        await until(client, name, lambda status: shares(status) == [32, 32])
        for start in range(0, 200, 20):
            events = [
                event_pb2.NewEvent(
                    aggregate_type="deaf", aggregate_id=str(n), event_type="deaf.x", json=body
                )
                for n in range(start, start + 20)
            ]
            await client.events.Emit(event_store_pb2.EmitRequest(events=events))
        for _ in range(60):
            await member.ack(await member.next())

        def of_deaf(status: pb.ConsumerStatus) -> int:
            return next(one.in_flight for one in status.members if one.name == "deaf")

        status = await until(client, name, lambda status: of_deaf(status) > 0)
        assert of_deaf(status) <= 10
        assert status.checkpoint < status.head_position
        call.cancel()  # its share is taken over; what it had comes after a back-off
        seen = {(await _acked(member)).event.position for _ in range(200 - 60)}
        assert len(seen) == 200 - 60
        status = await until(client, name, lambda status: status.lag == 0)
        assert (status.parked, status.retrying) == (0, 0)


async def _acked(member: TestMember) -> pb.Delivery:
    delivery = await member.next()
    await member.ack(delivery)
    return delivery


async def test_who_has_come_to_the_head_and_still_catches_up_says_so(client: Client) -> None:
    name = await consumer(client, "lane")
    await client.emit(*["lane/1"] * 3, "lane/2")
    async with client.member(name) as member:
        (failing,) = [one for one in await member.take(2) if one.event.aggregate_id == "1"]
        await member.answer(nacked(failing, retry_now={}))
        await member.settled()
        again = await member.next()
        assert (again.event.position, again.attempt) == (failing.event.position, 2)
        await member.ack(again)
        # Two are held back by what is finished now; nothing waits for an attempt any more.
        status = await until(client, name, lambda status: status.catching_up > 0)
        assert (status.catching_up, status.retrying, status.blocked) == (1, 0, 0)
        for _ in range(2):
            await member.ack(await member.next())
        await until(client, name, lambda status: status.catching_up == 0)
