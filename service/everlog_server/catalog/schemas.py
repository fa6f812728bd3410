"""JSON Schemas of event types: compiled once, and safe to judge anybody's data by.

What a tenant registers runs in everybody's process. So references lead nowhere but into the schema
itself, nothing is ever fetched, patterns match in linear time (no look-around, no back references),
and what remains, how often one value may be looked at, is bounded when the schema is registered
(complexity.py) and, for large data, once more when it is used.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from everlog_server.catalog.complexity import SchemaTooComplexError, looks_at_a_value
from everlog_server.pointers import write_pointer

SCHEMA_BYTES_MAX = 256 * 1024
_PATTERN_BYTES_MAX = 512 * 1024
"""Of a compiled pattern; `^.{1,255}$` takes some 300 KiB."""
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES_MAX)

_LOOKS_MAX = 20_000_000
"""Of one event: about a second at worst."""
_LOOKS_A_BYTE = 16
"""Of a pattern. `a[ab]{200}[cd]` takes 2 µs for each byte, forty times what a look takes: three
seconds at worst, so that texts of a mebibyte may still have a pattern."""
_LISTED_BYTES_MAX = 16 * 1024
"""Of larger data, only the first thing that is wrong is told, and values are not quoted: the
library finds all of them before it tells the first."""
_MESSAGE_CHARACTERS_MAX = 300


class SchemaError(ValueError):
    """The schema is none, or can't be used. Its text says why."""


class Finding(NamedTuple):
    """One thing that is wrong with a value."""

    data_pointer: str
    schema_pointer: str
    message: str


class Schema:
    """A compiled schema."""

    __slots__ = (
        "_document",
        "_looks",
        "_looks_a_byte",
        "_masking",
        "_validator",
        "cheap_bytes",
        "is_valid",
    )

    def __init__(self, text: str) -> None:
        """Raises SchemaError."""
        self._document = _parse(text)
        self._validator = _compile(self._document)
        self._masking: jsonschema_rs.Validator | None = None
        try:
            self._looks, patterns = looks_at_a_value(self._document)
        except SchemaTooComplexError as error:
            raise SchemaError(str(error)) from None
        self._looks_a_byte = _LOOKS_A_BYTE * patterns
        self.cheap_bytes = _LOOKS_MAX // (self._looks + self._looks_a_byte)
        """Data of no more bytes is not too dear, whatever it is."""
        self.is_valid = self._validator.is_valid
        """Whether a parsed value satisfies it. Ask `is_too_dear` first."""

    def is_too_dear(self, data: bytes) -> bool:
        """Whether data of such a size and shape could take longer than is allowed."""
        if len(data) <= self.cheap_bytes:
            return False
        # Values are separated by commas and colons, or begin in brackets.
        values = 1 + data.count(b",") + data.count(b":") + data.count(b"[")
        looks = (values + len(data) // 64) * self._looks
        return looks + len(data) * self._looks_a_byte > _LOOKS_MAX

    def findings(self, value: Any, size_bytes: int, most: int) -> list[Finding]:
        """What is wrong with a value, at most so many."""
        if size_bytes <= _LISTED_BYTES_MAX:
            errors = list(islice(self._validator.iter_errors(value), most))
        else:
            self._masking = self._masking or _compile(self._document, mask="the value")
            try:
                self._masking.validate(value)
            except jsonschema_rs.ValidationError as error:
                errors = [error]
            else:
                errors = []
        return [
            Finding(write_pointer(e.instance_path), write_pointer(e.schema_path), _cut(e.message))
            for e in errors
        ]


def full_match(pattern: str) -> jsonschema_rs.Validator:
    """A validator of texts that a pattern matches as a whole; raises SchemaError."""
    _compile({"pattern": pattern})  # by itself: `a)|(b` would become one by what is put around it
    return _compile({"pattern": f"^(?:{pattern})$"})


def _parse(text: str) -> Any:
    if (size := len(text.encode())) > SCHEMA_BYTES_MAX:
        raise SchemaError(f"has {size} bytes; at most {SCHEMA_BYTES_MAX}")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"is not JSON: {error}") from None


def _compile(document: Any, mask: str | None = None) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(
            document, offline=True, pattern_options=_PATTERNS, mask=mask
        )
    except jsonschema_rs.ValidationError as error:
        where = write_pointer(error.instance_path)
        at = f" at {where}" if where else ""
        raise SchemaError(f"is not a JSON Schema{at}: {_cut(error.message)}") from None
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaError(f"is not a JSON Schema: {_cut(str(error))}") from None


def _cut(message: str) -> str:
    if len(message) <= _MESSAGE_CHARACTERS_MAX:
        return message
    half = _MESSAGE_CHARACTERS_MAX // 2  # the rule stands at the end, behind the value
    return f"{message[:half]} … {message[-half:]}"
