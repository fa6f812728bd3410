"""Projectors: who works on what, in which turns, and what becomes of windows that take too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from everlog.v1 import projections_pb2 as pb
from everlog_server.settings import StorageSettings
from everlog_server.storage.database import Database
from everlog_server.storage.hints import Hints
from tests.projections import WAIT_SECONDS, Projections, fold, handler, projections_at, sums
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

Definition = pb.ProjectionDefinition


def processes(projections: list[pb.Projection]) -> set[str]:
    return {one.projector for one in projections}


async def listed(wire: Projections) -> list[pb.Projection]:
    return list((await wire.stub.ListProjections(pb.ListProjectionsRequest())).projections)


async def test_a_hint_of_another_process_reaches_all_who_listen(database_url: str) -> None:
    ours, theirs = (Hints(Database(database_url, StorageSettings())) for _ in range(2))
    heard: list[str] = []
    ours.listen(lambda: heard.append("listener"))
    tasks = [
        asyncio.create_task(ours.run(lambda: heard.append("own"))),
        asyncio.create_task(theirs.run(lambda: None)),
    ]
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(heard) < 6:  # The first two are for having connected.
                theirs.announce()
                await asyncio.sleep(0.02)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert heard[:6] == ["own", "listener"] * 3


async def test_servers_share_projections_and_take_over_those_of_a_dead_one(
    database_url: str, tmp_path: Path
) -> None:
    names = [f"shared_{number}" for number in range(8)]
    async with (
        serving(database_url, tmp_path) as first,
        projections_at(first.address, database_url) as wire,
    ):
        for name in names:
            await wire.apply(sums(name))
        # Both look while nobody holds one: each takes half of what it finds free at a time.
        async with serving(database_url, tmp_path) as second:
            async with asyncio.timeout(WAIT_SECONDS):
                while len(found := processes(await listed(wire))) != 2 or "" in found:
                    if "" not in found:  # One was quick enough to take them all: once more.
                        wire.execute(
                            "UPDATE everlog.projection_leases SET epoch = epoch + 1,"
                            " projector = '', lease_until = '-infinity'"
                        )
                        # Else the beat of one may be too late.
                        wire.execute("NOTIFY everlog_heads")
                    await asyncio.sleep(0.05)
            await wire.emit({"n": 1}, {"n": 2})
            for name in names:
                await wire.caught_up(name)
            await second.kill()
        wire.execute(f"DELETE FROM everlog.projectors WHERE projector LIKE '%/{second.pid}/%'")
        wire.execute(
            "UPDATE everlog.projection_leases SET lease_until = '-infinity'"
            f" WHERE projector LIKE '%/{second.pid}/%'"
        )
        await wire.emit({"n": 4})
        for name in names:
            await wire.caught_up(name)
            assert wire.sums(name) == {"1": (7, 3)}
        (left,) = processes(await listed(wire))
        assert f"/{first.pid}/" in left


async def test_leases_are_renewed_while_hints_come_without_a_pause(
    database_url: str, tmp_path: Path
) -> None:
    """Another process that writes hints up to a hundred times a second, and each is a look."""
    theirs = Hints(Database(database_url, StorageSettings()))

    async def hint() -> None:
        while True:
            theirs.announce()
            await asyncio.sleep(0.01)

    async with (
        serving(database_url, tmp_path) as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(sums("idle"))
        await wire.caught_up("idle")
        leases = (
            "SELECT l.epoch, q.lease_until FROM everlog.projection_leases AS l"
            " JOIN everlog.projectors AS q ON q.projector = l.projector"
        )
        tasks = [asyncio.create_task(theirs.run(lambda: None)), asyncio.create_task(hint())]
        try:
            await asyncio.sleep(1)
            ((epoch, before),) = wire.rows(leases)
            await asyncio.sleep(2.5)
            ((still, after),) = wire.rows(leases)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert still == epoch
        assert (after - before).total_seconds() > 1


async def test_a_long_rebuild_holds_nobody_for_longer_than_a_window(
    database_url: str, tmp_path: Path
) -> None:
    slow = Definition(
        name="slow",
        tables="CREATE TABLE t (n int)",
        handlers=[handler("n.added", "INSERT INTO t SELECT 1 FROM pg_sleep(0.02)")],
    )
    async with (
        serving(database_url, tmp_path) as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(sums("quick"))
        await wire.apply(
            Definition(name="slow", tables=slow.tables, handlers=[handler("n.added", "SELECT 1")])
        )
        for _ in range(3):
            await wire.emit(*({"n": 1} for _ in range(1000)))
        await wire.caught_up("slow")
        await wire.apply(slow, rebuild=True)
        for _ in range(5):
            await wire.emit({"n": 1})
            await wire.caught_up("quick")
            await wire.caught_up("slow")
        # A minute's work, of which little was done: they did not wait for it.
        assert (await wire.get("slow")).HasField("rebuild")
        assert wire.sums("quick") == fold(await wire.log())
        request = pb.RebuildProjectionRequest(name="slow", cancel=True)
        assert not (await wire.stub.RebuildProjection(request)).projection.HasField("rebuild")


async def test_a_window_that_takes_too_long_is_run_event_by_event(
    database_url: str, tmp_path: Path
) -> None:
    definition = sums("timed", on_failure=Definition.ON_FAILURE_PARK)
    definition.handlers[0].statements.append("SELECT pg_sleep(%(data.seconds)s)")
    async with (
        serving(database_url, tmp_path, "--statement-timeout-seconds", "1") as server,
        projections_at(server.address, database_url) as wire,
    ):
        # Together too slow; one by one, only one of them is.
        data = [{"n": number, "seconds": 0.01} for number in range(10)]
        data[4]["seconds"] = 100
        await wire.emit(*data)
        await wire.apply(definition)
        await wire.caught_up("timed")
        (error,) = await wire.errors("timed")
        assert (error.sqlstate, error.event.position, error.statement) == ("57014", 5, 2)
        assert wire.sums("timed") == {"1": (sum(range(10)) - 4, 9)}


async def test_a_failing_event_of_a_rebuild_waits_for_a_decision(
    database_url: str, tmp_path: Path
) -> None:
    lenient = sums("rebuilt")
    strict = sums("rebuilt")
    strict.handlers[0].statements.append("SELECT 1 / %(data.n)s::int")
    async with (
        serving(database_url, tmp_path) as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(lenient)
        _, zero, _ = await wire.emit({"n": 1}, {"n": 0}, {"n": 4})
        await wire.caught_up("rebuilt")

        async def failed(attempts: int) -> pb.Projection:
            return await wire.wait("rebuilt", lambda one: one.rebuild.failure.attempts == attempts)

        await wire.apply(strict, rebuild=True)
        projection = await failed(1)
        assert projection.state == pb.Projection.STATE_RUNNING
        assert not projection.HasField("failure")
        failure = projection.rebuild.failure
        assert (failure.sqlstate, failure.statement, failure.event.position) == ("22012", 2, 2)
        assert failure.in_rebuild
        assert failure.sql == strict.handlers[0].statements[2]
        assert dict(failure.parameters) == {"data.n": "0"}
        assert projection.rebuild.checkpoint == 1
        assert await wire.errors("rebuilt") == [failure]
        assert (await wire.effects(zero.event_id))[0].effect == (
            pb.ProjectionEffects.EFFECT_COMMITTED
        ), "the tables that are read have it"

        await wire.stub.RetryProjection(pb.RetryProjectionRequest(name="rebuilt"))
        await failed(2)
        request = pb.RebuildProjectionRequest(name="rebuilt", cancel=True)
        projection = (await wire.stub.RebuildProjection(request)).projection
        assert not projection.HasField("rebuild")
        assert projection.wants_rebuild
        assert not await wire.errors("rebuilt")

        await wire.stub.RebuildProjection(pb.RebuildProjectionRequest(name="rebuilt"))
        await failed(1)
        await wire.stub.SkipProjection(
            pb.SkipProjectionRequest(name="rebuilt", event_id=zero.event_id)
        )
        await wire.wait("rebuilt", lambda one: not one.HasField("rebuild"))
        assert wire.sums("rebuilt") == {"1": (5, 2)}
        await wire.emit({"n": 8})
        await wire.caught_up("rebuilt")
        assert wire.sums("rebuilt") == {"1": (13, 3)}
