"""Connections to one PostgreSQL: how they are set up, and the pools of those that read.

Every connection acts as the role `everlog_service`, which owns nothing and may change nothing but
through the functions of migrations/0001_event_log.sql. Reads have pools of their own, so that no
listing can take a connection from an append: short reads (`reads`) and long ones (`streams`). So
have indexes that follow the log (`indexing`), consumers (`consumers`), and projections
(`projecting`).
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, errors, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from everlog_server.errors import (
    EverlogError,
    ReadTooExpensiveError,
    StorageUnavailableError,
    TenantFrozenError,
    TenantNotFoundError,
)
from everlog_server.fairness import FairPlaces, NoPlace, TooManyWait
from everlog_server.measures import Buckets, Distribution
from everlog_server.settings import AppendSettings, StorageSettings
from everlog_server.storage.appends import AppendConnection

log = structlog.get_logger(__name__)

Connection = AsyncConnection[TupleRow]

SERVICE_ROLE = "everlog_service"
TENANT_SETTING = "everlog.tenant_id"
"""Whose rows a connection shows: see migrations/0007_tenants.sql. Not set: nobody's."""
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
_SLACK_SECONDS = 5.0
_TAIL_CONNECTIONS_MAX = 2
_CHANGES_CONNECTIONS_MAX = 2
_INDEXING_CONNECTIONS_MAX = 2
_HINTS_CONNECTIONS = 1
_INDEXING_SECONDS_MAX = 60
_CONSUMERS_CONNECTIONS_MAX = 8
_PROJECTING_CONNECTIONS_MAX = 4
# glibc gives memory back to the kernel as soon as a page is sent, and takes it again for the next:
# zeroed, fault by fault, which costs more than reading the events. Once it has freed a block so
# large, it keeps what is smaller (mallopt(3), M_MMAP_THRESHOLD): 4 MB a backend, and as much here.
_KEPT_BLOCK_BYTES = 4_000_000
_KEEP_MEMORY = f"SELECT octet_length(repeat('x', {_KEPT_BLOCK_BYTES}))"


# A connection for reading makes its session read-only by itself. libpq would look at that: it would
# find no host fit for `read-write`, and any for `read-only`. What is meant is which server it is.
_SERVERS_OF_SESSIONS = {"read-write": "primary", "read-only": "standby"}


def service_conninfo(dsn: str, settings: StorageSettings, **server_settings: str) -> str:
    """A connection string for the service: its role, time limits, and signs of life.

    `server_settings` are further PostgreSQL settings, such as `enable_seqscan="off"`.
    """
    statement_ms = int(settings.statement_timeout_seconds * 1000)
    lock_ms = int(settings.lock_timeout_seconds * 1000)
    given = conninfo_to_dict(dsn)
    wanted = {
        "role": SERVICE_ROLE,
        # The fence relies on it: statements after the lock must see what its last holder committed.
        "default_transaction_isolation": r"read\ committed",
        "statement_timeout": str(statement_ms),
        "lock_timeout": str(lock_ms),
        "idle_in_transaction_session_timeout": str(statement_ms + lock_ms),
        "timezone": "UTC",
        **server_settings,
    }
    ours = [f"-c {name}={value}" for name, value in wanted.items()]
    options = " ".join([str(given.get("options", "")), *ours]).strip()
    merged = {
        # A peer that vanished is noticed within half a minute, also while bytes are unacknowledged.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "connect_timeout": max(2, round(settings.connect_timeout_seconds)),
        "application_name": "everlog",
        **given,
        "client_encoding": "UTF8",  # what is packed for it by hand, whatever PGCLIENTENCODING says
        "options": options,
    }
    asked = merged.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    if asked in _SERVERS_OF_SESSIONS:
        merged["target_session_attrs"] = _SERVERS_OF_SESSIONS[asked]
    return make_conninfo("", **merged)


def with_settings(conninfo: str, **server_settings: str) -> str:
    """A connection string with further PostgreSQL settings."""
    given = conninfo_to_dict(conninfo).get("options", "")
    ours = [f"-c {name}={value}" for name, value in server_settings.items()]
    return make_conninfo(conninfo, options=" ".join([str(given), *ours]).strip())


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSnapshot:
    """What PostgreSQL was asked, and by how many connections."""

    pools: tuple[PoolSnapshot, ...]
    round_trips: dict[str, Distribution]
    """Their seconds: by pool, and `append` and `hints`, which have connections of their own."""


def connections_max(storage: StorageSettings, append: AppendSettings) -> int:
    """How many connections one process may have at the same moment."""
    return (
        storage.reads_connections_max
        + storage.streams_connections_max
        + _TAIL_CONNECTIONS_MAX
        + _CHANGES_CONNECTIONS_MAX
        + _INDEXING_CONNECTIONS_MAX
        + _CONSUMERS_CONNECTIONS_MAX
        + _PROJECTING_CONNECTIONS_MAX
        + append.connections_max
        + _HINTS_CONNECTIONS
    )


