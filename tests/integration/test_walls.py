"""Row-level security: what PostgreSQL shows when the service's own checks are switched off.

Which tables there are is asked of PostgreSQL: a new one with a tenant_id and no policy fails here.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from everlog_server.model import EventFilter
from everlog_server.settings import Settings
from everlog_server.storage.conninfo import TENANT_SETTING, service_conninfo
from everlog_server.storage.pages import filter_parameters
from everlog_server.storage.pool import Pool
from everlog_server.storage.sql import load
from tests.conftest import new_database
from tests.factories import TENANT, new_event, open_house
from tests.servers import make_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = 2
TABLES = """
    SELECT c.relname FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'everlog'::regnamespace AND c.relkind IN ('r', 'p')
    ORDER BY c.relname
"""
FILES = {
    "aggregates.sql": "reads.sql",
    "catalogs.sql": None,
    "consumer_accounts.sql": "reads.sql",
    "consumers.sql": "reads.sql",
    "entities.sql": "reads.sql",
    "narratives.sql": "reads.sql",
    "projections.sql": "reads.sql",
    "reads.sql": None,
}
STATEMENTS = [
    (file, name)
    for file, lender in FILES.items()
    for name, text in load(file, fragments_of=lender).items()
    # What only looks, and says of which tenant: the others are functions, which have the tenant.
    if "%(tenant_id)s" in text and re.search(r"FROM everlog\.\w+\s+AS|FROM everlog\.\w+\n", text)
]


def service_connection(
    url: str, *, tenant_id: int | None = None
) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection as the service has them, which says for which tenant it is; or does not."""
    named = {} if tenant_id is None else {TENANT_SETTING: str(tenant_id)}
    conninfo = service_conninfo(url, Settings().storage, **named)
    return psycopg.connect(conninfo, autocommit=True)


def tables(url: str) -> list[str]:
    """Those that have a tenant_id."""
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(TABLES)]


def fill(url: str) -> None:
    """A row of each tenant in every table, whatever it means."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Rows without sense: no trigger and no foreign key looks at them.
        connection.execute("SET session_replication_role = replica")
        for table in tables(url):
            columns = connection.execute(COLUMNS, [f"everlog.{table}"]).fetchall()
            for tenant_id in (TENANT, OTHER):
                values = [
                    sql.Literal(tenant_id) if name == "tenant_id" else sql.SQL(SAMPLES[kind])
                    for name, kind in columns
                ]
                connection.execute(
                    sql.SQL(
                        "INSERT INTO everlog.{} ({}) VALUES ({}) ON CONFLICT DO NOTHING"
                    ).format(
                        sql.Identifier(table),
                        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
                        sql.SQL(", ").join(values),
                    )
                )


COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attnotnull AND (d.oid IS NULL OR a.attname = 'tenant_id')
    ORDER BY a.attnum
"""
SAMPLES = {
    "integer": "1",
    "bigint": "1",
    "smallint": "1",
    "double precision": "1",
    "boolean": "false",
    "uuid": "gen_random_uuid()",
    "text": "'retry'",
    "bytea": "'\\x00'",
    "jsonb": "'{}'",
    "jsonpath": "'$'",
    "text[]": "'{}'",
    "bigint[]": "'{}'",
    "integer[]": "'{}'",
    "timestamp with time zone": "now()",
}


@pytest.fixture
def filled(database_url: str) -> str:
    """A database with something of two tenants in every table."""
    make_tenant(database_url, "other", OTHER)
    with psycopg.connect(database_url) as connection:
        # What a column may say is not the matter here.
        for name, table in connection.execute(
            "SELECT conname, conrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'everlog'::regnamespace"
        ).fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    fill(database_url)
    return database_url


def counts(connection: psycopg.Connection[Any], names: list[str]) -> Iterator[tuple[str, set[int]]]:
    """Of each table the tenants whose rows it shows."""
    for name in names:
        text = sql.SQL("SELECT DISTINCT tenant_id FROM everlog.{}").format(sql.Identifier(name))
        yield name, {row[0] for row in connection.execute(text)}


