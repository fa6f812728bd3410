"""The Python client's consume: handlers, their answers, leases, interruptions, and how it stops."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio

import everlog
from tests.clients.scripted_consumer import DRAINING, HEARTBEAT, Desk, consumer_desk, eventually
from tests.clients.scripted_server import status

SOON = everlog.Backoff(initial_seconds=0.001, max_seconds=0.01)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    async with consumer_desk() as desk:
        yield desk


def connect(desk: Desk) -> everlog.Client:
    return everlog.connect(desk.server.address, backoff=SOON)


async def told(desk: Desk, count: int, member: int = 1) -> list[tuple[int, str]]:
    """What came back, when so many answers are here."""
    found = await desk.member(member)
    await desk.until(lambda: len(found.answers) >= count)
    return found.told()


async def nothing(_delivery: everlog.Delivery) -> None:
    """A handler that does nothing."""


def raises(error: BaseException) -> Callable[[everlog.Delivery], Any]:
    async def handler(_delivery: everlog.Delivery) -> None:
        raise error

    return handler


def returns(value: object) -> Callable[[everlog.Delivery], Any]:
    async def handler(_delivery: everlog.Delivery) -> object:
        return value

    return handler


async def _from_a_cause(_delivery: everlog.Delivery) -> None:
    try:
        raise KeyError("sku")
    except KeyError as error:
        raise everlog.Retry(after=1.5) from error


# --- What comes of a handler ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "answer"),
    [
        (nothing, "ack"),
        (returns("something"), "ack"),
        (raises(ValueError("no stock")), "nack: ValueError: no stock"),
        (raises(ValueError("a\udcffb")), "nack: ValueError: a\\udcffb"),
        (raises(asyncio.CancelledError()), "nack: asyncio.exceptions.CancelledError"),
        (raises(everlog.Retry()), "nack: the handler asks for another attempt"),
        (raises(everlog.Retry(error="busy")), "nack: busy"),
        (returns(everlog.Retry(after=0, error="busy")), "retry_now: busy"),
        (_from_a_cause, "retry_after 1.5: KeyError: 'sku'"),
        (raises(everlog.Park("no such product")), "park: no such product"),
        (returns(everlog.Park("no such product")), "park: no such product"),
        (raises(everlog.Park(ValueError("no stock"))), "park: no stock"),  # type: ignore[arg-type]
        (raises(everlog.Skip()), "skip: "),
        (returns(everlog.Skip), "skip: "),
    ],
)
async def test_what_a_handler_does_is_the_answer(
    desk: Desk, handler: everlog.Handler, answer: str
) -> None:
    async with connect(desk) as client, client.consume("pricing", handler):
        (await desk.member()).deliver(7)
        assert await told(desk, 1) == [(7, answer)]


async def test_an_answer_names_the_attempt(desk: Desk) -> None:
    async with connect(desk) as client, client.consume("pricing", nothing):
        member = await desk.member()
        member.deliver(7, attempt=3)
        await told(desk, 1)
    assert [(one.delivery_id, one.attempt) for one in member.answers] == [("delivery-1", 3)]


async def test_a_handler_is_told_of_its_delivery(desk: Desk) -> None:
    seen = []

    async def handler(delivery: everlog.Delivery) -> None:
        event = delivery.event
        seen.append((event.position, delivery.attempt, delivery.delivery_id, delivery.replayed))

    async with connect(desk) as client, client.consume("pricing", handler):
        (await desk.member()).deliver(7, attempt=2, replayed=True)
        await told(desk, 1)
    assert seen == [(7, 2, "delivery-1", True)]


async def test_the_longest_pattern_has_the_event(desk: Desk) -> None:
    seen: list[tuple[str, str]] = []

    def named(name: str) -> everlog.Handler:
        async def handler(delivery: everlog.Delivery) -> None:
            seen.append((delivery.event.event_type, name))

        return handler

    patterns = ("*", "order.*", "order.line.*", "order.line.added")
    handlers = {pattern: named(pattern) for pattern in patterns}
    types = ("order.line.added", "order.line.removed", "order.created", "ordering.begun")
    async with connect(desk) as client, client.consume("pricing", handlers, concurrency=1):
        member = await desk.member()
        for position, event_type in enumerate(types):
            member.deliver(position, event_type=event_type)
        await told(desk, 4)
    assert seen == [(types[3 - n], patterns[n]) for n in (3, 2, 1, 0)]


async def test_an_event_without_a_handler_fails(desk: Desk) -> None:
    async with connect(desk) as client, client.consume("pricing", {"order.*": nothing}):
        (await desk.member()).deliver(1, event_type="product.created")
        assert await told(desk, 1) == [
            (1, "nack: LookupError: no handler is for product.created; one for `*` would get it")
        ]


async def test_plain_functions_run_in_threads_side_by_side(desk: Desk) -> None:
    both = threading.Barrier(2)
    loops = threading.current_thread()

    def handler(_delivery: everlog.Delivery) -> None:
        assert threading.current_thread() is not loops
        both.wait(5)

    async with connect(desk) as client, client.consume("pricing", handler, concurrency=2):
        (await desk.member()).deliver(1, 2)
        assert sorted(await told(desk, 2)) == [(1, "ack"), (2, "ack")]


async def test_any_callable_can_be_a_handler(desk: Desk) -> None:
    class Answering:
        async def __call__(self, delivery: everlog.Delivery) -> everlog.Skip:
            return everlog.Skip("callable")

    async def two(reason: str, _delivery: everlog.Delivery) -> everlog.Park:
        return everlog.Park(reason)

    handlers: dict[str, everlog.Handler] = {
        "a.b": Answering(),
        "a.c": functools.partial(two, "partial"),
        "a.d": lambda delivery: two("lambda", delivery),
    }
    async with connect(desk) as client, client.consume("pricing", handlers):
        member = await desk.member()
        for position, event_type in enumerate(handlers):
            member.deliver(position, event_type=event_type)
        assert sorted(await told(desk, 3)) == [
            (0, "skip: callable"),
            (1, "park: partial"),
            (2, "park: lambda"),
        ]


async def test_no_more_handlers_run_than_are_wanted(desk: Desk) -> None:
    """Also when a server sends more than the credit, or sends again after an interruption."""
    at_work, most = 0, 0

    async def handler(_delivery: everlog.Delivery) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001)
        at_work -= 1

    async with connect(desk) as client, client.consume("pricing", handler, concurrency=3):
        member = await desk.member()
        assert member.open.credit == 3
        member.deliver(*range(1, 13))
        await told(desk, 12)
    assert most == 3


@pytest.mark.parametrize("pattern", ["", "a*", ".*", "*.a", "a.*.b", "**"])
async def test_a_pattern_that_is_none_is_refused(desk: Desk, pattern: str) -> None:
    async with connect(desk) as client:
        with pytest.raises(ValueError, match=r"expected an event type, `order\.\*` or `\*`"):
            client.consume("pricing", {pattern: nothing})


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"concurrency": 1001}, "concurrency is 1001"),
        ({"handler_timeout_seconds": 0}, "handler_timeout_seconds is 0, expected more than 0"),
        ({"handlers": {}}, "there must be a handler"),
    ],
)
async def test_what_can_not_be_is_refused(desk: Desk, arguments: Any, what: str) -> None:
    async with connect(desk) as client:
        with pytest.raises(ValueError, match=what):
            client.consume("pricing", **{"handlers": nothing, **arguments})


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), 7 * 24 * 3600 + 1])
def test_a_retry_after_what_is_no_time_is_refused(after: float) -> None:
    with pytest.raises(ValueError, match="expected 0 s to 7 days"):
        everlog.Retry(after=after)


# --- Leases ---------------------------------------------------------------------------------------


async def test_a_long_handler_says_that_it_is_in_progress() -> None:
    go_on = asyncio.Event()

    async def handler(_delivery: everlog.Delivery) -> None:
        await go_on.wait()

    async with (
        consumer_desk(lease_seconds=0.06) as desk,
        connect(desk) as client,
        client.consume("pricing", handler),
    ):
        (await desk.member()).deliver(1)
        assert await told(desk, 3) == [(1, "in_progress")] * 3
        go_on.set()
        await desk.until(lambda: desk.members[0].told()[-1] == (1, "ack"))


async def test_a_lease_that_was_lost_is_told_and_not_answered(desk: Desk) -> None:
    go_on = asyncio.Event()
    unsettled = []
    held = []

    async def handler(delivery: everlog.Delivery) -> None:
        await go_on.wait()
        held.append(delivery.is_held)

    desk.lease_seconds = 0.03
    async with (
        connect(desk) as client,
        client.consume(
            "pricing", handler, on_unsettled=lambda one, error: unsettled.append((one, error))
        ) as consuming,
    ):
        member = await desk.member()
        member.deliver(1)
        await told(desk, 1)
        member.refuse(member.answers[0])
        await eventually(lambda: bool(unsettled))
        go_on.set()
        await eventually(lambda: consuming.finished == 1)
    assert held == [False]
    assert {kind for _, kind in member.told()} == {"in_progress"}
    assert {error.reason for _, error in unsettled} == {"DELIVERY_NOT_HELD"}


async def test_a_refused_answer_is_told_to_the_callback_and_nothing_is_raised() -> None:
    unsettled = []
    async with (
        consumer_desk(settles=False) as desk,
        connect(desk) as client,
        client.consume(
            "pricing", nothing, on_unsettled=lambda one, error: unsettled.append((one, error))
        ),
    ):
        member = await desk.member()
        member.deliver(1, 2)
        await told(desk, 2)
        member.refuse(member.answers[0])
        member.settle(member.answers[1])
        member.send(HEARTBEAT)
        await eventually(lambda: bool(unsettled))
        member.end()
    [(delivery, error)] = unsettled
    assert delivery.event.position == 1
    assert isinstance(error, everlog.DeliveryNotHeld)


async def test_what_is_answered_is_not_kept_for_the_sake_of_its_lease(desk: Desk) -> None:
    """Events may be large, and come by the thousand within a third of a lease."""

    def alive() -> int:
        gc.collect()  # What only cycles hold is not kept.
        return sum(isinstance(one, everlog.HeldDelivery) for one in gc.get_objects())

    before = alive()
    async with connect(desk) as client, client.consume("pricing", nothing) as consuming:
        (await desk.member()).deliver(*range(50))
        await eventually(lambda: consuming.finished == 50)
        await eventually(lambda: alive() <= before + 1)  # the last one, until the next one comes


@pytest.mark.parametrize("resists", [False, True])
async def test_a_handler_that_takes_too_long_has_failed_and_is_cancelled(
    desk: Desk, resists: bool
) -> None:
    cancelled, go_on = asyncio.Event(), asyncio.Event()

    async def handler(delivery: everlog.Delivery) -> None:
        if delivery.attempt > 1:
            return
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.set()
            if not resists:
                raise
            await go_on.wait()

    async with (
        connect(desk) as client,
        client.consume("pricing", handler, handler_timeout_seconds=0.02) as consuming,
    ):
        member = await desk.member()
        member.deliver(1, 2)
        why = "nack: TimeoutError: the handler was not through after 0.02 s"
        assert sorted(await told(desk, 2)) == [(1, why), (2, why)]
        await cancelled.wait()
        member.deliver(1, 2, attempt=2)
        if resists:  # what comes again waits for it
            member.deliver(3, attempt=2)
            assert (await told(desk, 3))[2] == (3, "ack")
            go_on.set()
        await told(desk, 4)
        await eventually(lambda: consuming.finished == 4 + resists)
    assert [kind for _, kind in member.told()[2:]] == ["ack"] * (2 + resists)
    assert consuming.abandoned == 0


async def test_a_thread_that_takes_too_long_holds_up_nothing(desk: Desk) -> None:
    go_on = threading.Event()

    def handler(delivery: everlog.Delivery) -> None:
        if delivery.attempt == 1:
            go_on.wait(10)

    async with (
        connect(desk) as client,
        client.consume("pricing", handler, concurrency=1, handler_timeout_seconds=0.05),
    ):
        member = await desk.member()
        member.deliver(1)
        why = "nack: TimeoutError: the handler was not through after 0.05 s"
        assert await told(desk, 1) == [(1, why)]
        member.deliver(1, attempt=2)
        assert await told(desk, 2) == [(1, why), (1, "ack")]
    go_on.set()


# --- Interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        DRAINING,
        status(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"),
        status(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_MEMBERS"),
        None,
    ],
)
async def test_after_an_interruption_it_goes_on(desk: Desk, ending: Any) -> None:
    interruptions = []
    async with (
        connect(desk) as client,
        client.consume(
            "pricing",
            nothing,
            on_interruption=lambda error, seconds: interruptions.append((error, seconds)),
        ),
    ):
        (await desk.member()).end(ending)
        (await desk.member(2)).deliver(1)
        assert await told(desk, 1, member=2) == [(1, "ack")]
    [(error, _)] = interruptions
    assert error.reason == (
        everlog.status.error_from_status(ending).reason if ending is not None else ""
    )


async def test_a_server_that_is_gone_is_waited_for() -> None:
    async with consumer_desk() as first:
        port = int(first.server.address.rpartition(":")[2])
        client = connect(first)
        await client.__aenter__()
        consuming = client.consume("pricing", nothing)
        consuming.start()
        await first.member()
    async with consumer_desk(port=port) as second:
        (await second.member()).deliver(1)
        assert await told(second, 1) == [(1, "ack")]
        await consuming.stop()
        await client.close()


async def test_three_missing_heartbeats_are_an_interruption(desk: Desk) -> None:
    async with connect(desk) as client, client.consume("pricing", nothing, heartbeat_seconds=0.02):
        member = await desk.member()
        assert member.open.heartbeat_interval.ToMilliseconds() == 20
        (await desk.member(2)).deliver(1)
        assert await told(desk, 1, member=2) == [(1, "ack")]


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, "CONSUMER_NOT_FOUND", everlog.ConsumerNotFound),
        (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", everlog.PermissionDenied),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", everlog.InvalidRequest),
    ],
)
async def test_an_answer_that_stays_ends_it(
    desk: Desk, code: grpc.StatusCode, reason: str, error: type[Exception]
) -> None:
    async with connect(desk) as client:
        running = asyncio.create_task(client.consume("pricing", nothing).run())
        (await desk.member()).end(status(code, reason))
        with pytest.raises(error):
            await asyncio.wait_for(running, 5)
    assert len(desk.members) == 1


@pytest.mark.parametrize("which", ["on_interruption", "on_unsettled"])
async def test_a_callback_that_raises_ends_it_with_its_error(which: Any) -> None:
    def callback(*_: object) -> None:
        raise ZeroDivisionError(which)

    async with consumer_desk(settles=False) as desk, connect(desk) as client:
        callbacks: Any = {which: callback}
        async with client.deliveries("pricing", concurrency=2, **callbacks) as deliveries:
            member = await desk.member()
            member.deliver(1, 2)
            settled = [(await anext(deliveries)).ack(), (await anext(deliveries)).ack()]
            await told(desk, 2)
            member.end(DRAINING)
            with pytest.raises(ZeroDivisionError, match=which):
                await asyncio.wait_for(anext(deliveries), 5)
            for one in settled:
                error = await asyncio.wait_for(one, 5)
                assert isinstance(error, everlog.ConnectionLost)
        assert len(desk.members) == 1


async def test_a_server_that_lets_in_and_fails_is_called_less_and_less_often(desk: Desk) -> None:
    waits = []
    growing = everlog.Backoff(initial_seconds=0.001, max_seconds=10, multiplier=2)
    async with (
        everlog.connect(desk.server.address, backoff=growing) as client,
        client.consume(
            "pricing", nothing, on_interruption=lambda _, seconds: waits.append(seconds)
        ),
    ):
        for number in range(1, 6):
            (await desk.member(number)).end(DRAINING)
        last = await desk.member(6)
        assert waits[4] >= 0.008
        last.deliver(1)
        await told(desk, 1, member=6)
        last.end(DRAINING)  # which has stored an answer before
        await desk.member(7)
    assert waits[5] <= 0.001


async def test_without_backoff_an_interruption_ends_it(desk: Desk) -> None:
    async with everlog.connect(desk.server.address, backoff=None) as client:
        consuming = client.consume("pricing", nothing)
        consuming.start()
        (await desk.member()).end(DRAINING)
        with pytest.raises(everlog.ServerDraining):
            await consuming


async def test_what_was_not_settled_is_told_when_the_stream_breaks() -> None:
    unsettled: list[everlog.EverlogError] = []
    async with (
        consumer_desk(settles=False) as desk,
        connect(desk) as client,
        client.consume(
            "pricing",
            nothing,
            stop_timeout_seconds=0,
            on_unsettled=lambda _, error: unsettled.append(error),
        ),
    ):
        member = await desk.member()
        member.deliver(1)
        await told(desk, 1)
        member.end(DRAINING)
        await desk.member(2)
    [error] = unsettled
    assert isinstance(error, everlog.ConnectionLost)


async def test_an_aggregate_has_one_handler_at_a_time_across_an_interruption(desk: Desk) -> None:
    """What comes again waits for the handler that had it when the stream broke."""
    began: list[int] = []
    at_work: list[int] = []
    go_on = asyncio.Event()

    async def handler(delivery: everlog.Delivery) -> None:
        position = delivery.event.position
        assert position not in at_work
        began.append(delivery.attempt)
        at_work.append(position)
        if delivery.attempt == 1:
            await go_on.wait()
        at_work.remove(position)

    async with (
        connect(desk) as client,
        client.consume("pricing", handler, on_unsettled=lambda *_: None),
    ):
        member = await desk.member()
        member.deliver(1, aggregate="a")
        await eventually(lambda: bool(began))
        member.end(DRAINING)
        second = await desk.member(2)
        second.deliver(1, aggregate="a", attempt=2)
        second.deliver(9, aggregate="b", attempt=2)
        assert await told(desk, 1, member=2) == [(9, "ack")]
        go_on.set()
        assert await told(desk, 2, member=2) == [(9, "ack"), (1, "ack")]
    assert began == [1, 2, 2]
    assert member.answers == []


# --- Stopping -------------------------------------------------------------------------------------


class Slow:
    """A handler that waits for the test."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, _delivery: everlog.Delivery) -> None:
        self.began.set()
        await self.go_on.wait()


