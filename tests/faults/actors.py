"""What writers, readers and subscribers of a run have in common: servers, a tenant, a recorder."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from everlog.v1 import errors_pb2, event_pb2
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests.faults.history import History, Receipt, Sent, Stored, Verdict
from tests.servers import tenant_channel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from everlog.v1.event_store_pb2 import Receipt as WireReceipt

CALL_SECONDS = 6.0
"""The deadline of a call: no fault lasts so long."""
SETTLE_SECONDS = 40.0
"""Once all is well again: how long a consumer and a projection have to come to the end."""
_PADDING_BYTES_MAX = 900
_NOT_STORED_OR_READ = {
    "STORAGE_UNAVAILABLE",
    "SERVER_DRAINING",
    "OVERLOADED",
    "SEQUENCE_CONFLICT",
    "POSITION_NOT_VISIBLE",
    "READ_TOO_EXPENSIVE",
    "AGGREGATE_NOT_FOUND",
    "EVENT_NOT_FOUND",
    "DELIVERY_NOT_HELD",
}
"""What may be answered to what the actors ask; all others are defects."""
_BY_GRPC_ITSELF = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,  # a connection that is cut within the headers
    grpc.StatusCode.INTERNAL,  # one that is cut within a message
}


class Told(NamedTuple):
    """What a failed call says."""

    verdict: Verdict
    reason: str
    actual: dict[str, int]


@dataclass(slots=True)
class Run:
    """One schedule's workload."""

    seed: int
    tenant: str
    addresses: list[str]
    history: History = field(default_factory=History)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Writers and readers end."""
    reasons: Counter[str] = field(default_factory=Counter)
    """How often calls ended with what."""
    acknowledged: list[tuple[Sent, Receipt]] = field(default_factory=list)
    through: int = 0
    """The highest position of a receipt. Of some events there are several receipts."""
    sequences: dict[str, int] = field(default_factory=dict)
    """The last sequence of each aggregate, as far as anybody was told."""
    final_position: asyncio.Future[int] | None = None
    """The head, once nobody writes any more."""
    consumed: asyncio.Event = field(default_factory=asyncio.Event)
    """Members of the consumer end."""

    @property
    def is_settling(self) -> bool:
        """Whether it is known what everybody has to come to."""
        return self.final_position is not None and self.final_position.done()

    def is_final(self, position: int) -> bool:
        """Whether a position is the last one that everybody has to come to, or lies behind it."""
        final = self.final_position
        return final is not None and final.done() and position >= final.result()

    def note(self, sent: Sent, receipt: Receipt) -> None:
        """Takes note of an acknowledged event."""
        self.acknowledged.append((sent, receipt))
        self.through = max(self.through, receipt.position)
        known = self.sequences.get(sent.aggregate, 0)
        self.sequences[sent.aggregate] = max(known, receipt.sequence)


class Actor:
    """One who calls, with dice and connections of its own."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.history = run.history
        self.dice = random.Random(f"{run.seed}/{name}")
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._address = self.dice.choice(run.addresses)
        self._marks = 0

    @property
    def address(self) -> str:
        """Of the server that it is at."""
        return self._address

    @property
    def channel(self) -> grpc.aio.Channel:
        """To the server that it is at. Calls that stream requests name the tenant themselves."""
        if self._address not in self._channels:
            self._channels[self._address] = tenant_channel(self._address, self.run.tenant)
        return self._channels[self._address]

    @property
    def stub(self) -> EventStoreServiceStub:
        """Of the server that it is at."""
        return EventStoreServiceStub(self.channel)

    async def move(self) -> None:
        """Goes to any server, after a short rest."""
        self._address = self.dice.choice(self.run.addresses)
        await self.rest(0.08)

    async def rest(self, seconds_max: float) -> None:
        """Does nothing for a while."""
        await asyncio.sleep(self.dice.uniform(0, seconds_max))

    async def close(self) -> None:
        """Ends its connections."""
        for channel in self._channels.values():
            await channel.close()

    def new_event(self, *, aggregate: str = "", keyed: bool = False) -> Sent:
        """An event that nobody has sent yet."""
        self._marks += 1
        mark = f"{self.name}-{self._marks}"
        if not aggregate:
            aggregate = f"{self.dice.choice('ab')}/{self.dice.randrange(5)}"
        return Sent(mark, aggregate, f"k-{mark}" if keyed else "")

    def told(self, error: grpc.aio.AioRpcError) -> Told:
        """What an error says, noted; a defect is one in the history, too."""
        try:
            status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what it takes
        except ValueError:
            status = None
        if status is None:
            if error.code() not in _BY_GRPC_ITSELF:
                self.history.defects.append(f"{self.name} was told {error!r}")
            self.run.reasons[f"grpc {error.code().name}"] += 1
            return Told(Verdict.UNKNOWN, error.code().name, {})
        return self.told_status(status)

    def told_status(self, status: status_pb2.Status) -> Told:
        """The same of a status."""
        info = error_details_pb2.ErrorInfo()
        conflict = errors_pb2.SequenceConflict()
        actual: dict[str, int] = {}
        for detail in status.details:
            detail.Unpack(info)
            if detail.Unpack(conflict):
                actual = {
                    f"{one.aggregate.aggregate_type}/{one.aggregate.aggregate_id}": (
                        one.actual_sequence
                    )
                    for one in conflict.violations
                }
        self.run.reasons[info.reason] += 1
        if info.reason == "COMMIT_UNKNOWN":
            return Told(Verdict.UNKNOWN, info.reason, {})
        if info.domain != "everlog" or info.reason not in _NOT_STORED_OR_READ:
            self.history.defects.append(f"{self.name} was told {status}")
            return Told(Verdict.UNKNOWN, info.reason, {})
        return Told(Verdict.REFUSED, info.reason, actual)


def payload(mark: str) -> str:
    """The JSON of an event: its mark, and a filling that follows from it."""
    filling = "." * (crc32(mark.encode()) % _PADDING_BYTES_MAX)
    return f'{{"mark": "{mark}", "filling": "{filling}"}}'


def new_message(sent: Sent) -> event_pb2.NewEvent:
    """An event as it is sent."""
    aggregate_type, _, aggregate_id = sent.aggregate.partition("/")
    return event_pb2.NewEvent(
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        event_type=f"{aggregate_type}.written",
        json=payload(sent.mark),
        idempotency_key=sent.key,
    )


def stored(event: event_pb2.RecordedEvent) -> Stored:
    """An event as it was read; one whose payload is not as it was sent has that as its mark."""
    mark = event.json[10:].partition('"')[0]
    return Stored(
        event.position,
        event.sequence,
        event.event_id,
        event.record_time.ToMicroseconds(),
        mark if payload(mark) == event.json else event.json,
        f"{event.aggregate_type}/{event.aggregate_id}",
        event.idempotency_key,
    )


def receipts_of(wire: Iterable[WireReceipt]) -> tuple[Receipt, ...]:
    """Receipts as they came."""
    return tuple(
        Receipt(
            one.position,
            one.sequence,
            one.event_id,
            one.record_time.ToMicroseconds(),
            one.deduplicated,
        )
        for one in wire
    )
