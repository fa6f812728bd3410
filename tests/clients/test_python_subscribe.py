"""A subscription that outlives its connections: never a skip, never a repeat."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import ScriptedServer, events, fail, scripted, status

SOON = Backoff(initial_seconds=0.01, max_seconds=0.05)
CAUGHT_UP = event_store_pb2.CaughtUp()
HEARTBEAT = event_store_pb2.Heartbeat()


def response(*positions: int, examined: int = 0, **marks: Any) -> event_store_pb2.SubscribeResponse:
    return event_store_pb2.SubscribeResponse(
        events=events(*positions), examined_position=examined or positions[-1], **marks
    )


def connected(server: ScriptedServer, **settings: Any) -> everlog.Client:
    return everlog.connect(server.address, **{"backoff": SOON, **settings})


async def take(subscription: everlog.Subscription[Any], count: int) -> list[int]:
    """The positions of the next items."""
    async with asyncio.timeout(10):
        return [(await anext(subscription)).position for _ in range(count)]


async def for_ever(_request: Any, _context: Any) -> AsyncIterator[Any]:
    await asyncio.Event().wait()
    yield


def then_draining(*responses: event_store_pb2.SubscribeResponse) -> Any:
    async def script(_request: Any, context: Any) -> AsyncIterator[Any]:
        for given in responses:
            yield given
        await fail(context, status(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"))

    return script


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"),
        (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SUBSCRIPTIONS"),
    ],
)
async def test_it_resumes_after_what_it_handed_out(code: grpc.StatusCode, reason: str) -> None:
    async def interrupted(_request: Any, context: Any) -> AsyncIterator[Any]:
        yield response(1, 2)
        yield response(3)
        await fail(context, status(code, reason))

    async def rest(request: Any, _context: Any) -> AsyncIterator[Any]:
        yield response(request.after_position + 1, 5)
        await asyncio.Event().wait()

    async with (
        scripted(Subscribe=[interrupted, rest]) as server,
        connected(server) as client,
        client.subscribe(after_position=0) as subscription,
    ):
        assert await take(subscription, 5) == [1, 2, 3, 4, 5]
        assert server.requests[1].after_position == 3


async def test_it_resumes_after_a_connection_that_broke_without_a_word() -> None:
    async def one(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield response(1)
        await asyncio.Event().wait()

    async def two(request: Any, _context: Any) -> AsyncIterator[Any]:
        yield response(request.after_position + 1)
        await asyncio.Event().wait()

    async with scripted(Subscribe=[one]) as first:
        client = connected(first)
        await client.__aenter__()
        subscription = client.subscribe(after_position=0)
        assert await take(subscription, 1) == [1]
    port = int(first.address.rpartition(":")[2])
    async with scripted(port, Subscribe=[two]):
        assert await take(subscription, 1) == [2]
        await subscription.aclose()
        await client.close()


async def test_a_filtered_out_stretch_moves_the_cursor() -> None:
    script = then_draining(
        response(1), event_store_pb2.SubscribeResponse(examined_position=900, heartbeat=HEARTBEAT)
    )
    async with (
        scripted(Subscribe=[script, for_ever]) as server,
        connected(server) as client,
        client.subscribe(after_position=0) as subscription,
    ):
        await take(subscription, 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(subscription), timeout=0.5)
        assert server.requests[1].after_position == 900
        assert subscription.position == 900


async def test_the_position_while_a_batch_is_handed_out_is_that_of_the_event() -> None:
    script = then_draining(response(1, 2, examined=10))
    async with (
        scripted(Subscribe=[script, for_ever]) as server,
        connected(server) as client,
        client.subscribe(after_position=0) as subscription,
    ):
        await take(subscription, 1)
        assert subscription.position == 1
        await take(subscription, 1)
        assert subscription.position == 2


async def test_the_cursors_event_id_goes_along_where_it_is_known() -> None:
    scripts = [
        then_draining(response(1, 2)),
        then_draining(event_store_pb2.SubscribeResponse(examined_position=2, heartbeat=HEARTBEAT)),
        then_draining(response(3, examined=7)),
        for_ever,
    ]
    async with (
        scripted(Subscribe=scripts) as server,
        connected(server) as client,
        client.subscribe(after_position=0) as subscription,
    ):
        await take(subscription, 3)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(subscription), timeout=0.5)
        cursors = [(request.after_position, request.after_event_id) for request in server.requests]
        assert cursors == [(0, ""), (2, "id-2"), (2, "id-2"), (7, "")]


async def test_from_a_time_it_resumes_from_the_position_once_it_knows_one() -> None:
    scripts = [then_draining(), then_draining(response(5)), for_ever]
    async with (
        scripted(Subscribe=scripts) as server,
        connected(server) as client,
        client.subscribe(from_time=datetime(2026, 1, 1, tzinfo=UTC)) as subscription,
    ):
        await take(subscription, 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(subscription), timeout=0.5)
        starts = [request.WhichOneof("start") for request in server.requests]
        assert starts == ["from_time", "from_time", "after_position"]


async def test_from_now_on_an_empty_log_resumes_at_its_start_and_skips_nothing() -> None:
    caught_up = event_store_pb2.SubscribeResponse(caught_up=CAUGHT_UP)

    async def rest(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield response(1)
        await asyncio.Event().wait()

    async with (
        scripted(Subscribe=[then_draining(caught_up), rest]) as server,
        connected(server) as client,
        client.subscribe(from_now=True) as subscription,
    ):
        assert await take(subscription, 1) == [1]
        assert server.requests[1].WhichOneof("start") == "after_position"
        assert server.requests[1].after_position == 0


async def test_three_missed_heartbeats_make_it_reconnect() -> None:
    cancelled = asyncio.Event()

    async def falls_silent(_request: Any, context: Any) -> AsyncIterator[Any]:
        context.add_done_callback(lambda _: cancelled.set())
        yield response(1)
        await asyncio.Event().wait()

    interruptions: list[everlog.EverlogError] = []

    async with (
        scripted(Subscribe=[falls_silent, then_draining(response(2)), for_ever]) as server,
        connected(server) as client,
        client.subscribe(
            after_position=0,
            heartbeat_seconds=0.1,
            on_interruption=lambda error, _seconds: interruptions.append(error),
        ) as subscription,
    ):
        assert await take(subscription, 2) == [1, 2]
        assert isinstance(interruptions[0], everlog.ConnectionLost)
        assert server.requests[0].heartbeat_interval.ToMilliseconds() == 100
        await asyncio.wait_for(cancelled.wait(), timeout=10)


async def test_heartbeats_keep_it_where_it_is() -> None:
    async def beats(_request: Any, _context: Any) -> AsyncIterator[Any]:
        for _ in range(12):  # for longer than three that are missed
            await asyncio.sleep(0.1)
            yield event_store_pb2.SubscribeResponse(heartbeat=HEARTBEAT)
        yield response(1)
        await asyncio.Event().wait()

    async with (
        scripted(Subscribe=[beats]) as server,
        connected(server) as client,
        client.subscribe(after_position=0, heartbeat_seconds=0.3) as subscription,
    ):
        assert await take(subscription, 1) == [1]
        assert server.calls == ["Subscribe"]


async def test_a_slow_reader_is_not_taken_for_a_silent_server() -> None:
    async with (
        scripted(Subscribe=[then_draining(response(1), response(2)), for_ever]) as server,
        connected(server) as client,
        client.subscribe(after_position=0, heartbeat_seconds=0.05) as subscription,
    ):
        assert await take(subscription, 1) == [1]
        await asyncio.sleep(0.4)
        assert await take(subscription, 1) == [2]
        assert len(server.calls) == 1


async def test_marks_stand_between_the_events_when_asked_for() -> None:
    script = then_draining(
        response(1, caught_up=CAUGHT_UP),
        event_store_pb2.SubscribeResponse(
            examined_position=1, fell_behind=event_store_pb2.FellBehind()
        ),
        response(2),
    )
    async with scripted(Subscribe=[script, for_ever]) as server, connected(server) as client:
        async with client.subscribe(after_position=0, marks=True) as subscription:
            items = [await anext(subscription) for _ in range(4)]
        assert isinstance(items[0], everlog.RecordedEvent)
        assert items[1:3] == [everlog.CaughtUp(1), everlog.FellBehind(1)]
        assert items[3].position == 2


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_BEYOND_HEAD", everlog.CursorBeyondHead),
        (grpc.StatusCode.FAILED_PRECONDITION, "LOG_DIVERGED", everlog.LogDiverged),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FILTER", everlog.InvalidFilter),
        (grpc.StatusCode.INTERNAL, "INTERNAL", everlog.InternalError),
    ],
)
async def test_what_waiting_cannot_mend_is_raised(
    code: grpc.StatusCode, reason: str, error: type[everlog.EverlogError]
) -> None:
    async def refused(_request: Any, context: Any) -> AsyncIterator[Any]:
        await fail(context, status(code, reason))
        yield

    async with scripted(Subscribe=[refused]) as server, connected(server) as client:
        with pytest.raises(error):
            await take(client.subscribe(after_position=5), 1)
        assert server.calls == ["Subscribe"]


async def test_without_a_backoff_an_interruption_is_raised() -> None:
    async with (
        scripted(Subscribe=[then_draining(response(1))]) as server,
        connected(server, backoff=None) as client,
        client.subscribe(after_position=0) as subscription,
    ):
        assert await take(subscription, 1) == [1]
        with pytest.raises(everlog.ServerDraining):
            await anext(subscription)


async def test_leaving_ends_the_call() -> None:
    ended = asyncio.Event()

    async def watched(_request: Any, context: Any) -> AsyncIterator[Any]:
        context.add_done_callback(lambda _: ended.set())
        yield response(1, 2)
        await asyncio.Event().wait()

    async with scripted(Subscribe=[watched]) as server, connected(server) as client:
        async with client.subscribe(after_position=0) as subscription:
            await take(subscription, 1)
        await asyncio.wait_for(ended.wait(), timeout=10)


async def test_cancelling_the_reader_cancels_the_call() -> None:
    cancelled = asyncio.Event()

    async def watched(_request: Any, context: Any) -> AsyncIterator[Any]:
        context.add_done_callback(lambda _: cancelled.set())
        yield response(1)
        await asyncio.Event().wait()

    async with scripted(Subscribe=[watched]) as server, connected(server) as client:
        subscription = client.subscribe(after_position=0)
        reader = asyncio.create_task(take(subscription, 2))
        await server.arrived.wait()
        await asyncio.sleep(0.1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.wait_for(cancelled.wait(), timeout=10)
