"""The slow look at one event: everything that is wrong with it, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from everlog.v1 import event_pb2
from everlog_server.errors import FieldViolation
from everlog_server.rpc.decoding import JSON_CONTENT_TYPE, to_microseconds
from everlog_server.rpc.fields import name_problem, text_problem, uuid_problem, violations_of
from everlog_server.rpc.jsonb import encode_json
from everlog_server.settings import LimitSettings

FREE_TEXT_BYTES_MAX = 16 * 1024
"""Of each field of an intent, and of a decision."""
RELATED_EVENTS_MAX = 100

_OPTIONAL_NAMES = (
    "aggregate_type",
    "aggregate_id",
    "source",
    "content_type",
    "idempotency_key",
    "correlation_id",
    "actor",
    "user_id",
)


def event_violations(
    event: event_pb2.NewEvent, path: str, limits: LimitSettings
) -> Iterator[FieldViolation]:
    """Everything that is wrong with an event but its size as a whole. `path` names the event."""
    name_max = limits.name_bytes_max
    yield from violations_of(f"{path}.event_id", uuid_problem(event.event_id))
    yield from _aggregate_violations(event, path)
    yield from violations_of(f"{path}.event_type", name_problem(event.event_type, name_max))
    for name in _OPTIONAL_NAMES:
        yield from violations_of(f"{path}.{name}", text_problem(getattr(event, name), name_max))
    yield from violations_of(f"{path}.causation_id", uuid_problem(event.causation_id))
    yield from _payload_violations(event, path)
    yield from _metadata_violations(event, path, limits)
    if event.HasField("occurred_time"):
        try:
            to_microseconds(event.occurred_time)
        except ValueError as error:
            yield FieldViolation(f"{path}.occurred_time", str(error))
    if event.HasField("intent"):
        for field, value in event.intent.ListFields():
            yield from violations_of(
                f"{path}.intent.{field.name}", text_problem(value, FREE_TEXT_BYTES_MAX)
            )
    if event.HasField("context"):
        yield from _context_violations(event.context, f"{path}.context", name_max)


def _aggregate_violations(event: event_pb2.NewEvent, path: str) -> Iterator[FieldViolation]:
    if bool(event.aggregate_type) != bool(event.aggregate_id):
        missing = "aggregate_id" if event.aggregate_type else "aggregate_type"
        yield FieldViolation(f"{path}.{missing}", "must be given with the other aggregate field")
    elif not event.aggregate_type and not event.source:
        yield FieldViolation(
            f"{path}.aggregate_type", "must be given: there is no source to stand for an aggregate"
        )


def _payload_violations(event: event_pb2.NewEvent, path: str) -> Iterator[FieldViolation]:
    payload = event.WhichOneof("payload")
    if payload == "json":
        try:
            encode_json(event.json)
        except ValueError as error:
            yield FieldViolation(f"{path}.json", f"is not JSON that can be stored: {error}")
    if payload != "binary" and event.content_type not in ("", JSON_CONTENT_TYPE):
        yield FieldViolation(
            f"{path}.content_type", f"must be absent or {JSON_CONTENT_TYPE} unless there is binary"
        )


def _metadata_violations(
    event: event_pb2.NewEvent, path: str, limits: LimitSettings
) -> Iterator[FieldViolation]:
    entries = event.metadata
    if len(entries) > limits.metadata_entries_max:
        yield FieldViolation(
            f"{path}.metadata",
            f"has {len(entries)} entries; at most {limits.metadata_entries_max}",
        )
        return
    size = 0
    for key, value in entries.items():
        size += len(key.encode()) + len(value.encode())
        problem = name_problem(key, limits.name_bytes_max)
        if problem is not None:
            yield FieldViolation(f"{path}.metadata", f"key {key[:32]!r} {problem}")
        elif "\0" in value:
            yield FieldViolation(f"{path}.metadata[{key!r}]", "holds a NUL character")
    if size > limits.metadata_bytes_max:
        yield FieldViolation(
            f"{path}.metadata", f"has {size} bytes; at most {limits.metadata_bytes_max}"
        )


def _context_violations(
    context: event_pb2.Context, path: str, name_bytes_max: int
) -> Iterator[FieldViolation]:
    yield from violations_of(
        f"{path}.decision", text_problem(context.decision, FREE_TEXT_BYTES_MAX)
    )
    yield from violations_of(f"{path}.category", text_problem(context.category, name_bytes_max))
    related = context.related_event_ids
    if len(related) > RELATED_EVENTS_MAX:
        yield FieldViolation(
            f"{path}.related_event_ids", f"has {len(related)} ids; at most {RELATED_EVENTS_MAX}"
        )
        return
    for index, text in enumerate(related):
        problem = uuid_problem(text) if text else "must be given"
        yield from violations_of(f"{path}.related_event_ids[{index}]", problem)
