"""Those who consume: members of one consumer, who come and go; and who watches where it is."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from everlog.v1 import consumers_pb2 as pb
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from tests.faults.actors import CALL_SECONDS, SETTLE_SECONDS, Actor, stored
from tests.faults.history import Answered, Delivered, Gone, Joined, Settled, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

CONSUMER = "schedule"
_SILENCE_SECONDS = 3.5
"""More than three heartbeats."""
_HEARTBEAT = Duration(seconds=1)
_AGAIN = Duration(nanos=40_000_000)
_AT_WORK_SECONDS = 0.005
_LIFETIMES_SECONDS = [0.2, 0.8, 60.0]
_ANSWERS = {"ack": 200, "nack": 6, "release": 2, "skip": 1, "park": 1}
"""By weight."""
_SETTINGS = pb.ConsumerSettings(
    # Who fails goes on failing: what is parked here somebody has parked.
    attempts_max=1_000_000,
    backoff=pb.RetryBackoff(initial=_AGAIN, multiplier=1.0),
    checkpoint_interval=Duration(nanos=20_000_000),
)


class Member(Actor):
    """A member after the other, each for a while, at any server; some leave, some are killed."""

    async def live(self) -> None:
        """Until the consumer has finished."""
        streams = 0
        while not self.run.consumed.is_set():
            streams += 1
            await _Membership(self, f"{self.name}/{streams}").run()
            await self.move()


class _Membership:
    """One Consume stream."""

    def __init__(self, member: Member, name: str) -> None:
        self._member = member
        self._name = name
        self._history = member.history
        # Once nobody writes any more they stay: else it would take them long to finish.
        is_late = member.run.stopping.is_set()
        self._lifetime_seconds = 60.0 if is_late else member.dice.choice(_LIFETIMES_SECONDS)
        self._leaves = member.dice.random() < 0.5
        self._is_leaving = False

    async def run(self) -> None:
        """Until its time is over, or the stream is."""
        member = self._member
        stub = ConsumerServiceStub(member.channel)
        call = stub.Consume(metadata=(("everlog-tenant", member.run.tenant),))
        reason = "killed"
        self._history.consumed.append(Joined(stream=self._name, at=self._history.now()))
        try:
            reason = await self._work(call)
        except grpc.aio.AioRpcError as error:
            reason = member.told(error).reason
        except (TimeoutError, asyncio.InvalidStateError):
            reason = "silence"  # or an answer that was said after the end
            member.run.reasons["silence"] += 1
        finally:
            call.cancel()
            gone = Gone(stream=self._name, at=self._history.now(), reason=reason)
            self._history.consumed.append(gone)

    async def _work(self, call: Any) -> str:
        opening = pb.ConsumeRequest.Open(
            consumer=CONSUMER, member_name=self._name, credit=20, heartbeat_interval=_HEARTBEAT
        )
        await self._say(call, pb.ConsumeRequest(open=opening))
        ends = time.monotonic() + self._lifetime_seconds
        while True:
            message = await asyncio.wait_for(call.read(), _SILENCE_SECONDS)
            if message is grpc.aio.EOF:
                return await self._end(call)
            self._note_settled(message.settlements)
            answers = self._take(message.deliveries)
            is_over = time.monotonic() > ends or self._member.run.consumed.is_set()
            if is_over and not self._leaves:
                return "killed"
            if is_over and not self._is_leaving:
                self._is_leaving = True
                await self._say(call, pb.ConsumeRequest(answers=answers, leave=True))
            elif answers:
                await self._say(call, pb.ConsumeRequest(answers=answers))

    async def _end(self, call: Any) -> str:
        if await call.code() is not grpc.StatusCode.OK:
            await call  # raises what it ended with
        if not self._is_leaving:
            self._history.defects.append(f"the stream of {self._name} ended well, by itself")
        return "left"

    async def _say(self, call: Any, message: pb.ConsumeRequest) -> None:
        await self._member.rest(_AT_WORK_SECONDS)
        for answer in message.answers:
            said = Answered(
                stream=self._name,
                at=self._history.now(),
                delivery=answer.delivery_id,
                what=_said(answer),
            )
            self._history.consumed.append(said)
        await asyncio.wait_for(call.write(message), _SILENCE_SECONDS)

    def _take(self, deliveries: Iterable[pb.Delivery]) -> list[pb.DeliveryAnswer]:
        """Notes what has come; what is to be said of it."""
        answers: list[pb.DeliveryAnswer] = []
        for delivery in deliveries:
            came = Delivered(
                stream=self._name,
                at=self._history.now(),
                delivery=delivery.delivery_id,
                attempt=delivery.attempt,
                event=stored(delivery.event),
            )
            self._history.consumed.append(came)
            answers.append(self._answer(delivery))
        return answers

    def _answer(self, delivery: pb.Delivery) -> pb.DeliveryAnswer:
        answer = pb.DeliveryAnswer(delivery_id=delivery.delivery_id, attempt=delivery.attempt)
        dice = self._member.dice
        (what,) = dice.choices(list(_ANSWERS), list(_ANSWERS.values()))
        match what:
            case "ack":
                answer.ack.SetInParent()
            case "release":
                answer.release.SetInParent()
            case "nack":
                answer.nack.error = "by chance"
                match dice.randrange(3):
                    case 0:
                        answer.nack.retry_now.CopyFrom(Empty())
                    case 1:
                        answer.nack.retry_after.CopyFrom(_AGAIN)
            case "skip":
                answer.nack.skip.CopyFrom(Empty())
            case _:
                answer.nack.error = "by chance"
                answer.nack.park.CopyFrom(Empty())
        return answer

    def _note_settled(self, settlements: Iterable[pb.Settlement]) -> None:
        for one in settlements:
            is_refused = one.HasField("refusal")
            if is_refused and self._member.told_status(one.refusal).reason != "DELIVERY_NOT_HELD":
                self._history.defects.append(f"{self._name} was refused by {one.refusal}")
            settled = Settled(
                stream=self._name,
                at=self._history.now(),
                delivery=one.delivery_id,
                is_refused=is_refused,
            )
            self._history.consumed.append(settled)


def _said(answer: pb.DeliveryAnswer) -> str:
    what = answer.WhichOneof("answer") or ""
    action = answer.nack.WhichOneof("action") if what == "nack" else None
    return action if action in {"park", "skip"} else what


class ConsumerWatcher(Actor):
    """Makes the consumer, and asks where it is until it has finished."""

    _PAUSE_SECONDS = 0.2

    async def create(self) -> None:
        """Returns when it is there."""
        request = pb.CreateConsumerRequest(name=CONSUMER, settings=_SETTINGS)
        while True:
            try:
                await self._stub.CreateConsumer(request, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                self.told(error)
                await self.move()
            else:
                return

    async def live(self) -> None:
        """Until it has finished what there is, or takes too long: the checker says so then."""
        gives_up_at: float | None = None
        while gives_up_at is None or time.monotonic() < gives_up_at:
            if gives_up_at is None and self.run.is_settling:
                gives_up_at = time.monotonic() + SETTLE_SECONDS
            try:
                standing = await self._look()
                if self.run.is_final(standing.checkpoint) and not standing.waiting:
                    self.history.parked = await self._parked()
                    break
            except grpc.aio.AioRpcError as error:
                self.told(error)
                await self.move()
            await self.rest(self._PAUSE_SECONDS)
        self.run.consumed.set()

    @property
    def _stub(self) -> ConsumerServiceStub:
        return ConsumerServiceStub(self.channel)

    async def _look(self) -> Standing:
        began = self.history.now()
        request = pb.GetConsumerRequest(name=CONSUMER)
        answer = await self._stub.GetConsumer(request, timeout=CALL_SECONDS)
        status = answer.consumer.status
        standing = Standing(
            began=began,
            ended=self.history.now(),
            checkpoint=status.checkpoint,
            waiting=status.retrying + status.catching_up,
        )
        self.history.standings.append(standing)
        return standing

    async def _parked(self) -> frozenset[int]:
        request = pb.ListParkedRequest(consumer=CONSUMER, page_size=1000)
        found: set[int] = set()
        while True:
            page = await self._stub.ListParked(request, timeout=CALL_SECONDS)
            found |= {one.event.position for one in page.events}
            if not page.next_page_token:
                return frozenset(found)
            request.page_token = page.next_page_token
