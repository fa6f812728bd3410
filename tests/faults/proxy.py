"""A proxy before PostgreSQL that really cuts: both sides of every connection are reset at once."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PORT = 5432
_CHUNK_BYTES = 64 * 1024


class Proxy:
    """Forwards a Unix socket to another one. `closed`: new connections are refused as well."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.closed = False
        self.cuts = 0

    def cut(self) -> None:
        """Drops every connection, and whatever was on its way in either direction."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def stall(self) -> None:
        """Nothing passes on what is connected now, ever again; what connects later is well."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.closed:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(str(self._target))
        self._writers |= {writer, far_writer}
        with contextlib.suppress(asyncio.CancelledError):  # the test ends
            flowing = self._flowing
            await asyncio.gather(
                _pump(reader, far_writer, flowing), _pump(far_reader, writer, flowing)
            )


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
) -> None:
    with contextlib.suppress(ConnectionError, OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            await flowing.wait()
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxied(database_url: str, folder: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in a folder, and the URL of the same database through it."""
    parts = urlsplit(database_url)
    query = parse_qs(parts.query)
    proxy = Proxy(Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}")
    path = folder / f".s.PGSQL.{_PORT}"
    server = await asyncio.start_unix_server(proxy.accept, path=path)
    through = parts._replace(query=f"host={quote(str(folder), safe='')}&port={_PORT}").geturl()
    try:
        yield proxy, through
    finally:
        server.close()
        proxy.cut()
