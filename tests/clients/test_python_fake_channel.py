"""What a live server can't be made to do: every refusal, at every moment, by a fake clock.

The channel and the clock are grpcio-testing's. It has no `grpc.aio`, so the calls are those of the
generated synchronous stubs, made by the client's own `Connection.read` as it would make its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc_testing
import pytest
from google.rpc import status_pb2
from grpc.aio import AioRpcError, Metadata

import everlog
from everlog.address import parse_address
from everlog.channel import call_headers
from everlog.connection import Connection
from everlog.errors import ERRORS_BY_REASON
from everlog.reach import Reach
from everlog.retry import Backoff
from everlog.status import error_from_rpc
from everlog.v1 import event_store_pb2
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests.clients import fake_time
from tests.clients.scripted_server import events, status

SERVICE = event_store_pb2.DESCRIPTOR.services_by_name["EventStoreService"]
OK = grpc.StatusCode.OK
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE

# Steady, so that a test can say when: jitter takes off a half at most, `run` below sets it to none.
STEADY = Backoff(initial_seconds=1.0, max_seconds=8.0, multiplier=2.0)


@pytest.fixture
def clock() -> grpc_testing.Time:
    return grpc_testing.strict_fake_time(0.0)


@pytest.fixture
def channel(clock: grpc_testing.Time) -> grpc_testing.Channel:
    return grpc_testing.channel([SERVICE], clock)


def failure_of(call: Any) -> Any:
    """What a call that is over raises."""
    with pytest.raises(grpc.RpcError) as failed:
        call.result()
    return failed.value


def trailers(given: status_pb2.Status | None) -> tuple[tuple[str, bytes], ...]:
    return () if given is None else (("grpc-status-details-bin", given.SerializeToString()),)


# --- From a status on the wire to a typed error, on the synchronous stubs -------------------------


@pytest.mark.parametrize("kind", ERRORS_BY_REASON.values(), ids=ERRORS_BY_REASON.keys())
def test_each_reason_of_a_unary_call_has_its_error(
    channel: grpc_testing.Channel, kind: type[everlog.EverlogError]
) -> None:
    call = EventStoreServiceStub(channel).Emit.future(event_store_pb2.EmitRequest())
    _, _, rpc = channel.take_unary_unary(SERVICE.methods_by_name["Emit"])
    given = status(kind.code, kind.reason, message="so it is", retry_after=2.5, omitted="3")
    rpc.terminate(None, trailers(given), kind.code, "so it is")
    error = error_from_rpc(failure_of(call))
    assert type(error) is kind
    assert (error.reason, error.code, error.message) == (kind.reason, kind.code, "so it is")
    assert (error.retry_after, error.metadata) == (2.5, {"omitted": "3"})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, everlog.ConnectionLost),
        (grpc.StatusCode.DEADLINE_EXCEEDED, everlog.DeadlineExceeded),
        (grpc.StatusCode.UNAUTHENTICATED, everlog.Unauthenticated),
        (grpc.StatusCode.PERMISSION_DENIED, everlog.PermissionDenied),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, everlog.ResourceExhausted),
        (grpc.StatusCode.UNIMPLEMENTED, everlog.EverlogError),
        (grpc.StatusCode.CANCELLED, everlog.EverlogError),
        (grpc.StatusCode.INTERNAL, everlog.EverlogError),
    ],
)
def test_a_failure_that_everlog_did_not_send_has_its_code_and_no_reason(
    channel: grpc_testing.Channel, code: grpc.StatusCode, kind: type[everlog.EverlogError]
) -> None:
    call = EventStoreServiceStub(channel).GetHead.future(event_store_pb2.GetHeadRequest())
    _, _, rpc = channel.take_unary_unary(SERVICE.methods_by_name["GetHead"])
    rpc.terminate(None, (), code, "a proxy says so")
    error = error_from_rpc(failure_of(call))
    assert (type(error), error.reason, error.code) == (kind, "", code)
    assert error.message == "a proxy says so"


def test_a_stream_gives_what_came_before_it_failed(channel: grpc_testing.Channel) -> None:
    call = EventStoreServiceStub(channel).Replay(event_store_pb2.ReplayRequest())
    _, _, rpc = channel.take_unary_stream(SERVICE.methods_by_name["Replay"])
    rpc.send_response(event_store_pb2.ReplayResponse(events=events(1, 2)))
    rpc.send_response(event_store_pb2.ReplayResponse(events=events(3)))
    assert [[event.position for event in next(call).events] for _ in range(2)] == [[1, 2], [3]]
    rpc.terminate(trailers(status(UNAVAILABLE, "SERVER_DRAINING")), UNAVAILABLE, "")
    with pytest.raises(grpc.RpcError) as failed:
        next(call)
    assert type(error_from_rpc(failed.value)) is everlog.ServerDraining


# --- Deadlines and retries, by the clock ----------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """What the peer does with one attempt: answers so, after so long."""

    after_seconds: float = 0.0
    reason: str = ""
    code: grpc.StatusCode = OK
    retry_after: float | None = None


@dataclass
class Peer:
    """Answers the attempts of a read by its turns, and notes when each came, with what."""

    channel: grpc_testing.Channel
    turns: list[Turn]
    came: list[float] = field(default_factory=list)
    timeouts: list[float | None] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)

    async def get_head(
        self,
        request: event_store_pb2.GetHeadRequest,
        /,
        *,
        timeout: float | None,  # noqa: ASYNC109 - as grpc has it
        metadata: Any,
    ) -> event_store_pb2.GetHeadResponse:
        """One attempt, on the synchronous stub; its deadline ends it, as in a live call."""
        loop = asyncio.get_running_loop()
        self.came.append(round(loop.time(), 6))
        self.timeouts.append(None if timeout is None else round(timeout, 6))
        call = EventStoreServiceStub(self.channel).GetHead.future(
            request, timeout=timeout, metadata=metadata
        )
        given_headers, _, rpc = self.channel.take_unary_unary(SERVICE.methods_by_name["GetHead"])
        self.headers.append(tuple((name, value) for name, value in given_headers))
        turn = self.turns.pop(0)
        if timeout is not None and turn.after_seconds > timeout:
            turn = Turn(timeout, code=grpc.StatusCode.DEADLINE_EXCEEDED)
        await asyncio.sleep(turn.after_seconds)
        given = (
            status(turn.code, turn.reason, retry_after=turn.retry_after) if turn.reason else None
        )
        response = event_store_pb2.GetHeadResponse(position=7) if turn.code is OK else None
        rpc.terminate(response, trailers(given), turn.code, "")
        if turn.code is OK:
            return call.result()
        failure = failure_of(call)
        raise AioRpcError(
            failure.code(), Metadata(), Metadata(*failure.trailing_metadata()), failure.details()
        )


def read(
    peer: Peer,
    clock: grpc_testing.Time,
    monkeypatch: pytest.MonkeyPatch,
    *,
    timeout_seconds: float | None = 30.0,
    backoff: Backoff | None = STEADY,
) -> event_store_pb2.GetHeadResponse:
    """Have the client's connection make the read, by the fake clock."""

    async def story() -> event_store_pb2.GetHeadResponse:
        async with grpc.aio.insecure_channel("127.0.0.1:1") as unused:
            connection = Connection(
                unused,
                Reach(unused, parse_address("127.0.0.1:1"), timeout_seconds=None),
                tenant="acme",
                token="t0ken",
                timeout_seconds=timeout_seconds,
                backoff=backoff,
            )
            return await connection.read(peer.get_head, event_store_pb2.GetHeadRequest())

    monkeypatch.setattr(Backoff.seconds, "__kwdefaults__", _without_jitter())
    return fake_time.run(story(), clock)


