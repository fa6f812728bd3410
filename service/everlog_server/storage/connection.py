"""One connection of a pool: whose rows it shows, and how long it is waited for."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, pq
from psycopg.rows import TupleRow

from everlog_server.measures import Buckets
from everlog_server.storage.conninfo import TENANT_SETTING

log = structlog.get_logger(__name__)

Connection = AsyncConnection[TupleRow]


class PooledConnection(Connection):
    """A connection that counts how long PostgreSQL takes to answer."""

    round_trips: Buckets | None = None
    tenant_id: int | None = None
    """Whose rows it shows; None: nobody's, or it is not known."""
    answer_seconds: float | None = None
    """After this time PostgreSQL itself would have given up: the connection must be dead."""

    async def show(self, tenant_id: int) -> None:
        """Shows this tenant's rows from now on, and no other's."""
        if self.tenant_id == tenant_id:
            return
        self.tenant_id = None  # until PostgreSQL has said so
        await self.execute(f"SET {TENANT_SETTING} = {tenant_id:d}".encode())
        self.tenant_id = tenant_id

    async def commit(self) -> None:
        """Nothing, where no transaction is open. The pool asks for it after each use."""
        if self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            await super().commit()

    async def wait(self, *args: Any, **options: Any) -> Any:
        """Every statement waits here, once; a stream once for each piece."""
        began = time.monotonic()
        patience = None
        if self.answer_seconds is not None:
            loop = asyncio.get_running_loop()
            patience = loop.call_later(self.answer_seconds, self._hang_up)
        try:
            return await super().wait(*args, **options)
        finally:
            if patience is not None:
                patience.cancel()
            if self.round_trips is not None:
                self.round_trips.observe(time.monotonic() - began)

    def _hang_up(self) -> None:
        """Has whoever waits see the connection's end; cancelling would wait for an answer again.

        TCP's own signs of life see a machine that is gone, and not a proxy or a firewall in between
        that keeps the connection and has forgotten what it is for.
        """
        log.warning("PostgreSQL does not answer on a connection: it is closed")
        with suppress(OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as ours:
            ours.shutdown(socket.SHUT_RDWR)


async def fetch_all(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[Any]:
    """The rows of a statement, asked for in PostgreSQL's binary format."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement, parameters)
    return await cursor.fetchall()


async def check_is_quiet(connection: PooledConnection) -> None:
    """Refuses a connection that the peer has closed: an idle one has nothing to read."""
    poll = select.poll()  # not select(), which refuses file numbers beyond 1,023
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await connection.close()  # else the pool would take it back, and hand it out again
        raise psycopg.OperationalError("the connection was closed by the other side")
