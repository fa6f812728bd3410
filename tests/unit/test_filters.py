from __future__ import annotations

import random
import uuid
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_pb2
from everlog.v1.filter_pb2 import EventFilter as FilterMessage
from everlog_server.errors import InvalidFilterError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.filters import decode_filter
from everlog_server.settings import LimitSettings

LIMITS = LimitSettings()
ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"


def decoded(**fields: Any) -> EventFilter:
    return decode_filter(FilterMessage(**fields), LIMITS)


def test_an_empty_filter_means_all_events() -> None:
    assert decoded() == EventFilter()
    assert decoded().is_empty


def test_every_field_is_decoded() -> None:
    times = {
        name: Timestamp(seconds=index, nanos=1_999)
        for index, name in enumerate(
            ["recorded_from", "recorded_before", "occurred_from", "occurred_before"]
        )
    }
    assert decoded(
        aggregate_types=["order"],
        aggregate=event_pb2.AggregateKey(aggregate_type="order", aggregate_id="1"),
        event_types=["order.created", "payment.*"],
        sources=["shop"],
        **times,
        correlation_id="c",
        causation_id=ID.upper(),
        actor="a",
        user_id="u",
        documentable_only=True,
        metadata={"b": "2", "a": "1"},
        data_contains='{"a": 1}',
        keyword="Late_delivery, LATE 42é!",
    ) == EventFilter(
        aggregate_types=("order",),
        aggregate=AggregateKey("order", "1"),
        event_types=("order.created",),
        event_type_prefixes=("payment.",),
        sources=("shop",),
        recorded_from=1,
        recorded_before=1_000_001,
        occurred_from=2_000_001,
        occurred_before=3_000_001,
        correlation_id="c",
        causation_id=uuid.UUID(ID).bytes,
        actor="a",
        user_id="u",
        documentable_only=True,
        metadata='{"a":"1","b":"2"}',
        data_contains='{"a": 1}',
        keywords=("42é", "delivery", "late"),
    )


def test_equal_filters_are_equal_objects_however_they_are_written() -> None:
    types = ["a", "b.*", "c", "d.*", "a"]
    other = types[:]
    random.Random(1).shuffle(other)
    first = decoded(event_types=types, sources=["x", "y"], keyword="b a")
    second = decoded(event_types=other, sources=["y", "x", "x"], keyword="A, b: a")
    assert first == second
    assert hash(first) == hash(second)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "empty type": ({"event_types": ["a", ""]}, "event_types[1]"),
    "long type": ({"event_types": ["x" * 256]}, "event_types[0]"),
    "NUL in type": ({"event_types": ["\0"]}, "event_types[0]"),
    "a star alone": ({"event_types": ["*"]}, "event_types[0]"),
    "a star without a prefix": ({"event_types": [".*"]}, "event_types[0]"),
    "a star within": ({"event_types": ["order.*.x"]}, "event_types[0]"),
    "a star at a word": ({"event_types": ["order*"]}, "event_types[0]"),
    "many types": ({"event_types": [str(n) for n in range(101)]}, "event_types"),
    "empty aggregate type": ({"aggregate_types": [""]}, "aggregate_types[0]"),
    "half an aggregate": ({"aggregate": {"aggregate_type": "a"}}, "aggregate.aggregate_id"),
    "long source": ({"sources": ["x" * 256]}, "sources[0]"),
    "many sources": ({"sources": ["x"] * 101}, "sources"),
    "time": ({"recorded_from": {"nanos": -1}}, "recorded_from"),
    "late time": ({"occurred_before": {"seconds": 253_402_300_800}}, "occurred_before"),
    "long correlation": ({"correlation_id": "x" * 256}, "correlation_id"),
    "NUL in actor": ({"actor": "\0"}, "actor"),
    "long user": ({"user_id": "é" * 128}, "user_id"),
    "causation": ({"causation_id": "x"}, "causation_id"),
    "long keyword": ({"keyword": "x" * 256}, "keyword"),
    "keyword without a word": ({"keyword": "-_ !"}, "keyword"),
    "many keywords": ({"keyword": " ".join("abcdefghijklmnopq")}, "keyword"),
    "NUL in keyword": ({"keyword": "a\0"}, "keyword"),
    "data": ({"data_contains": "{"}, "data_contains"),
    "NUL in data": ({"data_contains": '"\\u0000"'}, "data_contains"),
    "tiny number in data": ({"data_contains": "1e-20000"}, "data_contains"),
    "large data": ({"data_contains": '"' + "x" * 16_384 + '"'}, "data_contains"),
    "empty metadata key": ({"metadata": {"": "a"}}, "metadata"),
    "NUL in metadata": ({"metadata": {"a": "\0"}}, "metadata['a']"),
    "many metadata": ({"metadata": {str(n): "" for n in range(65)}}, "metadata"),
    "large metadata": ({"metadata": {"a": "x" * 16_385}}, "metadata['a']"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named(name: str) -> None:
    fields, path = WRONG[name]
    with pytest.raises(InvalidFilterError) as caught:
        decoded(**fields)
    assert [violation.field for violation in caught.value.violations] == [f"filter.{path}"]


def test_every_wrong_field_is_told() -> None:
    with pytest.raises(InvalidFilterError) as caught:
        decoded(event_types=["", "*"], actor="\0", data_contains="{")
    assert [violation.field for violation in caught.value.violations] == [
        "filter.event_types[0]",
        "filter.event_types[1]",
        "filter.actor",
        "filter.data_contains",
    ]
