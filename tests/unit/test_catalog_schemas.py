"""Schemas of event types: what is taken, what is refused, and that hostile ones take no time."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everlog_server.catalog.complexity import SchemaTooComplexError, looks_at_a_value
from everlog_server.catalog.schemas import Schema, SchemaError, full_match


def schema(document: Any) -> Schema:
    return Schema(json.dumps(document))


def multiplying(levels: int) -> dict[str, Any]:
    """Each definition names the next one twice."""
    definitions: dict[str, Any] = {f"d{levels}": {"type": "string"}}
    for level in range(levels):
        reference = {"$ref": f"#/$defs/d{level + 1}"}
        definitions[f"d{level}"] = {"anyOf": [reference, reference]}
    return {"$ref": "#/$defs/d0", "$defs": definitions}


TREE = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "value": {"type": "number"}}}
LIST = {"type": "object", "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}}

TAKEN: dict[str, Any] = {
    "true": True,
    "false": False,
    "an empty one": {},
    "a tree": TREE,
    "a list": LIST,
    "nested arrays": {"items": {"$ref": "#"}},
    "an older draft": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    "an anchor": {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "string"}}},
    "an id of its own": {"$id": "https://example.com/order", "type": "object"},
    "a reference into a list": {"$ref": "#/allOf/1", "allOf": [{}, {"type": "string"}]},
    "an escaped reference": {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {}}},
    "a property named $ref": {"properties": {"$ref": {"type": "string"}, "$id": {}}},
    "choices": {"enum": list(range(30_000))},
    "multiplying a little": multiplying(8),
    "a pattern": {"pattern": r"^.{1,255}$", "$comment": "takes 300 KiB compiled"},
}

REFUSED: dict[str, tuple[Any, str]] = {
    "no schema": (5, "is not a JSON Schema"),
    "a list": ([], "is not a JSON Schema"),
    "an unknown type": ({"type": "objekt"}, "is not a JSON Schema at /type"),
    "an unknown draft": ({"$schema": "http://example.com/s"}, "is not a JSON Schema"),
    "a remote reference": ({"$ref": "http://127.0.0.1:1/x"}, "is not a JSON Schema"),
    "a file": ({"$ref": "file:///etc/passwd"}, "is not a JSON Schema"),
    "a built-in reference": (
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "leads out of the schema",
    ),
    "a dangling reference": ({"$ref": "#/$defs/none"}, "is not a JSON Schema"),
    "a schema of another name": (
        {"$defs": {"x": {"$id": "https://example.com/x"}}},
        "only the schema itself may have one",
    ),
    "a dynamic reference": ({"$dynamicRef": "#x", "$dynamicAnchor": "x"}, "not supported"),
    "a look back": ({"pattern": r"(a)\1"}, "is not a JSON Schema at /pattern"),
    "a look ahead": ({"pattern": "(?=a)b"}, "is not a JSON Schema at /pattern"),
    "a huge pattern": ({"pattern": "(a{1000}){1000}"}, "is not a JSON Schema at /pattern"),
    "a circle": ({"$ref": "#"}, "run in a circle"),
    "two in a circle": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "run in a circle",
    ),
    "multiplying": (multiplying(40), "references multiply"),
    "doubling at each level": (
        {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
        "leads back to itself more than once",
    ),
    "doubling by name and pattern": (
        {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"^a": {"$ref": "#"}}},
        "leads back to itself more than once",
    ),
    "doubling by way of another": (
        {
            "items": {"$ref": "#/$defs/a"},
            "$defs": {"a": {"allOf": [{"items": {"$ref": "#"}}, {"contains": {"$ref": "#"}}]}},
        },
        "leads back to itself more than once",
    ),
    "many choices that are objects": (
        {"enum": [{"a": n} for n in range(10_001)]},
        "more than 10000 times",
    ),
    "deep nesting": (json.loads('{"not":' * 110 + "{}" + "}" * 110), ""),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_schema_is_taken(name: str) -> None:
    schema(TAKEN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_a_schema_is_refused_and_told_why(name: str) -> None:
    document, why = REFUSED[name]
    with pytest.raises(SchemaError) as caught:
        schema(document)
    assert why in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "nul", '"\ud800"', "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises((SchemaError, UnicodeEncodeError)):
        Schema(text)


def test_a_schema_of_more_than_256_kib_is_refused() -> None:
    with pytest.raises(SchemaError, match="at most 262144"):
        Schema(json.dumps({"description": "x" * 256 * 1024}))


@pytest.mark.parametrize(
    ("document", "data"),
    [
        (multiplying(8), b"[" + b"0," * 400_000 + b"0]"),
        (TREE, b'{"left":' * 900 + b"{}" + b"}" * 900),
        (
            {"items": {"enum": [{"a": n} for n in range(9_000)]}},
            b'[{"a":1}' + b',{"a":1}' * 99_999 + b"]",
        ),
        ({"items": {"type": "string"}}, b"[" + b"0," * 400_000 + b"0]"),
        ({"pattern": "^(?:(a|aa|aaa|b)*c){1,20}$"}, b'"' + b"a" * 1_000_000 + b'"'),
        (
            # Hundreds of states at once: no automaton has room for them.
            {"anyOf": [{"pattern": "a[ab]{%d}[cd]" % n} for n in range(200, 210)]},  # noqa: UP031
            b'"' + bytes(random.Random(1).choices(b"ab", k=1_000_000)) + b'"',
        ),
        ({"uniqueItems": True}, b"[" + b",".join(b"%d" % n for n in range(140_000)) + b"]"),
        (
            {"patternProperties": {f"^(a|b|{n})*$": {} for n in range(900)}},
            b"{" + b",".join(b'"%d%s":1' % (n, b"ab" * 50) for n in range(9_000)) + b"}",
        ),
    ],
)
def test_no_data_of_a_mebibyte_takes_long(document: Any, data: bytes) -> None:
    """A loose bound, of CPU time: what is meant are the hours that they would take otherwise."""
    compiled = schema(document)
    value = orjson.loads(data)
    started = time.process_time()
    if not compiled.is_too_dear(data) and not compiled.is_valid(value):
        assert compiled.findings(value, len(data), 100)
    assert time.process_time() - started < 5


def test_findings_carry_pointers_and_are_bounded() -> None:
    compiled = schema({"properties": {"a/b~c": {"items": {"type": "string"}}}, "required": ["x"]})
    value = {"a/b~c": [1] * 500}
    found = compiled.findings(value, 1_000, 100)
    assert len(found) == 100
    assert {one.data_pointer for one in found} <= {"", *(f"/a~1b~0c/{n}" for n in range(500))}
    # Of large data the first, without its values.
    (one,) = compiled.findings({"a/b~c": ["x" * 20_000], "y": 1}, 20_000, 100)
    assert "xxx" not in one.message


def test_a_message_is_bounded_and_keeps_its_end() -> None:
    (one,) = schema({"type": "integer"}).findings("x" * 10_000, 10_002, 100)
    assert len(one.message) < 350
    assert one.message.endswith('is not of type "integer"')


def test_a_pattern_matches_the_whole_text() -> None:
    matches = full_match("a|b+").is_valid
    assert [matches(text) for text in ("a", "bb", "ab", "a\n", "", "xa")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=a)", r"(a)\1", "(a{1000}){1000}"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SchemaError):
        full_match(pattern)


NAMES = st.sampled_from("abc")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Schemas of three definitions that refer to each other."""
    references = NAMES.map(lambda name: {"$ref": f"#/$defs/{name}"})
    leaves = st.one_of(references, st.just({"type": "string"}), st.just({}))
    inner = st.one_of(
        leaves,
        st.fixed_dictionaries({"anyOf": st.lists(leaves, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"items": leaves}),
        st.fixed_dictionaries({"properties": st.dictionaries(NAMES, leaves, max_size=3)}),
        st.fixed_dictionaries({"additionalProperties": leaves}),
    )
    several = st.lists(inner, min_size=1, max_size=3).map(lambda all_of: {"allOf": all_of})
    return {"$ref": "#/$defs/a", "$defs": {name: draw(several) for name in "abc"}}


def looks(document: dict[str, Any], current: Any, value: Any) -> tuple[int, int]:
    """How often the value itself and the most looked-at value within it are looked at, counted."""
    at_value: dict[int, int] = {}

    def look(one: Any, at: Any) -> None:
        at_value[id(at)] = at_value.get(id(at), 0) + 1
        assert sum(at_value.values()) < 200_000
        if "$ref" in one:
            look(document["$defs"][one["$ref"][-1]], at)
        for part in (*one.get("allOf", ()), *one.get("anyOf", ())):
            look(part, at)
        if isinstance(at, list) and "items" in one:
            for item in at:
                look(one["items"], item)
        if isinstance(at, dict):
            for name, item in at.items():
                if name in one.get("properties", {}):
                    look(one["properties"][name], item)
                elif "additionalProperties" in one:
                    look(one["additionalProperties"], item)

    look(current, value)
    return at_value[id(value)], max(at_value.values())


VALUES = st.recursive(
    st.builds(list),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2),
        st.dictionaries(NAMES, inner, min_size=1, max_size=2),
    ),
    max_leaves=8,
)


