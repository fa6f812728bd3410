"""Runs queries as the service does, and looks what PostgreSQL did for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from benchmarks.explain.filling import TENANT
from everlog_server.settings import Settings
from everlog_server.storage.conninfo import TENANT_SETTING, with_settings
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.explain.case import Case, SqlFile

RUNS = 3
"""What is told is of the last one: what a query touches is in memory by then."""
# Counted by PostgreSQL itself, for the transaction: also what the statements of functions do.
_TOUCHED = """
SELECT
    c.relname::text, c.relkind = 'i', pg_stat_get_xact_numscans(c.oid),
    pg_stat_get_xact_tuples_returned(c.oid)
FROM pg_class AS c
WHERE c.relnamespace = 'everlog'::regnamespace AND c.relkind IN ('r', 'i')
    AND pg_stat_get_xact_numscans(c.oid) > 0
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """A scanned index or table: how often, and how many entries or rows that gave."""

    name: str
    is_index: bool
    scans: int
    rows: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a query cost."""

    touched: list[Touched]
    planning_ms: float
    execution_ms: float
    plan: str


class Measurer:
    """Connections as the service's pools have them, one of each."""

    def __init__(self, url: str) -> None:
        database = Database(url, Settings().storage)
        pools = (
            database.reads,
            database.consumers,
            database.changes,
            database.indexing,
            database.projecting,
        )
        conninfos = {pool.name: pool.conninfo for pool in pools}
        conninfos["append"] = database.append_conninfo
        self._connections = {
            name: psycopg.connect(
                with_settings(conninfo, **{TENANT_SETTING: str(TENANT)}),
                autocommit=True,
                prepare_threshold=None,
            )
            for name, conninfo in conninfos.items()
        }

    def close(self) -> None:
        """Closes them."""
        for connection in self._connections.values():
            connection.close()

    @property
    def version(self) -> str:
        """PostgreSQL's."""
        return self._connections["reads"].info.parameter_status("server_version") or "?"

    def measure(self, file: SqlFile, case: Case) -> Measured:
        """Runs a query a few times; what it changes is undone.

        Prepared, so that it is planned as the pool's connections plan: with the values, or without.
        """
        connection = self._connections[case.pool]
        statement, values = _numbered(
            load(file.name, fragments_of=file.fragments_of)[case.query], case.parameters
        )
        connection.execute(b"PREPARE shown AS " + statement.encode())
        arguments = sql.SQL(", ").join(map(sql.Literal, values))
        call = sql.SQL("EXPLAIN (ANALYZE, BUFFERS OFF) EXECUTE shown {}").format(
            sql.SQL("({})").format(arguments) if values else sql.SQL("")
        )
        try:
            for _ in range(RUNS - 1):
                _run(connection, call)
            lines, touched = _run(connection, call)
        finally:
            connection.execute("DEALLOCATE shown")
        plan = "\n".join(_shortened(line) for line in lines)
        return Measured(
            touched,
            _milliseconds("Planning", plan),
            _milliseconds("Execution", plan),
            plan,
        )


def _run(
    connection: psycopg.Connection[Any], call: sql.Composed
) -> tuple[list[str], list[Touched]]:
    """The lines of the plan, and what was scanned; undone."""
    with connection.transaction(force_rollback=True):
        before = _touched(connection)
        lines = [row[0] for row in connection.execute(call).fetchall()]
        touched = _difference(before, _touched(connection))
    return lines, touched


def _touched(connection: psycopg.Connection[Any]) -> dict[str, Touched]:
    rows = connection.execute(_TOUCHED.encode()).fetchall()
    return {row[0]: Touched(*row) for row in rows}


def _difference(before: Mapping[str, Touched], after: Mapping[str, Touched]) -> list[Touched]:
    """PostgreSQL goes on counting until it has told its collector, which it does at its leisure."""
    found = []
    for name, now in after.items():
        then = before.get(name, Touched(name, now.is_index, 0, 0))
        if now.scans > then.scans:
            found.append(Touched(name, now.is_index, now.scans - then.scans, now.rows - then.rows))
    return sorted(found, key=lambda one: (-one.rows, one.name))


def _numbered(statement: str, parameters: Any) -> tuple[str, list[Any]]:
    """A statement as PREPARE takes it, and the values for it."""
    if not hasattr(parameters, "keys"):
        return statement, list(parameters)
    named: Mapping[str, Any] = parameters
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    text = re.sub(r"%\((\w+)\)s", number, statement).replace("%%", "%")
    return text, [named[name] for name in names]


def _shortened(line: str) -> str:
    # Arrays of parameters would fill pages.
    line = re.sub(r"'\{[^}]{80,}\}'", "'{…}'", line)
    return line if len(line) <= 180 else f"{line[:179]}…"


def _milliseconds(of: str, plan: str) -> float:
    found = re.search(rf"{of} Time: ([\d.]+) ms", plan)
    return float(found[1]) if found else 0.0