class Database:
    """One PostgreSQL database. `open` before use, `close` at the end."""

    def __init__(self, dsn: str, settings: StorageSettings) -> None:
        self._settings = settings
        self._round_trips: dict[str, Buckets] = {}
        self._append_round_trips = self.round_trips_of("append")
        self._append_conninfo = service_conninfo(
            dsn,
            settings,
            # The functions' statements are planned once and kept. Planned while the table is new
            # and empty, they would scan it for every key until the next ANALYZE.
            enable_seqscan="off",
            enable_bitmapscan="off",
            plan_cache_mode="force_generic_plan",
            jit="off",
        )
        reads_conninfo = service_conninfo(
            dsn,
            settings,
            default_transaction_read_only="on",
            # A filter's unused predicates vanish only when the plan knows the parameters.
            plan_cache_mode="force_custom_plan",
            # Other cores belong to those who append.
            max_parallel_workers_per_gather="0",
            jit="off",
        )
        self.direct_conninfo = service_conninfo(dsn, settings, synchronous_commit="off", jit="off")
        """For LISTEN and NOTIFY, which no pool and no pooler may come between."""
        self.reads = ReadPool(
            reads_conninfo,
            "reads",
            settings.reads_connections_max,
            answer_seconds=self.answer_seconds,
            is_shared=True,
        )
        self.streams = ReadPool(
            reads_conninfo,
            "streams",
            settings.streams_connections_max,
            answer_seconds=self.answer_seconds,
            is_shared=True,
        )
        # Of their own: whoever follows live must not wait behind those who read history.
        self.tail = ReadPool(
            reads_conninfo, "tail", _TAIL_CONNECTIONS_MAX, answer_seconds=self.answer_seconds
        )
        # Of their own, too: whoever emits waits, now and then, for a look at the catalogue.
        changes_conninfo = service_conninfo(
            dsn, settings, plan_cache_mode="force_custom_plan", jit="off"
        )
        self.changes = ReadPool(
            changes_conninfo,
            "changes",
            _CHANGES_CONNECTIONS_MAX,
            answer_seconds=self.answer_seconds,
        )
        """Short statements that may change something, through functions: the catalogue's."""
        # For indexes that follow the log; a server whose tenants have none never opens them.
        self.indexing = ReadPool(
            service_conninfo(
                dsn,
                settings,
                # What is lost in a crash is made again from the log.
                synchronous_commit="off",
                # One hostile event, with all declarations at its largest array, takes so long.
                statement_timeout=str(_INDEXING_SECONDS_MAX * 1000),
                max_parallel_workers_per_gather="0",
                jit="off",
            ),
            "indexing",
            _INDEXING_CONNECTIONS_MAX,
            answer_seconds=self.answer_seconds + _INDEXING_SECONDS_MAX,
            connections_min=0,
        )
        # For what consumers store; a server without any opens none. Planned once, as appends are.
        self.consumers = ReadPool(
            service_conninfo(
                dsn,
                settings,
                enable_seqscan="off",
                plan_cache_mode="force_generic_plan",
                max_parallel_workers_per_gather="0",
                jit="off",
            ),
            "consumers",
            _CONSUMERS_CONNECTIONS_MAX,
            answer_seconds=self.answer_seconds,
            connections_min=0,
        )

        # For projections, whose SQL is somebody's: nothing else runs on these. What is not
        # qualified is PostgreSQL's own. See migrations/0006_projections.sql.
        self.projecting = ReadPool(
            service_conninfo(
                dsn,
                settings,
                search_path="pg_catalog,pg_temp",
                standard_conforming_strings="on",
                max_parallel_workers_per_gather="0",
                jit="off",
            ),
            "projecting",
            _PROJECTING_CONNECTIONS_MAX,
            answer_seconds=self.answer_seconds,
            connections_min=0,
        )

    @property
    def answer_seconds(self) -> float:
        """After this time PostgreSQL itself would have given up: the connection must be dead."""
        settings = self._settings
        return settings.statement_timeout_seconds + settings.lock_timeout_seconds + _SLACK_SECONDS

    @property
    def _pools(self) -> tuple[ReadPool, ...]:
        return (
            self.reads,
            self.streams,
            self.tail,
            self.changes,
            self.indexing,
            self.consumers,
            self.projecting,
        )

    def round_trips_of(self, purpose: str) -> Buckets:
        """Where a connection of its own counts its round trips."""
        return self._round_trips.setdefault(purpose, Buckets())

    def snapshot(self) -> StorageSnapshot:
        """The pools, and the round trips until now."""
        round_trips = {purpose: each.snapshot() for purpose, each in self._round_trips.items()}
        round_trips |= {pool.name: pool.round_trips.snapshot() for pool in self._pools}
        return StorageSnapshot(
            pools=tuple(pool.snapshot() for pool in self._pools), round_trips=round_trips
        )

    async def open(self) -> None:
        """Connects; raises StorageUnavailableError if PostgreSQL can't be reached in time."""
        bytes(_KEPT_BLOCK_BYTES)
        for pool in self._pools:
            await pool.open(self._settings.connect_timeout_seconds * 2)

    async def close(self) -> None:
        """Closes the pools. Idempotent."""
        for pool in self._pools:
            await pool.close()

    async def connect_to_append(self, tenant_id: int) -> AppendConnection:
        """A connection for one tenant's sequencer; raises ConnectionLost."""
        return await AppendConnection.connect(
            with_settings(self._append_conninfo, **{TENANT_SETTING: str(tenant_id)}),
            tenant_id,
            answer_seconds=self.answer_seconds,
            round_trips=self._append_round_trips,
        )


