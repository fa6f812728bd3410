"""A pool of connections: fair among tenants that share it, with PostgreSQL's failures as ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from everlog_server.errors import (
    EverlogError,
    ReadTooExpensiveError,
    StorageUnavailableError,
    TenantFrozenError,
    TenantNotFoundError,
)
from everlog_server.fairness import FairPlaces, NoPlace, TooManyWait
from everlog_server.measures import Buckets
from everlog_server.storage.connection import (
    Connection,
    PooledConnection,
    check_is_quiet,
    fetch_all,
)

# What triggers of 0007_tenants.sql raise.
_REFUSALS: dict[str, type[EverlogError]] = {
    "EV001": TenantFrozenError,
    "EV002": TenantNotFoundError,
}
_BUSY_SECONDS_MAX = 5.0
_WAITING_MAX = 1000
"""Reads that may wait for a connection of one pool."""
_LOOK_SECONDS = 0.5
"""How often whoever waits for a connection looks whether there is any at all."""
# glibc gives memory back to the kernel as soon as a page is sent, and takes it again for the next:
# zeroed, fault by fault, which costs more than reading the events. Once it has freed a block so
# large, it keeps what is smaller (mallopt(3), M_MMAP_THRESHOLD): 4 MB a backend, and as much here.
_KEPT_BLOCK_BYTES = 4_000_000
_KEEP_MEMORY = f"SELECT octet_length(repeat('x', {_KEPT_BLOCK_BYTES}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot:
    """A pool of connections: how it is now, and totals since the start."""

    name: str
    connections_max: int
    connections: int
    idle: int
    waiting: int
    """Who waits for a connection."""
    uses: int
    """How often a connection was taken."""
    waits: int
    """How often none was idle."""
    wait_seconds: float
    used_seconds: float
    refused: int
    """How often somebody has waited in vain, or too many waited already."""


def keep_memory() -> None:
    """Has this process keep the memory that it frees; see above. Backends are asked by pools."""
    bytes(_KEPT_BLOCK_BYTES)


def tenant_connections_max(connections_max: int) -> int:
    """How many connections of a shared pool one tenant may use at the same moment: two thirds."""
    return max(1, connections_max - max(1, connections_max // 3))


class Pool:
    """Connections for short statements, reading as a rule; opened as they are wanted."""

    def __init__(
        self,
        conninfo: str,
        name: str,
        connections_max: int,
        *,
        answer_seconds: float,
        connections_min: int = 1,
        is_shared: bool = False,
    ) -> None:
        """`answer_seconds`: the longest that PostgreSQL can take for a statement.

        `is_shared`: among tenants, fairly; who asks for a connection says for which one.
        """
        self.name = name
        self.conninfo = conninfo
        self._places = FairPlaces(
            connections_max,
            each_max=tenant_connections_max(connections_max) if is_shared else connections_max,
            waiting_max=_WAITING_MAX,
            wait_seconds_max=_BUSY_SECONDS_MAX,
        )
        self.round_trips = Buckets()
        self._answer_seconds = answer_seconds
        self._pool: AsyncConnectionPool[PooledConnection] = AsyncConnectionPool(
            conninfo,
            connection_class=PooledConnection,
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=connections_min,
            max_size=connections_max,
            open=False,
            name=name,
            max_waiting=_WAITING_MAX,
            max_idle=300,
            # Give up at once: whoever asks next tries again. Else, after an outage, everybody would
            # wait for the end of a back-off that has grown with it.
            reconnect_timeout=0,
            reconnect_failed=self._note_failure,
            configure=self._prepare,
            check=check_is_quiet,
        )
        self._is_away = False
        """Whether the last attempt to connect has failed."""

    async def open(self, timeout_seconds: float) -> None:
        """Connects once; raises StorageUnavailableError if PostgreSQL can't be reached in time."""
        try:
            await self._pool.open(wait=True, timeout=timeout_seconds)
        except PoolTimeout as error:
            raise StorageUnavailableError from error

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self, tenant_id: int | None) -> AsyncIterator[Connection]:
        """A connection that shows one tenant's rows, with PostgreSQL's failures as ours.

        None is for functions that are the owner's, and for what is of no tenant: whose rows it
        shows is not said then. ReadTooExpensiveError when the statement timeout struck, every
        connection (or all that the tenant may use) was busy for 5 s, or too many wait;
        StorageUnavailableError when PostgreSQL can't be reached; TenantFrozenError and
        TenantNotFoundError when it refuses a change of such a tenant.
        """
        if self._is_away and self._places.are_all_held:
            raise StorageUnavailableError  # those who hold them find out whether it is back
        try:
            async with AsyncExitStack() as held:
                await held.enter_async_context(self._places.place(tenant_id))
                connection = await self._enter(held)
                if tenant_id is not None:
                    await connection.show(tenant_id)
                yield connection
        except TooManyWait as error:
            raise ReadTooExpensiveError(f"too many reads are waiting: {error}") from error
        except NoPlace as error:
            raise ReadTooExpensiveError("all connections for reading are busy") from error
        except errors.QueryCanceled as error:
            raise ReadTooExpensiveError from error
        except TooManyRequests as error:
            raise ReadTooExpensiveError("too many reads are waiting") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise StorageUnavailableError from error
        except psycopg.DatabaseError as error:
            refusal = _REFUSALS.get(error.sqlstate or "")
            if refusal is None:
                raise
            raise refusal from error

    async def fetch(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows of one statement of the tenant among its parameters; raises as `connection`."""
        async with self.connection(parameters.get("tenant_id")) as connection:
            return await fetch_all(connection, statement, parameters)

    async def _enter(self, held: AsyncExitStack) -> PooledConnection:
        deadline = time.monotonic() + _BUSY_SECONDS_MAX
        while True:
            try:
                waiting = self._pool.connection(timeout=_LOOK_SECONDS)
                connection = await held.enter_async_context(waiting)
                _heed_cancellation()
                return connection
            except PoolTimeout as error:
                _heed_cancellation()
                if self._is_away:
                    raise StorageUnavailableError from error
                if time.monotonic() > deadline:
                    raise ReadTooExpensiveError("all connections for reading are busy") from error

    async def _note_failure(self, _: AsyncConnectionPool[PooledConnection]) -> None:
        self._is_away = True
        self._places.dismiss(StorageUnavailableError)

    async def _prepare(self, connection: PooledConnection) -> None:
        self._is_away = False
        with suppress(errors.QueryCanceled):  # A short statement timeout is no outage.
            await connection.execute(_KEEP_MEMORY)
        connection.round_trips = self.round_trips
        connection.answer_seconds = self._answer_seconds

    def snapshot(self) -> PoolSnapshot:
        """How it is now."""
        stats, places = self._pool.get_stats(), self._places.snapshot()
        return PoolSnapshot(
            name=self.name,
            connections_max=self._pool.max_size,
            connections=stats["pool_size"],
            idle=stats["pool_available"],
            waiting=stats["requests_waiting"] + places.waiting,
            uses=stats.get("requests_num", 0),
            waits=stats.get("requests_queued", 0) + places.waits,
            wait_seconds=stats.get("requests_wait_ms", 0) / 1000,
            used_seconds=stats.get("usage_ms", 0) / 1000,
            refused=places.refused,
        )


def _heed_cancellation() -> None:
    """Raises CancelledError if that was asked of this task.

    The pool waits by `asyncio.wait_for`, which, up to Python 3.11, swallows a cancellation when a
    connection comes in the same moment: a time limit would then have no effect on the statement.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