def test_each_table_that_has_a_tenant_shows_one_only(filled: str) -> None:
    names = tables(filled)
    assert len(names) > 20
    with psycopg.connect(filled) as connection:
        # Else the rest would prove nothing.
        assert dict(counts(connection, names)) == {name: {TENANT, OTHER} for name in names}
    with service_connection(filled, tenant_id=OTHER) as connection:
        may_read = [
            name
            for (name,) in connection.execute(
                "SELECT t.name FROM unnest(%s::text[]) AS t (name)"
                " WHERE has_table_privilege('everlog.' || t.name, 'SELECT')",
                [names],
            )
        ]
        assert len(may_read) > 20
        assert dict(counts(connection, may_read)) == {name: {OTHER} for name in may_read}


def test_without_a_tenant_nothing_is_shown(filled: str) -> None:
    names = tables(filled)
    with service_connection(filled) as connection:
        for setting in (None, "", "0", "3"):
            if setting is not None:
                connection.execute("SELECT set_config(%s, %s, false)", [TENANT_SETTING, setting])
            for name in names:
                privilege = connection.execute(
                    "SELECT has_table_privilege(%s, 'SELECT')", [f"everlog.{name}"]
                )
                if privilege.fetchone() == (False,):
                    continue
                assert dict(counts(connection, [name])) == {name: set()}, (setting, name)


