"""Malformed frames at the port: the server goes on to serve, at its ease.

All the while a well-behaved client emits, one event after the other: none of them may fail. At the
end the log is as long as it was told, memory has grown within bounds, and the server's own log is
short.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.fuzz.frames import ATTACKS, header_bombs
from tests.servers import serving, stub_for

if TYPE_CHECKING:
    from tests.fuzz.frames import Attack
    from tests.servers import Server

MIB = 1024 * 1024
SHORT_FRAMES = 5_000
LONG_FRAMES = 100_000
ATTACKERS = 8
ANSWER_SECONDS = 20
EMIT_SECONDS = 60
# Calls that wait for Python, also those that broke, take most of it: see server.waiting_calls_max.
GROWTH_BYTES_MAX = 384 * MIB
# What the access log takes of failures a second, and what a server says of itself.
LINES_A_SECOND = 101
LINES_OF_ITS_OWN = 100
# Calls that take 0.7 MB each until Python is through with them, and as much later, were it kept.
BOMB_CONNECTIONS = 64
BOMB_CALLS = 10
BOMB_ENTRIES = 12_000
BOMBED_BYTES = 400 * MIB
# What is kept (spare_memory.py), and what Python and gRPC keep for themselves.
LEFT_BYTES_MAX = (128 + 64) * MIB
GIVEN_BACK_SECONDS = 100


async def attack(port: int, one: Attack) -> None:
    """One connection: sends what it has, says that this was all, and reads until it is closed."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return
    try:
        for piece in one.frames:
            if not writer.transport.is_closing():
                writer.write(piece)
        async with asyncio.timeout(ANSWER_SECONDS):
            await writer.drain()
            if one.aborts:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            else:
                writer.write_eof()
                while await reader.read(65_536):
                    pass
    except OSError:
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def attack_with(port: int, rng: random.Random, frames: int) -> int:
    """Attacks of all kinds, with so many frames; returns how many they were."""
    sent = 0

    async def one_after_the_other() -> None:
        nonlocal sent
        while sent < frames:
            one = rng.choice(ATTACKS)(rng)
            sent += one.count
            await attack(port, one)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(ATTACKERS):
            tasks.create_task(one_after_the_other())
    return sent


async def emit_all_along(server: Server, over: asyncio.Event) -> int:
    """Emits until it is over, on one connection; returns how many events. Raises if any fails.

    One that finds too many before it is ended before anything of it is done, and is sent again.
    """
    emitted = 0
    async with stub_for(server.address) as stub:
        while not over.is_set():
            event = event_pb2.NewEvent(
                aggregate_type="well", aggregate_id="behaved", event_type="went.on", json="{}"
            )
            try:
                answer = await stub.Emit(pb.EmitRequest(events=[event]), timeout=EMIT_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.CANCELLED:
                    raise
                await asyncio.sleep(0.1)
                continue
            emitted += 1
            assert answer.receipts[0].sequence == emitted
    return emitted


async def withstands(server: Server, frames: int) -> None:
    # What is written to a connection that has broken meanwhile is of no interest.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    rng = random.Random(7)
    process = psutil.Process(server.pid)
    over = asyncio.Event()
    emitting = asyncio.create_task(emit_all_along(server, over))
    try:
        began = time.monotonic()
        await attack_with(
            server.port, rng, frames // 5
        )  # buffers and pools are as large as they get
        before = process.memory_info().rss
        sent = await attack_with(server.port, rng, frames - frames // 5)
        took = time.monotonic() - began
    finally:
        over.set()
        emitted = await emitting
    assert sent >= frames - frames // 5
    assert emitted > 0
    async with stub_for(server.address) as stub:  # on a new connection, as on the old one
        assert (await stub.GetHead(pb.GetHeadRequest())).position == emitted
    assert process.memory_info().rss - before < GROWTH_BYTES_MAX
    log = server.log
    assert "Traceback" not in log
    assert "INTERNAL" not in log
    assert len(log.splitlines()) < LINES_OF_ITS_OWN + LINES_A_SECOND * (took + 1)
    assert await server.stop() == 0


async def test_five_thousand_malformed_frames_leave_the_server_serving(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path) as server:
        await withstands(server, SHORT_FRAMES)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_thousand_malformed_frames_leave_the_server_serving(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path) as server:
        await withstands(server, LONG_FRAMES)


def most_resident_bytes(pid: int) -> int:
    """How much memory a process had at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked to give memory back")
async def test_memory_that_header_bombs_took_is_given_back(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path) as server:
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        bombs = header_bombs(BOMB_CALLS, entries=BOMB_ENTRIES)
        await asyncio.gather(*(attack(server.port, bombs) for _ in range(BOMB_CONNECTIONS)))
        # Else they are bombs no more: see docs/supply-chain.md.
        assert most_resident_bytes(server.pid) - before > BOMBED_BYTES
        async with stub_for(server.address) as stub:  # answered when Python is through with them
            await stub.GetHead(pb.GetHeadRequest(), timeout=EMIT_SECONDS)
        deadline = time.monotonic() + GIVEN_BACK_SECONDS
        while process.memory_info().rss - before > LEFT_BYTES_MAX:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert "memory given back" in server.log  # by us: glibc may do so, too, a minute later
        assert await server.stop() == 0
