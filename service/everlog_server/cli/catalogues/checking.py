"""What the server would refuse of a catalogue, found without a server, and on which line.

Definitions are judged by the server's own rules (`catalog.definitions`, which knows neither storage
nor gRPC), so that the two cannot drift apart. What is added here is where in the file a fault
stands, and what the server accepts though nobody can mean it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import jsonschema_rs

from everlog.v1 import catalog_pb2
from everlog_server.catalog.definitions import (
    JSON_BYTES_MAX,
    aggregate_type_violations,
    event_type_violations,
)
from everlog_server.catalog.schemas import Schema, SchemaError
from everlog_server.cli.catalogues.reading import Catalogue
from everlog_server.cli.catalogues.yaml_objects import Finding
from everlog_server.pointers import parse_pointer

_EVENT_TYPES_MAX = 1_000
_AGGREGATE_TYPES_MAX = 200
_FINDINGS_PER_EXAMPLE_MAX = 20


class _Problem(NamedTuple):
    path: str
    message: str
    pointer: tuple[str | int, ...] = ()


def check(catalogue: Catalogue) -> list[Finding]:
    """Give everything that is wrong with a file, by line."""
    found = [
        catalogue.finding(problem.message, path=problem.path, pointer=problem.pointer)
        for problem in _problems(catalogue.request)
    ]
    found = [finding for finding in found if not any(map(finding.follows, catalogue.findings))]
    return sorted({*catalogue.findings, *found})


def _problems(request: catalog_pb2.ImportCatalogRequest) -> Iterator[_Problem]:
    if not request.event_types and not request.aggregate_types:
        yield _Problem("", "has neither event_types nor aggregate_types")
    yield from _too_many("event_types", len(request.event_types), _EVENT_TYPES_MAX)
    yield from _too_many("aggregate_types", len(request.aggregate_types), _AGGREGATE_TYPES_MAX)
    yield from _twice("event_types", [one.name for one in request.event_types])
    yield from _twice("aggregate_types", [one.name for one in request.aggregate_types])
    for number, event_type in enumerate(request.event_types):
        yield from _event_type_problems(event_type, f"event_types[{number}]")
    for number, aggregate_type in enumerate(request.aggregate_types):
        yield from _aggregate_type_problems(aggregate_type, f"aggregate_types[{number}]")


def _too_many(path: str, given: int, most: int) -> Iterator[_Problem]:
    if given > most:
        yield _Problem(path, f"has {given}; at most {most}")


def _twice(path: str, names: list[str]) -> Iterator[_Problem]:
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if name and name in seen:
            yield _Problem(f"{path}[{number}].name", f"comes twice: {path}[{seen[name]}] has it")
        seen.setdefault(name, number)


def _event_type_problems(
    definition: catalog_pb2.EventTypeDefinition, path: str
) -> Iterator[_Problem]:
    for violation in event_type_violations(definition, path):
        precise: list[_Problem] = []
        if violation.field == f"{path}.json_schema":
            precise = _schema_problem(definition.json_schema, violation.field)
        elif violation.field == f"{path}.example":
            precise = _example_problems(definition, violation.field)
        yield from precise or [_Problem(violation.field, violation.description)]


def _schema_problem(text: str, path: str) -> list[_Problem]:
    """Where the schema breaks the rules of schemas, if that is what is wrong with it."""
    try:
        jsonschema_rs.validator_for(
            json.loads(text), pattern_options=jsonschema_rs.RegexOptions(), offline=True
        )
    except jsonschema_rs.ValidationError as error:
        return [
            _Problem(path, f"is not a JSON Schema: {error.message}", tuple(error.instance_path))
        ]
    except (ValueError, jsonschema_rs.ReferencingError):
        pass
    return []


def _example_problems(definition: catalog_pb2.EventTypeDefinition, path: str) -> list[_Problem]:
    """Where the example breaks the schema, if that is what is wrong with it."""
    try:
        schema = Schema(definition.json_schema) if definition.json_schema else None
        value = json.loads(definition.example)
    except (SchemaError, ValueError):
        return []
    if schema is None or schema.is_too_dear(definition.example.encode()):
        return []
    size_bytes = len(definition.example.encode())
    return [
        _Problem(path, finding.message, parse_pointer(finding.data_pointer))
        for finding in schema.findings(value, size_bytes, _FINDINGS_PER_EXAMPLE_MAX)
    ]


def _aggregate_type_problems(
    definition: catalog_pb2.AggregateTypeDefinition, path: str
) -> Iterator[_Problem]:
    for violation in aggregate_type_violations(definition, path):
        yield _Problem(violation.field, violation.description)
    for number, reduction in enumerate(definition.reductions):
        for place, step in enumerate(reduction.steps):
            if step.operation == catalog_pb2.ReducerStep.OPERATION_INCREMENT:
                yield from _increment_problems(step, f"{path}.reductions[{number}].steps[{place}]")


def _increment_problems(step: catalog_pb2.ReducerStep, path: str) -> Iterator[_Problem]:
    """An increment by what is never a number does nothing, which nobody can mean."""
    match step.WhichOneof("value"):
        case None:
            yield _Problem(path, "increments by nothing: say `constant` or `from`")
        case "constant" if len(step.constant) <= JSON_BYTES_MAX:
            constant = json.loads(step.constant)
            if isinstance(constant, bool) or not isinstance(constant, int | float):
                yield _Problem(f"{path}.constant", "is no number: it would increment by nothing")
