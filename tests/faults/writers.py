"""Those who emit: alone and in batches, with keys and without, with expectations, over streams."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import grpc

import everlog
from everlog.retry import Backoff
from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.faults.actors import CALL_SECONDS, Actor, Told, new_message, payload, receipts_of
from tests.faults.history import Emitted, Expected, Receipt, Sent, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Call = grpc.aio.StreamStreamCall[Any, Any]

_IN_FLIGHT_MAX = 12
_ATTEMPTS_MAX = 50
_PAUSE_SECONDS = 0.02


def _request(events: Sequence[Sent], expected: Sequence[Expected]) -> pb.EmitRequest:
    request = pb.EmitRequest(events=map(new_message, events))
    for one in expected:
        aggregate_type, _, aggregate_id = one.aggregate.partition("/")
        key = event_pb2.AggregateKey(aggregate_type=aggregate_type, aggregate_id=aggregate_id)
        expectation = request.expected_sequences.add(aggregate=key)
        if one.sequence is None:
            expectation.must_exist.SetInParent()
        else:
            expectation.exactly = one.sequence
    return request


class Writer(Actor):
    """Emits one request after the other, of all kinds."""

    async def live(self) -> None:
        """Until the run stops."""
        while not self.run.stopping.is_set():
            await self.write_once()
            await self.rest(_PAUSE_SECONDS)

    async def write_once(self) -> None:
        """One request, sent again where that is safe, until it is answered."""
        keyed = self.dice.random() < 0.5
        count = 1 if self.dice.random() < 0.6 else self.dice.randrange(2, 12)
        events = tuple(self.new_event(keyed=keyed) for _ in range(count))
        expected = self._expectations(events)
        if keyed and self.dice.random() < 0.1:
            # Two at once with the same keys, at any two servers.
            other = Writer(self.run, f"{self.name}'")
            other.dice.seed(events[0].mark)
            await asyncio.gather(self._emit(events, expected), other._emit(events, expected))
            await other.close()
            return
        for _ in range(_ATTEMPTS_MAX):
            verdict, reason, _ = await self._emit(events, expected)
            if verdict is not Verdict.ACKNOWLEDGED:
                await self.move()
            is_over = verdict is Verdict.ACKNOWLEDGED or reason == "SEQUENCE_CONFLICT"
            if is_over or not keyed or self.run.stopping.is_set():
                return

    def _expectations(self, events: Sequence[Sent]) -> tuple[Expected, ...]:
        """What it expects of aggregates, as far as anybody here knows; or nothing."""
        if self.dice.random() < 0.6:
            return ()
        aggregates = {event.aggregate for event in events} | {"b/0"}
        chosen = sorted(aggregates)[: self.dice.randrange(1, 3)]
        known = self.run.sequences
        return tuple(
            Expected(one, None if self.dice.random() < 0.2 else known.get(one, 0)) for one in chosen
        )

    async def _emit(self, events: tuple[Sent, ...], expected: tuple[Expected, ...]) -> Told:
        began = self.history.now()
        receipts: tuple[Receipt, ...] = ()
        try:
            response = await self.stub.Emit(_request(events, expected), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            told = self.told(error)
        else:
            told = Told(Verdict.ACKNOWLEDGED, "", {})
            receipts = receipts_of(response.receipts)
        self.record(began, events, told, expected=expected, receipts=receipts)
        return told

    def record(
        self,
        began: int,
        events: tuple[Sent, ...],
        told: Told,
        *,
        expected: tuple[Expected, ...] = (),
        receipts: tuple[Receipt, ...] = (),
        stream: str = "",
        is_only: bool = True,
    ) -> None:
        """Notes what came of an attempt."""
        self.history.emits.append(
            Emitted(
                writer=self.name,
                began=began,
                ended=self.history.now(),
                events=events,
                verdict=told.verdict,
                expected=expected,
                receipts=receipts,
                reason=told.reason,
                actual=told.actual,
                stream=stream,
                is_only=is_only,
            )
        )
        if told.verdict is Verdict.ACKNOWLEDGED:
            self.run.reasons["acknowledged"] += 1
            for sent, receipt in zip(events, receipts, strict=True):
                self.run.note(sent, receipt)


class StreamWriter(Writer):
    """Emits over EmitStreams, a dozen in flight; what has a key is sent again on the next one."""

    async def live(self) -> None:
        """One stream after the other, until the run stops."""
        again: list[tuple[Sent, ...]] = []
        streams = 0
        while not self.run.stopping.is_set():
            streams += 1
            session = _Session(self, f"{self.name}/{streams}", again)
            again = await session.run()
            await self.move()


class _Session:
    """One EmitStream."""

    def __init__(self, writer: StreamWriter, name: str, again: list[tuple[Sent, ...]]) -> None:
        self._writer = writer
        self._name = name
        self._again = again
        self._pending: dict[int, tuple[int, tuple[Sent, ...], tuple[Expected, ...]]] = {}
        self._unanswered: list[tuple[Sent, ...]] = []
        self._room = asyncio.Event()

    async def run(self) -> list[tuple[Sent, ...]]:
        """Returns what is to be sent again."""
        writer = self._writer
        metadata = (("everlog-tenant", writer.run.tenant),)
        call = writer.stub.EmitStream(metadata=metadata, timeout=CALL_SECONDS)
        sending = asyncio.create_task(self._send(call))
        reason = "ended"
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                for answer in response.answers:
                    self._take(answer)
                self._room.set()
            if self._pending:
                writer.history.defects.append(f"{self._name} ended well, and left some unanswered")
        except grpc.aio.AioRpcError as error:
            reason = writer.told(error).reason
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            call.cancel()
        for began, events, expected in self._pending.values():
            # A status of the stream, such as SERVER_DRAINING, is of what was not read any more;
            # what was is unknown to us.
            unknown = Told(Verdict.UNKNOWN, reason, {})
            writer.record(began, events, unknown, expected=expected, stream=self._name)
            if events[0].key:
                self._unanswered.append(events)
        return self._unanswered

    async def _send(self, call: Call) -> None:
        writer = self._writer
        number = 0
        left = writer.dice.randrange(20, 200)
        # InvalidStateError: the stream was over before; whoever reads it learns why.
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while (left > 0 and not writer.run.stopping.is_set()) or self._again:
                while len(self._pending) >= _IN_FLIGHT_MAX:
                    self._room.clear()
                    await self._room.wait()
                message = pb.EmitStreamRequest()
                for _ in range(writer.dice.randrange(1, 4)):
                    left -= 1
                    number += 1
                    events, expected = self._next()
                    began = writer.history.now()
                    self._pending[number] = began, events, expected
                    message.emits.add(request_id=number, request=_request(events, expected))
                await call.write(message)
                await writer.rest(_PAUSE_SECONDS)
            await call.done_writing()

    def _next(self) -> tuple[tuple[Sent, ...], tuple[Expected, ...]]:
        writer = self._writer
        if self._again:
            return self._again.pop(0), ()
        keyed = writer.dice.random() < 0.5
        count = 1 if writer.dice.random() < 0.7 else 4
        # An aggregate of its own, whose order shows.
        events = tuple(
            writer.new_event(aggregate=f"s/{writer.name}", keyed=keyed) for _ in range(count)
        )
        return events, (() if keyed else writer._expectations(events))

    def _take(self, answer: pb.StreamedAnswer) -> None:
        began, events, expected = self._pending.pop(answer.request_id)
        writer = self._writer
        receipts: tuple[Receipt, ...] = ()
        if answer.HasField("response"):
            told = Told(Verdict.ACKNOWLEDGED, "", {})
            receipts = receipts_of(answer.response.receipts)
        else:
            told = writer.told_status(answer.status)
            if events[0].key and told.reason != "SEQUENCE_CONFLICT":
                self._unanswered.append(events)
        writer.record(began, events, told, expected=expected, receipts=receipts, stream=self._name)


class ClientWriter(Writer):
    """Emits through the Python client, which sends again by itself what has a key."""

    async def live(self) -> None:
        """A few at once, until the run stops."""
        backoff = Backoff(initial_seconds=0.05, max_seconds=0.2)
        async with everlog.connect(
            f"everlog://{self.address}", tenant=self.run.tenant, backoff=backoff
        ) as client:
            while not self.run.stopping.is_set():
                count = self.dice.randrange(1, 6)
                await asyncio.gather(*(self._emit_one(client) for _ in range(count)))
                await self.rest(_PAUSE_SECONDS)

    async def _emit_one(self, client: everlog.Client) -> None:
        event = self.new_event(keyed=self.dice.random() < 0.8)
        aggregate_type, _, aggregate_id = event.aggregate.partition("/")
        began = self.history.now()
        receipts: tuple[Receipt, ...] = ()
        try:
            receipt = await client.emit(
                everlog.Event(
                    f"{aggregate_type}.written",
                    aggregate=(aggregate_type, aggregate_id),
                    json=payload(event.mark),
                    idempotency_key=event.key,
                ),
                timeout_seconds=CALL_SECONDS,
            )
        except everlog.EverlogError as error:
            told = self._told_of(error, is_resent=bool(event.key))
        else:
            told = Told(Verdict.ACKNOWLEDGED, "", {})
            receipts = receipts_of([receipt.message])
        self.record(began, (event,), told, receipts=receipts, is_only=not event.key)

    def _told_of(self, error: everlog.EverlogError, *, is_resent: bool) -> Told:
        self.run.reasons[f"client {type(error).__name__}"] += 1
        reason = getattr(error, "reason", "")
        refused = reason in {"STORAGE_UNAVAILABLE", "SERVER_DRAINING", "OVERLOADED"}
        # Of several attempts, the last one's refusal says nothing of those before.
        verdict = Verdict.REFUSED if refused and not is_resent else Verdict.UNKNOWN
        return Told(verdict, reason or type(error).__name__, {})


async def settle(writer: Writer, address: str) -> int:
    """Emits at a server until it answers, with one key; the position."""
    writer._address = address
    events = (writer.new_event(aggregate="end/1", keyed=True),)
    while True:
        told = await writer._emit(events, ())
        if told.verdict is Verdict.ACKNOWLEDGED:
            return writer.history.emits[-1].receipts[0].position
        with contextlib.suppress(grpc.aio.AioRpcError):
            await writer.rest(0.2)
