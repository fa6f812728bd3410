"""What JSON can say of whatever is emitted."""

from __future__ import annotations

import json
from collections import deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from everlog.emitters.jsonable import BYTES_MAX, TooLargeError, fields_of, storable_text, to_json


class Mood(Enum):
    CALM = "calm"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Usage:
    tokens: int
    by: set[str] = field(default_factory=set)


class Slotted:
    __slots__ = ("_hidden", "shown", "unset")

    def __init__(self) -> None:
        self.shown = 1
        self._hidden = 2


class Speechless(Exception):
    def __str__(self) -> str:
        raise LookupError("no words")


def test_plain_values_are_written_as_json_has_them() -> None:
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"c": []}}
    assert to_json(value) == '{"a":[1,2.5,null,true,"ü"],"b":{"c":[]}}'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ValueError("no such thing"), {"name": "ValueError", "message": "no such thing"}),
        (Speechless(), {"name": "Speechless", "message": ""}),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(minutes=1, milliseconds=5), 60.005),
        (Mood.CALM, "calm"),
        (Level.HIGH, 3),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("0.10"), "0.10"),
        (Fraction(1, 2), 0.5),
        (PurePosixPath("/a/b"), "/a/b"),
        (b"\0\xff", "AP8="),
        (("a", 1), ["a", 1]),
        (range(3), [0, 1, 2]),
        (deque([1, 2]), [1, 2]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Usage(5, {"b", "a"}), {"tokens": 5, "by": ["a", "b"]}),
        (SimpleNamespace(a=1, _b=2), {"a": 1}),
        (Slotted(), {"shown": 1}),
        ([float("nan"), float("inf"), 1.5], [None, None, 1.5]),
        ([len, int, lambda: 1], [None, None, None]),
        (print, None),
    ],
)
def test_everything_else_is_said_in_jsons_types(value: object, said: object) -> None:
    assert json.loads(to_json(value)) == said
    assert json.loads(to_json([value])) == [said]


def test_what_json_has_nothing_for_is_left_out_of_an_object() -> None:
    assert json.loads(to_json({"a": 1, "on_done": print, "kind": int})) == {"a": 1}


def test_names_that_are_no_texts_become_texts() -> None:
    assert json.loads(to_json({UUID(int=2): {1}, (1, 2): 3})) == {
        "00000000-0000-0000-0000-000000000002": [1],
        "(1, 2)": 3,
    }


def test_a_value_within_itself_is_named_and_not_followed() -> None:
    world: dict[str, Any] = {"name": "w", "twice": [1]}
    world["agents"] = [{"world": world}, world["twice"]]
    assert json.loads(to_json(world)) == {
        "name": "w",
        "twice": [1],
        "agents": [{"world": "[Circular]"}, [1]],
    }


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("ünï 日本 😀", "ünï 日本 😀"),
        ("a\0b", "a�b"),
        ("cut \ud83d", "cut �"),
        ("\ude00 cut", "� cut"),
        ("pair \ud83d\ude00", "pair 😀"),
        (r"the letters \u0000", r"the letters \u0000"),
    ],
)
def test_a_text_that_the_log_can_not_hold_is_mended(text: str, stored: str) -> None:
    assert storable_text(text) == stored
    assert json.loads(to_json({text: [text]})) == {stored: [stored]}


def test_the_same_set_always_has_the_same_text() -> None:
    """Sent again by another process, it must be recognised as the same content."""
    assert to_json({"c", "a", "b", 1}) == '[1,"a","b","c"]'


def _generator() -> Any:
    yield 1


@pytest.mark.parametrize("value", [object(), _generator(), {"lock": object()}])
def test_what_nothing_can_be_said_of_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is no JSON"):
        to_json(value)


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        to_json(deep)


def test_what_no_event_may_be_as_large_as_is_refused() -> None:
    assert len(to_json("x" * (BYTES_MAX - 2))) == BYTES_MAX
    with pytest.raises(TooLargeError, match="at most 1,048,576"):
        to_json("x" * (BYTES_MAX - 1))
    with pytest.raises(TooLargeError, match="at most 1,048,576"):
        to_json("ü" * (BYTES_MAX // 2))


def test_the_bound_ends_the_walk_through_what_holds_half_of_the_process() -> None:
    looked_at = 0

    class Row:
        def __init__(self) -> None:
            self.text = "x" * 1000

        def __getattribute__(self, name: str) -> Any:
            nonlocal looked_at
            looked_at += name == "text"
            return super().__getattribute__(name)

    with pytest.raises(TooLargeError):
        to_json([Row()] * 1_000_000)
    assert looked_at < 5_000


def test_an_object_is_told_from_what_is_none() -> None:
    Pair = namedtuple("Pair", "a b")
    assert fields_of({"a": 1}) == {"a": 1}
    assert fields_of(Pair(1, 2)) == {"a": 1, "b": 2}
    assert fields_of(Usage(1)) == {"tokens": 1, "by": set()}
    assert fields_of(SimpleNamespace(a=1)) == {"a": 1}
    for value in (None, "text", 1, 1.5, True, [1], (1,), {1}, b"x", Mood.CALM, ValueError(), print):
        assert fields_of(value) is None
