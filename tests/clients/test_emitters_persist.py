"""Emitters that persist themselves, on a real server: what is emitted is also stored."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from pyee import EventEmitter
from pyee.asyncio import AsyncIOEventEmitter
from pyee.executor import ExecutorEventEmitter

import everlog
from everlog.emitters import Stats, persist_events, world_events
from everlog_server.storage.embedded import EmbeddedPostgres
from tests.conftest import with_database
from tests.servers import serving

_names = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE emitters TEMPLATE {template_database}".encode())
    folder = tmp_path_factory.mktemp("emitters")
    async with serving(with_database(postgres.dsn, "emitters"), folder) as server:
        yield f"everlog://{server.address}"


@pytest_asyncio.fixture
async def client(url: str) -> AsyncIterator[everlog.Client]:
    async with everlog.connect(url) as client:
        yield client


@pytest.fixture
def world() -> str:
    """A world that no other test writes."""
    return f"world-{next(_names)}"


async def stored(
    client: everlog.Client, world: str, chat: str | None = None
) -> list[everlog.RecordedEvent]:
    return [event async for event in world_events(client, world=world, chat=chat)]


async def types(client: everlog.Client, world: str, chat: str | None = None) -> list[str]:
    return [event.event_type for event in await stored(client, world, chat)]


def converse(emitter: EventEmitter, chat: str = "c1") -> None:
    """Emit what a world emits while an agent answers a question with a tool's help."""
    now = datetime.now(UTC)
    emitter.emit(
        "message",
        {
            "content": "How warm is it?",
            "sender": "human",
            "timestamp": now,
            "messageId": "q1",
            "chatId": chat,
        },
    )
    answer = {"agentName": "weather", "messageId": "a1"}
    emitter.emit("sse", {**answer, "type": "start"})
    for part in ("It ", "is ", "warm."):
        emitter.emit("sse", {**answer, "type": "chunk", "content": part})
    execution = {"toolName": "thermometer", "toolCallId": "t1"}
    tool = {"agentName": "weather", "messageId": "a1"}
    emitter.emit("world", {**tool, "type": "tool-start", "toolExecution": execution})
    emitter.emit(
        "world", {**tool, "type": "tool-result", "toolExecution": {**execution, "result": 21}}
    )
    emitter.emit("sse", {**answer, "type": "end", "usage": {"inputTokens": 5, "outputTokens": 3}})
    emitter.emit(
        "message",
        {
            "content": "It is warm.",
            "sender": "weather",
            "agentName": "weather",
            "messageId": "a1",
            "chatId": chat,
            "replyToMessageId": "q1",
        },
    )
    emitter.emit("system", {"content": "saved", "timestamp": now, "messageId": "s1"})


# --- Storing --------------------------------------------------------------------------------------


async def test_whatever_is_emitted_is_also_stored(client: everlog.Client, world: str) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world) as attachment:
        converse(emitter)
        assert await attachment.flush()
        assert attachment.stats == Stats(stored=7, deduplicated=0, dropped=0, failed=0, buffered=0)
    of_chat = await stored(client, world, "c1")
    assert [event.event_type for event in of_chat] == ["message.published"] * 2
    assert [event.data["content"] for event in of_chat] == ["How warm is it?", "It is warm."]
    assert [event.actor for event in of_chat] == ["user:human", "agent:weather"]
    of_world = await stored(client, world)
    assert [event.event_type for event in of_world] == [
        "sse.start",
        "tool.start",
        "tool.result",
        "sse.end",
        "system.published",
    ]
    assert of_world[2].data["toolExecution"]["result"] == 21
    assert of_world[3].data["usage"] == {"inputTokens": 5, "outputTokens": 3}
    assert of_world[4].data == "saved"
    assert {event.correlation_id for event in of_world[:4]} == {"a1"}
    assert [event.sequence for event in of_world] == [1, 2, 3, 4, 5]
    assert {event.source for event in of_world} == {"emitter"}


async def test_events_of_a_burst_keep_their_order_in_their_aggregate(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world) as attachment:
        for n in range(3_000):
            emitter.emit("message", {"content": n, "messageId": str(n), "chatId": str(n % 3)})
            if n % 500 == 0:
                await asyncio.sleep(0)
        assert await attachment.flush()
    for chat in range(3):
        contents = [event.data["content"] for event in await stored(client, world, str(chat))]
        assert contents == list(range(chat, 3_000, 3))