async def test_stopping_finishes_what_is_in_flight_and_waits_for_its_settlement() -> None:
    slow = Slow()
    async with consumer_desk(settles=False) as desk, connect(desk) as client:
        consuming = client.consume("pricing", slow)
        consuming.start()
        member = await desk.member()
        member.deliver(1)
        await slow.began.wait()
        stopping = asyncio.create_task(consuming.stop())
        await desk.until(lambda: member.has_left)
        slow.go_on.set()
        assert await told(desk, 1) == [(1, "ack")]
        member.settle(member.answers[0])
        await asyncio.sleep(0.01)
        assert not stopping.done()
        member.end()
        await asyncio.wait_for(stopping, 5)
        await consuming.wait()
    assert (consuming.finished, consuming.abandoned) == (1, 0)


async def test_what_no_handler_has_begun_is_given_back_when_it_stops(desk: Desk) -> None:
    """It costs no attempt, wherever it waits: for room, or on its way."""
    slow = Slow()
    async with connect(desk) as client:
        consuming = client.consume("pricing", slow, concurrency=1)
        consuming.start()
        member = await desk.member()
        member.deliver(1)
        await slow.began.wait()
        member.deliver(2)
        member.send(HEARTBEAT)
        stopping = asyncio.create_task(consuming.stop())
        await desk.until(lambda: member.has_left)
        member.deliver(3, attempt=4)
        assert sorted(await told(desk, 2)) == [(2, "release"), (3, "release")]
        slow.go_on.set()
        await asyncio.wait_for(stopping, 5)
    assert member.told()[2:] == [(1, "ack")]
    assert sorted(answer.attempt for answer in member.answers) == [1, 1, 4]
    assert (consuming.finished, consuming.abandoned) == (1, 0)


