"""Twice the load that can be sustained: nobody is told anything wrong, and everybody something."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from benchmarks.overload import describe, overload
from benchmarks.processes import Service
from everlog.v1 import event_store_pb2 as pb
from tests.servers import serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

MEMORY_MB_MAX = 600


@pytest.mark.parametrize(
    ("peak_seconds", "seconds", "goodput_share"),
    [
        # Short ones are at the mercy of whoever else uses the machine.
        (2.0, 4.0, 0.1),
        pytest.param(8.0, 25.0, 0.4, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
async def test_overload_loses_nothing_and_ends(
    database_url: str, tmp_path: Path, peak_seconds: float, seconds: float, goodput_share: float
) -> None:
    # Few streams a connection: what is beyond them is refused before it costs anything.
    async with serving(database_url, tmp_path, "--connection-calls-max", "100") as server:
        run = partial(
            overload,
            Service(server.address, server.pid),
            peak_seconds=peak_seconds,
            seconds=seconds,
        )
        result = await asyncio.to_thread(run)
        said = describe(result)
        assert result.wrong == [], said
        assert result.late == 0, said
        assert result.goodput_share > goodput_share, said
        assert max(result.mb) < MEMORY_MB_MAX, said
        assert len(result.over.ends) > 1.2 * result.peak.goodput * seconds, said
        # Afterwards it is as if nothing had been.
        async with stub_for(server.address) as stub, asyncio.timeout(10):
            head = await stub.GetHead(pb.GetHeadRequest())
        assert head.position >= len(result.over.numbers("OK"))
        assert psutil.pid_exists(server.pid)
        assert "Traceback" not in server.log