async def test_chunks_are_stored_when_they_are_wanted(client: everlog.Client, world: str) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world, chunks=True, channels=["sse"]):
        converse(emitter)
    events = await stored(client, world)
    assert [event.event_type for event in events] == [
        "sse.start",
        *["sse.chunk"] * 3,
        "sse.end",
    ]
    assert "".join(event.data["content"] for event in events[1:4]) == "It is warm."
    assert events[3].idempotency_key == f"{world}/sse:a1:chunk:3"


async def test_channels_source_world_and_chat_may_be_chosen(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    async with persist_events(
        emitter,
        client,
        world=lambda emitted, _channel: f"{world}/{emitted['in']}",
        chat=lambda emitted, _channel: emitted.get("room"),
        channels=["metrics"],
        source="sensor",
    ):
        emitter.emit("metrics", {"type": "tick", "in": "a", "room": 7})
        emitter.emit("metrics", {"type": "tock", "in": "a"})
        emitter.emit("message", {"in": "a"})
    (event,) = await stored(client, f"{world}/a", "7")
    assert (event.event_type, event.source) == ("metrics.tick", "sensor")
    assert event.aggregate == ("chat", f"{world}%2Fa/7")
    assert event.metadata["world_id"] == f"{world}/a"
    assert await types(client, f"{world}/a") == ["metrics.tock"]


async def test_an_emit_of_several_arguments_is_stored_as_an_array(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world):
        emitter.emit("system")
        emitter.emit("system", 1, 2)
        emitter.emit("system", 1, two=2)
        emitter.emit("system", messageId="m", note="by keyword")
    assert [event.data for event in await stored(client, world)] == [
        None,
        [1, 2],
        [1, {"two": 2}],
        {"note": "by keyword"},
    ]


async def test_the_same_emitted_by_another_process_is_stored_once(
    url: str, client: everlog.Client, world: str
) -> None:
    """Which a second client stands for: ordinals are a client's own."""
    became = []
    for _ in range(2):
        emitter = EventEmitter()
        async with everlog.connect(url) as other:
            attachment = persist_events(emitter, other, world=world)
            converse(emitter)
            emitter.emit("message", {"content": "new", "messageId": str(next(_names))})
            report = await attachment.close()
        became.append((report.stats.stored, report.stats.deduplicated))
    assert became == [(8, 0), (1, 7)]
    assert len(await stored(client, world)) == 5 + 2


# --- The emitter's own listeners ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EventEmitter, AsyncIOEventEmitter])
async def test_what_can_not_be_stored_is_counted_and_logged_and_felt_by_nobody(
    client: everlog.Client, world: str, kind: type[EventEmitter], caplog: pytest.LogCaptureFixture
) -> None:
    emitter = kind()
    heard: list[Any] = []
    emitter.add_listener("message", heard.append)
    given: list[Any] = [
        {"content": "one", "messageId": "1"},
        {"content": threading.Lock(), "messageId": "2"},
        {"content": "x" * 2_000_000, "messageId": "3"},
        {"content": 10**400, "messageId": "4"},  # JSON, but beyond what the server takes
        {"content": "five", "messageId": "5"},
    ]
    async with persist_events(emitter, client, world=world) as attachment:
        for event in given:
            emitter.emit("message", event)
        await attachment.flush()
        assert (attachment.stats.stored, attachment.stats.failed) == (2, 3)
    assert heard == given
    assert [event.data["content"] for event in await stored(client, world)] == ["one", "five"]
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line for line in told if "can't be stored: TypeError: lock is no JSON" in line]
    assert [line for line in told if f"key '{world}/message:4:published' is refused" in line]
    assert len(told) == 2  # the second of a kind within 10 s is only counted


async def test_a_listener_that_raises_keeps_nothing_from_being_stored(
    client: everlog.Client, world: str
) -> None:
    """Pyee calls no listener after one that raises; the attachment's is the first."""
    emitter = EventEmitter()

    def broken(_event: object) -> None:
        raise LookupError("mine")

    emitter.add_listener("message", broken)
    async with persist_events(emitter, client, world=world):
        with pytest.raises(LookupError, match="mine"):
            emitter.emit("message", {"content": "x", "messageId": "1"})
    assert await types(client, world) == ["message.published"]