@pytest.mark.parametrize("is_thread", [False, True])
async def test_what_takes_too_long_is_abandoned(desk: Desk, is_thread: bool) -> None:
    began, go_on = threading.Event(), threading.Event()

    def in_a_thread(_delivery: everlog.Delivery) -> None:
        began.set()
        go_on.wait(10)

    async def in_the_loop(_delivery: everlog.Delivery) -> None:
        began.set()
        await asyncio.sleep(10)

    handler = in_a_thread if is_thread else in_the_loop
    async with connect(desk) as client:
        consuming = client.consume("pricing", handler, stop_timeout_seconds=0.05)
        consuming.start()
        member = await desk.member()
        member.deliver(1)
        await eventually(began.is_set)
        await asyncio.wait_for(consuming.stop(), 5)
    go_on.set()
    assert member.answers == []
    assert (consuming.finished, consuming.abandoned) == (0, 1)


async def test_cancelling_stops_it_gracefully_and_cancelling_again_at_once(desk: Desk) -> None:
    for stops in (1, 2):
        slow = Slow()
        async with connect(desk) as client:
            consuming = client.consume("pricing", slow)
            running = asyncio.create_task(consuming.run())
            member = await desk.member(stops)
            member.deliver(1)
            await slow.began.wait()
            running.cancel()
            await desk.until(lambda member=member: member.has_left)
            if stops == 1:
                slow.go_on.set()
            else:
                running.cancel()
            await asyncio.wait([running], timeout=5)
            assert running.cancelled()
        assert member.told() == ([(1, "ack")] if stops == 1 else [])
        assert consuming.abandoned == stops - 1


