"""`everlog tenants`, and the synchronous client's methods for it, on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pytest

import everlog
from everlog.v1 import admin_pb2 as pb
from tests.clients.scripted_server import Script, ScriptedServer, scripted
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


async def test_what_is_asked_before_a_drop_says_how_much_goes(
    shared_server: SharedServer, name: str
) -> None:
    await tenants(shared_server, "create", name)
    async with everlog.connect(shared_server.url, tenant=name) as client:
        await client.emit(everlog.Event("a.b", aggregate=("a", "1")))
    await tenants(shared_server, "freeze", name)
    code, _, error = await tenants(shared_server, "drop", name, stdin=f"{name}\n")
    assert code == 0
    assert f"{name} has 1 event. Type its name to have all gone for good" in error
    assert f"dropped {name} and its 1 event\n" in error


async def test_where_nobody_is_asked_whoami_says_in_words_that_all_is_allowed(
    shared_server: SharedServer,
) -> None:
    code, out, _ = await run("whoami", "--url", shared_server.url)
    assert code == 0
    assert out.splitlines() == [
        "identity: open",
        "roles: emit, read, consume, admin, operator",
        "tenants: all tenants",
        "acts_for_others: yes",
    ]


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


def dropping(*left: int | None) -> AbstractAsyncContextManager[ScriptedServer]:
    """A server whose tenant `acme` has 100 events; each call takes a moment, the last drops it."""

    async def list_tenants(_request: Any, _context: Any) -> pb.ListTenantsResponse:
        return pb.ListTenantsResponse(tenants=[pb.Tenant(name="acme", head_position=100)])

    def answering(left: int | None) -> Script:
        async def drop_tenant(_request: Any, _context: Any) -> pb.DropTenantResponse:
            await asyncio.sleep(0.5)  # the bar is drawn ten times a second
            return pb.DropTenantResponse(left=left)

        return drop_tenant

    return scripted(ListTenants=[list_tenants], DropTenant=[answering(one) for one in left])


async def test_in_a_terminal_a_drop_shows_how_far_it_is() -> None:
    controller, terminal = os.openpty()
    shown: list[str] = []

    def read() -> None:
        try:
            while data := os.read(controller, 65_536):
                shown.append(data.decode(errors="replace"))
        except OSError:  # so Linux says that nobody has it open any more
            return

    async with dropping(90, 40, None) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everlog_server", "tenants", "drop", "acme", "--yes"),
            *("--url", server.address),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=terminal,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(terminal)
        reading = asyncio.create_task(asyncio.to_thread(read))
        out, _ = await asyncio.wait_for(process.communicate(), timeout=60)
        await reading
    os.close(controller)
    told = "".join(shown)
    assert (process.returncode, out) == (0, b"")
    assert "dropping acme" in told
    assert 0 < told.index(" 10/100") < told.index(" 60/100")
    assert "dropped acme and its 100 events" in told
    assert {request.time_max.seconds for request in server.requests[1:]} == {1}


async def test_where_there_is_no_terminal_a_drop_says_only_that_it_is_done() -> None:
    async with dropping(90, None) as server:
        code, out, err = await run(
            *("tenants", "drop", "acme", "--yes", "--json", "--url", server.address)
        )
    assert code == 0
    assert json.loads(out) == {"name": "acme", "head_position": 100, "dropped": True}
    assert err == "everlog: dropped acme and its 100 events\n"
