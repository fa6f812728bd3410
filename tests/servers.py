"""Real server processes for tests, to be killed, stopped and started again on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psycopg

from everlog.v1 import event_store_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests import forks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from typing import Any

    from tests.forks import Forked

START_SECONDS = 30
STOP_SECONDS = 30


class Server:
    """An `everlog serve` process on a port that stays its own over restarts."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        *flags: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._flags = flags
        self.environment: dict[str, str] = {
            "EVERLOG_DATABASE_URL": database_url,
            **(environment or {}),
        }
        """What differs from that of this process."""
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._ready_file = folder / f"ready-{self.port}.json"
        self._log = (folder / f"server-{self.port}.log").open("ab")
        self._process: asyncio.subprocess.Process | Forked | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Starts it; returns when it serves."""
        self._ready_file.unlink(missing_ok=True)
        arguments = ["serve", "--port", str(self.port), "--ready-file", str(self._ready_file)]
        self._process = await self._run(*arguments, *self._flags)
        async with asyncio.timeout(START_SECONDS):
            while not self._ready_file.exists():
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.02)
        assert json.loads(self._ready_file.read_text())["address"].endswith(f":{self.port}")

    async def _run(self, *arguments: str) -> asyncio.subprocess.Process | Forked:
        environment = {**os.environ, **self.environment}
        # Other variables may be meant for the interpreter, or for those who load it. One that has
        # imported gRPC must not start workers.
        if all(name.startswith("EVERLOG_") for name in self.environment) and not any(
            flag.startswith("--workers") for flag in arguments
        ):
            return forks.everlog(*arguments, environment=environment, output=self._log.fileno())
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everlog_server", *arguments),
            env=environment,
            stdout=self._log,
            stderr=self._log,
        )

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signals it and waits; its exit code."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS):
            return await self._process.wait()

    async def kill(self) -> None:
        """Kill -9."""
        await self.stop(signal.SIGKILL)

    @property
    def log(self) -> str:
        """What it has said, to be shown when a test fails."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    async def close(self) -> None:
        """Ends it, if it still runs, and its log."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        self._log.close()


@asynccontextmanager
async def serving(database_url: str, folder: Path, *flags: str) -> AsyncIterator[Server]:
    """A server that serves; it is ended with the block, if it has not been already."""
    server = Server(database_url, folder, *flags)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


@dataclass(frozen=True, slots=True)
class SharedServer:
    """A server that serves many tests, each with tenants of its own."""

    server: Server
    database_url: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(2, step=1_000))

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"everlog://{self.server.address}"

    def new_tenant(self) -> str:
        """The name of a tenant with an empty log."""
        # Those between are for tenants that a test has the server make.
        number = next(self._numbers)
        make_tenant(self.database_url, f"tenant-{number}", number)
        return f"tenant-{number}"


def make_tenant(database_url: str, name: str, tenant_id: int, *, head: int = 0) -> None:
    """A tenant with an empty log, or with one that says that it is long already."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO everlog.tenant_names (name, tenant_id) VALUES (%s, %s)", (name, tenant_id)
        )
        connection.execute(
            "INSERT INTO everlog.tenants (tenant_id, head, head_event_id) VALUES (%s, %s, %s)",
            (tenant_id, head, uuid.uuid4() if head else None),
        )


class _ForTenant:
    """Says for which tenant a call is, unless the call says it."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    def _named(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        if "everlog-tenant" not in metadata:
            metadata.add("everlog-tenant", self._tenant)
        return details._replace(metadata=metadata)


class _UnaryForTenant(_ForTenant, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        return await continuation(self._named(client_call_details), request)


class _StreamForTenant(_ForTenant, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        return await continuation(self._named(client_call_details), request)


def tenant_channel(address: str, tenant: str = "") -> grpc.aio.Channel:
    """A connection of its own, which reconnects quickly; calls are of a tenant, if one is named.

    Those that stream requests name it themselves.
    """
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
        ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ]
    interceptors = [_UnaryForTenant(tenant), _StreamForTenant(tenant)] if tenant else None
    return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)


@asynccontextmanager
async def stub_for(address: str, tenant: str = "") -> AsyncIterator[EventStoreServiceStub]:
    """A stub on a channel of its own."""
    async with tenant_channel(address, tenant) as channel:
        yield EventStoreServiceStub(channel)


async def read_log(stub: EventStoreServiceStub) -> list[pb.event__pb2.RecordedEvent]:
    """The whole log of the stub's tenant."""
    return [event async for batch in stub.Replay(pb.ReplayRequest()) for event in batch.events]


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
