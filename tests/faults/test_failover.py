"""The primary is killed, and its standby promoted: by the same URL the servers go on with it.

With a synchronous standby nothing acknowledged is lost. Without, the last events may be: then
whoever has seen them is told so, and nobody is left with a hole.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import everlog
from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.storage import migrations
from tests.factories import assert_gap_free
from tests.faults.acknowledged import reason_of, writing
from tests.faults.clusters import Cluster, clusters
from tests.members import acked, client_for, positions
from tests.projections import fold, projections_at, sums
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
QUICK = ("--append-commit-resolution-seconds", "0.5", "--connect-timeout-seconds", "2")


async def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, "it did not come to be so in time"
        await asyncio.sleep(0.02)


class Pair:
    """A primary, its standby, and the URL that finds whichever of them can be written to."""

    def __init__(self, primary: Cluster, standby: Cluster) -> None:
        self.primary = primary
        self.standby = standby
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (primary, standby))
        self.url = f"postgresql://postgres@{hosts}/everlog?target_session_attrs=read-write"

    async def wait_for_standbys(self, number: int) -> None:
        await until(
            lambda: (
                self.primary.ask(
                    "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
                )
                == [(number,)]
            )
        )

    async def trust_the_standby(self) -> None:
        """From now on a commit answers when the standby has it, too."""
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.ask("SELECT pg_reload_conf()")
        await until(
            lambda: self.primary.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)]
        )

    async def part(self) -> None:
        """The standby hears nothing more of the primary."""
        self.standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.ask("SELECT pg_reload_conf()")
        await self.wait_for_standbys(0)

    async def fail_over(self) -> None:
        await asyncio.to_thread(self.primary.stop, "immediate")
        await asyncio.to_thread(self.standby.promote)


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    with clusters() as made:
        primary = made.make("primary")
        migrations.migrate(primary.url())
        standby = made.adopt(primary.clone("standby", "--write-recovery-conf"))
        standby.start()
        both = Pair(primary, standby)
        await both.wait_for_standbys(1)
        yield both


async def test_with_a_synchronous_standby_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    received: list[event_pb2.RecordedEvent] = []
    async with pair() as both:
        await both.trust_the_standby()
        async with serving(both.url, tmp_path, *QUICK) as server, stub_for(server.address) as stub:

            async def follow() -> None:
                """One stream, over all of it: no event that it was sent may be gone."""
                async for message in stub.Subscribe(pb.SubscribeRequest(after_position=0)):
                    received.extend(message.events)
                    if any(event.event_type == "end" for event in message.events):
                        return

            following = asyncio.create_task(follow())
            async with writing(stub, 6) as told:
                await told.reach(200)
                await both.fail_over()
                await told.reach(len(told.receipts) + 200)
            end = event_pb2.NewEvent(aggregate_type="end", aggregate_id="1", event_type="end")
            await stub.Emit(pb.EmitRequest(events=[end]))
            await asyncio.wait_for(following, 30)
            log = await read_log(stub)
    told.check(log)
    assert received == log
    assert len(told.receipts) >= 400


async def test_a_synchronous_standby_that_is_gone_holds_emits_up_and_acknowledges_none(
    tmp_path: Path,
) -> None:
    """No time limit may turn a commit that waits for its standby into a receipt."""
    flags = ("--statement-timeout-seconds", "1", "--lock-timeout-seconds", "1", *QUICK)
    async with pair() as both:
        await both.trust_the_standby()
        async with serving(both.url, tmp_path, *flags) as server, stub_for(server.address) as stub:
            async with writing(stub, 3) as told:
                await told.reach(20)
                await asyncio.to_thread(both.standby.stop, "immediate")
                before = len(told.receipts)
                # Time limits of 1 and 1 s, and 5 s of slack: several rounds of them.
                await asyncio.sleep(10)
                # What was on its way when the standby went may have been confirmed by it.
                assert len(told.receipts) <= before + 3
                await asyncio.to_thread(both.standby.start)
                await told.reach(len(told.receipts) + 50)
            log = await read_log(stub)
    told.check(log)


async def emit(stub: Any, marks: list[str], *, keys: bool = True) -> list[Any]:
    events = [
        event_pb2.NewEvent(
            aggregate_type="thing",
            aggregate_id=mark,  # of its own: a consumer delivers an aggregate's one by one
            event_type="n.added",
            json='{"n": 1}',
            metadata={"mark": mark},
            **({"idempotency_key": mark} if keys else {}),
        )
        for mark in marks
    ]
    answer = await stub.Emit(
        pb.EmitRequest(events=events, known_events=pb.KNOWN_EVENTS_POLICY_SKIP), timeout=30
    )
    return list(answer.receipts)


async def emit_again(stub: Any, marks: list[str]) -> list[Any]:
    """As a client does that retries."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await emit(stub, marks)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error
                await asyncio.sleep(0.05)


