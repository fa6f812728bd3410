"""What JSON can say of a value, whatever was emitted.

    an exception                         {name, message}: other fields may hold requests and secrets
    a datetime, a date, a time           ISO text
    an Enum                              its value
    a UUID, a Decimal, a path            its text
    other numbers (a Fraction, numpy's)  an int or a float
    a timedelta                          seconds
    bytes                                base64 text
    a set                                an array, sorted, so that its text is always the same
    a mapping, a dataclass, an object    an object of its items, fields or public attributes
    NaN and the infinities               null
    a function, a class                  left out of an object; null in an array
    a value within itself                "[Circular]"
    NUL, a lone surrogate                U+FFFD: jsonb takes neither

What is left is refused: an object without attributes (a generator, a lock), one whose own code
raises, nesting too deep for the interpreter, and what would be larger than 1 MiB, which is what a
server stores unless it is told otherwise.

Most of what is emitted is plain: `json` writes it as it is, in C. Only what that refuses, or what
has a text to be replaced, is walked in Python; the bound ends that walk, so that an event that
holds on to half of the process costs no more than the largest event that can be stored.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any
from uuid import UUID

BYTES_MAX = 1024 * 1024

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CIRCULAR = "[Circular]"
_NOTHING = object()  # JSON has nothing for it


class TooLargeError(ValueError):
    """It is larger than any event may be."""


def to_json(value: object) -> str:
    """Write a value as JSON, which the log can hold.

    Raises what the value's own code raises, RecursionError, and TooLargeError.
    """
    try:
        text = _encode(value)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        text = ""
        size = 0
    if not text or "\\u0000" in text:
        copied = _Walk().copy(value)
        text = _encode(None if copied is _NOTHING else copied)
        size = len(text.encode())
    if size > BYTES_MAX:
        raise TooLargeError(f"it has {size:,} bytes, at most {BYTES_MAX:,}")
    return text


def storable_text(text: str) -> str:
    """Replace what no text of the log may hold."""
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    if text.isascii():
        return text
    # Surrogates are passed in pairs by some sources; a pair is one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def fields_of(value: object) -> Mapping[Any, Any] | None:
    """Give the items of a mapping, the fields of a dataclass, or an object's public attributes.

    None of a value that is no object in JSON's sense. Raises TypeError for one of which nothing can
    be said.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        named: Mapping[str, Any] = value._asdict()
        return named
    if isinstance(value, _NO_OBJECTS) or callable(value):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    names = [*getattr(value, "__dict__", ()), *_slots(type(value))]
    if not names and not hasattr(value, "__dict__"):
        raise TypeError(f"{type(value).__name__} is no JSON")
    return {
        name: getattr(value, name)
        for name in names
        if not name.startswith("_") and hasattr(value, name)
    }


def _slots(kind: type) -> Iterable[str]:
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def describe(error: BaseException) -> dict[str, str]:
    """Give an exception's name and message; its other fields may hold requests and secrets."""
    try:
        message = storable_text(str(error))
    except Exception:  # its own code, which may well be why it was raised
        message = ""
    return {"name": type(error).__name__, "message": message}


_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (BaseException, describe),
    ((date, time), lambda moment: moment.isoformat()),
    (timedelta, timedelta.total_seconds),
    (Enum, lambda member: member.value),
    ((UUID, Decimal, PurePath), str),
    ((bytes, bytearray, memoryview), lambda data: base64.b64encode(data).decode()),
    (Integral, int),
    (Real, float),
)


def _simple(value: object) -> object:
    """Say in JSON's types what is no container of anything; TypeError of everything else."""
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


_SIMPLE = tuple(kinds for kinds, _ in _CONVERSIONS)
_NO_OBJECTS = (type(None), Sequence, Set, _SIMPLE)

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_simple
).encode


class _Walk:
    """Copies a value into JSON's own types."""

    def __init__(self) -> None:
        self._bytes = 0
        self._ancestors: set[int] = set()

    def copy(self, value: object) -> object:
        if value is None or isinstance(value, bool | int):
            self._spend(1)
            return value
        if isinstance(value, float):
            self._spend(1)
            return value if math.isfinite(value) else None
        if isinstance(value, str):
            self._spend(len(value) + 2)
            return storable_text(value)
        if isinstance(value, _SIMPLE):
            return self.copy(_simple(value))
        if id(value) in self._ancestors:
            return _CIRCULAR
        self._spend(2)
        self._ancestors.add(id(value))
        copied = self._copy_parts(value)
        self._ancestors.discard(id(value))
        return copied

    def _copy_parts(self, value: object) -> object:
        fields = fields_of(value)
        if fields is not None:
            pairs = ((self._name(name), self.copy(part)) for name, part in fields.items())
            return {name: part for name, part in pairs if part is not _NOTHING}
        if isinstance(value, Set):
            value = sorted(value, key=str)
        if isinstance(value, Sequence):
            parts = [self.copy(part) for part in value]
            return [None if part is _NOTHING else part for part in parts]
        return _NOTHING

    def _name(self, name: object) -> str:
        text = storable_text(name if isinstance(name, str) else str(name))
        self._spend(len(text) + 3)
        return text

    def _spend(self, size: int) -> None:
        self._bytes += size
        if self._bytes > BYTES_MAX:
            raise TooLargeError(f"it has more than {BYTES_MAX:,} bytes")
