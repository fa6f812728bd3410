"""JSON pointers (RFC 6901): judged, read and written. What they lead to is up to their rooms."""

from __future__ import annotations

import re
from collections.abc import Iterable

POINTER_BYTES_MAX = 1024

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX_DIGITS_MAX = 9


def pointer_problem(pointer: str, size_bytes: int | None = None) -> str | None:
    """What is wrong with a pointer, or None; the empty one leads to the whole.

    `size_bytes` is the length of what it was made from, where that counts.
    """
    size = len(pointer.encode()) if size_bytes is None else size_bytes
    if size > POINTER_BYTES_MAX:
        return f"has {size} bytes; at most {POINTER_BYTES_MAX}"
    if "\0" in pointer:
        return "holds a NUL character"
    if pointer and not pointer.startswith("/"):
        return f"{pointer[:100]!r} is not a JSON pointer: it must begin with /"
    if _BAD_ESCAPE.search(pointer):
        return f"{pointer[:100]!r} is not a JSON pointer: ~ stands only in ~0 and ~1"
    return None


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Its tokens; raises ValueError if it does not begin with a slash."""
    if not pointer:
        return ()
    if pointer[0] != "/":
        raise ValueError(f"{pointer!r} is no JSON pointer: it begins with a slash, or is empty")
    return tuple(map(unescaped, pointer[1:].split("/")))


def write_pointer(tokens: Iterable[str | int]) -> str:
    """The pointer of these tokens."""
    return "".join(f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in tokens)


def unescaped(token: str) -> str:
    """A token as it is meant."""
    return token.replace("~1", "/").replace("~0", "~")


def index_of(token: str) -> int | None:
    """The index that a token is in an array: without sign or leading zeros; None: it is none."""
    if not (token.isascii() and token.isdigit()) or len(token) > _INDEX_DIGITS_MAX:
        return None
    index = int(token)
    return index if str(index) == token else None
