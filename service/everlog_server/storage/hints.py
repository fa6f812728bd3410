"""NOTIFY as a hint: one process tells the others that a log has grown.

A hint carries nothing and may be lost, late or doubled: who gets one looks at the heads, and looks
without one too. It is sent after the commit, on a connection of its own, and coalesced: inside the
append's transaction it would serialise all commits of the cluster (docs/adr/0003).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from psycopg import AsyncConnection

from everlog_server.storage.database import Database

log = structlog.get_logger(__name__)

_SEND_INTERVAL_SECONDS = 0.01
_RECONNECT_SECONDS = 1.0


class Hints:
    """Sends and receives hints. Run `run_sending` and `run_listening` as tasks."""

    def __init__(self, database: Database) -> None:
        self._conninfo = database.direct_conninfo
        self._wanted = asyncio.Event()
        self._sender_pid = 0

    def announce(self) -> None:
        """A log has grown: others should look. Cheap; sends nothing itself."""
        self._wanted.set()

    async def run_sending(self) -> None:
        """Sends what was announced, at most every 10 ms, for ever."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    self._sender_pid = connection.info.backend_pid
                    while True:
                        await self._wanted.wait()
                        self._wanted.clear()
                        await connection.execute("NOTIFY everlog_heads")
                        await asyncio.sleep(_SEND_INTERVAL_SECONDS)
            except psycopg.Error as error:
                log.debug("hints can't be sent", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def run_listening(self, on_hint: Callable[[], None]) -> None:
        """Calls `on_hint` for each hint of others, and after each reconnection, for ever."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    await connection.execute("LISTEN everlog_heads")
                    on_hint()  # whatever was announced before we listened
                    async for notification in connection.notifies():
                        if notification.pid != self._sender_pid:
                            on_hint()
            except psycopg.Error as error:
                log.debug("hints can't be heard", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)