def _without_jitter() -> dict[str, Any]:
    return {**(Backoff.seconds.__kwdefaults__ or {}), "random": lambda: 1.0}


AWAY = Turn(0.25, "STORAGE_UNAVAILABLE", UNAVAILABLE)


def test_each_attempt_is_given_what_is_left_of_the_time(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [AWAY, AWAY, AWAY, Turn(0.25)])
    assert read(peer, clock, monkeypatch).position == 7
    # Each attempt takes 0.25 s; between them are 1, 2 and 4 s.
    assert peer.came == [0.0, 1.25, 3.5, 7.75]
    assert peer.timeouts == [30.0, 28.75, 26.5, 22.25]
    assert clock.time() == pytest.approx(8.0)


def test_waits_grow_up_to_their_cap(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = Turn(0.0, "SERVER_DRAINING", UNAVAILABLE)
    peer = Peer(channel, [at_once] * 7 + [Turn()])
    read(peer, clock, monkeypatch, timeout_seconds=None)
    waits = [later - sooner for sooner, later in zip(peer.came, peer.came[1:], strict=False)]
    assert waits == pytest.approx([1, 2, 4, 8, 8, 8, 8])
    assert peer.timeouts == [None] * 8


def test_a_wait_that_the_server_asks_for_is_kept(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = Turn(0.0, "STORAGE_UNAVAILABLE", UNAVAILABLE, retry_after=5.0)
    peer = Peer(channel, [asks, asks, Turn()])
    read(peer, clock, monkeypatch)
    assert peer.came == [0.0, 5.0, 10.0]


def test_a_wait_that_would_outlast_the_deadline_is_not_begun(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [AWAY] * 10)
    with pytest.raises(everlog.StorageUnavailable):
        read(peer, clock, monkeypatch, timeout_seconds=7.0)
    assert peer.came == [0.0, 1.25, 3.5]
    assert clock.time() == pytest.approx(3.75)


def test_a_server_that_asks_for_more_than_is_left_is_not_waited_for(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [Turn(0.0, "STORAGE_UNAVAILABLE", UNAVAILABLE, retry_after=60.0)])
    with pytest.raises(everlog.StorageUnavailable) as failed:
        read(peer, clock, monkeypatch)
    assert failed.value.retry_after == 60.0
    assert clock.time() == 0.0


def test_an_attempt_that_hangs_ends_at_the_deadline_and_tells_what_was_before(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [AWAY, Turn(3600.0)])
    with pytest.raises(everlog.StorageUnavailable):
        read(peer, clock, monkeypatch)
    assert clock.time() == pytest.approx(30.0)


def test_an_attempt_that_hangs_without_a_reason_is_a_deadline_exceeded(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [Turn(3600.0)])
    with pytest.raises(everlog.DeadlineExceeded):
        read(peer, clock, monkeypatch, timeout_seconds=2.0)
    assert clock.time() == pytest.approx(2.0)


def test_without_a_backoff_nothing_is_tried_again(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [AWAY, Turn()])
    with pytest.raises(everlog.StorageUnavailable):
        read(peer, clock, monkeypatch, backoff=None)
    assert peer.came == [0.0]


@pytest.mark.parametrize(
    "reason",
    [
        name
        for name, kind in ERRORS_BY_REASON.items()
        if not issubclass(kind, everlog.Unavailable | everlog.Overloaded)
    ],
)
def test_an_answer_is_not_asked_for_twice(
    channel: grpc_testing.Channel,
    clock: grpc_testing.Time,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
) -> None:
    kind = ERRORS_BY_REASON[reason]
    peer = Peer(channel, [Turn(0.0, reason, kind.code), Turn()])
    with pytest.raises(kind):
        read(peer, clock, monkeypatch)
    assert peer.came == [0.0]


def test_every_attempt_names_the_tenant_and_shows_the_token(
    channel: grpc_testing.Channel, clock: grpc_testing.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(channel, [AWAY, Turn()])
    read(peer, clock, monkeypatch)
    for headers in peer.headers:  # the channel adds one of its own, as channels may
        assert headers[:-1] == call_headers(tenant="acme", token="t0ken")
    assert len(peer.headers) == 2
