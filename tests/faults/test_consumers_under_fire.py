"""Members and servers that come and go at random, and what members saw of it: no promise breaks."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import grpc
import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from everlog.v1 import consumers_pb2 as pb
from tests.consumer_history import (
    ConfirmedAgain,
    EventLost,
    HeldTwice,
    OutOfOrder,
    OvertakenUnanswered,
    Seen,
    check,
)
from tests.members import Client, acked, client_for, nacked
from tests.servers import Server, serving

if TYPE_CHECKING:
    from pathlib import Path

CONSUMER = "fire"


class Fire:
    """Servers, members, and the history."""

    def __init__(self, servers: list[Server], database_url: str, seed: int) -> None:
        self.servers = servers
        self.is_done = False
        """Whether everything is finished, by what is stored."""
        self.history: list[Seen] = []
        self.stored: dict[int, str] = {}
        self._database_url = database_url
        self.random = random.Random(seed)
        self._members = 0

    async def watch(self) -> None:
        """Looks whether everything is finished."""
        connection = await psycopg.AsyncConnection.connect(self._database_url, autocommit=True)
        async with connection:
            while not self.is_done:
                await asyncio.sleep(0.2)
                cursor = await connection.execute(
                    "SELECT (SELECT min(checkpoint) FROM everlog.consumer_slots)"
                    " = (SELECT head FROM everlog.tenants)"
                    " AND NOT EXISTS (SELECT FROM everlog.consumer_lanes)"
                    " AND NOT EXISTS (SELECT FROM everlog.consumer_events)"
                )
                ((self.is_done,),) = await cursor.fetchall()

    async def work(self) -> None:
        """Members one after the other: each at a server at random, for a while."""
        while not self.is_done:
            server = self.random.choice(self.servers)
            lifetime = self.random.choice([0.5, 2, 5, 60])
            # InvalidStateError: the stream was over before an answer was written.
            with suppress(grpc.aio.AioRpcError, TimeoutError, asyncio.InvalidStateError):
                async with client_for(server.address) as client:
                    await self._be_member(client, lifetime)
            await asyncio.sleep(0.05)

    async def _be_member(self, client: Client, lifetime: float) -> None:
        self._members += 1
        name = f"m{self._members}"
        call = client.consumers.Consume()
        try:
            async with asyncio.timeout(lifetime):
                opening = pb.ConsumeRequest.Open(
                    consumer=CONSUMER, credit=20, heartbeat_interval=Duration(nanos=500_000_000)
                )
                await call.write(pb.ConsumeRequest(open=opening))
                await self._consume(name, call)
        finally:
            self.history.append(Seen("gone", name))
            call.cancel()

    async def _consume(self, name: str, call: grpc.aio.StreamStreamCall) -> None:  # type: ignore[type-arg]  # only generic in its stubs
        held: dict[str, Seen] = {}
        async for message in call:
            answers = []
            for delivery in message.deliveries:
                event = delivery.event
                self.history.append(Seen("delivered", name, event.position, event.aggregate_id))
                fails = self.random.random() < 0.02
                if fails:
                    answers.append(nacked(delivery, "at random", retry_now=Empty()))
                else:
                    answers.append(acked(delivery))
                held[delivery.delivery_id] = Seen(
                    "nacked" if fails else "acked", name, event.position, event.aggregate_id
                )
            for settlement in message.settlements:
                said = held.pop(settlement.delivery_id)
                if said.what == "acked" and not settlement.HasField("refusal"):
                    self.history.append(Seen("confirmed", name, said.position))
            if self.is_done:
                return
            if answers:
                await asyncio.sleep(self.random.random() * 0.01)
                for answer in answers:
                    self.history.append(held[answer.delivery_id])
                await call.write(pb.ConsumeRequest(answers=answers))

    async def kill_servers(self, pause: float) -> None:
        """One server after the other dies, or stops, and comes back."""
        while not self.is_done:
            await asyncio.sleep(pause * self.random.uniform(0.5, 1.5))
            server = self.random.choice(self.servers)
            await server.stop(self.random.choice([signal.SIGKILL, signal.SIGTERM]))
            await server.start()

    async def emit(self, client: Client, events: int, aggregates: int) -> None:
        """So many events, a few hundred at a time."""
        while len(self.stored) < events:
            count = min(250, events - len(self.stored))
            names = [f"thing/{self.random.randrange(aggregates)}" for _ in range(count)]
            for position, name in zip(await client.emit(*names), names, strict=True):
                self.stored[position] = name.partition("/")[2]


async def under_fire(
    database_url: str,
    folder: Path,
    *,
    events: int,
    aggregates: int,
    members: int,
    servers: int,
    pause: float | None,
    seconds: float,
    seed: int,
) -> None:
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(serving(database_url, folder)) for _ in range(servers)
        ]
        fire = Fire(running, database_url, seed)
        async with client_for(running[0].address) as client:
            await client.create(
                CONSUMER,
                attempts_max=1_000_000,
                backoff={"initial": Duration(nanos=10_000_000), "multiplier": 1.0},
                checkpoint_interval=Duration(nanos=20_000_000),
            )
            await fire.emit(client, events, aggregates)
        async with asyncio.timeout(seconds):
            working = [asyncio.create_task(fire.work()) for _ in range(members)]
            others = [asyncio.create_task(fire.watch())]
            if pause:
                others.append(asyncio.create_task(fire.kill_servers(pause)))
            try:
                await asyncio.gather(*working)
            except asyncio.CancelledError:
                check(fire.history, fire.stored)  # says more than that it took too long
                raise
            finally:
                for one in [*working, *others]:
                    one.cancel()
                await asyncio.gather(*working, *others, return_exceptions=True)
        check(fire.history, fire.stored)


async def test_members_come_and_go_at_two_servers(database_url: str, tmp_path: Path) -> None:
    await under_fire(
        database_url,
        tmp_path,
        events=1_500,
        aggregates=100,
        members=4,
        servers=2,
        pause=None,
        seconds=100,
        seed=1,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
async def test_members_and_servers_die_at_random(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    await under_fire(
        database_url,
        tmp_path,
        events=10_000,
        aggregates=200,
        members=8,
        servers=3,
        pause=2,
        seconds=250,
        seed=seed,
    )


GOOD = [
    Seen("delivered", "a", 1, "x"),
    Seen("acked", "a", 1, "x"),
    Seen("confirmed", "a", 1),
    Seen("delivered", "a", 2, "x"),
    Seen("gone", "a"),
    Seen("delivered", "b", 2, "x"),
    Seen("acked", "b", 2, "x"),
    Seen("confirmed", "b", 2),
]


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (EventLost, lambda h: h[:-2]),
        (ConfirmedAgain, lambda h: [*h, Seen("delivered", "b", 1, "x")]),
        (OutOfOrder, lambda h: h[3:]),
        (OvertakenUnanswered, lambda h: [h[0], *h[3:]]),
        (HeldTwice, lambda h: [*h[:4], *h[5:]]),
    ],
)
def test_the_checker_sees_each_broken_promise(error: type[Exception], change: object) -> None:
    stored = {1: "x", 2: "x"}
    check(GOOD, stored)
    assert callable(change)
    with pytest.raises(error):
        check(change(GOOD), stored)
