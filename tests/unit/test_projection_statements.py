"""Statements of definitions: parameters are found where SQL has none of its own, nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog_server.projections.compiling import ident, literal
from everlog_server.projections.definitions import Definition, Handler
from everlog_server.projections.statements import StatementError, parse_statement

NUMBERED = [
    ("SELECT %(data.a)s, %(data.a)s", "SELECT $1, $2"),
    ("SELECT 5 %% %(position)s", "SELECT 5 % $1"),
    ("SELECT 'it''s 100%%', \"a%%b\"", "SELECT 'it''s 100%', \"a%b\""),
    (r"SELECT E'\'%%' || %(actor)s", r"SELECT E'\'%' || $1"),
    ("SELECT $q$ '%% $q$ || $x$$$$x$", "SELECT $q$ '% $q$ || $x$$$$x$"),
    ("SELECT 1 -- 50% of %(nothing)s\n + %(sequence)s", "SELECT 1 -- 50% of %(nothing)s\n + $1"),
    ("SELECT /* a /* % */ %(no)s */ %(actor)s", "SELECT /* a /* % */ %(no)s */ $1"),
    ("SELECT 1 ; -- done", "SELECT 1   -- done"),
    ("SELECT a-%(position)s/2", "SELECT a-$1/2"),
]

WRONG = [
    ("", 1, "must not be empty"),
    (" ;", 1, "must not be empty"),
    ("SELECT 1; SELECT 2", 11, "a second one begins here"),
    ("SELECT 1 % 2", 10, "written %%"),
    ("SELECT '%(data.a)s'", 9, "quotes"),
    ("SELECT '5%'", 10, "written %%"),
    ("SELECT %(dta)s", 8, "not known"),
    ("SELECT %(data.)s", 8, "empty part"),
    ("SELECT %(data.a..b)s", 8, "empty part"),
    ("SELECT %(position.x)s", 8, "not known"),
    ("SELECT %(actor)d", 8, "written %%"),
]


@pytest.mark.parametrize(("text", "numbered"), NUMBERED)
def test_parameters_are_numbered(text: str, numbered: str) -> None:
    assert parse_statement(text).numbered == numbered


@pytest.mark.parametrize(("text", "place", "why"), WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, place: int, why: str) -> None:
    with pytest.raises(StatementError, match=why) as caught:
        parse_statement(text)
    assert caught.value.place == place


def test_keys_of_metadata_may_have_full_stops() -> None:
    (trace, note) = parse_statement("SELECT %(metadata.a.b)s, %(data.a.b)s").parameters
    assert (trace.path, note.path) == (("a.b",), ("a", "b"))


PIECES = st.lists(
    st.sampled_from(["x ", "%%", "'%%é'", "%(data.a)s", "%(position)s", "\n", "/* % */", "-- %\n"]),
    max_size=12,
)


@given(PIECES)
def test_each_place_is_traced_back(pieces: list[str]) -> None:
    text = "".join([*pieces, "MARK"])
    statement = parse_statement(text)
    assert statement.place_of(statement.numbered.index("MARK") + 1) == text.index("MARK") + 1


@given(st.text(alphabet="ab'\"\\é$%", max_size=10))
def test_quoting_doubles_quotes_and_nothing_else(text: str) -> None:
    assert literal(text)[1:-1].replace("''", "'") == text
    assert ident(text)[1:-1].replace('""', '"') == text


@pytest.mark.parametrize(
    ("event_type", "handler"),
    [("a.b", 0), ("a.c", 1), ("a.b.c", 1), ("a", None), ("ab.c", None), ("d.x", 2)],
)
def test_the_first_handler_that_matches_is_taken(event_type: str, handler: int | None) -> None:
    handlers = [Handler((name,), ("SELECT 1",)) for name in ("a.b", "a.*", "d.x")]
    definition = object.__new__(Definition)
    object.__setattr__(definition, "handlers", tuple(handlers))
    assert definition.handler_of(event_type) == handler