async def test_a_signal_stops_it_gracefully(desk: Desk) -> None:
    slow = Slow()
    async with connect(desk) as client:
        consuming = client.consume("pricing", slow)
        running = asyncio.create_task(consuming.run(signals=[signal.SIGTERM]))
        member = await desk.member()
        member.deliver(1)
        await slow.began.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await desk.until(lambda: member.has_left)
        slow.go_on.set()
        await asyncio.wait_for(running, 5)
    assert member.told() == [(1, "ack")]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_server_that_drains_while_it_stops_is_not_joined_again(desk: Desk) -> None:
    slow = Slow()
    async with connect(desk) as client:
        consuming = client.consume("pricing", slow, on_unsettled=lambda *_: None)
        consuming.start()
        member = await desk.member()
        member.deliver(1)
        await slow.began.wait()
        stopping = asyncio.create_task(consuming.stop())
        await desk.until(lambda: member.has_left)
        member.end(DRAINING)
        slow.go_on.set()
        await asyncio.wait_for(stopping, 5)
    assert len(desk.members) == 1
    assert consuming.finished == 1


async def test_stopping_while_the_server_is_away_does_not_wait_for_it() -> None:
    patient = everlog.Backoff(initial_seconds=600, max_seconds=600)
    async with everlog.connect("127.0.0.1:9", backoff=patient) as client:
        interrupted = asyncio.Event()
        consuming = client.consume("pricing", nothing, on_interruption=lambda *_: interrupted.set())
        consuming.start()
        await asyncio.wait_for(interrupted.wait(), 5)
        await asyncio.wait_for(consuming.stop(), 5)


