"""What is asked of the log, checked: pure functions, which raise BadRequestError."""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_store_pb2
from everlog_server.errors import BadRequestError, FieldViolation, InvalidFilterError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.decoding import to_microseconds
from everlog_server.rpc.fields import decode_aggregate, decode_uuid, name_problem, seconds_of
from everlog_server.rpc.filters import decode_filter
from everlog_server.settings import LimitSettings
from everlog_server.storage.reads import ExtentAsked

_PAGE_SIZE_DEFAULT = 100
_HEARTBEAT_SECONDS_MIN = 1.0
_HEARTBEAT_SECONDS_MAX = 300.0

_M = TypeVar("_M", bound=Message)


class _HasPages(Protocol):
    page_size: int


class _CarriesEventId(Protocol):
    after_position: int
    after_event_id: str


def parse(message_type: type[_M], data: bytes) -> _M:
    """The message. Not left to gRPC, which would answer nonsense with a code of its own."""
    try:
        return message_type.FromString(data)
    except DecodeError:
        raise BadRequestError(
            FieldViolation("request", f"is not a {message_type.DESCRIPTOR.full_name}")
        ) from None


def at_least(least: int, value: int, path: str) -> int:
    """The value, unless it is less."""
    if value < least:
        raise BadRequestError(FieldViolation(path, f"is {value}; at least {least}"))
    return value


def bounded(value: int, path: str, *, default: int, most: int) -> int:
    """A number from 0, which stands for a default, to a bound."""
    if not 0 <= value <= most:
        raise BadRequestError(FieldViolation(path, f"is {value}; 0 to {most}"))
    return value or min(default, most)


def checked_key(key: str, limits: LimitSettings) -> str:
    """An idempotency key to look for."""
    problem = name_problem(key, limits.name_bytes_max)
    if problem is not None:
        raise BadRequestError(FieldViolation("idempotency_key", problem))
    return key


def checked_time(time: Timestamp, path: str) -> int:
    """Microseconds since 1970, cut."""
    try:
        return to_microseconds(time)
    except ValueError as error:
        raise BadRequestError(FieldViolation(path, str(error))) from None


def page_size(request: _HasPages, limits: LimitSettings) -> int:
    """How many events, or other things, a page may have."""
    return bounded(
        request.page_size, "page_size", default=_PAGE_SIZE_DEFAULT, most=limits.page_events_max
    )


def cursor_event_id(request: _CarriesEventId) -> bytes | None:
    """The id that the event at `after_position` must have, if the caller says."""
    if not request.after_event_id:
        return None
    if request.after_position <= 0:
        raise BadRequestError(
            FieldViolation("after_event_id", "may only be given with an after_position above 0")
        )
    return decode_uuid(request.after_event_id, "after_event_id")


def heartbeat_seconds(request: event_store_pb2.SubscribeRequest, default: float) -> float:
    """The longest silence that the subscriber wants."""
    if not request.HasField("heartbeat_interval"):
        return default
    seconds = seconds_of(request.heartbeat_interval)
    if not _HEARTBEAT_SECONDS_MIN <= seconds <= _HEARTBEAT_SECONDS_MAX:
        raise BadRequestError(FieldViolation("heartbeat_interval", "must be from 1 s to 5 min"))
    return seconds


def replay_scope(
    request: event_store_pb2.ReplayRequest, limits: LimitSettings
) -> tuple[AggregateKey | None, EventFilter]:
    """The aggregate that is replayed, if it is one, and which events of it or of the log."""
    event_filter = decode_filter(request.filter, limits)
    if not request.HasField("aggregate"):
        for name in ("after_sequence", "through_sequence"):
            if request.HasField(name):
                raise BadRequestError(FieldViolation(name, "may only be given with an aggregate"))
        return None, event_filter
    aggregate = decode_aggregate(request.aggregate, "aggregate", limits.name_bytes_max)
    if event_filter.aggregate not in (None, aggregate):
        raise InvalidFilterError(
            FieldViolation("filter.aggregate", f"is not {aggregate}, which is to be replayed")
        )
    return aggregate, event_filter


def extent_asked(
    request: event_store_pb2.ReplayRequest, aggregate: AggregateKey | None
) -> ExtentAsked:
    """What has to be looked up to know where a replay begins and ends."""
    start, end = request.WhichOneof("start"), request.WhichOneof("end")
    after_sequence = at_least(0, request.after_sequence, "after_sequence")
    through_sequence = at_least(0, request.through_sequence, "through_sequence")
    return ExtentAsked(
        position=request.after_position if request.after_event_id else None,
        aggregate=aggregate,
        after_sequence=after_sequence if start == "after_sequence" else None,
        from_time=checked_time(request.from_time, "from_time") if start == "from_time" else None,
        through_sequence=through_sequence if end == "through_sequence" else None,
        through_time=(
            checked_time(request.through_time, "through_time") if end == "through_time" else None
        ),
    )
