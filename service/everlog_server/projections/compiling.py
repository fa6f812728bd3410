"""From a definition to the body of the PL/pgSQL function that runs it inside PostgreSQL.

The function loops over the events of a window in order and runs the statements of each event's
handler as static SQL, whose plans PostgreSQL keeps. One EXCEPTION block stands around the loop:
when a statement fails, the effects of the whole window are rolled back, and the variables, which
survive that, say where it was. The part before the failing event is then run by itself.

What is pasted into the body is a statement that PostgreSQL has prepared (so it is one, and no
more), numbers, and quoted literals. It runs as the role everlog_projector in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from everlog_server.projections.definitions import ANY_ACTION, Definition
from everlog_server.projections.statements import COLUMNS, JSON_SOURCES, Parameter, Statement

TRANSIENT_CLASSES = ("08", "40", "53", "57P", "58")
"""Beginnings of SQLSTATEs that are no failure of an event: connections, serialization and
deadlocks, what PostgreSQL lacks, its stops, its system."""
LOCK_NOT_AVAILABLE = "55P03"
"""Likewise: somebody else held a table."""

_ROW = "everlog_event__"
_COLUMN_FIRST = {"position", "record_time"}
_TREE_LEAF = 1


class ParameterType(NamedTuple):
    """A type of the database, as its catalogue has it."""

    schema: str
    name: str
    category: str
    """`A`: an array; `C`: a composite; else a scalar of some kind."""

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return f"{ident(self.schema)}.{ident(self.name)}"

    def is_builtin(self, *names: str) -> bool:
        """Whether it is one of PostgreSQL's own."""
        return self.schema == "pg_catalog" and self.name in names


class Prepared(NamedTuple):
    """A statement that PostgreSQL takes."""

    statement: Statement
    types: Sequence[ParameterType]
    returns_rows: bool


def ident(name: str) -> str:
    """A name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text, quoted; with standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


def text_array(values: Sequence[str]) -> str:
    """An array of text, which the planner takes for a constant."""
    return f"ARRAY[{', '.join(map(literal, values))}]::pg_catalog.text[]"


def tables_body(tables: str) -> str:
    """The body of the function that makes the tables."""
    if not tables.strip():
        return "BEGIN END"
    return f"BEGIN\n    EXECUTE {literal(tables)};\nEND"


def run_body(
    definition: Definition, prepared: Sequence[Sequence[Prepared]], filter_condition: str | None
) -> str:
    """The body of the function that runs a window. `prepared`: of each handler, its statements."""
    columns = _columns_used(prepared)
    selected = ", ".join(f"e.{name}" for name in sorted(columns | _COLUMN_FIRST))
    conditions = [_types_condition(definition)]
    if filter_condition is not None:
        conditions.append(f"({filter_condition})")
    leaves = [_handler_text(index, handler) for index, handler in enumerate(prepared)]
    return _RUN.format(
        row=_ROW,
        selected=selected,
        handler=_handler_expression(definition),
        conditions="\n                AND ".join(conditions),
        dispatch=_dispatch(leaves, 0, len(leaves)),
        transient=" OR ".join(
            [f"everlog_sqlstate__ LIKE '{start}%'" for start in TRANSIENT_CLASSES]
            + [f"everlog_sqlstate__ = '{LOCK_NOT_AVAILABLE}'"]
        ),
    )


_RUN = """\
#variable_conflict use_column
DECLARE
    {row} record;
    everlog_count__ bigint;
    everlog_ignored__ record;
    everlog_hint__ text;
    -- The statement that runs: 100 times the number of its handler, and its own. -1: none.
    everlog_at__ integer := -1;
BEGIN
    everlog_events__ := 0;
    everlog_positions__ := '{{}}';
    everlog_offsets__ := '{{}}';
    everlog_rows__ := '{{}}';
    everlog_through__ := 0;
    everlog_is_of_window__ := false;
    BEGIN
        FOR {row} IN
            SELECT {selected}, {handler} AS handler
            FROM everlog.events AS e
            WHERE e.tenant_id = everlog_tenant__ AND e.position > everlog_after__
                AND e.position <= everlog_until__
                AND {conditions}
            ORDER BY e.position
            LIMIT everlog_events_max__
        LOOP
            everlog_at__ := -1;
            everlog_through__ := {row}.position;
            everlog_events__ := everlog_events__ + 1;
            CONTINUE WHEN everlog_skipped__ IS NOT NULL
                AND {row}.position = ANY (everlog_skipped__);
            everlog_last_time__ := {row}.record_time;
            IF everlog_recorded__ THEN
                everlog_positions__ := everlog_positions__ || {row}.position;
                everlog_offsets__ := everlog_offsets__ || cardinality(everlog_rows__);
            END IF;
{dispatch}
        END LOOP;
        everlog_is_of_window__ := true;
        -- What is deferred is not left to the commit: it fails here, or not at all.
        SET CONSTRAINTS ALL IMMEDIATE;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS
            everlog_sqlstate__ = RETURNED_SQLSTATE, everlog_message__ = MESSAGE_TEXT,
            everlog_detail__ = PG_EXCEPTION_DETAIL, everlog_hint__ = PG_EXCEPTION_HINT;
        IF {transient} THEN
            RAISE;
        END IF;
        everlog_detail__ := concat_ws(
            E'\\n', nullif(everlog_detail__, ''), nullif(everlog_hint__, '')
        );
        -- Where no statement had begun, what stands around them fails: no event is to blame.
        everlog_failed_position__ := CASE
            WHEN everlog_at__ >= 0 OR everlog_is_of_window__ OR everlog_events__ > 1
                THEN everlog_through__
            ELSE 0
        END;
        everlog_failed_handler__ := greatest(everlog_at__, 0) / 100;
        everlog_failed_statement__ := greatest(everlog_at__, 0) % 100;
        -- Before its first event, or after its last, no event is to blame.
        everlog_is_of_window__ := everlog_is_of_window__ OR everlog_at__ < 0;
        everlog_last_time__ := NULL;
        RETURN NEXT;
        RETURN;
    END;
    IF everlog_events__ < everlog_events_max__ THEN
        everlog_through__ := everlog_until__;
    END IF;
    RETURN NEXT;
