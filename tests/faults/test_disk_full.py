"""PostgreSQL's disk fills up: emits are refused, nothing is half done, and then it goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog_server.storage import migrations
from everlog_server.storage.postgres_binaries import choose_owner
from tests.faults.acknowledged import writing
from tests.faults.clusters import clusters
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
_DISK_MIB = 192


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of its own, for PostgreSQL's user; needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="everlog-disk-", dir="/tmp"))
    owner = choose_owner(folder / "none")
    options = f"size={_DISK_MIB}m,uid={owner.uid},gid={owner.gid},mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        if mounted.returncode:
            pytest.skip(f"this root may not mount a disk: {mounted.stderr.strip()}")
        yield folder
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def free_mib(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**20


def fill(folder: Path, *, leave_mib: float) -> Path:
    """A file that takes the rest of the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        while free_mib(folder) > leave_mib + 1:
            file.write(bytes(2**20))
            file.flush()
    return ballast


@pytest.mark.parametrize("what_is_full", ["tables", "tables and log"])
async def test_while_the_disk_is_full_emits_are_refused_and_then_they_go_on(
    what_is_full: str, tmp_path: Path
) -> None:
    """`tables`: the log of PostgreSQL has room of its own, as operators are told to give it.

    Without it PostgreSQL stops as a whole when it can't write its log, and must be started again.
    """
    flags = ("--append-commit-resolution-seconds", "0.5")
    with small_disk() as disk, clusters() as made:
        cluster = made.make(
            "one",
            within=disk,
            wal=made.folder / "wal" if what_is_full == "tables" else None,
            max_wal_size="64MB",
            min_wal_size="32MB",
            wal_recycle="off",
        )
        migrations.migrate(cluster.url())
        async with serving(cluster.url(), tmp_path, *flags) as server:
            async with (
                stub_for(server.address) as stub,
                writing(stub, 4, padding="x" * 20_000) as told,
            ):
                await told.reach(50)
                ballast = await asyncio.to_thread(fill, disk, leave_mib=4)
                await told.reach_reason("STORAGE_UNAVAILABLE")
                if what_is_full == "tables":
                    # PostgreSQL is up: what is there can be read.
                    assert len(await read_log(stub)) >= 50
                await asyncio.sleep(1)
                ballast.unlink()
                if not await asyncio.to_thread(_answers, cluster.url("postgres")):
                    await asyncio.to_thread(cluster.stop, "immediate")
                    await asyncio.to_thread(cluster.start)
                await told.reach(len(told.receipts) + 50)
            async with stub_for(server.address) as stub:
                log = await read_log(stub)
            assert await server.stop() == 0
            assert "Traceback" not in server.log
    told.check(log)
    assert told.with_reasons({"STORAGE_UNAVAILABLE"})


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
