"""Tenants are dropped while they are used, and while servers are killed: nothing is left."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest

from everlog.v1 import consumers_pb2, event_pb2, event_store_pb2
from everlog.v1 import projections_pb2 as pb
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests.faults.acknowledged import reason_of
from tests.faults.dropping import drop, leftovers
from tests.projections import Projections, fold, projections_at, sums
from tests.servers import make_tenant, serving, tenant_channel
from tests.tenants import id_of, schemas_like

if TYPE_CHECKING:
    from pathlib import Path

GONE, OTHER = "gone", "other"
UNHEARD = "unheard"
AGAIN_SECONDS = 20.0
"""Longer than it takes servers to learn that a name means nothing any more."""


async def fill(address: str, tenant: str, batches: int, *, aggregates: int = 50) -> None:
    """Events in batches of 500."""
    async with tenant_channel(address, tenant) as channel:
        stub = EventStoreServiceStub(channel)
        for batch in range(batches):
            events = [
                event_pb2.NewEvent(
                    aggregate_type="thing",
                    aggregate_id=str(n % aggregates),
                    event_type="n.added",
                    json=f'{{"n": {n}, "batch": {batch}}}',
                    idempotency_key=f"{batch}/{n}",
                    correlation_id=str(n),
                )
                for n in range(500)
            ]
            await stub.Emit(event_store_pb2.EmitRequest(events=events))


async def consume(address: str, tenant: str, name: str, seen: list[int]) -> str:
    """A member that acknowledges, and fails now and then; why its stream ended."""
    async with tenant_channel(address) as channel:
        call: Any = ConsumerServiceStub(channel).Consume(metadata=(("everlog-tenant", tenant),))
        opening = consumers_pb2.ConsumeRequest.Open(consumer=name, credit=20)
        try:
            await call.write(consumers_pb2.ConsumeRequest(open=opening))
            async for message in call:
                request = consumers_pb2.ConsumeRequest()
                for delivery in message.deliveries:
                    seen.append(delivery.event.position)
                    answer = request.answers.add(
                        delivery_id=delivery.delivery_id, attempt=delivery.attempt
                    )
                    match delivery.event.position % 20:
                        case 1:
                            answer.nack.park.SetInParent()
                        case 2 if delivery.attempt == 1:
                            answer.nack.error = "not yet"
                        case _:
                            answer.ack.SetInParent()
                if request.answers:
                    await call.write(request)
        except grpc.aio.AioRpcError as error:
            # An answer that was said just when the stream ended hides why.
            return UNHEARD if error.details() == "Internal error from Core" else reason_of(error)
        except asyncio.InvalidStateError:
            return UNHEARD
    return "ended"


async def create_consumer(address: str, tenant: str, name: str) -> None:
    async with tenant_channel(address, tenant) as channel:
        request = consumers_pb2.CreateConsumerRequest(name=name)
        await ConsumerServiceStub(channel).CreateConsumer(request)


def is_dropping(database_url: str, number: int) -> bool:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT dropping_time IS NOT NULL FROM everlog.tenants WHERE tenant_id = %s", [number]
        ).fetchone()
    return row is None or bool(row[0])


async def until(is_so: Any) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110  any of several tells
            await asyncio.sleep(0.02)


async def assert_whole(wire: Projections, events: int) -> None:
    """The other tenant has its log, and its tables are a fold of it."""
    log = await wire.log()
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert len(log) >= events
    await wire.caught_up(OTHER)
    assert wire.sums(OTHER) == fold(log)


async def write(wire: Projections, emitted: list[int], stop: asyncio.Event) -> None:
    """Writes to a tenant. Not to be cancelled: an Emit may be on its way."""
    while not stop.is_set():
        with suppress(grpc.aio.AioRpcError):
            emitted += [one.position for one in await wire.emit({"n": 1}, {"n": 2})]
        await asyncio.sleep(0.02)


async def test_a_tenant_is_dropped_with_a_consumer_and_projections_at_work(
    database_url: str, tmp_path: Path
) -> None:
    make_tenant(database_url, GONE, 7)
    make_tenant(database_url, OTHER, 8)
    async with (
        serving(database_url, tmp_path) as one,
        serving(database_url, tmp_path) as two,
        projections_at(one.address, database_url, GONE) as gone,
        projections_at(two.address, database_url, OTHER) as other,
    ):
        for tenant in (GONE, OTHER):
            await fill(one.address, tenant, 4)
            await create_consumer(one.address, tenant, "c")
        await other.apply(sums(OTHER))
        for name in ("gone_live", "gone_rebuilt", "gone_stopped"):
            await gone.apply(sums(name))
        broken = sums("gone_failing", on_failure=pb.ProjectionDefinition.ON_FAILURE_PARK)
        broken.handlers[0].statements.append("SELECT 1 / (%(sequence)s::int %% 7)")
        await gone.apply(broken)
        await gone.wait("gone_rebuilt", lambda found: found.checkpoint > 0)
        await gone.stub.RebuildProjection(
            pb.RebuildProjectionRequest(name="gone_rebuilt"), metadata=gone._metadata
        )
        seen: dict[str, list[int]] = {GONE: [], OTHER: []}
        members = [
            asyncio.create_task(consume(server.address, tenant, "c", seen[tenant]))
            for tenant in (GONE, OTHER)
            for server in (one, two)
        ]
        emitted: list[int] = []
        stop = asyncio.Event()
        writer = asyncio.create_task(write(other, emitted, stop))
        try:
            await until(lambda: len(seen[GONE]) > 200 and len(seen[OTHER]) > 200)
            number = id_of(database_url, GONE)
            await drop(one.address, GONE, await gone.head())
            assert list(leftovers(database_url, number, "gone_")) == []
            # Members of the other process learn it, too; and nobody writes anything for it again.
            ends = await asyncio.wait_for(asyncio.gather(*members[:2]), AGAIN_SECONDS)
            assert set(ends) <= {"TENANT_NOT_FOUND", "CONSUMER_NOT_FOUND", UNHEARD}
            assert list(leftovers(database_url, number, "gone_")) == []
            await until(lambda: len(set(seen[OTHER])) >= 2000)
            await until(lambda: len(emitted) > 20)
        finally:
            stop.set()
            for task in members:
                task.cancel()
            await asyncio.gather(writer, *members, return_exceptions=True)
        await assert_whole(other, 2000 + len(emitted))
        for server in (one, two):
            assert "Traceback" not in server.log


async def _until_not_found(wire: Projections) -> None:
    async with asyncio.timeout(AGAIN_SECONDS):
        while True:
            try:
                await wire.head()
            except grpc.aio.AioRpcError as error:
                assert reason_of(error) == "TENANT_NOT_FOUND"
                return
            await asyncio.sleep(0.05)


async def _killed_within_a_drop(
    database_url: str, folder: Path, *, batches: int, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    make_tenant(database_url, GONE, 7)
    make_tenant(database_url, OTHER, 8)
    async with (
        serving(database_url, folder) as one,
        serving(database_url, folder) as two,
        projections_at(one.address, database_url, GONE) as gone,
        projections_at(two.address, database_url, OTHER) as other,
    ):
        await fill(two.address, OTHER, 2)
        await fill(one.address, GONE, batches)
        await other.apply(sums(OTHER))
        for name in ("gone_1", "gone_2"):
            await gone.apply(sums(name))
        await create_consumer(one.address, GONE, "c")
        seen: list[int] = []
        member = asyncio.create_task(consume(one.address, GONE, "c", seen))
        await until(lambda: len(seen) > 100)
        head, number = await gone.head(), id_of(database_url, GONE)
        emitted: list[int] = []
        stop = asyncio.Event()
        writer = asyncio.create_task(write(other, emitted, stop))
        dropping = asyncio.create_task(drop(one.address, GONE, head))
        left = 0
        try:
            await until(lambda: is_dropping(database_url, number))
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0, 0.15))
                left += any(leftovers(database_url, number, "gone_"))
                await one.kill()
                # While nobody is at it, it is not there for calls, and its name is not free.
                await _until_not_found(other._replace(tenant=GONE))
                await one.start()
            await dropping
        finally:
            stop.set()
            for task in (member, dropping):
                task.cancel()
            await asyncio.gather(writer, member, dropping, return_exceptions=True)
        assert left > 0, "it was gone before the first kill"
        assert list(leftovers(database_url, number, "gone_")) == []
        await assert_whole(other, 1000 + len(emitted))
        assert schemas_like(database_url, OTHER) == {OTHER}
        assert "Traceback" not in two.log


async def test_a_drop_goes_on_after_the_server_was_killed_within(
    database_url: str, tmp_path: Path
) -> None:
    await _killed_within_a_drop(database_url, tmp_path, batches=20, kills=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [2, 3])
async def test_a_drop_goes_on_however_often_servers_are_killed_within(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    await _killed_within_a_drop(database_url, tmp_path, batches=80, kills=5, seed=seed)