def test_each_table_that_has_a_tenant_has_the_policy(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        lacking = connection.execute(
            f"SELECT t.relname FROM ({TABLES.replace('ORDER BY c.relname', '')}) AS t"
            " JOIN pg_class AS c ON c.oid = format('everlog.%I', t.relname)::regclass"
            " WHERE NOT c.relrowsecurity OR NOT EXISTS ("
            "  SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'of_one_tenant'"
            "   AND p.polpermissive AND p.polroles = '{0}'"
            " )".encode()
        ).fetchall()
    assert lacking == []


@pytest.mark.parametrize(("file", "name"), STATEMENTS)
async def test_a_statement_for_another_tenant_shows_nothing(
    two_logs: str, file: str, name: str
) -> None:
    """Each statement as it is, for tenant 1, on a connection that says that it is tenant 2's."""
    text = load(file, fragments_of=FILES[file])[name]
    with (
        service_connection(two_logs, tenant_id=TENANT) as own,
        service_connection(two_logs, tenant_id=OTHER) as others,
    ):
        parameters = Answers()
        try:
            seen = run(own, text, parameters)
        except psycopg.Error as error:
            pytest.fail(f"{file}, {name}: {error}")
        shown = run(others, text, parameters)
    assert not substance(shown), (name, seen, shown)


@pytest.mark.parametrize(
    "name",
    [
        "whole_log_ascending",
        "whole_aggregate_descending",
        "page_of_log_ascending",
        "page_of_aggregate_descending",
        "count_of_log",
        "tail",
        "event_at_position",
        "event_at_sequence",
        "head",
        "extent",
    ],
)
def test_the_same_statement_for_the_own_tenant_shows_something(two_logs: str, name: str) -> None:
    """Else the test above would prove nothing."""
    assert ("reads.sql", name) in STATEMENTS
    with service_connection(two_logs, tenant_id=TENANT) as own:
        assert substance(run(own, load("reads.sql")[name], Answers()))


class Answers(dict[str, Any]):
    """What statements of any file may want to know, of the log that `two_logs` has."""

    def __init__(self) -> None:
        super().__init__(filter_parameters(TENANT, EventFilter()))
        self.update(dict.fromkeys(NULLS), **GIVEN)

    def __missing__(self, key: str) -> Any:
        return None


NULLS = ("after", "name", "kind", "high_type", "high_id")
GIVEN: dict[str, Any] = {
    "aggregate_type": "order",
    "aggregate_id": "1",
    "low_type": "",
    "low_id": "",
    "after": 0,
    "through": 100,
    "end": 100,
    "head": 100,
    "limit": 100,
    "bytes_max": 1_000_000,
    "record_bytes_max": 1_000_000,
    "position": 1,
    "positions": [1, 2],
    "sequence": 1,
    "documentable_only": False,
}


def run(connection: psycopg.Connection[Any], text: str, parameters: Any) -> list[Any]:
    """The rows; parameters that nobody gave are null."""
    wanted = {name: parameters[name] for name in re.findall(r"%\((\w+)\)s", text)}
    with connection.transaction(force_rollback=True):
        cursor = connection.execute(text.encode(), wanted)
        return cursor.fetchall() if cursor.description else []


def substance(rows: list[Any]) -> list[Any]:
    """The rows that say anything: aggregates give one of zeros and nulls for nothing at all."""
    return [row for row in rows if any(value for value in row)]


@pytest.fixture(scope="module")
def two_logs(postgres: Any, template_database: str) -> Iterator[str]:
    """A log of tenant 1, that of tenant 2 is empty."""
    with new_database(postgres, template=template_database) as url:
        make_tenant(url, "other", OTHER)

        async def emit() -> None:
            async with open_house(url) as house:
                for number in range(3):
                    await house.emit(
                        new_event(json='{"a": 1}', event_id=str(uuid.uuid4()), user_id=f"u{number}")
                    )

        asyncio.run(emit())
        yield url


async def test_a_pooled_connection_shows_whom_it_is_asked_for(database_url: str) -> None:
    make_tenant(database_url, "other", OTHER, head=7)
    conninfo = service_conninfo(database_url, Settings().storage)
    pool = Pool(conninfo, "one", 1, answer_seconds=30)
    await pool.open(10)
    try:
        statement = "SELECT t.tenant_id FROM everlog.tenants AS t ORDER BY 1"
        async with pool.connection(None) as connection:
            assert await (await connection.execute(statement)).fetchall() == []
        for tenant_id in (TENANT, OTHER, OTHER, TENANT):
            assert await pool.fetch(statement, {"tenant_id": tenant_id}) == [(tenant_id,)]
    finally:
        await pool.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM everlog.projector_secret",
        "SELECT everlog.projector_admission(1)",
        "SELECT everlog.admitted_tenant()",
        "ALTER TABLE everlog.events DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_one_tenant ON everlog.events",
    ],
)
def test_the_services_role_can_not_open_the_wall(database_url: str, statement: str) -> None:
    with service_connection(database_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


ADMISSION = "everlog.projector_admission"


async def test_a_projections_sql_sees_the_tenant_that_it_was_admitted_for(
    database_url: str,
) -> None:
    """Its SQL may set what it likes, and say again what it was once told."""
    make_tenant(database_url, "other", OTHER)
    async with open_house(database_url) as house:
        await house.emit(new_event())

    with psycopg.connect(database_url, autocommit=True) as connection:

        def shown(tenant_id: int, admission: str = "") -> int:
            connection.execute("SET LOCAL ROLE everlog_projector")
            connection.execute(f"SET LOCAL {TENANT_SETTING} = {tenant_id}".encode())
            if admission:
                connection.execute("SELECT set_config(%s, %s, true)", [ADMISSION, admission])
            row = connection.execute("SELECT count(*) FROM everlog.events").fetchone()
            assert row is not None
            return int(row[0])

        def admit(tenant_id: int) -> str:
            connection.execute("SELECT everlog.admit_projector(%s)", [tenant_id])
            row = connection.execute("SELECT current_setting(%s)", [ADMISSION]).fetchone()
            assert row is not None
            return str(row[0])

        with connection.transaction(force_rollback=True):
            assert shown(TENANT) == 0
        with connection.transaction(force_rollback=True):
            admitted = admit(TENANT)
            assert shown(TENANT) == 1
            assert shown(OTHER) == 0
        with connection.transaction(force_rollback=True):
            admit(OTHER)
            assert shown(TENANT) == 0
        with connection.transaction(force_rollback=True):
            others = admit(OTHER)
            assert shown(TENANT, others.replace(f"{OTHER}:", f"{TENANT}:")) == 0
        for kept in (admitted, "1", "1:", ":", "x:y", "9999999999:0"):
            with connection.transaction(force_rollback=True):
                assert shown(TENANT, kept) == 0
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL ROLE everlog_projector")
            with pytest.raises(InsufficientPrivilege):
                connection.execute("SELECT everlog.admit_projector(1)")
