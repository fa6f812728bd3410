"""What is asked of projections, checked: pure functions, which raise BadRequestError."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from everlog.v1 import consumers_pb2
from everlog.v1 import projections_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.projections import Applied, Backoff, Definition, Handler, OnFailure
from everlog_server.rpc.fields import (
    checked_enum,
    name_problem,
    seconds_of,
    text_problem,
    violations_of,
)
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.validation import VIOLATIONS_MAX
from everlog_server.settings import LimitSettings

# Those of the contract, whatever other names may be.
NAME_BYTES_MAX = 255
SCHEMA_BYTES_MAX = 40
TABLES_BYTES_MAX = 256 * 1024
HANDLERS_MAX = 200
EVENT_TYPES_MAX = 100
STATEMENTS_MAX = 20
STATEMENT_BYTES_MAX = 64 * 1024
ATTEMPTS_MAX = 1_000_000
READERS_MAX = 100
_ROLE_BYTES_MAX = 63
_ATTEMPTS_DEFAULT = 10
_ANY_ACTION = ".*"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]*")
_POLICY_FIELDS: tuple[Literal["on_failure", "attempts_max", "backoff", "readers"], ...] = (
    "on_failure",
    "attempts_max",
    "backoff",
    "readers",
)
_DAY_SECONDS = 24 * 3600


def decode_name(name: str) -> str:
    """The name of a projection."""
    problem = name_problem(name, NAME_BYTES_MAX)
    if problem is not None:
        raise BadRequestError(FieldViolation("name", problem))
    return name


def decode_definition(message: pb.ProjectionDefinition, limits: LimitSettings) -> Applied:
    """A definition of a request; changes the message."""
    message.DiscardUnknownFields()
    message.schema = message.schema or message.name
    if not message.filter.ListFields():
        # An empty one is said in two ways, and must not seem a change that rebuilds the tables.
        message.ClearField("filter")
    violations = tuple(islice(_violations(message), VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)
    checked_enum(
        message.on_failure, pb.ProjectionDefinition.OnFailure.DESCRIPTOR, "definition.on_failure"
    )
    return read_definition(message, limits)


def read_definition(message: pb.ProjectionDefinition, limits: LimitSettings) -> Applied:
    """A definition that is known to be right: one that was stored."""
    serialized = message.SerializeToString(deterministic=True)
    structure = structure_of(message)
    event_filter = decode_filter(message.filter, limits)
    handlers = tuple(
        Handler(tuple(one.event_types), tuple(one.statements)) for one in message.handlers
    )
    definition = Definition(
        name=message.name,
        schema=message.schema,
        event_filter=event_filter,
        tables=message.tables,
        handlers=handlers,
        on_failure=OnFailure(message.on_failure or OnFailure.STOP),
        attempts_max=message.attempts_max or _ATTEMPTS_DEFAULT,
        backoff=_backoff(message.backoff),
        readers=tuple(dict.fromkeys(message.readers)),
    )
    return Applied(definition, serialized, structure)


def structure_of(message: pb.ProjectionDefinition) -> bytes:
    """What of a definition makes the tables."""
    structure = pb.ProjectionDefinition()
    structure.CopyFrom(message)
    for name in _POLICY_FIELDS:
        structure.ClearField(name)
    return structure.SerializeToString(deterministic=True)


def definition_of(structure: bytes, applied: bytes) -> pb.ProjectionDefinition:
    """A definition whose tables are made by one, and whose policies are another's."""
    definition = pb.ProjectionDefinition.FromString(structure)
    policies = pb.ProjectionDefinition.FromString(applied)
    for name in _POLICY_FIELDS:
        policies_only = pb.ProjectionDefinition()
        value = getattr(policies, name)
        if name == "readers":
            policies_only.readers.extend(value)
        elif name == "backoff":
            if policies.HasField("backoff"):
                policies_only.backoff.CopyFrom(value)
        else:
            setattr(policies_only, name, value)
        definition.MergeFrom(policies_only)
    return definition


