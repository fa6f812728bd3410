"""Backups are restored for real; and a log that went back is recognised by whoever had read on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import everlog
from everlog_server.storage import migrations
from tests.factories import assert_gap_free
from tests.faults.clusters import Cluster, Clusters, clusters
from tests.faults.test_failover import emit, refused
from tests.members import client_for, positions
from tests.projections import fold, projections_at, sums
from tests.servers import Server, read_log, serving, stub_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
SCRIPT = Path(__file__).parents[2] / "docs" / "operations" / "backup-drill.sh"


@pytest.fixture
def made() -> Iterator[Clusters]:
    with clusters() as made:
        yield made


def drill(made: Clusters, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The script, as PostgreSQL's user, with the embedded PostgreSQL's programs."""
    programs = made.programs
    # Where its user may read it.
    script = Path(shutil.copy(SCRIPT, made.folder))
    script.chmod(0o755)
    return programs.owner.run(
        *("env", f"PATH={programs.folder}:/usr/bin:/bin", "PGUSER=postgres", "sh", script, *words),
        timeout_seconds=120,
    )


async def filled(cluster: Cluster, folder: Path, events: int) -> None:
    migrations.migrate(cluster.url())
    async with serving(cluster.url(), folder) as server, stub_for(server.address) as stub:
        await emit(stub, [f"event-{n}" for n in range(events)])


async def test_a_dump_and_a_base_backup_are_restored_and_found_whole(
    made: Clusters, tmp_path: Path
) -> None:
    cluster = made.make("one")
    await filled(cluster, tmp_path, 40)
    for how in ("dump", "base"):
        done = await asyncio.to_thread(drill, made, how, cluster.url(), made.folder / how)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "whole: tenant default, head 40, 40 events, the last recorded 2" in done.stdout
        assert not (made.folder / how / "data" / "postmaster.pid").exists(), "it was left running"


async def test_a_backup_of_a_log_that_lacks_an_event_is_found_broken(
    made: Clusters, tmp_path: Path
) -> None:
    cluster = made.make("one")
    await filled(cluster, tmp_path, 5)
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger forbids it
        connection.execute("DELETE FROM everlog.events WHERE position = 3")
    done = await asyncio.to_thread(drill, made, "dump", cluster.url(), made.folder / "dump")
    assert done.returncode == 1, done.stdout
    assert "BROKEN: tenant default, head 5, 4 events" in done.stdout
    assert "no good" in done.stderr


async def test_a_log_that_went_back_is_recognised_by_all_who_had_read_on(
    made: Clusters, tmp_path: Path
) -> None:
    """Base backup, WAL archive, a restore to a point before the last events, in the same place."""
    first, then = ([f"{word}-{n}" for n in range(25)] for word in ("kept", "lost"))
    archive = made.folder / "wal"
    made.programs.owner.make_folder(archive)
    cluster = made.make("one", archive_mode="on", archive_command=f"'cp %p {archive}/%f'")
    migrations.migrate(cluster.url())
    server = Server(cluster.url(), tmp_path, "--projections-accept-definitions")
    cursor: dict[str, Any]
    try:
        await server.start()
        async with (
            stub_for(server.address) as stub,
            client_for(server.address) as client,
            projections_at(server.address, cluster.url()) as projections,
        ):
            await projections.apply(sums())
            await client.create("worker")
            await emit(stub, first[:10])
            base = made.folder / "base"
            await asyncio.to_thread(
                made.programs.run,
                *("pg_basebackup", f"--dbname={cluster.url()}", f"--pgdata={base}"),
                *("--checkpoint=fast", "--no-sync"),
            )
            await emit(stub, first[10:])
            async with client.member("worker", credit=100) as member:
                await member.ack(*await member.take(25))
                await member.leave()
            await projections.caught_up("sums")
            cluster.ask("SELECT pg_create_restore_point('before_the_mistake')")
            await emit(stub, then)
            async with client.member("worker", credit=100) as member:
                await member.ack(*await member.take(25))
                await member.leave()
            await projections.caught_up("sums")
            last = (await read_log(stub))[-1]
            cursor = {"after_position": last.position, "after_event_id": last.event_id}
        assert await server.stop() == 0
        cluster.ask("SELECT pg_switch_wal()")
        await asyncio.to_thread(cluster.stop)

        words = ("until", base, archive, "before_the_mistake", made.folder / "restored")
        done = await asyncio.to_thread(drill, made, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "whole: tenant default, head 25, 25 events" in done.stdout

        # In the place of the one that it was taken of.
        restored = made.adopt(
            Cluster(made.programs, made.folder / "restored" / "data", cluster.port)
        )
        restored.configure(recovery_target_name="''", restore_command="''", archive_mode="off")
        await asyncio.to_thread(restored.start)
        await server.start()
        async with (
            stub_for(server.address) as stub,
            client_for(server.address) as client,
            projections_at(server.address, restored.url()) as projections,
            everlog.connect(f"everlog://{server.address}") as python,
        ):
            # The log is shorter than what they have read.
            assert await refused(stub, **cursor) == "CURSOR_BEYOND_HEAD"
            assert await refused(stub, after_position=50) == "CURSOR_BEYOND_HEAD"
            with pytest.raises(everlog.CursorBeyondHead):
                await anext(python.subscribe(**cursor))

            # It grows past it, by other events: only the event's id tells.
            receipts = await emit(stub, [*first, *(f"new-{n}" for n in range(30))])
            assert [one.deduplicated for one in receipts] == [True] * 25 + [False] * 30
            assert await refused(stub, **cursor) == "LOG_DIVERGED"
            with pytest.raises(everlog.LogDiverged):
                await anext(python.subscribe(**cursor))
            stretch = python.replay(**cursor)
            with pytest.raises(everlog.LogDiverged):
                await anext(aiter(stretch))

            # Places that are kept in the database went back with it: nothing is skipped.
            log = await read_log(stub)
            assert_gap_free(log)
            async with client.member("worker", credit=100) as member:
                delivered = await member.take(30)
                assert sorted(positions(delivered)) == list(range(26, 56))
                by_position = {event.position: event.event_id for event in log}
                for one in delivered:
                    assert one.event.event_id == by_position[one.event.position]
                await member.ack(*delivered)
                await member.leave()
            await projections.caught_up("sums")
            assert projections.sums() == fold(log)
        assert await server.stop() == 0
        assert "Traceback" not in server.log
    finally:
        await server.close()
