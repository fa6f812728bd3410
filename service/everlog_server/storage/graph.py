"""The graph around an event: one statement, one round trip (narratives.sql, `trace`)."""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import Graph, LinkKind
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("narratives.sql")

EDGES_MAX = 20_000
_TRACE_SECONDS_MAX = 5.0
_RECORDS_BYTES_MAX = 3 * 1024 * 1024
_NODE_BYTES = 42
"""Of a node in an answer: a UUID's text, its depth, and what frames them."""
_EDGE_BYTES = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceAsked:
    """Which graph is meant."""

    event_id: bytes
    backwards: bool
    forwards: bool
    link_kinds: AbstractSet[LinkKind]
    depth_max: int
    events_max: int


class GraphReader:
    """Reads graphs."""

    def __init__(self, database: Database, *, seconds_max: float = _TRACE_SECONDS_MAX) -> None:
        """`seconds_max` bounds one graph, the wait for a connection included."""
        self._database = database
        self._seconds_max = seconds_max

    async def trace(self, tenant_id: int, asked: TraceAsked, *, bytes_max: int) -> Graph | None:
        """The graph around an event; None if the log does not have the event.

        Bounded by the events asked for, 20,000 edges, and `bytes_max` of an answer: the nearest are
        taken, the event itself always. Raises ReadTooExpensiveError after `seconds_max`.
        """
        parameters = {
            "tenant_id": tenant_id,
            "event_id": asked.event_id,
            "backwards": asked.backwards,
            "forwards": asked.forwards,
            **{kind.name.lower(): kind in asked.link_kinds for kind in LinkKind},
            "max_depth": asked.depth_max,
            "events_max": asked.events_max,
            "edges_max": EDGES_MAX,
            "records_bytes_max": _RECORDS_BYTES_MAX,
            "bytes_max": bytes_max,
            "node_bytes": _NODE_BYTES,
            "edge_bytes": _EDGE_BYTES,
        }
        try:
            # PostgreSQL is told as well: psycopg cancels the statement that it waits for.
            async with asyncio.timeout(self._seconds_max):
                async with self._database.reads.connection(tenant_id) as connection:
                    cursor = connection.cursor(binary=True)
                    await cursor.execute(_SQL["trace"], parameters)
                    row = await cursor.fetchone()
        except TimeoutError:
            raise ReadTooExpensiveError(
                "the graph is too large to be walked in time: ask for fewer events, a smaller"
                " depth, or fewer kinds of links"
            ) from None
        if row is None or row[1] is None:
            return None
        records, event_ids, depths, events, from_places, to_places, kinds, is_truncated = row
        return Graph(
            records or b"",
            [event_ids[start : start + 36] for start in range(0, len(event_ids), 36)],
            depths,
            events,
            list(zip(from_places or (), to_places or (), kinds or (), strict=True)),
            is_truncated,
        )
