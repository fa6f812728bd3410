"""Several service processes on one port: starts them, replaces those that die, stops them all.

    parent  holds the port (bound, not listening) and the embedded PostgreSQL; never imports grpc
      └─ workers  `python -m everlog_server serve --as-worker`, each listening with SO_REUSEPORT

A worker gets its settings as one line of JSON on its standard input, which then stays open: it ends
when the parent is gone, by kill -9 too, and the worker stops. It writes its address as one line to
its standard output once it serves. It is in a session of its own, so that Ctrl-C reaches it through
the parent only, once.

Workers are new programs, not forks: grpc does not survive a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from everlog_server import settings
from everlog_server.errors import EverlogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from everlog_server.settings import ServerSettings, Settings

_BACKOFF_SECONDS_MIN = 0.5
_BACKOFF_SECONDS_MAX = 30.0
# A worker that lived this long did not die of its start: the next one starts at once again.
_HEALTHY_AFTER_SECONDS = 60.0
# Beyond the calls' own grace: for closing connections and ending the process.
_STOP_SLACK_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class WorkerStartError(EverlogError):
    """A worker ended before it served; its own words are above."""


class PortInUseError(EverlogError):
    """The port can't be listened on: somebody else does, or the address is wrong."""


def run(loaded: Settings, dsn: str, *, on_serving: Callable[[str], None]) -> None:
    """Runs the workers until SIGTERM or SIGINT.

    `on_serving` is called once, with the address, when every worker serves. Raises PortInUseError,
    or WorkerStartError when a worker does not even start the first time.
    """
    with reserved_port(loaded.server) as port:
        storage = replace(
            loaded.storage,
            database_url=dsn,
            data_dir=None,
            database_password_file=None,  # it is in the dsn
            ephemeral=False,
            migrate_at_start=False,
        )
        server = replace(loaded.server, port=port, ready_file=None)
        supervisor = _Supervisor(replace(loaded, server=server, storage=storage), on_serving)
        try:
            asyncio.run(supervisor.run())
        except ExceptionGroup as group:
            # All of them ended for one reason, most likely.
            raise group.exceptions[0] from group


@contextlib.contextmanager
def reserved_port(server: ServerSettings) -> Iterator[int]:
    """Keeps the port for our workers until the block ends; yields its number, never 0.

    With SO_REUSEPORT alone a second everlog would quietly take half of the connections: so a plain
    bind looks first whether anybody listens.
    """
    with contextlib.ExitStack() as held:
        with _refusals_named(server.host, server.port):
            family, found = _probe(server.host, server.port)
            reservation = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reservation.bind(found)
        yield found[1]


def check_ports(loaded: Settings) -> None:
    """Looks whether the ports can be listened on now; raises PortInUseError."""
    addresses = [(loaded.server.host, loaded.server.port)]
    if (port := loaded.metrics.port) is not None:
        addresses += [(loaded.metrics.host, port + n) for n in range(loaded.server.workers)]
    for address in addresses:
        with _refusals_named(*address):
            _probe(*address)


def _with_metrics_port(loaded: Settings, place: int) -> Settings:
    """The settings of one worker: each serves its own figures, on a port of its own."""
    port = loaded.metrics.port
    return (
        loaded
        if port is None
        else replace(loaded, metrics=replace(loaded.metrics, port=port + place))
    )


def _probe(host: str, port: int) -> tuple[int, Any]:
    """Listens for a moment; returns the family of addresses, and the address."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)
        return family, probe.getsockname()


@contextlib.contextmanager
def _refusals_named(host: str, port: int) -> Iterator[None]:
    known = {
        errno.EADDRINUSE: "address already in use",
        errno.EADDRNOTAVAIL: "not an address of this machine",
    }
    try:
        yield
    except (OSError, UnicodeError) as error:  # UnicodeError: of a host name
        number, text = getattr(error, "errno", None), getattr(error, "strerror", None)
        why = known.get(number or 0) or text or "not a host name"
        raise PortInUseError(f"can't listen on {host}:{port}: {why}") from None


class _Supervisor:
    """The workers of one `everlog serve`."""

    def __init__(self, loaded: Settings, on_serving: Callable[[str], None]) -> None:
        self._count = loaded.server.workers
        self._stop_seconds = loaded.server.drain_grace_seconds + _STOP_SLACK_SECONDS
        self._loaded = loaded
        self._on_serving = on_serving
        self._serving: set[int] = set()
        self._announced = False
        self._processes: set[Process] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """One task per place; each keeps its place filled until the stop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        async with asyncio.TaskGroup() as tasks:
            for place in range(self._count):
                tasks.create_task(self._keep_filled(place))

    def _interrupt(self) -> None:
        """Stops; a second Ctrl-C does not wait for the grace."""
        if self._stopping.is_set():
            for process in self._processes:
                process.kill()
        self._stopping.set()

    async def _keep_filled(self, place: int) -> None:
        """Runs a worker, and another when it dies, waiting longer each time."""
        loop = asyncio.get_running_loop()
        backoff_seconds = _BACKOFF_SECONDS_MIN
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_worker(place)
            self._serving.discard(place)
            if self._stopping.is_set():
                return
            if not self._announced:
                raise WorkerStartError
            if loop.time() - started > _HEALTHY_AFTER_SECONDS:
                backoff_seconds = _BACKOFF_SECONDS_MIN
            _log.error("worker_died", place=place, code=code, restart_seconds=backoff_seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, _BACKOFF_SECONDS_MAX)

    async def _run_worker(self, place: int) -> int:
        """Starts a worker and returns its exit code; ends it at the stop, or when cancelled."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everlog_server", "serve", "--as-worker"),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
        )
        self._processes.add(process)
        serving = asyncio.create_task(self._start_serving(place, process))
        stopping = asyncio.create_task(self._stopping.wait())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            stopping.cancel()
            await self._end(process)
            self._processes.discard(process)
        return await ended

    async def _start_serving(self, place: int, process: Process) -> None:
        """Hands the settings over, and takes note when the worker serves."""
        assert process.stdin is not None  # noqa: S101  for the type checker: both are pipes
        assert process.stdout is not None  # noqa: S101
        own = _with_metrics_port(self._loaded, place)
        process.stdin.write(settings.to_json(own).encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            return  # It has ended.
        address = line.decode().strip()
        _log.info("worker_serving", place=place, pid=process.pid, address=address)
        self._serving.add(place)
        if not self._announced and len(self._serving) == self._count:
            self._announced = True
            self._on_serving(address)

    async def _end(self, process: Process) -> None:
        """Asks a worker to stop, and kills it when it has not after its grace."""
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._stop_seconds)
        except TimeoutError:
            _log.error("worker_killed", pid=process.pid, waited_seconds=self._stop_seconds)
            process.kill()
