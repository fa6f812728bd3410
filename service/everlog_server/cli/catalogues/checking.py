"""What the server would refuse of a catalogue, found without a server.

The rules are those of `protos/everlog/v1/catalog.proto`. Schemas and patterns are compiled by the
library that the server uses, with the same options: no reference leads out of a schema, and regular
expressions are of the kind that takes linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs

from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.reading import OPERATIONS, Catalogue, Finding

_NAME_BYTES_MAX = 255
_DESCRIPTION_BYTES_MAX = 16 * 1024
_SCHEMA_BYTES_MAX = 256 * 1024
_EXAMPLE_BYTES_MAX = 64 * 1024
_PATTERN_BYTES_MAX = 1024
_POINTER_BYTES_MAX = 1024
_EVENT_TYPES_MAX = 1_000
_AGGREGATE_TYPES_MAX = 200
_REDUCTIONS_MAX = 200
_STEPS_MAX = 50

_FINDINGS_PER_EXAMPLE_MAX = 20
_MESSAGE_CHARACTERS_MAX = 300

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_EMBEDDED = re.compile(r"\{([^{}]*)\}")
_EVENT_FIELDS = {
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
_EVENT_TREES = {"data", "metadata"}


class _Problem(NamedTuple):
    path: str
    message: str
    pointer: tuple[str | int, ...] = ()


def check(catalogue: Catalogue) -> list[Finding]:
    """Give everything that is wrong with a file, by line."""
    problems = _problems(catalogue.request)
    found = [
        catalogue.finding(_cut(problem.message), path=problem.path, pointer=problem.pointer)
        for problem in problems
    ]
    # What could not be read is empty in the request: that it is missing too says nothing.
    unread = {(finding.line, finding.field) for finding in catalogue.findings}
    found = [finding for finding in found if (finding.line, finding.field) not in unread]
    return sorted({*catalogue.findings, *found})


def _problems(request: catalog_pb2.ImportCatalogRequest) -> Iterator[_Problem]:
    if not request.event_types and not request.aggregate_types:
        yield _Problem("", "has neither event_types nor aggregate_types")
    yield from _too_many("event_types", len(request.event_types), _EVENT_TYPES_MAX)
    yield from _too_many("aggregate_types", len(request.aggregate_types), _AGGREGATE_TYPES_MAX)
    yield from _twice("event_types", request.event_types)
    yield from _twice("aggregate_types", request.aggregate_types)
    for number, event_type in enumerate(request.event_types):
        yield from _event_type_problems(event_type, f"event_types[{number}]")
    for number, aggregate_type in enumerate(request.aggregate_types):
        yield from _aggregate_type_problems(aggregate_type, f"aggregate_types[{number}]")


def _too_many(path: str, given: int, most: int) -> Iterator[_Problem]:
    if given > most:
        yield _Problem(path, f"are {given:,}, at most {most:,}")


def _twice(path: str, definitions: Any) -> Iterator[_Problem]:
    seen: dict[str, int] = {}
    for number, definition in enumerate(definitions):
        if definition.name and definition.name in seen:
            first = seen[definition.name]
            yield _Problem(f"{path}[{number}].name", f"comes twice: {path}[{first}] has it, too")
        seen.setdefault(definition.name, number)


# --- Event types ----------------------------------------------------------------------------------


def _event_type_problems(
    definition: catalog_pb2.EventTypeDefinition, path: str
) -> Iterator[_Problem]:
    yield from _name_problems(definition.name, f"{path}.name")
    yield from _text_problems(definition.category, f"{path}.category", _NAME_BYTES_MAX)
    yield from _text_problems(definition.description, f"{path}.description", _DESCRIPTION_BYTES_MAX)
    yield from _text_problems(definition.aggregate_type, f"{path}.aggregate_type", _NAME_BYTES_MAX)
    if definition.starts_aggregate and not definition.aggregate_type:
        yield _Problem(f"{path}.starts_aggregate", "needs an aggregate_type")
    yield from _id_pattern_problems(definition.aggregate_id_pattern, f"{path}.aggregate_id_pattern")
    yield from _schema_problems(definition, path)


def _name_problems(name: str, path: str) -> Iterator[_Problem]:
    if not name:
        yield _Problem(path, "is missing")
    yield from _text_problems(name, path, _NAME_BYTES_MAX)


def _text_problems(text: str, path: str, bytes_max: int) -> Iterator[_Problem]:
    if (given := len(text.encode())) > bytes_max:
        yield _Problem(path, f"has {given:,} bytes, at most {bytes_max:,}")
    if "\0" in text:
        yield _Problem(path, "has a NUL character")


def _id_pattern_problems(pattern: str, path: str) -> Iterator[_Problem]:
    yield from _text_problems(pattern, path, _PATTERN_BYTES_MAX)
    # By itself, too: `a)(b` would only compile between the parentheses that make it a whole match.
    for expression in (pattern, f"^(?:{pattern})$"):
        try:
            _compiled({"pattern": expression})
        except ValueError:
            yield _Problem(path, f"{pattern!r} is no regular expression that takes linear time")
            return


def _schema_problems(definition: catalog_pb2.EventTypeDefinition, path: str) -> Iterator[_Problem]:
    yield from _size_problems(definition.json_schema, f"{path}.json_schema", _SCHEMA_BYTES_MAX)
    yield from _size_problems(definition.example, f"{path}.example", _EXAMPLE_BYTES_MAX)
    if not definition.json_schema:
        return
    schema = json.loads(definition.json_schema)
    if not isinstance(schema, dict | bool):
        yield _Problem(f"{path}.json_schema", "is no JSON Schema: expected an object or a boolean")
        return
    try:
        validator = _compiled(schema)
    except jsonschema_rs.ValidationError as error:
        yield _Problem(f"{path}.json_schema", error.message, tuple(error.instance_path))
        return
    except ValueError as error:
        yield _Problem(f"{path}.json_schema", str(error))
        return
    if definition.example:
        errors = validator.iter_errors(json.loads(definition.example))
        for violation in islice(errors, _FINDINGS_PER_EXAMPLE_MAX):
            yield _Problem(f"{path}.example", violation.message, tuple(violation.instance_path))


def _size_problems(text: str, path: str, bytes_max: int) -> Iterator[_Problem]:
    if (given := len(text.encode())) > bytes_max:
        yield _Problem(path, f"has {given:,} bytes as JSON, at most {bytes_max:,}")


def _compiled(schema: dict[str, Any] | bool) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )


# --- Aggregate types ------------------------------------------------------------------------------


def _aggregate_type_problems(
    definition: catalog_pb2.AggregateTypeDefinition, path: str
) -> Iterator[_Problem]:
    yield from _name_problems(definition.name, f"{path}.name")
    yield from _text_problems(definition.description, f"{path}.description", _DESCRIPTION_BYTES_MAX)
    yield from _too_many(f"{path}.reductions", len(definition.reductions), _REDUCTIONS_MAX)
    for number, reduction in enumerate(definition.reductions):
        yield from _reduction_problems(reduction, f"{path}.reductions[{number}]")


def _reduction_problems(reduction: catalog_pb2.Reduction, path: str) -> Iterator[_Problem]:
    if not reduction.event_types:
        yield _Problem(f"{path}.event_types", "is missing: which event types are reduced so?")
    for name in reduction.event_types:
        yield from _name_problems(name, f"{path}.event_types")
        if "*" in name.removesuffix(".*") or name == ".*":
            yield _Problem(
                f"{path}.event_types",
                f"{name!r} may have a * only at the end, after a full stop: order.*",
            )
    yield from _too_many(f"{path}.steps", len(reduction.steps), _STEPS_MAX)
    for number, step in enumerate(reduction.steps):
        yield from _step_problems(step, f"{path}.steps[{number}]")


def _step_problems(step: catalog_pb2.ReducerStep, path: str) -> Iterator[_Problem]:
    if step.operation not in OPERATIONS.values():
        return  # said when it was read
    yield from _target_problems(step.target, f"{path}.target")
    pointer = getattr(step, "from")
    if step.WhichOneof("value") == "from":
        if problem := _event_pointer_problem(pointer):
            yield _Problem(f"{path}.from", f"{pointer!r} {problem}")
    elif step.operation == catalog_pb2.ReducerStep.OPERATION_INCREMENT:
        if step.WhichOneof("value") is None:
            yield _Problem(path, "increments by nothing: say `constant` or `from`")
        elif not _is_number(json.loads(step.constant)):
            yield _Problem(f"{path}.constant", "is no number, and would increment by nothing")
    if step.factor and step.operation != catalog_pb2.ReducerStep.OPERATION_INCREMENT:
        yield _Problem(f"{path}.factor", "belongs to an increment only")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _target_problems(target: str, path: str) -> Iterator[_Problem]:
    yield from _text_problems(target, path, _POINTER_BYTES_MAX)
    for embedded in _EMBEDDED.findall(target):
        if problem := _event_pointer_problem(embedded):
            yield _Problem(path, f"{{{embedded}}} {problem}")
    plain = _EMBEDDED.sub("x", target)
    if "{" in plain or "}" in plain:
        yield _Problem(path, f"{target!r} has a brace without its other one")
    elif not _POINTER.fullmatch(plain):
        yield _Problem(path, f"{target!r} is no JSON pointer: it begins with /, or is empty")


def _event_pointer_problem(pointer: str) -> str:
    """Say what is wrong with a pointer into an event."""
    if len(pointer.encode()) > _POINTER_BYTES_MAX:
        return f"has more than {_POINTER_BYTES_MAX:,} bytes"
    if not pointer.startswith("/") or not _POINTER.fullmatch(pointer):
        return "is no JSON pointer into an event: /data/…"
    first, *rest = pointer[1:].split("/")
    if first in _EVENT_TREES or (first in _EVENT_FIELDS and not rest):
        return ""
    fields = ", ".join(f"/{name}" for name in sorted(_EVENT_FIELDS))
    return f"leads nowhere: an event has /data, /metadata, {fields}"


def _cut(message: str) -> str:
    """Bound a message: the library's ones quote what they are about."""
    if len(message) <= _MESSAGE_CHARACTERS_MAX:
        return message
    return message[:_MESSAGE_CHARACTERS_MAX] + " …"
