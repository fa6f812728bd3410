"""`everlog tenants`, and the synchronous client's methods for it, on a real server."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING

import pytest

import everlog
from tests.clients.test_cli_commands import run

if TYPE_CHECKING:
    from tests.servers import SharedServer


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


async def tenants(server: SharedServer, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    return await run("tenants", *arguments, "--url", server.url, stdin=stdin)


async def listed(server: SharedServer, name: str) -> list[dict[str, object]]:
    """What the command says of a tenant."""
    code, out, _ = await tenants(server, "list", "--limit", "0", "--json")
    assert code == 0
    return [one for one in map(json.loads, out.splitlines()) if one["name"] == name]


async def test_a_tenant_is_created_renamed_frozen_and_dropped(
    shared_server: SharedServer, name: str
) -> None:
    assert (await tenants(shared_server, "create", name))[0] == 0
    code, _, error = await tenants(shared_server, "create", name)
    assert (code, "TENANT_EXISTS" in error) == (3, True)
    new = f"{name}-2"
    assert (await tenants(shared_server, "rename", name, new))[0] == 0
    code, _, error = await tenants(shared_server, "drop", new, "--yes")
    assert (code, "freeze it first" in error) == (3, True)
    code, out, _ = await tenants(shared_server, "freeze", new)
    assert (code, "frozen since" in out) == (0, True)
    assert (await tenants(shared_server, "unfreeze", new))[0] == 0
    (seen,) = await listed(shared_server, new)
    assert (seen["frozen_time"], seen["head_position"]) == (None, 0)
    await tenants(shared_server, "freeze", new)
    code, _, error = await tenants(shared_server, "drop", new, stdin="other\n")
    assert (code, "nothing was dropped" in error) == (2, True)
    assert len(await listed(shared_server, new)) == 1
    code, _, error = await tenants(shared_server, "drop", new, stdin=f"{new}\n")
    assert (code, f"dropped {new}" in error) == (0, True)
    assert await listed(shared_server, new) == []
    assert (await tenants(shared_server, "drop", new, "--yes"))[0] == 4


async def test_the_synchronous_client_has_the_same_methods(
    shared_server: SharedServer, name: str
) -> None:
    def work() -> int:
        with everlog.connect_sync(shared_server.url) as client:
            client.create_tenant(name)
            client.rename_tenant(name, f"{name}-2")
            assert f"{name}-2" in [one.name for one in client.tenants()]
            assert client.freeze_tenant(f"{name}-2").frozen
            return client.drop_tenant(f"{name}-2", head_position=0)

    assert await asyncio.to_thread(work) == 0
