"""JSON pointers (RFC 6901) with a `*` step, read for the index: pure functions.

In an array, `#>` takes any number for an index, also `-1` and `007`, which RFC 6901 does not; and a
jsonpath can't say `an index or a key, whichever fits`. So a pointer becomes what `#>` takes as it
is meant, and the rest as a jsonpath or, where that can't say it, as plain steps for `values_at`.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from everlog_server.pointers import index_of, parse_pointer, pointer_problem

STEPS_MAX = 32
ANY_ELEMENT = "*"

_NUMBER = re.compile(r"\s*[+-]?[0-9]+")


class CompiledPointer(NamedTuple):
    """A pointer as the index reads it; at most one of `jsonpath` and `steps` is there."""

    path: tuple[str, ...]
    jsonpath: str | None
    steps: tuple[str, ...]


def declared_pointer_problem(pointer: str) -> str | None:
    """What is wrong with a pointer that must be there, or None."""
    if not pointer:
        return "must be given, such as /customer/email"
    if (problem := pointer_problem(pointer)) is not None:
        return problem
    if (steps := pointer.count("/")) > STEPS_MAX:
        return f"has {steps} steps; at most {STEPS_MAX}"
    return None


def compile_pointer(pointer: str) -> CompiledPointer:
    """A pointer that has no problem, as the index reads it."""
    steps = parse_pointer(pointer)
    plain = next((n for n, step in enumerate(steps) if not _is_plain(step)), len(steps))
    path, rest = steps[:plain], steps[plain:]
    if not rest:
        return CompiledPointer(path, None, ())
    if any(index_of(step) is not None for step in rest):
        return CompiledPointer(path, None, rest)
    return CompiledPointer(path, "strict $" + "".join(map(_jsonpath_step, rest)), ())


def _is_plain(step: str) -> bool:
    """Whether `#>` takes it as it is meant."""
    return step != ANY_ELEMENT and (index_of(step) is not None or not _NUMBER.fullmatch(step))


def _jsonpath_step(step: str) -> str:
    # Strict, or arrays would be opened unasked; then each step needs its guard, for the first
    # error would end the path with what was found until then.
    if step == ANY_ELEMENT:
        return '?(@.type()=="array")[*]'
    key = json.dumps(step)
    return f"?(exists(@.{key})).{key}"
