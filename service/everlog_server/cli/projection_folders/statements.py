"""SQL taken apart into its statements, by PostgreSQL's rules for quotes and comments.

Only the ends of statements are looked for: what they say is for PostgreSQL to judge. Settings that
change what a quote is (`standard_conforming_strings` off) are not known here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# What may hold a semicolon that ends nothing, or a quote that begins nothing. In this order: an
# identifier takes the E of an escape string, or the $ within a name, only after those were tried.
_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ )
    | (?P<comment> --[^\r\n]* )
    | (?P<block> /\* )
    | (?P<end> ; )
    | (?P<quoted>
          [eE]'(?: [^'\\] | '' | \\. )*'
        | '(?: [^'] | '' )*'
        | "(?: [^"] | "" )*"
        | (?P<tag> \$ (?: [^\W\d]\w* )? \$ ) .*? (?P=tag)
      )
    | (?P<open> [eE]?' | " | \$ (?: [^\W\d]\w* )? \$ )
    | [^\W\d][\w$]* | \d\w* | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class SqlError(ValueError):
    """The text is no SQL: something in it has no end. `offset` counts characters from 0."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Statement(NamedTuple):
    """A statement of a text, without its semicolon and without remarks before it."""

    offset: int
    """Where it begins, in characters from 0."""

    text: str
    is_ended: bool
    """Whether a semicolon ends it, rather than the text."""


def split(sql: str) -> list[Statement]:
    """Give the statements of a text, without those that are empty. Raises SqlError."""
    found: list[Statement] = []
    begin: int | None = None
    end = at = 0
    while at < len(sql):
        token = _TOKEN.match(sql, at)
        assert token is not None  # noqa: S101 - its last alternative is any character
        following = token.end()
        match token.lastgroup:
            case "blank" | "comment":
                pass
            case "block":
                following = _after_comment(sql, at)
            case "end":
                if begin is not None:
                    found.append(Statement(begin, sql[begin:end], is_ended=True))
                begin = None
            case "open":
                raise SqlError(f"what begins with {token[0]} has no end", offset=at)
            case _:
                begin = at if begin is None else begin
                end = following
        at = following
    if begin is not None:
        found.append(Statement(begin, sql[begin:end], is_ended=False))
    return found


def _after_comment(sql: str, begin: int) -> int:
    """Give where the comment that begins here ends: comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, begin):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError("what begins with /* has no end", offset=begin)
