"""The parts of `projection.yaml` that are not SQL: which events, and what about failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration

from everlog import AggregateKey, aggregates
from everlog.times import to_timestamp
from everlog.v1 import consumers_pb2, filter_pb2, projections_pb2
from everlog_server.cli.catalogues.yaml_nodes import Node
from everlog_server.cli.catalogues.yaml_objects import Object, Reading, kind_of

POLICIES = {
    "stop": projections_pb2.ProjectionDefinition.ON_FAILURE_STOP,
    "retry": projections_pb2.ProjectionDefinition.ON_FAILURE_RETRY,
    "park": projections_pb2.ProjectionDefinition.ON_FAILURE_PARK,
}
"""By the folder's word for it."""

_Value = TypeVar("_Value")

_INT32_MAX = 2**31 - 1
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def whole_number(fields: Object, word: str) -> int:
    """Take a whole number that the wire can carry; 0 when there is none."""
    number = fields.number(word)
    if isinstance(number, int) and abs(number) <= _INT32_MAX:
        return number
    fields.say(f"is {number}, expected a whole number", line=fields.line(word), word=word)
    return 0


def read_backoff(
    backoff: consumers_pb2.RetryBackoff, reading: Reading, node: Node, *, line: int
) -> None:
    """Read how long to wait between attempts."""
    fields = Object(reading, node, path="backoff", line=line, name="")
    for word in ("initial", "max"):
        if (duration := _duration(fields, word)) is not None:
            getattr(backoff, word).CopyFrom(duration)
    for word in ("multiplier", "jitter"):
        if isinstance(node.value, dict) and word in node.value:
            setattr(backoff, word, _double(fields, word))
    fields.end()


def _double(fields: Object, word: str) -> float:
    try:
        return float(fields.number(word))
    except OverflowError:
        fields.say("is beyond the numbers", line=fields.line(word), word=word)
        return 0.0


def _duration(fields: Object, word: str) -> Duration | None:
    node = fields.take(word)
    if node is None:
        return None
    written = _DURATION.fullmatch(node.value) if isinstance(node.value, str) else None
    if written is None:
        shown = repr(node.value) if isinstance(node.value, str) else kind_of(node)
        fields.say(
            f"is {shown}, expected a time such as 500ms, 2s, 5m or 1h",
            line=fields.line(word),
            word=word,
        )
        return None
    duration = Duration()
    duration.FromTimedelta(timedelta(**{_UNITS[written[2]]: float(written[1])}))
    return duration


def read_filter(
    filter: filter_pb2.EventFilter,  # noqa: A002 - the contract's word
    reading: Reading,
    node: Node,
    *,
    line: int,
) -> None:
    """Read which events are meant, in the words of EventFilter."""
    fields = Object(reading, node, path="filter", line=line, name="")
    for word in ("aggregate_types", "event_types", "sources"):
        getattr(filter, word).extend(fields.texts(word))
    for word in ("correlation_id", "causation_id", "actor", "user_id", "keyword"):
        setattr(filter, word, fields.text(word))
    filter.documentable_only = fields.flag("documentable_only")
    filter.data_contains = fields.json("data_contains")
    for word in ("recorded_from", "recorded_before", "occurred_from", "occurred_before"):
        if (time := _understood(fields, word, _zoned_time)) is not None:
            getattr(filter, word).CopyFrom(to_timestamp(time))
    if (aggregate := _understood(fields, "aggregate", AggregateKey.parse)) is not None:
        filter.aggregate.CopyFrom(aggregates.to_message(aggregate))
    if (entries := fields.take("metadata")) is not None:
        _read_metadata(filter, reading, entries, line=fields.line("metadata"))
    fields.end()


def _zoned_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone: expected 2026-03-01T12:30:00Z")
    return time


def _understood(fields: Object, word: str, understand: Callable[[str], _Value]) -> _Value | None:
    """Take a text that means something; None, and a finding, when it does not."""
    if not (text := fields.text(word)):
        return None
    try:
        return understand(text)
    except ValueError as error:
        fields.say(str(error), line=fields.line(word), word=word)
        return None


def _read_metadata(
    filter: filter_pb2.EventFilter,  # noqa: A002 - the contract's word
    reading: Reading,
    node: Node,
    *,
    line: int,
) -> None:
    fields = Object(reading, node, path="filter.metadata", line=line, name="")
    for key in node.value if isinstance(node.value, dict) else ():
        filter.metadata[key] = fields.text(key)
