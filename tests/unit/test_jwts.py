"""JWTs, sound and forged: who is let in, and what it may do."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from everlog_server.errors import StorageUnavailableError, UnauthenticatedError
from everlog_server.identity.callers import Credentials
from everlog_server.identity.door import Door
from everlog_server.identity.jwts import Jwts
from everlog_server.identity.key_sets import KeysError, KeySet, keys_in
from everlog_server.identity.known import KnownCallers
from everlog_server.model import Grant, Role
from everlog_server.settings import IdentitySettings

if TYPE_CHECKING:
    from everlog_server.identity.callers import Caller

ISSUER, AUDIENCE = "https://issuer.test", "everlog"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ALGORITHMS: dict[str, Any] = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}
SIGNERS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def jwk(kid: str, algorithm: str, key: Any, **more: Any) -> dict[str, Any]:
    public = ALGORITHMS[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, **more}


KEYS = [jwk(name, name, key) for name, key in SIGNERS.items()]


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    found = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": now + 600,
        "everlog_roles": ["emit", "read"],
        "everlog_tenants": ["default"],
        **changed,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(algorithm: str = "RS256", key: Any = None, kid: Any = "", **changed: Any) -> str:
    headers = {} if kid is None else {"kid": kid or algorithm}
    return jwt.encode(
        claims(**changed), key or SIGNERS[algorithm], algorithm=algorithm, headers=headers
    )


def raw(header: dict[str, Any], payload: Any, signature: bytes = b"x") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class _NoTokens:
    async def identify(self, text: str) -> Caller:
        raise UnauthenticatedError(f"no token of {len(text)} characters")


class House:
    """A door for JWTs, whose keys may change."""

    def __init__(self, **settings: Any) -> None:
        self.keys: list[dict[str, Any]] | None = list(KEYS)
        self.reads = 0
        self.known = KnownCallers()
        made = IdentitySettings(
            mode="required", jwt_issuer=ISSUER, jwt_audience=AUDIENCE, **settings
        )
        self.key_set = KeySet(self._read, refresh_seconds=300, again_seconds=0.0)
        jwts = Jwts(self.key_set, self.known, made)
        self.door = Door(self.known, tokens=_NoTokens(), jwts=jwts, names=None)

    def _read(self) -> bytes:
        self.reads += 1
        if self.keys is None:
            raise KeysError("away")
        return json.dumps({"keys": self.keys}).encode()

    async def enter(self, text: str) -> Caller:
        return await self.door.identify(Credentials(f"Bearer {text}"))


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_jwt_of_the_issuer_is_let_in_as_its_claims_say(algorithm: str) -> None:
    house, text = House(), signed(algorithm)
    caller = await house.enter(text)
    assert caller.identity == "jwt:ada"
    roles = frozenset({Role.EMIT, Role.READ})
    assert caller.grant == Grant(roles=roles, tenants=("default",), user_id="ada")
    assert await house.enter(text) is caller
    assert house.reads == 1
    assert house.door.holds(caller)


def _forged() -> dict[str, str]:
    public_pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())
    sound = signed()
    head, body, signature = sound.split(".")
    by_public_key = jwt.api_jws.PyJWS().get_algorithm_by_name("HS256")
    signing_input = raw({"alg": "HS256", "kid": "RS256"}, claims()).rsplit(".", 1)[0]
    mac = by_public_key.sign(signing_input.encode(), public_pem)
    with_mac = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    other_body = raw({}, claims(sub="eve")).split(".")[1]
    return {
        "alg none": raw({"alg": "none", "kid": "RS256"}, claims(), b""),
        "alg None": raw({"alg": "None", "kid": "RS256"}, claims(), b""),
        "alg absent": raw({"kid": "RS256"}, claims()),
        "alg a number": raw({"alg": 1, "kid": "RS256"}, claims()),
        "alg a list": raw({"alg": ["RS256"], "kid": "RS256"}, claims()),
        "HS256 by the public key": f"{signing_input}.{with_mac}",
        "of another algorithm than its key": raw({"alg": "ES256", "kid": "RS256"}, claims()),
        "wrong key": signed(key=OTHER_RSA),
        "unknown kid": signed(kid="other"),
        "kid of another key": signed("ES256", kid="EdDSA"),
        "kid a number": raw({"alg": "RS256", "kid": 1}, claims()),
        "changed body": f"{head}.{other_body}.{signature}",
        "no signature": f"{head}.{body}.",
        "cut signature": sound[:-4],
        "wrong audience": signed(aud="others"),
        "no audience": signed(aud=None),
        "wrong issuer": signed(iss="https://evil.test"),
        "no issuer": signed(iss=None),
        "expired": signed(exp=now - 3600),
        "no expiry": signed(exp=None),
        "expiry a text": signed(exp="soon"),
        "expiry beyond all years": signed(exp=10**18),
        "not yet valid": signed(nbf=now + 3600),
        "no subject": signed(sub=None),
        "empty subject": signed(sub=""),
        "long subject": signed(sub="x" * 252),
        "subject with a NUL": signed(sub="a\0"),
        "critical extension": jwt.encode(
            claims(), RSA, algorithm="RS256", headers={"kid": "RS256", "crit": ["x"], "x": 1}
        ),
        "unencoded payload": raw({"alg": "RS256", "kid": "RS256", "b64": False}, claims()),
        "no roles": signed(everlog_roles=None),
        "empty roles": signed(everlog_roles=[]),
        "unknown role": signed(everlog_roles=["root"]),
        "operator": signed(everlog_roles=["operator"]),
        "roles of numbers": signed(everlog_roles=[1]),
        "no tenants": signed(everlog_tenants=None),
        "no such name of a tenant": signed(everlog_tenants=["#2"]),
        "empty limits": signed(everlog_event_types=[]),
        "a limit of another kind": signed(everlog_aggregate_types={"a": 1}),
        "own_only a text": signed(everlog_own_only="true"),
        "subject with a line": signed(sub=" \n"),
        "huge": signed(padding="x" * 20_000),
        "deep header": base64.urlsafe_b64encode(b"[" * 6_000).decode().rstrip("=") + ".e30.x",
        "garbage": "\x80\x81.\xff.\x00",
        "dots": "..",
        "spaces": "a b.c d.e f",
        "empty": "",
        "no JSON": "eA.eA.eA",
    }


@pytest.mark.parametrize("kind", _forged())
async def test_a_forged_or_unsuitable_jwt_is_refused_without_repeating_it(kind: str) -> None:
    house, text = House(), _forged()[kind]
    with pytest.raises(UnauthenticatedError) as refused:
        await house.enter(text)
    assert len(text) < 10 or text[-10:] not in refused.value.message
    assert house.door.known(Credentials(f"Bearer {text}")) is None


async def test_an_operator_by_claim_needs_a_setting() -> None:
    text = signed(everlog_roles="operator", everlog_tenants=None)
    caller = await House(jwt_operators=True).enter(text)
    assert caller.grant.roles == {Role.OPERATOR}


async def test_claims_are_named_by_settings_also_inside_of_others() -> None:
    house = House(
        jwt_roles_claim="realm_access.roles",
        jwt_tenants_claim="https://acme.test/tenants",
        jwt_user_id_claim="uid",
        jwt_actor_claim="email",
        jwt_own_only=True,
    )
    text = signed(
        realm_access={"roles": ["read"]},
        **{"https://acme.test/tenants": "acme other"},
        uid="u1",
        email="ada@acme.test",
        everlog_event_types=["order.*"],
    )
    assert (await house.enter(text)).grant == Grant(
        roles=frozenset({Role.READ}),
        tenants=("acme", "other"),
        event_types=("order.*",),
        own_only=True,
        actor="ada@acme.test",
        user_id="u1",
    )


async def test_defaults_stand_in_for_absent_claims_only() -> None:
    house = House(jwt_default_roles="emit", jwt_default_tenants="default")
    caller = await house.enter(signed(everlog_roles=None, everlog_tenants=None))
    assert caller.grant.roles == {Role.EMIT}
    assert caller.grant.tenants == ("default",)
    with pytest.raises(UnauthenticatedError):
        await house.enter(signed(everlog_roles=[]))


async def test_a_jwt_ends_with_its_expiry_and_the_leeway() -> None:
    house = House(jwt_leeway_seconds=30)
    now = time.time()
    house.known._clock = lambda: now
    text = signed(exp=int(now) + 10)
    caller = await house.enter(text)
    now = int(now) + 10 + 29.9
    assert house.door.holds(caller)
    now += 0.2
    assert not house.door.holds(caller)
    assert house.door.known(Credentials(f"Bearer {text}")) is None


async def test_an_unknown_key_is_fetched_once_and_a_removed_one_ends_its_callers() -> None:
    house = House()
    caller = await house.enter(signed())
    house.keys = [jwk("new", "ES256", EC)]
    assert (await house.enter(signed("ES256", kid="new"))).identity == "jwt:ada"
    assert house.reads == 2
    assert not house.door.holds(caller)


async def test_unknown_keys_cause_no_more_fetches_than_the_limit() -> None:
    house = House()
    house.key_set._again_seconds = 3600
    for _ in range(20):
        with pytest.raises(UnauthenticatedError):
            await house.enter(signed(kid="other"))
    assert house.reads == 1


async def test_the_keys_of_before_go_on_while_the_issuer_is_away() -> None:
    house = House()
    await house.enter(signed())
    house.keys = None
    with pytest.raises(UnauthenticatedError):
        await house.enter(signed(kid="other"))
    await house.enter(signed(sub="bob"))
    never = House()
    never.keys = None
    with pytest.raises(StorageUnavailableError):
        await never.enter(signed())


def test_only_strong_public_keys_that_sign_are_taken() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  it is to be refused
    p384 = ec.generate_private_key(ec.SECP384R1())
    found = [
        *KEYS,
        jwk("weak", "RS256", weak),
        jwk("curve", "ES256", p384),
        jwk("encrypts", "RS256", RSA, use="enc"),
        jwk("rs512", "RS256", RSA, alg="RS512"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hs"},
        {"kty": "RSA", "n": "!", "e": "AQAB"},
        *("x", None, {}, {"kty": "none"}, {"kty": ["RSA"]}),
    ]
    text = json.dumps({"keys": found}).encode()
    assert [key.kid for key in keys_in(text)] == list(SIGNERS)
    for wrong in (b"", b"[]", b'{"keys": 1}', b"[" * 100_000, b"\xff"):
        with pytest.raises(KeysError):
            list(keys_in(wrong))
