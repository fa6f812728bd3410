"""Projections in folders: what is read, what is refused, and on which line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1.projections_pb2 import ProjectionDefinition
from everlog_server.cli.projection_folders.files import BYTES_MAX
from everlog_server.cli.projection_folders.reading import Folder, read_folder
from everlog_server.cli.projection_folders.statements import SqlError, split

SHOP = """\
name: shop
schema: shop_state
description: For people.
filter:
  event_types: order.*
  sources: [web, till]
  aggregate: order/4/2
  recorded_from: 2026-03-01T12:30:00+01:00
  metadata: {region: eu}
  data_contains: {currency: EUR}
  documentable_only: true
on_failure: retry
attempts_max: 5
backoff: {initial: 500ms, max: 1.5 h, multiplier: 3, jitter: 0}
readers: [reporting]
tables: [tables.sql, views.sql]
handlers:
  order.placed:
    - file: sql/placed.sql
    - |
      -- why
      UPDATE totals
      SET count = count + 1;
  order.cancelled, order.returned: DELETE FROM orders WHERE id = %(aggregate_id)s
"""
FILES = {
    "tables.sql": "CREATE TABLE orders (id text);\nCREATE TABLE totals (count int)",
    "views.sql": "CREATE VIEW v AS SELECT ';' FROM orders;\n",
    "sql/placed.sql": "-- An order.\nINSERT INTO orders\nVALUES (%(aggregate_id)s);\n\nSELECT 1;\n",
}


def folder(path: Path, yaml: str, files: dict[str, str] | None = None) -> Folder:
    """A folder with these files, as it is read."""
    for name, content in {"projection.yaml": yaml, **(files or {})}.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return read_folder(path)


def findings(path: Path, yaml: str, files: dict[str, str] | None = None) -> list[str]:
    return [
        f"{Path(finding.file).name if finding.file else ''}:{finding.line}: {finding}"
        for finding in folder(path, yaml, files).findings
    ]


def test_a_folder_is_read_as_a_definition(tmp_path: Path) -> None:
    read = folder(tmp_path, SHOP, FILES)
    assert read.findings == []
    definition = read.definition
    assert (definition.name, definition.schema) == ("shop", "shop_state")
    assert definition.on_failure == ProjectionDefinition.ON_FAILURE_RETRY
    assert definition.attempts_max == 5
    assert definition.backoff.initial.ToMilliseconds() == 500
    assert definition.backoff.max.ToSeconds() == 5400
    assert (definition.backoff.multiplier, definition.backoff.jitter) == (3, 0)
    assert definition.backoff.HasField("jitter")
    assert list(definition.readers) == ["reporting"]
    assert definition.tables == (
        "CREATE TABLE orders (id text);\nCREATE TABLE totals (count int)\n;\n"
        "CREATE VIEW v AS SELECT ';' FROM orders;\n\n"
    )
    assert [(list(one.event_types), list(one.statements)) for one in definition.handlers] == [
        (
            ["order.placed"],
            [
                "INSERT INTO orders\nVALUES (%(aggregate_id)s)",
                "SELECT 1",
                "UPDATE totals\nSET count = count + 1",
            ],
        ),
        (
            ["order.cancelled", "order.returned"],
            ["DELETE FROM orders WHERE id = %(aggregate_id)s"],
        ),
    ]
    given = definition.filter
    assert (list(given.event_types), list(given.sources)) == (["order.*"], ["web", "till"])
    assert (given.aggregate.aggregate_type, given.aggregate.aggregate_id) == ("order", "4/2")
    assert given.recorded_from.ToJsonString() == "2026-03-01T11:30:00Z"
    assert (dict(given.metadata), given.data_contains) == ({"region": "eu"}, '{"currency":"EUR"}')
    assert given.documentable_only


@pytest.mark.parametrize(
    ("path", "position", "place", "shown"),
    [
        ("tables", 14, ("tables.sql", 1), "CREATE TABLE orders (id text);\n                 ^"),
        ("tables", 32, ("tables.sql", 2), "CREATE TABLE totals (count int)\n    ^"),
        ("tables", 66, ("views.sql", 1), "CREATE VIEW v AS SELECT ';' FROM orders;\n    ^"),
        ("handlers[0].statements[0]", 13, ("placed.sql", 2), "INSERT INTO orders"),
        ("handlers[0].statements[0]", 20, ("placed.sql", 3), "VALUES (%(aggregate_id)s);\n    ^"),
        ("handlers[0].statements[1]", 8, ("placed.sql", 5), "SELECT 1;\n           ^"),
        ("handlers[0].statements[2]", 19, ("projection.yaml", 23), "SET count = count + 1;"),
        ("handlers[1].statements[0]", 1, ("projection.yaml", 24), "DELETE FROM orders"),
        ("handlers[1].statements[0]", 10**9, ("projection.yaml", 24), "DELETE FROM orders"),
    ],
)
def test_a_character_of_sql_is_found_in_its_file(
    tmp_path: Path, path: str, position: int, place: tuple[str, int], shown: str
) -> None:
    finding, at = folder(tmp_path, SHOP, FILES).located("is wrong", path=path, position=position)
    assert (Path(finding.file).name, finding.line) == place
    assert at is not None
    assert shown in at.shown()


def test_other_fields_are_found_by_line(tmp_path: Path) -> None:
    read = folder(tmp_path, SHOP, FILES)
    for path, line, text in [
        ("schema", 2, "schema: taken"),
        ("filter.event_types[0]", 5, "filter.event_types.[0]: taken"),
        ("handlers[1].event_types[0]", 24, "handlers.order.cancelled, order.returned"),
        ("readers[0]", 15, "readers"),
        ("", 1, "taken"),
    ]:
        finding, at = read.located("taken", path=path)
        assert (finding.line, at) == (line, None)
        assert text.replace(".[", "[") in str(finding) or text in str(finding)


GOOD = "name: a\nhandlers:\n  x: SELECT 1\n"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("", ":1: the file is empty"),
        ("[]", ":1: is a list, expected an object"),
        ("name: a\n", ":1: handlers: is missing"),
        ("handlers: {x: SELECT 1}\n", ":1: name: is missing"),
        (GOOD + "schma: b\n", ":4: schma: there is no such field"),
        (GOOD + "name: b\n", ":4: the key 'name' comes twice: first on line 1"),
        (GOOD + "schema: 7\n", ":4: schema: is a number, expected a text; put it in quotes"),
        (GOOD + "on_failure: ignore\n", "is 'ignore', expected one of stop, retry, park"),
        (GOOD + "attempts_max: many\n", ":4: attempts_max: is a text, expected a number"),
        (GOOD + "attempts_max: 1.5\n", ":4: attempts_max: is 1.5, expected a whole number"),
        (GOOD + "attempts_max: 99999999999\n", "expected a whole number"),
        (GOOD + "backoff: 5s\n", ":4: backoff: is a text, expected an object"),
        (GOOD + "backoff:\n  initial: 5\n", ":5: backoff.initial: is a number, expected a time"),
        (GOOD + "backoff:\n  max: 5 min\n", ":5: backoff.max: is '5 min', expected a time such"),
        (GOOD + "backoff: {factor: 2}\n", ":4: backoff.factor: there is no such field"),
        (GOOD + f"backoff: {{jitter: {'9' * 400}}}\n", "backoff.jitter: is beyond the numbers"),
        (GOOD + "readers: {a: b}\n", ":4: readers: expected a text or a list of texts"),
        (GOOD + "filter: order.*\n", ":4: filter: is a text, expected an object"),
        (GOOD + "filter:\n  types: x\n", ":5: filter.types: there is no such field"),
        (GOOD + "filter: {recorded_from: now}\n", "filter.recorded_from: Invalid isoformat"),
        (GOOD + "filter: {recorded_from: 2026-03-01}\n", "2026-03-01 has no time zone"),
        (GOOD + "filter: {aggregate: order}\n", "filter.aggregate: 'order'"),
        (GOOD + "filter: {metadata: {a: 1}}\n", "filter.metadata.a: is a number, expected a text"),
        (GOOD + "tables: none.sql\n", ":4: tables: file 'none.sql' can't be read: No such file"),
        (GOOD + "tables: [1]\n", ":4: tables: expected a text or a list of texts"),
        (GOOD + "tables: sub\n", ":4: tables: file 'sub' is no file"),
        (GOOD + "tables: ../secret.sql\n", "file '../secret.sql' is not inside the folder"),
        (GOOD + "tables: /etc/passwd\n", "file '/etc/passwd' is not inside the folder"),
        (GOOD + "tables: out.sql\n", "file 'out.sql' is not inside the folder"),
        (GOOD + 'tables: "a\\0b"\n', "can't be read: "),
        (GOOD + "tables: large.sql\n", "file 'large.sql' has more than 262,144 bytes"),
        (GOOD + "tables: latin.sql\n", "file 'latin.sql' is not UTF-8: unexp"),
        (GOOD + "tables: nul.sql\n", "file 'nul.sql' has a NUL"),
        (GOOD + "tables: open.sql\n", "open.sql:2: tables: what begins with ' has no end"),
        ("name: a\nhandlers: []\n", ":2: handlers: is a list, expected an object"),
        ("name: a\nhandlers: {}\n", ":2: handlers: is empty, expected an object"),
        ("name: a\nhandlers:\n  x:\n", ":3: handlers.x: is null, expected SQL"),
        ("name: a\nhandlers:\n  x: []\n", ":3: handlers.x: has no statement"),
        ("name: a\nhandlers:\n  x: ' ; -- nothing'\n", ":3: handlers.x: has no statement"),
        ("name: a\nhandlers:\n  x:\n    - 1\n", ":4: handlers.x: is a number, expected SQL"),
        ("name: a\nhandlers:\n  x:\n    fil: y\n", ":3: handlers.x: is an object, expected SQL"),
        ("name: a\nhandlers:\n  x: {file: 1}\n", ":3: handlers.x: file is a number"),
        ("name: a\nhandlers:\n  x: {file: empty.sql}\n", "empty.sql:1: handlers.x: the file is e"),
        ("name: a\nhandlers:\n  x: |\n    SELECT\n    'a\n", "projection.yaml:5: handlers.x: what"),
        ("name: a\nhandlers:\n  'x,': SELECT 1\n", ":3: handlers.x,: an event type is empty"),
        (
            "name: a\nhandlers:\n  o.*: SELECT 1\n  o.x: SELECT 1\n",
            ":4: handlers.o.x: o.x never runs: the handler on line 3 takes o.* first",
        ),
        (
            "name: a\nhandlers:\n  o.x: SELECT 1\n  'b, o.x': SELECT 1\n",
            ":4: handlers.b, o.x: o.x never runs: the handler on line 3 takes o.x first",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_told_by_line(
    tmp_path: Path, yaml: str, expected: str
) -> None:
    path = tmp_path / "folder"
    (path / "sub").mkdir(parents=True)
    (tmp_path / "secret.sql").write_text("SELECT 1;")
    (path / "out.sql").symlink_to(tmp_path / "secret.sql")
    (path / "latin.sql").write_bytes(b"-- \xe4")
    (path / "nul.sql").write_bytes(b"SELECT 1;\0")
    (path / "large.sql").write_bytes(b"-" * (BYTES_MAX + 1))
    files = {"empty.sql": "-- later\n", "open.sql": "SELECT 1;\nSELECT 'a;\n"}
    found = findings(path, yaml, files)
    assert len(found) == 1, found
    assert expected in found[0]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = findings(tmp_path, "nme: a\nhandlers:\n  x: {file: y}\n  z: 'SELECT '''\nreaders: 1\n")
    assert [one.split(":")[1] for one in found] == ["1", "1", "3", "4", "5"]


def test_a_folder_without_projection_yaml_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path)


# --- Statements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (";;\n; -- nothing", []),
        ("SELECT 1", ["SELECT 1"]),
        ("-- why\nSELECT 1 -- end\n;", ["SELECT 1"]),
        ("/* a; /* b; */ ; */ SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', 'it''s;', \"a;\"\"b\"; x", ["SELECT ';', 'it''s;', \"a;\"\"b\"", "x"]),
        (r"SELECT E'\';', e'\\'; x", [r"SELECT E'\';', e'\\'", "x"]),
        (r"SELECT '\'; x", [r"SELECT '\'", "x"]),
        (r"SELECT name'\'; x", [r"SELECT name'\'", "x"]),
        ("SELECT $$;$$, $f$;$$;$f$; x", ["SELECT $$;$$, $f$;$$;$f$", "x"]),
        ("SELECT a$b, $1; x$$y; z", ["SELECT a$b, $1", "x$$y", "z"]),
        ("SELECT %(data.n)s || '%%;'; x", ["SELECT %(data.n)s || '%%;'", "x"]),
    ],
)
def test_statements_end_where_postgresql_ends_them(sql: str, statements: list[str]) -> None:
    found = split(sql)
    assert [one.text for one in found] == statements
    assert all(sql[one.offset :].startswith(one.text) for one in found)


@pytest.mark.parametrize(
    ("sql", "offset"),
    [("a 'b", 2), ('a "b', 2), ("$x$ $$", 0), ("a; /* /* */", 3), ("a E'\\'", 2), ("a $$ $b$", 2)],
)
def test_what_has_no_end_is_refused(sql: str, offset: int) -> None:
    with pytest.raises(SqlError, match="has no end") as refused:
        split(sql)
    assert refused.value.offset == offset


PARTS = st.sampled_from(
    ["a", "1", " ", "\n", "'x;y'", '"p;q"', "$$;$$", "$t$';$t$", "-- ;'\n", "/* ; ' */", "%(d.e)s"]
)


@given(st.lists(st.lists(PARTS, max_size=6).map(" ".join), max_size=6))
def test_texts_joined_by_semicolons_are_taken_apart_again(texts: list[str]) -> None:
    joined = split(";".join(texts))
    apart = [statement for text in texts for statement in split(text)]
    assert [one.text for one in joined] == [one.text for one in apart]
