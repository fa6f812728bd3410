"""Subscriptions when the log, its database or the server goes away under them."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from everlog_server.errors import (
    EverlogError,
    LogDivergedError,
    ReadTooExpensiveError,
    ServerDrainingError,
    StorageUnavailableError,
)
from everlog_server.model import EventFilter
from everlog_server.settings import SubscriptionSettings
from everlog_server.storage.reads import Batch
from everlog_server.subscriptions import bounded
from tests.factories import TENANT, House, new_event, open_house, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from everlog.v1 import event_pb2

SECONDS = 10.0
POLLING = SubscriptionSettings(poll_interval_seconds=0.05)
SELDOM = SubscriptionSettings(poll_interval_seconds=60)


class Follower:
    """A subscriber: what it has received, and how it ended."""

    def __init__(self, house: House, *, after: int = 0, **options: Any) -> None:
        self.received: list[event_pb2.RecordedEvent] = []
        self.caught_up = False
        self.heartbeats: list[int] = []
        self.messages = 0
        """With events."""
        self.ended: EverlogError | None = None
        self._changed = asyncio.Event()
        self._messages = house.subscriptions.subscribe(
            TENANT,
            options.pop("event_filter", EventFilter()),
            after=after,
            heartbeat_seconds=options.pop("heartbeat_seconds", 60),
        )
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        try:
            async with self._messages as messages:
                async for message in messages:
                    self.received += parse(message.records)
                    self.caught_up |= message.caught_up
                    self.messages += bool(message.records)
                    if message.heartbeat:
                        self.heartbeats.append(message.examined_position)
                    self._changed.set()
        except EverlogError as error:
            self.ended = error
        finally:
            self._changed.set()

    @property
    def positions(self) -> list[int]:
        return [event.position for event in self.received]

    async def until(
        self, condition: Callable[[Follower], object], seconds: float = SECONDS
    ) -> None:
        async with asyncio.timeout(seconds):
            while not condition(self):
                self._changed.clear()
                assert not self.task.done(), self.ended
                await self._changed.wait()

    async def end(self, seconds: float = SECONDS) -> EverlogError | None:
        """How it ended by itself."""
        async with asyncio.timeout(seconds):
            await self.task
        return self.ended

    async def leave(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def restore(database_url: str, head: int) -> None:
    """What a standby has that lacks the last events, or a backup."""
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE everlog.events DISABLE TRIGGER USER")
        connection.execute("DELETE FROM everlog.events WHERE position > %s", (head,))
        connection.execute(
            "UPDATE everlog.tenants SET head = %s, head_event_id ="
            " (SELECT event_id FROM everlog.events WHERE position = %s)",
            (head, head),
        )


@pytest.mark.parametrize("settings", [POLLING, SELDOM])
@pytest.mark.parametrize("emitted_after", [1, 3, 5])
async def test_a_subscriber_of_a_log_that_went_back_and_on_again_is_told_and_skips_nothing(
    database_url: str, settings: SubscriptionSettings, emitted_after: int
) -> None:
    """The log ends before, at or beyond the position that the subscriber has seen."""
    async with open_house(database_url, subscriptions=settings) as house:
        follower = Follower(house)
        await follower.until(lambda f: f.caught_up)
        await house.emit(*[new_event() for _ in range(11)])
        await follower.until(lambda f: len(f.received) == 11)
        restore(database_url, 8)
        async with open_house(database_url, subscriptions=settings) as other:
            await other.emit(*[new_event("b/1") for _ in range(emitted_after)])
            error = await follower.end()
        assert isinstance(error, LogDivergedError)
        assert error.metadata == {"position": "11"}
        assert follower.positions == list(range(1, 12))


async def test_what_is_committed_here_after_a_failover_is_not_handed_on_unchecked(
    database_url: str,
) -> None:
    """Commits of others brought the restored log exactly to where the subscriber stands."""
    async with open_house(database_url, subscriptions=SELDOM) as house:
        follower = Follower(house)
        await follower.until(lambda f: f.caught_up)
        await house.emit(*[new_event() for _ in range(11)])
        await follower.until(lambda f: len(f.received) == 11)
        looked = asyncio.Event()
        heads = house.reader.heads

        async def fail(positions: Any) -> Any:
            looked.set()
            raise StorageUnavailableError

        house.reader.heads = fail  # type: ignore[method-assign]
        restore(database_url, 8)
        async with open_house(database_url, subscriptions=SELDOM) as other:
            await other.emit(*[new_event("b/1") for _ in range(3)])
            async with asyncio.timeout(SECONDS):
                await looked.wait()
        await house.emit(new_event("a/1"))  # the 12th
        house.reader.heads = heads  # type: ignore[method-assign]
        assert isinstance(await follower.end(), LogDivergedError)
        assert follower.positions == list(range(1, 12))


async def test_what_is_committed_here_is_not_handed_on_where_it_stands_behind_another_event(
    database_url: str,
) -> None:
    """This server's own commits brought the restored log there, and it has not looked since."""
    async with open_house(database_url, subscriptions=SELDOM) as house:
        follower = Follower(house)
        await follower.until(lambda f: f.caught_up)
        await house.emit(*[new_event() for _ in range(11)])
        await follower.until(lambda f: len(f.received) == 11)

        async def take_long(positions: Any) -> Any:
            await asyncio.Event().wait()

        house.reader.heads = take_long  # type: ignore[method-assign]
        restore(database_url, 8)
        await house.emit(*[new_event("b/1") for _ in range(3)])
        await house.emit(new_event("b/1"))  # the 12th
        error = await follower.end()
        assert isinstance(error, LogDivergedError)
        assert error.metadata == {"position": "11"}
        assert follower.positions == list(range(1, 12))