def _violations(message: pb.ProjectionDefinition) -> Iterator[FieldViolation]:
    yield from violations_of("definition.name", name_problem(message.name, NAME_BYTES_MAX))
    yield from violations_of("definition.schema", _schema_problem(message.schema))
    yield from violations_of("definition.tables", text_problem(message.tables, TABLES_BYTES_MAX))
    if not 1 <= (count := len(message.handlers)) <= HANDLERS_MAX:
        yield FieldViolation("definition.handlers", f"has {count}; 1 to {HANDLERS_MAX}")
    else:
        for index, handler in enumerate(message.handlers):
            yield from _handler_violations(handler, f"definition.handlers[{index}]")
    if not 0 <= message.attempts_max <= ATTEMPTS_MAX:
        yield FieldViolation(
            "definition.attempts_max", f"is {message.attempts_max}; 0 to {ATTEMPTS_MAX}"
        )
    yield from _backoff_violations(message.backoff)
    if (count := len(message.readers)) > READERS_MAX:
        yield FieldViolation("definition.readers", f"has {count}; at most {READERS_MAX}")
    for index, name in enumerate(message.readers[:READERS_MAX]):
        yield from violations_of(
            f"definition.readers[{index}]", name_problem(name, _ROLE_BYTES_MAX)
        )


def _schema_problem(schema: str) -> str | None:
    if not _SCHEMA.fullmatch(schema) or len(schema) > SCHEMA_BYTES_MAX:
        return (
            f"is {schema[:60]!r}; must be a lower-case SQL name of at most {SCHEMA_BYTES_MAX}"
            " bytes, such as shop_stock (absent: the projection's name)"
        )
    if schema in {"public", "information_schema"} or schema.startswith(("everlog", "pg_")):
        return f"is {schema}, which is not for projections"
    return None


def _handler_violations(handler: pb.ProjectionHandler, path: str) -> Iterator[FieldViolation]:
    if not 1 <= (count := len(handler.event_types)) <= EVENT_TYPES_MAX:
        yield FieldViolation(f"{path}.event_types", f"has {count}; 1 to {EVENT_TYPES_MAX}")
    for index, name in enumerate(handler.event_types[:EVENT_TYPES_MAX]):
        field = f"{path}.event_types[{index}]"
        yield from violations_of(field, name_problem(name, NAME_BYTES_MAX))
        if "*" in name.removesuffix(_ANY_ACTION) or name == _ANY_ACTION:
            yield FieldViolation(field, "may have a * only at the end, after a full stop: order.*")
    if not 1 <= (count := len(handler.statements)) <= STATEMENTS_MAX:
        yield FieldViolation(f"{path}.statements", f"has {count}; 1 to {STATEMENTS_MAX}")
    for index, text in enumerate(handler.statements[:STATEMENTS_MAX]):
        yield from violations_of(
            f"{path}.statements[{index}]", name_problem(text, STATEMENT_BYTES_MAX)
        )


def _backoff_violations(backoff: consumers_pb2.RetryBackoff) -> Iterator[FieldViolation]:
    path = "definition.backoff"
    initial = seconds_of(backoff.initial) if backoff.HasField("initial") else 1.0
    if not 0.001 <= initial <= _DAY_SECONDS:
        yield FieldViolation(f"{path}.initial", f"is {initial:g} s; 1 ms to 24 h")
        return
    if backoff.multiplier and not 1 <= backoff.multiplier <= 10:
        yield FieldViolation(f"{path}.multiplier", f"is {backoff.multiplier:g}; 1 to 10")
    if backoff.HasField("max") and not initial <= seconds_of(backoff.max) <= 7 * _DAY_SECONDS:
        longest = seconds_of(backoff.max)
        yield FieldViolation(f"{path}.max", f"is {longest:g} s; `initial` to 7 days")
    if backoff.HasField("jitter") and not 0 <= backoff.jitter <= 1:
        yield FieldViolation(f"{path}.jitter", f"is {backoff.jitter:g}; 0 to 1")


def _backoff(message: consumers_pb2.RetryBackoff) -> Backoff:
    default = Backoff()
    initial = default.initial_seconds
    if message.HasField("initial"):
        initial = seconds_of(message.initial)
    longest = max(default.max_seconds, initial)
    return Backoff(
        initial_seconds=initial,
        multiplier=message.multiplier or default.multiplier,
        max_seconds=seconds_of(message.max) if message.HasField("max") else longest,
        jitter=message.jitter if message.HasField("jitter") else default.jitter,
    )
