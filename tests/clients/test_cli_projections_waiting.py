"""What `--wait` shows while it waits, and when it waits no longer: against a scripted server."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from everlog.v1 import projections_pb2_grpc
from everlog.v1.projections_pb2 import GetProjectionResponse, Projection, ProjectionError
from tests.clients.test_cli_commands import run


class Scripted(projections_pb2_grpc.ProjectionServiceServicer):
    """Gives one answer after the other; the last one is for good."""

    def __init__(self, answers: list[Projection]) -> None:
        self._answers = answers

    async def GetProjection(self, request: Any, context: Any) -> GetProjectionResponse:
        now = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return GetProjectionResponse(projection=now)


@asynccontextmanager
async def scripted(*answers: Projection) -> AsyncIterator[str]:
    server = grpc.aio.server()
    projections_pb2_grpc.add_ProjectionServiceServicer_to_server(Scripted([*answers]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"everlog://127.0.0.1:{port}"
    finally:
        await server.stop(None)


def projection(checkpoint: int, **fields: Any) -> Projection:
    given = Projection(
        state=Projection.STATE_RUNNING,
        checkpoint=checkpoint,
        head_position=4_000,
        events_per_second=21_000,
        projector="host/1",
    )
    given.definition.name = "shop"
    given.built_time.seconds = 1
    for name, value in fields.items():
        if isinstance(value, int):
            setattr(given, name, value)
        else:
            getattr(given, name).CopyFrom(value)
    return given


async def test_a_terminal_shows_positions_speed_and_what_is_left() -> None:
    answers = [projection(n) for n in range(0, 4_000, 400)]
    async with scripted(*answers, projection(4_000)) as url:
        ours, its = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everlog_server", "projections", "status", "shop", "--wait"),
            *("--url", url),
            stdout=asyncio.subprocess.PIPE,
            stderr=its,
            env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
        )
        os.close(its)
        shown = asyncio.create_task(asyncio.to_thread(read_all, ours))
        out, _ = await asyncio.wait_for(process.communicate(), timeout=60)
        told = await shown
        os.close(ours)
    assert process.returncode == 0
    assert b"4,000 of 4,000, caught up" in out
    assert "catching up shop" in told
    assert "/4000" in told
    assert "21,000 events/s" in told


def read_all(terminal: int) -> str:
    """What a terminal shows, until nobody has it open."""
    read = b""
    while True:
        try:
            read += os.read(terminal, 65536)
        except OSError:  # Linux's way of saying that the other side is closed
            return read.decode()


FAILED = Projection.Rebuild(checkpoint=10, failure=ProjectionError(message="no"))
REBUILDING = Projection.Rebuild(checkpoint=10)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            [projection(1, state=Projection.STATE_STOPPED)],
            "shop is stopped: see `everlog projections errors shop`",
        ),
        (
            [projection(1), projection(2, state=Projection.STATE_PAUSED)],
            "shop is paused: see `everlog projections resume shop`",
        ),
        (
            [projection(4_000, rebuild=FAILED)],
            "the rebuild of shop failed: see `everlog projections errors shop`",
        ),
        (
            [projection(1, rebuild=Projection.Rebuild(blocked_by="view public.v"))],
            "the rebuild of shop is blocked by view public.v",
        ),
        (
            [projection(4_000, rebuild=REBUILDING), projection(4_000)],
            "the rebuild of shop was cancelled",
        ),
    ],
)
async def test_what_has_no_end_is_not_waited_for(answers: list[Projection], said: str) -> None:
    async with scripted(*answers) as url:
        code, out, err = await run("projections", "status", "shop", "--wait", "--url", url)
    assert (code, out, err) == (3, "", f"everlog: {said}\n")


async def test_a_rebuild_is_over_when_its_tables_have_taken_their_place() -> None:
    built = projection(4_100)
    built.built_time.seconds = 2
    answers = [projection(4_000, rebuild=REBUILDING) for _ in range(3)]
    async with scripted(*answers, built) as url:
        code, out, err = await run("projections", "status", "shop", "--wait", "--url", url)
    assert (code, err) == (0, "")
    assert "4,100 of 4,000" in out
