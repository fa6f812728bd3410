"""A server's connections as a whole."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import psycopg
import pytest

from everlog_server.errors import StorageUnavailableError
from everlog_server.settings import StorageSettings
from everlog_server.storage.database import Database


async def test_nothing_is_left_open_when_postgresql_has_too_few_connections(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 2 IN ROLE everlog_service")
        try:
            url = urlsplit(database_url)
            database = Database(
                url._replace(netloc=url.netloc.replace("postgres@", "few@")).geturl(),
                StorageSettings(connect_timeout_seconds=1),
            )
            with pytest.raises(StorageUnavailableError):
                await database.open()
            left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'few'"
            async with asyncio.timeout(10):
                # Backends end a moment after their connections.
                while connection.execute(left).fetchone() != (0,):  # noqa: ASYNC110  PostgreSQL
                    await asyncio.sleep(0.05)
        finally:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'"
            )
            connection.execute("DROP ROLE few")
