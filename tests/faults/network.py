"""TCP links that really misbehave.

A proxy in between resets, half-closes, delays, holds, throttles and truncates what passes. Bytes
are never reordered or altered: TCP would not let that through.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CHUNK_BYTES = 16 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)
"""Closing sends RST, and drops what was not sent yet."""


class Direction(StrEnum):
    """Which way bytes go."""

    REQUESTS = "requests"
    ANSWERS = "answers"


class _Connection:
    """One connection through a link: two sockets, two pumps."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._near = near
        self._writers = {Direction.REQUESTS: far, Direction.ANSWERS: near}
        self.bytes_left: dict[Direction, int] = {}
        """After so many more bytes that way the connection is reset."""
        self._flowing = asyncio.Event()
        self._flowing.set()

    def stall(self) -> None:
        """Nothing passes ever again, and nobody is told."""
        self._flowing.clear()

    def reset(self) -> None:
        for writer in self._writers.values():
            with contextlib.suppress(OSError):  # it is closed already
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO
                )
            writer.transport.abort()

    def half_close(self, direction: Direction) -> None:
        """Says that nothing more comes that way; the other way stays open."""
        writer = self._writers[direction]
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()

    async def pump(self, reader: asyncio.StreamReader, direction: Direction, link: Link) -> None:
        writer = self._writers[direction]
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await link.admit(len(chunk))
                await self._flowing.wait()
                left = self.bytes_left.get(direction)
                if left is not None:
                    self.bytes_left[direction] = left - len(chunk)
                    if left <= len(chunk):
                        writer.write(chunk[:left])
                        # It is to arrive before the reset overtakes it.
                        await writer.drain()
                        self.reset()
                        return
                writer.write(chunk)
                await writer.drain()
        except (OSError, RuntimeError):  # reset by one side; or one of them was half-closed by us
            self.reset()
        else:
            await self._flowing.wait()
            self.half_close(direction)

    async def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class Link:
    """Listens on a port of its own, and forwards to another."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.is_refusing = False
        """Whether new connections are reset."""
        self.delay_seconds = 0.0
        self.bytes_per_second = 0
        """0: as fast as it goes."""
        self._target_port = target_port
        self._connections: set[_Connection] = set()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    def hold(self) -> None:
        """Lets nothing pass, either way, and says nothing: a black hole."""
        self._open.clear()

    def stall(self) -> None:
        """What is connected now is a black hole from now on; what connects later is not."""
        for connection in list(self._connections):
            connection.stall()

    def heal(self) -> None:
        """All passes again, what was held first."""
        self.is_refusing = False
        self.delay_seconds = 0.0
        self.bytes_per_second = 0
        self._open.set()

    def cut(self) -> None:
        """Resets every connection; whatever was on its way is lost."""
        for connection in list(self._connections):
            connection.reset()

    def half_close(self, direction: Direction) -> None:
        """Ends one way of every connection."""
        for connection in list(self._connections):
            connection.half_close(direction)

    def truncate(self, direction: Direction, size_bytes: int) -> None:
        """Resets every connection after so many more bytes that way, wherever that is."""
        for connection in list(self._connections):
            connection.bytes_left[direction] = size_bytes

    async def admit(self, size_bytes: int) -> None:
        """Returns when so many bytes may pass."""
        await self._open.wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.bytes_per_second:
            await asyncio.sleep(size_bytes / self.bytes_per_second)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        connection = None
        try:
            await self._open.wait()
            if self.is_refusing:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            connection = _Connection(writer, far_writer)
            self._connections.add(connection)
            await asyncio.gather(
                connection.pump(reader, Direction.REQUESTS, self),
                connection.pump(far_reader, Direction.ANSWERS, self),
            )
            await connection.close()
        except (OSError, asyncio.CancelledError):  # nobody listens there; or the run is over
            writer.transport.abort()
        finally:
            if connection is not None:
                connection.reset()
                self._connections.discard(connection)


@asynccontextmanager
async def linked(target_port: int) -> AsyncIterator[Link]:
    """A link to a port of this machine; it goes with the block."""
    link = Link(target_port)
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        link.heal()
        link.cut()
