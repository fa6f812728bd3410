"""The synchronous client's consume: handlers in threads, and how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import everlog
from tests.clients.scripted_consumer import DRAINING, Desk, consumer_desk
from tests.clients.scripted_server import status

SOON = everlog.Backoff(initial_seconds=0.001, max_seconds=0.01)


class Stage:
    """A desk in a loop of its own, for a test that is a plain function."""

    def __init__(self, loop: asyncio.AbstractEventLoop, desk: Desk) -> None:
        self._loop = loop
        self.desk = desk

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def deliver(self, *positions: int, member: int = 1, **how: Any) -> None:
        async def deliver() -> None:
            (await self.desk.member(member)).deliver(*positions, **how)

        self.call(deliver())

    def told(self, count: int, member: int = 1) -> list[tuple[int, str]]:
        async def told() -> list[tuple[int, str]]:
            found = await self.desk.member(member)
            await self.desk.until(lambda: len(found.answers) >= count)
            return found.told()

        answers: list[tuple[int, str]] = self.call(told())
        return answers

    def end(self, given: Any, member: int = 1) -> None:
        async def end() -> None:
            (await self.desk.member(member)).end(given)

        self.call(end())

    def connect(self) -> everlog.SyncClient:
        return everlog.connect_sync(self.desk.server.address, backoff=SOON)


@contextmanager
def staged(**settings: Any) -> Iterator[Stage]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    desk = consumer_desk(**settings)
    stage = Stage(loop, Desk())
    try:
        stage.desk = stage.call(desk.__aenter__())
        yield stage
    finally:
        stage.call(desk.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_handlers_run_in_threads_and_their_answers_count(stage: Stage) -> None:
    both = threading.Barrier(2)

    def handler(delivery: everlog.Delivery) -> everlog.Decision | None:
        both.wait(5)
        return everlog.Park("no such product") if delivery.event.position == 2 else None

    with stage.connect() as client, client.consume("pricing", handler, concurrency=2):
        stage.deliver(1, 2)
        assert sorted(stage.told(2)) == [(1, "ack"), (2, "park: no such product")]


def test_a_handler_may_use_the_client(stage: Stage) -> None:
    with stage.connect() as client:
        settings = []

        def handler(_delivery: everlog.Delivery) -> None:
            settings.append(client.call(_settings))

        with client.consume("pricing", handler):
            stage.deliver(1)
            assert stage.told(1) == [(1, "ack")]
        assert settings == [client.settings]


async def _settings(client: everlog.Client) -> object:
    return client.settings


def test_it_goes_on_after_an_interruption(stage: Stage) -> None:
    with stage.connect() as client, client.consume("pricing", lambda _: None):
        stage.end(DRAINING)
        stage.deliver(1, member=2)
        assert stage.told(1, member=2) == [(1, "ack")]


def test_an_error_ends_run(stage: Stage) -> None:
    import grpc  # noqa: PLC0415 - only its codes

    with stage.connect() as client:
        consuming = client.consume("pricing", lambda _: None)
        consuming.start()
        stage.end(status(grpc.StatusCode.NOT_FOUND, "CONSUMER_NOT_FOUND"))
        with pytest.raises(everlog.ConsumerNotFound):
            consuming.run()


def test_stopping_waits_for_handlers(stage: Stage) -> None:
    began, go_on = threading.Event(), threading.Event()

    def handler(_delivery: everlog.Delivery) -> None:
        began.set()
        assert go_on.wait(5)

    with stage.connect() as client:
        consuming = client.consume("pricing", handler)
        consuming.start()
        stage.deliver(1)
        assert began.wait(5)
        stopping = threading.Thread(target=consuming.stop)
        stopping.start()
        stopping.join(0.02)
        assert stopping.is_alive()
        go_on.set()
        stopping.join(5)
        assert stage.told(1) == [(1, "ack")]
        assert (consuming.finished, consuming.abandoned) == (1, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_run(stage: Stage, number: signal.Signals) -> None:
    began = threading.Event()

    def handler(_delivery: everlog.Delivery) -> None:
        began.set()

    def kill() -> None:
        stage.deliver(1)
        assert began.wait(5)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    killer = threading.Thread(target=kill)
    with stage.connect() as client:
        killer.start()
        client.consume("pricing", handler).run(signals=[number])
        killer.join(5)
    assert stage.told(1) == [(1, "ack")]
    assert signal.getsignal(number) is before


def test_deliveries_are_answered_one_by_one(stage: Stage) -> None:
    with stage.connect() as client, client.deliveries("pricing", concurrency=3) as deliveries:
        with pytest.raises(TimeoutError):
            deliveries.next(timeout_seconds=0.01)
        stage.deliver(1, 2, 3)
        next(deliveries).ack()
        second = next(deliveries)
        second.in_progress()
        second.nack("no stock")
        next(deliveries).nack(everlog.Skip())
        assert stage.told(4) == [
            (1, "ack"),
            (2, "in_progress"),
            (2, "nack: no stock"),
            (3, "skip: "),
        ]
        stage.deliver(4)
        next(deliveries).release()
        assert stage.told(5)[4] == (4, "release")
        deliveries.leave()
        assert list(deliveries) == []


def test_leaving_the_loop_gives_back_what_was_not_handed_out(stage: Stage) -> None:
    with stage.connect() as client, client.deliveries("pricing", concurrency=2) as deliveries:
        stage.deliver(1, 2)
        for delivery in deliveries:
            delivery.ack()
            break
    assert sorted(stage.told(2)) == [(1, "ack"), (2, "release")]


def test_a_handler_that_takes_too_long_has_failed(stage: Stage) -> None:
    go_on = threading.Event()

    def handler(delivery: everlog.Delivery) -> None:
        if delivery.attempt == 1:
            go_on.wait(10)

    with (
        stage.connect() as client,
        client.consume("pricing", handler, concurrency=1, handler_timeout_seconds=0.05),
    ):
        stage.deliver(1)
        why = "nack: TimeoutError: the handler was not through after 0.05 s"
        assert stage.told(1) == [(1, why)]
        stage.deliver(1, attempt=2)
        assert stage.told(2) == [(1, why), (1, "ack")]
    go_on.set()
