"""Checks of single fields that events, filters and other requests share: what is wrong, or None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration

from everlog.v1 import event_pb2
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import AggregateKey
from everlog_server.rpc.decoding import parse_uuid

_NANOS = 1_000_000_000


def text_problem(text: str, bytes_max: int) -> str | None:
    """What is wrong with optional text: its length in UTF-8, or a NUL, which `text` can't hold."""
    # A character has at most four bytes.
    if len(text) * 4 > bytes_max and (size := len(text.encode())) > bytes_max:
        return f"has {size} bytes; at most {bytes_max}"
    if "\0" in text:
        return "holds a NUL character"
    return None


def name_problem(text: str, bytes_max: int) -> str | None:
    """What is wrong with text that must be there."""
    return text_problem(text, bytes_max) if text else "must be given"


def uuid_problem(text: str) -> str | None:
    """What is wrong with an optional UUID."""
    try:
        if text:
            parse_uuid(text)
    except ValueError:
        return "is not a UUID such as 01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
    return None


def seconds_of(duration: Duration) -> float:
    """A duration in seconds."""
    return duration.seconds + duration.nanos / _NANOS


def duration_problem(duration: Duration, least: float, most: float) -> str | None:
    """What is wrong with a duration between two bounds, in seconds."""
    if not -_NANOS < duration.nanos < _NANOS or duration.seconds * duration.nanos < 0:
        return f"is no duration: {duration.seconds} s and {duration.nanos} ns"
    if not least <= seconds_of(duration) <= most:
        return f"is {seconds_of(duration):g} s; {least:g} to {most:g} s"
    return None


def violations_of(path: str, problem: str | None) -> Iterable[FieldViolation]:
    """The one violation of a field, or none."""
    return () if problem is None else (FieldViolation(path, problem),)


def aggregate_violations(
    aggregate: event_pb2.AggregateKey, path: str, name_bytes_max: int
) -> Iterator[FieldViolation]:
    """What is wrong with an aggregate that must be there whole."""
    yield from violations_of(
        f"{path}.aggregate_type", name_problem(aggregate.aggregate_type, name_bytes_max)
    )
    yield from violations_of(
        f"{path}.aggregate_id", name_problem(aggregate.aggregate_id, name_bytes_max)
    )


def decode_aggregate(
    aggregate: event_pb2.AggregateKey, path: str, name_bytes_max: int
) -> AggregateKey:
    """The aggregate that a request names; raises BadRequestError."""
    violations = tuple(aggregate_violations(aggregate, path, name_bytes_max))
    if violations:
        raise BadRequestError(*violations)
    return AggregateKey(aggregate.aggregate_type, aggregate.aggregate_id)


def decode_uuid(text: str, path: str) -> bytes:
    """The UUID that a request names; raises BadRequestError."""
    problem = uuid_problem(text) if text else "must be given"
    if problem is not None:
        raise BadRequestError(FieldViolation(path, problem))
    return parse_uuid(text)


def checked_enum(value: int, enum: EnumDescriptor, path: str) -> int:
    """The value of an enum field; one that a newer client knows and we do not is refused.

    Taking it for the default would do something else than was asked for.
    """
    if value not in enum.values_by_number:
        raise BadRequestError(
            FieldViolation(path, f"{value} is no {enum.name} that this server knows")
        )
    return value
