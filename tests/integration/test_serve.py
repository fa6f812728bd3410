"""`everlog serve` as its users meet it: a process with flags, an exit code, signals and a port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from everlog.v1.event_pb2 import NewEvent
from everlog.v1.event_store_pb2 import (
    EmitRequest,
    EmitStreamRequest,
    EmitStreamResponse,
    StreamedEmit,
    SubscribeRequest,
)
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog_server.settings import ServerSettings
from everlog_server.supervisor import PortInUseError, reserved_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 30
STOP_SECONDS = 20
SERVICE = "everlog.v1.EventStoreService"
CATALOG_SERVICE = "everlog.v1.CatalogService"
AGGREGATE_SERVICE = "everlog.v1.AggregateService"


@dataclass
class Served:
    """A running `everlog serve`."""

    process: subprocess.Popen[str]
    ready_file: Path
    address: str = ""
    pid: int = 0
    log: str = field(default="", init=False)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signals, waits, keeps what was logged, and returns the exit code."""
        self.process.send_signal(number)
        _, self.log = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "everlog_server", "serve", "--port", "0", *flags]


@contextmanager
def serving(tmp_path: Path, *flags: str) -> Iterator[Served]:
    ready_file = tmp_path / "ready.json"
    with subprocess.Popen(
        command("--ready-file", str(ready_file), *flags), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(lambda: ready_file.exists() or process.poll() is not None, START_SECONDS)
            assert process.poll() is None, process.communicate()[1]
            yield Served(process, ready_file, **json.loads(ready_file.read_text()))
        finally:
            if process.poll() is None:
                process.kill()


def fails(*flags: str) -> tuple[int, str]:
    """The exit code and the words of a serve that does not come to serving."""
    done = subprocess.run(
        command(*flags), capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    return done.returncode, done.stderr


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def health(address: str, service: str = "") -> str:
    with grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=service)
        status = stub.Check(request, timeout=5, wait_for_ready=True).status
    return health_pb2.HealthCheckResponse.ServingStatus.Name(status)


def until_its_end(stream: Any) -> tuple[list[Any], grpc.RpcError]:
    """The messages of a stream, and the error that ends it."""
    messages = []
    try:
        for message in stream:
            messages.append(message)  # noqa: PERF402  all that came before the error count
    except grpc.RpcError as error:
        return messages, error
    raise AssertionError("the stream has ended well")


def reason_of(error: Any) -> str:
    """The ErrorInfo's reason."""
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason


def services(address: str) -> set[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(address) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        answer = next(iter(stub.ServerReflectionInfo(iter([request]), timeout=5)))
    return {service.name for service in answer.list_services_response.service}


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = []
    for child in map(int, children):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "--as-worker" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(child)
    return found


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_with_nothing_configured_it_serves_from_a_postgres_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, "--ephemeral", "--log-format", "json") as served:
        assert served.pid == served.process.pid
        for name in ("", SERVICE, CATALOG_SERVICE, AGGREGATE_SERVICE):
            assert health(served.address, name) == "SERVING"
        assert services(served.address) == {
            SERVICE,
            CATALOG_SERVICE,
            "everlog.v1.ConsumerService",
            "everlog.v1.NarrativeService",
            "everlog.v1.EntityService",
            "everlog.v1.ProjectionService",
            AGGREGATE_SERVICE,
            "everlog.v1.AdminService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        assert served.stop() == 0
    assert not served.ready_file.exists()
    lines = [json.loads(line) for line in served.log.splitlines()]
    database = next(line["description"] for line in lines if line["event"] == "database")
    assert not Path(database.split("data in ")[1].split(",")[0]).exists()
    limits = next(line for line in lines if line["event"] == "limits")
    assert limits["limits.event_bytes_max"] == 1024 * 1024


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_ends_it_well(
    tmp_path: Path, database_url: str, workers: str, number: int
) -> None:
    with serving(tmp_path, "--database-url", database_url, "--workers", workers) as served:
        started = workers_of(served.pid)
        assert health(served.address) == "SERVING"
        assert served.stop(number) == 0
        assert not any(runs(pid) for pid in started)
    assert "Traceback" not in served.log


def test_a_stop_tells_every_stream_that_it_drains_and_loses_no_emit(
    tmp_path: Path, database_url: str
) -> None:
    event = NewEvent(source="tests", event_type="tests.ran")
    stored = 0

    def successes(message: EmitStreamResponse) -> int:
        return sum(answer.HasField("response") for answer in message.answers)

    def emits() -> Iterator[EmitStreamRequest]:
        while True:
            yield EmitStreamRequest(emits=[StreamedEmit(request=EmitRequest(events=[event]))])
            time.sleep(0.001)

    with (
        serving(tmp_path, "--database-url", database_url) as served,
        grpc.insecure_channel(served.address) as channel,
    ):
        stub = EventStoreServiceStub(channel)
        following = stub.Subscribe(SubscribeRequest(after_position=0))
        assert next(following).HasField("caught_up")
        answers = stub.EmitStream(emits())
        while stored <= 50:
            stored += successes(next(answers))
        served.process.send_signal(signal.SIGTERM)
        rest, ended_emitting = until_its_end(answers)
        stored += sum(map(successes, rest))
        batches, ended_following = until_its_end(following)
        assert served.process.wait(STOP_SECONDS) == 0
    assert reason_of(ended_emitting) == reason_of(ended_following) == "SERVER_DRAINING"
    # "The answer comes after the commit is durable, never before."
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM everlog.events").fetchone()
    assert row == (stored,)
    # "Exactly the events after the cursor that match, once each, in position order."
    followed = [event.position for batch in batches for event in batch.events]
    assert followed == list(range(1, len(followed) + 1))


def test_a_dead_worker_is_replaced(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, "--database-url", database_url, "--workers", "2") as served:
        before = workers_of(served.pid)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: not runs(before[0]), 5)
        assert health(served.address) == "SERVING"  # by the other one
        wait_for(lambda: len(workers_of(served.pid)) == 2, 10)
        assert set(workers_of(served.pid)) > {before[1]}
        assert served.stop() == 0
    assert '"event":"worker_died"' in served.log


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, "--database-url", database_url, "--workers", "2") as served:
        orphans = workers_of(served.pid)
        served.process.kill()
        wait_for(lambda: not any(runs(pid) for pid in orphans), STOP_SECONDS)


