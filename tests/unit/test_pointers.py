"""JSON pointers, as every room reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog_server.pointers import index_of, parse_pointer, pointer_problem, write_pointer


@pytest.mark.parametrize(
    ("pointer", "tokens"),
    [
        ("", ()),
        ("/", ("",)),
        ("/a/", ("a", "")),
        ("/a~1b/3/~0", ("a/b", "3", "~")),
        ("/~01", ("~1",)),
    ],
)
def test_a_pointer_is_read_and_written(pointer: str, tokens: tuple[str, ...]) -> None:
    assert pointer_problem(pointer) is None
    assert parse_pointer(pointer) == tokens
    assert write_pointer(tokens) == pointer


@given(st.lists(st.text(st.sampled_from("a/~01*")), max_size=5).map(tuple))
def test_what_is_written_is_read_again(tokens: tuple[str, ...]) -> None:
    assert parse_pointer(write_pointer(tokens)) == tokens


@pytest.mark.parametrize("pointer", ["a", "/~", "/~2", "/a\0", "/" + "\u00e9" * 512])
def test_what_is_no_pointer_is_told(pointer: str) -> None:
    assert pointer_problem(pointer)


def test_what_begins_without_a_slash_is_not_read() -> None:
    with pytest.raises(ValueError, match="slash"):
        parse_pointer("a")


@pytest.mark.parametrize(
    ("token", "index"),
    [
        ("0", 0),
        ("10", 10),
        ("999999999", 999_999_999),
        ("9999999999", None),
        ("007", None),
        ("-1", None),
        ("+1", None),
        ("", None),
        ("\u0663", None),
        ("*", None),
    ],
)
def test_an_index_has_neither_sign_nor_leading_zeros(token: str, index: int | None) -> None:
    assert index_of(token) == index
