"""A PostgreSQL cluster of a run's own, over TCP, to be killed and started again."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres
from everlog_server.storage.postgres_binaries import Owner, choose_owner
from everlog_server.storage.postmaster import runs
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.clocks import Clock

_NAMES = ("everlog", "everlog-server")


class Cluster(EmbeddedPostgres):
    """One whose death nobody mends but `start_again`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(ephemeral=True)
        self.port = free_port()
        self._clock = clock

    @contextmanager
    def _watched(self, cluster: Path, *, owner: Owner) -> Iterator[None]:
        yield

    def _dsn(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _pg_ctl(
        self, owner: Owner, action: str, cluster: Path, *options: str, wait_seconds: int
    ) -> None:
        if action == "start":
            ours = f" --listen_addresses=127.0.0.1 --port={self.port}"
            options = tuple(one + ours if one.startswith("--options=") else one for one in options)
            if self._clock.environment:
                options += ("-p", str(self._wrapper()))
        super()._pg_ctl(owner, action, cluster, *options, wait_seconds=wait_seconds)

    def _wrapper(self) -> Path:
        """A program that is postgres with our clock."""
        wrapper = self.data_dir / "log" / "postgres"
        words = shlex.join(f"{name}={value}" for name, value in self._clock.environment.items())
        wrapper.write_text(f'#!/bin/sh\nexec env {words} {self.programs / "postgres"} "$@"\n')
        wrapper.chmod(0o755)
        return wrapper

    def kill(self, number: int) -> None:
        """Signals the postmaster: SIGKILL, or SIGQUIT for an immediate stop."""
        with suppress(ProcessLookupError):
            os.kill(self._postmaster, number)

    def wait_until_dead(self) -> None:
        """Returns when the postmaster is gone."""
        while runs(self._postmaster):
            time.sleep(0.01)

    def start_again(self) -> None:
        """Starts it, once all that is left of a dead one has ended; nothing if it runs."""
        cluster = self.data_dir / "pgdata"
        if runs(self._postmaster):
            return
        self._start_again(cluster, owner=choose_owner(cluster))

    def backends(self) -> list[int]:
        """The processes that serve everlog's connections."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = ANY(%s)", [list(_NAMES)]
            ).fetchall()
        return [pid for (pid,) in rows]

    def migrated(self) -> str:
        """The URL of the database, with its schema."""
        migrations.migrate(self.dsn)
        return self.dsn

    def through(self, port: int) -> str:
        """The same by way of another port."""
        return urlsplit(self.dsn)._replace(netloc=f"postgres@127.0.0.1:{port}").geturl()
