"""JSON values merged, compared, copied and written: RFC 7396's own table, and any depth."""

from __future__ import annotations

import copy
import json
from typing import Any

import json_merge_patch
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog_server.aggregates.json_values import as_number, copied, encode, is_equal, merge
from everlog_server.errors import StateTooLargeError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
KEYS = st.sampled_from(["", "a", "b", "c", "0", "a/b", "~"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)

# RFC 7396, appendix A.
TABLE = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("target", "patch", "result"), TABLE)
def test_merging_does_as_the_rfc_shows(target: str, patch: str, result: str) -> None:
    assert encode(merge(orjson.loads(target), orjson.loads(patch))).decode() == result


@given(VALUES, VALUES)
def test_merging_agrees_with_a_library(target: Any, patch: Any) -> None:
    expected = json_merge_patch.merge(copy.deepcopy(target), copy.deepcopy(patch))
    before = copy.deepcopy(patch)
    assert encode(merge(target, patch)) == orjson.dumps(expected)
    assert patch == before


@pytest.mark.parametrize("levels", [300, 1_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ('[0,{"b":[],"a":', "}]")])
def test_what_is_nested_as_deep_as_data_may_be_is_folded(
    levels: int, opening: str, closing: str
) -> None:
    levels //= opening.count("{") + opening.count("[") - opening.count("[]")
    text = opening * levels + "1" + closing * levels
    value = orjson.loads(text)
    assert encode(merge({}, value)) == encode(value) == text.encode()
    assert encode(copied(value)) == text.encode()
    assert is_equal(value, orjson.loads(text))
    assert not is_equal(value, orjson.loads(text.replace("1", "2")))


def test_a_deeper_state_is_refused() -> None:
    state: Any = orjson.loads("[" * 1_000 + "]" * 1_000)
    assert len(encode(state)) == 2_000
    with pytest.raises(StateTooLargeError, match="deeper than 1000 levels"):
        encode([[state]])


def test_the_library_breaks_at_the_depth_that_data_may_have() -> None:
    """Why it is not used."""
    deep = orjson.loads('{"a":' * 1_000 + "1" + "}" * 1_000)
    with pytest.raises(RecursionError):
        json_merge_patch.merge({}, deep)


@given(VALUES, VALUES)
def test_equality_is_that_of_json(one: Any, other: Any) -> None:
    assert is_equal(one, copied(one))
    assert is_equal(one, other) == is_equal(other, one)
    if orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    ):
        assert is_equal(one, other)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("1", "1.0", True),
        ("1", "true", False),
        ("0", "false", False),
        ("[1]", "[true]", False),
        ("null", "false", False),
        ('"1"', "1", False),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('{"a":1}', '{"a":1,"b":2}', False),
        ("[1,2]", "[2,1]", False),
        ("{}", "[]", False),
        ("[]", "null", False),
    ],
)
def test_values_of_different_kinds_differ(one: str, other: str, equal: bool) -> None:
    assert is_equal(orjson.loads(one), orjson.loads(other)) is equal


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_written_reads_back_as_the_same(value: Any) -> None:
    assert is_equal(orjson.loads(encode(value)), value)
    nested: Any = value
    for _ in range(300):
        nested = {"a": nested}
    assert encode(nested) == ('{"a":' * 300 + encode(value).decode() + "}" * 300).encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("9007199254740993", "9007199254740993"),  # 2⁵³ + 1
        ("9223372036854775807", "9223372036854775807"),
        ("18446744073709551615", "18446744073709551615"),  # 2⁶⁴ - 1
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551616", "1.8446744073709552e+19"),  # the nearest double
        ("19.99", "19.99"),
        ("1.0", "1.0"),
        ("0.1000000000000000055", "0.1"),
        ("1e5", "100000.0"),
    ],
)
def test_numbers_keep_what_64_bits_or_a_double_hold(text: str, kept: str) -> None:
    written = encode(merge({}, orjson.loads(f'{{"n":{text}}}'))).decode()
    assert json.loads(written)["n"] == json.loads(kept)
    assert type(json.loads(written)["n"]) is type(json.loads(kept))


def test_results_that_json_can_not_hold_are_none() -> None:
    assert as_number(2**64 - 1) == 2**64 - 1
    assert as_number(2**64) == float(2**64)
    assert as_number(10**400) is None
    assert as_number(float("inf")) is None
    assert as_number(float("nan")) is None
