r"""What PostgreSQL's `jsonb` takes, decided without asking PostgreSQL.

A value that passes here never fails there: it would take its whole batch with it. The parser
(orjson) is stricter than `jsonb` about numbers beyond a double; these are refused too. It is more
lenient in three ways, each found by trying against PostgreSQL 18, and each closed here:

- `\u0000`, which `jsonb` can't hold in a string or a key;
- numbers with more than 16,383 digits after the point, or with an exponent beyond 2³⁰, even when
  the value is zero (`1e-20000`, `0e-20000`, `0e9999999999`): `numeric` refuses them;
- nesting: the parser stops at 1,024 levels, the contract at 1,000.

Each is looked for with the cheapest search that can't miss it, and judged only if that finds
something.
"""

from __future__ import annotations

import re
from array import array
from itertools import accumulate
from typing import Any

import orjson

NESTING_MAX = 1_000

# `numeric` keeps at most so many digits after the point (NUMERIC_DSCALE_MAX), and so does a literal
# that says more of them than its value needs: those of its fraction, and those of its exponent.
_SCALE_MAX = 16_383
# set_var_from_str() in numeric.c refuses larger exponents, whatever the digits are.
_EXPONENT_MAX = 2**30 - 1

# The shape of a text: every digit a 0, every E an e, no plus signs. A few long needles are found in
# it faster than many short ones in the text itself.
_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_EXPONENT_OF_TEN_DIGITS = "0e0000000000"
_NEGATIVE_EXPONENT_OF_FIVE_DIGITS = "0e-00000"
# With four digits it is too large only beside a fraction of more than 6,383 digits, with three …
_NEGATIVE_EXPONENT_OF_FOUR_DIGITS = "0e-0000"
_SHORT_TEXT_BYTES_MAX = _SCALE_MAX - 9_999
_LONG_FRACTION = "." + "0" * (_SCALE_MAX - 999)

_STRING = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[0-9]+(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?")

# Brackets as steps down and up (signed bytes), everything else dropped.
_BRACKET_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


def encode_json(text: str) -> bytes:
    """The text in UTF-8, if `jsonb` takes it as one value; else raises ValueError, saying why."""
    return read_json(text)[0]


def read_json(text: str) -> tuple[bytes, Any]:
    """The same, and the value."""
    data = text.encode()
    value = orjson.loads(data)
    # Without the escaped backslashes, each one that is left escapes what follows it.
    if "\\" in text and "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("holds a \\u0000, which PostgreSQL's jsonb can't")
    if len(data) > 2 * NESTING_MAX and data.count(b"[") + data.count(b"{") > NESTING_MAX:
        _check_nesting(text)
    # As text: `in` is slow on bytes. Only a zero has an exponent that is too large for a double.
    if (
        "e-" in text
        or "E-" in text
        or "0e" in text
        or "0E" in text
        or len(data) > _SHORT_TEXT_BYTES_MAX
    ) and _is_suspicious(data):
        _check_numbers(text)
    return data, value


def _is_suspicious(data: bytes) -> bool:
    shape = data.translate(_SHAPE, b"+").decode("latin-1")
    return (
        _NEGATIVE_EXPONENT_OF_FIVE_DIGITS in shape
        or _EXPONENT_OF_TEN_DIGITS in shape
        or (
            len(shape) > _SHORT_TEXT_BYTES_MAX
            and (_NEGATIVE_EXPONENT_OF_FOUR_DIGITS in shape or _LONG_FRACTION in shape)
        )
    )


def _check_nesting(text: str) -> None:
    steps = array("b", _without_strings(text).encode().translate(_BRACKET_STEPS, _NO_BRACKETS))
    if max(accumulate(steps), default=0) > NESTING_MAX:
        raise ValueError(f"is nested deeper than {NESTING_MAX} levels")


def _check_numbers(text: str) -> None:
    for fraction, exponent in _NUMBER.findall(_without_strings(text)):
        # Python refuses to convert thousands of digits.
        too_long = len(exponent.lstrip("+-0")) > len(str(_EXPONENT_MAX))
        shift = int(exponent or 0) if not too_long else _EXPONENT_MAX + 1
        if shift > _EXPONENT_MAX or len(fraction) - shift > _SCALE_MAX:
            raise ValueError(
                f"holds a number with more than {_SCALE_MAX} digits after the point, "
                "or with too large an exponent, which PostgreSQL's numeric can't"
            )


def _without_strings(text: str) -> str:
    """A valid JSON text without its strings."""
    return _STRING.sub("", text.replace("\\\\", "").replace('\\"', ""))
