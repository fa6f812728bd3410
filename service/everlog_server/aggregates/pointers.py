"""What JSON pointers find; and targets, whose tokens may stand for texts of an event's values.

Definitions are checked when they are set. What has slipped through finds nothing, and breaks no
read.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import orjson

from everlog_server.aggregates.json_values import is_number
from everlog_server.pointers import index_of, parse_pointer, unescaped


class _Nothing:
    """No value; `None` is JSON's null."""


NOTHING: Final = _Nothing()

_TOKEN = re.compile(r"(?:[^/{]|\{[^}]*\})*")
_PIECE = re.compile(r"\{([^}]*)\}|([^{]+)")

Tokens = tuple[str, ...]


class Reference(NamedTuple):
    """A pointer into the event, whose value's text is meant."""

    tokens: Tokens


class Template(NamedTuple):
    """A token that is put together from texts."""

    pieces: tuple[str | Reference, ...]


def parse_target(target: str) -> tuple[str | Template, ...]:
    """The tokens of a place in the state; raises ValueError if it is none."""
    if not target:
        return ()
    if target[0] != "/":
        raise ValueError(f"{target!r} is no JSON pointer: it begins with a slash, or is empty")
    tokens: list[str | Template] = []
    at = 0
    while at < len(target):
        token = _TOKEN.match(target, at + 1)
        if token is None or target[token.end() : token.end() + 1] not in ("", "/"):
            raise ValueError(f"{target!r} has a brace that is not closed")
        tokens.append(_token(token[0]))
        at = token.end()
    return tuple(tokens)


def find(value: Any, tokens: Tokens) -> Any:
    """What a pointer leads to; NOTHING when it leads nowhere."""
    for token in tokens:
        if type(value) is dict:
            if token not in value:
                return NOTHING
            value = value[token]
        elif type(value) is list:
            index = index_of(token)
            if index is None or index >= len(value):
                return NOTHING
            value = value[index]
        else:
            return NOTHING
    return value


def text_of(value: Any) -> str | None:
    """The text that stands for a value in a target; None: objects, arrays and NOTHING have none."""
    if type(value) is str:
        return value
    if value is None or type(value) is bool or is_number(value):
        return orjson.dumps(value).decode()
    return None


def _token(text: str) -> str | Template:
    pieces = tuple(
        unescaped(literal) if literal else Reference(parse_pointer(pointer))
        for pointer, literal in _PIECE.findall(text)
    )
    if any(isinstance(piece, Reference) for piece in pieces):
        return Template(pieces)
    return "".join(map(str, pieces))
