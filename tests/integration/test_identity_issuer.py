"""Keys of JWTs at a real address, and several processes that must all know who is let in."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import everlog
from everlog_server.cli.direct_tokens import direct_tokens
from everlog_server.errors import UnauthenticatedError
from everlog_server.identity.callers import Credentials
from everlog_server.identity.door import Door
from everlog_server.identity.jwts import Jwts
from everlog_server.identity.key_sets import KeySet, from_url
from everlog_server.identity.known import KnownCallers
from everlog_server.settings import IdentitySettings, StorageSettings
from tests.certificates import Authority
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from everlog_server.identity.callers import Caller

ISSUER = "https://issuer.test"
CONNECTIONS = 12
FOLLOWED_SECONDS_MAX = 30.0


class Issuer:
    """Publishes its keys by HTTP, and signs with one of them."""

    def __init__(self) -> None:
        self._keys = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.fetches = 0
        self.url = ""

    def rotate(self, kid: str) -> None:
        """Another key, in place of those of before."""
        self._keys = {kid: ec.generate_private_key(ec.SECP256R1())}

    def jwks(self) -> bytes:
        self.fetches += 1
        to_jwk = jwt.algorithms.ECAlgorithm.to_jwk
        keys = [
            {**to_jwk(key.public_key(), as_dict=True), "kid": kid}
            for kid, key in self._keys.items()
        ]
        return json.dumps({"keys": keys}).encode()

    def sign(self, subject: str, **claims: Any) -> str:
        ((kid, key),) = self._keys.items()
        payload = {
            "iss": ISSUER,
            "aud": "everlog",
            "sub": subject,
            "exp": int(time.time()) + 600,
            "everlog_roles": "emit read",
            "everlog_tenants": ["default"],
            **claims,
        }
        return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid})


class _NoTokens:
    async def identify(self, text: str) -> Caller:
        raise UnauthenticatedError(f"no token of {len(text)} characters")


@contextmanager
def published(issuer: Issuer) -> Iterator[None]:
    """Its keys can be fetched while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.jwks()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


async def test_a_new_key_is_found_by_one_fetch_and_the_old_ones_hold_while_the_issuer_is_away() -> (
    None
):
    issuer = Issuer()
    with published(issuer):
        known = KnownCallers()
        settings = IdentitySettings(mode="required", jwt_issuer=ISSUER, jwt_audience="everlog")
        keys = KeySet(from_url(issuer.url), refresh_seconds=3600, again_seconds=0.0)
        door = Door(known, tokens=_NoTokens(), jwts=Jwts(keys, known, settings), names=None)

        async def enter(text: str) -> Caller:
            return await door.identify(Credentials(f"Bearer {text}"))

        first = issuer.sign("ada")
        assert (await enter(first)).identity == "jwt:ada"
        await enter(issuer.sign("bob"))
        assert issuer.fetches == 1
        issuer.rotate("second")
        many = [issuer.sign(f"user-{number}") for number in range(20)]
        callers = await asyncio.gather(*map(enter, many))
        assert [caller.identity for caller in callers] == [f"jwt:user-{n}" for n in range(20)]
        assert issuer.fetches == 2
        with pytest.raises(UnauthenticatedError):
            await enter(first)
    assert (await enter(issuer.sign("carol"))).identity == "jwt:carol"
    issuer.rotate("third")
    with pytest.raises(UnauthenticatedError):
        await enter(issuer.sign("dave"))
    assert (await enter(many[0])).identity == "jwt:user-0"


async def test_two_processes_let_in_and_refuse_the_same_callers(
    database_url: str, tmp_path: Path
) -> None:
    authority, issuer = Authority(), Issuer()
    certificate, key = authority.sign().write(tmp_path, "server")
    async with direct_tokens(StorageSettings(database_url=database_url)) as tokens:
        everything = everlog.Grant(roles=["operator"])
        operator_secret = (await tokens.create_token("ops", everything)).secret
        grant = everlog.Grant(roles=["emit", "read"], tenants=["default"])
        billing_secret = (await tokens.create_token("billing", grant)).secret
    with published(issuer):
        flags = (
            *("--identity-mode", "required", "--workers", "2", "--log-access", "all"),
            *("--tls-certificate", str(certificate), "--tls-key", str(key)),
            *("--identity-jwt-keys-url", issuer.url, "--identity-jwt-issuer", ISSUER),
            *("--identity-jwt-audience", "everlog"),
        )
        async with serving(database_url, tmp_path, *flags) as server, AsyncExitStack() as stack:

            async def client(token: str) -> everlog.Client:
                return await stack.enter_async_context(
                    everlog.connect(
                        f"everlogs://localhost:{server.port}",
                        token=token,
                        root_certificates=authority.certificate,
                        backoff=None,
                    )
                )

            operator = await client(operator_secret)
            billing = [await client(billing_secret) for _ in range(CONNECTIONS)]
            for one in billing:
                assert (await one.who_am_i()).identity == "token:billing"
            await operator.revoke_token("billing")
            deadline = time.monotonic() + FOLLOWED_SECONDS_MAX
            for one in billing:
                while await _is_let_in(one):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.05)
            # Whoever was refused once stays refused, at whichever process.
            assert not [one for one in billing if await _is_let_in(one)]

            limits = {"everlog_aggregate_types": ["order"], "everlog_own_only": True}
            ada = [await client(issuer.sign("ada", **limits)) for _ in range(CONNECTIONS)]
            bob = await client(issuer.sign("bob"))
            await bob.emit(everlog.Event("order.created", aggregate=("order", "bob"), data={}))
            for number, one in enumerate(ada):
                order = ("order", str(number))
                await one.emit(everlog.Event("order.created", aggregate=order, data={}))
                with pytest.raises(everlog.PermissionDenied):
                    await one.emit(everlog.Event("x.y", aggregate=("invoice", "1"), data={}))
            for one in (ada[0], ada[-1]):
                seen = [event async for event in one.query()]
                assert {event.user_id for event in seen} == {"ada"}
                assert {event.actor for event in seen} == {"jwt:ada"}
                assert len(seen) == CONNECTIONS
            assert len([event async for event in bob.query()]) == CONNECTIONS + 1
            assert await server.stop() == 0
            assert "Traceback" not in server.log
            assert issuer.fetches == 2, "each process once"


async def _is_let_in(client: everlog.Client) -> bool:
    try:
        await client.who_am_i()
    except everlog.Unauthenticated:
        return False
    return True
