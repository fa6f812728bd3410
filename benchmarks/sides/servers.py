"""The servers that loads talk to, each a process of its own on a loopback port."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import Service, check_count, running, wait_until
from benchmarks.sides.peers import python_peers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.sides.clusters import Cluster


@contextmanager
def everlog_server(cluster: Cluster, database: str, *flags: str) -> Iterator[Service]:
    """`everlog serve`, as it is by default, on one database of a cluster."""
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder, "ready.json"), Path(folder, "log")
        command = [sys.executable, "-m", "everlog_server", "serve", "--port", "0"]
        environment = {**os.environ, "EVERLOG_DATABASE_URL": cluster.url(database)}
        with running(
            [*command, "--ready-file", str(ready), *flags], log=log, env=environment
        ) as process:
            wait_until(ready.exists, process, log=log)
            address = json.loads(ready.read_text())["address"]
            yield Service(address, process.pid, cluster.pid)


@contextmanager
def fresh_everlog(cluster: Cluster, *flags: str) -> Iterator[tuple[Service, str]]:
    """A server on a new database, and the database's name."""
    with cluster.database() as name, everlog_server(cluster, name, *flags) as service:
        yield service, name


def check_stored(cluster: Cluster, database: str, expected: int) -> None:
    """Raises LoadFailed unless everlog's table has so many events, and a head that says so."""
    count, head = (
        cluster.execute(statement, database)
        for statement in (
            "SELECT count(*) FROM everlog.events",
            "SELECT coalesce(max(head), 0) FROM everlog.tenants",
        )
    )
    check_count("rows in everlog.events", int(count), expected)
    check_count("head of everlog.tenants", int(head), expected)


@contextmanager
def echo_server() -> Iterator[Service]:
    """The bare grpc.aio server: see echo.py."""
    with tempfile.TemporaryDirectory() as folder:
        log, address = Path(folder, "log"), free_address()
        command = [sys.executable, "-m", "benchmarks.sides.echo", address]
        with running(command, log=log) as process:
            wait_until(lambda: _listens(address), process, log=log)
            yield Service(address, process.pid)


@contextmanager
def uma_server() -> Iterator[Service]:
    """UmaDB with its defaults (durable), on a new file. Raises PeerMissing."""
    program = python_peers() / "umadb"
    with tempfile.TemporaryDirectory() as folder:
        log, address = Path(folder, "log"), free_address()
        command = [str(program), "--listen", address, "--db-path", str(Path(folder, "uma.db"))]
        with running(command, log=log) as process:
            wait_until(lambda: _listens(address), process, log=log)
            yield Service(address, process.pid)


def free_address() -> str:
    """A loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
