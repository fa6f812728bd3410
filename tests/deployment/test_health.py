"""`everlog health`: what a container's probe learns."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.servers import SharedServer, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence


async def _health(url: str, *words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", "health", "--url", url, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_a_server_that_serves_is_well(shared_server: SharedServer) -> None:
    assert await _health(shared_server.url) == (0, "serving\n", "")
    code, out, _ = await _health(shared_server.url, "--json")
    assert (code, json.loads(out)) == (0, {"url": shared_server.url, "health": "serving"})
    for service in ("everlog.v1.EventStoreService", "everlog.v1.CatalogService"):
        assert (await _health(shared_server.url, "--service", service))[0] == 0


async def test_a_service_that_there_is_not_is_not_found(shared_server: SharedServer) -> None:
    code, out, err = await _health(shared_server.url, "--service", "nobody.v1.Nothing")
    assert (code, out) == (4, "")
    assert "NOT_FOUND" in err


async def test_where_nobody_listens_it_is_unavailable() -> None:
    refused: Sequence[object] = await _health(f"everlog://127.0.0.1:{free_port()}")
    assert refused[0] == 5, refused