@settings(deadline=None)  # a circle takes its time until it is found out
@given(documents(), VALUES)
def test_no_value_is_looked_at_more_often_than_reckoned(
    document: dict[str, Any], value: Any
) -> None:
    """Against a validator that is written out here."""
    try:
        reckoned = looks_at_a_value(document).subschemas
    except SchemaTooComplexError:
        return
    assert looks(document, document, value)[1] <= reckoned


def test_a_schema_whose_references_make_it_endless_is_refused_quickly() -> None:
    """Each property would be followed into all of the definition: eight million steps, a minute."""
    many = {f"q{n}": {"type": "string"} for n in range(2_000)}
    document = {
        "$defs": {"large": {"properties": many}},
        "properties": {f"p{n}": {"$ref": "#/$defs/large"} for n in range(4_000)},
    }
    started = time.process_time()
    with pytest.raises(SchemaError, match="definitions from fewer places"):
        Schema(json.dumps(document))
    assert time.process_time() - started < 10  # it was 60


def test_as_many_properties_as_fit_into_a_schema_are_taken() -> None:
    document = {"properties": {f"p{n}": {"type": "string"} for n in range(6_000)}}
    assert Schema(json.dumps(document)).is_valid({"p1": "x"})


def test_a_large_text_may_have_a_pattern_and_a_hundred_of_them_a_small_one() -> None:
    one = {"properties": {"text": {"pattern": "^a+$"}}}
    assert not schema(one).is_too_dear(b'{"text":"' + b"a" * 1_000_000 + b'"}')
    many = {"allOf": [{"pattern": "^a+$"}] * 100}
    assert not schema(many).is_too_dear(b'"' + b"a" * 10_000 + b'"')
    assert schema(many).is_too_dear(b'"' + b"a" * 100_000 + b'"')
