"""Entities through the Python client and the command line, on a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

import everlog
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server


async def command(server: Server, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr of `everlog entities …`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", "entities", *arguments),
        *("--url", f"everlog://{server.address}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_client_declares_links_lists_and_reads(database_url: str, tmp_path: Path) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(f"everlog://{server.address}") as client,
    ):
        login = everlog.EntityDeclaration(
            name="login", pointer="/login", kind="github", event_types=["github.*"]
        )
        assert await client.declare_entities([login]) == [
            everlog.EntityDeclaration(
                name="login", pointer="/login", kind="github", event_types=("github.*",)
            )
        ]
        receipts = [
            await client.emit(
                everlog.Event("github.pushed", source="s", data={"login": f"u{n % 3}"})
            )
            for n in range(10)
        ]
        last = receipts[-1].position
        listed = [one async for one in client.entities("github", min_position=last, limit=2)]
        assert [(str(one.key), one.events) for one in listed] == [
            ("github:u0", 4),
            ("github:u1", 3),
        ]
        assert listed[0].last_record_time == receipts[9].record_time
        entity = await client.link_entities(("github", "u1"), ("email", "u@x"), actor="user:ann")
        assert set(entity) == {("github", "u1"), ("email", "u@x")}
        found = [e.position async for e in client.events_of_entity(("email", "u@x"), limit=2)]
        assert found == [8, 5]
        with pytest.raises(everlog.EntityNotFound):
            [e async for e in client.events_of_entity(("email", "nobody"))]
        with pytest.raises(everlog.InvalidRequest, match="withdrawn_names"):
            await client.declare_entities(withdraw=["nothing"])
        declared = await client.entity_declarations()
        assert [one.name for one in declared.declarations] == ["login"]
        assert declared.head_position == 11


async def test_the_command_line_declares_lists_links_and_reads(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "entities.yaml"
    file.write_text("- {name: login, pointer: /login, kind: github, event_types: ['github.*']}\n")
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(f"everlog://{server.address}") as client,
    ):
        assert (await command(server, "declare", str(file)))[0] == 0
        await client.emit(everlog.Event("github.pushed", source="s", data={"login": "ada"}))
        code, out, _ = await command(server, "link", "github:ada", "email:a:b@x", "--json")
        assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (
            0,
            ["a:b@x", "ada"],
        )
        code, out, _ = await command(server, "list", "--kind", "github", "--prefix", "a", "--json")
        assert (code, json.loads(out)["events"]) == (0, 1)
        assert json.loads(out)["same_as"] == [{"kind": "email", "id": "a:b@x"}]
        code, out, _ = await command(server, "events", "email", "a:b@x")
        assert code == 0
        assert out.split()[3:5] == ["github.pushed", "source/s#1"]
        assert (await command(server, "unlink", "github:ada", "email:a:b@x"))[0] == 0
        code, _, err = await command(server, "events", "email", "a:b@x")
        assert (code, err.startswith("everlog: ENTITY_NOT_FOUND")) == (4, True)
        code, out, err = await command(server, "declarations", "--json")
        assert (code, json.loads(out)["pointer"]) == (0, "/login")
        assert err == "everlog: indexed up to position 3 of 3\n"
        assert (await command(server, "withdraw", "other"))[0] == 3
        assert (await command(server, "withdraw", "login"))[:2] == (0, "")
        for wrong in (["link", "a", "b:c"], ["declare", "--name", "x"], ["list", "--prefix", "x"]):
            assert (await command(server, *wrong))[0] == 2, wrong
