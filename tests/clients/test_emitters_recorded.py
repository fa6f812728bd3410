"""The decorator, on a real server: calls of a function are events, started and passed or failed."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import count
from typing import Any

import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog.emitters import EventWriter, recorded
from everlog_server.storage.embedded import EmbeddedPostgres
from tests.conftest import with_database
from tests.servers import serving

_names = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE recorded TEMPLATE {template_database}".encode())
    folder = tmp_path_factory.mktemp("recorded")
    async with serving(with_database(postgres.dsn, "recorded"), folder) as server:
        yield f"everlog://{server.address}"


@pytest_asyncio.fixture
async def writer(url: str) -> AsyncIterator[EventWriter]:
    async with everlog.connect(url) as client, EventWriter(client) as writer:
        yield writer


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"n{next(_names)}"


async def stored(writer: EventWriter, name: str) -> list[everlog.RecordedEvent]:
    """The events of an aggregate, when everything is stored."""
    assert await writer.flush()
    client = writer._given
    assert isinstance(client, everlog.Client)
    return [event async for event in client.replay(("report", name))]


async def test_a_function_that_returns_has_started_and_passed(
    writer: EventWriter, name: str
) -> None:
    @recorded(
        writer,
        "report.build",
        aggregate=lambda call: ("report", call["name"]),
        actor=lambda call: f"user:{call['user']}",
        arguments=["name", "pages"],
        result=lambda text: {"length": len(text)},
    )
    async def build(name: str, *, user: str = "ann", pages: int = 3, password: str = "") -> str:
        """Build a report."""
        await asyncio.sleep(0.01)
        return name * pages

    assert inspect.iscoroutinefunction(build)
    assert (build.__name__, build.__doc__) == ("build", "Build a report.")
    assert await build(name, password="secret") == name * 3
    started, passed = await stored(writer, name)
    assert (started.event_type, passed.event_type) == (
        "report.build.started",
        "report.build.passed",
    )
    assert started.data == {"arguments": {"name": name, "pages": 3}}
    assert passed.data.keys() == {"duration_ms", "result"}
    assert passed.data["duration_ms"] >= 10
    assert passed.data["result"] == {"length": 3 * len(name)}
    assert passed.causation_id == started.event_id
    assert passed.correlation_id == started.correlation_id == started.event_id
    assert started.actor == passed.actor == "user:ann"
    assert started.source == passed.source == f"{__name__}.{build.__qualname__}"
    assert "secret" not in started.message.json + passed.message.json


async def test_a_function_that_raises_has_started_and_failed(
    writer: EventWriter, name: str
) -> None:
    raised = LookupError("no such page " + "x" * 5_000)

    @recorded(writer, "report.build", aggregate=("report", name))
    def build() -> None:
        raise raised

    with pytest.raises(LookupError) as caught:
        build()
    assert caught.value is raised
    started, failed = await stored(writer, name)
    assert started.data == {}
    assert failed.event_type == "report.build.failed"
    assert failed.data["error"]["name"] == "LookupError"
    assert failed.data["error"]["message"].startswith("no such page x")
    assert len(failed.data["error"]["message"]) == 2_000
    assert failed.data["duration_ms"] >= 0
    assert failed.causation_id == started.event_id


async def test_a_cancelled_call_has_failed(writer: EventWriter, name: str) -> None:
    @recorded(writer, "report.build", aggregate=("report", name))
    async def build() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(build())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, failed = await stored(writer, name)
    assert failed.data["error"] == {"name": "CancelledError", "message": ""}


async def test_calls_within_a_call_are_caused_by_it(writer: EventWriter, name: str) -> None:
    @recorded(writer, "report.draw", aggregate=("report", name))
    def draw() -> None:
        pass

    @recorded(writer, "report.build", aggregate=("report", name), correlation_id="job-7")
    async def build() -> None:
        draw()
        await asyncio.gather(asyncio.to_thread(draw))

    await build()
    draw()
    events = await stored(writer, name)
    assert [event.event_type.removeprefix("report.") for event in events] == [
        "build.started",
        "draw.started",
        "draw.passed",
        "draw.started",
        "draw.passed",
        "build.passed",
        "draw.started",
        "draw.passed",
    ]
    assert [event.causation_id for event in events[:6]] == [
        "",
        events[0].event_id,
        events[1].event_id,
        events[0].event_id,
        events[3].event_id,
        events[0].event_id,
    ]
    assert {event.correlation_id for event in events[:6]} == {"job-7"}
    assert events[6].causation_id == ""
    assert events[6].correlation_id == events[7].correlation_id == events[6].event_id


async def test_concurrent_calls_are_told_apart(writer: EventWriter, name: str) -> None:
    @recorded(writer, "report.build", aggregate=("report", name), arguments=["n"])
    async def build(n: int) -> None:
        await asyncio.sleep(0.001 * (10 - n))

    await asyncio.gather(*(build(n) for n in range(10)))
    events = await stored(writer, name)
    started = {e.event_id: e.data["arguments"]["n"] for e in events if "started" in e.event_type}
    passed = [started[e.causation_id] for e in events if "passed" in e.event_type]
    assert sorted(started.values()) == sorted(passed) == list(range(10))


async def test_without_an_aggregate_the_calls_are_those_of_the_function(
    writer: EventWriter, name: str
) -> None:
    @recorded(writer, "report.build", source=name)
    def build() -> None:
        pass

    build()
    assert await writer.flush()
    client = writer._given
    assert isinstance(client, everlog.Client)
    events = [event.event_type async for event in client.replay(("source", name))]
    assert events == ["report.build.started", "report.build.passed"]


async def test_no_failure_of_the_recording_is_felt(
    writer: EventWriter, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Speechless(Exception):
        def __str__(self) -> str:
            raise LookupError("no words")

    def broken(_: object) -> Any:
        raise LookupError("mine")

    @recorded(writer, "report.one", aggregate=broken)
    def one() -> int:
        return 1

    @recorded(writer, "report.two", aggregate=("report", name), result=broken)
    def two() -> int:
        return 2

    @recorded(writer, "report.three", aggregate=("report", name), arguments=["value"])
    def three(value: object) -> None:
        raise Speechless

    assert (one(), two()) == (1, 2)
    with pytest.raises(Speechless):
        three(object())
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        three()  # type: ignore[call-arg]
    events = await stored(writer, name)
    assert [event.event_type for event in events] == ["report.two.started", "report.three.failed"]
    assert events[1].data["error"] == {"name": "Speechless", "message": ""}
    assert writer.stats.failed == 4
    assert "report.one.started can't be stored: LookupError: mine" in caplog.text


async def test_methods_and_partials_are_functions_too(writer: EventWriter, name: str) -> None:
    class Press:
        @recorded(writer, "press.print", aggregate=("report", name), arguments=["page"])
        def print(self, page: int) -> int:
            return page

        @staticmethod
        @recorded(writer, "press.stop", aggregate=("report", name))
        def stop() -> None:
            pass

    def scale(factor: int, page: int) -> int:
        return factor * page

    double = recorded(writer, "press.double", aggregate=("report", name), arguments=["page"])(
        functools.partial(scale, 2)
    )
    assert Press().print(7) == 7
    Press.stop()
    assert double(page=4) == 8
    events = await stored(writer, name)
    assert [e.data for e in events if e.event_type.endswith("started")] == [
        {"arguments": {"page": 7}},
        {},
        {"arguments": {"page": 4}},
    ]
    assert events[4].metadata["function"].endswith(".scale")


def test_what_is_no_function_is_refused() -> None:
    writer = EventWriter(everlog.connect("127.0.0.1:9"))

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for given in (generator, async_generator):
        with pytest.raises(TypeError, match="is a generator"):
            recorded(writer, "a.b")(given)
    for given in (staticmethod(len), classmethod(len)):  # type: ignore[assignment, arg-type]
        with pytest.raises(TypeError, match="put staticmethod or classmethod above it"):
            recorded(writer, "a.b")(given)
    for given in (EventWriter, 7):  # type: ignore[assignment]
        with pytest.raises(TypeError, match="is no function"):
            recorded(writer, "a.b")(given)
    with pytest.raises(ValueError, match=r"\.nothing has no parameter secret, other"):

        @recorded(writer, "a.b", arguments=["name", "secret", "other"])
        def nothing(name: str) -> None:
            """Has one parameter."""


def test_with_a_synchronous_client_which_flushes_when_it_closes(url: str, name: str) -> None:
    client = everlog.connect_sync(url)

    def about(call: Mapping[str, Any]) -> tuple[str, str]:
        return ("report", call["of"])

    @recorded(client, "report.build", aggregate=about)
    def build(of: str) -> None:
        pass

    build(name)
    client.close()
    build(name)  # which nobody can store, and nobody feels
    with everlog.connect_sync(url) as client:
        assert [event.event_type for event in client.replay(("report", name))] == [
            "report.build.started",
            "report.build.passed",
        ]


def test_a_client_that_is_opened_later_stores_what_was_called_before(url: str, name: str) -> None:
    """Decorators run when a module is imported, long before there is an event loop."""
    client = everlog.connect(url)

    @recorded(client, "report.build", aggregate=("report", name))
    def build() -> None:
        pass

    build()

    async def main() -> list[str]:
        async with client:
            build()
        async with client:
            return [event.event_type async for event in client.replay(("report", name))]

    assert asyncio.run(main()) == ["report.build.started", "report.build.passed"] * 2
