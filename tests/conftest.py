"""A real PostgreSQL for the tests, one per pytest process, started when a test first asks for it.

Its database `everlog` is migrated once and then only cloned: each test that takes `database_url`
has a database of its own, made in some 30 ms.
"""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tests start processes while gRPC's threads run; its handlers of fork() crash the child.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

# Whoever starts us in the background may have SIGINT ignored; what we start would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

_numbers = count(1)


def with_database(dsn: str, name: str) -> str:
    """The URL of another database of the same PostgreSQL."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL whose database `everlog` is empty."""
    server = EmbeddedPostgres(ephemeral=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database, to be cloned; nobody may be connected to it."""
    migrations.migrate(postgres.dsn)
    return urlsplit(postgres.dsn).path.removeprefix("/")


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A superuser's URL of a new database without a schema; it goes when the test ends."""
    yield from _new_database(postgres, template="template1")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """A superuser's URL of a new, migrated database; it goes when the test ends."""
    yield from _new_database(postgres, template=template_database)


def _new_database(postgres: EmbeddedPostgres, *, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield with_database(postgres.dsn, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
