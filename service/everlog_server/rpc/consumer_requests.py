"""What is asked of consumers, checked: pure functions, which raise BadRequestError."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import isfinite

from google.protobuf.duration_pb2 import Duration

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers import Backoff, Policy
from everlog_server.errors import BadRequestError, FieldViolation, InvalidFilterError
from everlog_server.rpc.fields import (
    duration_problem,
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
ANSWERS_MAX = 1_000
CREDIT_MAX = 1_000
ERROR_BYTES_MAX = 4 * 1024
ATTEMPTS_MAX = 1_000_000
DAY_SECONDS = 86_400
WAIT_SECONDS_MAX = 7 * DAY_SECONDS
_NANOS = 1_000_000_000
_HEARTBEAT_SECONDS_DEFAULT = 10.0


def decode_name(name: str, path: str = "name") -> str:
    """The name of a consumer."""
    problem = name_problem(name, NAME_BYTES_MAX)
    if problem is not None:
        raise BadRequestError(FieldViolation(path, problem))
    return name


def decode_settings(message: pb.ConsumerSettings, limits: LimitSettings) -> pb.ConsumerSettings:
    """The settings with every default filled in; equal ones are equal messages."""
    filled = pb.ConsumerSettings()
    filled.CopyFrom(message)
    filled.DiscardUnknownFields()
    violations = tuple(islice(_settings_violations(filled), VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)
    try:
        decode_filter(filled.filter, limits)
    except InvalidFilterError as error:
        raise InvalidFilterError(
            *(FieldViolation(f"settings.{one.field}", one.description) for one in error.violations)
        ) from None
    _fill_in(filled)
    longest, initial = seconds_of(filled.backoff.max), seconds_of(filled.backoff.initial)
    if longest < initial:
        raise BadRequestError(
            FieldViolation(
                "settings.backoff.max", f"is {longest:g} s; at least `initial`, {initial:g} s"
            )
        )
    return filled


def encode_settings(settings: pb.ConsumerSettings) -> bytes:
    """As they are stored."""
    return settings.SerializeToString(deterministic=True)


def policy_of(settings: bytes, limits: LimitSettings) -> Policy:
    """How the engine reads stored settings."""
    message = pb.ConsumerSettings.FromString(settings)
    backoff = message.backoff
    return Policy(
        event_filter=decode_filter(message.filter, limits),
        lease_seconds=seconds_of(message.lease),
        attempts_max=message.attempts_max,
        backoff=Backoff(
            seconds_of(backoff.initial),
            backoff.multiplier,
            seconds_of(backoff.max),
            backoff.jitter,
        ),
        checkpoint_interval_seconds=seconds_of(message.checkpoint_interval),
        is_ordered=message.ordering == pb.ConsumerSettings.ORDERING_PER_AGGREGATE,
        in_flight_max=message.in_flight_max,
        blocks=message.exhausted == pb.ConsumerSettings.EXHAUSTED_BLOCK,
    )


def decode_open(request: pb.ConsumeRequest) -> float:
    """Checks the first message of a stream; the seconds between heartbeats."""
    if not request.HasField("open"):
        raise BadRequestError(FieldViolation("open", "must be given in the first message"))
    if request.answers:
        raise BadRequestError(FieldViolation("answers", "nothing has been delivered yet"))
    opening = request.open
    violations = [
        *violations_of("open.consumer", name_problem(opening.consumer, NAME_BYTES_MAX)),
        *violations_of("open.member_name", text_problem(opening.member_name, NAME_BYTES_MAX)),
    ]
    if not 0 <= opening.credit <= CREDIT_MAX:
        violations.append(FieldViolation("open.credit", f"is {opening.credit}; 0 to {CREDIT_MAX}"))
    heartbeat_seconds = _HEARTBEAT_SECONDS_DEFAULT
    if opening.HasField("heartbeat_interval"):
        heartbeat_seconds = seconds_of(opening.heartbeat_interval)
        problem = duration_problem(opening.heartbeat_interval, 0.1, 3600)
        violations += violations_of("open.heartbeat_interval", problem)
    if violations:
        raise BadRequestError(*violations)
    return heartbeat_seconds


def check_answers(request: pb.ConsumeRequest) -> None:
    """Refuses a later message of a stream that makes no sense."""
    if request.HasField("open"):
        raise BadRequestError(FieldViolation("open", "may be given in the first message only"))
    if len(request.answers) > ANSWERS_MAX:
        raise BadRequestError(
            FieldViolation("answers", f"has {len(request.answers)}; at most {ANSWERS_MAX}")
        )


def cut_error(error: str) -> str:
    """A text of at most 4 KiB that PostgreSQL can hold."""
    error = error.replace("\0", "\N{REPLACEMENT CHARACTER}")
    encoded = error.encode()
    if len(encoded) <= ERROR_BYTES_MAX:
        return error
    return encoded[: ERROR_BYTES_MAX - 3].decode(errors="ignore") + "…"


def _settings_violations(settings: pb.ConsumerSettings) -> Iterator[FieldViolation]:
    yield from _duration_violations(settings, "lease", 0.1, 3600)
    yield from _duration_violations(settings, "checkpoint_interval", 0, 60)
    yield from _number_violations("attempts_max", settings.attempts_max, ATTEMPTS_MAX)
    yield from _number_violations("in_flight_max", settings.in_flight_max, CREDIT_MAX)
    for name, value, enum in (
        ("ordering", settings.ordering, pb.ConsumerSettings.Ordering.DESCRIPTOR),
        ("exhausted", settings.exhausted, pb.ConsumerSettings.Exhausted.DESCRIPTOR),
    ):
        if value not in enum.values_by_number:
            yield FieldViolation(
                f"settings.{name}", f"{value} is no {enum.name} that this server knows"
            )
    if (
        settings.exhausted == pb.ConsumerSettings.EXHAUSTED_BLOCK
        and settings.ordering == pb.ConsumerSettings.ORDERING_NONE
    ):
        yield FieldViolation(
            "settings.exhausted", "EXHAUSTED_BLOCK may only be given with ORDERING_PER_AGGREGATE"
        )
    backoff = settings.backoff
    yield from _duration_violations(backoff, "initial", 0.001, DAY_SECONDS, "backoff.")
    yield from _duration_violations(backoff, "max", 0.001, WAIT_SECONDS_MAX, "backoff.")
    multiplier, jitter = backoff.multiplier, backoff.jitter
    if multiplier and not (isfinite(multiplier) and 1 <= multiplier <= 10):
        yield FieldViolation("settings.backoff.multiplier", f"is {multiplier:g}; 1 to 10, or 0")
    if not (isfinite(jitter) and 0 <= jitter <= 1):
        yield FieldViolation("settings.backoff.jitter", f"is {jitter:g}; 0 to 1")


def _duration_violations(
    message: pb.ConsumerSettings | pb.RetryBackoff,
    name: str,
    least: float,
    most: float,
    path: str = "",
) -> Iterator[FieldViolation]:
    duration: Duration | None = getattr(message, name)
    if duration is not None and message.HasField(name):  # type: ignore[arg-type]  # one of theirs
        problem = duration_problem(duration, least, most)
        yield from violations_of(f"settings.{path}{name}", problem)


def _number_violations(name: str, value: int, most: int) -> Iterator[FieldViolation]:
    if not 0 <= value <= most:
        yield FieldViolation(f"settings.{name}", f"is {value}; 0 to {most}")


def _fill_in(settings: pb.ConsumerSettings) -> None:
    if not settings.HasField("lease"):
        settings.lease.FromSeconds(30)
    settings.attempts_max = settings.attempts_max or 10
    if not settings.HasField("checkpoint_interval"):
        settings.checkpoint_interval.FromMilliseconds(50)
    settings.ordering = settings.ordering or pb.ConsumerSettings.ORDERING_PER_AGGREGATE
    settings.in_flight_max = settings.in_flight_max or 100
    settings.exhausted = settings.exhausted or pb.ConsumerSettings.EXHAUSTED_PARK
    if not settings.HasField("filter"):
        settings.filter.SetInParent()
    backoff = settings.backoff
    if not backoff.HasField("initial"):
        backoff.initial.FromSeconds(1)
    backoff.multiplier = backoff.multiplier or 2.0
    if not backoff.HasField("max"):
        backoff.max.FromNanoseconds(max(300 * _NANOS, backoff.initial.ToNanoseconds()))
    if not backoff.HasField("jitter"):
        backoff.jitter = 0.2
