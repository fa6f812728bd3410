"""`emit_stream`: many events, in order, each with its own outcome."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import ScriptedServer, answer, drain, fail, scripted, status

SOON = Backoff(initial_seconds=0.01, max_seconds=0.05)


def event(name: object, *, key: str = "") -> everlog.Event:
    return everlog.Event("a.b", aggregate=("a", str(name)), data={}, idempotency_key=key)


def connected(server: ScriptedServer) -> everlog.Client:
    return everlog.connect(server.address, backoff=SOON)


async def all_well(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    position = 1
    async for message in messages:
        answers = []
        for emit in message.emits:
            answers.append(answer(emit, position=position))
            position += len(emit.request.events)
        yield event_store_pb2.EmitStreamResponse(answers=answers)


def positions(outcomes: list[everlog.Outcome]) -> list[int | str]:
    return [
        outcome.position if isinstance(outcome, everlog.Receipt) else outcome.reason
        for _, outcome in outcomes
    ]


async def test_every_event_has_its_outcome_in_the_order_of_the_input() -> None:
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        outcomes = [
            o async for o in client.emit_stream((event(n) for n in range(250)), batch_events=100)
        ]
        assert [index for index, _ in outcomes] == list(range(250))
        assert positions(outcomes) == list(range(1, 251))
        emits = [emit for message in server.requests for emit in message.emits]
        assert [len(emit.request.events) for emit in emits] == [100, 100, 50]


async def test_a_refused_request_refuses_its_events_and_no_others() -> None:
    async def second_is_refused(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            for emit in message.emits:
                if emit.request_id == 2:
                    given = status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_EVENT")
                    refusal = event_store_pb2.StreamedAnswer(request_id=2, status=given)
                    yield event_store_pb2.EmitStreamResponse(answers=[refusal])
                else:
                    answers = [answer(emit, position=10 * emit.request_id)]
                    yield event_store_pb2.EmitStreamResponse(answers=answers)

    async with scripted(EmitStream=[second_is_refused]) as server, connected(server) as client:
        outcomes = [o async for o in client.emit_stream(map(event, range(6)), batch_events=2)]
        assert positions(outcomes) == [10, 11, "INVALID_EVENT", "INVALID_EVENT", 30, 31]


async def test_an_event_that_cannot_be_encoded_is_refused_alone() -> None:
    given = [event(0), everlog.Event("a.b", source="s", data={1, 2}), event(2)]
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        outcomes = [o async for o in client.emit_stream(given, batch_events=10)]
        assert positions(outcomes) == [1, "INVALID_EVENT", 2]


async def test_a_request_has_keys_on_all_of_its_events_or_on_none() -> None:
    given = [event(0), event(1, key="k1"), event(2, key="k2"), event(3)]
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        outcomes = [o async for o in client.emit_stream(given, batch_events=10)]
        assert len(outcomes) == 4
        emits = [emit for message in server.requests for emit in message.emits]
        assert [len(emit.request.events) for emit in emits] == [1, 2, 1]


async def test_a_slow_source_does_not_hold_back_what_it_gave() -> None:
    more = asyncio.Event()

    async def slow() -> AsyncIterator[everlog.Event]:
        yield event(0)
        await more.wait()
        yield event(1)

    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        outcomes = client.emit_stream(slow(), batch_events=100)
        index, _ = await asyncio.wait_for(anext(outcomes), timeout=10)
        assert index == 0
        more.set()
        assert [index async for index, _ in outcomes] == [1]


async def test_the_source_is_not_read_far_ahead_of_the_answers() -> None:
    taken = 0

    def endless() -> Iterator[everlog.Event]:
        nonlocal taken
        while True:
            taken += 1
            yield everlog.Event("a.b", source="s", binary=bytes(100_000))

    async def silent(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for _ in messages:
            await asyncio.Event().wait()
            yield

    async with scripted(EmitStream=[silent]) as server, connected(server) as client:
        outcomes = client.emit_stream(endless())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(outcomes), timeout=0.5)
        assert 10 < taken < 200


async def test_what_the_source_raises_comes_after_the_outcomes_of_what_it_gave() -> None:
    def broken() -> Iterator[everlog.Event]:
        yield event(0)
        raise LookupError("no more")

    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        seen: list[everlog.Outcome] = []
        with pytest.raises(LookupError):
            await drain(client.emit_stream(broken(), batch_events=10), seen)
        assert positions(seen) == [1]


async def test_an_interrupted_import_goes_on_without_losing_or_reordering_anything() -> None:
    async def dies_after_three(messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        answered = 0
        async for message in messages:
            for emit in message.emits:
                if answered == 3:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
                answered += 1
                answers = [answer(emit, position=emit.request_id)]
                yield event_store_pb2.EmitStreamResponse(answers=answers)

    async def by_number(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            answers = [answer(emit, position=emit.request_id) for emit in message.emits]
            yield event_store_pb2.EmitStreamResponse(answers=answers)

    async with (
        scripted(EmitStream=[dies_after_three, dies_after_three, by_number]) as server,
        connected(server) as client,
    ):
        given = (event(n, key=f"k{n}") for n in range(300))
        outcomes = [o async for o in client.emit_stream(given)]
        assert positions(outcomes) == list(range(1, 301))
        assert len(server.calls) == 3


async def test_a_stream_that_the_server_ends_under_a_write_keeps_its_reason() -> None:
    async def not_for_you(_messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await fail(context, status(grpc.StatusCode.NOT_FOUND, "TENANT_NOT_FOUND"))
        yield

    large = everlog.Event("a.b", source="s", binary=bytes(200_000))
    async with scripted(EmitStream=[not_for_you]) as server, connected(server) as client:
        outcomes = [outcome async for outcome in client.emit_stream([large] * 100)]
        assert set(positions(outcomes)) == {"TENANT_NOT_FOUND"}


async def test_leaving_early_ends_the_stream() -> None:
    ended = asyncio.Event()

    async def watched(messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        context.add_done_callback(lambda _: ended.set())
        async for response in all_well(messages, context):
            yield response

    async with scripted(EmitStream=[watched]) as server, connected(server) as client:
        outcomes = client.emit_stream(event(n) for n in range(10_000))
        await anext(outcomes)
        await outcomes.aclose()
        await asyncio.wait_for(ended.wait(), timeout=10)


async def test_a_batch_of_none_or_too_many_is_refused() -> None:
    async with everlog.connect("127.0.0.1:9") as client:
        for batch_events in (0, 1_001):
            with pytest.raises(ValueError, match="batch_events"):
                await anext(client.emit_stream([], batch_events=batch_events))


async def test_without_a_linger_a_slow_source_fills_its_requests() -> None:
    async def slowly() -> AsyncIterator[everlog.Event]:
        for n in range(5):
            yield event(n)
            await asyncio.sleep(0.03)

    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        outcomes = client.emit_stream(slowly(), batch_events=2, linger_seconds=None)
        assert [index async for index, _ in outcomes] == [0, 1, 2, 3, 4]
        emits = [emit for message in server.requests for emit in message.emits]
        assert [len(emit.request.events) for emit in emits] == [2, 2, 1]
