"""What can be seen of a database from a connection: facts only, judged by the room `doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from everlog_server.errors import EverlogError, StorageUnavailableError
from everlog_server.storage.sql import load

_SQL = load("diagnosis.sql")
_READ_ONLY = "-c statement_timeout=10000 -c default_transaction_read_only=on"


class NotVisibleError(EverlogError):
    """PostgreSQL does not show this to this user."""


class SchemaStatement(NamedTuple):
    """Something that the schema has, and the statement that makes it."""

    kind: str
    """`index`, `trigger`, `wall` or `grant`."""
    name: str
    statement: str


class Facts:
    """One connection to a database, as whoever the settings name; it only reads."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def rows(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of a query of diagnosis.sql; raises NotVisibleError when it is refused."""
        try:
            return self._connection.execute(_SQL[name].encode(), parameters).fetchall()
        except psycopg.errors.DatabaseError as error:
            if self._connection.closed:
                raise StorageUnavailableError(f"PostgreSQL went away: {error}") from error
            text = error.diag.message_primary or str(error)
            raise NotVisibleError(f"PostgreSQL does not say: {text}") from error

    def row(self, name: str, **parameters: object) -> dict[str, Any] | None:
        """The first row; None: there is none."""
        return next(iter(self.rows(name, **parameters)), None)

    def schema_statements(self) -> list[SchemaStatement]:
        """What the database has of what `expected_statements` lists, and more."""
        return [SchemaStatement(**row) for row in self.rows("schema_statements")]


@contextmanager
def looking_at(dsn: str, *, connect_timeout_seconds: float) -> Iterator[Facts]:
    """Connects as `everlog serve` does, but keeps the login's own role, which sees more."""
    try:
        conninfo = make_conninfo(
            dsn,
            connect_timeout=round(connect_timeout_seconds),
            application_name="everlog doctor",
            options=f"{conninfo_to_dict(dsn).get('options', '')} {_READ_ONLY}".strip(),
        )
        connection = psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        raise StorageUnavailableError(f"PostgreSQL can't be reached: {text}") from error
    with connection:
        yield Facts(connection)


def expected_statements() -> list[SchemaStatement]:
    """What the migrations make: a file that tests/integration/schema_snapshot.py writes."""
    text = resources.files("everlog_server.storage.sql").joinpath("expected.txt")
    lines = text.read_text(encoding="utf-8").splitlines()
    return [SchemaStatement(*line.split("\t")) for line in lines]
