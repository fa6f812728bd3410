"""The examples of projections show what their READMEs say, once, again, and when rebuilt."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog_server.cli.projection_folders.reading import read_folder
from tests.clients.test_cli_commands import run
from tests.servers import serving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "projections"
EXAMPLES = ("commerce", "supervisor")


class Stage(NamedTuple):
    url: str
    database_url: str
    client: everlog.Client


@pytest_asyncio.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(server.address) as client,
    ):
        yield Stage(f"everlog://{server.address}", database_url, client)


def told(name: str) -> str:
    """The output that the README has for an example."""
    readme = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    block = re.search(r"(?ms)^```text\n(.*?)\n```$", readme)
    assert block is not None, name
    return block[1]


async def shown(stage: Stage, *command: str | Path) -> str:
    """What a command prints; it must end well."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={
            **os.environ,
            "EVERLOG_URL": stage.url,
            "DATABASE_URL": stage.database_url,
            "PATH": path,
            "PGTZ": "UTC",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, out.decode() + err.decode()
    return out.decode().strip("\n")


async def tables(stage: Stage, name: str) -> str:
    """What the example's tables show."""
    file = FOLDER / name / "show.sql"
    return await shown(stage, "psql", stage.database_url, "--no-psqlrc", "--quiet", "-f", file)


def queried(stage: Stage, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(stage.database_url) as connection:
        return connection.execute(query.encode()).fetchall()


async def emitted(stage: Stage, event: everlog.Event, projection: str) -> None:
    """Emit an event, and wait until the tables show it."""
    receipt = await stage.client.emit(event)
    async with asyncio.timeout(30):
        await stage.client.projection_follows(projection, receipt.position)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_it_shows_what_its_readme_says_once_again_and_rebuilt(
    name: str, stage: Stage
) -> None:
    script = FOLDER / "run.sh"
    assert await shown(stage, script, name) == told(name)
    stored = await stage.client.head()
    assert await shown(stage, script, name) == told(name)
    assert (await stage.client.head()).position == stored.position
    built = (await stage.client.projection(name)).built_time
    code, out, err = await run("projections", "rebuild", name, "--wait", "--url", stage.url)
    assert (code, out) == (0, f"{name}  running  at position {stored.position}\n"), err
    assert (await stage.client.projection(name)).built_time.ToNanoseconds() > built.ToNanoseconds()
    assert await tables(stage, name) == told(name)


async def test_each_event_of_a_story_finds_a_handler_and_none_fails(stage: Stage) -> None:
    for name in EXAMPLES:
        folder = read_folder(FOLDER / name)
        assert folder.findings == []
        meant = {one for handler in folder.definition.handlers for one in handler.event_types}
        await shown(stage, FOLDER / "run.sh", name)
        projection = await stage.client.projection(name)
        assert (projection.parked, projection.checkpoint) == (0, projection.head_position)
    types = {event.event_type async for event in stage.client.replay()}
    assert meant <= types | {"context_window_updated"}


async def test_a_cancelled_order_gives_its_stock_back_however_often_it_is_told(
    stage: Stage,
) -> None:
    await shown(stage, FOLDER / "run.sh", "commerce")

    def held() -> list[tuple[object, ...]]:
        return queried(stage, "SELECT held, available FROM commerce.stock ORDER BY sku")

    async def changed(old: str, new: str) -> None:
        data = {"old_status": old, "new_status": new}
        event = everlog.Event("order.status_changed", aggregate=("order", "order-3"), data=data)
        await emitted(stage, event, "commerce")

    assert held() == [(1, 37), (1, 9)]
    for _ in range(2):
        await changed("placed", "cancelled")
        assert held() == [(0, 38), (0, 10)]
    for _ in range(2):  # the customer has thought better of it
        await changed("cancelled", "placed")
        assert held() == [(1, 37), (1, 9)]


async def test_an_instance_that_is_heard_of_lives(stage: Stage) -> None:
    await shown(stage, FOLDER / "run.sh", "supervisor")
    instance = everlog.AggregateKey("instance", "odin-PS-8f4a2b")

    def status() -> list[tuple[object, ...]]:
        query = "SELECT status, is_reported FROM supervisor.liveness WHERE instance_id = '{}'"
        return queried(stage, query.format(instance.aggregate_id))

    assert status() == [("stale", True)]
    heartbeat = everlog.Event("instance_heartbeat", aggregate=instance, data={"context_percent": 1})
    await emitted(stage, heartbeat, "supervisor")
    assert status() == [("active", False)]
