"""32 writers over 8 connections and 2 server processes, and 4 subscribers that watch them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import grpc
import pytest

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.factories import assert_gap_free
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

WRITERS, CONNECTIONS, AGGREGATES = 32, 8, 12


class Writer:
    """Emits, repeats itself, and expects what is not so; remembers what it was told."""

    def __init__(self, number: int, stub: EventStoreServiceStub, seed: int) -> None:
        self._number = number
        self._stub = stub
        self._dice = random.Random(f"{seed}-{number}")
        self.receipts: dict[str, tuple[int, int]] = {}
        self.refused: set[str] = set()
        self.deduplicated = 0

    async def write(self, requests: int) -> None:
        for n in range(requests):
            events = [
                self._event(f"{self._number}-{n}-{k}") for k in range(self._dice.randrange(1, 5))
            ]
            wrong = self._dice.random() < 0.2
            request = pb.EmitRequest(events=events)
            if wrong:  # nobody's aggregate ever gets there
                aggregate = event_pb2.AggregateKey(aggregate_type="a", aggregate_id="0")
                request.expected_sequences.add(aggregate=aggregate, exactly=10**9)
            try:
                response = await self._stub.Emit(request)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.ABORTED, error
                self.refused |= {event.idempotency_key for event in events}
                continue
            assert not wrong
            self._keep(request, response)
            if self._dice.random() < 0.3:
                again = await self._stub.Emit(request)
                assert all(receipt.deduplicated for receipt in again.receipts)
                self.deduplicated += len(again.receipts)
                self._keep(request, again)

    def _event(self, key: str) -> event_pb2.NewEvent:
        return event_pb2.NewEvent(
            aggregate_type="a",
            aggregate_id=str(self._dice.randrange(AGGREGATES)),
            event_type="a.written",
            json=f'{{"by": {self._number}}}',
            idempotency_key=key,
        )

    def _keep(self, request: pb.EmitRequest, response: pb.EmitResponse) -> None:
        assert len(request.events) == len(response.receipts)
        for event, receipt in zip(request.events, response.receipts, strict=True):
            place = (receipt.position, receipt.sequence)
            assert self.receipts.setdefault(event.idempotency_key, place) == place


class Follower:
    """Subscribes from a position to the end, checks the order as it comes."""

    def __init__(self, stub: EventStoreServiceStub, after: int) -> None:
        self._stub = stub
        self.after = after
        self.received: list[event_pb2.RecordedEvent] = []

    async def follow(self, until: asyncio.Future[int]) -> None:
        call = self._stub.Subscribe(pb.SubscribeRequest(after_position=self.after))
        async for message in call:
            self.received += message.events
            if message.HasField("heartbeat") or message.events or message.HasField("caught_up"):
                last = self.received[-1].position if self.received else self.after
                if until.done() and last >= until.result():
                    return


@pytest.mark.parametrize("flags", [(), ("--workers", "2")])
async def test_32_writers_over_2_processes_leave_one_log_that_4_subscribers_saw_exactly(
    database_url: str, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Sequences and positions without gaps, in commit order; record_time never runs backwards."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  to run it again
    head: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        if flags:
            servers = [await stack.enter_async_context(serving(database_url, tmp_path, *flags))] * 2
        else:
            servers = [
                await stack.enter_async_context(serving(database_url, tmp_path)) for _ in range(2)
            ]
        stubs = [
            await stack.enter_async_context(stub_for(servers[n % 2].address))
            for n in range(CONNECTIONS)
        ]
        writers = [Writer(n, stubs[n % CONNECTIONS], seed) for n in range(WRITERS)]
        followers: list[Follower] = []
        async with asyncio.TaskGroup() as following:

            async def join_later() -> None:
                for n, delay in enumerate((0.0, 0.2, 0.5, 1.0)):
                    await asyncio.sleep(delay)
                    after = 0 if n % 2 else (await stubs[n].GetHead(pb.GetHeadRequest())).position
                    followers.append(Follower(stubs[n], after))
                    following.create_task(followers[-1].follow(head))

            joining = asyncio.create_task(join_later())
            async with asyncio.TaskGroup() as writing:
                for writer in writers:
                    writing.create_task(writer.write(25))
            await joining
            # One more, so that nobody waits for a heartbeat to find that it is over.
            head.set_result((await stubs[0].GetHead(pb.GetHeadRequest())).position + 1)
            last = event_pb2.NewEvent(aggregate_type="end", aggregate_id="1", event_type="end")
            await stubs[0].Emit(pb.EmitRequest(events=[last]))

        log = await read_log(stubs[0])
        assert_gap_free(log)
        stored = {e.idempotency_key: (e.position, e.sequence) for e in log if e.idempotency_key}
        told: dict[str, tuple[int, int]] = {}
        for writer in writers:
            told |= writer.receipts
            assert not writer.refused & stored.keys()
        assert told == stored
        assert len(log) == len(told) + 1
        assert sum(writer.deduplicated for writer in writers) > 50
        assert sum(len(writer.refused) for writer in writers) > 50
        assert [key for key, n in Counter(e.idempotency_key for e in log).items() if n > 1] == []
        for follower in followers:
            assert follower.received == log[follower.after :]
