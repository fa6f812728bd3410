"""JSON pointers (RFC 6901) with a `*` step, read for the index: pure functions.

In an array, `#>` takes any number for an index, also `-1` and `007`, which RFC 6901 does not; and a
jsonpath can't say `an index or a key, whichever fits`. So a pointer becomes what `#>` takes as it
is meant, and the rest as a jsonpath or, where that can't say it, as plain steps for `values_at`.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

POINTER_BYTES_MAX = 1024
STEPS_MAX = 32
ANY_ELEMENT = "*"

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"\s*[+-]?[0-9]+")


class CompiledPointer(NamedTuple):
    """A pointer as the index reads it; at most one of `jsonpath` and `steps` is there."""

    path: tuple[str, ...]
    jsonpath: str | None
    steps: tuple[str, ...]


def pointer_problem(pointer: str) -> str | None:  # noqa: PLR0911  one return a problem
    """What is wrong with a pointer that must be there, or None."""
    if not pointer:
        return "must be given, such as /customer/email"
    if (size := len(pointer.encode())) > POINTER_BYTES_MAX:
        return f"has {size} bytes; at most {POINTER_BYTES_MAX}"
    if "\0" in pointer:
        return "holds a NUL character"
    if not pointer.startswith("/"):
        return f"is {pointer!r}; must begin with a slash, such as /customer/email"
    if _BAD_ESCAPE.search(pointer):
        return "has a ~ that is neither ~0 (for ~) nor ~1 (for /)"
    if (steps := pointer.count("/")) > STEPS_MAX:
        return f"has {steps} steps; at most {STEPS_MAX}"
    return None


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer that has no problem."""
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/")
    )


def compile_pointer(pointer: str) -> CompiledPointer:
    """A pointer that has no problem, as the index reads it."""
    steps = parse_pointer(pointer)
    plain = next((n for n, step in enumerate(steps) if not _is_plain(step)), len(steps))
    path, rest = steps[:plain], steps[plain:]
    if not rest:
        return CompiledPointer(path, None, ())
    if any(_INDEX.fullmatch(step) for step in rest):
        return CompiledPointer(path, None, rest)
    return CompiledPointer(path, "strict $" + "".join(map(_jsonpath_step, rest)), ())


def _is_plain(step: str) -> bool:
    """Whether `#>` takes it as it is meant."""
    return step != ANY_ELEMENT and bool(_INDEX.fullmatch(step) or not _NUMBER.fullmatch(step))


def _jsonpath_step(step: str) -> str:
    # Strict, or arrays would be opened unasked; then each step needs its guard, for the first
    # error would end the path with what was found until then.
    if step == ANY_ELEMENT:
        return '?(@.type()=="array")[*]'
    key = json.dumps(step)
    return f"?(exists(@.{key})).{key}"