class _TimedConnection(AsyncConnection[TupleRow]):
    """A connection that counts how long PostgreSQL takes to answer."""

    round_trips: Buckets | None = None
    tenant_id: int | None = None
    """Whose rows it shows; None: nobody's, or it is not known."""
    answer_seconds: float | None = None
    """After this time PostgreSQL itself would have given up: the connection must be dead."""

    async def show(self, tenant_id: int) -> None:
        """Shows this tenant's rows from now on, and no other's."""
        if self.tenant_id == tenant_id:
            return
        self.tenant_id = None  # until PostgreSQL has said so
        await self.execute(f"SET {TENANT_SETTING} = {tenant_id:d}".encode())
        self.tenant_id = tenant_id

    async def commit(self) -> None:
        """Nothing, where no transaction is open. The pool asks for it after each use."""
        if self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            await super().commit()

    async def wait(self, *args: Any, **options: Any) -> Any:
        """Every statement waits here, once; a stream once for each piece."""
        began = time.monotonic()
        patience = None
        if self.answer_seconds is not None:
            loop = asyncio.get_running_loop()
            patience = loop.call_later(self.answer_seconds, self._hang_up)
        try:
            return await super().wait(*args, **options)
        finally:
            if patience is not None:
                patience.cancel()
            if self.round_trips is not None:
                self.round_trips.observe(time.monotonic() - began)

    def _hang_up(self) -> None:
        """Has whoever waits see the connection's end; cancelling would wait for an answer again.

        TCP's own signs of life see a machine that is gone, and not a proxy or a firewall in between
        that keeps the connection and has forgotten what it is for.
        """
        log.warning("PostgreSQL does not answer on a connection: it is closed")
        with suppress(OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as ours:
            ours.shutdown(socket.SHUT_RDWR)


def tenant_connections_max(connections_max: int) -> int:
    """How many connections of a shared pool one tenant may use at the same moment: two thirds."""
    return max(1, connections_max - max(1, connections_max // 3))


class ReadPool:
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
        self._places = FairPlaces(
            connections_max,
            each_max=tenant_connections_max(connections_max) if is_shared else connections_max,
            waiting_max=_WAITING_MAX,
            wait_seconds_max=_BUSY_SECONDS_MAX,
        )
        self.round_trips = Buckets()
        self._answer_seconds = answer_seconds
        self._pool: AsyncConnectionPool[_TimedConnection] = AsyncConnectionPool(
            conninfo,
            connection_class=_TimedConnection,
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
            check=_check_is_quiet,
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

    async def _enter(self, held: AsyncExitStack) -> _TimedConnection:
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

    async def _note_failure(self, _: AsyncConnectionPool[_TimedConnection]) -> None:
        self._is_away = True
        self._places.dismiss(StorageUnavailableError)

    async def _prepare(self, connection: _TimedConnection) -> None:
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


async def fetch_all(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[Any]:
    """The rows of a statement, asked for in PostgreSQL's binary format."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement, parameters)
    return await cursor.fetchall()


def _heed_cancellation() -> None:
    """Raises CancelledError if that was asked of this task.

    The pool waits by `asyncio.wait_for`, which, up to Python 3.11, swallows a cancellation when a
    connection comes in the same moment: a time limit would then have no effect on the statement.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _check_is_quiet(connection: _TimedConnection) -> None:
    """Refuses a connection that the peer has closed: an idle one has nothing to read."""
    poll = select.poll()  # not select(), which refuses file numbers beyond 1,023
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await connection.close()  # else the pool would take it back, and hand it out again
        raise psycopg.OperationalError("the connection was closed by the other side")
