"""PostgreSQL clusters of a test's own, on TCP ports of 127.0.0.1: to fill, kill, copy and promote.

The embedded one of the house is started by its own code, has no port, and heals itself. These are
bare: `initdb`, `pg_ctl`, `pg_basebackup` of the same programs, run as the same user.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import TupleRow

from everlog_server.storage.postgres_binaries import Owner, choose_owner, find_programs
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_MAX = 60.0
_SETTINGS = {
    # Durable in what PostgreSQL believes; that this machine loses power is none of these faults.
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "80",
    "max_wal_senders": "4",
    "timezone": "UTC",
    "logging_collector": "off",
    "unix_socket_directories": "''",
    "listen_addresses": "'127.0.0.1'",
}


class Programs:
    """The embedded PostgreSQL's programs, and who may run them."""

    def __init__(self, folder: Path) -> None:
        """`folder` exists, and may be entered by everybody; copies are laid there if need be."""
        self.owner: Owner = choose_owner(folder / "none")
        self.folder = find_programs(self.owner, copies=folder)

    def run(self, program: str, *words: str | Path) -> str:
        """Runs one to its end; what it says. Fails the test if it fails."""
        done = self.owner.run(self.folder / program, *words, timeout_seconds=_SECONDS_MAX)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout


@dataclass(slots=True)
class Cluster:
    """One cluster, in a folder that is its own."""

    programs: Programs
    data: Path
    port: int

    @property
    def log(self) -> Path:
        return self.data.with_name(f"{self.data.name}.log")

    def url(self, database: str = "everlog", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def init(self, *options: str) -> None:
        """Makes it, with this configuration; `options` are initdb's."""
        self.programs.owner.make_folder(self.data)
        self.programs.run(
            "initdb",
            f"--pgdata={self.data}",
            *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"),
            *("--locale-provider=builtin", "--locale=C.UTF-8", *options),
        )
        self.configure(**_SETTINGS)

    def configure(self, **settings: str) -> None:
        """Adds lines to its postgresql.conf: the last one of a name holds."""
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{lines}port = {self.port}\n")

    def start(self, *, wait: bool = True) -> None:
        """Returns when it answers; without `wait`, at once."""
        self._pg_ctl("start", f"--log={self.log}", "--wait" if wait else "--no-wait")

    def stop(self, mode: str = "fast") -> None:
        """`immediate`: as if it were killed."""
        if (self.data / "postmaster.pid").exists():
            self._pg_ctl("stop", f"--mode={mode}", "--wait")

    def promote(self) -> None:
        """Makes a standby a primary; returns when it is."""
        self._pg_ctl("promote", "--wait")

    def create_database(self) -> str:
        """Makes the database `everlog`; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE everlog")
        return self.url()

    def ask(self, statement: str, database: str = "postgres") -> list[TupleRow]:
        """The rows of one statement, as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def clone(self, name: str, *options: str) -> Cluster:
        """A base backup of it beside it, which has not been started."""
        other = Cluster(self.programs, self.data.with_name(name), free_port())
        self.programs.run(
            "pg_basebackup",
            f"--dbname={self.url('postgres')}",
            f"--pgdata={other.data}",
            *("--wal-method=stream", "--checkpoint=fast", "--no-sync"),
            *options,
        )
        other.configure()
        return other

    def _pg_ctl(self, action: str, *options: str) -> None:
        words = (f"--pgdata={self.data}", f"--timeout={_SECONDS_MAX:.0f}", *options)
        self.programs.run("pg_ctl", action, *words)


class Clusters:
    """The clusters of a test, in one folder; all are ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = Programs(folder)
        self._made: list[Cluster] = []

    def make(
        self, name: str, *, within: Path | None = None, wal: Path | None = None, **settings: str
    ) -> Cluster:
        """A cluster that runs, with an empty database `everlog`.

        `within` is another place for it, `wal` one for its log.
        """
        cluster = Cluster(self.programs, (within or self.folder) / name, free_port())
        cluster.init(*([f"--waldir={wal}"] if wal else []))
        cluster.configure(**settings)
        self.adopt(cluster).start()
        cluster.create_database()
        return cluster

    def adopt(self, cluster: Cluster) -> Cluster:
        """Has it ended with the others."""
        self._made.append(cluster)
        return cluster

    def close(self) -> None:
        for cluster in self._made:
            cluster.stop("immediate")


@contextmanager
def clusters() -> Iterator[Clusters]:
    """A place for clusters; they, and it, go with the block."""
    # Not pytest's tmp_path, which only its owner may enter: PostgreSQL is another user, for root.
    folder = Path(tempfile.mkdtemp(prefix="everlog-clusters-"))
    folder.chmod(0o755)
    owner = choose_owner(folder / "none")
    inside = folder / "data"
    owner.make_folder(inside)
    inside.chmod(0o755)
    made = Clusters(inside)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