async def test_closing_the_client_stops_it_gracefully(desk: Desk) -> None:
    slow = Slow()
    client = connect(desk)
    await client.__aenter__()
    consuming = client.consume("pricing", slow)
    consuming.start()
    member = await desk.member()
    member.deliver(1)
    await slow.began.wait()
    closing = asyncio.create_task(client.close())
    await desk.until(lambda: member.has_left)
    slow.go_on.set()
    await asyncio.wait_for(closing, 5)
    assert member.told() == [(1, "ack")]
    await asyncio.wait_for(consuming.wait(), 5)


async def test_stopping_twice_or_before_it_began_is_harmless(desk: Desk) -> None:
    async with connect(desk) as client:
        never = client.consume("pricing", nothing)
        await never.stop()
        await asyncio.wait_for(never.wait(), 5)
        consuming = client.consume("pricing", nothing)
        async with consuming:
            await desk.member()
            await asyncio.gather(consuming.stop(), consuming.stop())


# --- Delivery by delivery -------------------------------------------------------------------------


async def test_deliveries_are_answered_one_by_one_and_awaiting_tells_that_it_is_stored(
    desk: Desk,
) -> None:
    async with connect(desk) as client, client.deliveries("pricing", concurrency=5) as deliveries:
        (await desk.member()).deliver(1, 2, 3, 4)
        taken = [await anext(deliveries) for _ in range(4)]
        assert await taken[0].ack() is None
        assert await taken[1].nack("no stock") is None
        assert await taken[2].nack(everlog.Park("never")) is None
        assert await taken[3].nack(everlog.Skip()) is None
        with pytest.raises(RuntimeError, match="is answered already"):
            taken[0].ack()
    assert desk.members[0].told() == [
        (1, "ack"),
        (2, "nack: no stock"),
        (3, "park: never"),
        (4, "skip: "),
    ]


