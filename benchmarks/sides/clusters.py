"""PostgreSQL clusters of the harness: everlog's embedded one, and Debian's (for pgcrypto).

Both have everlog's own settings and full durability. Each measurement gets a database of its own.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.sides.peers import PeerMissing
from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
}
_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL that runs."""

    dsn: str
    pid: int
    programs: Path

    @property
    def socket_dir(self) -> str:
        """The folder of its socket."""
        return parse_qs(urlsplit(self.dsn).query)["host"][0]

    def url(self, database: str) -> str:
        """Where one of its databases is."""
        return urlsplit(self.dsn)._replace(path=f"/{database}").geturl()

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Runs a statement; returns the first value of its answer, as text."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""

    @contextmanager
    def database(self, *, migrated: bool = False) -> Iterator[str]:
        """The name of a new database, dropped at the end; migrated: with everlog's schema."""
        name = f"bench_{next(_names)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            if migrated:
                migrations.migrate(self.url(name))
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @property
    def version(self) -> str:
        """Such as 18.1."""
        return self.execute("SHOW server_version").split()[0]


@contextmanager
def embedded_cluster() -> Iterator[Cluster]:
    """The PostgreSQL that everlog carries."""
    postgres = EmbeddedPostgres(ephemeral=True)
    postgres.start()
    try:
        pid = _postmaster_pid(postgres.data_dir / "pgdata")
        yield Cluster(postgres.dsn, pid, postgres.programs)
    finally:
        postgres.stop()


@contextmanager
def debian_cluster() -> Iterator[Cluster]:
    """Debian's newest installed PostgreSQL; raises PeerMissing when there is none with contrib."""
    programs = find_debian()
    folder = Path(tempfile.mkdtemp(prefix="everlog-bench-"))
    user: str | None = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
        user = "postgres"
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    cluster = folder / "pgdata"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    try:
        run(
            str(programs / "initdb"),
            *(f"--pgdata={cluster}", "--username=postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"),
        )
        control = (str(programs / "pg_ctl"), f"--pgdata={cluster}", "--wait", "--silent")
        options = shlex.join([f"--unix_socket_directories={folder}", *settings])
        run(*control, "start", f"--log={folder / 'log'}", f"--options={options}")
        try:
            dsn = f"postgresql://postgres@/postgres?host={folder}&port=5432"
            yield Cluster(dsn, _postmaster_pid(cluster), programs)
        finally:
            run(*control, "stop", "--mode=fast")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_debian() -> Path:
    """The folder of its programs. Installs it from Debian's packages when this is root."""
    if not _debian_programs() and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(
            ["apt-get", "install", "-qq", "--yes", "postgresql", "postgresql-contrib"],
            check=False,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    found = _debian_programs()
    if not found:
        raise PeerMissing("no PostgreSQL with pgcrypto: apt install postgresql postgresql-contrib")
    return found[-1]


def _debian_programs() -> list[Path]:
    control = "extension/pgcrypto.control"
    versions = [
        path
        for path in _DEBIAN.glob("[0-9]*")
        if Path("/usr/share/postgresql", path.name, control).exists()
    ]
    return [path / "bin" for path in sorted(versions, key=lambda path: int(path.name))]


def _postmaster_pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().splitlines()[0])
