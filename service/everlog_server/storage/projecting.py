"""The work of a projector as PostgreSQL does it: leases, windows, and what becomes of failures.

SQL of definitions runs in `project` and `project_parked`. It may leave settings behind on the
connection; they are reset before anything else is done with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import psycopg

from everlog_server.storage.connection import Connection
from everlog_server.storage.database import Database
from everlog_server.storage.projections import fetch

LEASE_SECONDS = 5.0
EFFECTS_POSITIONS = 10_000
"""For how many of the last positions it is remembered what events did."""
CLAIMED_MAX = 200
"""How many projections are taken at a time."""
PAGE_MAX = 200
"""How many of its projections a projector looks at each second, changed or not."""
_LEFTOVERS_MAX = 10
# What outlives a transaction, and a rollback. Among the locks is the one that migrations take.
_RESET = "RESET ALL; DEALLOCATE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all()"
_DROP_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '200ms'"

# Beginnings of SQLSTATEs that say nothing of a projection: connections, serialization and
# deadlocks, what PostgreSQL lacks, somebody's intervention, its system, locks.
TRANSIENT = ("08", "40", "53", "57", "58", "55P03")

Outcome = Literal["gone", "lost", "paused", "stopped", "waiting", "idle", "advanced", "failed"]
SwitchOutcome = Literal["switched", "behind", "blocked", "lost"]


Key = tuple[int, str]
"""A projection: its tenant, and its name."""


class ProjectionBrokenError(Exception):
    """A projection can't be run as it is, whatever the events: its schema is gone, say."""

    def __init__(self, sqlstate: str, message: str, detail: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail


class ProjectionLook(NamedTuple):
    """A projection as a projector looks for work."""

    tenant_id: int
    name: str
    epoch: int
    has_work: bool
    tenant: str
    """Its name."""
    checkpoint: int
    head: int
    rebuild_checkpoint: int | None
    """None: none runs."""
    state: Literal["running", "paused", "retrying", "stopped"]

    @property
    def key(self) -> Key:
        """What it is named by."""
        return self.tenant_id, self.name


class Changes(NamedTuple):
    """What has changed since a look."""

    has_free: bool
    """There are projections that nobody holds."""
    mark: int
    """For the next look."""
    heads: list[tuple[int, int]]
    """Logs that have grown, by tenant, of which the projector holds something."""
    changed: list[Key]
    """Projections that have changed otherwise than by their windows, whoever holds them."""


class Ran(NamedTuple):
    """What came of a window. See project_window() in 0006_projections.sql."""

    outcome: Outcome
    checkpoint: int | None
    target: int | None
    events: int | None
    wait_seconds: float | None
    failed_position: int | None
    failed_handler: int | None
    failed_statement: int | None
    is_of_window: bool | None
    """It failed at the window's end, and no event is known to be to blame."""
    sqlstate: str | None
    message: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A projection that this process holds, by its lease."""

    tenant_id: int
    name: str
    epoch: int

    def parameters(self) -> dict[str, Any]:
        """As projections.sql has them."""
        return {"tenant_id": self.tenant_id, "name": self.name, "epoch": self.epoch}


class ProjectingStore:
    """Runs windows. Errors are those of Pool.connection.

    What runs SQL of a definition also raises ProjectionBrokenError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, projector: str, since: int | None) -> Changes:
        """What has changed since the look that had this mark; None: since ever."""
        parameters = {"projector": projector, "since": since}
        ((has_free, mark, tenants, heads, changed, names),) = await self._look("look", parameters)
        return Changes(
            has_free,
            mark,
            list(zip(tenants or (), heads or (), strict=True)),
            list(zip(changed or (), names or (), strict=True)),
        )

    async def look_at(self, keys: Collection[Key]) -> list[ProjectionLook]:
        """Those of them that there are."""
        parameters = {"tenant_ids": [key[0] for key in keys], "names": [key[1] for key in keys]}
        return [ProjectionLook(*row) for row in await self._look("look_at", parameters)]

    async def look_on(self, projector: str, after: Key) -> list[ProjectionLook]:
        """The next 200 of those that a projector holds; fewer: they end there."""
        parameters = {
            "projector": projector,
            "after_tenant": after[0],
            "after_name": after[1],
            "limit": PAGE_MAX,
        }
        return [ProjectionLook(*row) for row in await self._look("look_on", parameters)]

    async def claim(self, projector: str) -> list[ProjectionLook]:
        """Takes projections that nobody holds: half of them, and at most 200.

        They are held as long as their projector is; so it is to be renewed before.
        """
        rows = await self._change(
            "claim", projector=projector, limit=CLAIMED_MAX, lease_seconds=LEASE_SECONDS
        )
        return [ProjectionLook(*row) for row in rows]

    async def renew(self, projector: str, rates: Sequence[tuple[Held, float]]) -> None:
        """Keeps all that a projector holds; notes how many events a second some of it takes."""
        await self._change(
            "renew",
            projector=projector,
            lease_seconds=LEASE_SECONDS,
            tenant_ids=[one.tenant_id for one, _ in rates],
            names=[one.name for one, _ in rates],
            epochs=[one.epoch for one, _ in rates],
            rates=[rate for _, rate in rates],
        )

    async def release(self, projector: str) -> None:
        """Gives back all that a projector holds."""
        await self._change("release", projector=projector)

    async def project(
        self,
        held: Held,
        *,
        is_rebuild: bool,
        events_max: int,
        positions_max: int,
        until: int | None = None,
    ) -> Ran:
        """Takes a projection a window further: at most so many events and positions."""
        parameters = _window(held, is_rebuild, events_max, positions_max, until)
        async with self._database.projecting.connection(None) as connection:
            return await _project(connection, parameters)

    async def switch(self, held: Held, *, events_max: int, positions_max: int) -> SwitchOutcome:
        """Takes the rebuild to where the live build is, and puts it in its place, or neither."""
        parameters = _window(held, True, events_max, positions_max, None)
        outcome: SwitchOutcome
        async with self._database.projecting.connection(None) as connection:
            try:
                async with connection.transaction():
                    ran = await _project(connection, parameters)
                    if ran.outcome == "failed":
                        return "behind"
                    rows = await _run(connection, "switch", held.parameters())
                    outcome = rows[0][0]
            finally:
                await reset(connection)
        return outcome

    async def note_failure(
        self,
        held: Held,
        *,
        is_rebuild: bool,
        position: int,
        handler: int,
        statement: int,
        sqlstate: str,
        message: str,
        detail: str,
        random: float,
    ) -> None:
        """An event failed; what becomes of it is up to the projection's policy.

        Position 0: the projection itself can't run, and is tried again after a while.
        """
        await self._change(
            "note_failure",
            **held.parameters(),
            is_rebuild=is_rebuild,
            position=position,
            handler=handler,
            statement=statement,
            sqlstate=sqlstate,
            message=message,
            detail=detail,
            random=random,
        )

    async def project_parked(
        self, tenant_id: int, name: str, position: int
    ) -> Literal["applied", "failed", "gone"]:
        """Tries a parked event again."""
        parameters = {"tenant_id": tenant_id, "name": name, "position": position}
        outcome: Literal["applied", "failed", "gone"]
        async with self._database.projecting.connection(None) as connection:
            try:
                rows = await _run(connection, "project_parked", parameters)
            finally:
                await reset(connection)
            outcome = rows[0][0]
        return outcome

    async def drop_leftovers(self) -> list[tuple[str, str]]:
        """Drops schemas that nobody needs; those it must leave, with what depends on them.

        Who still reads one is not waited for: the next call tries again.
        """
        left: list[tuple[str, str]] = []
        async with self._database.projecting.connection(None) as connection:
            for tenant_id, schema in await fetch(
                connection, "leftovers", {"limit": _LEFTOVERS_MAX}
            ):
                try:
                    async with connection.transaction():
                        await connection.execute(_DROP_LOCK_TIMEOUT)
                        rows = await fetch(
                            connection, "drop_schema", {"tenant_id": tenant_id, "schema": schema}
                        )
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                    continue
                if rows[0][0] is not None:
                    left.append((schema, rows[0][0]))
        return left

    async def _look(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        async with self._database.reads.connection(None) as connection:
            return await fetch(connection, query, parameters)

    async def _change(self, query: str, **parameters: Any) -> list[Any]:
        async with self._database.changes.connection(parameters.get("tenant_id")) as connection:
            return await fetch(connection, query, parameters)


async def reset(connection: Connection) -> None:
    """Undoes what a definition may have set. Before anything else is said on the connection."""
    status = connection.pgconn.transaction_status
    if status == psycopg.pq.TransactionStatus.INERROR:
        return  # The rollback does it.
    if not connection.closed:
        await connection.execute(_RESET)


async def _project(connection: Connection, parameters: dict[str, Any]) -> Ran:
    try:
        rows = await _run(connection, "project", parameters)
    finally:
        await reset(connection)
    return Ran(*rows[0])


async def _run(connection: Connection, query: str, parameters: dict[str, Any]) -> list[Any]:
    try:
        return await fetch(connection, query, parameters)
    except psycopg.Error as error:
        sqlstate = error.sqlstate
        if connection.closed or sqlstate is None or sqlstate.startswith(TRANSIENT):
            raise
        message = error.diag.message_primary or str(error)
        parts = (error.diag.message_detail, error.diag.message_hint)
        raise ProjectionBrokenError(sqlstate, message, "\n".join(filter(None, parts))) from error


def _window(
    held: Held, is_rebuild: bool, events_max: int, positions_max: int, until: int | None
) -> dict[str, Any]:
    return held.parameters() | {
        "is_rebuild": is_rebuild,
        "until": until,
        "events_max": events_max,
        "positions_max": positions_max,
        "lease_seconds": LEASE_SECONDS,
        "kept_positions": EFFECTS_POSITIONS,
    }
