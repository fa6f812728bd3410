"""What a reducer may read of an event, by JSON pointer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_pb2
from everlog_server.aggregates.pointers import NOTHING, Tokens, find

ValueOf: TypeAlias = "Callable[[Facts], Any]"

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the text says Z by itself
NAME_BYTES = 1_024
"""A name has fewer: what one may add to a state."""
METADATA_BYTES = 16 * 1024
"""All metadata of an event has about as many at most."""


class Facts:
    """An event; its data is parsed when somebody asks for it, once."""

    __slots__ = ("_data", "_is_parsed", "message")

    def __init__(self, message: event_pb2.RecordedEvent) -> None:
        self.message = message
        self._is_parsed = False
        self._data: Any = NOTHING

    @property
    def data(self) -> Any:
        """The JSON data; NOTHING when there is none."""
        if not self._is_parsed:
            self._is_parsed = True
            if text := self.message.json:
                self._data = orjson.loads(text)
        return self._data


def value_at(tokens: Tokens) -> ValueOf:
    """A function from an event to what a pointer finds in it: NOTHING where it leads nowhere.

    Texts that the writer left out are not there. Times are text, in UTC, with microseconds.
    """
    field, rest = tokens[:1], tokens[1:]
    if field == ("data",):
        return _of_data(rest)
    if field == ("metadata",):
        return lambda facts: _metadata(facts.message, rest)
    return _FIELDS.get(tokens, _nothing)


def _of_data(tokens: Tokens) -> ValueOf:
    if not tokens:
        return lambda facts: facts.data
    if len(tokens) > 1:
        return lambda facts: find(facts.data, tokens)
    name = tokens[0]

    def member(facts: Facts) -> Any:
        data = facts.data
        return data.get(name, NOTHING) if type(data) is dict else find(data, tokens)

    return member


def is_of_data(tokens: Tokens) -> bool:
    """Whether a pointer leads into the data, so that what it finds may be large, and shared."""
    return tokens[:1] == ("data",)


def bytes_beside_data(tokens: Tokens) -> int:
    """How large what a pointer finds may be, where it is not of the data."""
    if is_of_data(tokens):
        return 0
    return METADATA_BYTES if tokens[:1] == ("metadata",) else NAME_BYTES


def _nothing(_: Facts) -> Any:
    return NOTHING


def _metadata(message: event_pb2.RecordedEvent, rest: Tokens) -> Any:
    entries = message.metadata
    if not rest:
        return dict(sorted(entries.items())) if entries else NOTHING
    # Asking a map for a key that it has not would make it.
    return entries[rest[0]] if len(rest) == 1 and rest[0] in entries else NOTHING


# A batch's events share their record time.
@lru_cache(maxsize=64)
def _time_text(seconds: int, nanos: int) -> str:
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    return moment.isoformat(timespec="microseconds") + "Z"


def _name(field: str) -> ValueOf:
    return lambda facts: getattr(facts.message, field) or NOTHING


def _number(field: str) -> ValueOf:
    return lambda facts: getattr(facts.message, field)


def _time(field: str) -> ValueOf:
    def text(facts: Facts) -> str:
        time: Timestamp = getattr(facts.message, field)
        return _time_text(time.seconds, time.nanos)

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
