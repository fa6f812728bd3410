"""PostgreSQL goes away, at once and without a goodbye; the server stays, and tells the truth."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres
from everlog_server.storage.postgres_binaries import Owner, choose_owner
from tests.factories import assert_gap_free
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

NOT_STORED = {"STORAGE_UNAVAILABLE"}
NOT_KNOWN = {"COMMIT_UNKNOWN"}


class _Unwatched(EmbeddedPostgres):
    """One whose death nobody mends, like a PostgreSQL that is not ours."""

    @contextmanager
    def _watched(self, cluster: Path, *, owner: Owner) -> Iterator[None]:
        yield


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that no other test uses."""
    server = _Unwatched(ephemeral=True)
    server.start()
    yield server
    server.stop()


def _pg_ctl(server: EmbeddedPostgres, *words: str) -> None:
    cluster = server.data_dir / "pgdata"
    done = choose_owner(cluster).run(
        server.programs / "pg_ctl", *words, f"--pgdata={cluster}", "--wait", timeout_seconds=60
    )
    assert done.returncode == 0, done.stderr


def _start(server: EmbeddedPostgres) -> None:
    # As it was started before: postmaster.opts has the flags.
    options = (server.data_dir / "pgdata" / "postmaster.opts").read_text()
    flags = options.split(maxsplit=1)[1].strip()
    _pg_ctl(server, "start", f"--log={server.data_dir / 'log' / 'again.log'}", f"--options={flags}")
    # It is for the end of the test to stop this one, not its predecessor.
    server._postmaster = int((server.data_dir / "pgdata" / "postmaster.pid").read_text().split()[0])


def _reason(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what it takes
    info = error_details_pb2.ErrorInfo()
    assert status is not None, error
    assert any(detail.Unpack(info) for detail in status.details), error
    return info.reason


async def _write(
    stub: EventStoreServiceStub, writer: int, told: dict[str, object], stop: asyncio.Event
) -> None:
    """Emits without keys, each event once, and notes what it is told."""
    n = 0
    while not stop.is_set():
        n += 1
        mark = f"{writer}-{n}"
        event = event_pb2.NewEvent(
            aggregate_type="a", aggregate_id=mark[0], event_type="a.written", json=f'"{mark}"'
        )
        try:
            response = await stub.Emit(pb.EmitRequest(events=[event]), timeout=20)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE, error
            told[mark] = _reason(error)
            await asyncio.sleep(0.02)
        else:
            told[mark] = response.receipts[0].position


async def test_while_postgres_is_away_callers_are_told_so_and_then_all_goes_on(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    migrations.migrate(own_postgres.dsn)
    told: dict[str, object] = {}
    received: list[event_pb2.RecordedEvent] = []
    stop = asyncio.Event()
    flags = ("--append-commit-resolution-seconds", "0.5", "--log-level", "debug")
    async with (
        serving(own_postgres.dsn, tmp_path, *flags) as server,
        stub_for(server.address) as stub,
        asyncio.TaskGroup() as tasks,
    ):

        async def follow() -> None:
            """One stream, over all of it: a restart of PostgreSQL does not end it."""
            async for message in stub.Subscribe(pb.SubscribeRequest(after_position=0)):
                received.extend(message.events)
                if any(event.event_type == "end" for event in message.events):
                    return

        following = tasks.create_task(follow())
        writers = [tasks.create_task(_write(stub, n, told, stop)) for n in range(8)]

        async def reach(count: int) -> None:
            while sum(isinstance(answer, int) for answer in told.values()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        await reach(200)
        for _ in range(2):
            stored = sum(isinstance(answer, int) for answer in told.values())
            await asyncio.to_thread(_pg_ctl, own_postgres, "stop", "--mode=immediate")
            while "STORAGE_UNAVAILABLE" not in told.values():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetHead(pb.GetHeadRequest())
            assert _reason(refused.value) == "STORAGE_UNAVAILABLE"
            await asyncio.to_thread(_start, own_postgres)
            await reach(stored + 200)
        stop.set()
        await asyncio.gather(*writers)
        end = event_pb2.NewEvent(aggregate_type="end", aggregate_id="1", event_type="end")
        await stub.Emit(pb.EmitRequest(events=[end]))
        await asyncio.wait_for(following, 30)
        log = await read_log(stub)

    assert_gap_free(log)
    stored_at = {event.json.strip('"'): event.position for event in log[:-1]}
    receipts = {mark: answer for mark, answer in told.items() if isinstance(answer, int)}
    assert {mark: stored_at.get(mark) for mark in receipts} == receipts
    refused_marks = {mark for mark, answer in told.items() if answer in NOT_STORED}
    assert refused_marks
    assert not refused_marks & stored_at.keys()
    unknown = {mark for mark, answer in told.items() if answer in NOT_KNOWN}
    assert stored_at.keys() <= receipts.keys() | unknown
    assert len(stored_at) == len(log) - 1
    assert received == log