async def test_a_log_that_grows_is_never_taken_for_another_one(database_url: str) -> None:
    async with (
        open_house(database_url, subscriptions=POLLING) as house,
        open_house(database_url, subscriptions=POLLING) as other,
    ):
        followers = [Follower(h) for h in (house, other) for _ in range(3)]
        heads = house.reader.heads

        async def unreliable(positions: Any) -> Any:
            found = await heads(positions)
            if found[TENANT][0] % 3 == 0:
                raise StorageUnavailableError
            return found

        house.reader.heads = unreliable  # type: ignore[method-assign]

        async def write(here: House, n: int) -> None:
            for _ in range(100):
                await here.emit(new_event(f"a/{n}"), new_event(f"b/{n}"))

        await asyncio.gather(*[write(h, n) for n, h in enumerate((house, other) * 2)])
        for follower in followers:
            await follower.until(lambda f: len(f.received) == 800)
            assert follower.positions == list(range(1, 801))
            await follower.leave()


async def test_whoever_follows_live_does_not_wait_behind_those_who_read_history(
    database_url: str,
) -> None:
    async with (
        open_house(database_url) as house,
        open_house(database_url) as other,
        AsyncExitStack() as history,
    ):
        follower = Follower(house)
        await follower.until(lambda f: f.caught_up)
        for number in range(house.database.streams._pool.max_size):
            reader = house.database.streams.connection(TENANT + number % 2)
            await history.enter_async_context(reader)
        await other.emit(new_event())
        await follower.until(lambda f: f.received, seconds=4)
        await follower.leave()


async def test_a_database_that_is_there_but_busy_ends_no_subscription(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "STORAGE_AWAY_SECONDS_MAX", 0.2)
    async with open_house(database_url, subscriptions=POLLING) as house:
        await house.emit(new_event(), new_event())
        live = Follower(house, after=2)
        await live.until(lambda f: f.caught_up)
        catch_up, heads = house.reader.catch_up, house.reader.heads
        refused = asyncio.Semaphore(0)

        async def refuse(*_: Any, **__: Any) -> AsyncGenerator[Batch]:
            refused.release()
            raise ReadTooExpensiveError
            yield

        async def refuse_heads(_: Any) -> Any:
            refused.release()
            raise ReadTooExpensiveError

        house.reader.catch_up = refuse  # type: ignore[method-assign,assignment]
        house.reader.heads = refuse_heads  # type: ignore[method-assign]
        late = Follower(house)
        async with asyncio.timeout(SECONDS):
            for _ in range(10):
                await refused.acquire()
        house.reader.catch_up, house.reader.heads = catch_up, heads  # type: ignore[method-assign]
        await late.until(lambda f: len(f.received) == 2)
        await house.emit(new_event())
        for follower in (live, late):
            await follower.until(lambda f: f.positions[-1:] == [3])
            await follower.leave()


