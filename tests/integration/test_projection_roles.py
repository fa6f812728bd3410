"""What SQL of a definition can't do: it reads events, writes its own schema, and is nobody else.

Each case is a thing that somebody might try, as SQL of the tables (run when it is applied) or in a
function that a handler calls (run when an event comes). Whatever it says, the log is as it was, and
the secret is where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from typing import TYPE_CHECKING

import grpc
import psycopg
import pytest
import pytest_asyncio

from everlog.v1 import projections_pb2 as pb
from tests.projections import Projections, handler, projections_at
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = count(1)

DIRECT = {
    "set_role": "SET ROLE postgres; TRUNCATE public.secret",
    "set_role_none": "SET ROLE NONE; TRUNCATE public.secret",
    "reset_role": "RESET ROLE; TRUNCATE public.secret",
    "set_local_role": "SET LOCAL ROLE everlog_service",
    "session_authorization": "SET SESSION AUTHORIZATION postgres",
    "reset_session_authorization": "RESET SESSION AUTHORIZATION",
    "set_config": "SELECT set_config('role', 'none', false); TRUNCATE public.secret",
    "role_then_statement": "DO $$ BEGIN EXECUTE 'RESET ROLE';"
    " EXECUTE 'TRUNCATE public.secret'; END $$",
    "commit": "COMMIT; TRUNCATE public.secret",
    "commit_in_a_block": "DO $$ BEGIN COMMIT; END $$",
    "rollback": "ROLLBACK",
    "copy_program": "COPY (SELECT 1) TO PROGRAM 'touch /tmp/everlog_was_here'",
    "copy_from_file": "CREATE TABLE t (x text); COPY t FROM '/etc/passwd'",
    "read_file": "CREATE TABLE t AS SELECT pg_read_file('/etc/passwd')",
    "read_secret": "CREATE TABLE t AS SELECT * FROM public.secret",
    "write_events": "DELETE FROM everlog.events",
    "write_heads": "UPDATE everlog.tenants SET head = 0",
    "append": "SELECT everlog.raise_epoch(1)",
    "write_checkpoints": "UPDATE everlog.projection_builds SET checkpoint = 1",
    "run_windows": "SELECT everlog.seal_projection()",
    "other_schema": "CREATE SCHEMA more",
    "in_everlog": "CREATE TABLE everlog.more (id int)",
    "replace_gate": "CREATE OR REPLACE FUNCTION everlog.seal_projection() RETURNS void"
    " LANGUAGE sql AS ''",
    "alter_gate": "ALTER FUNCTION everlog.run_projection_tables SECURITY INVOKER",
    "create_role": "CREATE ROLE more",
    "grant_itself": "GRANT postgres TO everlog_projector",
    "give_away": "CREATE TABLE t (); ALTER TABLE t OWNER TO postgres",
    "untrusted_language": "CREATE FUNCTION f() RETURNS void LANGUAGE c AS 'libc', 'exit'",
    "deferred_trigger": """
        CREATE TABLE t (id int);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION f();
        INSERT INTO t VALUES (1)
    """,
    "deferred_exclusion": """
        CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
            'BEGIN PERFORM set_config(''role'', ''none'', false); RETURN 1; END';
        CREATE TABLE t (id int, EXCLUDE USING btree (f(id) WITH =) DEFERRABLE INITIALLY DEFERRED)
    """,
}
"""SQL of tables that is refused."""

QUIET = {
    "holdable_cursor": """
        CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN 1; END';
        DO $$ BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT f()'; END $$
    """,
    "search_path": """
        CREATE FUNCTION eq(text, text) RETURNS bool LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN true; END';
        CREATE FUNCTION eq(int, int) RETURNS bool LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN true; END';
        CREATE FUNCTION eq(oid, oid) RETURNS bool LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN true; END';
        CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = eq);
        CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = eq);
        CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = eq);
        DO $$ BEGIN EXECUTE format('SET search_path = %I, pg_catalog', current_schema()); END $$
    """,
    "settings": "SET statement_timeout = 0; SET standard_conforming_strings = off;"
    " SET default_transaction_read_only = on",
    "session": """
        DO $$ BEGIN
            EXECUTE 'PREPARE everlog_statement AS SELECT 1';
            LISTEN everlog;
            PERFORM pg_advisory_lock(1);
        END $$
    """,
    "temporary": "CREATE DOMAIN pg_temp.text AS int; CREATE TEMP TABLE pg_proc (oid int)",
}
"""SQL of tables that is taken, and comes to nothing."""

LATER = {
    "set_role": "EXECUTE 'SET ROLE NONE'; TRUNCATE public.secret;",
    "alter_itself": "EXECUTE format("
    "'ALTER FUNCTION %I.everlog_run SECURITY INVOKER', current_schema());",
    "deferred_trigger": """
        EXECUTE 'CREATE TABLE d (id int)';
        EXECUTE 'CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $b$ BEGIN
            EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN NULL; END $b$';
        EXECUTE 'CREATE CONSTRAINT TRIGGER c AFTER INSERT ON d DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION g()';
        EXECUTE 'INSERT INTO d VALUES (1)';
    """,
    "deferred_again": """
        EXECUTE 'CREATE TEMP TABLE d (id int)';
        EXECUTE 'CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $b$ BEGIN
            SET CONSTRAINTS ALL DEFERRED;
            IF (SELECT count(*) FROM pg_temp.d) < 3 THEN INSERT INTO pg_temp.d VALUES (2); END IF;
            EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN NULL; END $b$';
        EXECUTE 'CREATE CONSTRAINT TRIGGER c AFTER INSERT ON pg_temp.d DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION g()';
        EXECUTE 'INSERT INTO pg_temp.d VALUES (1)';
    """,
    "holdable_cursor": "EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT evil(2)';",
    "search_path": "EXECUTE format('SET search_path = %I, pg_catalog', current_schema());",
}
"""What a function does that a handler calls; `evil(2)` is that function, told to be plain evil."""


@pytest.fixture(scope="module")
def shared_database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    url = postgres.dsn.replace("/everlog?", "/hostile?")
    admin = postgres.dsn.replace("/everlog?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE hostile TEMPLATE {template_database}".encode())
        yield url
        connection.execute(b"DROP DATABASE hostile WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Projections]:
    folder = tmp_path_factory.mktemp("hostile")
    async with (
        serving(shared_database_url, folder) as server,
        projections_at(server.address, shared_database_url) as found,
    ):
        found.execute("CREATE TABLE public.secret (word text); INSERT INTO secret VALUES ('s')")
        await found.emit({"n": 1})
        yield found


def assert_untouched(wire: Projections) -> None:
    assert wire.rows("SELECT word FROM public.secret") == [("s",)]
    assert wire.rows("SELECT count(*) FROM everlog.events") == [(1,)]
    # A connection that was left as somebody else would tell, too.
    assert wire.rows("SELECT rolname FROM pg_roles WHERE rolname = 'more'") == []


def definition(name: str, tables: str, statement: str = "SELECT 1") -> pb.ProjectionDefinition:
    return pb.ProjectionDefinition(
        name=name, tables=tables, handlers=[handler("n.added", statement)]
    )


@pytest.mark.parametrize("case", DIRECT)
async def test_tables_can_not(wire: Projections, case: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.apply(definition(f"x_{next(_numbers)}", DIRECT[case]))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, caught.value
    assert_untouched(wire)


@pytest.mark.parametrize("case", QUIET)
async def test_tables_gain_nothing_by(wire: Projections, case: str) -> None:
    name = f"x_{next(_numbers)}"
    # The second time on a connection on which it has been.
    for _ in range(5):
        with contextlib.suppress(grpc.aio.AioRpcError):
            await wire.apply(definition(name, QUIET[case]), dry_run=True)
    await wire.apply(definition(name, QUIET[case]))
    await _others_go_on(wire)


@pytest.mark.parametrize("case", LATER)
async def test_a_handler_gains_nothing_by(wire: Projections, case: str) -> None:
    name = f"x_{next(_numbers)}"
    tables = f"""
        CREATE FUNCTION evil(depth int) RETURNS int LANGUAGE plpgsql AS $f$
        BEGIN
            IF depth = 2 THEN
                EXECUTE 'SET ROLE NONE'; TRUNCATE public.secret;
            END IF;
            {LATER[case]}
            RETURN 1;
        END $f$;
        CREATE FUNCTION eq(text, text) RETURNS bool LANGUAGE plpgsql AS
            'BEGIN EXECUTE ''SET ROLE NONE''; TRUNCATE public.secret; RETURN true; END';
        CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = eq);
    """
    await wire.apply(definition(name, tables, "SELECT evil(1)"))
    for _ in range(40):
        projection = await wire.get(name)
        if projection.checkpoint == 1 or projection.HasField("failure"):
            break
        await asyncio.sleep(0.05)
    await _others_go_on(wire)


async def _others_go_on(wire: Projections) -> None:
    """Nothing has changed, and other projections work, whatever that one has left behind."""
    assert_untouched(wire)
    assert wire.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
    other = f"x_{next(_numbers)}"
    await wire.apply(definition(other, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)"))
    await wire.wait(other, lambda one: one.checkpoint == 1)
    assert wire.rows(f"SELECT * FROM {other}.t") == [(1,)]
    assert_untouched(wire)
