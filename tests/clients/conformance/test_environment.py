"""What every client takes from its environment, and that what it is told goes before that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

import everlog
from everlog_server.cli.direct_tokens import direct_tokens
from everlog_server.settings import StorageSettings
from tests.certificates import Authority
from tests.clients.conformance.asking import EVERY_LANGUAGE, error_of, ok
from tests.clients.conformance.languages import LANGUAGES
from tests.clients.conformance.runners import running
from tests.conftest import new_database
from tests.servers import make_tenant, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.clients.conformance.conftest import Cast

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EVENT = {"event_type": "order.created", "aggregate_type": "order", "aggregate_id": "1"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, str]]:
    """Of a server over TLS that requires an identity, and a token that is good for two tenants."""
    folder = tmp_path_factory.mktemp("environment")
    authority = Authority()
    certificate, key = authority.sign().write(folder, "server")
    (folder / "ca.crt").write_bytes(authority.certificate)
    flags = ("--identity-mode", "required", "--tls-certificate", str(certificate))
    with new_database(postgres, template=template_database) as url:
        for number, name in enumerate(("a", "b"), 2):
            make_tenant(url, name, number)
        async with direct_tokens(StorageSettings(database_url=url)) as tokens:
            grant = everlog.Grant(roles=["emit", "read"], tenants=["a", "b"])
            secret = (await tokens.create_token("both", grant)).secret
        async with serving(url, folder, *flags, "--tls-key", str(key)) as server:
            yield {
                "EVERLOG_URL": f"everlogs://localhost:{server.port}",
                "EVERLOG_TENANT": "b",
                "EVERLOG_TOKEN": secret,
                "EVERLOG_CA": str(folder / "ca.crt"),
            }


@EVERY_LANGUAGE
async def test_what_a_client_is_not_told_its_environment_says(
    language: str, environment: dict[str, str], cast: Cast, tmp_path: Path
) -> None:
    cast.can_play(language) or pytest.skip(f"no {language}")
    command = LANGUAGES[language].ready()
    log = tmp_path / "runner.log"
    async with running(command, log, environment=environment) as runner:
        await ok(runner, "connect")
        event = (await ok(runner, "emit", event=_EVENT))["receipt"]
        position = event["position"]
        assert (await ok(runner, "head"))["position"] == position  # of tenant b
        # What it is told goes before: another tenant, a wrong token, none, another server.
        await ok(runner, "connect", tenant="a")
        assert (await ok(runner, "head"))["position"] == "0"
        for token in ("evl_wrong", ""):
            await ok(runner, "connect", token=token)
            assert (await error_of(runner, "head"))["reason"] == "UNAUTHENTICATED"
        await ok(runner, "connect", url="everlog://127.0.0.1:1", connect_timeout_seconds=0.2)
        assert (await error_of(runner, "head"))["code"] == "UNAVAILABLE"
        stranger = Authority("other").certificate.decode()
        more = {"root_certificates": stranger, "connect_timeout_seconds": 0.5}
        await ok(runner, "connect", **more)
        assert (await error_of(runner, "head"))["code"] == "UNAVAILABLE"
    without = environment | {"EVERLOG_TOKEN": "", "EVERLOG_TENANT": ""}
    async with running(command, log, environment=without) as runner:
        await ok(runner, "connect")
        assert (await error_of(runner, "head"))["reason"] == "UNAUTHENTICATED"
