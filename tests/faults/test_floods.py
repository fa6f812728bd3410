"""Connections that only want to be a burden: others are served as if they were not there."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from everlog.v1 import event_store_pb2 as pb
from tests.servers import Server, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"everlog!"
CONNECTIONS = 1_000
SECONDS = 30
SERVED_SECONDS = 2
"""For nine calls of ten: far more than they take, as others use the machine, too, and the floods
come from this very process. Whoever waited behind a flood would wait for the rest of it."""
MB_MAX = 150


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)


def flood(server: Server, said: bytes, opened: ExitStack) -> list[socket.socket]:
    """So many connections that say this, and then nothing."""
    connections = []
    for _ in range(CONNECTIONS):
        connection = opened.enter_context(connect(server))
        connection.sendall(said)
        connections.append(connection)
    return connections


def is_ended(connection: socket.socket) -> bool:
    """Reads until there is no more; whether the other side has ended it."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


async def slowest_of(stub: EventStoreServiceStub, calls: int = 100) -> float:
    """The seconds that nine of ten calls take at most."""
    took = []
    for _ in range(calls):
        began = time.monotonic()
        await stub.GetHead(pb.GetHeadRequest(), timeout=SECONDS)
        took.append(time.monotonic() - began)
    return sorted(took)[calls * 9 // 10]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing", marks=pytest.mark.slow),
        pytest.param(PREFACE[:12], id="half a preface", marks=pytest.mark.slow),
        pytest.param(PREFACE, id="no settings"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", id="HTTP/1", marks=pytest.mark.slow),
        pytest.param(b"\x16\x03\x01", id="half a TLS hello", marks=pytest.mark.slow),
    ],
)
async def test_connections_that_say_nothing_more_harm_nobody_and_are_ended(
    database_url: str, tmp_path: Path, said: bytes
) -> None:
    flags = ("--handshake-timeout-seconds", "3")
    async with serving(database_url, tmp_path, *flags) as server, stub_for(server.address) as stub:
        process = psutil.Process(server.pid)
        mb = process.memory_info().rss / 1e6
        with ExitStack() as opened:
            connections = await asyncio.to_thread(flood, server, said, opened)
            assert await slowest_of(stub) < SERVED_SECONDS
            async with stub_for(server.address) as another:
                assert await slowest_of(another, 10) < SECONDS
            assert process.memory_info().rss / 1e6 < mb + MB_MAX
            async with asyncio.timeout(SECONDS):
                while not all(map(is_ended, connections)):  # noqa: ASYNC110  another process
                    await asyncio.sleep(0.1)


async def test_a_ping_flood_is_told_to_go_away(database_url: str, tmp_path: Path) -> None:
    def ping(server: Server) -> bytes:
        answered = b""
        with connect(server) as connection:
            connection.settimeout(3)
            with suppress(OSError):  # ended, or nothing more is said
                connection.sendall(PREFACE + SETTINGS)
                for _ in range(200):
                    connection.sendall(PING * 100)
            with suppress(OSError):
                while b"too_many_pings" not in answered and (piece := connection.recv(65536)):
                    answered += piece
        return answered

    async with serving(database_url, tmp_path) as server, stub_for(server.address) as stub:
        flooding = [asyncio.create_task(asyncio.to_thread(ping, server)) for _ in range(8)]
        during = await slowest_of(stub)
        async with asyncio.timeout(SECONDS):
            answers = await asyncio.gather(*flooding)
        assert during < SERVED_SECONDS
        assert any(b"too_many_pings" in answer for answer in answers)


async def test_connections_beyond_the_bound_are_closed_and_others_served(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path, "--connections-max", "20") as server,
        stub_for(server.address) as stub,
    ):
        await stub.GetHead(pb.GetHeadRequest())
        with ExitStack() as opened:
            many = [opened.enter_context(connect(server)) for _ in range(100)]
            for connection in many:
                connection.sendall(PREFACE + SETTINGS)
            async with asyncio.timeout(SECONDS):
                while sum(map(is_ended, many)) < 80:  # noqa: ASYNC110  another process
                    await asyncio.sleep(0.05)
            await stub.GetHead(pb.GetHeadRequest())
        async with asyncio.timeout(SECONDS):
            while True:
                async with stub_for(server.address) as another:
                    try:
                        await another.GetHead(pb.GetHeadRequest(), timeout=2)
                        break
                    except Exception:
                        await asyncio.sleep(0.05)