async def test_what_a_listener_emits_comes_after_what_it_heard(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    emitter.add_listener("message", lambda _event: emitter.emit("world", {"type": "answered"}))
    async with persist_events(emitter, client, world=world):
        emitter.emit("message", {"content": "x", "messageId": "1"})
    assert await types(client, world) == ["message.published", "world.answered"]


async def test_a_listener_may_change_what_was_emitted(client: everlog.Client, world: str) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world):
        emitter.add_listener("message", lambda event: event.update(content="changed"))
        emitter.emit("message", {"content": "as emitted", "messageId": "1"})
    (event,) = await stored(client, world)
    assert event.data == {"content": "as emitted"}


async def test_coroutines_may_listen_too(client: everlog.Client, world: str) -> None:
    emitter = AsyncIOEventEmitter()
    heard = asyncio.Event()

    async def listener(_event: object) -> None:
        heard.set()

    emitter.add_listener("message", listener)
    async with persist_events(emitter, client, world=world):
        emitter.emit("message", {"content": "x", "messageId": "1"})
        await asyncio.wait_for(heard.wait(), 10)
    assert await types(client, world) == ["message.published"]


# --- Attaching and detaching ----------------------------------------------------------------------


async def test_attaching_twice_is_harmless(client: everlog.Client, world: str) -> None:
    emitter = EventEmitter()
    attachment = persist_events(emitter, client, world=world)
    assert persist_events(emitter, client, world=world) is attachment
    converse(emitter)
    emitter.remove_all_listeners()
    assert persist_events(emitter, client, world=world) is attachment  # and it listens again
    emitter.emit("system", "again")
    await attachment.close()
    assert (attachment.stats.stored, attachment.stats.deduplicated) == (8, 0)
    assert persist_events(emitter, client, world=world) is not attachment
    assert persist_events(emitter, client, world=f"{world}-2") is not persist_events(
        emitter, client, world=world
    )


