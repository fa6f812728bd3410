"""Catalogues in YAML files: what is read, what is refused, and on which line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.checking import check
from everlog_server.cli.catalogues.reading import Catalogue, read
from everlog_server.cli.catalogues.writing import to_yaml, write
from everlog_server.cli.catalogues.yaml_nodes import (
    BYTES_MAX,
    NESTING_MAX,
    NODES_MAX,
    YamlError,
    read_yaml,
)
from everlog_server.cli.event_types import types


def plain(text: str) -> Any:
    return read_yaml(text.encode()).plain()


def catalogue(text: str) -> Catalogue:
    return read(text.encode(), source="file.yaml")


def findings(text: str) -> list[str]:
    return [f"{finding.line}: {finding}" for finding in check(catalogue(text))]


# --- YAML that means JSON -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on\nb: yes\nc: 2026-01-28\nd: 12:30", {"a": "on", "b": "yes", "c": "2026-01-28"}),
        ("on: 1\n1: 2\nnull: 3\ntrue: 4", {"on": 1, "1": 2, "null": 3, "true": 4}),
        ("[1, -2, 0x1F, 0o17, 1.0, 1e3, .5, '1', true, null, ~]", None),
        ("a: &x {b: 1}\nc: [*x, *x]", {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}),
        ("|\n one\n two\n", "one\ntwo\n"),
        ("\ufeff{}", {}),
        ("a:", {"a": None}),
        ("a: 99999999999999999999999", {"a": 99999999999999999999999}),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    if isinstance(value, dict) and "d" in text and "c: 2026" in text:
        value = value | {"d": "12:30"}
    if text.startswith("["):
        value = [1, -2, 31, 15, 1.0, 1000.0, 0.5, "1", True, None, None]
    assert plain(text) == value
    assert json.dumps(plain(text)) == json.dumps(value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# only a remark\n", 1, "the file is empty"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' comes twice: first on line 1"),
        ("a: 1\n---\nb: 2", 3, "a second document begins: expected one"),
        ("a: !!python/object/apply:os.system [ls]", 1, "the tag tag:yaml.org,2002:python"),
        ("a: !!str 1", 1, "the tag tag:yaml.org,2002:str is not understood"),
        ("a: 1\nb: *nowhere", 2, "the alias *nowhere has no anchor before it"),
        ("a: &a [*a]", 1, "the alias *a has no anchor before it"),
        ("a: {<<: {b: 1}}", 1, "merge keys (<<) are not understood"),
        ("? [a]\n: 1", 1, "a key is a list or an object, expected a text"),
        ("a: &x b\n? *x\n: 1", 2, "a key is an alias, expected a text"),
        ("a: 1\nb: [1, 2", 2, "not YAML: while parsing a flow sequence"),
        ("a: b: c", 1, "not YAML: mapping values are not allowed in this context"),
        ("a: 1\nb: .inf", 2, ".inf is no number of JSON"),
        ("a: 1e999", 1, "1e999 is beyond the numbers"),
        ("a: 1\nb: \x07", 2, "not YAML:"),
        ("[" * (NESTING_MAX + 1), 1, f"nested deeper than {NESTING_MAX}"),
        ("- " * (NESTING_MAX + 1), 1, f"nested deeper than {NESTING_MAX}"),
        ("{a: " * 200_000, 1, f"nested deeper than {NESTING_MAX}"),
        ("[" + "0," * NODES_MAX + "]", 1, f"more than {NODES_MAX:,} values"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_by_line(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError) as refused:
        plain(text)
    assert refused.value.message.startswith(message)
    assert refused.value.line == line


def test_aliases_that_multiply_are_refused_before_they_are_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(YamlError, match="more than"):
        plain("\n".join(lines))


def test_a_file_that_is_too_large_or_no_text_is_refused() -> None:
    with pytest.raises(YamlError, match="at most"):
        read_yaml(b"#" * (BYTES_MAX + 1))
    with pytest.raises(YamlError, match="not UTF-8") as refused:
        read_yaml(b"a: 1\nb: \xff")
    assert refused.value.line == 2


JSON_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | JSON_TEXTS
    | st.sampled_from(["1e3", "0o7", "yes", "~", "2026-01-28", "1_0", "0x1g", ".5", "<", "a: b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(JSON_TEXTS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_every_json_value_is_read_back_as_it_is_written(value: Any) -> None:
    assert json.dumps(plain(to_yaml(value))) == json.dumps(value)


PIECES = [
    *":-[]{}&*!|>'\"#,?%@`\n\t ~/\\",
    *("event_types:\n", "aggregate_types:\n", "  - name: a\n", "    schema: ", "    example: "),
    *(
        "    reductions:\n",
        "      - events: a\n",
        "        steps: [",
        "set: ",
        "{target: ",
        "from: ",
    ),
    *("{/data/x}", "{type: ", "string}", "1", "1e9", "null", "<<", "&x ", "*x", "\ufeff", "é"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_gives_a_catalogue_with_findings_or_a_yaml_error(text: str) -> None:
    try:
        read_back = catalogue(text)
    except YamlError as refused:
        assert 1 <= refused.line <= text.count("\n") + 1
        return
    for finding in check(read_back):
        assert 1 <= finding.line <= text.count("\n") + 1
        assert finding.message


# --- Definitions ----------------------------------------------------------------------------------

WHOLE = """
description: A remark for people.
event_types:
  - name: order.paid
    category: order
    description: |-
      Money came in.
      Not all of it, perhaps.
    schema: {type: object, required: [amount], properties: {amount: {type: number}}}
    example: {amount: 12.50}
    documentable: true
    aggregate_type: order
    starts_aggregate: true
    aggregate_id_pattern: '[0-9]+'
