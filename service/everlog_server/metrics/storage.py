"""The source for storage: its pools of connections, and what PostgreSQL was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Metric

from everlog_server.metrics.source import Figure, counters_of, gauges_of, histogram
from everlog_server.storage.database import StorageSnapshot
from everlog_server.storage.pool import PoolSnapshot

_OF_POOLS: tuple[Figure[PoolSnapshot], ...] = (
    Figure(
        "everlog_pool_connections_max",
        "Connections of a pool: at most.",
        lambda pool: pool.connections_max,
    ),
    Figure(
        "everlog_pool_connections", "Connections of a pool: open.", lambda pool: pool.connections
    ),
    Figure(
        "everlog_pool_idle_connections",
        "Connections of a pool: open, and idle.",
        lambda pool: pool.idle,
    ),
    Figure(
        "everlog_pool_waiting",
        "Connections of a pool: reads that wait for one.",
        lambda pool: pool.waiting,
    ),
)
_TOTALS_OF_POOLS: tuple[Figure[PoolSnapshot], ...] = (
    Figure(
        "everlog_pool_uses",
        "Connections of a pool: how often one was taken.",
        lambda pool: pool.uses,
    ),
    Figure(
        "everlog_pool_waits",
        "Connections of a pool: how often none was idle.",
        lambda pool: pool.waits,
    ),
    Figure(
        "everlog_pool_wait_seconds",
        "Connections of a pool: waiting for one, in all.",
        lambda pool: pool.wait_seconds,
    ),
    Figure(
        "everlog_pool_used_seconds",
        "Connections of a pool: in use, in all.",
        lambda pool: pool.used_seconds,
    ),
    Figure(
        "everlog_pool_refusals",
        "Connections of a pool: reads that have waited in vain, or too many waited.",
        lambda pool: pool.refused,
    ),
)


class StorageMetrics:
    """What PostgreSQL was asked."""

    def __init__(self, snapshot: Callable[[], StorageSnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        now = self._snapshot()
        yield histogram(
            "everlog_postgres_round_trip_seconds",
            "What PostgreSQL was asked, by purpose: a pool's name, append, or hints.",
            ("purpose",),
            {(purpose,): seconds for purpose, seconds in now.round_trips.items()},
        )
        by_pool = {(pool.name,): pool for pool in now.pools}
        yield from gauges_of(_OF_POOLS, ("pool",), by_pool)
        yield from counters_of(_TOTALS_OF_POOLS, ("pool",), by_pool)
