"""Projections for tests: a server to talk to, definitions, and what a fold in Python gives."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import psycopg

from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1 import projections_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.projections_pb2_grpc import ProjectionServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

WAIT_SECONDS = 60.0
"""For what takes a moment: enough for a loaded machine."""

SUMS_TABLES = """
    CREATE TABLE sums (id text PRIMARY KEY, total numeric NOT NULL, events bigint NOT NULL);
    CREATE TABLE trail (position bigint NOT NULL);
    -- Without a key: what is applied twice stands there twice.
"""
SUMS_STATEMENTS = (
    """
    INSERT INTO sums (id, total, events) VALUES (%(aggregate_id)s, %(data.n)s, 1)
    ON CONFLICT (id) DO UPDATE SET total = sums.total + excluded.total, events = sums.events + 1
    """,
    "INSERT INTO trail (position) VALUES (%(position)s)",
)


def handler(event_type: str | Sequence[str], *statements: str) -> pb.ProjectionHandler:
    """What events of a type, or of some, do."""
    types = [event_type] if isinstance(event_type, str) else event_type
    return pb.ProjectionHandler(event_types=types, statements=statements)


def sums(name: str = "sums", **fields: Any) -> pb.ProjectionDefinition:
    """Adds up `n` of all events `n.added`, by aggregate."""
    return pb.ProjectionDefinition(
        name=name,
        tables=SUMS_TABLES,
        handlers=[handler("n.added", *SUMS_STATEMENTS)],
        **fields,
    )


def fold(log: Iterable[event_pb2.RecordedEvent]) -> dict[str, tuple[int, int]]:
    """What `sums` should have: of each aggregate the total, and how many events."""
    found: dict[str, tuple[int, int]] = {}
    for event in log:
        if event.event_type == "n.added":
            total, events = found.get(event.aggregate_id, (0, 0))
            found[event.aggregate_id] = (total + json.loads(event.json)["n"], events + 1)
    return found


class Projections(NamedTuple):
    """A server, and its database."""

    stub: ProjectionServiceStub
    events: EventStoreServiceStub
    database_url: str
    tenant: str = "default"

    @property
    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("everlog-tenant", self.tenant),)

    async def apply(
        self, definition: pb.ProjectionDefinition, **fields: Any
    ) -> pb.ApplyProjectionResponse:
        request = pb.ApplyProjectionRequest(definition=definition, **fields)
        return await self.stub.ApplyProjection(request, metadata=self._metadata, timeout=30)

    async def get(self, name: str) -> pb.Projection:
        request = pb.GetProjectionRequest(name=name)
        answer = await self.stub.GetProjection(request, metadata=self._metadata, timeout=30)
        return answer.projection

    async def emit(
        self, *data: Any, event_type: str = "n.added", aggregate: str = "1", **fields: Any
    ) -> list[event_pb2.RecordedEvent]:
        """Emits events with the data; as they are recorded, but for their payload."""
        events = [
            event_pb2.NewEvent(
                aggregate_type="thing",
                aggregate_id=aggregate,
                event_type=event_type,
                **({} if one is None else {"json": json.dumps(one)}),
                **fields,
            )
            for one in data
        ]
        request = event_store_pb2.EmitRequest(events=events)
        answer = await self.events.Emit(request, metadata=self._metadata, timeout=30)
        return list(answer.receipts)

    async def head(self) -> int:
        request = event_store_pb2.GetHeadRequest()
        answer = await self.events.GetHead(request, metadata=self._metadata, timeout=30)
        return answer.position

    async def log(self) -> list[event_pb2.RecordedEvent]:
        replay = self.events.Replay(event_store_pb2.ReplayRequest(), metadata=self._metadata)
        return [event async for batch in replay for event in batch.events]

    async def wait(
        self, name: str, is_so: Callable[[pb.Projection], bool], seconds: float = WAIT_SECONDS
    ) -> pb.Projection:
        """The projection, once it is so."""
        deadline = time.monotonic() + seconds
        while True:
            projection = await self.get(name)
            if is_so(projection):
                return projection
            assert time.monotonic() < deadline, projection
            await asyncio.sleep(0.02)

    async def caught_up(self, name: str) -> pb.Projection:
        """The projection, once it has come to the head as it is now."""
        head = await self.head()
        return await self.wait(name, lambda one: one.checkpoint >= head)

    async def errors(self, name: str, **fields: Any) -> list[pb.ProjectionError]:
        """All events that failed, page by page."""
        request = pb.ListProjectionErrorsRequest(name=name, **fields)
        found: list[pb.ProjectionError] = []
        while True:
            page = await self.stub.ListProjectionErrors(
                request, metadata=self._metadata, timeout=30
            )
            found += page.errors
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def effects(self, event_id: str, name: str = "") -> list[pb.ProjectionEffects]:
        request = pb.GetProjectionEffectsRequest(event_id=event_id, name=name)
        answer = await self.stub.GetProjectionEffects(request, metadata=self._metadata, timeout=30)
        return list(answer.effects)

    def rows(self, query: str) -> list[Any]:
        """Rows of the database, by a superuser."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def sums(self, schema: str = "sums") -> dict[str, tuple[int, int]]:
        """What `sums` has; nothing in it was applied twice."""
        rows = self.rows(f"SELECT id, total, events FROM {schema}.sums")
        twice = self.rows(
            f"SELECT position FROM {schema}.trail GROUP BY position HAVING count(*) > 1"
        )
        assert not twice, f"applied more than once: {twice}"
        return {id_: (int(total), events) for id_, total, events in rows}


@asynccontextmanager
async def projections_at(
    address: str, database_url: str, tenant: str = "default"
) -> AsyncIterator[Projections]:
    """A client of a server."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    ]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield Projections(
            ProjectionServiceStub(channel), EventStoreServiceStub(channel), database_url, tenant
        )