async def test_what_waits_keeps_its_lease_and_what_is_handed_out_must_ask_for_it() -> None:
    async with (
        consumer_desk(lease_seconds=0.06) as desk,
        connect(desk) as client,
        client.deliveries("pricing", concurrency=2) as deliveries,
    ):
        member = await desk.member()
        member.deliver(1, 2)
        first = await anext(deliveries)
        assert await told(desk, 3) == [(2, "in_progress")] * 3
        first.in_progress()
        await desk.until(lambda: (1, "in_progress") in member.told())
        first.ack()
        (await anext(deliveries)).ack()


async def test_leaving_gives_back_what_was_not_handed_out(desk: Desk) -> None:
    async with connect(desk) as client:
        async with client.deliveries("pricing", concurrency=3) as deliveries:
            (await desk.member()).deliver(1, 2, 3)
            async for delivery in deliveries:
                delivery.ack()
                break
        assert sorted(desk.members[0].told()) == [(1, "ack"), (2, "release"), (3, "release")]
        assert [one async for one in deliveries] == []


async def test_a_delivery_can_be_given_back(desk: Desk) -> None:
    async with connect(desk) as client, client.deliveries("pricing", concurrency=3) as deliveries:
        (await desk.member()).deliver(1, 2)
        assert await (await anext(deliveries)).release() is None
        second = await anext(deliveries)
        deliveries.leave()
        second.release()
        assert [one async for one in deliveries] == []
    assert desk.members[0].told() == [(1, "release"), (2, "release")]


