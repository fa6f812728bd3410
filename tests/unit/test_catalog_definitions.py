"""Definitions of event types and aggregate types: everything that is wrong, by field."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.definitions import aggregate_type_violations, event_type_violations

KIB = 1024
GOOD_EVENT_TYPE: dict[str, Any] = {
    "name": "order.created",
    "category": "commerce",
    "description": "An order was placed.",
    "json_schema": '{"type": "object", "required": ["total"]}',
    "example": '{"total": 3}',
    "documentable": True,
    "aggregate_type": "order",
    "starts_aggregate": True,
    "aggregate_id_pattern": "[a-z0-9-]{1,40}",
}

BAD_EVENT_TYPES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no name": ({"name": ""}, "name", "must be given"),
    "a long name": ({"name": "x" * 256}, "name", "has 256 bytes; at most 255"),
    "a long name in bytes": ({"name": "é" * 128}, "name", "has 256 bytes"),
    "a NUL in the name": ({"name": "a\0b"}, "name", "NUL"),
    "a long category": ({"category": "x" * 256}, "category", "at most 255"),
    "a NUL in the category": ({"category": "\0"}, "category", "NUL"),
    "a long description": ({"description": "x" * (16 * KIB + 1)}, "description", "at most 16384"),
    "a NUL in the description": ({"description": "\0"}, "description", "NUL"),
    "no JSON": ({"json_schema": "{"}, "json_schema", "is not JSON"),
    "no schema": ({"json_schema": '{"type": 5}'}, "json_schema", "is not a JSON Schema at /type"),
    "a large schema": ({"json_schema": " " * 256 * KIB + "{}"}, "json_schema", "at most 262144"),
    "an example that is no JSON": ({"example": "{"}, "example", "is not JSON"),
    "an example that breaks it": (
        {"example": '{"sum": 1}'},
        "example",
        'breaks json_schema at /required: the whole: "total" is a required property',
    ),
    "a large example": ({"example": '"' + "x" * 64 * KIB + '"'}, "example", "at most 65536"),
    "a long aggregate type": ({"aggregate_type": "x" * 256}, "aggregate_type", "at most 255"),
    "a NUL in the aggregate type": ({"aggregate_type": "\0"}, "aggregate_type", "NUL"),
    "it starts nothing": ({"aggregate_type": ""}, "aggregate_type", "must be given"),
    "no pattern": ({"aggregate_id_pattern": "("}, "aggregate_id_pattern", "'(' is not"),
    "a look ahead": ({"aggregate_id_pattern": "(?=a)"}, "aggregate_id_pattern", "is not"),
    "half of two": ({"aggregate_id_pattern": "a)|(b"}, "aggregate_id_pattern", "is not"),
    "a huge pattern": ({"aggregate_id_pattern": "(a{900}){900}"}, "aggregate_id_pattern", "large"),
    "a long pattern": ({"aggregate_id_pattern": "x" * 1025}, "aggregate_id_pattern", "most 1024"),
}

GOOD_STEPS: list[dict[str, Any]] = [
    {"operation": "OPERATION_SET", "target": "", "constant": "null"},
    {"operation": "OPERATION_MERGE"},
    {"operation": "OPERATION_APPEND", "target": "/a~1b/~0", "from": "/data"},
    {"operation": "OPERATION_INCREMENT", "target": "/n", "from": "/data/n", "factor": -1},
    {"operation": "OPERATION_REMOVE", "target": "/lines/{/data/sku}/x", "from": "/metadata/k"},
    {"operation": "OPERATION_SET", "target": "/{/event_type}{/data/a~1b}", "from": "/record_time"},
]

_SET = {"operation": "OPERATION_SET"}
BAD_STEPS: dict[str, tuple[dict[str, Any], str]] = {
    "no operation": ({}, "operation"),
    "an operation of a newer client": ({"operation": 99}, "operation"),
    "a target without a slash": ({**_SET, "target": "a"}, "target"),
    "a long target": ({**_SET, "target": "/" + "x" * 1024}, "target"),
    "a long target of places": ({**_SET, "target": "/{/data}" * 200}, "target"),
    "a NUL in the target": ({**_SET, "target": "/\0"}, "target"),
    "a bad escape": ({**_SET, "target": "/a~2"}, "target"),
    "a lone brace": ({**_SET, "target": "/a{b"}, "target"),
    "braces in braces": ({**_SET, "target": "/{{/data}}"}, "target"),
    "a place that is no pointer": ({**_SET, "target": "/{data}"}, "target"),
    "a place outside of the event": ({**_SET, "target": "/{/state/x}"}, "target"),
    "a place that is empty": ({**_SET, "target": "/{}"}, "target"),
    "from nowhere": ({**_SET, "from": "/payload/x"}, "from"),
    "from the whole": ({**_SET, "from": ""}, "from"),
    "from within a text": ({**_SET, "from": "/event_type/x"}, "from"),
    "from what is no pointer": ({**_SET, "from": "data"}, "from"),
    "from afar": ({**_SET, "from": "/data/" + "x" * 1024}, "from"),
    "a constant that is no JSON": ({**_SET, "constant": "{'a'}"}, "constant"),
    "a large constant": ({**_SET, "constant": '"' + "x" * 64 * KIB + '"'}, "constant"),
    "a factor without an increment": ({**_SET, "factor": 2}, "factor"),
    "an infinite factor": ({"operation": "OPERATION_INCREMENT", "factor": "Infinity"}, "factor"),
    "a factor that is no number": ({"operation": "OPERATION_INCREMENT", "factor": "NaN"}, "factor"),
}

BAD_AGGREGATE_TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name"),
    "a long name": ({"name": "x" * 256}, "name"),
    "a NUL in the name": ({"name": "\0"}, "name"),
    "a long description": ({"description": "x" * (16 * KIB + 1)}, "description"),
    "a state that is no JSON": ({"initial_state": "{"}, "initial_state"),
    "a large state": ({"initial_state": '"' + "x" * 64 * KIB + '"'}, "initial_state"),
    "many reductions": ({"reductions": [{"event_types": ["a"]}] * 201}, "reductions"),
    "a reduction of nothing": ({"reductions": [{}]}, "reductions[0].event_types"),
    "a reduction of too much": (
        {"reductions": [{"event_types": ["a"] * 201}]},
        "reductions[0].event_types",
    ),
    "many steps": (
        {"reductions": [{"event_types": ["a"], "steps": [_SET] * 51}]},
        "reductions[0].steps",
    ),
    **{
        f"the event type {name!r}": (
            {"reductions": [{"event_types": ["ok", name]}]},
            "reductions[0].event_types[1]",
        )
        for name in ("", "*", ".*", "a.*.b", "a*", "x" * 256, "\0")
    },
}


def event_type(**fields: Any) -> list[tuple[str, str]]:
    definition = pb.EventTypeDefinition(**(GOOD_EVENT_TYPE | fields))
    return [(v.field, v.description) for v in event_type_violations(definition, "it")]


def aggregate_type(**fields: Any) -> list[tuple[str, str]]:
    definition = json_format.ParseDict({"name": "order", **fields}, pb.AggregateTypeDefinition())
    return [(v.field, v.description) for v in aggregate_type_violations(definition, "it")]


def test_a_good_event_type_has_no_violation() -> None:
    assert event_type() == []


@pytest.mark.parametrize("name", BAD_EVENT_TYPES)
def test_a_bad_event_type_is_told_by_its_field(name: str) -> None:
    fields, field, why = BAD_EVENT_TYPES[name]
    ((told, description),) = event_type(**fields)
    assert told == f"it.{field}"
    assert why in description


def test_all_that_is_wrong_is_told_at_once() -> None:
    fields = [field for field, _ in event_type(name="", json_schema="{", aggregate_id_pattern="(")]
    assert fields == ["it.name", "it.aggregate_id_pattern", "it.json_schema"]


def test_good_steps_have_no_violation() -> None:
    reduction = {"event_types": ["order.created", "order.line.*"], "steps": GOOD_STEPS}
    assert aggregate_type(initial_state="[]", reductions=[reduction]) == []


@pytest.mark.parametrize("name", BAD_STEPS)
def test_a_bad_step_is_told_by_its_field(name: str) -> None:
    step, field = BAD_STEPS[name]
    reduction = {"event_types": ["a"], "steps": [GOOD_STEPS[1], step]}
    told = [field for field, _ in aggregate_type(reductions=[reduction])]
    assert told == [f"it.reductions[0].steps[1].{field}"]


@pytest.mark.parametrize("name", BAD_AGGREGATE_TYPES)
def test_a_bad_aggregate_type_is_told_by_its_field(name: str) -> None:
    fields, field = BAD_AGGREGATE_TYPES[name]
    assert [told for told, _ in aggregate_type(**fields)] == [f"it.{field}"]


def test_an_aggregate_type_is_bounded_as_a_whole() -> None:
    constant = '"' + "x" * 60_000 + '"'
    steps = [{"operation": "OPERATION_SET", "constant": constant}] * 10
    ((field, why),) = aggregate_type(reductions=[{"event_types": ["a"], "steps": steps}])
    assert (field, "at most 262144" in why) == ("it", True)
