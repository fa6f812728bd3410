"""JSON values as the parser makes them: merged, compared, copied and written, at any depth.

Nothing here recurses: an event's data may be nested to 1,000 levels, which is also how deep Python
lets functions call each other.

Numbers hold what the parser (orjson) holds: integers of 64 bits exactly, signed or not; all others
as doubles.
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from everlog_server.errors import StateTooLargeError

NESTING_MAX = 1_000
_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1


def merge(target: Any, patch: Any) -> Any:
    """JSON Merge Patch, RFC 7396. Changes the target, and keeps parts of the patch in it.

    Not by the library json-merge-patch, which recurses: data that Emit takes would break it.
    """
    if type(patch) is not dict:
        return patch
    if type(target) is not dict:
        target = {}
    pairs = [(target, patch)]
    for into, changes in pairs:  # which grows on the way
        for key, value in changes.items():
            if value is None:
                into.pop(key, None)
            elif type(value) is dict:
                inner = into.get(key)
                if type(inner) is not dict:
                    inner = into[key] = {}
                pairs.append((inner, value))
            else:
                into[key] = value
    return target


def is_equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: `1` and `1.0` are, `1` and `true` are not."""
    pairs = [(one, other)]
    while pairs:
        a, b = pairs.pop()
        if type(a) is dict:
            if type(b) is not dict or a.keys() != b.keys():
                return False
            pairs.extend((value, b[key]) for key, value in a.items())
        elif type(a) is list:
            if type(b) is not list or len(a) != len(b):
                return False
            pairs.extend(zip(a, b, strict=True))
        elif type(a) is bool or type(b) is bool:
            if a is not b:
                return False
        elif a != b:
            return False
    return True


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number. A Python bool is an int, and none."""
    return type(value) is int or type(value) is float


def as_number(value: float) -> int | float | None:
    """A result as JSON can hold it: an integer beyond 64 bits is a double; None beyond a double."""
    if type(value) is int:
        if _INTEGER_MIN <= value <= _INTEGER_MAX:
            return value
        try:
            return float(value)
        except OverflowError:
            return None
    return value if math.isfinite(value) else None


def copied(value: Any) -> Any:
    """A value that shares nothing that could be changed."""
    return orjson.loads(encode(value)) if type(value) in (dict, list) else value


def encode(value: Any) -> bytes:
    """JSON text; raises StateTooLargeError for a value that is nested deeper than 1,000 levels."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # deeper than 254 levels
        return _encode_deep(value)


def _encode_deep(value: Any) -> bytes:
    parts: list[bytes] = []
    # What is still to be written, the next one last: bytes as they are, values with their depth.
    pending: list[bytes | tuple[Any, int]] = [(value, 1)]
    while pending:
        item = pending.pop()
        if isinstance(item, bytes):
            parts.append(item)
            continue
        value, depth = item
        if not value or type(value) not in (dict, list):
            parts.append(orjson.dumps(value))
            continue
        if depth > NESTING_MAX:
            raise StateTooLargeError(f"the state is nested deeper than {NESTING_MAX} levels")
        is_object = type(value) is dict
        children = list(value.items()) if is_object else [(None, child) for child in value]
        parts.append(b"{" if is_object else b"[")
        pending.append(b"}" if is_object else b"]")
        for index in reversed(range(len(children))):
            name, child = children[index]
            separator = b"," if index else b""
            pending.append((child, depth + 1))
            pending.append(separator if name is None else separator + orjson.dumps(name) + b":")
    return b"".join(parts)
