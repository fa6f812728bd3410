"""`everlog consumers`, and the client's methods that wait, on a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import everlog
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server


async def command(server: Server, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr of `everlog consumers …`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", "consumers", *arguments),
        *("--url", f"everlog://{server.address}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def told(server: Server, *arguments: str) -> list[Any]:
    """What a command that ends well says with --json."""
    code, out, err = await command(server, *arguments, "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


async def test_the_command_line_sets_shows_and_decides(database_url: str, tmp_path: Path) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(f"everlog://{server.address}") as client,
    ):
        receipts = await client.emit_many(
            [everlog.Event("product.created", source=f"s{n}", data={"n": n}) for n in range(4)]
        )
        ids = [receipt.event_id for receipt in receipts]
        settings = ("--type", "product.*", "--lease", "10s", "--backoff", "250ms")
        (created,) = await told(server, "create", "pricing", *settings)
        assert (created["existed"], created["settings"]["lease_seconds"]) == (False, 10.0)
        assert created["settings"]["filter"] == {"event_types": ["product.*"]}
        assert created["settings"]["backoff"]["initial_seconds"] == 0.25
        (again,) = await told(server, "create", "pricing", *settings)
        assert again["existed"]
        (updated,) = await told(server, "update", "pricing", "--attempts", "3")
        assert updated["version"] == 2
        assert updated["settings"] == created["settings"] | {"attempts_max": 3}
        code, out, _ = await command(server, "show", "pricing")
        assert code == 0
        assert "event_types product.*" in out
        assert "0 of 4, 4 behind" in out

        (after,) = await told(server, "park", "pricing", ids[1], "--reason", "odd price")
        assert (after["state"], after["last_error"]) == ("parked", "odd price")
        assert (await told(server, "ack", "pricing", ids[0]))[0]["state"] == "finished"
        assert [one["event"]["event_id"] for one in await told(server, "pending", "pricing")] == (
            ids[2:]
        )
        (parked,) = await told(server, "parked", "pricing")
        assert parked["event"]["event_id"] == ids[1]
        assert parked["attempts"][0]["error"] == "odd price"
        assert await told(server, "parked", "pricing", ids[1]) == [parked]
        assert await told(server, "replay", "pricing", "--type", "other") == [{"events": 0}]
        assert await told(server, "discard", "pricing", ids[1]) == [{"events": 1}]
        (processing,) = await told(server, "processing", ids[1])
        assert processing == {"consumer": "pricing", "state": "finished", "attempts": 0}
        (listed,) = await told(server, "list")
        assert listed["status"]["parked"] == 0
        (moved,) = await told(server, "reset", "pricing", "--from-now")
        assert moved["status"]["lag"] == 0
        for refused, code in {
            ("show", "nobody"): 4,
            ("ack", "pricing", ids[0]): 3,
            ("replay", "pricing"): 2,
            ("update", "pricing"): 2,
            ("create", "other", "--lease", "soon"): 2,
            ("create", "pricing", "--lease", "9s"): 3,
        }.items():
            got, _, err = await command(server, *refused)
            assert got == code, (refused, err)
            assert err
        assert (await command(server, "delete", "pricing"))[0] == 0
        assert await told(server, "list") == []


async def test_the_client_for_threads_has_the_same_methods(
    database_url: str, tmp_path: Path
) -> None:
    def use(url: str) -> None:
        with everlog.connect_sync(url) as client:
            receipt = client.emit(everlog.Event("order.created", source="s", data={}))
            created = client.create_consumer("c", everlog.ConsumerSettings(attempts_max=2))
            assert created.consumer == client.consumer("c")
            assert [one.event.event_id for one in client.pending_events("c")] == [receipt.event_id]
            assert client.set_processing("c", receipt.event_id, "park").state == "parked"
            assert client.replay_parked("c", all=True) == 1
            client.delete_consumer("c")
            assert list(client.consumers()) == []

    async with serving(database_url, tmp_path) as server:
        await asyncio.to_thread(use, f"everlog://{server.address}")
