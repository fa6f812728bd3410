"""What a reducer may read of an event, by JSON pointer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_pb2
from everlog_server.aggregates.json_values import copied
from everlog_server.aggregates.pointers import NOTHING, Tokens, find

ValueOf: TypeAlias = Callable[[event_pb2.RecordedEvent, Any], Any]
"""From an event and its JSON data, parsed (NOTHING: it has none), to a value, or NOTHING."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the text says Z by itself
NAME_BYTES = 1_024
"""A name has fewer: what one may add to a state."""
METADATA_BYTES = 16 * 1024
"""All metadata of an event has about as many at most."""


def value_at(tokens: Tokens, *, copies: bool = False) -> ValueOf:
    """A function from an event to what a pointer finds in it: NOTHING where it leads nowhere.

    Texts that the writer left out are not there. Times are text, in UTC, with microseconds. What is
    of the data is a part of it, or shares nothing with it if `copies`.
    """
    field, rest = tokens[:1], tokens[1:]
    if field == ("data",):
        return _of_data(rest, copies)
    if field == ("metadata",):
        return lambda event, _: _metadata(event, rest)
    return _FIELDS.get(tokens, _nothing)


def _of_data(tokens: Tokens, copies: bool) -> ValueOf:
    if len(tokens) != 1:
        if copies:
            return lambda _, data: copied(find(data, tokens))
        return lambda _, data: find(data, tokens)
    name = tokens[0]

    def member(_: event_pb2.RecordedEvent, data: Any) -> Any:
        return data.get(name, NOTHING) if type(data) is dict else find(data, tokens)

    def member_copied(_: event_pb2.RecordedEvent, data: Any) -> Any:
        value = data.get(name, NOTHING) if type(data) is dict else find(data, tokens)
        return copied(value) if type(value) is dict or type(value) is list else value

    return member_copied if copies else member


def is_of_data(tokens: Tokens) -> bool:
    """Whether a pointer leads into the data, so that what it finds may be large, and shared."""
    return tokens[:1] == ("data",)


def bytes_beside_data(tokens: Tokens) -> int:
    """How large what a pointer finds may be, where it is not of the data."""
    if is_of_data(tokens):
        return 0
    return METADATA_BYTES if tokens[:1] == ("metadata",) else NAME_BYTES


def _nothing(_: event_pb2.RecordedEvent, __: Any) -> Any:
    return NOTHING


def _metadata(event: event_pb2.RecordedEvent, rest: Tokens) -> Any:
    entries = event.metadata
    if not rest:
        return dict(sorted(entries.items())) if entries else NOTHING
    # Asking a map for a key that it has not would make it.
    return entries[rest[0]] if len(rest) == 1 and rest[0] in entries else NOTHING


# Most events are of the minute of one before them; a date takes longer than all else of an event.
@lru_cache(maxsize=64)
def _minute_text(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).isoformat(timespec="minutes")


def _name(field: str) -> ValueOf:
    name_of = attrgetter(field)
    return lambda event, _: name_of(event) or NOTHING


def _number(field: str) -> ValueOf:
    number_of = attrgetter(field)
    return lambda event, _: number_of(event)


def _time(field: str) -> ValueOf:
    time_of = attrgetter(field)

    def text(event: event_pb2.RecordedEvent, _: Any) -> str:
        time: Timestamp = time_of(event)
        seconds = time.seconds
        return f"{_minute_text(seconds // 60)}:{seconds % 60:02}.{time.nanos // 1000:06}Z"

    return text


_NAMES = (
    "event_type",
    "event_id",
    "aggregate_type",
    "aggregate_id",
    "actor",
    "user_id",
    "correlation_id",
    "causation_id",
    "source",
)
_FIELDS: dict[Tokens, ValueOf] = {
    **{(field,): _name(field) for field in _NAMES},
    **{(field,): _number(field) for field in ("sequence", "position")},
    **{(field,): _time(field) for field in ("record_time", "occurred_time")},
}
