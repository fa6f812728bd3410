"""The server's side of Consume, as a test wants it: what is delivered, settled, refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.rpc import status_pb2

from everlog.v1 import consumers_pb2, event_pb2
from tests.clients.scripted_server import ScriptedServer, fail, scripted, status

DRAINING = status(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
NOT_HELD = status(grpc.StatusCode.FAILED_PRECONDITION, "DELIVERY_NOT_HELD")


class Member:
    """One stream: it opens by itself; the rest is the test's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._responses: asyncio.Queue[consumers_pb2.ConsumeResponse | status_pb2.Status | None] = (
            asyncio.Queue()
        )
        self.open = consumers_pb2.ConsumeRequest.Open()
        self.delivered: dict[str, consumers_pb2.Delivery] = {}
        self.unanswered: set[str] = set()
        self.answers: list[consumers_pb2.DeliveryAnswer] = []
        self.has_left = False

    def deliver(
        self,
        *positions: int,
        event_type: str = "order.created",
        aggregate: str = "",
        attempt: int = 1,
        replayed: bool = False,
    ) -> None:
        """Deliver events at these positions, each of an aggregate of its own if none is given."""
        deliveries = [
            consumers_pb2.Delivery(
                event=event_pb2.RecordedEvent(
                    position=position,
                    event_id=f"id-{position}",
                    event_type=event_type,
                    aggregate_type="order",
                    aggregate_id=aggregate or str(position),
                ),
                delivery_id=self._desk.new_id(),
                attempt=attempt,
                replayed=replayed,
            )
            for position in positions
        ]
        for delivery in deliveries:
            self.delivered[delivery.delivery_id] = delivery
            self.unanswered.add(delivery.delivery_id)
        self.send(consumers_pb2.ConsumeResponse(deliveries=deliveries))

    def send(self, response: consumers_pb2.ConsumeResponse) -> None:
        self._responses.put_nowait(response)

    def end(self, given: status_pb2.Status | None = None) -> None:
        """End the stream: with a status, or with OK."""
        self._responses.put_nowait(given)

    def refuse(self, answer: consumers_pb2.DeliveryAnswer) -> None:
        self.unanswered.discard(answer.delivery_id)
        self._settle(answer, NOT_HELD)

    def settle(self, answer: consumers_pb2.DeliveryAnswer) -> None:
        self._settle(answer, None)

    def _settle(
        self, answer: consumers_pb2.DeliveryAnswer, refusal: status_pb2.Status | None
    ) -> None:
        settlement = consumers_pb2.Settlement(
            delivery_id=answer.delivery_id, attempt=answer.attempt, refusal=refusal
        )
        self.send(consumers_pb2.ConsumeResponse(settlements=[settlement]))

    def position(self, answer: consumers_pb2.DeliveryAnswer) -> int:
        """Which event an answer is about."""
        return self.delivered[answer.delivery_id].event.position

    def told(self) -> list[tuple[int, str]]:
        """What was answered: positions and `ack`, `in_progress`, or a nack's action."""
        return [(self.position(answer), kind(answer)) for answer in self.answers]

    async def serve(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        reading = asyncio.create_task(self._read(requests))
        try:
            while True:
                response = await self._responses.get()
                if response is None:
                    return
                if isinstance(response, status_pb2.Status):
                    await fail(context, response)
                yield response
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        async for request in requests:
            if request.HasField("open"):
                self.open.CopyFrom(request.open)
                lease = Duration()
                lease.FromMilliseconds(round(self._desk.lease_seconds * 1000))
                opened = consumers_pb2.ConsumeResponse.Opened(
                    member_id=f"member-{len(self._desk.members)}",
                    lease=lease,
                    credit=request.open.credit,
                )
                self.send(consumers_pb2.ConsumeResponse(opened=opened))
            for answer in request.answers:
                self.answers.append(answer)
                if not answer.HasField("in_progress"):
                    self.unanswered.discard(answer.delivery_id)
                    if self._desk.settles:
                        self.settle(answer)
            self.has_left = self.has_left or request.leave
            if self.has_left and not self.unanswered and self._desk.settles:
                self.end()
            self._desk.changed.set()


class Desk:
    """All streams of a consumer, in the order in which they were opened."""

    def __init__(self, *, lease_seconds: float = 30.0, settles: bool = True) -> None:
        self.lease_seconds = lease_seconds
        self.settles = settles
        """Whether each answer is settled at once."""
        self.members: list[Member] = []
        self.changed = asyncio.Event()
        self.server: ScriptedServer
        self._last_id = 0

    def new_id(self) -> str:
        self._last_id += 1
        return f"delivery-{self._last_id}"

    async def member(self, number: int = 1) -> Member:
        """The n-th stream, as soon as it has opened."""
        await self.until(lambda: len(self.members) >= number)
        member = self.members[number - 1]
        await self.until(lambda: bool(member.open.consumer))
        return member

    async def until(self, condition: Any) -> None:
        """Wait until something came that makes the condition true."""
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def serve(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        self.members.append(Member(self))
        self.changed.set()
        return self.members[-1].serve(requests, context)


@asynccontextmanager
async def consumer_desk(*, port: int = 0, **settings: Any) -> AsyncIterator[Desk]:
    """A server with one consumer, whose every move the test makes."""
    desk = Desk(**settings)
    async with scripted(port, Consume=[desk.serve]) as server:
        desk.server = server
        yield desk


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.001)


def kind(answer: consumers_pb2.DeliveryAnswer) -> str:
    """An answer in a word, with what is said beside it."""
    which = answer.WhichOneof("answer")
    if which != "nack":
        return str(which)
    nack = answer.nack
    match nack.WhichOneof("action"):
        case None:
            return f"nack: {nack.error}"
        case "retry_after":
            seconds = nack.retry_after.ToTimedelta().total_seconds()
            return f"retry_after {seconds:g}: {nack.error}"
        case action:
            return f"{action}: {nack.error}"


HEARTBEAT = consumers_pb2.ConsumeResponse(heartbeat=Empty())
