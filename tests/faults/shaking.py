"""Does to a world what a schedule says, each fault with its own end: nothing stays broken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.schedules import Fault, Schedule
    from tests.faults.world import Place, World

_THROTTLE_BYTES_MIN = 2_000


async def shake(world: World, schedule: Schedule, *, tenant: str) -> None:
    """Returns when all faults are over."""
    async with asyncio.TaskGroup() as tasks:
        for fault in schedule.faults:
            tasks.create_task(_happen(world, fault, tenant))


async def _happen(world: World, fault: Fault, tenant: str) -> None:
    await asyncio.sleep(fault.at_seconds)
    place = world.places[fault.server % len(world.places)]
    where, _, what = fault.kind.partition("_")
    if where in {"client", "database"}:
        await _shake_link(place, where, what, fault)
    elif fault.kind in _OF_SERVERS:
        await _OF_SERVERS[fault.kind](place, fault)
    elif fault.kind == "hold_lock":
        await _hold_lock(world, fault, tenant)
    else:
        await _OF_POSTGRES[fault.kind](world, fault)


async def _shake_link(place: Place, where: str, what: str, fault: Fault) -> None:
    link = place.clients if where == "client" else place.database
    match what:
        case "cut":
            link.cut()
        case "half_close":
            link.half_close(fault.direction)
        case "truncate":
            link.truncate(fault.direction, fault.size)
        case "hold":
            link.hold()
        case "delay":
            link.delay_seconds = fault.seconds / 10
        case "throttle":
            link.bytes_per_second = max(_THROTTLE_BYTES_MIN, fault.size)
        case "refuse":
            link.is_refusing = True
            link.cut()
    await asyncio.sleep(fault.seconds)
    if what == "hold" and fault.number % 2:
        link.cut()  # what was held never arrives
    link.heal()


async def _kill_server(place: Place, fault: Fault) -> None:
    """`kill -9`; a worker is replaced by its parent, a whole server by us."""
    async with place.turn:
        if place.has_workers and fault.number % 5:
            with contextlib.suppress(ProcessLookupError):
                os.kill(place.process(fault.number), signal.SIGKILL)
            return
        await place.server.kill()
        await asyncio.sleep(fault.seconds / 3)
        await place.start()


async def _stop_server(place: Place, fault: Fault) -> None:
    async with place.turn:
        code = await place.server.stop(signal.SIGTERM)
        assert code == 0, place.server.log
        await asyncio.sleep(fault.seconds / 3)
        await place.start()


async def _pause_server(place: Place, fault: Fault) -> None:
    """As a machine that swaps, or a virtual one that moves: it does not know that time went by."""
    async with place.turn:
        await _pause(place.process(fault.number), fault.seconds)


async def _pause(pid: int, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _set_server_clock(place: Place, fault: Fault) -> None:
    place.clock.shift(fault.seconds)
    await asyncio.sleep(1)
    if fault.number % 2:  # else it stays wrong, also for later runs
        place.clock.shift(0)


async def _kill_postgres(world: World, fault: Fault) -> None:
    async with world.database_turn:
        number = signal.SIGKILL if fault.kind == "kill_postgres" else signal.SIGQUIT
        world.cluster.kill(number)
        await asyncio.to_thread(world.cluster.wait_until_dead)
        await asyncio.sleep(fault.seconds / 3)
        await asyncio.to_thread(world.cluster.start_again)


async def _kill_backend(world: World, fault: Fault) -> None:
    """`kill -9` of one has PostgreSQL end all of them, and recover; SIGTERM ends only that one."""
    for _ in range(1 if fault.kind == "kill_backend" else 5):
        with contextlib.suppress(psycopg.OperationalError, ProcessLookupError):
            backends = await asyncio.to_thread(world.cluster.backends)
            if backends:
                number = signal.SIGKILL if fault.kind == "kill_backend" else signal.SIGTERM
                os.kill(backends[fault.number % len(backends)], number)
        await asyncio.sleep(0.05)


async def _pause_backend(world: World, fault: Fault) -> None:
    async with world.database_turn:
        with contextlib.suppress(psycopg.OperationalError):
            backends = await asyncio.to_thread(world.cluster.backends)
            if backends:
                await _pause(backends[fault.number % len(backends)], fault.seconds)


async def _set_postgres_clock(world: World, fault: Fault) -> None:
    world.postgres_clock.shift(fault.seconds)
    await asyncio.sleep(1)
    world.postgres_clock.shift(0)


async def _hold_lock(world: World, fault: Fault, tenant: str) -> None:
    """Somebody has the log's head, and does not let go."""
    with contextlib.suppress(psycopg.OperationalError):
        connection = await psycopg.AsyncConnection.connect(world.database_url, connect_timeout=2)
        async with connection:
            await connection.execute(
                "SELECT FROM everlog.tenants JOIN everlog.tenant_names USING (tenant_id)"
                " WHERE name = %s FOR UPDATE OF tenants",
                [tenant],
            )
            await asyncio.sleep(fault.seconds)


_OF_SERVERS: dict[str, Callable[[Place, Fault], Awaitable[None]]] = {
    "kill_server": _kill_server,
    "stop_server": _stop_server,
    "pause_server": _pause_server,
    "server_clock": _set_server_clock,
}
_OF_POSTGRES: dict[str, Callable[[World, Fault], Awaitable[None]]] = {
    "kill_postgres": _kill_postgres,
    "quit_postgres": _kill_postgres,
    "kill_backend": _kill_backend,
    "end_backend": _kill_backend,
    "pause_backend": _pause_backend,
    "postgres_clock": _set_postgres_clock,
}
