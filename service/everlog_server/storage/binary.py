"""Parameters in PostgreSQL's binary format, packed without psycopg's dumpers.

An append sends some twenty arrays. psycopg's array dumper is Python code that looks at each
element; these functions know the type beforehand and cost a third of it (docs/adr/0002).

Layout of an array: number of dimensions, whether there may be nulls, the elements' type oid, the
dimension's length, its lower bound; then each element as its length and bytes, or -1 for null.
Source: PostgreSQL's `array_recv`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, repeat

_ARRAY = struct.Struct(">iiIii")
_INT4 = struct.Struct(">i")
_INT8 = struct.Struct(">q")
_INT8_ELEMENT = struct.Struct(">iq")
_NULL = _INT4.pack(-1)
_UUID_LENGTH = _INT4.pack(16)
_JSONB_VERSION = b"\x01"
_BOOLEANS = (_INT4.pack(1) + b"\x00", _INT4.pack(1) + b"\x01")

_BOOL, _BYTEA, _INT8_OID, _TEXT, _TIMESTAMPTZ, _UUID, _JSONB = 16, 17, 20, 25, 1184, 2950, 3802

UNIX_EPOCH_MICROSECONDS = 946_684_800_000_000
"""1970-01-01 lies this long before PostgreSQL's epoch, 2000-01-01."""


def int4(value: int) -> bytes:
    """An `integer`."""
    return _INT4.pack(value)


def int8(value: int) -> bytes:
    """A `bigint`."""
    return _INT8.pack(value)


def timestamptz(microseconds: int) -> bytes:
    """A `timestamptz`, from microseconds since 1970."""
    return _INT8.pack(microseconds - UNIX_EPOCH_MICROSECONDS)


def read_int8(value: bytes) -> int:
    """The value of a `bigint`."""
    return int(_INT8.unpack(value)[0])


def read_timestamptz(value: bytes) -> int:
    """Microseconds since 1970. PostgreSQL's `-infinity` becomes 0: before everything."""
    since_2000 = int(_INT8.unpack(value)[0])
    return 0 if since_2000 == -(1 << 63) else since_2000 + UNIX_EPOCH_MICROSECONDS


class _Lengths(dict[int, bytes]):
    """The length in front of an element, by the length; a look-up is half of packing it."""

    def __missing__(self, length: int) -> bytes:
        return _INT4.pack(length)


_LENGTHS = _Lengths({length: _INT4.pack(length) for length in range(2048)})
_length_of = _LENGTHS.__getitem__


def _array(oid: int, count: int, elements: Iterable[bytes]) -> bytes:
    return _ARRAY.pack(1, 1, oid, count, 1) + b"".join(elements)


def _with_lengths(values: Sequence[bytes]) -> Iterable[bytes]:
    """Each value behind its length, without a step of Python for each."""
    return chain.from_iterable(zip(map(_length_of, map(len, values)), values, strict=True))


def text_array(values: Sequence[str]) -> bytes:
    """A `text[]` without nulls."""
    return _array(_TEXT, len(values), _with_lengths([value.encode() for value in values]))


@lru_cache(maxsize=8192)
def _text(value: str) -> bytes:
    encoded = value.encode()
    return _length_of(len(encoded)) + encoded


def repeated_text_array(values: Sequence[str]) -> bytes:
    """A `text[]` without nulls, of names that come again and again, such as types."""
    return _array(_TEXT, len(values), map(_text, values))


def optional_text_array(values: Sequence[str | None]) -> bytes | None:
    """A `text[]`; null as a whole when every element is."""
    if not any(values):
        return None
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            encoded = value.encode()
            parts += (_length_of(len(encoded)), encoded)
    return _array(_TEXT, len(values), parts)


def bytea_array(values: Sequence[bytes]) -> bytes:
    """A `bytea[]` without nulls."""
    return _array(_BYTEA, len(values), _with_lengths(values))


def optional_bytea_array(values: Sequence[bytes | None]) -> bytes | None:
    """A `bytea[]`; null as a whole when every element is."""
    if not any(values):
        return None
    parts = [_NULL if v is None else _length_of(len(v)) + v for v in values]
    return _array(_BYTEA, len(values), parts)


def optional_jsonb_array(values: Sequence[bytes | None]) -> bytes | None:
    """A `jsonb[]` of JSON texts; null as a whole when every element is."""
    if not any(values):
        return None
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_length_of(len(value) + 1), _JSONB_VERSION, value)
    return _array(_JSONB, len(values), parts)


def uuid_array(values: Sequence[bytes]) -> bytes:
    """A `uuid[]` without nulls."""
    body = _UUID_LENGTH + _UUID_LENGTH.join(values) if values else b""
    return _ARRAY.pack(1, 1, _UUID, len(values), 1) + body


def optional_uuid_array(values: Sequence[bytes | None]) -> bytes | None:
    """A `uuid[]`; null as a whole when every element is."""
    if not any(values):
        return None
    return _array(_UUID, len(values), [_NULL if v is None else _UUID_LENGTH + v for v in values])


def int8_array(values: Sequence[int]) -> bytes:
    """A `bigint[]` without nulls."""
    return _array(_INT8_OID, len(values), map(_INT8_ELEMENT.pack, repeat(8), values))


def optional_timestamptz_array(values: Sequence[int | None]) -> bytes | None:
    """A `timestamptz[]`, from microseconds since 1970; null as a whole when every element is."""
    if values.count(None) == len(values):
        return None
    pack = _INT8_ELEMENT.pack
    parts = [_NULL if v is None else pack(8, v - UNIX_EPOCH_MICROSECONDS) for v in values]
    return _array(_TIMESTAMPTZ, len(values), parts)


def boolean_array(values: Sequence[bool]) -> bytes:
    """A `boolean[]` without nulls."""
    return _array(_BOOL, len(values), [_BOOLEANS[v] for v in values])