async def test_a_second_outage_is_not_counted_from_the_beginning_of_the_first(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "STORAGE_AWAY_SECONDS_MAX", 0.6)
    async with open_house(database_url) as house:
        await house.emit(*[new_event() for _ in range(3)])
        catch_up = house.reader.catch_up
        calls = 0

        async def unreliable(*args: Any, **options: Any) -> AsyncGenerator[Batch]:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise StorageUnavailableError
            if calls == 2:
                yield Batch(b"", 0, 1)  # nothing that matched
                await asyncio.sleep(1)
                yield Batch(b"", 0, 2)
                raise StorageUnavailableError
            async with aclosing(catch_up(*args, **options)) as batches:
                async for batch in batches:
                    yield batch

        house.reader.catch_up = unreliable  # type: ignore[method-assign]
        follower = Follower(house)
        await follower.until(lambda f: f.positions == [3])
        await follower.leave()


async def test_an_outage_that_lasts_ends_a_subscriber_also_if_heartbeats_are_sent_in_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "STORAGE_AWAY_SECONDS_MAX", 0.5)
    async with open_house(database_url) as house:
        await house.emit(new_event())

        async def hang(*_: Any, **__: Any) -> AsyncGenerator[Batch]:
            await asyncio.sleep(0.1)
            raise StorageUnavailableError
            yield

        house.reader.catch_up = hang  # type: ignore[method-assign,assignment]
        follower = Follower(house, heartbeat_seconds=0.02)
        assert isinstance(await follower.end(20), StorageUnavailableError)


async def test_whoever_is_about_to_follow_when_the_server_drains_is_told(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        reading, go_on = asyncio.Event(), asyncio.Event()
        head = house.reader.head

        async def slow(tenant_id: int) -> Any:
            reading.set()
            await go_on.wait()
            return await head(tenant_id)

        house.reader.head = slow  # type: ignore[method-assign]
        follower = Follower(house)
        await reading.wait()
        house.subscriptions.drain()
        go_on.set()
        assert isinstance(await follower.end(20), ServerDrainingError)


async def test_whoever_waits_for_a_slow_read_when_the_server_drains_is_told_at_once(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
        reading = asyncio.Event()

        async def hang(*_: Any, **__: Any) -> AsyncGenerator[Batch]:
            reading.set()
            await asyncio.sleep(60)
            yield Batch(b"", 0, 1)

        house.reader.catch_up = hang  # type: ignore[method-assign]
        follower = Follower(house)
        await reading.wait()
        await asyncio.sleep(0.05)  # it waits
        house.subscriptions.drain()
        assert isinstance(await follower.end(20), ServerDrainingError)


async def test_many_live_subscribers_get_every_event_once_in_order_and_in_fewer_messages(
    database_url: str,
) -> None:
    """Exactly the events after the cursor that match, once each, in position order."""
    async with open_house(database_url) as house:
        filters = [EventFilter(), EventFilter(event_types=("order.paid",))]
        followers = [Follower(house, event_filter=filters[n % 2]) for n in range(150)]
        for follower in followers:
            await follower.until(lambda f: f.caught_up)
        for n in range(300):
            await house.emit(new_event(event_type=("order.created", "order.paid")[n % 2]))
        for number, follower in enumerate(followers):
            await follower.until(lambda f: f.positions[-1:] == [300])
            assert follower.positions == list(range(number % 2 + 1, 301, number % 2 + 1))
            assert follower.messages < len(follower.positions)
            await follower.leave()


async def test_whoever_is_to_be_woken_after_a_rest_when_the_server_drains_is_told_at_once(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        follower = Follower(house)
        await follower.until(lambda f: f.caught_up)
        waves = house.subscriptions._followed[TENANT].tailer.waves
        await house.emit(new_event())
        for _ in range(20_000):
            waves.note_read()
        await house.emit(new_event())
        assert waves.is_resting
        house.subscriptions.drain()
        assert not waves.is_resting
        assert isinstance(await follower.end(1), ServerDrainingError)


async def test_heartbeats_come_while_nothing_is_appended_and_after_what_was(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        follower = Follower(house, heartbeat_seconds=0.05)
        await follower.until(lambda f: f.heartbeats == [0, 0])
        await house.emit(new_event())
        await follower.until(lambda f: f.heartbeats[-2:] == [1, 1])
        await follower.leave()


async def test_nothing_is_left_of_a_log_that_nobody_follows_any_more(database_url: str) -> None:
    async with open_house(database_url) as house:
        followers = [Follower(house) for _ in range(5)]
        for follower in followers:
            await follower.until(lambda f: f.caught_up)
            await follower.leave()
        gc.collect()
        assert not house.subscriptions._opening
        assert not house.subscriptions._followed