async def end_of(messages: AsyncIterator[pb.SubscribeResponse]) -> str:
    """The reason for which a stream ends, that has no more events for us."""
    try:
        async for message in messages:
            assert not message.events, "others, under positions that were handed out"
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    raise AssertionError("it ended well")


async def refused(stub: Any, **cursor: Any) -> str:
    try:
        await stub.Subscribe(pb.SubscribeRequest(**cursor), timeout=30).read()
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    raise AssertionError(f"{cursor} was taken")


async def test_without_one_what_is_lost_is_told_to_everybody_who_has_seen_it(
    tmp_path: Path,
) -> None:
    """Fifty events of which the standby has thirty."""
    first, then = ([f"{word}-{n}" for n in range(25)] for word in ("kept", "lost"))
    async with (
        pair() as both,
        serving(both.url, tmp_path, *QUICK, "--projections-accept-definitions") as server,
        stub_for(server.address) as stub,
        client_for(server.address) as client,
        projections_at(server.address, both.standby.url()) as projections,
        everlog.connect(f"everlog://{server.address}") as python,
    ):
        await projections.apply(sums())
        await client.create("worker")
        await emit(stub, first)
        async with client.member("worker", credit=100) as member:
            await member.ack(*await member.take(25))
            await projections.caught_up("sums")
            await until(
                lambda: both.standby.ask("SELECT head FROM everlog.tenants", "everlog") == [(25,)]
            )
            await until(
                lambda: (
                    both.standby.ask(
                        "SELECT min(checkpoint) FROM everlog.consumer_slots", "everlog"
                    )
                    == both.primary.ask(
                        "SELECT min(checkpoint) FROM everlog.consumer_slots", "everlog"
                    )
                )
            )
            await both.part()
            receipts = await emit(stub, then)
            assert [receipt.position for receipt in receipts] == list(range(26, 51))
            held = await member.take(25)
            assert sorted(positions(held)) == list(range(26, 51))
            subscription = python.subscribe(after_position=0)
            seen = [await anext(subscription) for _ in range(50)]
            raw = aiter(stub.Subscribe(pb.SubscribeRequest(after_position=50)))
            assert (await anext(raw)).HasField("caught_up")

            await both.fail_over()
            # A member that does not know yet: its answers are for events that there are no more.
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await member.answer(*map(acked, held))
            # Writers send again what they hold, by its key, and go on.
            again = await emit_again(stub, [*first, *then[::-1]])
            assert [receipt.deduplicated for receipt in again] == [True] * 25 + [False] * 25
            await emit_again(stub, ["after"])

            # Whoever followed live is told, and not handed others under the same positions.
            assert await end_of(raw) == "LOG_DIVERGED"
            with pytest.raises(everlog.LogDiverged):
                await asyncio.wait_for(anext(subscription), 30)
            ending = await member.end()
            assert ending is not None
            assert reason_of(ending) in {"LOG_DIVERGED", "STORAGE_UNAVAILABLE"}

        # So is whoever comes with a cursor of the lost future.
        assert await refused(stub, after_position=60) == "CURSOR_BEYOND_HEAD"
        last = {"after_position": 50, "after_event_id": str(seen[-1].event_id)}
        assert await refused(stub, **last) == "LOG_DIVERGED"
        with pytest.raises(everlog.LogDiverged):
            await anext(python.subscribe(after_position=50, after_event_id=seen[-1].event_id))

        # The consumer's place went back with the log: it is given every event that it has not
        # finished, and those that it finished in the lost future once more.
        log = await read_log(stub)
        assert_gap_free(log)
        assert [event.metadata["mark"] for event in log] == [*first, *then[::-1], "after"]
        async with client.member("worker", credit=100) as member:
            delivered = await member.take(26)
            assert sorted(positions(delivered)) == list(range(26, 52))
            by_position = {event.position: event.event_id for event in log}
            for delivery in delivered:
                assert delivery.event.event_id == by_position[delivery.event.position]
            await member.ack(*delivered)
            await member.leave()
        # The tables went back with it, too.
        await projections.caught_up("sums")
        assert projections.sums() == fold(log)


async def test_a_server_that_is_started_after_the_failover_finds_the_new_primary(
    tmp_path: Path,
) -> None:
    async with pair() as both:
        await both.fail_over()
        server: Server
        async with serving(both.url, tmp_path, *QUICK) as server, stub_for(server.address) as stub:
            await emit(stub, ["one"])
            assert len(await read_log(stub)) == 1