END
"""


def _types_condition(definition: Definition) -> str:
    """Which event types any handler means: what the index of types can answer."""
    names = {name for handler in definition.handlers for name in handler.event_types}
    return _matches(sorted(names))


def _matches(names: Sequence[str]) -> str:
    exact = [name for name in names if not name.endswith(ANY_ACTION)]
    prefixes = [name[:-1] for name in names if name.endswith(ANY_ACTION)]
    conditions = [f"e.event_type = ANY ({text_array(exact)})"] if exact else []
    conditions += [f"e.event_type ^@ {literal(prefix)}" for prefix in prefixes]
    return f"({' OR '.join(conditions)})"


def _handler_expression(definition: Definition) -> str:
    cases = " ".join(
        f"WHEN {_matches(handler.event_types)} THEN {index}"
        for index, handler in enumerate(definition.handlers)
    )
    return f"CASE {cases} END"


def _columns_used(prepared: Sequence[Sequence[Prepared]]) -> set[str]:
    return {
        parameter.source
        for handler in prepared
        for one in handler
        for parameter in one.statement.parameters
    }


def _dispatch(leaves: Sequence[str], first: int, end: int, depth: int = 3) -> str:
    """A tree of IFs: with 200 handlers, eight comparisons an event and not 200."""
    if end - first <= _TREE_LEAF:
        return leaves[first]
    middle = (first + end) // 2
    margin = "    " * depth
    return "\n".join(
        [
            f"{margin}IF {_ROW}.handler < {middle} THEN",
            _dispatch(leaves, first, middle, depth + 1),
            f"{margin}ELSE",
            _dispatch(leaves, middle, end, depth + 1),
            f"{margin}END IF;",
        ]
    )


def _handler_text(index: int, handler: Sequence[Prepared]) -> str:
    parts: list[str] = []
    for number, one in enumerate(handler):
        values = [
            expression(parameter, type_)
            for parameter, type_ in zip(one.statement.parameters, one.types, strict=True)
        ]
        # The line's end: a comment may stand at the end of a statement.
        text = one.statement.with_values(values) + "\n"
        parts.append(f"everlog_at__ := {index * 100 + number};")
        if one.returns_rows:
            parts.append(
                "everlog_count__ := 0;\n"
                f"FOR everlog_ignored__ IN {text} LOOP\n"
                "everlog_count__ := everlog_count__ + 1;\n"
                "END LOOP;\n"
                "IF everlog_recorded__ THEN"
            )
        else:
            parts.append(
                f"{text};\nIF everlog_recorded__ THEN\nGET DIAGNOSTICS everlog_count__ = ROW_COUNT;"
            )
        parts.append(
            "everlog_rows__ := everlog_rows__ || least(everlog_count__, 2147483647)::integer;\n"
            "END IF;"
        )
    return "\n".join(parts)


def expression(parameter: Parameter, type_: ParameterType) -> str:
    """The value of a parameter, of the type that its place asks for."""
    if parameter.source in JSON_SOURCES:
        return _json_expression(parameter, type_)
    column = f"{_ROW}.{parameter.source}"
    if type_.is_builtin(COLUMNS[parameter.source]):
        return column
    if type_.is_builtin("json", "jsonb"):
        return f"pg_catalog.to_jsonb({column})::{type_.quoted}"
    if type_.is_builtin("int2", "int4", "numeric", "float4", "float8", "date", "timestamp"):
        return f"{column}::{type_.quoted}"
    return f"{column}::pg_catalog.text::{type_.quoted}"


def _json_expression(parameter: Parameter, type_: ParameterType) -> str:
    value = f"{_ROW}.{parameter.source}"
    path = text_array(parameter.path)
    if type_.is_builtin("json", "jsonb"):
        inner = f"({value} #> {path})" if parameter.path else value
        return inner if type_.name == "jsonb" else f"{inner}::pg_catalog.json"
    if type_.category in {"A", "C"}:
        # It reads arrays in arrays, and rows, too.
        inner = f"({value} #> {path})" if parameter.path else value
        record = f"pg_catalog.jsonb_to_record(pg_catalog.jsonb_build_object('v', {inner}))"
        return f"(SELECT r__.v FROM {record} AS r__ (v {type_.quoted}))"  # noqa: S608  quoted
    if len(parameter.path) == 1 and not parameter.path[0].lstrip("-").isdigit():
        return f"({value} ->> {literal(parameter.path[0])})::{type_.quoted}"
    return f"({value} #>> {path})::{type_.quoted}"
