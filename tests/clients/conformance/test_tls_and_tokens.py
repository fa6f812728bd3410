"""Every client at a server that requires an identity, over TLS: who gets in, and who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import pytest_asyncio

import everlog
from everlog_server.cli.direct_tokens import direct_tokens
from everlog_server.settings import StorageSettings
from tests.certificates import Authority
from tests.clients.conformance.asking import EVERY_LANGUAGE, error_of, ok
from tests.conftest import new_database
from tests.servers import Server, make_tenant, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.clients.conformance.conftest import Cast
    from tests.clients.conformance.runners import Runner

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EVENT = {"event_type": "order.created", "aggregate_type": "order", "json": "{}"}
_GRANTS = """
["billing.internal"]
roles = ["emit", "read"]
tenants = ["default"]
actor = "service:billing"
"""


class Guarded(NamedTuple):
    """A server by tokens alone, one that wants certificates too, and what a client needs."""

    by_token: Server
    by_certificate: Server
    secret: str
    authority: Authority
    clients: Authority

    def reach(self, server: Server, **more: Any) -> dict[str, Any]:
        """What `connect` takes; the time is short, since what is refused is refused at once."""
        return {
            "url": f"everlogs://localhost:{server.port}",
            "root_certificates": self.authority.certificate.decode(),
            "timeout_seconds": 20,
            **more,
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    authority, clients = Authority(), Authority("clients")
    certificate, key = authority.sign().write(folder, "server")
    client_ca, grants = folder / "clients.crt", folder / "grants.toml"
    client_ca.write_bytes(clients.certificate)
    grants.write_text(_GRANTS)
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    mutual = ("--tls-client-ca", str(client_ca), "--identity-tls-grants-file", str(grants))
    required = ("--identity-mode", "required", *tls)
    with new_database(postgres, template=template_database) as url:
        make_tenant(url, "shop", 2)
        async with direct_tokens(StorageSettings(database_url=url)) as tokens:
            grant = everlog.Grant(roles=["emit", "read"], tenants=["shop"], user_id="ada")
            secret = (await tokens.create_token("shop", grant)).secret
        async with (
            serving(url, folder, *required) as by_token,
            serving(url, folder, *required, *mutual) as by_certificate,
        ):
            yield Guarded(by_token, by_certificate, secret, authority, clients)
            for server in (by_token, by_certificate):
                assert await server.stop() == 0
                assert "Traceback" not in server.log


async def _refused(runner: Runner, command: str, **arguments: Any) -> tuple[str, str, str]:
    error = await error_of(runner, command, **arguments)
    return error["reason"], error["code"], error["message"]


async def _emits_and_reads(runner: Runner, language: str) -> dict[str, Any]:
    """One event there and back, by emit, replay and subscription; as it was recorded."""
    event = _EVENT | {"aggregate_id": language, "idempotency_key": language}
    receipt = (await ok(runner, "emit", event=event))["receipt"]
    position = receipt["position"]
    after = str(int(position) - 1)
    await ok(runner, "subscribe_open", subscription="s", after_position=after)
    followed = await ok(runner, "subscribe_next", subscription="s", count=1, timeout_seconds=20)
    await ok(runner, "subscribe_close", subscription="s")
    got = await ok(runner, "get", position=position)
    assert followed["items"][0]["event"] == got["event"]
    recorded: dict[str, Any] = got["event"]
    assert recorded["aggregate_id"] == language
    return recorded


@EVERY_LANGUAGE
async def test_a_token_over_tls_lets_in_and_a_wrong_one_does_not(
    language: str, guarded: Guarded, cast: Cast
) -> None:
    runner = await cast.runner(language)
    reach = guarded.reach(guarded.by_token)
    await ok(runner, "connect", **reach, tenant="shop", token=guarded.secret)
    recorded = await _emits_and_reads(runner, language)
    assert (recorded["actor"], recorded["user_id"]) == ("token:shop", "ada")

    for wrong in (guarded.secret[:-1] + "!", "evl_"):
        await ok(runner, "connect", **reach, tenant="shop", token=wrong)
        refused = await _refused(runner, "head")
        assert refused[:2] == ("UNAUTHENTICATED", "UNAUTHENTICATED")
        assert wrong[12:] not in refused[2] or not wrong[12:]
        refused = await _refused(runner, "emit", event=_EVENT | {"aggregate_id": "x"})
        assert refused[:2] == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    await ok(runner, "connect", **reach, tenant="shop")
    assert (await _refused(runner, "head"))[0] == "UNAUTHENTICATED"

    await ok(runner, "connect", **reach, tenant="default", token=guarded.secret)
    assert (await _refused(runner, "head"))[0] == "PERMISSION_DENIED"
    await ok(runner, "close")


@EVERY_LANGUAGE
async def test_who_does_not_trust_the_authority_does_not_connect(
    language: str, guarded: Guarded, cast: Cast
) -> None:
    runner = await cast.runner(language)
    strange = {"root_certificates": Authority("other").certificate.decode()}
    for trusted in (strange, {"root_certificates": None}):
        reach = guarded.reach(guarded.by_token, connect_timeout_seconds=0.5) | trusted
        given = {name: value for name, value in reach.items() if value is not None}
        await ok(runner, "connect", **given, tenant="shop", token=guarded.secret)
        reason, code, message = await _refused(runner, "head")
        assert (reason, code) == ("", "UNAVAILABLE"), message
    await ok(runner, "close")


@EVERY_LANGUAGE
async def test_a_certificate_of_its_own_lets_in_and_another_does_not(
    language: str, guarded: Guarded, cast: Cast
) -> None:
    runner = await cast.runner(language)
    server = guarded.by_certificate

    def shown(signer: Authority, name: str, **more: Any) -> dict[str, Any]:
        pair = signer.sign(name)
        pem = {"client_certificate": pair.certificate.decode(), "client_key": pair.key.decode()}
        return guarded.reach(server, **pem, **more)

    await ok(runner, "connect", **shown(guarded.clients, "billing.internal"), tenant="default")
    assert (await _emits_and_reads(runner, language))["actor"] == "service:billing"
    await ok(runner, "connect", **shown(guarded.clients, "other.internal"), tenant="default")
    assert (await _refused(runner, "head"))[0] == "UNAUTHENTICATED"
    # A token decides alone where there is one.
    other = shown(guarded.clients, "other.internal", token=guarded.secret)
    await ok(runner, "connect", **other, tenant="shop")
    await ok(runner, "head")

    stranger = shown(guarded.authority, "billing.internal", connect_timeout_seconds=0.5)
    for refused in (stranger, guarded.reach(server, connect_timeout_seconds=0.5)):
        await ok(runner, "connect", **refused, tenant="default", token=guarded.secret)
        reason, code, message = await _refused(runner, "head")
        assert (reason, code) == ("", "UNAVAILABLE"), message
    await ok(runner, "close")
