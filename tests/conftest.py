"""A real PostgreSQL for the tests, one per pytest process, started when a test first asks for it.

Its database `everlog` is migrated once and then only cloned: each test that takes `database_url`
has a database of its own, made in some 30 ms. Roles belong to a whole PostgreSQL, so with several
processes (`-n`) each has one of its own, and names need be unique within a process only.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio

from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from tests.servers import SharedServer

# Tests start processes while gRPC's threads run; its handlers of fork() crash the child.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

# Whoever starts us in the background may have SIGINT ignored; what we start would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hundreds of processes. Where the environment forbids bytecode, as container images do,
# each of them would compile all of everlog anew, and pytest each test file: it is kept in build/.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / "build" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# Every test has a database of its own, of a thousand files: on a disk making one can take half a
# second of the kernel's time, in memory a thirtieth of one. A kill -9 of PostgreSQL loses nothing
# there, either. What is to fill or to leave a disk names its folder.
MEMORY_BYTES_MIN = 4 * 1024**3
_memory = Path("/dev/shm")  # noqa: S108 - what is made there has names of its own
if (
    "TMPDIR" not in os.environ
    and os.access(_memory, os.W_OK)
    and shutil.disk_usage(_memory).free >= MEMORY_BYTES_MIN
):
    os.environ["TMPDIR"] = str(_memory)
    tempfile.tempdir = None  # it was looked up before

PROCESSES_MAX = 8

_numbers = count(1)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` means; none, where a few tests were chosen.

    One more than there are cores, as tests wait for most of their time. Starting a process costs
    as much as a dozen tests, so for few of them it is not worth it; `--pdb` has none anyway.
    """
    chosen = config.option.keyword or config.args_source is not config.ArgsSource.TESTPATHS
    return 0 if chosen else min((os.cpu_count() or 1) + 1, PROCESSES_MAX)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, Any]:
    """Reports cross from process to process as UTF-8: what was logged need not be that."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_encodable, value))
    return value


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
    with new_database(postgres, template="template1") as url:
        yield url


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """A superuser's URL of a new, migrated database; it goes when the test ends."""
    with new_database(postgres, template=template_database) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_server(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedServer]:
    """One server for the tests of a module, where a tenant of its own is enough for each of them.

    At the end it stops well, and has met no defect in any of them.
    """
    # Not above: it imports gRPC, which reads the environment then.
    from tests.servers import SharedServer, serving  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("shared_server")
    with new_database(postgres, template=template_database) as url:
        async with serving(url, folder) as server:
            yield SharedServer(server, url)
            assert await server.stop() == 0
            assert "Traceback" not in server.log


@contextmanager
def new_database(postgres: EmbeddedPostgres, *, template: str) -> Iterator[str]:
    """A superuser's URL of a new database; it goes with the block."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield with_database(postgres.dsn, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
