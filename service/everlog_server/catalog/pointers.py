"""The JSON pointers of reducers: what they may say. What they do: room `aggregates`."""

from __future__ import annotations

import re

from everlog_server.pointers import parse_pointer, pointer_problem

_WHOLE_FIELDS = frozenset(
    {
        "event_type",
        "event_id",
        "aggregate_type",
        "aggregate_id",
        "sequence",
        "position",
        "record_time",
        "occurred_time",
        "actor",
        "user_id",
        "correlation_id",
        "causation_id",
        "source",
    }
)
_FIELDS_WITH_PARTS = frozenset({"data", "metadata"})
_PLACE = re.compile(r"\{([^{}]*)\}")


def event_pointer_problem(pointer: str) -> str | None:
    """What is wrong with a pointer into an event; None: nothing."""
    if (problem := pointer_problem(pointer)) is not None:
        return problem
    field, *parts = parse_pointer(pointer) or ("",)
    if field in _FIELDS_WITH_PARTS or (field in _WHOLE_FIELDS and not parts):
        return None
    return (
        f"{pointer[:100]!r} leads nowhere in an event: begin with /data, /metadata or /event_type …"
    )


def target_problem(target: str) -> str | None:
    """What is wrong with a pointer into the state, which may hold `{pointer}`s into the event."""
    for place in _PLACE.findall(target):
        if (problem := event_pointer_problem(place)) is not None:
            return f"{{{place[:100]}}}: {problem}"
    plain = _PLACE.sub("x", target)
    if "{" in plain or "}" in plain:
        return f"{target[:100]!r} has a brace without its other"
    return pointer_problem(plain, len(target.encode()))
