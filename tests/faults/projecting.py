"""Who looks at a projection: asks where it is, reads its tables, has them made anew."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import grpc
import psycopg

from everlog.v1 import projections_pb2 as pb
from everlog.v1.projections_pb2_grpc import ProjectionServiceStub
from tests.faults.actors import CALL_SECONDS, SETTLE_SECONDS, Actor, Run
from tests.faults.checks_of_projections import ALL
from tests.faults.history import Projected, Tables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROJECTION = "folds"
_PAUSE_SECONDS = 0.15
_READ_SECONDS_MAX = 5.0
_TABLES = """
    CREATE TABLE folds (name text PRIMARY KEY, events bigint NOT NULL, digest text NOT NULL);
    -- Without a key: what takes effect twice stands there twice.
    CREATE TABLE trail (position bigint NOT NULL);
"""
_FOLD = """
    INSERT INTO folds AS f (name, events, digest) VALUES ({}, 1, md5(%(data.mark)s))
    ON CONFLICT (name) DO UPDATE SET events = f.events + 1, digest = md5(f.digest || %(data.mark)s)
"""
_STATEMENTS = (
    _FOLD.format("%(aggregate_type)s || '/' || %(aggregate_id)s"),
    _FOLD.format(f"'{ALL}'"),
    "INSERT INTO trail (position) VALUES (%(position)s)",
)
_READ = """
    SELECT
        (SELECT b.checkpoint FROM everlog.projections AS p
        JOIN everlog.projection_builds AS b ON (b.tenant_id, b.name, b.build)
            = (p.tenant_id, p.name, p.live)
        WHERE p.tenant_id = everlog.tenant_of_name(%(tenant)s) AND p.name = %(name)s),
        (SELECT coalesce(array_agg(row(f.name, f.events, f.digest)::text), '{{}}')
        FROM {schema}.folds AS f),
        (SELECT coalesce(array_agg(t.position), '{{}}') FROM {schema}.trail AS t)
"""


def schema_of(tenant: str) -> str:
    """The schema of a tenant's projection; with two underscores, no beginning of another one's."""
    return f"folds_{tenant.replace('-', '_')}__"


class ProjectionWatcher(Actor):
    """Makes the projection, and looks at it until it has come to the end."""

    def __init__(self, run: Run, name: str, database_url: str) -> None:
        super().__init__(run, name)
        self.schema = schema_of(run.tenant)
        self._database_url = database_url
        self._read_text = _READ.format(schema=self.schema).encode()
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._rebuilds = self.dice.choice([0, 1, 2])

    async def create(self) -> None:
        """Returns when it is there."""
        types = ["a.*", "b.*", "s.*", "end.*"]
        definition = pb.ProjectionDefinition(
            name=PROJECTION,
            schema=self.schema,
            tables=_TABLES,
            handlers=[pb.ProjectionHandler(event_types=types, statements=_STATEMENTS)],
        )
        request = pb.ApplyProjectionRequest(definition=definition)
        while not await self._asks(lambda: self._stub.ApplyProjection(request, timeout=30)):
            await self.move()

    async def live(self) -> None:
        """Until the tables have come to the end, or take too long: the checker says so then."""
        gives_up_at: float | None = None
        while gives_up_at is None or time.monotonic() < gives_up_at:
            if gives_up_at is None and self.run.is_settling:
                gives_up_at = time.monotonic() + SETTLE_SECONDS
            if not await self._asks(self._look):
                await self.move()
            if self.run.is_final(await self._read()):
                return
            if self._rebuilds and not self.run.stopping.is_set() and self.dice.random() < 0.15:
                self._rebuilds -= 1
                request = pb.RebuildProjectionRequest(name=PROJECTION)
                await self._asks(
                    lambda request=request: self._stub.RebuildProjection(
                        request, timeout=CALL_SECONDS
                    )
                )
            await self.rest(_PAUSE_SECONDS)

    async def close(self) -> None:
        await super().close()
        await self._disconnect()

    @property
    def _stub(self) -> ProjectionServiceStub:
        return ProjectionServiceStub(self.channel)

    async def _asks(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Whether it was answered."""
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            self.told(error)
            return False
        return True

    async def _look(self) -> None:
        began = self.history.now()
        request = pb.GetProjectionRequest(name=PROJECTION)
        answer = await self._stub.GetProjection(request, timeout=CALL_SECONDS)
        found = answer.projection
        state = pb.Projection.State.Name(found.state)
        if found.HasField("failure"):
            state += f" ({found.failure.message})"
        one = Projected(
            began=began, ended=self.history.now(), checkpoint=found.checkpoint, state=state
        )
        self.history.projected.append(one)

    async def _read(self) -> int:
        """What the tables hold, as any reader sees it; their checkpoint, or 0 if nobody answers."""
        began = self.history.now()
        try:
            async with asyncio.timeout(_READ_SECONDS_MAX):
                row = await self._row()
        except (psycopg.OperationalError, TimeoutError):
            await self._disconnect()
            self.run.reasons["tables not read"] += 1
            return 0
        except psycopg.Error as error:
            await self._disconnect()
            self.history.defects.append(f"{self.name} could not read the tables: {error!r}")
            return 0
        checkpoint, folds, trail = row
        one = Projected(
            began=began,
            ended=self.history.now(),
            checkpoint=checkpoint,
            tables=Tables(dict(map(_fold, folds)), tuple(trail)),
        )
        self.history.projected.append(one)
        return int(checkpoint)

    async def _row(self) -> tuple[Any, ...]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._database_url, autocommit=True, connect_timeout=2
            )
        parameters = {"tenant": self.run.tenant, "name": PROJECTION}
        cursor = await self._connection.execute(self._read_text, parameters)
        row = await cursor.fetchone()
        assert row is not None
        return row

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _fold(text: str) -> tuple[str, tuple[int, str]]:
    """Of a row as text; names and digests have nothing that would be quoted."""
    name, events, digest = text[1:-1].split(",")
    return name, (int(events), digest)
