"""The graph around an event: one statement, one round trip (narratives.sql, `trace`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from everlog_server.errors import EventDamagedError, ReadTooExpensiveError
from everlog_server.model import Graph, LinkKind, uuid_text
from everlog_server.storage.damage import are_whole
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
        taken, the event itself always. Raises ReadTooExpensiveError after `seconds_max`, and
        EventDamagedError if an event of the graph is damaged.
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
        records, ids_text, depths, events, from_places, to_places, kinds, is_truncated = row
        event_ids = [ids_text[start : start + 36] for start in range(0, len(ids_text), 36)]
        if not are_whole(records or b"", events):
            raise await self._first_damage(tenant_id, event_ids[:events])
        return Graph(
            records or b"",
            event_ids,
            depths,
            events,
            list(zip(from_places or (), to_places or (), kinds or (), strict=True)),
            is_truncated,
        )

    async def _first_damage(self, tenant_id: int, event_ids: Sequence[str]) -> EventDamagedError:
        """The error that names the oldest of these events that is damaged: at least one is."""
        rows = await self._database.reads.fetch(
            _SQL["records_of_ids"], {"tenant_id": tenant_id, "event_ids": list(event_ids)}
        )
        position, event_id, _ = next(row for row in rows if not are_whole(row[2], 1))
        return EventDamagedError(position, uuid_text(event_id))
