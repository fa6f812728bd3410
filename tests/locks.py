"""What tests wait for that only PostgreSQL can tell."""

from __future__ import annotations

import asyncio

import psycopg


async def until_somebody_waits_for_a_lock(database_url: str) -> None:
    """Returns when a statement waits for a lock that another one holds.

    The test's time limit bounds it.
    """
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(
                "SELECT FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.rowcount > 0:
                return
            await asyncio.sleep(0.01)
