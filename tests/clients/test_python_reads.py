"""Get, head, query and replay against a scripted peer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import ScriptedServer, drain, events, fail, scripted, status

SOON = Backoff(initial_seconds=0.01, max_seconds=0.05)


def connected(server: ScriptedServer, **settings: Any) -> everlog.Client:
    return everlog.connect(server.address, **{"backoff": SOON, **settings})


async def unavailable(_request: Any, context: Any) -> Any:
    await fail(context, status(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"))


async def head_is_7(_request: Any, _context: Any) -> Any:
    return event_store_pb2.GetHeadResponse(position=7, event_id="id-7")


async def test_a_read_is_tried_again_while_the_storage_is_away() -> None:
    async with (
        scripted(GetHead=[unavailable, unavailable, head_is_7]) as server,
        connected(server) as client,
    ):
        assert (await client.head()).position == 7
        assert len(server.calls) == 3


async def test_a_read_gives_up_at_its_deadline_with_the_reason() -> None:
    async with (
        scripted(GetHead=[unavailable]) as server,
        connected(server, timeout_seconds=0.3) as client,
    ):
        with pytest.raises(everlog.StorageUnavailable):
            await client.head()
        assert len(server.calls) > 2


async def test_a_read_that_hangs_after_an_interruption_tells_the_interruption() -> None:
    async def hangs(_request: Any, _context: Any) -> Any:
        await asyncio.Event().wait()

    async with (
        scripted(GetHead=[unavailable, hangs]) as server,
        # Time for the interruption to come, on a machine with much to do.
        connected(server, timeout_seconds=1.5) as client,
    ):
        with pytest.raises(everlog.StorageUnavailable):
            await client.head()
        with pytest.raises(everlog.DeadlineExceeded):
            await client.head()


async def test_the_head_of_an_empty_log_has_no_time() -> None:
    async def empty(_request: Any, _context: Any) -> Any:
        return event_store_pb2.GetHeadResponse()

    async with scripted(GetHead=[empty]) as server, connected(server) as client:
        head = await client.head()
        assert (head.position, head.event_id, head.record_time) == (0, "", None)


async def test_an_event_that_is_not_there_is_not_asked_for_twice() -> None:
    async def missing(_request: Any, context: Any) -> Any:
        await fail(context, status(grpc.StatusCode.NOT_FOUND, "EVENT_NOT_FOUND"))

    async with scripted(Get=[missing]) as server, connected(server) as client:
        with pytest.raises(everlog.EventNotFound):
            await client.get(position=9)
        assert len(server.calls) == 1


def page(*positions: int, token: str = "", through: int = 9) -> Any:
    async def script(_request: Any, _context: Any) -> Any:
        return event_store_pb2.QueryResponse(
            events=events(*positions), next_page_token=token, through_position=through, total_size=5
        )

    return script


async def test_a_query_fetches_its_pages_even_past_an_empty_one() -> None:
    pages = [page(9, 8, token="t1"), page(token="t2", through=10), page(3, through=11)]
    async with scripted(Query=pages) as server, connected(server) as client:
        query = client.query(everlog.Filter(event_types=["a.*"]), total_size=True)
        assert [event.position async for event in query] == [9, 8, 3]
        assert [request.page_token for request in server.requests] == ["", "t1", "t2"]
        assert (query.through_position, query.total_size) == (9, 5)
        assert all(request.filter.event_types == ["a.*"] for request in server.requests)


async def test_a_limit_ends_a_query_without_asking_for_more_than_it_needs() -> None:
    pages = [page(9, 8, token="t1"), page(7, token="t2")]
    async with scripted(Query=pages) as server, connected(server) as client:
        query = client.query(limit=3, page_size=2)
        assert [event.position async for event in query] == [9, 8, 7]
        assert [request.page_size for request in server.requests] == [2, 1]


async def test_a_replay_hands_out_its_batches_event_by_event() -> None:
    async def history(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield event_store_pb2.ReplayResponse(events=events(1, 2), examined_position=2)
        yield event_store_pb2.ReplayResponse(examined_position=50)
        yield event_store_pb2.ReplayResponse(events=events(51), examined_position=51)

    async with scripted(Replay=[history]) as server, connected(server) as client:
        assert [event.position async for event in client.replay()] == [1, 2, 51]
        batches = [batch.examined_position async for batch in client.replay_batches()]
        assert batches == [2, 50, 51]


async def test_an_interrupted_replay_is_raised_after_what_came() -> None:
    async def cut_short(_request: Any, context: Any) -> AsyncIterator[Any]:
        yield event_store_pb2.ReplayResponse(events=events(1), examined_position=1)
        await fail(context, status(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"))

    async with scripted(Replay=[cut_short]) as server, connected(server) as client:
        seen: list[everlog.RecordedEvent] = []
        with pytest.raises(everlog.ServerDraining):
            await drain(client.replay(("a", "1"), direction="backwards", max_events=3), seen)
        assert [event.position for event in seen] == [1]
        [request] = server.requests
        assert (request.aggregate.aggregate_id, request.max_events) == ("1", 3)
        assert request.direction == event_store_pb2.REPLAY_DIRECTION_BACKWARDS
