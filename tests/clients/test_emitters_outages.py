"""Emitters whose server is down, slow, refusing, and coming back: nobody waits, nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from pyee import EventEmitter

import everlog
import everlog.emitters.writer as writer_module
from everlog.emitters import EventWriter, Stats, persist_events, world_events
from everlog.emitters.delivery import judge
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import ScriptedServer, fail, scripted, status
from tests.faults.proxy import proxied
from tests.servers import Server, serving

SOON = everlog.Backoff(initial_seconds=0.01, max_seconds=0.05)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="el") as folder:
        yield Path(folder)


def say(emitter: EventEmitter, *numbers: int) -> None:
    """Emit messages, in the loop's own thread: if this waited for the server, it would for ever."""
    for n in numbers:
        emitter.emit("message", {"content": n, "messageId": str(n), "chatId": "c"})


async def contents(address: str) -> list[int]:
    """What is stored, by a client of its own."""
    async with everlog.connect(address) as client:
        events = world_events(client, world="w", chat="c")
        return [event.data["content"] async for event in events]


# --- Down, slow, coming back ----------------------------------------------------------------------


async def test_a_server_that_is_not_there_yet_gets_everything_in_order_when_it_comes(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "everlog.emitters")
    emitter = EventEmitter()
    heard: list[Any] = []
    emitter.add_listener("message", heard.append)
    server = Server(database_url, tmp_path)
    try:
        async with (
            everlog.connect(server.address, backoff=SOON) as client,
            persist_events(emitter, client, world="w", attempt_timeout_seconds=0.2) as attachment,
        ):
            say(emitter, *range(100))
            assert not await attachment.flush(0.5)
            assert attachment.stats.buffered == 100
            say(emitter, *range(100, 200))
            await server.start()
            assert await attachment.flush(20)
            stats = attachment.stats  # an answer that came too late: the next attempt is known
            assert stats.stored + stats.deduplicated == 200
        assert [event["content"] for event in heard] == list(range(200))
        assert await contents(server.address) == list(range(200))
    finally:
        await server.close()
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("world w: UNAVAILABLE: ")
    assert "100 events" in told[0]
    assert told[-1].startswith("world w: the server answers again, after")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_is_ended_and_started_again_and_again_gets_each_event_once(
    database_url: str, tmp_path: Path, ending: signal.Signals
) -> None:
    emitter = EventEmitter()
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(server.address, backoff=SOON) as client,
    ):
        attachment = persist_events(emitter, client, world="w", attempt_timeout_seconds=1)
        emitted = 0
        for _ in range(2):
            stopping = asyncio.create_task(_stop_soon(server, ending))
            while not stopping.done():
                say(emitter, *range(emitted, emitted + 20))
                emitted += 20
                await asyncio.sleep(random.uniform(0, 0.005))
            say(emitter, *range(emitted, emitted + 50))
            emitted += 50
            await server.start()
        report = await attachment.close(20)
        assert report.stats.stored + report.stats.deduplicated == emitted
        assert await contents(server.address) == list(range(emitted))


async def _stop_soon(server: Server, number: signal.Signals) -> None:
    await asyncio.sleep(0.2)
    await server.stop(number)


async def test_a_server_that_hangs_delays_nobody_and_gets_each_event_once(
    database_url: str, tmp_path: Path
) -> None:
    emitter = EventEmitter()
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(server.address, backoff=SOON) as client,
        persist_events(emitter, client, world="w", attempt_timeout_seconds=0.3) as attachment,
    ):
        say(emitter, 0)
        assert await attachment.flush()
        os.kill(server.pid, signal.SIGSTOP)
        try:
            say(emitter, *range(1, 700))
            assert not await attachment.flush(1.5)
            assert attachment.stats.buffered == 699
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert await attachment.flush(20)
        assert attachment.stats.failed == 0
        assert await contents(server.address) == list(range(700))


async def test_a_storage_that_is_slow_and_then_cut_off_gets_each_event_once(
    database_url: str, short_folder: Path, tmp_path: Path
) -> None:
    emitter = EventEmitter()
    async with (
        proxied(database_url, short_folder) as (proxy, url),
        serving(url, tmp_path) as server,
        everlog.connect(server.address, backoff=SOON) as client,
        persist_events(emitter, client, world="w", attempt_timeout_seconds=0.5) as attachment,
    ):
        say(emitter, 0)
        assert await attachment.flush()
        with psycopg.connect(database_url) as holder:  # somebody holds the lock of every append
            holder.execute("SELECT head FROM everlog.tenants FOR UPDATE")
            say(emitter, *range(1, 600))
            assert not await attachment.flush(0.7)
        assert await attachment.flush(20)
        proxy.closed = True
        proxy.cut()
        say(emitter, *range(600, 1_200))
        assert not await attachment.flush(0.7)
        proxy.closed = False
        assert await attachment.flush(20)
        assert attachment.stats.failed == 0
        assert await contents(server.address) == list(range(1_200))


# --- The bounds -----------------------------------------------------------------------------------


