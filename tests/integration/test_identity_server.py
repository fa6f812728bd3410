"""A server that requires an identity, over TLS: who gets in, by what, and what its log holds."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import everlog
from tests.certificates import Authority
from tests.servers import Server

if TYPE_CHECKING:
    from pathlib import Path

NO_RETRIES = None


async def everlog_command(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", *arguments),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode().strip(), err.decode().strip()


async def test_who_proves_an_identity_gets_in_over_tls_and_no_secret_is_logged(
    database_url: str, tmp_path: Path
) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    certificate_file, key_file = authority.sign().write(tmp_path, "server")
    ca = tmp_path / "ca.crt"
    ca.write_bytes(authority.certificate)
    jwks = tmp_path / "jwks.json"
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwks.write_text(json.dumps({"keys": [{**public, "kid": "k"}]}))
    code, secret, error = await everlog_command(
        *("tokens", "create", "ops", "--role", "operator", "--direct"),
        EVERLOG_DATABASE_URL=database_url,
    )
    assert (code, secret[:4]) == (0, "evl_"), error
    flags = (
        *("--identity-mode", "required", "--log-level", "debug", "--log-access", "all"),
        *("--tls-certificate", str(certificate_file), "--tls-key", str(key_file)),
        *("--identity-jwt-keys-file", str(jwks)),
        *("--identity-jwt-issuer", "https://issuer.test", "--identity-jwt-audience", "everlog"),
    )
    server = Server(database_url, tmp_path, *flags)
    await server.start()
    try:
        url = f"everlogs://localhost:{server.port}"

        def client(token: str | None, trusted: bytes = authority.certificate) -> everlog.Client:
            return everlog.connect(url, token=token, root_certificates=trusted, backoff=NO_RETRIES)

        shown = jwt.encode(
            {
                "iss": "https://issuer.test",
                "aud": "everlog",
                "sub": "ada",
                "exp": int(time.time()) + 600,
                "everlog_roles": "emit",
                "everlog_tenants": "default",
            },
            key,
            algorithm="ES256",
            headers={"kid": "k"},
        )
        async with client(secret) as operator, client(shown) as ada:
            assert (await operator.who_am_i()).identity == "token:ops"
            me = await ada.who_am_i()
            assert (me.identity, list(me.grant.roles)) == ("jwt:ada", ["emit"])
            made = await operator.create_token(
                "billing", everlog.Grant(roles=["emit"], tenants=["default"])
            )
            assert made.secret not in repr(made)
            names = [token.name async for token in operator.tokens()]
            assert names == ["billing", "ops"]
            await operator.create_tenant("acme")
            grant = everlog.Grant(roles=["emit", "read"], tenants=["acme", "default"])
            acme = (await operator.create_token("acme", grant)).secret
            async with client(acme) as first:  # names no tenant: it is the first of its token
                await first.emit(everlog.Event("order.created", aggregate=("order", "1")))
                assert (await first.head()).position == 1
                assert (await operator.head()).position == 0
            async with client(made.secret) as billing:
                assert (await billing.who_am_i()).identity == "token:billing"
                with pytest.raises(everlog.PermissionDenied):
                    await billing.create_token("x", everlog.Grant(roles=["operator"]))
                await operator.revoke_token("billing")
                with pytest.raises(everlog.Unauthenticated):
                    await billing.who_am_i()

        for wrong in (None, "evl_" + "x" * 51, secret[:-1], shown[:-4], "garbage"):
            async with client(wrong) as stranger:
                with pytest.raises(everlog.Unauthenticated):
                    await stranger.who_am_i()
                with pytest.raises(everlog.Unauthenticated):
                    await stranger.head()
        async with client(secret, Authority("other").certificate) as cautious:
            with pytest.raises(everlog.ConnectionLost):
                await cautious.who_am_i()

        credentials = grpc.ssl_channel_credentials(authority.certificate)
        async with grpc.aio.secure_channel(f"localhost:{server.port}", credentials) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest())  # type: ignore[attr-defined]
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
            asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
            # Without a request: one that is written once the refusal is there fails in gRPC itself.
            assert await stub.ServerReflectionInfo().code() is grpc.StatusCode.UNAUTHENTICATED
            bearer = (("authorization", f"Bearer {secret}"),)
            told = [one async for one in stub.ServerReflectionInfo(iter(asked), metadata=bearer)]
            assert len(told) == 1

        reach = {"EVERLOG_URL": url, "EVERLOG_CA": str(ca)}
        code, out, error = await everlog_command("whoami", **reach, EVERLOG_TOKEN=secret)
        assert (code, out.splitlines()) == (
            0,
            ["identity: token:ops", "roles: operator", "tenants: all tenants"],
        ), error
        code, out, error = await everlog_command("tokens", "list", **reach, EVERLOG_TOKEN=secret)
        assert code == 0, error
        ops = next(line for line in out.splitlines() if line.startswith("ops "))
        assert "  operator    all tenants  " in ops
        code, out, error = await everlog_command("whoami", "--json", **reach, EVERLOG_TOKEN=secret)
        who = {"identity": "token:ops", "roles": ["operator"], "tenants": []}
        assert (code, json.loads(out)) == (0, who), error

        # A new certificate, without a restart; then one that can't be used.
        other = Authority("other")
        other.sign().write(tmp_path, "server")
        async with client(secret, other.certificate) as renewed:
            await renewed.who_am_i()
        key_file.write_bytes(b"half a k")
        async with client(secret, other.certificate) as kept:
            await kept.who_am_i()
        assert await server.stop() == 0
        log = server.log
        assert "tls_certificate_kept" in log
        assert "Traceback" not in log
        for kept_secret in (secret[12:], made.secret[12:], shown.rsplit(".", 1)[1]):
            assert kept_secret not in log
        assert "PRIVATE KEY" not in log
    finally:
        await server.close()


async def test_certificates_of_clients_stand_for_the_grants_of_a_file(
    database_url: str, tmp_path: Path
) -> None:
    authority, clients = Authority(), Authority("clients")
    certificate_file, key_file = authority.sign().write(tmp_path, "server")
    ca, grants = tmp_path / "clients.crt", tmp_path / "grants.toml"
    ca.write_bytes(clients.certificate)
    grants.write_text('["billing.internal"]\nroles = ["emit"]\ntenants = ["default"]\n')
    flags = (
        *("--identity-mode", "required", "--tls-client-ca", str(ca)),
        *("--tls-certificate", str(certificate_file), "--tls-key", str(key_file)),
        *("--identity-tls-grants-file", str(grants)),
    )
    server = Server(database_url, tmp_path, *flags)
    await server.start()
    try:

        async def identity_of(signer: Authority, name: str, *also: str) -> str:
            pair = signer.sign(name, also=also)
            async with everlog.connect(
                f"everlogs://localhost:{server.port}",
                root_certificates=authority.certificate,
                client_certificate=pair.certificate,
                client_key=pair.key,
                backoff=NO_RETRIES,
                connect_timeout_seconds=2,
            ) as client:
                return (await client.who_am_i()).identity

        assert await identity_of(clients, "x", "y", "billing.internal") == "tls:billing.internal"
        assert await identity_of(clients, "billing.internal") == "tls:billing.internal"
        with pytest.raises(everlog.Unauthenticated, match="names"):
            await identity_of(clients, "other.internal")
        with pytest.raises(everlog.ConnectionLost):
            await identity_of(authority, "billing.internal")
    finally:
        await server.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104  it is what is refused
async def test_an_open_server_beyond_loopback_says_what_to_do_and_does_not_start(
    host: str,
) -> None:
    code, _, error = await everlog_command("serve", "--ephemeral", "--host", host, "--port", "0")
    assert code == 3
    for hint in (host, "identity.mode is open", "everlog tokens create", "--insecure"):
        assert hint in error
