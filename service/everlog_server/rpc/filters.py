"""From an EventFilter of the wire to one of the house: checked and normalised.

Equal filters become equal objects, however their values were ordered or repeated: subscriptions
with the same filter share their bytes. Times are cut to microseconds, as those of events are.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import filter_pb2
from everlog_server.errors import FieldViolation, InvalidFilterError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.decoding import parse_uuid, to_microseconds
from everlog_server.rpc.fields import (
    aggregate_violations,
    name_problem,
    text_problem,
    uuid_problem,
    violations_of,
)
from everlog_server.rpc.jsonb import encode_json
from everlog_server.rpc.validation import VIOLATIONS_MAX
from everlog_server.settings import LimitSettings

VALUES_MAX = 100
DATA_CONTAINS_BYTES_MAX = 16 * 1024
KEYWORDS_MAX = 16

_TEXTS = ("correlation_id", "actor", "user_id", "keyword")
_REPEATED = ("aggregate_types", "event_types", "sources")
_TimeName = Literal["recorded_from", "recorded_before", "occurred_from", "occurred_before"]
_TIMES: tuple[_TimeName, ...] = (
    "recorded_from",
    "recorded_before",
    "occurred_from",
    "occurred_before",
)
_ANY_ACTION = ".*"
# Only ASCII's. The rest is lowered in SQL, by the collation that lowers the text it is sought in:
# Python's mapping is another one for `ΟΔΟΣ` and `İ`.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# Unicode has them among the symbols, and still calls them alphabetic.
_CIRCLED_LETTERS = {
    *map(chr, range(0x24B6, 0x24EA)),
    *map(chr, range(0x1F130, 0x1F14A)),
    *map(chr, range(0x1F150, 0x1F16A)),
    *map(chr, range(0x1F170, 0x1F18A)),
}


def decode_filter(message: filter_pb2.EventFilter, limits: LimitSettings) -> EventFilter:
    """The filter. Raises InvalidFilterError with at most 20 violations."""
    violations = tuple(islice(_violations(message, limits), VIOLATIONS_MAX))
    if violations:
        raise InvalidFilterError(*violations)
    types = set(message.event_types)
    prefixes = {name.removesuffix("*") for name in types if name.endswith(_ANY_ACTION)}
    return EventFilter(
        aggregate_types=_normalised(message.aggregate_types),
        aggregate=(
            AggregateKey(message.aggregate.aggregate_type, message.aggregate.aggregate_id)
            if message.HasField("aggregate")
            else None
        ),
        event_types=_normalised(name for name in types if not name.endswith(_ANY_ACTION)),
        event_type_prefixes=_normalised(prefixes),
        sources=_normalised(message.sources),
        recorded_from=_optional_time(message, "recorded_from"),
        recorded_before=_optional_time(message, "recorded_before"),
        occurred_from=_optional_time(message, "occurred_from"),
        occurred_before=_optional_time(message, "occurred_before"),
        correlation_id=message.correlation_id or None,
        causation_id=parse_uuid(message.causation_id) if message.causation_id else None,
        actor=message.actor or None,
        user_id=message.user_id or None,
        documentable_only=message.documentable_only,
        metadata=_canonical_json(dict(message.metadata)) if message.metadata else None,
        data_contains=message.data_contains or None,
        keywords=_normalised(_words(message.keyword)),
    )


def _violations(message: filter_pb2.EventFilter, limits: LimitSettings) -> Iterator[FieldViolation]:
    name_max = limits.name_bytes_max
    for name in _REPEATED:
        yield from _values_violations(getattr(message, name), f"filter.{name}", name_max)
    yield from _event_types_violations(message.event_types)
    if message.HasField("aggregate"):
        yield from aggregate_violations(message.aggregate, "filter.aggregate", name_max)
    for name in _TIMES:
        if message.HasField(name):
            yield from violations_of(f"filter.{name}", _time_problem(getattr(message, name)))
    for name in _TEXTS:
        yield from violations_of(f"filter.{name}", text_problem(getattr(message, name), name_max))
    yield from violations_of("filter.causation_id", uuid_problem(message.causation_id))
    yield from violations_of("filter.keyword", _keyword_problem(message.keyword))
    yield from _metadata_violations(message, limits)
    yield from violations_of("filter.data_contains", _json_problem(message.data_contains))


def _values_violations(
    values: Iterable[str], path: str, name_bytes_max: int
) -> Iterator[FieldViolation]:
    for index, value in enumerate(values):
        if index == VALUES_MAX:
            yield FieldViolation(path, f"has more than {VALUES_MAX} values")
            return
        yield from violations_of(f"{path}[{index}]", name_problem(value, name_bytes_max))


def _event_types_violations(names: Iterable[str]) -> Iterator[FieldViolation]:
    for index, name in enumerate(islice(names, VALUES_MAX)):
        if "*" in name.removesuffix(_ANY_ACTION) or name == _ANY_ACTION:
            yield FieldViolation(
                f"filter.event_types[{index}]",
                "may have a * only at the end, after a full stop: order.*",
            )


def _metadata_violations(
    message: filter_pb2.EventFilter, limits: LimitSettings
) -> Iterator[FieldViolation]:
    entries = message.metadata
    if len(entries) > limits.metadata_entries_max:
        yield FieldViolation(
            "filter.metadata", f"has {len(entries)} entries; at most {limits.metadata_entries_max}"
        )
        return
    for key, value in entries.items():
        problem = name_problem(key, limits.name_bytes_max)
        if problem is not None:
            yield FieldViolation("filter.metadata", f"key {key[:32]!r} {problem}")
        else:
            yield from violations_of(
                f"filter.metadata[{key!r}]", text_problem(value, limits.metadata_bytes_max)
            )


def _optional_time(message: filter_pb2.EventFilter, name: _TimeName) -> int | None:
    return to_microseconds(getattr(message, name)) if message.HasField(name) else None


def _time_problem(time: Timestamp) -> str | None:
    try:
        to_microseconds(time)
    except ValueError as error:
        return str(error)
    return None


def _json_problem(text: str) -> str | None:
    if not text:
        return None
    problem = text_problem(text, DATA_CONTAINS_BYTES_MAX)
    if problem is not None:
        return problem
    try:
        encode_json(text)
    except ValueError as error:
        return f"is not JSON that data could contain: {error}"
    return None


def _keyword_problem(text: str) -> str | None:
    words = len(_words(text))
    if text and not words:
        return "has no word: a word is a run of letters and digits"
    return f"has {words} words; at most {KEYWORDS_MAX}" if words > KEYWORDS_MAX else None


def _words(text: str) -> list[str]:
    """The runs of letters, digits, and the marks that belong to letters.

    Whatever PostgreSQL calls `[:alnum:]` belongs to a word here too, so that in every text a word
    stands where PostgreSQL sees one begin.
    """
    characters = (c if _is_of_word(c) else " " for c in text.translate(_LOWER))
    return "".join(characters).split()


def _is_of_word(character: str) -> bool:
    if character.isalnum() or character in _CIRCLED_LETTERS:
        return True
    # Cn: assigned since, and perhaps a letter to PostgreSQL, whose Unicode may be a newer one.
    category = unicodedata.category(character)
    return category.startswith("M") or category == "Cn"


def _normalised(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _canonical_json(entries: dict[str, str]) -> str:
    return orjson.dumps(entries, option=orjson.OPT_SORT_KEYS).decode()