async def test_a_full_buffer_drops_the_newest_and_says_so(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = EventEmitter()
    dropped: list[tuple[int, str]] = []

    def on_dropped(event: dict[str, Any], channel: str) -> None:
        dropped.append((event["content"], channel))
        emitter.emit("message", event)  # which is dropped, too, and nobody is told of it
        raise LookupError("mine")

    server = Server(database_url, tmp_path)
    try:
        async with everlog.connect(server.address, backoff=SOON) as client:
            attachment = persist_events(
                emitter, client, world="w", buffer_events_max=100, on_dropped=on_dropped
            )
            say(emitter, *range(150))
            assert dropped == [(n, "message") for n in range(100, 150)]
            assert attachment.stats == Stats(
                stored=0, deduplicated=0, dropped=100, failed=0, buffered=100
            )
            await server.start()
            assert await attachment.flush(20)
            say(emitter, 150)  # there is room again
            report = await attachment.close(20)
            assert report.stats == Stats(
                stored=101, deduplicated=0, dropped=100, failed=0, buffered=0
            )
            emitter.emit("message", {"content": "after the end"})
            assert attachment.stats == report.stats
        assert await contents(server.address) == [*range(100), 150]
    finally:
        await server.close()
    told = [r.getMessage() for r in caplog.records if "dropped" in r.getMessage()]
    assert len(told) == 2  # of 100 drops and 50 failures of the callback
    assert "dropped an event of message, 1 in all: 100 events (" in told[0]
    assert "on_dropped failed: LookupError: mine" in told[1]


async def test_the_buffer_is_bounded_by_bytes_too() -> None:
    emitter = EventEmitter()
    async with everlog.connect("127.0.0.1:9", backoff=SOON) as client:
        attachment = persist_events(emitter, client, world="w", buffer_bytes_max=1_000_000)
        for _ in range(20):
            emitter.emit("system", "x" * 100_000)
        assert (attachment.stats.buffered, attachment.stats.dropped) == (9, 11)
        await attachment.close(0.01)


async def test_closing_tells_what_was_not_stored_which_may_be_emitted_later(
    database_url: str, tmp_path: Path
) -> None:
    emitter = EventEmitter()
    async with serving(database_url, tmp_path) as server:
        async with everlog.connect(server.address, backoff=SOON) as client:
            attachment = persist_events(emitter, client, world="w")
            say(emitter, *range(3))
            assert await attachment.flush()
            os.kill(server.pid, signal.SIGSTOP)
            try:
                say(emitter, *range(3, 10))
                report = await attachment.close(0.5)
                assert report.stats.buffered == len(report.unstored) == 7
                assert [event.json for event in report.unstored] == [
                    f'{{"content":{n}}}' for n in range(3, 10)
                ]
            finally:
                os.kill(server.pid, signal.SIGCONT)
            # Perhaps they have arrived after all: their keys tell.
            await client.emit_many(list(report.unstored), known_events="skip")
        assert await contents(server.address) == list(range(10))


async def test_closing_the_client_waits_for_a_server_that_is_away_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_module, "_CLIENT_CLOSES_SECONDS_MAX", 0.2)
    emitter = EventEmitter()
    async with everlog.connect("127.0.0.1:9", backoff=SOON) as client:
        attachment = persist_events(emitter, client, world="w")
        say(emitter, 1)
    assert attachment.stats.buffered == 1


