"""How the tables of a projection are made: one transaction, in which its SQL runs in a build site.

What is wrong with the SQL is raised as SqlRefused, and nothing has changed then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import generators, sql

from everlog_server.errors import EverlogError
from everlog_server.storage.connection import Connection
from everlog_server.storage.database import Database
from everlog_server.storage.pages import filter_parameters
from everlog_server.storage.projecting import TRANSIENT, reset
from everlog_server.storage.projections import Policy, fetch
from everlog_server.storage.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from everlog_server.model import EventFilter

_CONDITIONS = load("projection_filters.sql", fragments_of="reads.sql")
_PREPARE = "PREPARE everlog_statement AS "
_FORGET = "DEALLOCATE everlog_statement"


class SqlRefused(EverlogError):
    """PostgreSQL does not take SQL of a definition."""

    def __init__(self, error: psycopg.Error, *, offset: int = 0) -> None:
        diagnostics = error.diag
        super().__init__(diagnostics.message_primary or str(error))
        self.sqlstate = error.sqlstate or ""
        self.detail = diagnostics.message_detail or ""
        self.hint = diagnostics.message_hint or ""
        place = diagnostics.statement_position or diagnostics.internal_position
        self.place = int(place) - offset if place else None
        """Which character of it, from 1, if PostgreSQL says."""
        self.index = 0
        """Which of several statements."""


class SchemaExists(EverlogError):
    """There is a schema of the name."""


class DatabaseType(NamedTuple):
    """A type of the database."""

    schema: str
    name: str
    category: str


class Described(NamedTuple):
    """What PostgreSQL says of a statement."""

    types: tuple[DatabaseType, ...]
    returns_rows: bool


class BuildSite:
    """One build in the making, inside of its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create_schema(self, schema: str) -> None:
        """Raises SchemaExists."""
        try:
            await self._call("create_schema", schema=schema)
        except psycopg.errors.DuplicateSchema as error:
            raise SchemaExists(f"there is a schema {schema}") from error

    async def make_tables(self, schema: str, body: str) -> None:
        """Runs the function that makes the tables; raises SqlRefused."""
        with _refusals(self._connection):
            await self._call("define_function", schema=schema, is_of_tables=True, body=body)
            try:
                await self._call("make_tables", schema=schema)
            finally:
                await reset(self._connection)
            await self._call("seal")

    async def describe(self, schema: str, statements: Sequence[str]) -> list[Described]:
        """What the statements want and give, in the schema; raises SqlRefused, with `index`.

        PREPARE takes what reads and changes rows, and refuses all else; it runs nothing. Nor is
        anything else run while the schema is in the search path.
        """
        connection = self._connection
        path = sql.SQL("SET LOCAL search_path = {}, pg_catalog").format(sql.Identifier(schema))
        await connection.execute(path)
        found: list[tuple[list[int], bool]] = []
        for index, statement in enumerate(statements):
            with _refusals(connection, offset=len(_PREPARE), index=index):
                # A binary cursor takes one statement only, whatever the text holds.
                cursor = connection.cursor(binary=True)
                await cursor.execute((_PREPARE + statement).encode())
                found.append(await self._describe_prepared())
            await connection.execute(_FORGET)
        await connection.execute("RESET ALL")
        types = await self._types({oid for oids, _ in found for oid in oids})
        return [Described(tuple(types[oid] for oid in oids), rows) for oids, rows in found]

    async def define(self, schema: str, body: str, readers: Sequence[str]) -> None:
        """Makes the function that runs windows, and lets the readers read; raises SqlRefused."""
        with _refusals(self._connection):
            await self._call("define_function", schema=schema, is_of_tables=False, body=body)
        await self.grant(schema, readers, ())

    async def grant(self, schema: str, readers: Sequence[str], former: Sequence[str]) -> None:
        """Lets roles read, and former ones not any more."""
        await self._call("grant", schema=schema, readers=list(readers), former=list(former))

    async def create(
        self,
        tenant_id: int,
        name: str,
        *,
        schema: str,
        definition: bytes,
        structure: bytes,
        policy: Policy,
    ) -> None:
        """Notes the new projection."""
        await self._call(
            "create",
            tenant_id=tenant_id,
            name=name,
            schema=schema,
            definition=definition,
            structure=structure,
            **policy.parameters(),
        )

    async def update(
        self, tenant_id: int, name: str, *, seen: bytes, definition: bytes, policy: Policy
    ) -> bool:
        """Replaces the definition; False: it is not any more the one that was seen."""
        return bool(
            await self._call(
                "update",
                tenant_id=tenant_id,
                name=name,
                seen=seen,
                definition=definition,
                **policy.parameters(),
            )
        )

    async def number_rebuild(self, tenant_id: int, name: str) -> int | None:
        """The number of a new rebuild; None: there is no such projection."""
        number: int | None = await self._call("number_rebuild", tenant_id=tenant_id, name=name)
        return number

    async def begin_rebuild(
        self,
        tenant_id: int,
        name: str,
        *,
        build: int,
        schema: str,
        wanted_schema: str,
        structure: bytes,
    ) -> None:
        """Begins the rebuild."""
        await self._call(
            "begin_rebuild",
            tenant_id=tenant_id,
            name=name,
            build=build,
            schema=schema,
            wanted_schema=wanted_schema,
            structure=structure,
        )

    async def cancel_rebuild(self, tenant_id: int, name: str) -> None:
        """Stops the rebuild that runs, if one does."""
        await self._call("cancel_rebuild", tenant_id=tenant_id, name=name)

    async def delete(self, tenant_id: int, name: str, *, keeps_tables: bool) -> str | None:
        """Removes a projection; what depends on its schema, and forbids it."""
        dependents: str | None = await self._call(
            "delete", tenant_id=tenant_id, name=name, keeps_tables=keeps_tables
        )
        return dependents

    async def filter_condition(self, event_filter: EventFilter) -> str:
        """The filter as SQL about the event `e`, its values as literals."""
        parameters = filter_parameters(0, event_filter)
        cursor = psycopg.AsyncClientCursor(self._connection)
        return cursor.mogrify(_CONDITIONS["matches"], parameters)

    async def _describe_prepared(self) -> tuple[list[int], bool]:
        pgconn = self._connection.pgconn
        pgconn.send_describe_prepared(b"everlog_statement")
        (result,) = await self._connection.wait(generators.execute(pgconn))
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        return [result.param_type(n) for n in range(result.nparams)], result.nfields > 0

    async def _types(self, ids: set[int]) -> dict[int, DatabaseType]:
        rows = await fetch(self._connection, "types", {"ids": sorted(ids)})
        return {oid: DatabaseType(schema, name, category) for oid, schema, name, category in rows}

    async def _call(self, query: str, **parameters: Any) -> Any:
        rows = await fetch(self._connection, query, parameters)
        return rows[0][0]


class ProjectionBuilds:
    """Opens build sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def site(self, *, keep: bool = True) -> AsyncIterator[BuildSite]:
        """A build site; what was done in it is kept if the block ends well, and `keep` says so."""
        async with self._database.projecting.connection(None) as connection:
            try:
                async with connection.transaction(force_rollback=not keep):
                    yield BuildSite(connection)
            finally:
                await reset(connection)


@contextmanager
def _refusals(connection: Connection, *, offset: int = 0, index: int = 0) -> Iterator[None]:
    """PostgreSQL's errors about SQL of a definition; those of its own pass, as OperationalError."""
    try:
        yield
    except psycopg.Error as error:
        sqlstate = error.sqlstate
        # Of a connection that is lost the error has no SQLSTATE, and says nothing of the SQL.
        if connection.closed or sqlstate is None:
            raise psycopg.OperationalError("the connection was lost") from error
        # A time limit is the definition's own doing.
        is_own = isinstance(error, psycopg.errors.QueryCanceled)
        if sqlstate.startswith(TRANSIENT) and not is_own:
            raise
        refused = SqlRefused(error, offset=offset)
        refused.index = index
        raise refused from error