def test_workers_that_can_not_start_end_it(tmp_path: Path) -> None:
    code, said = fails("--database-url", f"host={tmp_path}", "--workers", "2")
    assert code == 5
    assert "PostgreSQL can't be reached" in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_somebody_listens_on_is_refused(database_url: str, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        flags = ["--database-url", database_url, "--workers", workers, "--port", port]
        code, said = fails(*flags)
    assert code == 3
    assert f"everlog: can't listen on 127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_a_port_shared_by_other_workers_is_refused() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = ServerSettings(port=other.getsockname()[1])
        with pytest.raises(PortInUseError), reserved_port(taken):
            pass


def test_an_old_schema_is_refused_when_it_may_not_migrate(empty_database_url: str) -> None:
    code, said = fails("--database-url", empty_database_url, "--no-migrate-at-start")
    assert code == 3
    assert "run `everlog migrate`" in said
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('everlog')").fetchone() == (None,)


def test_a_wrong_setting_is_refused_by_name() -> None:
    code, said = fails("--log-level", "loud")
    assert code == 2
    assert "log.level is 'loud' (from --log-level), but must be one of" in said


def test_a_password_is_never_said(tmp_path: Path, database_url: str) -> None:
    with_password = database_url.replace("postgres@", "postgres:hunter2@")
    flags = ["--database-url", with_password, "--log-level", "debug"]
    with serving(tmp_path, *flags) as served:
        assert served.stop() == 0
    assert '"event":"settings"' in served.log
    assert "hunter2" not in served.log


def test_no_call_of_as_many_as_may_wait_ends_without_a_reason(
    tmp_path: Path, database_url: str
) -> None:
    request = EmitRequest(events=[NewEvent(source="tests", event_type="tests.ran")])
    with (
        serving(tmp_path, "--database-url", database_url) as served,
        contextlib.ExitStack() as channels,
    ):
        own = [("grpc.use_local_subchannel_pool", 1)]
        stubs = [
            EventStoreServiceStub(
                channels.enter_context(grpc.insecure_channel(served.address, options=own))
            )
            for _ in range(4)
        ]
        calls = [stubs[i % 4].Emit.future(request, timeout=30) for i in range(2000)]
        errors = [error for call in calls if (error := call.exception()) is not None]
        assert {reason_of(error) for error in errors} <= {"OVERLOADED"}
        assert len(errors) < len(calls)


def test_calls_at_a_stop_are_refused_with_a_reason_and_unread_streams_do_not_hold_it(
    tmp_path: Path, database_url: str
) -> None:
    big = NewEvent(source="tests", event_type="tests.ran", json=f'"{"x" * 9000}"')
    flags = ("--database-url", database_url, "--drain-grace-seconds", "60")
    with (
        serving(tmp_path, *flags) as served,
        grpc.insecure_channel(served.address) as channel,
    ):
        stub = EventStoreServiceStub(channel)
        for _ in range(20):
            stub.Emit(EmitRequest(events=[big] * 300))
        unread = stub.Subscribe(SubscribeRequest(after_position=0))
        served.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        error: Any = None
        while error is None:
            error = stub.Emit.future(EmitRequest(events=[big]), timeout=5).exception()
        assert reason_of(error) == "SERVER_DRAINING"
        assert served.process.wait(STOP_SECONDS) == 0
        assert time.monotonic() - started < STOP_SECONDS  # of a grace of 60
        unread.cancel()


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("--database-url", "mysql://u:sekret@h/x"), 3, "EVERLOG_DATABASE_URL"),
        (("--ephemeral", "--ready-file", "/nonexistent/x"), 3, "No such file or directory"),
        (("--ephemeral", "--insecure", "--host", "192.0.2.1"), 3, "not an address of this machine"),
        (("--data-dir", "/dev/null"), 3, "it is a file"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(
    flags: tuple[str, ...], code: int, words: str
) -> None:
    exit_code, said = fails(*flags)
    assert exit_code == code
    assert words in said
    assert "Traceback" not in said
    assert "sekret" not in said