async def test_after_detaching_nothing_is_taken_and_the_rest_goes_out(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    attachment = persist_events(emitter, client, world=world)
    emitter.emit("system", "before")
    attachment.detach()
    attachment.detach()
    emitter.emit("system", "after")
    assert emitter.event_names() == set()
    assert await attachment.flush()
    attachment.attach()
    emitter.emit("system", "attached again")
    report = await attachment.close()
    assert (report.stats.stored, list(report.unstored)) == (2, [])
    assert [event.data for event in await stored(client, world)] == ["before", "attached again"]
    assert await attachment.close() == report


async def test_closing_the_client_flushes_first(
    url: str, client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    async with everlog.connect(url) as closed:
        attachment = persist_events(emitter, closed, world=world)
        for n in range(1_000):
            emitter.emit("system", n)
    assert attachment.stats.stored == 1_000
    assert len(await stored(client, world)) == 1_000
    emitter.emit("system", "too late")
    assert not await attachment.flush()
    assert attachment.stats.buffered == 1
    report = await attachment.close()
    assert [event.json for event in report.unstored] == ['"too late"']


async def test_no_task_is_left_where_nothing_waits(client: everlog.Client, world: str) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world) as attachment:
        emitter.emit("system", "x")
        assert await attachment.flush()
        await asyncio.sleep(0)
        assert "everlog event writer" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_an_emitter_that_is_forgotten_is_collected_with_its_attachment(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    attachment = persist_events(emitter, client, world=world)
    emitter.emit("system", "x")
    assert await attachment.flush()
    await asyncio.sleep(0)
    remembered = weakref.ref(attachment)
    del attachment
    gc.collect()
    assert remembered() is not None
    del emitter
    gc.collect()
    assert remembered() is None
    assert await types(client, world) == ["system.published"]


async def test_what_makes_no_sense_is_refused(client: everlog.Client) -> None:
    emitter = EventEmitter()
    for options, said in (
        ({"world": ""}, "world is empty"),
        ({"world": "w", "channels": "message"}, "channels is 'message'"),
        ({"world": "w", "channels": ["error"]}, "other than error"),
        ({"world": "w", "buffer_events_max": 0}, "buffer_events_max is 0"),
        ({"world": "w", "attempt_timeout_seconds": -1}, "attempt_timeout_seconds is -1"),
    ):
        with pytest.raises(ValueError, match=said):
            persist_events(emitter, client, **options)
    with pytest.raises(RuntimeError, match="not open"):
        persist_events(emitter, everlog.connect("127.0.0.1:9"), world="w")
    with pytest.raises(TypeError, match="does not call its listeners within emit"):
        persist_events(ExecutorEventEmitter(), client, world="w")
    assert emitter.event_names() == set()


# --- Threads --------------------------------------------------------------------------------------


async def test_other_threads_may_emit_and_each_ones_events_keep_their_order(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()

    def emit(thread: int) -> None:
        for n in range(500):
            emitter.emit("message", {"content": [thread, n], "messageId": f"{thread}-{n}"})

    async with persist_events(emitter, client, world=world) as attachment:
        with ThreadPoolExecutor(8) as pool:
            await asyncio.gather(
                *(asyncio.get_running_loop().run_in_executor(pool, emit, n) for n in range(8))
            )
        assert await attachment.flush()
        assert attachment.stats.stored == 4_000
    contents = [event.data["content"] for event in await stored(client, world)]
    for thread in range(8):
        assert [n for of, n in contents if of == thread] == list(range(500))


async def test_a_thread_may_wait_for_what_the_loop_stores(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    attachment = persist_events(emitter, client, world=world)

    def work() -> everlog.emitters.CloseReport:
        emitter.emit("system", "x")
        assert attachment.flush_blocking(10)
        return attachment.close_blocking(10)

    report = await asyncio.to_thread(work)
    assert (report.stats.stored, report.stats.buffered) == (1, 0)
    with pytest.raises(RuntimeError, match="would wait for itself"):
        attachment.flush_blocking()


def test_a_synchronous_client_does_as_well(url: str, world: str) -> None:
    emitter = EventEmitter()
    with everlog.connect_sync(url) as client:
        with persist_events(emitter, client, world=world) as attachment:
            assert persist_events(emitter, client, world=world) is attachment
            converse(emitter)
            assert attachment.flush_blocking()
            assert attachment.stats.stored == 7
        with client.iterate(world_events, world=world, types=["sse"]) as events:
            assert [event.event_type for event in events] == ["sse.start", "sse.end"]


def test_a_synchronous_client_that_is_closed_flushes_first(url: str, world: str) -> None:
    emitter = EventEmitter()
    with everlog.connect_sync(url) as client:
        attachment = persist_events(emitter, client, world=world)
        for n in range(1_000):
            emitter.emit("system", n)
    assert attachment.stats.stored == 1_000
    emitter.emit("system", "too late")
    assert not attachment.flush_blocking(1)
    assert attachment.stats.buffered == 1


def test_a_synchronous_client_lives_as_long_as_the_emitter_that_uses_it(
    url: str, world: str
) -> None:
    emitter = EventEmitter()
    client = everlog.connect_sync(url)
    attachment = persist_events(emitter, client, world=world)
    collected = weakref.ref(client)
    del client
    gc.collect()
    emitter.emit("system", "x")
    assert attachment.flush_blocking()
    del attachment, emitter
    deadline = time.monotonic() + 10
    while collected() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert collected() is None


# --- Reading back ---------------------------------------------------------------------------------


async def test_events_are_read_back_by_sequence_time_type_and_number(
    client: everlog.Client, world: str
) -> None:
    emitter = EventEmitter()
    async with persist_events(emitter, client, world=world) as attachment:
        converse(emitter)
        await attachment.flush()
        await asyncio.sleep(0.01)
        recorded = (await client.head()).record_time
        assert recorded is not None
        later = recorded + timedelta(microseconds=1)
        emitter.emit("world", {"type": "closed", "messageId": "w1"})

    async def read(**options: Any) -> list[str]:
        return [e.event_type async for e in world_events(client, world=world, **options)]

    everything = await read()
    assert everything == [
        "sse.start",
        "tool.start",
        "tool.result",
        "sse.end",
        "system.published",
        "world.closed",
    ]
    assert await read(since_sequence=4) == everything[4:]
    assert await read(since_time=later) == everything[5:]
    assert await read(since_time=later, since_sequence=6) == []
    assert await read(types=["tool"]) == everything[1:3]
    assert await read(types=["tool.result", "sse.*"]) == [everything[n] for n in (0, 2, 3)]
    assert await read(limit=2) == everything[:2]
    assert await read(types=["sse"], since_sequence=1, limit=5) == ["sse.end"]
    assert await read(limit=0) == []
    assert await read(chat="") == everything
    assert await read(chat="c1", limit=1) == ["message.published"]
    assert await read(chat="of nobody") == []
    with pytest.raises(TypeError, match="types"):
        await read(types="tool")
