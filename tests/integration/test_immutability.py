"""Append-only is enforced in the database, whoever asks."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from everlog_server.settings import Settings
from everlog_server.storage.conninfo import service_conninfo
from tests.factories import new_event, open_house

CHANGES = [
    "UPDATE everlog.events SET event_type = 'other'",
    "DELETE FROM everlog.events",
    "TRUNCATE everlog.events",
    "UPDATE everlog.event_links SET kind = 'other'",
    "DELETE FROM everlog.event_links",
]
ONLY_THROUGH_FUNCTIONS = [
    "INSERT INTO everlog.events SELECT * FROM everlog.events",
    "UPDATE everlog.tenants SET head = 0",
    "DELETE FROM everlog.tenants",
    "INSERT INTO everlog.tenant_names VALUES ('mine', 77)",
    "SELECT head FROM everlog.tenants FOR UPDATE",
    "ALTER TABLE everlog.events DISABLE TRIGGER ALL",
    "DROP TABLE everlog.events",
    "CREATE TABLE everlog.mine ()",
]


@pytest.mark.parametrize("statement", CHANGES + ONLY_THROUGH_FUNCTIONS)
async def test_the_services_role_may_change_nothing_by_itself(
    database_url: str, statement: str
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
    conninfo = service_conninfo(database_url, Settings().storage)
    with psycopg.connect(conninfo) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_owner_and_a_superuser_meet_the_same_refusal(
    database_url: str, statement: str
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(InsufficientPrivilege, match="is append-only"),
    ):
        connection.execute(statement.encode())


def test_the_services_role_is_neither_owner_nor_superuser(database_url: str) -> None:
    with psycopg.connect(service_conninfo(database_url, Settings().storage)) as connection:
        role = connection.execute(
            "SELECT r.rolname, r.rolsuper, r.rolcreaterole, r.rolbypassrls,"
            " EXISTS (SELECT FROM pg_class AS c WHERE c.relowner = r.oid)"
            " FROM pg_roles AS r WHERE r.rolname = current_user"
        ).fetchone()
    assert role == ("everlog_service", False, False, False, False)
