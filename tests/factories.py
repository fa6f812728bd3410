"""What tests make: events as a caller sends them, and the house around one database."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.append import Sequencers
from everlog_server.model import (
    AggregateKey,
    Emission,
    EventFilter,
    Expectation,
    ExpectationKind,
    NewEvent,
)
from everlog_server.rpc.decoding import decode_event
from everlog_server.rpc.records import CODEC
from everlog_server.rpc.validation import is_identified
from everlog_server.settings import AppendSettings, Settings, StorageSettings, SubscriptionSettings
from everlog_server.storage.database import Database
from everlog_server.storage.hints import Hints
from everlog_server.storage.reads import EventReader
from everlog_server.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

TENANT = 1
"""The tenant `default`, which the first migration makes."""


def new_event(
    aggregate: str = "order/1", event_type: str = "order.created", **fields: Any
) -> NewEvent:
    """An event as the RPC layer hands it on. `aggregate` is type/id; `fields` are NewEvent's."""
    aggregate_type, _, aggregate_id = aggregate.partition("/")
    fields.setdefault("json", "{}")
    message = event_pb2.NewEvent(
        aggregate_type=aggregate_type, aggregate_id=aggregate_id, event_type=event_type, **fields
    )
    return decode_event(message)


def emission(
    *events: NewEvent, expect: Iterable[Expectation] = (), skip_known: bool = False
) -> Emission:
    """A request of these events."""
    size = 300 * max(1, len(events))
    return Emission(tuple(events), tuple(expect), skip_known, is_identified(events), size)


def exactly(aggregate: str, sequence: int) -> Expectation:
    """That an aggregate's last sequence is this."""
    return Expectation(AggregateKey(*aggregate.split("/")), ExpectationKind.EXACTLY, sequence)


def is_new(aggregate: str) -> Expectation:
    """That an aggregate has no events."""
    return Expectation(AggregateKey(*aggregate.split("/")), ExpectationKind.NOT_TO_EXIST, 0)


def exists(aggregate: str) -> Expectation:
    """That an aggregate has events."""
    return Expectation(AggregateKey(*aggregate.split("/")), ExpectationKind.TO_EXIST, 0)


class Receipts(asyncio.Future[tuple["Receipt", ...]]):
    """An answer of the sequencer, readable."""

    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        super().__init__()
        self._answer = answer
        answer.add_done_callback(self._read)

    def cancel(self, msg: object = None) -> bool:
        """Withdraws the request."""
        self._answer.cancel()
        return super().cancel(msg)

    def _read(self, answer: asyncio.Future[bytes]) -> None:
        if self.done() or answer.cancelled():
            return
        if (error := answer.exception()) is not None:
            self.set_exception(error)
        else:
            self.set_result(parse_receipts(answer.result()))


class House:
    """Everything of one server process but its RPC layer."""

    def __init__(
        self,
        database_url: str,
        *,
        append: AppendSettings | None = None,
        subscriptions: SubscriptionSettings | None = None,
        storage: StorageSettings | None = None,
    ) -> None:
        settings = Settings()
        self.database = Database(database_url, storage or settings.storage)
        self.reader = EventReader(self.database)
        self.subscriptions = Subscriptions(
            self.reader, Hints(self.database), subscriptions or settings.subscriptions
        )
        self.sequencers = Sequencers(
            settings=append or settings.append,
            answer_timeout_seconds=self.database.answer_seconds,
            connect=self.database.connect_to_append,
            codec=CODEC,
            on_committed=self.subscriptions.publish,
        )

    def submit(self, request: Emission) -> asyncio.Future[tuple[Receipt, ...]]:
        """Emits to the tenant `default`. Cancelling the future withdraws the request."""
        return Receipts(self.sequencers.of(TENANT).submit(request))

    async def emit(self, *events: NewEvent, **options: Any) -> tuple[Receipt, ...]:
        """Emits events in one request, and waits for their receipts."""
        return await self.submit(emission(*events, **options))

    async def log(self, event_filter: EventFilter | None = None) -> list[event_pb2.RecordedEvent]:
        """The whole log, or what a filter means of it."""
        head = await self.reader.head(TENANT)
        batches = self.reader.replay(
            TENANT, event_filter or EventFilter(), after=0, through=head.position
        )
        return [event async for batch in batches for event in parse(batch.records)]

    async def follow(
        self,
        until: Callable[[list[event_pb2.RecordedEvent]], bool],
        *,
        after: int = 0,
        event_filter: EventFilter | None = None,
    ) -> list[event_pb2.RecordedEvent]:
        """What a subscriber receives, up to the message after which `until` is true."""
        received: list[event_pb2.RecordedEvent] = []
        async with self.subscriptions.subscribe(
            TENANT, event_filter or EventFilter(), after=after, heartbeat_seconds=0.05
        ) as messages:
            async for message in messages:
                received += parse(message.records)
                if until(received):
                    return received
        raise AssertionError("a subscription ended by itself")


@asynccontextmanager
async def open_house(database_url: str, **settings: Any) -> AsyncIterator[House]:
    """A house that is open, and closed in order at the end."""
    house = House(database_url, **settings)
    await house.database.open()
    watching = asyncio.create_task(house.subscriptions.run())
    try:
        yield house
    finally:
        house.subscriptions.drain()
        await house.sequencers.stop(5)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await house.database.close()


def parse(records: bytes) -> list[event_pb2.RecordedEvent]:
    """The events of joined records."""
    return list(event_store_pb2.QueryResponse.FromString(records).events)


class Receipt(NamedTuple):
    """A receipt, as tests like to compare it."""

    event_id: bytes
    position: int
    sequence: int
    record_time: int
    deduplicated: bool
    documentable: bool


def parse_receipts(data: bytes) -> tuple[Receipt, ...]:
    """The receipts of an EmitResponse."""
    return tuple(
        Receipt(
            UUID(one.event_id).bytes,
            one.position,
            one.sequence,
            one.record_time.ToMicroseconds(),
            one.deduplicated,
            one.documentable,
        )
        for one in event_store_pb2.EmitResponse.FromString(data).receipts
    )


def assert_gap_free(log: list[event_pb2.RecordedEvent]) -> None:
    """The contract: sequences and positions are 1, 2, 3 …, no gaps, ever; in commit order.

    And `record_time` never runs backwards along the log.
    """
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    last_sequences: dict[tuple[str, str], int] = {}
    for event in log:
        aggregate = (event.aggregate_type, event.aggregate_id)
        assert event.sequence == last_sequences.get(aggregate, 0) + 1
        last_sequences[aggregate] = event.sequence
    times = [event.record_time.ToMicroseconds() for event in log]
    assert times == sorted(times)
