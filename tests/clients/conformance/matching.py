"""Whether an answer is what a scenario expects, and whether two languages' answers are equal.

An expected table names the fields that matter, others may be there; a list is compared item by item
and has to have the same length. Among the expected values, `$any`, `$uuid` and `$time` (RFC 3339,
six digits, Z) stand for whole classes, `$absent` for a field that must not be there,
`{ "$json" = … }` for a text that is this JSON value, and `{ "$contains" = "…" }` for a text with
that in it. `${name}`, anywhere in a text, is a variable that an earlier step has saved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z"
_PATTERNS = {"$any": r"(?s:.*)", "$uuid": _UUID, "$time": _TIME}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# An id also as a message may spell it, without its dashes.
_VOLATILE = re.compile(f"{_UUID}|[0-9a-f]{{32}}|{_TIME}")


def substitute(value: Any, variables: Mapping[str, str]) -> Any:
    """Put the variables' values in."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: variables[found[1]], value)
    if isinstance(value, list):
        return [substitute(item, variables) for item in value]
    if isinstance(value, dict):
        return {name: substitute(item, variables) for name, item in value.items()}
    return value


def look_up(answer: Any, path: str) -> str:
    """The text at a path such as `receipts.0.event_id`."""
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    assert isinstance(answer, str), f"{path} is {answer!r}, no text"
    return answer


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Each difference, in words."""
    if isinstance(expected, dict):
        yield from _table_differences(expected, actual, path)
    elif isinstance(expected, list):
        yield from _list_differences(expected, actual, path)
    elif isinstance(expected, str) and expected in _PATTERNS:
        if not isinstance(actual, str) or not re.fullmatch(_PATTERNS[expected], actual):
            yield f"{path} is {_short(actual)}, expected {expected}"
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{path} is {_short(actual)}, expected {_short(expected)}"


def _table_differences(expected: dict[str, Any], actual: Any, path: str) -> Iterator[str]:
    if "$json" in expected:
        yield from _json_differences(expected["$json"], actual, path)
    elif "$contains" in expected:
        if not isinstance(actual, str) or expected["$contains"] not in actual:
            yield f"{path} is {_short(actual)}, expected {expected['$contains']!r} in it"
    elif not isinstance(actual, dict):
        yield f"{path} is {_short(actual)}, expected a table"
    else:
        for name, value in expected.items():
            inner = f"{path}.{name}" if path else name
            if value == "$absent":
                if name in actual:
                    yield f"{inner} is {_short(actual[name])}, expected nothing"
            elif name not in actual:
                yield f"{inner} is not there, expected {_short(value)}"
            else:
                yield from differences(value, actual[name], inner)


def _list_differences(expected: list[Any], actual: Any, path: str) -> Iterator[str]:
    if not isinstance(actual, list):
        yield f"{path} is {_short(actual)}, expected a list"
    elif len(expected) != len(actual):
        yield f"{path} has {len(actual)} items, expected {len(expected)}: {_short(actual)}"
    else:
        for index, (wanted, got) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(wanted, got, f"{path}.{index}")


def _json_differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    try:
        parsed = json.loads(actual)
    except (TypeError, ValueError):
        yield f"{path} is {_short(actual)}, expected JSON"
        return
    if json.dumps(parsed, sort_keys=True) != json.dumps(expected, sort_keys=True):
        yield f"{path} is {_short(actual)}, expected {_short(expected)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(text)} characters)"


class Normaliser:
    """Rewrites ids and times that differ from run to run: each is numbered as it first appears.

    Those that the scenario itself gives stay. Record times are not numbered: whether two of them
    are the same is chance.
    """

    def __init__(self, given: str) -> None:
        self._given = frozenset(_VOLATILE.findall(given))
        self._numbers: dict[str, str] = {}

    def __call__(self, answer: dict[str, Any]) -> str:
        """The answer, as text that any other language's must equal."""
        if "error" in answer and not answer["error"].get("reason"):
            # A lost connection is described in each language's own words.
            answer = {"error": {**answer["error"], "message": "", "code": ""}}
        text = json.dumps(answer, ensure_ascii=False, sort_keys=True)
        return _VOLATILE.sub(lambda found: self._stand_in(found[0]), text)

    def _stand_in(self, found: str) -> str:
        if found in self._given:
            return found
        if "T" in found:
            return "<time>"
        return self._numbers.setdefault(found.replace("-", ""), f"<id {len(self._numbers) + 1}>")
