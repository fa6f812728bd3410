"""Tokens and grants between the wire and the house: checked field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from everlog.v1 import admin_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.identity.callers import Caller
from everlog_server.identity.grants import check_grant, text_problem
from everlog_server.model import Grant, Role

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from everlog_server.storage.tokens import StoredToken

# With `token:` before it, it is an actor, which has 255 bytes.
NAME_BYTES_MAX = 249
LIFETIME_MIN = timedelta(minutes=1)
LIFETIME_MAX = timedelta(days=3653)
_ROLES_MAX = len(Role)
_NANOS_MAX = 1_000_000_000
# What a timestamp can say; an expiry beyond is none.
_TIME_MAX = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


class TokenAsked(NamedTuple):
    """A token that is to be created."""

    name: str
    grant: Grant
    lifetime: timedelta | None


def decode_create(request: pb.CreateTokenRequest) -> TokenAsked:
    """The token; raises BadRequestError, which names each field that is wrong."""
    violations = [
        *_name_violations(request.name),
        *_role_violations(request.grant),
        *_lifetime_violations(request),
    ]
    grant = _decode_grant(request.grant)
    try:
        check_grant(grant)
    except BadRequestError as error:
        # What is wrong with one role is said already: not again, that there is none.
        said = {violation.field.partition("[")[0] for violation in violations}
        violations += [one for one in error.violations if one.field not in said]
    if violations:
        raise BadRequestError(*violations)
    lifetime = None
    if request.HasField("lifetime"):
        lifetime = timedelta(
            seconds=request.lifetime.seconds, microseconds=request.lifetime.nanos // 1000
        )
    return TokenAsked(request.name, grant, lifetime)


def decode_name(name: str) -> str:
    """The name of a token; raises BadRequestError."""
    if violations := tuple(_name_violations(name)):
        raise BadRequestError(*violations)
    return name


def encode_grant(grant: Grant) -> pb.Grant:
    """As callers read it."""
    return pb.Grant(
        roles=sorted(grant.roles),  # type: ignore[arg-type]  # their values are the contract's
        tenants=grant.tenants,
        aggregate_types=grant.aggregate_types,
        event_types=grant.event_types,
        own_only=grant.own_only,
        actor=grant.actor,
        user_id=grant.user_id,
        acts_for_others=grant.acts_for_others,
        events_per_second=grant.events_per_second,
        calls_per_second=grant.calls_per_second,
    )


def encode_token(token: StoredToken) -> pb.Token:
    """As callers read it."""
    message = pb.Token(name=token.name, prefix=token.prefix, grant=encode_grant(token.grant))
    _set_time(message.created_time, token.created_time)
    for name in ("expire_time", "revoked_time", "last_used_time"):
        time = getattr(token, name)
        if time is not None:
            _set_time(getattr(message, name), time)
    return message


def encode_caller(caller: Caller) -> pb.WhoAmIResponse:
    """What a caller is told of itself."""
    response = pb.WhoAmIResponse(identity=caller.identity, grant=encode_grant(caller.grant))
    if caller.expires_at is not None and caller.expires_at < _TIME_MAX:
        response.expire_time.FromMicroseconds(round(caller.expires_at * 1_000_000))
    return response


def _name_violations(name: str) -> Iterator[FieldViolation]:
    problem = text_problem(name, NAME_BYTES_MAX) if name else "must be given"
    if problem is not None:
        yield FieldViolation("name", problem)


def _role_violations(grant: pb.Grant) -> Iterator[FieldViolation]:
    if len(grant.roles) > _ROLES_MAX:
        yield FieldViolation("grant.roles", f"has {len(grant.roles):,} values; 1 to {_ROLES_MAX}")
        return
    for index, role in enumerate(grant.roles):
        if role not in pb.Role.values() or role == pb.ROLE_UNSPECIFIED:
            problem = f"{role} is no Role that this server knows"
        elif role in grant.roles[:index]:
            problem = f"{pb.Role.Name(role)} is given twice"
        else:
            continue
        yield FieldViolation(f"grant.roles[{index}]", problem)


def _lifetime_violations(request: pb.CreateTokenRequest) -> Iterator[FieldViolation]:
    if not request.HasField("lifetime"):
        return
    seconds, nanos = request.lifetime.seconds, request.lifetime.nanos
    is_duration = 0 <= nanos < _NANOS_MAX
    # By whole seconds first: a timedelta does not hold all that a Duration does.
    in_days = 0 <= seconds <= LIFETIME_MAX.total_seconds() + 1
    if is_duration and in_days:
        lifetime = timedelta(seconds=seconds, microseconds=nanos // 1000)
        if LIFETIME_MIN <= lifetime <= LIFETIME_MAX:
            return
    yield FieldViolation(
        "lifetime", f"is {seconds} s and {nanos} ns; must be from 1 minute to 10 years"
    )


def _decode_grant(message: pb.Grant) -> Grant:
    return Grant(
        roles=Role.known(message.roles),
        tenants=tuple(message.tenants),
        aggregate_types=tuple(message.aggregate_types),
        event_types=tuple(message.event_types),
        own_only=message.own_only,
        actor=message.actor,
        user_id=message.user_id,
        acts_for_others=message.acts_for_others,
        events_per_second=message.events_per_second,
        calls_per_second=message.calls_per_second,
    )


def _set_time(message: Timestamp, time: datetime) -> None:
    message.FromDatetime(time)
