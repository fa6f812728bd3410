"""PostgreSQL's clock is set, forwards and back: leases and waits are times by it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from tests.faults.clocks import Clock, compiled_in
from tests.faults.cluster import Cluster
from tests.faults.world import new_folder
from tests.members import Client, TestMember, acked, client_for, nacked, positions
from tests.servers import Server, serving
from tests.toolchains import leave_out, require

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR = 3_600.0
QUICK = {"initial": Duration(nanos=50_000_000), "jitter": 0.0}


@dataclass(frozen=True, slots=True)
class Place:
    """A server on a PostgreSQL whose clock can be set."""

    server: Server
    client: Client
    url: str
    clock: Clock


def _hours_ahead(url: str) -> float:
    """Of PostgreSQL's clock, before ours."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return float((row[0] - time.time()) / HOUR)


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    require("cc", "a C compiler makes the clock that is set")
    with new_folder() as folder:
        library = compiled_in(folder)
        if library is None:
            leave_out("the clock that is set can't be compiled here")
        clock = Clock(library, folder / "shift")
        cluster = Cluster(clock)
        await asyncio.to_thread(cluster.start)
        try:
            url = await asyncio.to_thread(cluster.migrated)
            async with serving(url, folder) as server, client_for(server.address) as client:
                clock.shift(-HOUR)
                assert -1.1 < _hours_ahead(url) < -0.9
                clock.shift(0)
                yield Place(server, client, url, clock)
        finally:
            await asyncio.to_thread(cluster.stop)


async def test_who_dies_before_the_clock_is_set_back_keeps_no_share(place: Place) -> None:
    """Neither of events that it had in flight, nor of one that it was to be given again."""
    client = place.client
    await client.create("hour", backoff=QUICK)
    await client.emit("order/1", "order/2", "order/3")
    async with client.member("hour") as member:
        taken = await member.take(3)
        failed = next(one for one in taken if one.event.position == 2)
        await member.answer(nacked(failed))
        await member.settled()
        again = await member.next()
        assert (again.event.position, again.attempt) == (2, 2)
        await member.answer(nacked(again, retry_after=Duration(seconds=1)))
        await member.settled()
        await place.server.kill()
    place.clock.shift(-HOUR)
    await place.server.start()
    async with client.member("hour") as member:
        came = await member.take(3)  # each within 30 s
        assert sorted(positions(came)) == [1, 2, 3]
        assert {one.event.position: one.attempt for one in came} == {1: 1, 2: 3, 3: 1}
        await member.answer(*map(acked, came))
        assert not [one for _ in came if (one := await member.settled()).HasField("refusal")]


async def test_what_is_decided_by_hand_waits_for_nobody_who_died_before_it(place: Place) -> None:
    client = place.client
    await client.create("hand")
    await client.emit("order/1")
    async with client.member("hand") as member:
        delivery = await member.next()
        await place.server.kill()
    place.clock.shift(-HOUR)
    await place.server.start()
    told = await client.consumers.SetProcessing(
        pb.SetProcessingRequest(
            consumer="hand",
            event_id=delivery.event.event_id,
            action=pb.SetProcessingRequest.ACTION_ACK,
        ),
        timeout=20,
    )
    assert told.processing.state == pb.EventProcessing.STATE_FINISHED


async def test_members_go_on_whatever_the_clock_is_set_to(place: Place, tmp_path: Path) -> None:
    """Of two servers, which take shares from each other when leases seem to have run out."""
    confirmed: list[int] = []
    more = asyncio.Event()

    async def consume(member: TestMember) -> None:
        while True:
            delivery = await member.deliveries.get()
            (settlement,) = await member.ack(delivery)
            if not settlement.HasField("refusal"):
                confirmed.append(delivery.event.position)
            more.set()

    emitted: list[int] = []
    async with AsyncExitStack() as held:
        second = await held.enter_async_context(serving(place.url, tmp_path))
        await place.client.create("alive", backoff=QUICK)
        for server in (place.server, second):
            client = await held.enter_async_context(client_for(server.address))
            member = await held.enter_async_context(client.member("alive"))
            await member.opened
            consuming = asyncio.create_task(consume(member))
            held.callback(consuming.cancel)
        for hours in (1, 0, -1, 24, 0):
            place.clock.shift(hours * HOUR)
            emitted += await place.client.emit(*(f"order/{n}" for n in range(100)))
            async with asyncio.timeout(30):
                while len(confirmed) < len(emitted):
                    more.clear()
                    await more.wait()
            assert sorted(confirmed) == emitted