async def test_closing_the_client_gives_back_what_was_not_handed_out(desk: Desk) -> None:
    async with connect(desk) as client:
        deliveries = client.deliveries("pricing", concurrency=2)
        (await _first(deliveries, desk)).ack()
    assert sorted(desk.members[0].told()) == [(1, "ack"), (2, "release")]
    assert [one async for one in deliveries] == []


async def _first(deliveries: everlog.Deliveries, desk: Desk) -> everlog.HeldDelivery:
    deliveries.start()
    (await desk.member()).deliver(1, 2)
    return await anext(deliveries)


async def test_leaving_cuts_off_what_nobody_answered(desk: Desk) -> None:
    async with connect(desk) as client:
        async with client.deliveries("pricing", concurrency=2) as deliveries:
            (await desk.member()).deliver(1, 2)
            first, second = await anext(deliveries), await anext(deliveries)
            first.ack()
        assert desk.members[0].told() == [(1, "ack")]
        assert not second.is_held
        error = await second.ack()
        assert isinstance(error, everlog.DeliveryNotHeld)
        assert [one async for one in deliveries] == []


async def test_a_wait_for_a_delivery_that_is_cancelled_loses_nothing(desk: Desk) -> None:
    async with connect(desk) as client, client.deliveries("pricing") as deliveries:
        member = await desk.member()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(deliveries), 0.01)
        member.deliver(1)
        await (await anext(deliveries)).ack()


async def test_a_cancellation_in_the_moment_of_a_failure_is_heard() -> None:
    async with everlog.connect("127.0.0.1:9", backoff=SOON) as client:
        for n in range(50):
            deliveries = client.deliveries("pricing")
            deliveries.start()
            await asyncio.sleep(n / 5000)
            await asyncio.wait_for(deliveries.aclose(timeout_seconds=0), 5)
