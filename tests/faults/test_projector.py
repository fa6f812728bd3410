"""Exactly once: projectors are killed, PostgreSQL is, tables are rebuilt, while others write."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import psycopg
import pytest

from everlog.v1 import projections_pb2 as pb
from everlog_server.storage import migrations
from tests import forks
from tests.faults.test_postgres_restart import _pg_ctl, _start, own_postgres
from tests.projections import Projections, fold, projections_at, sums
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from everlog_server.storage.embedded import EmbeddedPostgres

__all__ = ["own_postgres"]


class ProjectorProcess:
    """An `everlog project`."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._log = (folder / "projector.log").open("ab")
        self.process = forks.everlog(
            "project",
            environment={**os.environ, "EVERLOG_DATABASE_URL": database_url},
            output=self._log.fileno(),
        )

    async def end(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            await self.process.wait()
        self._log.close()


@asynccontextmanager
async def writing(wire: Projections) -> AsyncIterator[None]:
    """Somebody emits, until the block ends."""

    async def write() -> None:
        while True:
            try:
                await wire.emit(
                    *({"n": random.randrange(100)} for _ in range(random.randrange(1, 20))),
                    aggregate=str(random.randrange(10)),
                )
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def assert_equals_a_fold(wire: Projections, schema: str = "sums") -> None:
    await wire.caught_up("sums")
    assert wire.sums(schema) == fold(await wire.log())


def free_all(wire: Projections) -> None:
    """Has nobody hold anything: whoever did must be dead."""
    wire.execute("DELETE FROM everlog.projectors")
    wire.execute("UPDATE everlog.projection_leases SET lease_until = '-infinity'")


async def _kill_projectors(database_url: str, folder: Path, kills: int) -> None:
    async with (
        serving(database_url, folder, "--no-projections-run") as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(sums())
        async with writing(wire):
            for _ in range(kills):
                # A dead one's lease is not waited for: its death is what is tested here.
                free_all(wire)
                before = (await wire.get("sums")).checkpoint
                projector = ProjectorProcess(database_url, folder)
                try:
                    await wire.wait("sums", lambda one, before=before: one.checkpoint > before)
                    await asyncio.sleep(random.uniform(0, 0.2))
                finally:
                    await projector.end()
        free_all(wire)
        projector = ProjectorProcess(database_url, folder)
        try:
            await assert_equals_a_fold(wire)
        finally:
            await projector.end(signal.SIGTERM)


async def test_a_projector_that_is_killed_applies_each_event_once(
    database_url: str, tmp_path: Path
) -> None:
    await _kill_projectors(database_url, tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_projector_that_is_killed_a_hundred_times_applies_each_event_once(
    database_url: str, tmp_path: Path
) -> None:
    await _kill_projectors(database_url, tmp_path, 100)


async def test_another_projector_takes_over_within_seconds(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path, "--no-projections-run") as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(sums())
        first = ProjectorProcess(database_url, tmp_path)
        try:
            holder = (await wire.wait("sums", lambda one: bool(one.projector))).projector
            second = ProjectorProcess(database_url, tmp_path)
            try:
                assert str(first.process.pid) in holder
                first.process.send_signal(signal.SIGSTOP)
                await wire.emit({"n": 1})
                taken = await wire.wait(
                    "sums", lambda one: one.checkpoint == 1 and bool(one.projector)
                )
                assert str(second.process.pid) in taken.projector
                # The one that comes back has nothing to say any more.
                first.process.send_signal(signal.SIGCONT)
                await wire.emit(*({"n": 1} for _ in range(100)))
                await assert_equals_a_fold(wire)
                assert str(second.process.pid) in (await wire.get("sums")).projector
            finally:
                await second.end()
        finally:
            await first.end()


async def test_exactly_once_across_a_crash_of_postgres(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    migrations.migrate(own_postgres.dsn)
    async with (
        serving(own_postgres.dsn, tmp_path) as server,
        projections_at(server.address, own_postgres.dsn) as wire,
    ):
        await wire.apply(sums())
        async with writing(wire):
            for _ in range(3):
                await asyncio.sleep(random.uniform(0.3, 0.6))
                await asyncio.to_thread(_pg_ctl, own_postgres, "stop", "--mode=immediate")
                await asyncio.to_thread(_start, own_postgres)
        async with asyncio.timeout(60):
            while True:
                try:
                    await assert_equals_a_fold(wire)
                    break
                except (grpc.aio.AioRpcError, psycopg.OperationalError):
                    await asyncio.sleep(0.1)


async def test_a_reader_never_misses_the_tables_while_they_are_rebuilt(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.emit(*({"n": 1} for _ in range(1000)))
        await wire.apply(sums())
        await wire.caught_up("sums")
        reader = asyncio.create_task(_read_on(database_url))
        async with writing(wire):
            for _ in range(3):
                built = (await wire.get("sums")).built_time
                await wire.stub.RebuildProjection(pb.RebuildProjectionRequest(name="sums"))
                await wire.wait("sums", lambda one, built=built: one.built_time != built)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await assert_equals_a_fold(wire)


async def _read_on(database_url: str) -> None:
    """Reads every few ms: never fewer events than before, and both tables of one moment."""
    seen = 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(
                "SELECT (SELECT sum(events) FROM sums.sums), (SELECT count(*) FROM sums.trail)"
            )
            row = await cursor.fetchone()
            assert row is not None
            assert row[0] == row[1], row
            assert row[0] >= seen, f"{row[0]} after {seen}"
            seen = row[0]
            await asyncio.sleep(0.003)
