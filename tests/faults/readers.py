"""Those who read: heads, single events, pages, stretches, aggregates; and those who follow."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import grpc

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.faults.actors import CALL_SECONDS, Actor, stored
from tests.faults.history import Opened, Read, Received, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

_SILENCE_SECONDS = 3.5
"""More than three heartbeats of the shortest interval."""
_PAUSE_SECONDS = 0.06


class Reader(Actor):
    """Reads in one way after the other."""

    async def live(self) -> None:
        """Until the run stops."""
        ways: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._head,
            self._get,
            self._query,
            self._replay,
            self._aggregate,
        ]
        while not self.run.stopping.is_set():
            try:
                await self.dice.choice(ways)()
            except grpc.aio.AioRpcError as error:
                self.told(error)
                await self.move()
            await self.rest(_PAUSE_SECONDS)
            if self.dice.random() < 0.2:
                await self.move()

    def _min_position(self) -> int:
        """Of something that was acknowledged, or none."""
        known = self.run.acknowledged
        if not known or self.dice.random() < 0.6:
            return 0
        return known[-1][1].position

    def _note(self, kind: str, began: int, **facts: Any) -> None:
        self.run.reasons[f"read {kind}"] += 1
        read = Read(reader=self.name, kind=kind, began=began, ended=self.history.now(), **facts)
        self.history.reads.append(read)

    async def _head(self) -> None:
        began, least = self.history.now(), self._min_position()
        request = pb.GetHeadRequest(min_position=least)
        head = await self.stub.GetHead(request, timeout=CALL_SECONDS)
        self._note("head", began, through=head.position, min_position=least)

    async def _get(self) -> None:
        if not self.run.acknowledged:
            return
        sent, receipt = self.dice.choice(self.run.acknowledged)
        request = pb.GetRequest(without_outcome=True, position=receipt.position)
        match self.dice.randrange(4):
            case 0:
                request.event_id = receipt.event_id
            case 1 if sent.key:
                request.idempotency_key = sent.key
            case 2:
                aggregate_type, _, aggregate_id = sent.aggregate.partition("/")
                request.aggregate_sequence.sequence = receipt.sequence
                request.aggregate_sequence.aggregate.aggregate_type = aggregate_type
                request.aggregate_sequence.aggregate.aggregate_id = aggregate_id
        began = self.history.now()
        try:
            found = await self.stub.Get(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if self.told(error).reason == "EVENT_NOT_FOUND":
                # It was acknowledged: whoever sees nothing of it sees too little.
                self._note("get", began, through=receipt.position - 1)
            return
        self._note("get", began, events=(stored(found.event),), is_to_head=False)

    async def _query(self) -> None:
        began, least = self.history.now(), self._min_position()
        is_descending = self.dice.random() < 0.5
        request = pb.QueryRequest(
            page_size=self.dice.choice([50, 200, 1000]),
            order=pb.QUERY_ORDER_NEWEST_FIRST if is_descending else pb.QUERY_ORDER_OLDEST_FIRST,
            min_position=least,
        )
        events: list[Stored] = []
        while True:
            page = await self.stub.Query(request, timeout=CALL_SECONDS)
            events += map(stored, page.events)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self._note(
            "log",
            began,
            events=tuple(events),
            through=page.through_position,
            min_position=least,
            is_descending=is_descending,
        )

    async def _replay(self) -> None:
        known = self.run.through
        after = self.dice.randrange(known) if known and self.dice.random() < 0.7 else 0
        began, least = self.history.now(), self._min_position()
        request = pb.ReplayRequest(after_position=after, min_position=least)
        events: list[Stored] = []
        through = after
        async for batch in self.stub.Replay(request, timeout=CALL_SECONDS):
            events += map(stored, batch.events)
            through = batch.examined_position
        self._note(
            "log", began, events=tuple(events), after=after, through=through, min_position=least
        )

    async def _aggregate(self) -> None:
        aggregate = f"{self.dice.choice('ab')}/{self.dice.randrange(5)}"
        after = self.dice.randrange(self.run.sequences.get(aggregate, 0) + 1)
        began, least = self.history.now(), self._min_position()
        aggregate_type, _, aggregate_id = aggregate.partition("/")
        key = event_pb2.AggregateKey(aggregate_type=aggregate_type, aggregate_id=aggregate_id)
        request = pb.ReplayRequest(aggregate=key, after_sequence=after, min_position=least)
        events: list[Stored] = []
        try:
            async for batch in self.stub.Replay(request, timeout=CALL_SECONDS):
                events += map(stored, batch.events)
        except grpc.aio.AioRpcError as error:
            if self.told(error).reason != "AGGREGATE_NOT_FOUND":
                return
        self._note(
            "aggregate",
            began,
            events=tuple(events),
            after=after,
            aggregate=aggregate,
            min_position=least,
        )


class Subscriber(Actor):
    """Follows the log, of one aggregate type or whole; resumes where it was, at any server."""

    async def live(self) -> None:
        """Until it has examined what was last."""
        aggregate_type = self.dice.choice(["", "", "a"])
        cursor = 0
        while not self.run.is_final(cursor):
            request = pb.SubscribeRequest(after_position=cursor)
            if aggregate_type:
                request.filter.aggregate_types.append(aggregate_type)
            request.heartbeat_interval.FromSeconds(1)
            opened = Opened(
                subscriber=self.name,
                at=self.history.now(),
                after=cursor,
                aggregate_type=aggregate_type,
            )
            self.history.subscribed.append(opened)
            call = self.stub.Subscribe(request)
            try:
                while not self.run.is_final(cursor):
                    message = await asyncio.wait_for(call.read(), _SILENCE_SECONDS)
                    if message is grpc.aio.EOF:
                        await self._note_end(call)
                        break
                    self._note(message)
                    cursor = max(cursor, message.examined_position)
            except grpc.aio.AioRpcError as error:
                self._note_failure(error)
            except TimeoutError:
                self.run.reasons["silence"] += 1
            finally:
                call.cancel()
            await self.move()

    def _note(self, message: pb.SubscribeResponse) -> None:
        self.history.subscribed.append(
            Received(
                subscriber=self.name,
                at=self.history.now(),
                events=tuple(map(stored, message.events)),
                examined=message.examined_position,
            )
        )

    async def _note_end(self, call: grpc.aio.UnaryStreamCall[Any, Any]) -> None:
        if await call.code() is grpc.StatusCode.OK:
            self.history.defects.append(f"a subscription of {self.name} ended well")

    def _note_failure(self, error: grpc.aio.AioRpcError) -> None:
        # LOG_DIVERGED and CURSOR_BEYOND_HEAD are among those that `told` takes for defects.
        self.told(error)
        self.run.reasons["resumed"] += 1


class ClientSubscriber(Actor):
    """Follows through the Python client, which resumes by itself, at one server."""

    async def live(self) -> None:
        """Until it has received what was last."""
        backoff = Backoff(initial_seconds=0.05, max_seconds=0.2)
        self.history.subscribed.append(Opened(subscriber=self.name, at=self.history.now(), after=0))
        async with (
            everlog.connect(
                f"everlog://{self.address}", tenant=self.run.tenant, backoff=backoff
            ) as client,
            contextlib.aclosing(
                client.subscribe(after_position=0, heartbeat_seconds=1.0)
            ) as subscription,
        ):
            try:
                async for event in subscription:
                    self._note(event.message)
                    if self.run.is_final(event.position):
                        return
            except everlog.EverlogError as error:
                self.history.defects.append(f"{self.name} was told {error!r}")

    def _note(self, event: event_pb2.RecordedEvent) -> None:
        self.history.subscribed.append(
            Received(
                subscriber=self.name,
                at=self.history.now(),
                events=(stored(event),),
                examined=event.position,
            )
        )


async def read_log(actor: Actor, address: str) -> list[Stored]:
    """The whole log as a server has it; tried again until it comes whole."""
    actor._address = address
    while True:
        events: list[Stored] = []
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for batch in actor.stub.Replay(pb.ReplayRequest(), timeout=CALL_SECONDS):
                events += map(stored, batch.events)
            return events
        await actor.rest(0.2)
