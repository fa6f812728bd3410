"""Which grants are sound, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from everlog.v1 import admin_pb2 as pb
from everlog_server.errors import BadRequestError
from everlog_server.identity.callers import Caller, Credentials
from everlog_server.identity.grants import check_grant
from everlog_server.identity.known import KnownCallers
from everlog_server.identity.token_secrets import (
    digest_of,
    is_secret_of,
    is_well_formed,
    new_secret,
)
from everlog_server.model import Grant, Role
from everlog_server.rpc.token_requests import decode_create, encode_grant

SOUND = Grant(roles=frozenset({Role.EMIT}), tenants=("default",))
OPERATOR = Grant(roles=frozenset({Role.OPERATOR}))

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"roles": frozenset()}, "grant.roles: must name one at least"),
    ({"tenants": ()}, "grant.tenants: must name one at least, unless for an operator"),
    ({"tenants": ("a", "B")}, "grant.tenants[1]: is 'B'; a tenant's name has 1 to 63"),
    ({"tenants": ("",)}, "grant.tenants[0]: is ''; a tenant's name"),
    ({"tenants": ("#2",)}, "grant.tenants[0]: is '#2'; a tenant's name"),
    ({"tenants": ("a" * 64,)}, "grant.tenants[0]: is 'aaa"),
    ({"tenants": ("a", "a")}, "grant.tenants[1]: is given twice"),
    ({"tenants": tuple(f"t{n}" for n in range(101))}, "grant.tenants: has 101 values; at most 100"),
    ({"aggregate_types": ("",)}, "grant.aggregate_types[0]: is empty"),
    ({"aggregate_types": ("a\0",)}, "grant.aggregate_types[0]: holds a control character"),
    ({"aggregate_types": ("ä" * 128,)}, "grant.aggregate_types[0]: has 256 bytes; at most 255"),
    ({"aggregate_types": ("x",) * 101}, "grant.aggregate_types: has 101 values; at most 100"),
    ({"event_types": ("",)}, "grant.event_types[0]: is empty"),
    ({"event_types": ("*",)}, "grant.event_types[0]: is '*'; a prefix ends with `.*`"),
    ({"event_types": (".*",)}, "grant.event_types[0]: is '.*'; a prefix ends with"),
    ({"event_types": ("a.*.b",)}, "grant.event_types[0]: is 'a.*.b'; a prefix ends with"),
    ({"event_types": ("a*",)}, "grant.event_types[0]: is 'a*'; a prefix ends with"),
    ({"event_types": ("x",) * 101}, "grant.event_types: has 101 values; at most 100"),
    ({"actor": "x" * 256}, "grant.actor: has 256 bytes; at most 255"),
    ({"actor": "a\nb"}, "grant.actor: holds a control character"),
    ({"user_id": "x" * 256}, "grant.user_id: has 256 bytes; at most 255"),
    ({"user_id": "a\x7f"}, "grant.user_id: holds a control character"),
    ({"own_only": True}, "grant.user_id: must be given: own_only means its events"),
    (
        {"own_only": True, "user_id": "ada", "acts_for_others": True},
        "grant.acts_for_others: contradicts own_only",
    ),
    ({"events_per_second": -1}, "grant.events_per_second: is -1; 0 to 1,000,000,000"),
    ({"calls_per_second": 2**31 - 1}, "grant.calls_per_second: is 2147483647; 0 to"),
]


@pytest.mark.parametrize(("fields", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_grant_with_a_wrong_field_is_refused_by_its_name_and_value(
    fields: dict[str, Any], said: str
) -> None:
    grant = replace(SOUND, **fields)
    with pytest.raises(BadRequestError) as refused:
        check_grant(grant)
    assert refused.value.message.startswith(said)
    request = pb.CreateTokenRequest(name="ada", grant=encode_grant(grant))
    with pytest.raises(BadRequestError) as refused:
        decode_create(request)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("field", ["aggregate_types", "event_types"])
def test_an_operator_can_not_be_limited(field: str) -> None:
    check_grant(OPERATOR)
    limited: dict[str, Any] = {field: ("order",)}
    with pytest.raises(BadRequestError, match=f"{field}: can't limit an operator"):
        check_grant(replace(OPERATOR, **limited))


def test_a_sound_grant_comes_back_as_it_was_sent() -> None:
    grant = Grant(
        roles=frozenset({Role.EMIT, Role.READ, Role.CONSUME, Role.ADMIN}),
        tenants=("b", "a"),
        aggregate_types=("order", "c"),
        event_types=("order.*", "x"),
        own_only=True,
        actor="user:ada",
        user_id="ada",
        events_per_second=5,
        calls_per_second=6,
    )
    request = pb.CreateTokenRequest(name="ada", grant=encode_grant(grant))
    asked = decode_create(pb.CreateTokenRequest.FromString(request.SerializeToString()))
    assert asked == ("ada", grant, None)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ([0], "grant.roles[0]: 0 is no Role that this server knows"),
        ([1, 6], "grant.roles[1]: 6 is no Role"),
        ([1, 1], "grant.roles[1]: ROLE_EMIT is given twice"),
        ([1] * 6, "grant.roles: has 6 values; 1 to 5"),
        ([], "grant.roles: must name one at least"),
    ],
)
def test_roles_that_this_server_does_not_know_are_refused(roles: list[int], said: str) -> None:
    grant = pb.Grant(tenants=["default"])
    grant.MergeFromString(bytes([0x0A, len(roles), *roles]))
    with pytest.raises(BadRequestError) as refused:
        decode_create(pb.CreateTokenRequest(name="ada", grant=grant))
    assert refused.value.message == said or refused.value.message.startswith(said)
    assert refused.value.message.count("grant.roles") == 1


@pytest.mark.parametrize(
    ("seconds", "nanos", "is_right"),
    [
        (60, 0, True),
        (3653 * 86_400, 0, True),
        (59, 999_999_999, False),
        (3653 * 86_400, 1_000, False),
        (0, 0, False),
        (-60, 0, False),
        (60, -1, False),
        (60, 1_000_000_000, False),
        (2**62, 0, False),
        (-(2**62), 0, False),
    ],
)
def test_a_lifetime_is_from_a_minute_to_ten_years(
    seconds: int, nanos: int, *, is_right: bool
) -> None:
    request = pb.CreateTokenRequest(name="ada", grant=encode_grant(SOUND))
    request.lifetime.seconds, request.lifetime.nanos = seconds, nanos
    if is_right:
        lifetime = decode_create(request).lifetime
        assert lifetime is not None
        assert lifetime.total_seconds() == seconds
    else:
        with pytest.raises(BadRequestError, match=rf"lifetime: is {seconds} s and {nanos} ns"):
            decode_create(request)


@pytest.mark.parametrize("name", ["", "x" * 250, "a\nb", "a\0"])
def test_a_token_needs_a_name_that_can_be_an_actor(name: str) -> None:
    with pytest.raises(BadRequestError, match=r"^name: "):
        decode_create(pb.CreateTokenRequest(name=name, grant=encode_grant(SOUND)))


def test_secrets_are_256_random_bits_that_can_be_told_by_their_form() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(map(is_well_formed, secrets))
    assert 62**43 > 2**256
    one, other, *_ = map(digest_of, secrets)
    assert is_secret_of(one, bytes(one))
    assert not is_secret_of(one, other)


def test_who_was_asked_for_least_recently_is_forgotten_first() -> None:
    known = KnownCallers(callers_max=3)
    callers = [Caller(identity=f"token:{n}", grant=SOUND) for n in range(4)]
    for number, caller in enumerate(callers[:3]):
        known.put(bytes([number]), caller, str(number))
    assert known.holds(callers[0])  # a stream's question counts as well
    known.put(bytes([3]), callers[3], "3")
    assert [known.holds(caller) for caller in callers] == [True, False, True, True]
    assert len(known) == len(known._by_caller) == 3


def test_credentials_do_not_show_their_secret_when_they_are_logged() -> None:
    assert "evl_x" not in repr(Credentials("Bearer evl_x"))
    assert "evl_x" not in f"{Credentials('Bearer evl_x')}"
