"""A real PostgreSQL of everlog's own, for those who have not configured one.

    <data folder>/          everlog.lock, and:
        pgdata/             the cluster; like the next two, only PostgreSQL's user may enter it
        run/                the Unix socket; in a private folder under /tmp if this path is too long
        log/                PostgreSQL's log, one file for each day of the week
        postgresql-18/      a copy of the programs, only where the installed ones can't be reached

- There is no TCP port: whoever may enter `run/` may connect, nobody else.
- One everlog per data folder: a second one is refused. The lock is the kernel's (flock), so that it
  goes with its process, even by kill -9.
- A PostgreSQL that a killed everlog left behind is found and used again.
- One that dies while we run (kill -9, out of memory) is started again within seconds.
- An ephemeral one ends, and its folder goes, with this process, after kill -9 too.
- Full durability, ephemeral or not: fsync and synchronous_commit stay on.

start() and stop() block; they are meant for before the event loop starts and after it has ended.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import structlog
from psycopg.sql import SQL, Identifier

from everlog_server.storage import data_folder
from everlog_server.storage.postgres_binaries import (
    MAJOR_VERSION,
    EmbeddedPostgresError,
    Owner,
    choose_owner,
    find_programs,
)
from everlog_server.storage.postmaster import DATABASE, PORT, SUPERUSER, dsn_at, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

# `struct sockaddr_un` holds 107 bytes of path on Linux, 103 on macOS.
_SOCKET_PATH_BYTES_MAX = 103
# Crash recovery after a power cut replays up to max_wal_size of log before PostgreSQL answers.
_START_TIMEOUT_SECONDS = 300
_STOP_TIMEOUT_SECONDS = 60
_LOOK_INTERVAL_SECONDS = 1.0
# The children of a killed postmaster notice, and end.
_CHILDREN_END_SECONDS = 10

# Written into postgresql.conf once, at initdb, where an operator may change them. wal_compression
# stays off: these binaries are built without lz4, and pglz costs more than it saves.
_SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
}

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """A PostgreSQL cluster in a folder, started and stopped by this process."""

    def __init__(self, data_dir: Path | None = None, *, ephemeral: bool = False) -> None:
        """`data_dir` is made if missing; None: the default one, or a temporary one if ephemeral."""
        if ephemeral and data_dir is not None:
            raise EmbeddedPostgresError(
                f"an ephemeral PostgreSQL removes its data folder: it can't have {data_dir}"
            )
        self.ephemeral = ephemeral
        self._configured_data_dir = data_dir
        self._data_dir: Path | None = None
        self._socket_dir: Path | None = None
        self._programs: Path | None = None
        self._postmaster = 0
        self._stopping = threading.Event()
        self._started = contextlib.ExitStack()

    @property
    def data_dir(self) -> Path:
        """The data folder. An ephemeral one exists from start() to stop()."""
        return _known(self._data_dir)

    @property
    def programs(self) -> Path:
        """The folder of pg_dump, psql and the others."""
        return _known(self._programs)

    @property
    def dsn(self) -> str:
        """A URL for the superuser on database `everlog`. It holds no secret."""
        return self._dsn(DATABASE)

    def start(self) -> None:
        """Starts PostgreSQL, or takes over the one that runs, and makes the database if missing.

        Raises DataFolderInUseError when another everlog has the folder, EmbeddedPostgresError when
        PostgreSQL can't be run; then everything is as it was before.
        """
        try:
            self._start()
        except OSError as error:
            folder = self._data_dir or self._configured_data_dir or data_folder.default_data_dir()
            where = f" ({error.filename})" if error.filename else ""
            raise EmbeddedPostgresError(
                f"{folder} can't be used as the data folder: {error.strerror}{where}"
            ) from error

    def _start(self) -> None:
        self._stopping.clear()
        with contextlib.ExitStack() as undo:
            if self.ephemeral:
                self._data_dir = undo.enter_context(data_folder.temporary())
            else:
                configured = self._configured_data_dir or data_folder.default_data_dir()
                self._data_dir = data_folder.make_lasting(configured)
            undo.enter_context(data_folder.locked(self._data_dir / "everlog.lock"))
            cluster = self._data_dir / "pgdata"
            owner = choose_owner(cluster)
            if not owner.may_enter(self._data_dir):
                raise EmbeddedPostgresError(
                    f"PostgreSQL is to run as user {owner.name}, who may not enter {self.data_dir} "
                    "or one of its parents: choose another data folder, such as /var/lib/everlog"
                )
            copies = self._data_dir / f"postgresql-{MAJOR_VERSION}"
            self._programs = find_programs(owner, copies=copies)
            self._init_cluster(cluster, owner=owner)
            undo.enter_context(self._running(cluster, owner=owner))
            self._make_database()
            undo.enter_context(self._watched(cluster, owner=owner))
            self._started = undo.pop_all()

    def stop(self) -> None:
        """Ends connections and PostgreSQL, and removes an ephemeral folder.

        A second call does nothing. Raises EmbeddedPostgresError when PostgreSQL runs on after 60 s.
        """
        self._started.close()

    def _init_cluster(self, cluster: Path, *, owner: Owner) -> None:
        """Makes the cluster if there is none; it gets its name only when it is whole."""
        if cluster.exists():
            found = (cluster / "PG_VERSION").read_text().strip()
            if found != MAJOR_VERSION:
                raise EmbeddedPostgresError(
                    f"{cluster} was made by PostgreSQL {found}, and this everlog carries "
                    f"{MAJOR_VERSION}: export it with the everlog that made it, or run pg_upgrade"
                )
            return
        unfinished = cluster.with_name("pgdata.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        owner.make_folder(unfinished)
        done = owner.run(
            self.programs / "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth=trust",  # The folder of the socket is the guard.
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--data-checksums",
            *(["--no-sync"] if self.ephemeral else []),
            *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
            timeout_seconds=_START_TIMEOUT_SECONDS,
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        unfinished.rename(cluster)

    @contextlib.contextmanager
    def _running(self, cluster: Path, *, owner: Owner) -> Iterator[None]:
        """PostgreSQL runs and answers within the block; it is stopped at the block's end."""
        if not self._take_over(cluster):
            self._socket_dir = self._make_socket_dir(owner)
            self._launch(cluster, owner=owner)
        self._postmaster = _recorded_pid(cluster)
        try:
            yield
        finally:
            if runs(self._postmaster):
                try:
                    self._pg_ctl(
                        owner, "stop", cluster, "--mode=fast", wait_seconds=_STOP_TIMEOUT_SECONDS
                    )
                except EmbeddedPostgresError:
                    # It was killed meanwhile, or told to end: its pid file goes before it does.
                    _wait_for_children(cluster)
                    if runs(self._postmaster):
                        raise
            _wait_for_children(cluster)
            if self._socket_dir is not None and self._socket_dir.parent != self._data_dir:
                shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _launch(self, cluster: Path, *, owner: Owner) -> None:
        """Starts PostgreSQL, with its socket in the folder that is made already, and waits."""
        logs = owner.make_folder(self.data_dir / "log")
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{self._socket_dir}"',
            "unix_socket_permissions": "0700",
            "log_directory": str(logs),
        }
        self._pg_ctl(
            owner,
            "start",
            cluster,
            f"--log={logs / 'start.log'}",
            "--options=" + shlex.join(f"--{name}={value}" for name, value in options.items()),
            wait_seconds=_START_TIMEOUT_SECONDS,
        )

    def _pg_ctl(
        self, owner: Owner, action: str, cluster: Path, *options: str, wait_seconds: int
    ) -> None:
        done = owner.run(
            self.programs / "pg_ctl",
            action,
            f"--pgdata={cluster}",
            "--wait",
            f"--timeout={wait_seconds}",
            *options,
            timeout_seconds=wait_seconds + 10,
        )
        if done.returncode:
            raise EmbeddedPostgresError(
                f"pg_ctl {action} failed: {done.stderr.strip()} See {self.data_dir / 'log'}"
            )

    @contextlib.contextmanager
    def _watched(self, cluster: Path, *, owner: Owner) -> Iterator[None]:
        """Within the block a thread starts PostgreSQL again when it has died."""

        def watch() -> None:
            while not self._stopping.wait(_LOOK_INTERVAL_SECONDS):
                if runs(self._postmaster):
                    continue
                try:
                    self._start_again(cluster, owner=owner)
                except (EmbeddedPostgresError, OSError, ValueError, IndexError) as error:
                    _log.error("postgres_restart_failed", error=str(error))

        watcher = threading.Thread(target=watch, name="postgres-watcher", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._stopping.set()
            watcher.join()  # A start that has begun comes to its end before the stop.

    def _start_again(self, cluster: Path, *, owner: Owner) -> None:
        """Starts PostgreSQL with the same options, or takes over what somebody else has started."""
        died = self._postmaster
        if not self._take_over(cluster):
            if self._stopping.is_set():
                return
            for stale in _known(self._socket_dir).iterdir():
                stale.unlink()
            self._launch(cluster, owner=owner)
        self._postmaster = _recorded_pid(cluster)
        _log.error(
            "postgres_restarted",
            died_pid=died,
            pid=self._postmaster,
            logs=str(self.data_dir / "log"),
        )

    def _make_socket_dir(self, owner: Owner) -> Path:
        inside = self.data_dir / "run"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES_MAX:
            for stale in owner.make_folder(inside).iterdir():
                stale.unlink()  # The socket's lock file is as misleading as the pid file.
            return inside
        # Not TMPDIR, which may be as long.
        outside = Path(tempfile.mkdtemp(prefix="everlog-", dir="/tmp"))
        os.chown(outside, owner.uid, owner.gid)
        return outside

    def _take_over(self, cluster: Path) -> bool:
        """Finds the PostgreSQL that a killed everlog left behind; False: there is none."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while (pids := _processes(cluster)) and not self._stopping.is_set():
            with contextlib.suppress(OSError, IndexError, psycopg.OperationalError):
                pid_file = (cluster / "postmaster.pid").read_text().splitlines()
                self._socket_dir = Path(pid_file[4])
                psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
                _log.info("postgres_taken_over", pid=pid_file[0], data_dir=str(self.data_dir))
                return True
            # It is starting, recovering or shutting down; or killed, and its children are ending.
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL runs in {cluster} and does not answer: end its processes {pids}"
                )
            time.sleep(0.1)
        return False

    def _make_database(self) -> None:
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if found.rowcount == 0:
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))

    def _dsn(self, database: str) -> str:
        return dsn_at(_known(self._socket_dir), database)


def _known(path: Path | None) -> Path:
    if path is None:
        raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
    return path


def _recorded_pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().splitlines()[0])


def _wait_for_children(cluster: Path) -> None:
    """Waits until what a killed postmaster has left behind has ended, too."""
    deadline = time.monotonic() + _CHILDREN_END_SECONDS
    while _processes(cluster) and time.monotonic() < deadline:
        time.sleep(0.1)


def _processes(cluster: Path) -> list[int]:
    """The pids of the PostgreSQL that runs on a cluster; empty: none does, and none is recorded.

    After kill -9 the pid file stays, and its pid may have been given to another process since
    (likely when a container was restarted): PostgreSQL would then refuse to start. So on Linux not
    the file counts, but who works in the cluster's folder, as every process of PostgreSQL does.
    """
    pid_file = cluster / "postmaster.pid"
    if sys.platform != "linux":
        try:
            pid = int(pid_file.read_text().splitlines()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return []  # PostgreSQL itself deals with a file whose process is gone.
        return [pid]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It has ended, or is another user's.
            if (process / "comm").read_text() == "postgres\n" and (process / "cwd").samefile(
                cluster
            ):
                found.append(int(process.name))
    if not found:
        pid_file.unlink(missing_ok=True)
    return found
