"""EmitStream with a sequencer that answers when the test says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.append import Caller as Waiter
from everlog_server.catalog.catalogue import OPEN, Catalogue
from everlog_server.errors import OverloadedError, ServerDrainingError
from everlog_server.rpc import emit_stream
from everlog_server.rpc.emit_stream import EmitStreams
from everlog_server.rpc.entry import open_entry
from everlog_server.rpc.rights import RIGHTS
from everlog_server.settings import LimitSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STORE = "everlog.v1.EventStoreService"
RECEIPTS = pb.EmitResponse(receipts=[pb.Receipt(position=1, sequence=1)]).SerializeToString()


class Caller:
    """Both ends of a stream, and the sequencer between them."""

    def __init__(self) -> None:
        self.submitted: list[Waiter] = []
        self.messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.answers: list[pb.StreamedAnswer] = []
        self.responses = 0
        self.reads = asyncio.Event()
        self.reads.set()
        self.drain = asyncio.Event()
        self.error: Exception | None = None
        streams = EmitStreams(
            sequencers=cast("Any", self),
            tenants=cast("Any", self),
            catalogs=cast("Any", self),
            limits=LimitSettings(),
            drain=self.drain,
            answered={("OK", ""): 0},
        )
        entry, context = open_entry(), cast("Any", self)
        call = entry.begin(context)
        call.admit(cast("Any", entry.known(call, context)), RIGHTS[f"{STORE}/EmitStream"])
        self.call = asyncio.create_task(streams.EmitStream(self._sent(), cast("Any", self)))

    # What the handler sees.

    async def resolve(self, _: str) -> int:
        return 1

    def of(self, _: int) -> Caller:
        return self

    def at_hand(self) -> Catalogue:
        return OPEN

    def require_room(self, _: int) -> None:
        if self.error is not None:
            raise self.error

    def enqueue(self, waiter: Waiter) -> None:
        if self.error is not None:
            raise self.error
        self.submitted.append(waiter)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def write(self, data: bytes) -> None:
        await self.reads.wait()
        self.responses += 1
        self.answers += pb.EmitStreamResponse.FromString(data).answers

    async def _sent(self) -> AsyncIterator[bytes]:
        while (data := await self.messages.get()) is not None:
            yield data

    # What the test does.

    async def send(self, *request_ids: int, size: int = 1) -> None:
        emits = [pb.StreamedEmit(request_id=i, request=request(i, size)) for i in request_ids]
        self.messages.put_nowait(pb.EmitStreamRequest(emits=emits).SerializeToString())
        await settle()

    async def answer(self) -> None:
        for waiter in self.submitted:
            waiter.tell(RECEIPTS)
        await settle()

    @property
    def answered(self) -> list[int]:
        return [answer.request_id for answer in self.answers]


def request(number: int, size: int) -> pb.EmitRequest:
    event = event_pb2.NewEvent(source=str(number), event_type="t", binary=bytes(size))
    return pb.EmitRequest(events=[event])


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_emits_are_submitted_in_the_order_of_the_stream() -> None:
    caller = Caller()
    await caller.send(1, 2)
    await caller.send(3)
    assert [waiter.emission.events[0].source for waiter in caller.submitted] == ["1", "2", "3"]
    caller.call.cancel()


async def test_what_is_known_together_is_answered_in_one_message() -> None:
    caller = Caller()
    await caller.send(*range(100))
    await caller.answer()
    assert caller.answered == list(range(100))
    assert caller.responses <= 2
    caller.call.cancel()


async def test_after_the_half_close_everything_is_answered_then_it_ends() -> None:
    caller = Caller()
    await caller.send(1, 2)
    caller.messages.put_nowait(None)
    await settle()
    assert not caller.call.done()
    await caller.answer()
    await caller.call
    assert caller.answered == [1, 2]


async def test_an_empty_stream_ends() -> None:
    caller = Caller()
    caller.messages.put_nowait(None)
    await caller.call


async def test_a_refused_emit_is_answered_and_the_stream_goes_on() -> None:
    caller = Caller()
    caller.error = OverloadedError()
    await caller.send(1)
    caller.error = None
    await caller.send(2)
    await caller.answer()
    assert [answer.WhichOneof("answer") for answer in caller.answers] == ["status", "response"]
    caller.call.cancel()


async def test_a_defect_is_one_emits_own() -> None:
    caller = Caller()
    await caller.send(1, 2)
    caller.submitted[0].tell(cast("Any", KeyError("secret")))
    await caller.answer()
    first, second = caller.answers
    assert (first.status.code, len(second.response.receipts)) == (13, 1)
    assert "secret" not in first.status.message
    caller.call.cancel()


@pytest.mark.parametrize(("count", "size"), [(5_000, 1), (20, 1_000_000)])
async def test_it_stops_reading_when_too_much_is_in_flight(count: int, size: int) -> None:
    caller = Caller()
    for number in range(count):
        await caller.send(number, size=size)
    first = len(caller.submitted)
    assert first < count
    assert first <= emit_stream._EMITS_MAX
    assert first * size <= emit_stream._BYTES_MAX + size
    caller.reads.clear()
    await caller.answer()  # known, but the caller does not read
    assert len(caller.submitted) == first
    caller.reads.set()
    while len(caller.answers) < count:
        await caller.answer()
    assert caller.answered == list(range(count))
    caller.call.cancel()


async def test_a_drain_answers_what_was_read_and_then_ends_the_stream() -> None:
    caller = Caller()
    await caller.send(1, 2)
    caller.drain.set()
    await settle()
    await caller.send(3)  # not read any more
    await caller.answer()
    with pytest.raises(ServerDrainingError):
        await caller.call
    assert caller.answered == [1, 2]


async def test_a_drain_answers_the_rest_of_a_message_that_had_no_room() -> None:
    caller = Caller()
    await caller.send(*range(5_000))
    assert len(caller.submitted) == emit_stream._EMITS_MAX
    caller.drain.set()
    await settle()
    await caller.answer()
    with pytest.raises(ServerDrainingError):
        await caller.call
    assert sorted(caller.answered) == list(range(5_000))
    refused = [answer for answer in caller.answers if answer.HasField("status")]
    assert len(refused) == 5_000 - emit_stream._EMITS_MAX


async def test_a_caller_who_goes_takes_back_what_still_waits() -> None:
    caller = Caller()
    await caller.send(1)
    caller.call.cancel()
    await settle()
    assert caller.submitted[0].is_gone
    assert caller.call.cancelled()
