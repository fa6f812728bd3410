"""`everlog consume`, on a live server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog import Event
from tests.clients.conformance.languages import ROOT
from tests.conftest import with_database
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    folder = tmp_path_factory.mktemp("consume")
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {folder.name} TEMPLATE {template_database}".encode())
    async with serving(with_database(postgres.dsn, folder.name), folder) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: Server) -> AsyncIterator[everlog.Client]:
    async with everlog.connect(server.address) as client:
        yield client


async def start(server: Server, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", "consume", *arguments),
        cwd=ROOT,
        env={**os.environ, "EVERLOG_URL": f"everlog://{server.address}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(server: Server, *arguments: str) -> tuple[int, str, str]:
    process = await start(server, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 40)
    return process.returncode or 0, out.decode(), err.decode()


async def notes(client: everlog.Client, consumer: str, count: int) -> None:
    """A consumer, and so many events for it, each of an aggregate of its own."""
    filter_ = everlog.Filter(event_types=[f"{consumer}.written"])
    backoff = everlog.RetryBackoff(initial_seconds=0.001)
    await client.create_consumer(
        consumer, everlog.ConsumerSettings(filter=filter_, backoff=backoff, attempts_max=2)
    )
    await client.emit_many(
        [
            Event(f"{consumer}.written", aggregate=(consumer, str(n)), data={"n": n})
            for n in range(1, count + 1)
        ]
    )


async def test_it_prints_each_event_once(server: Server, client: everlog.Client) -> None:
    await notes(client, "printed", 3)
    found = []
    for limit in ("2", "1"):
        code, out, err = await run(server, "printed", "--json", "--limit", limit)
        assert (code, err) == (0, "")
        found += [json.loads(line)["data"]["n"] for line in out.splitlines()]
    assert sorted(found) == [1, 2, 3]
    status = (await client.consumer("printed")).status
    assert (status.retrying, status.parked) == (0, 0)


async def test_a_command_gets_the_event_and_its_exit_code_decides(
    server: Server, client: everlog.Client, tmp_path: Path
) -> None:
    await notes(client, "executed", 3)
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        "n, attempt = json.load(sys.stdin)['data']['n'], os.environ['EVERLOG_ATTEMPT']\n"
        "print(n, attempt, flush=True)\n"
        "print('beside', file=sys.stderr)\n"
        "print(f'no {n}', file=sys.stderr)\n"
        "sys.exit({1: 0, 2: 75 if attempt == '1' else 0, 3: 1}[n])\n"
    )
    code, out, err = await run(
        server, "executed", "--exec", f"{sys.executable} {script}", "--limit", "5"
    )
    assert code == 0
    assert sorted(out.splitlines()) == ["1 1", "2 1", "2 2", "3 1", "3 2"]
    assert "position" in err
    assert ", attempt 2: no 3\n" in err
    assert (await client.consumer("executed")).status.parked == 1


async def test_ctrl_c_finishes_what_is_in_flight(
    server: Server, client: everlog.Client, tmp_path: Path
) -> None:
    await notes(client, "interrupted", 1)
    done = tmp_path / "done"
    command = f"echo begun; sleep 0.5; touch {done}"
    process = await start(server, "interrupted", "--exec", command)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert done.exists()
    status = (await client.consumer("interrupted")).status
    assert (status.retrying, status.in_flight) == (0, 0)


async def test_a_consumer_that_nobody_has_is_told_at_once(server: Server) -> None:
    code, _, err = await run(server, "nobody")
    assert code == 4
    assert "CONSUMER_NOT_FOUND" in err


async def test_a_reader_that_has_enough_ends_it(server: Server, client: everlog.Client) -> None:
    await notes(client, "piped", 2)
    process = await start(server, "piped", "--json")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 20)
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await client.emit(Event("piped.written", aggregate=("piped", "3")))
    assert await asyncio.wait_for(process.wait(), 20) == 0