aggregate_types:
  - name: order
    description: An order.
    initial_state: {paid: 0}
    ignore_others: true
    reductions:
      - events: [order.paid, 'refund.*']
        steps:
          - increment: {target: /paid, from: /data/amount, factor: -1}
          - set: {target: "/by/{/actor}", constant: null}
          - merge: {}
      - events: order.seen
"""


def test_a_file_becomes_the_messages_of_the_contract() -> None:
    read_back = catalogue(WHOLE)
    assert read_back.findings == []
    assert check(read_back) == []
    [event_type] = read_back.request.event_types
    assert event_type == catalog_pb2.EventTypeDefinition(
        name="order.paid",
        category="order",
        description="Money came in.\nNot all of it, perhaps.",
        json_schema='{"type":"object","required":["amount"],'
        '"properties":{"amount":{"type":"number"}}}',
        example='{"amount":12.5}',
        documentable=True,
        aggregate_type="order",
        starts_aggregate=True,
        aggregate_id_pattern="[0-9]+",
    )
    [aggregate_type] = read_back.request.aggregate_types
    step = catalog_pb2.ReducerStep
    assert aggregate_type == catalog_pb2.AggregateTypeDefinition(
        name="order",
        description="An order.",
        initial_state='{"paid":0}',
        ignore_others=True,
        reductions=[
            catalog_pb2.Reduction(
                event_types=["order.paid", "refund.*"],
                steps=[
                    step(
                        operation=step.OPERATION_INCREMENT,
                        target="/paid",
                        factor=-1,
                        **{"from": "/data/amount"},  # type: ignore[arg-type] # a word of Python's
                    ),
                    step(operation=step.OPERATION_SET, target="/by/{/actor}", constant="null"),
                    step(operation=step.OPERATION_MERGE),
                ],
            ),
            catalog_pb2.Reduction(event_types=["order.seen"]),
        ],
    )


def test_an_example_of_null_is_an_example() -> None:
    read_back = catalogue("event_types: [{name: a.b, schema: {type: 'null'}, example: null}]")
    assert read_back.request.event_types[0].example == "null"
    assert check(read_back) == []


def event_type(*lines: str) -> str:
    return "\n".join(("event_types:", "  - name: a.b", *(f"    {line}" for line in lines)))


def reduction(*lines: str) -> str:
    head = ("aggregate_types:", "  - name: a", "    reductions:", "      - events: a.b")
    return "\n".join((*head, *(f"        {line}" for line in lines)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "1: is a list, expected an object"),
        ("{}", "1: has neither event_types nor aggregate_types"),
        ("event_types: {}\nextra: 1", "1: event_types: is an object, expected a list"),
        ("event_types: [{name: a.b}]\nextra: 1", "2: extra: there is no such field"),
        ("event_types:\n  - a.b", "2: event_types[0]: is a text, expected an object"),
        ("event_types:\n  - category: x", "2: event_types[0]: name:"),
        (event_type("name2: 1"), "3: a.b: name2: there is no such field"),
        (event_type("category: 1"), "3: a.b: category: is a number, expected a text; put it in"),
        (event_type("documentable: yes"), "3: a.b: documentable: is a text, expected true or"),
        (event_type("starts_aggregate: true"), "a.b: "),
        (event_type("schema: 1"), "3: a.b: schema"),
        (event_type("schema: null"), "3: a.b: schema"),
        (event_type("schema:", "  type: object", "  properties: {x: {type: strin}}"), "5: a.b: "),
        (event_type("schema: {$ref: 'https://example.com/s'}"), "3: a.b: schema"),
        (event_type("schema: {$ref: '#/$defs/x'}"), "3: a.b: schema"),
        (event_type("schema: {pattern: '(?=a)'}"), "3: a.b: schema"),
        (event_type("aggregate_id_pattern: '('"), "3: a.b: aggregate_id_pattern: "),
        (event_type("aggregate_id_pattern: 'a)(b'"), "3: a.b: aggregate_id_pattern: "),
        (event_type("description: " + "x" * 16_385), "3: a.b: description: "),
        (event_type('category: "a\\0b"'), "3: a.b: category: "),
        (
            event_type("schema: {items: {type: number}}", "example:", "  - 1", "  - two"),
            '6: a.b: example/1: "two" is not of type "number"',
        ),
        (
            "event_types:\n  - name: a.b\n  - name: c\n  - name: a.b",
            "4: a.b: name: comes twice: event_types[0] has it",
        ),
        (reduction("step: []"), "5: a: reductions[0].step: there is no such field"),
        (reduction("steps: [frob: {}]"), "5: a: reductions[0].steps[0].frob: there is no such"),
        (reduction("steps: [{}]"), "5: a: reductions[0].steps[0]: expected one of set, merge"),
        (reduction("steps:", "  - set: {}", "    merge: {}"), "7: a: reductions[0].steps[0].merge"),
        (reduction("steps: [set: {target: price}]"), "5: a: reductions[0].steps[0].target: "),
        (reduction("steps: [set: {target: '/{/data'}]"), "5: a: reductions[0].steps[0].target: "),
        (reduction("steps: [set: {target: '/{/nix}'}]"), "5: a: reductions[0].steps[0].target: "),
        (reduction("steps: [set: {from: /date/x}]"), "5: a: reductions[0].steps[0].from: "),
        (reduction("steps: [set: {from: /actor/x}]"), "5: a: reductions[0].steps[0].from: "),
        (reduction("steps: [set: {from: 1}]"), "5: a: reductions[0].steps[0].from: is a number"),
        (
            reduction("steps: [set: {from: /actor, constant: 1}]"),
            "5: a: reductions[0].steps[0]: `from` and `constant` exclude each other",
        ),
        (reduction("steps: [set: {factor: 2}]"), "5: a: reductions[0].steps[0].factor: "),
        (
            reduction("steps: [increment: {factor: x}]"),
            "5: a: reductions[0].steps[0].factor: is a text, expected a number",
        ),
        (reduction("steps: [increment: {target: /x}]"), "5: a: reductions[0].steps[0]: "),
        (reduction("steps: [increment: {constant: '1'}]"), "5: a: reductions[0].steps[0].constant"),
        (
            reduction("steps:", *(["  - merge: {}"] * 51)),
            "5: a: reductions[0].steps: ",
        ),
        ("aggregate_types: [{name: a, reductions: [{events: 'a.*.b'}]}]", "1: a: reductions[0]."),
        ("aggregate_types: [{name: a, reductions: [{events: [1]}]}]", "1: a: reductions[0].events"),
        ("aggregate_types: [{name: a, reductions: [{}]}]", "1: a: reductions[0]"),
    ],
)
def test_everything_wrong_is_found_by_line(text: str, expected: str) -> None:
    found = findings(text)
    assert any(finding.startswith(expected) or expected in finding for finding in found), found


def test_all_that_is_wrong_is_found_at_once() -> None:
    text = event_type("category: 1", "bogus: 1", "schema: 1", "aggregate_id_pattern: '('")
    assert [finding.partition(":")[0] for finding in findings(text)] == ["3", "4", "5", "6"]


def test_more_types_than_an_import_may_have_are_refused() -> None:
    many = "event_types: [" + ",".join(f"{{name: a{n}}}" for n in range(1_001)) + "]"
    assert any("has 1001; at most 1000" in finding for finding in findings(many))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(
        st.builds(
            catalog_pb2.EventTypeDefinition,
            name=TEXTS,
            category=TEXTS,
            description=TEXTS,
            example=JSON_VALUES.map(lambda value: json.dumps(value, separators=(",", ":"))),
            documentable=st.booleans(),
            aggregate_type=TEXTS,
            aggregate_id_pattern=TEXTS,
        ),
        max_size=3,
    )
)
def test_what_is_exported_is_imported_as_it_was(
    definitions: list[catalog_pb2.EventTypeDefinition],
) -> None:
    read_back = catalogue(write(definitions, []))
    assert read_back.findings == []
    for given_one, one in zip(definitions, read_back.request.event_types, strict=True):
        assert json.loads(one.example) == json.loads(given_one.example)
        one.example = given_one.example  # its text may be another one: é for \\u00e9
        assert one == given_one


# --- The command ----------------------------------------------------------------------------------


def test_check_says_what_is_wrong_and_exits_with_3(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(event_type("bogus: 1", "schema: {type: strin}"))
    result = CliRunner().invoke(types, ["check", str(file)])
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"{file}:3:", f"{file}:4:"]
    assert result.stderr == "everlog: 2 findings\n"

    result = CliRunner().invoke(types, ["check", "--json", str(file)])
    assert result.exit_code == 3
    first, _ = map(json.loads, result.stdout.splitlines())
    assert first == {
        "file": str(file),
        "line": 3,
        "name": "a.b",
        "field": "bogus",
        "message": "there is no such field",
    }


def test_check_of_what_is_no_yaml_and_of_what_is_no_file(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("a: [")
    result = CliRunner().invoke(types, ["check", str(file)])
    assert (result.exit_code, result.stdout.startswith(f"{file}:")) == (3, True)
    result = CliRunner().invoke(types, ["check", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "neither commerce, mesh, supervisor nor a file that can be read" in result.stderr


def test_check_reads_stdin_and_what_comes_with_everlog() -> None:
    result = CliRunner().invoke(types, ["check", "-"], input=WHOLE)
    assert (result.exit_code, result.stderr) == (0, "everlog: 1 event types, 1 aggregate types\n")
    result = CliRunner().invoke(types, ["check", "supervisor"])
    assert (result.exit_code, result.stderr) == (0, "everlog: 23 event types, 1 aggregate types\n")


def test_findings_show_control_characters_rather_than_sending_them(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text('event_types: [{name: "a\\e[31m", bogus: 1}]')
    result = CliRunner().invoke(types, ["check", str(file)])
    assert result.exit_code == 3
    assert "\x1b" not in result.stdout


def test_the_file_in_the_documentation_is_right() -> None:
    page = Path(__file__).parents[2] / "docs" / "catalogues.md"
    [block] = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    assert findings(block) == []
    assert len(catalogue(block).request.event_types) == 2
