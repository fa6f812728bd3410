"""`emit` against a peer that answers late, out of order, not at all, or dies."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_store_pb2
from tests.clients.scripted_server import ScriptedServer, answer, scripted, status

SOON = Backoff(initial_seconds=0.01, max_seconds=0.05)


def event(name: str = "1", *, key: str = "") -> everlog.Event:
    return everlog.Event("a.b", aggregate=("a", name), data={}, idempotency_key=key)


def response(*answers: event_store_pb2.StreamedAnswer) -> event_store_pb2.EmitStreamResponse:
    return event_store_pb2.EmitStreamResponse(answers=answers)


async def all_well(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    async for message in messages:
        yield response(*(answer(emit, position=emit.request_id) for emit in message.emits))


def ids_of(server: ScriptedServer) -> list[list[str]]:
    """The aggregate ids of each message, in the order of arrival."""
    return [
        [emit.request.events[0].aggregate_id for emit in message.emits]
        for message in server.requests
    ]


def connected(server: ScriptedServer, **settings: Any) -> everlog.Client:
    return everlog.connect(server.address, **{"backoff": SOON, **settings})


async def test_an_emit_gives_its_receipt() -> None:
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        receipt = await client.emit(event(), expect=everlog.MUST_NOT_EXIST)
        [emit] = server.requests[0].emits
        assert (receipt.position, receipt.event_id) == (1, "id-1")
        assert emit.request.expected_sequences[0].HasField("must_not_exist")


async def test_every_call_names_its_tenant_and_token() -> None:
    async with scripted(EmitStream=[all_well]) as server:
        async with connected(server, tenant="acme", token="t") as client:
            await client.emit(event())
        assert server.headers[0]["everlog-tenant"] == "acme"
        assert server.headers[0]["authorization"] == "Bearer t"


async def test_concurrent_emits_share_one_stream_and_its_messages() -> None:
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        receipts = await asyncio.gather(*(client.emit(event(str(n))) for n in range(50)))
        assert [receipt.position for receipt in receipts] == list(range(1, 51))
        assert server.calls == ["EmitStream"]
        assert ids_of(server) == [[str(n) for n in range(50)]]


async def test_emits_travel_in_the_order_of_the_calls() -> None:
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        await asyncio.gather(*(client.emit(event(str(n))) for n in range(2_500)))
        messages = ids_of(server)
        assert [name for message in messages for name in message] == [str(n) for n in range(2_500)]
        assert max(map(len, messages)) <= 1_000


async def test_answers_out_of_order_reach_those_who_asked() -> None:
    async def backwards(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            for emit in reversed(message.emits):
                name = emit.request.events[0].aggregate_id
                yield response(answer(emit, position=int(name)))

    async with scripted(EmitStream=[backwards]) as server, connected(server) as client:
        receipts = await asyncio.gather(*(client.emit(event(str(n))) for n in (7, 8, 9)))
        assert [receipt.position for receipt in receipts] == [7, 8, 9]


async def test_a_refused_emit_does_not_touch_its_neighbours() -> None:
    async def second_is_refused(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            first, second, third = message.emits
            conflict = status(grpc.StatusCode.ABORTED, "SEQUENCE_CONFLICT")
            refusal = event_store_pb2.StreamedAnswer(request_id=second.request_id, status=conflict)
            yield response(answer(first, position=1), refusal, answer(third, position=2))

    async with scripted(EmitStream=[second_is_refused]) as server, connected(server) as client:
        first, second, third = await asyncio.gather(
            *(client.emit(event(str(n))) for n in range(3)), return_exceptions=True
        )
        assert isinstance(first, everlog.Receipt)
        assert isinstance(second, everlog.SequenceConflict)
        assert isinstance(third, everlog.Receipt)


async def test_an_answer_to_nobody_is_passed_over() -> None:
    async def confused(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            stranger = event_store_pb2.StreamedAnswer(request_id=999)
            yield response(stranger, *(answer(emit, position=1) for emit in message.emits))

    async with scripted(EmitStream=[confused]) as server, connected(server) as client:
        assert (await client.emit(event())).position == 1


async def dies_after_reading(messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
    async for _ in messages:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        yield


async def test_a_broken_stream_fails_those_without_keys_and_the_next_call_opens_a_new_one() -> None:
    async with (
        scripted(EmitStream=[dies_after_reading, all_well]) as server,
        connected(server) as client,
    ):
        with pytest.raises(everlog.ConnectionLost):
            await client.emit(event())
        assert (await client.emit(event())).position == 2
        assert server.calls == ["EmitStream", "EmitStream"]


async def test_each_caller_gets_an_exception_of_its_own() -> None:
    async with scripted(EmitStream=[dies_after_reading]) as server, connected(server) as client:
        errors = await asyncio.gather(
            *(client.emit(event(str(n))) for n in range(3)), return_exceptions=True
        )
        assert all(isinstance(error, everlog.ConnectionLost) for error in errors)
        assert len({id(error) for error in errors}) == 3


async def test_keyed_emits_are_sent_again_in_their_order() -> None:
    async def answers_one_and_dies(
        messages: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        async for message in messages:
            yield response(answer(message.emits[1], position=1))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    async with (
        scripted(EmitStream=[answers_one_and_dies, all_well]) as server,
        connected(server) as client,
    ):
        await asyncio.gather(*(client.emit(event(str(n), key=f"k{n}")) for n in range(4)))
        assert ids_of(server) == [["0", "1", "2", "3"], ["0", "2", "3"]]


async def test_a_chosen_event_id_makes_an_emit_recognisable_too() -> None:
    async with (
        scripted(EmitStream=[dies_after_reading, all_well]) as server,
        connected(server) as client,
    ):
        await client.emit(everlog.Event("a.b", source="s", event_id="chosen"))
        assert len(server.calls) == 2


async def test_a_client_that_makes_keys_sends_every_emit_again_under_the_same_key() -> None:
    async with (
        scripted(EmitStream=[dies_after_reading, all_well]) as server,
        connected(server, make_idempotency_keys=True) as client,
    ):
        await client.emit_many([event("1"), event("2", key="own")])
        first, again = (
            [e.idempotency_key for e in message.emits[0].request.events]
            for message in server.requests
        )
        assert first == again
        assert len(first[0]) == 36
        assert first[1] == "own"


async def test_a_stream_of_a_client_that_makes_keys_mixes_events_with_and_without() -> None:
    async with (
        scripted(EmitStream=[all_well]) as server,
        connected(server, make_idempotency_keys=True) as client,
    ):
        events = [event("1"), event("2", key="own"), event("3")]
        async for _ in client.emit_stream(events, batch_events=3):
            pass
        [emit] = server.requests[0].emits
        keys = [e.idempotency_key for e in emit.request.events]
        assert keys[1] == "own"
        assert len(set(keys)) == 3
        assert all(keys)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"),
        (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
    ],
)
async def test_refused_for_now_is_tried_again_after_the_time_that_the_server_asked_for(
    code: grpc.StatusCode, reason: str
) -> None:
    async def later(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        refused = 0
        async for message in messages:
            for emit in message.emits:
                if refused < 2:
                    refused += 1
                    not_now = status(code, reason, retry_after=0.2)
                    yield response(
                        event_store_pb2.StreamedAnswer(request_id=emit.request_id, status=not_now)
                    )
                else:
                    yield response(answer(emit, position=1))

    async with scripted(EmitStream=[later]) as server, connected(server) as client:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await client.emit(event())
        assert server.calls == ["EmitStream"]
        assert len(server.requests) == 3
        assert loop.time() - began >= 0.4


async def test_commit_unknown_is_told_to_those_without_keys() -> None:
    async def unknown(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for message in messages:
            for emit in message.emits:
                given = status(grpc.StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN")
                yield response(
                    event_store_pb2.StreamedAnswer(request_id=emit.request_id, status=given)
                )

    async with scripted(EmitStream=[unknown]) as server, connected(server) as client:
        with pytest.raises(everlog.CommitUnknown):
            await client.emit(event())
        assert len(server.requests) == 1


async def silent(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    async for _ in messages:
        await asyncio.Event().wait()
        yield


async def test_without_an_answer_an_emit_ends_at_its_deadline() -> None:
    async with scripted(EmitStream=[silent]) as server, connected(server) as client:
        with pytest.raises(everlog.DeadlineExceeded):
            await client.emit(event(), timeout_seconds=0.1)


async def test_a_shorter_deadline_does_not_wait_for_a_longer_one() -> None:
    async with scripted(EmitStream=[silent]) as server, connected(server) as client:
        long = asyncio.create_task(client.emit(event(), timeout_seconds=30))
        await asyncio.sleep(0)
        with pytest.raises(everlog.DeadlineExceeded):
            await client.emit(event(), timeout_seconds=0.1)
        assert not long.done()
        with pytest.raises(everlog.DeadlineExceeded):
            await client.emit(event(), timeout_seconds=0.1)
        long.cancel()


async def test_every_emit_ends_at_its_own_deadline() -> None:
    async with scripted(EmitStream=[silent]) as server, connected(server) as client:
        emits = [client.emit(event(), timeout_seconds=seconds) for seconds in (0.3, 0.2, 0.1)]
        errors = await asyncio.wait_for(asyncio.gather(*emits, return_exceptions=True), timeout=10)
        assert all(isinstance(error, everlog.DeadlineExceeded) for error in errors)


async def test_retries_end_at_the_deadline_with_what_went_wrong_last() -> None:
    async with scripted(EmitStream=[dies_after_reading]) as server, connected(server) as client:
        with pytest.raises(everlog.ConnectionLost):
            await client.emit(event(key="k"), timeout_seconds=0.3)
        assert len(server.calls) > 2


async def test_without_a_backoff_nothing_is_sent_twice() -> None:
    async with (
        scripted(EmitStream=[dies_after_reading]) as server,
        connected(server, backoff=None) as client,
    ):
        with pytest.raises(everlog.ConnectionLost):
            await client.emit(event(key="k"))
        assert len(server.calls) == 1


async def test_keyed_emits_survive_a_restart_of_the_server() -> None:
    async with scripted(EmitStream=[silent]) as first:
        client = connected(first)
        await client.__aenter__()
        emit = asyncio.create_task(client.emit(event(key="k")))
        await first.arrived.wait()
    port = int(first.address.rpartition(":")[2])
    async with scripted(port, EmitStream=[all_well]) as second:
        assert (await emit).position == 1
        assert second.requests[0].emits[0].request.events[0].idempotency_key == "k"
        await client.close()


async def test_a_server_that_is_not_there_is_told_at_once_to_those_without_keys() -> None:
    async with everlog.connect("127.0.0.1:9", backoff=SOON) as client:
        with pytest.raises(everlog.ConnectionLost):
            await asyncio.wait_for(client.emit(event()), timeout=10)


async def test_a_cancelled_emit_leaves_the_others_alone() -> None:
    async with scripted(EmitStream=[all_well]) as server, connected(server) as client:
        kept = asyncio.create_task(client.emit(event("kept")))
        cancelled = asyncio.create_task(client.emit(event("cancelled")))
        await asyncio.sleep(0)
        cancelled.cancel()
        assert (await kept).position == 1
        assert ids_of(server) == [["kept"]]


async def test_bytes_in_flight_are_bounded() -> None:
    may_answer = asyncio.Event()

    async def holds_back(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        read: asyncio.Queue[Any] = asyncio.Queue()

        async def read_on() -> None:
            async for message in messages:
                read.put_nowait(message)

        reader = asyncio.create_task(read_on())
        await may_answer.wait()
        while not reader.done():
            message = await read.get()
            yield response(*(answer(emit, position=1) for emit in message.emits))

    large = everlog.Event("a.b", source="s", binary=bytes(900_000))
    async with scripted(EmitStream=[holds_back]) as server, connected(server) as client:
        emits = [asyncio.create_task(client.emit(large)) for _ in range(12)]
        await server.arrived.wait()
        await asyncio.sleep(0.5)
        assert sum(len(message.emits) for message in server.requests) == 4  # of 4 MiB
        may_answer.set()
        await asyncio.gather(*emits)
        assert all(message.ByteSize() <= 1024 * 1024 for message in server.requests)


async def test_closing_fails_those_who_still_wait() -> None:
    async with scripted(EmitStream=[silent]) as server:
        async with connected(server) as client:
            waiting = asyncio.create_task(client.emit(event(key="k")))
            await server.arrived.wait()
        with pytest.raises(everlog.ConnectionLost):
            await waiting


async def test_a_closed_client_says_so() -> None:
    client = everlog.connect("127.0.0.1:9")
    with pytest.raises(RuntimeError, match="not open"):
        await client.emit(event())
