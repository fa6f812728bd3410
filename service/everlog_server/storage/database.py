"""One PostgreSQL: who has connections to it, how many, and with which settings.

Reads have pools of their own, so that no listing can take a connection from an append: short reads
(`reads`) and long ones (`streams`). So have indexes that follow the log (`indexing`), consumers
(`consumers`), and projections (`projecting`).
"""

from __future__ import annotations

from dataclasses import dataclass

from everlog_server.measures import Buckets, Distribution
from everlog_server.settings import AppendSettings, StorageSettings
from everlog_server.storage.appends import AppendConnection
from everlog_server.storage.conninfo import TENANT_SETTING, service_conninfo, with_settings
from everlog_server.storage.pool import Pool, PoolSnapshot, keep_memory

_SLACK_SECONDS = 5.0
_TAIL_CONNECTIONS_MAX = 2
_CHANGES_CONNECTIONS_MAX = 2
_INDEXING_CONNECTIONS_MAX = 2
_HINTS_CONNECTIONS = 1
_INDEXING_SECONDS_MAX = 60
_CONSUMERS_CONNECTIONS_MAX = 8
_PROJECTING_CONNECTIONS_MAX = 4


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
        self.append_conninfo = service_conninfo(
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
        self.reads = Pool(
            reads_conninfo,
            "reads",
            settings.reads_connections_max,
            answer_seconds=self.answer_seconds,
            is_shared=True,
        )
        self.streams = Pool(
            reads_conninfo,
            "streams",
            settings.streams_connections_max,
            answer_seconds=self.answer_seconds,
            is_shared=True,
        )
        # Of their own: whoever follows live must not wait behind those who read history.
        self.tail = Pool(
            reads_conninfo, "tail", _TAIL_CONNECTIONS_MAX, answer_seconds=self.answer_seconds
        )
        # Of their own, too: whoever emits waits, now and then, for a look at the catalogue.
        changes_conninfo = service_conninfo(
            dsn, settings, plan_cache_mode="force_custom_plan", jit="off"
        )
        self.changes = Pool(
            changes_conninfo,
            "changes",
            _CHANGES_CONNECTIONS_MAX,
            answer_seconds=self.answer_seconds,
        )
        """Short statements that may change something, through functions: the catalogue's."""
        # For indexes that follow the log; a server whose tenants have none never opens them.
        self.indexing = Pool(
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
        self.consumers = Pool(
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
        self.projecting = Pool(
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
    def _pools(self) -> tuple[Pool, ...]:
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
        """Connects; raises StorageUnavailableError if PostgreSQL can't be reached in time.

        Then, or when it is cancelled, nothing is left open.
        """
        keep_memory()
        try:
            for pool in self._pools:
                await pool.open(self._settings.connect_timeout_seconds * 2)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes the pools. Idempotent."""
        for pool in self._pools:
            await pool.close()

    async def connect_to_append(self, tenant_id: int) -> AppendConnection:
        """A connection for one tenant's sequencer; raises ConnectionLost."""
        return await AppendConnection.connect(
            with_settings(self.append_conninfo, **{TENANT_SETTING: str(tenant_id)}),
            tenant_id,
            answer_seconds=self.answer_seconds,
            round_trips=self._append_round_trips,
        )
