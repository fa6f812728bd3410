"""The world that a schedule shakes: PostgreSQL, server processes, and links between all of them.

    actors ── link ──▶ server ── link ──▶ PostgreSQL

A world outlives its schedules, each of which has a tenant of its own: starting it costs more than a
run, and what one run leaves behind in the processes is one more thing for the next to stumble over.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

from tests.faults.clocks import Clock, compiled_in
from tests.faults.cluster import Cluster
from tests.faults.network import Link, linked
from tests.faults.schedules import WORKERS
from tests.servers import Server, make_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# Shorter than the defaults, so that a run meets them: a statement that hangs is given up in it.
_FLAGS = (
    "--no-migrate-at-start",
    *("--statement-timeout-seconds", "2"),
    *("--lock-timeout-seconds", "1"),
    *("--append-commit-resolution-seconds", "1.5"),
    *("--drain-grace-seconds", "2"),
    *("--connection-age-max-seconds", "3"),
)
_TENANTS_FROM = 100
_AGAIN_SECONDS = 0.3
_ATTEMPTS_MAX = 40
_RECOVERY_SECONDS = 60


class Place:
    """A server process, or one of several workers, with its links and its clock."""

    def __init__(
        self, server: Server, *, clients: Link, database: Link, clock: Clock, has_workers: bool
    ) -> None:
        self.server = server
        self.clients = clients
        self.database = database
        self.clock = clock
        self.has_workers = has_workers
        self.turn = asyncio.Lock()
        """Held by whoever starts or stops it."""

    def process(self, number: int) -> int:
        """The process that serves; of several workers, one of them."""
        if not self.has_workers:
            return self.server.pid
        with contextlib.suppress(psutil.NoSuchProcess):
            workers = psutil.Process(self.server.pid).children()
            if workers:
                return workers[number % len(workers)].pid
        return self.server.pid

    async def start(self) -> None:
        """Starts it, again and again: PostgreSQL may be away, or die meanwhile."""
        async with asyncio.timeout(_RECOVERY_SECONDS):
            for attempt in itertools.count(1):
                try:
                    await self.server.start()
                except (AssertionError, TimeoutError):
                    if attempt == _ATTEMPTS_MAX:
                        raise
                    with contextlib.suppress(ProcessLookupError):
                        await self.server.kill()
                    await asyncio.sleep(_AGAIN_SECONDS)
                else:
                    return


@dataclass(slots=True)
class World:
    """All of it. `servers`: by whether they are of several workers."""

    cluster: Cluster
    database_url: str
    postgres_clock: Clock
    folder: Path
    places: list[Place] = field(default_factory=list)
    database_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever stops and starts PostgreSQL."""
    _tenants: itertools.count[int] = field(default_factory=lambda: itertools.count(_TENANTS_FROM))

    @property
    def addresses(self) -> list[str]:
        """What clients connect to."""
        return [place.clients.address for place in self.places]

    @property
    def has_clocks(self) -> bool:
        """Whether clocks can be set."""
        return bool(self.postgres_clock.environment)

    def new_tenant(self) -> str:
        """The name of a tenant with an empty log."""
        number = next(self._tenants)
        make_tenant(self.database_url, f"tenant-{number}", number)
        return f"tenant-{number}"

    def logs(self) -> str:
        """What the servers have said."""
        return "\n".join(place.server.log for place in self.places)

    async def heal(self) -> None:
        """Ends whatever may still be wrong, and returns when PostgreSQL answers."""
        for place in self.places:
            place.clients.heal()
            place.database.heal()
        async with asyncio.timeout(_RECOVERY_SECONDS), self.database_turn:
            while True:
                try:
                    await asyncio.to_thread(self.cluster.start_again)
                    with psycopg.connect(self.database_url, connect_timeout=2):
                        return
                except (OSError, RuntimeError, psycopg.OperationalError):
                    await asyncio.sleep(_AGAIN_SECONDS)


@asynccontextmanager
async def new_world(*, has_workers: bool) -> AsyncIterator[World]:
    """A world whose servers serve; everything in it ends with the block."""
    async with AsyncExitStack() as held:
        folder = held.enter_context(new_folder())
        library = compiled_in(folder)
        postgres_clock = Clock(library, folder / "clock-postgres")
        cluster = Cluster(postgres_clock)
        await asyncio.to_thread(cluster.start)
        held.callback(_stop, cluster)
        url = await asyncio.to_thread(cluster.migrated)
        world = World(cluster, url, postgres_clock, folder)
        for number in range(1 if has_workers else 2):
            database = await held.enter_async_context(linked(cluster.port))
            clock = Clock(library, folder / f"clock-{number}")
            flags = ("--workers", str(WORKERS)) if has_workers else ()
            server = Server(
                cluster.through(database.port),
                folder,
                *_FLAGS,
                *flags,
                environment=clock.environment,
            )
            held.push_async_callback(_end, server)
            clients = await held.enter_async_context(linked(server.port))
            world.places.append(
                Place(
                    server,
                    clients=clients,
                    database=database,
                    clock=clock,
                    has_workers=has_workers,
                )
            )
        await asyncio.gather(*(place.start() for place in world.places))
        yield world


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """One for a run, which PostgreSQL's user may read, too; it goes with the block."""
    with tempfile.TemporaryDirectory(prefix="everlog-faults-") as name:
        folder = Path(name)
        # PostgreSQL may run as another user, who loads the clock from here.
        folder.chmod(0o755)
        yield folder


def _stop(cluster: Cluster) -> None:
    cluster.kill(signal.SIGINT)  # a fast stop; `stop` waits, and removes the folder
    cluster.stop()


async def _end(server: Server) -> None:
    """Asks first: workers end with whoever started them, but not at once."""
    with contextlib.suppress(AssertionError, TimeoutError, ProcessLookupError):
        os.kill(server.pid, signal.SIGCONT)
        await server.stop()
    await server.close()