def test_what_waits_when_the_loop_ends_goes_out_in_the_next_one(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of a module may be opened in one loop after another."""
    monkeypatch.setattr(writer_module, "_CLIENT_CLOSES_SECONDS_MAX", 0.2)
    server = Server(database_url, tmp_path)
    client = everlog.connect(server.address)
    writer = EventWriter(client)
    writer.offer(everlog.Event("a.b", source="s", data=1))  # no loop yet

    async def first() -> None:
        async with client:
            writer.offer(everlog.Event("a.b", source="s", data=2))

    asyncio.run(first())
    assert writer.stats.buffered == 2

    async def second() -> list[Any]:
        try:
            await server.start()
            async with client:
                writer.offer(everlog.Event("a.b", source="s", data=3))
                assert await writer.flush(20)
                return [event.data async for event in client.replay()]
        finally:
            await server.close()

    assert asyncio.run(second()) == [1, 2, 3]


def test_a_synchronous_client_delays_nobody_either(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_CLIENT_CLOSES_SECONDS_MAX", 0.2)
    emitter = EventEmitter()
    with everlog.connect_sync("127.0.0.1:9", backoff=SOON) as client:
        attachment = persist_events(emitter, client, world="w", attempt_timeout_seconds=0.2)
        say(emitter, *range(100))
        assert not attachment.flush_blocking(0.5)
        report = attachment.close_blocking(0.1)
        assert len(report.unstored) == 100


# --- Refusals -------------------------------------------------------------------------------------


async def test_events_that_are_refused_for_good_cost_only_themselves(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = EventEmitter()
    bad = {3, 4, 250, 499}
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(server.address) as client,
        persist_events(emitter, client, world="w") as attachment,
    ):
        for n in range(600):
            content = 10**400 if n in bad else n  # beyond what PostgreSQL's jsonb and a double take
            emitter.emit("message", {"content": content, "messageId": str(n), "chatId": "c"})
        assert await attachment.flush(30)
        assert (attachment.stats.stored, attachment.stats.failed) == (596, 4)
        assert await contents(server.address) == [n for n in range(600) if n not in bad]
    (line,) = [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]
    assert "message.published with key 'w/message:3:published' is refused for good" in line


async def test_a_key_that_other_content_has_is_refused_alone(
    database_url: str, tmp_path: Path
) -> None:
    emitter = EventEmitter()
    became = []
    async with serving(database_url, tmp_path) as server:
        for content in ("one", "two"):
            async with everlog.connect(server.address) as client:
                attachment = persist_events(emitter, client, world="w")
                emitter.emit("system", {"content": content, "messageId": "same"})
                emitter.emit("system", {"content": content, "messageId": content})
                report = await attachment.close()
            became.append((report.stats.stored, report.stats.failed))
    assert became == [(2, 0), (1, 1)]


def refusing(code: grpc.StatusCode, reason: str, times: int) -> Any:
    """A script: the first emits are refused, the others answered."""
    refused = 0

    async def script(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        nonlocal refused
        async for message in messages:
            for emit in message.emits:
                given = event_store_pb2.StreamedAnswer(request_id=emit.request_id)
                if refused < times:
                    refused += 1
                    given.status.CopyFrom(status(code, reason))
                else:
                    for _ in emit.request.events:
                        given.response.receipts.add(event_id="id")
                yield event_store_pb2.EmitStreamResponse(answers=[given])

    return script


def sizes(server: ScriptedServer) -> list[int]:
    return [len(emit.request.events) for message in server.requests for emit in message.emits]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
        (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
        (grpc.StatusCode.NOT_FOUND, "TENANT_NOT_FOUND"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (grpc.StatusCode.UNIMPLEMENTED, ""),
    ],
)
async def test_what_is_the_moments_fault_is_waited_for(code: grpc.StatusCode, reason: str) -> None:
    """A token that has expired, a tenant that is not there yet: somebody may see to it."""
    emitter = EventEmitter()
    async with (
        scripted(EmitStream=[refusing(code, reason, 5)]) as server,
        everlog.connect(server.address, backoff=SOON) as client,
        persist_events(emitter, client, world="w", backoff=SOON) as attachment,
    ):
        say(emitter, *range(8))
        assert await attachment.flush()
        assert attachment.stats.stored == 8
        assert sizes(server) == [8] * 6


async def test_what_may_be_either_is_tried_thrice_and_then_taken_for_the_events_fault() -> None:
    emitter = EventEmitter()
    script = refusing(grpc.StatusCode.INTERNAL, "INTERNAL", 9)
    async with (
        scripted(EmitStream=[script]) as server,
        everlog.connect(server.address) as client,
        persist_events(emitter, client, world="w", backoff=SOON) as attachment,
    ):
        say(emitter, *range(4))
        assert await attachment.flush()
        assert (attachment.stats.stored, attachment.stats.failed) == (3, 1)
        assert sizes(server) == [4, 4, 4, 2, 2, 2, 1, 1, 1, 1, 2]


async def test_an_interrupted_batch_is_sent_again_with_the_same_keys() -> None:
    async def dies(messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in messages:
            await fail(context, status(grpc.StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN"))
        yield

    emitter = EventEmitter()
    answering = refusing(grpc.StatusCode.OK, "", 0)
    async with (
        scripted(EmitStream=[dies, dies, answering]) as server,
        everlog.connect(server.address, backoff=None) as client,
        persist_events(emitter, client, world="w", backoff=SOON) as attachment,
    ):
        say(emitter, *range(5))
        assert await attachment.flush()
        sent = [[e.idempotency_key for e in m.emits[0].request.events] for m in server.requests]
        assert sent == [[f"w/message:{n}:published" for n in range(5)]] * 3
        assert server.requests[0].emits[0].request.known_events == (
            event_store_pb2.KNOWN_EVENTS_POLICY_SKIP
        )


def test_each_failure_has_its_verdict() -> None:
    verdicts = {
        "refused": [
            everlog.InvalidEvent(),
            everlog.EventTooLarge(),
            everlog.EventDataInvalid(),
            everlog.IdempotencyKeyReused(),
        ],
        "wait": [
            everlog.ConnectionLost(),
            everlog.StorageUnavailable(),
            everlog.CommitUnknown(),
            everlog.Overloaded(),
            everlog.DeadlineExceeded(),
            everlog.Unauthenticated(),
            everlog.PermissionDenied(),
            everlog.TenantNotFound(),
            everlog.EverlogError(code=grpc.StatusCode.INTERNAL),  # cut off: everlog has a reason
        ],
        "unclear": [
            everlog.InternalError(),
            everlog.ResourceExhausted(),  # such as gRPC's own, of a message that is too large
            everlog.EverlogError(),
        ],
    }
    for verdict, errors in verdicts.items():
        assert {judge(error) for error in errors} == {verdict}
