"""What a database has of a tenant."""

from __future__ import annotations

import psycopg


def id_of(url: str, name: str) -> int:
    """The id of a tenant, also while it is dropped."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT tenant_id FROM everlog.tenant_names WHERE name = %s", [name]
        ).fetchone()
    assert row is not None, name
    return int(row[0])


def tables_with(url: str, tenant_id: int) -> set[str]:
    """The tables that have anything of a tenant."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE a.attname = 'tenant_id' AND c.relnamespace = 'everlog'::regnamespace"
            " AND c.relkind = 'r'"
        ).fetchall()
        return {
            name
            for (name,) in names
            if connection.execute(
                f"SELECT FROM everlog.{name} WHERE tenant_id = %s LIMIT 1".encode(), [tenant_id]
            ).fetchone()
            is not None
        }


def schemas_like(url: str, prefix: str) -> set[str]:
    """The schemas whose names begin so: of a projection, and of its rebuilds."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [prefix]
        ).fetchall()
    return {name for (name,) in rows}
