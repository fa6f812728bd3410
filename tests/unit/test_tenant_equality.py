"""Which statements name their tenant: what lets tenants be spread over machines (docs/citus.md)."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from everlog_server.storage import sql

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "citus.md"
_SCHEMA = (ROOT / "tests" / "integration" / "schema.sql").read_text()
TABLES = {
    name: re.search(r"\btenant_id\b", columns) is not None
    for name, columns in re.findall(
        r"^CREATE TABLE everlog\.(\w+) \((.*?)^\)", _SCHEMA, re.MULTILINE | re.DOTALL
    )
}
"""By table of the schema: whether its rows belong to a tenant."""
_REFERENCE = re.compile(r"(?:FROM|JOIN|,)\s+everlog\.(\w+)(?!\w*\()(?:\s+AS\s+(\w+))?")
_SIDE = r"((?:\w+\.)?\btenant_id|%\(tenant_id\)s|\$\d+)(?:::integer)?"
_EQUALITY = re.compile(rf"{_SIDE}\s*(?:=|OPERATOR\(pg_catalog\.=\))\s*{_SIDE}(?!\w)")


def statements() -> dict[str, str]:
    """Every statement of the house, its fragments filled in, as `file/name`."""
    found = {}
    files = [file.name for file in resources.files(sql).iterdir() if file.name.endswith(".sql")]
    for file in sorted(files):
        for name, body in sql.load(file, fragments_of="reads.sql").items():
            found[f"{file.removesuffix('.sql')}/{name}"] = body
    return found


def without_tenant(statement: str) -> list[str]:
    """The tables of tenants that a statement reads without one tenant's number for them.

    A parameter gives it, or a function's argument, or equality with what has it already.
    """
    given: set[str] = set()
    pairs = _EQUALITY.findall(statement)
    for _ in pairs:  # as many rounds as there could be steps
        for left, right in pairs:
            sides = {left, right}
            if any(side.startswith(("%", "$")) or side in given for side in sides):
                given |= {side for side in sides if side.endswith("tenant_id")}
    return [
        table
        for table, alias in _REFERENCE.findall(statement)
        if TABLES.get(table)
        and not given & ({f"{alias}.tenant_id"} if alias else {"tenant_id", f"{table}.tenant_id"})
    ]


def functions_without_tenant() -> set[str]:
    """The functions that the service may call whose first argument is not one tenant."""
    expected = resources.files(sql).joinpath("expected.txt").read_text()
    granted = re.findall(
        r"^grant\tEXECUTE ON FUNCTION (everlog\.\w+)\((.*?)\)\t", expected, re.MULTILINE
    )
    assert len(granted) > 40
    return {name for name, arguments in granted if arguments.partition(",")[0] != "integer"}


def documented() -> set[str]:
    """The functions that docs/citus.md lists as being of no tenant, or of several."""
    section = DOCUMENT.read_text().partition("## Functions without a tenant")[2]
    table = section.partition("\n## ")[0]
    return set(re.findall(r"`(everlog\.\w+)`", table))


def test_the_schema_is_read_as_it_is() -> None:
    assert TABLES["events"]
    assert TABLES["consumer_slots"]
    assert not TABLES["schema_migrations"]
    assert len(TABLES) > 20


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("SELECT 1 FROM everlog.events AS e WHERE e.tenant_id = %(tenant_id)s::integer", []),
        ("SELECT 1 FROM everlog.events AS e WHERE e.position = 1", ["events"]),
        ("SELECT 1 FROM everlog.events AS e WHERE e.tenant_id > 1", ["events"]),
        (
            "SELECT 1 FROM everlog.events AS e JOIN everlog.tenants AS t ON t.head = e.position"
            " WHERE e.tenant_id = $1",
            ["tenants"],
        ),
        ("SELECT 1 FROM everlog.append($1)", []),
        ("SELECT 1 FROM everlog.schema_migrations AS m", []),
    ],
)
def test_a_statement_without_its_tenant_is_found(statement: str, missing: list[str]) -> None:
    assert without_tenant(statement) == missing


def test_every_statement_names_its_tenant() -> None:
    missing = {name: without_tenant(statement) for name, statement in statements().items()}
    assert {name: tables for name, tables in missing.items() if tables} == {}


def test_functions_that_are_not_of_one_tenant_are_documented() -> None:
    assert functions_without_tenant() == documented()
