"""What may be said of an event type or an aggregate type: everything that is wrong, by field.

Pure, and the same offline: nothing here needs a server.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import orjson

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.pointers import event_pointer_problem, target_problem
from everlog_server.catalog.schemas import Schema, SchemaError, full_match
from everlog_server.errors import FieldViolation

NAME_BYTES_MAX = 255
TEXT_BYTES_MAX = 16 * 1024
EXAMPLE_BYTES_MAX = 64 * 1024
PATTERN_BYTES_MAX = 1024
REDUCTIONS_MAX = 200
REDUCED_TYPES_MAX = 200
"""Of one reduction."""
STEPS_MAX = 50
JSON_BYTES_MAX = 64 * 1024
"""Of a state before the first event, and of a constant."""
AGGREGATE_TYPE_BYTES_MAX = 256 * 1024
_TOLD_FINDINGS_MAX = 5

_OPERATIONS = pb.ReducerStep.Operation.DESCRIPTOR


def event_type_violations(
    definition: pb.EventTypeDefinition, path: str
) -> Iterator[FieldViolation]:
    """Everything that is wrong with the definition of an event type; `path` names it."""
    yield from name_violations(definition.name, f"{path}.name")
    yield from text_violations(definition.category, f"{path}.category", NAME_BYTES_MAX)
    yield from text_violations(definition.description, f"{path}.description", TEXT_BYTES_MAX)
    aggregate_type = definition.aggregate_type
    yield from text_violations(aggregate_type, f"{path}.aggregate_type", NAME_BYTES_MAX)
    if definition.starts_aggregate and not aggregate_type:
        yield FieldViolation(
            f"{path}.aggregate_type", "must be given: the type starts its aggregate"
        )
    yield from _pattern_violations(definition.aggregate_id_pattern, f"{path}.aggregate_id_pattern")
    yield from _data_violations(definition, path)


def aggregate_type_violations(
    definition: pb.AggregateTypeDefinition, path: str
) -> Iterator[FieldViolation]:
    """Everything that is wrong with the definition of an aggregate type; `path` names it."""
    yield from name_violations(definition.name, f"{path}.name")
    yield from text_violations(definition.description, f"{path}.description", TEXT_BYTES_MAX)
    if definition.initial_state:
        yield from _json_violations(
            definition.initial_state, f"{path}.initial_state", JSON_BYTES_MAX
        )
    if (size := definition.ByteSize()) > AGGREGATE_TYPE_BYTES_MAX:
        yield FieldViolation(path, f"has {size} bytes; at most {AGGREGATE_TYPE_BYTES_MAX}")
        return
    if (count := len(definition.reductions)) > REDUCTIONS_MAX:
        yield FieldViolation(f"{path}.reductions", f"has {count}; at most {REDUCTIONS_MAX}")
        return
    for index, reduction in enumerate(definition.reductions):
        yield from _reduction_violations(reduction, f"{path}.reductions[{index}]")


def name_violations(name: str, path: str) -> Iterator[FieldViolation]:
    """What is wrong with the name of a type."""
    if not name:
        yield FieldViolation(path, "must be given")
    yield from text_violations(name, path, NAME_BYTES_MAX)


def text_violations(text: str, path: str, bytes_max: int) -> Iterator[FieldViolation]:
    """What is wrong with optional text."""
    if (size := len(text.encode())) > bytes_max:
        yield FieldViolation(path, f"has {size} bytes; at most {bytes_max}")
    elif "\0" in text:
        yield FieldViolation(path, "holds a NUL character")


def _pattern_violations(pattern: str, path: str) -> Iterator[FieldViolation]:
    if not pattern:
        return
    too_long = list(text_violations(pattern, path, PATTERN_BYTES_MAX))
    yield from too_long
    if not too_long:
        try:
            full_match(pattern)
        except SchemaError:
            yield FieldViolation(
                path,
                f"{pattern[:100]!r} is not a regular expression as RE2 has them, or too large",
            )


def _data_violations(definition: pb.EventTypeDefinition, path: str) -> Iterator[FieldViolation]:
    schema = None
    if definition.json_schema:
        try:
            schema = Schema(definition.json_schema)
        except SchemaError as error:
            yield FieldViolation(f"{path}.json_schema", str(error))
    example = definition.example
    if not example:
        return
    wrong = list(_json_violations(example, f"{path}.example", EXAMPLE_BYTES_MAX))
    yield from wrong
    if wrong or schema is None:
        return
    data = example.encode()
    if schema.is_too_dear(data):
        yield FieldViolation(f"{path}.example", "is too large to be judged by the schema")
        return
    value = orjson.loads(data)
    if not schema.is_valid(value):
        for finding in schema.findings(value, len(data), _TOLD_FINDINGS_MAX):
            yield FieldViolation(
                f"{path}.example",
                f"breaks json_schema{finding.schema_pointer and ' at '}{finding.schema_pointer}:"
                f" {finding.data_pointer or 'the whole'}: {finding.message}",
            )


def _json_violations(text: str, path: str, bytes_max: int) -> Iterator[FieldViolation]:
    if (size := len(text.encode())) > bytes_max:
        yield FieldViolation(path, f"has {size} bytes; at most {bytes_max}")
        return
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        yield FieldViolation(path, f"is not JSON: {error}")


def _reduction_violations(reduction: pb.Reduction, path: str) -> Iterator[FieldViolation]:
    types, steps = reduction.event_types, reduction.steps
    if not 1 <= len(types) <= REDUCED_TYPES_MAX:
        yield FieldViolation(
            f"{path}.event_types", f"has {len(types)}; from 1 to {REDUCED_TYPES_MAX}"
        )
        return
    for index, name in enumerate(types):
        here = f"{path}.event_types[{index}]"
        yield from name_violations(name, here)
        exact = name.removesuffix(".*")
        if "*" in exact or (name.endswith(".*") and not exact):
            yield FieldViolation(here, f"{name[:100]!r}: a * may only end it, as in order.*")
    if len(steps) > STEPS_MAX:
        yield FieldViolation(f"{path}.steps", f"has {len(steps)}; at most {STEPS_MAX}")
        return
    for index, step in enumerate(steps):
        yield from _step_violations(step, f"{path}.steps[{index}]")


def _step_violations(step: pb.ReducerStep, path: str) -> Iterator[FieldViolation]:
    operation = step.operation
    if operation == pb.ReducerStep.OPERATION_UNSPECIFIED:
        yield FieldViolation(f"{path}.operation", "must be given")
    elif operation not in _OPERATIONS.values_by_number:
        yield FieldViolation(
            f"{path}.operation", f"{operation} is no {_OPERATIONS.name} that this server knows"
        )
    if (problem := target_problem(step.target)) is not None:
        yield FieldViolation(f"{path}.target", problem)
    value = step.WhichOneof("value")
    if value == "from":
        if (problem := event_pointer_problem(getattr(step, "from"))) is not None:
            yield FieldViolation(f"{path}.from", problem)
    elif value == "constant":
        yield from _json_violations(step.constant, f"{path}.constant", JSON_BYTES_MAX)
    if not math.isfinite(step.factor):
        yield FieldViolation(f"{path}.factor", f"is {step.factor}; must be finite")
    elif step.factor and operation != pb.ReducerStep.OPERATION_INCREMENT:
        yield FieldViolation(f"{path}.factor", "may only be given with INCREMENT")
