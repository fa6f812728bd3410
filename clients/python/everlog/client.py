"""The client: one connection to a server, for one tenant, shared by any number of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import aclosing
from types import TracebackType
from typing import Literal, Self, Unpack, overload

from grpc.aio import Channel

from everlog import expectations, requests
from everlog.admin_calls import TenantCalls
from everlog.aggregate_calls import AggregateCalls
from everlog.bulk import BulkEmit, Outcome
from everlog.catalog_calls import CatalogCalls
from everlog.channel import open_channel
from everlog.connection import Connection
from everlog.consume_calls import ConsumeCalls
from everlog.consumer_calls import ConsumerCalls
from everlog.entity_calls import EntityCalls
from everlog.events import Event
from everlog.expectations import Expectations
from everlog.filters import Filter
from everlog.framing import element
from everlog.narrative_calls import NarrativeCalls
from everlog.pipeline import Answer, EmitPipeline
from everlog.projection_calls import ProjectionCalls
from everlog.query import Query
from everlog.reach import Reach
from everlog.recorded import Head, Receipt, RecordedEvent
from everlog.requests import KnownEvents, Order, Start, Stretch
from everlog.retry import Backoff
from everlog.settings import Settings
from everlog.subscription import CaughtUp, FellBehind, Resumption, Subscription
from everlog.token_calls import TokenCalls
from everlog.trace_context import current_traceparent, keep_trace
from everlog.v1 import event_store_pb2


class Client(
    AggregateCalls,
    CatalogCalls,
    ConsumeCalls,
    ConsumerCalls,
    EntityCalls,
    NarrativeCalls,
    ProjectionCalls,
    TenantCalls,
    TokenCalls,
):
    """Appends events, reads them back and follows them; made by `connect`.

    Every failure is an EverlogError. Any number of tasks of one event loop may share a client.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._channel: Channel | None = None
        self._pipelines: list[EmitPipeline] = []
        self._finishing: list[Callable[[], Awaitable[object]]] = []

    async def __aenter__(self) -> Self:
        if self._channel is not None:
            raise RuntimeError("this client is in use already")
        settings = self.settings
        self._channel = open_channel(settings.address, settings.credentials)
        self._connection = Connection(
            self._channel,
            Reach(
                self._channel,
                settings.address,
                timeout_seconds=settings.connect_timeout_seconds,
            ),
            tenant=settings.tenant,
            token=settings.credentials.token,
            timeout_seconds=settings.timeout_seconds,
            backoff=settings.backoff,
        )
        self._pipelines = [self._new_pipeline()]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection. Emits without an answer fail with ConnectionLost.

        What `before_close` was given is awaited first, such as the flush of an EventWriter: 5 s at
        most.
        """
        try:
            finishing = [finish() for finish in self._finishing]
            await asyncio.gather(*finishing, return_exceptions=True)
        finally:
            for pipeline in self._pipelines:
                await pipeline.close()
            if self._channel is not None:
                await self._channel.close()
            self._channel = self._connection = None
            self._pipelines = []

    def before_close(self, finish: Callable[[], Awaitable[object]]) -> Callable[[], None]:
        """Have something awaited when the client closes, while its calls still work.

        Returns what withdraws it. It bounds its own time, and its failures go unheard.
        """
        self._finishing.append(finish)

        def withdraw() -> None:
            if finish in self._finishing:
                self._finishing.remove(finish)

        return withdraw

    @property
    def _resume_backoff(self) -> Backoff | None:
        return self.settings.backoff

    @property
    def channel(self) -> Channel:
        """The gRPC channel, for calls that this client has no method for."""
        if self._channel is None:
            raise RuntimeError("the client is not open: use `async with everlog.connect(…)`")
        return self._channel

    # --- Appending --------------------------------------------------------------------------------

    async def emit(
        self,
        event: Event,
        *,
        expect: Expectations | None = None,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Append one event, and return when it is stored durably.

        Concurrent calls share one stream and its messages; each is judged on its own. `expect` is
        the aggregate's last sequence, MUST_NOT_EXIST or MUST_EXIST, or a mapping from aggregates to
        such. An event with an idempotency key (or a chosen id) is sent again after an interruption,
        until the time is over. Cancelling does not undo what is sent already.
        """
        receipts = await self._submit((event,), expect, "refuse", timeout_seconds)
        return receipts[0]

    async def emit_many(
        self,
        events: Sequence[Event],
        *,
        expect: Expectations | None = None,
        known_events: KnownEvents = "refuse",
        timeout_seconds: float | None = None,
    ) -> list[Receipt]:
        """Append 1 to 1,000 events, all or none, in this order; otherwise as `emit`.

        A single expectation is of the only aggregate that the events are about.
        """
        return await self._submit(events, expect, known_events, timeout_seconds)

    def _submit(
        self,
        events: Sequence[Event],
        expect: Expectations | None,
        known_events: KnownEvents,
        timeout_seconds: float | None,
    ) -> Answer:
        if self.settings.make_idempotency_keys:
            events = [event.with_key() for event in events]
        messages = [event.to_message() for event in events]
        if traceparent := current_traceparent():
            for message in messages:
                keep_trace(message, traceparent)
        parts = [element(1, message.SerializeToString()) for message in messages]
        if expect is not None or known_events != "refuse":
            conditions = event_store_pb2.EmitRequest(
                expected_sequences=expectations.to_messages(
                    expect, written=(event.written_aggregate for event in events)
                ),
                known_events=requests.known_events_policy(known_events),
            )
            parts.append(conditions.SerializeToString())
        return self._open_pipeline.submit(
            b"".join(parts),
            recognisable=all(event.may_be_repeated for event in events),
            timeout_seconds=timeout_seconds or self.settings.timeout_seconds,
        )

    async def emit_stream(
        self,
        events: Iterable[Event] | AsyncIterable[Event],
        *,
        batch_events: int = 1,
        known_events: KnownEvents = "refuse",
        linger_seconds: float | None = 0.02,
        timeout_seconds: float | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """Append any number of events in order, and yield (index, receipt or error) for each.

        Every `batch_events` (1 to 1,000) of them are one request: stored or refused together. A
        request has fewer when an asynchronous source gives nothing for `linger_seconds` (None: it
        waits), and before an event that would make it larger than 1 MiB, or that has a key where
        those before have none. A refused one does not stop the others. They travel on a stream of
        their own, pipelined; what is read ahead of the answers is bounded. `timeout_seconds` is for
        each request.
        """
        pipeline = self._new_pipeline()
        self._pipelines.append(pipeline)
        bulk = BulkEmit(
            pipeline,
            batch_events=batch_events,
            known_events=requests.known_events_policy(known_events),
            linger_seconds=linger_seconds,
            timeout_seconds=timeout_seconds or self.settings.timeout_seconds,
            make_idempotency_keys=self.settings.make_idempotency_keys,
        )
        try:
            async with aclosing(bulk.outcomes(events)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
        finally:
            if pipeline in self._pipelines:
                self._pipelines.remove(pipeline)
            await pipeline.close()

    @property
    def _open_pipeline(self) -> EmitPipeline:
        if not self._pipelines:
            raise RuntimeError("the client is not open: use `async with everlog.connect(…)`")
        return self._pipelines[0]

    def _new_pipeline(self) -> EmitPipeline:
        connection = self._open
        return EmitPipeline(connection.emit_stream, connection.reach, backoff=self.settings.backoff)

    # --- Reading ----------------------------------------------------------------------------------

    async def head(self, *, min_position: int = 0) -> Head:
        """Tell the last position of the log."""
        connection = self._open
        request = event_store_pb2.GetHeadRequest(min_position=min_position)
        return Head(await connection.read(connection.stub.GetHead, request))

    async def get(
        self,
        event_id: str | None = None,
        *,
        position: int | None = None,
        aggregate: tuple[str, str] | None = None,
        sequence: int | None = None,
        idempotency_key: str | None = None,
        min_position: int = 0,
        outcome: bool = True,
    ) -> RecordedEvent:
        """Return one event: by id, position, aggregate and sequence, or idempotency key.

        With its latest `outcome`, which costs a second look-up. Raises EventNotFound.
        """
        connection = self._open
        request = requests.get_request(
            event_id=event_id,
            position=position,
            aggregate=aggregate,
            sequence=sequence,
            idempotency_key=idempotency_key,
            min_position=min_position,
            outcome=outcome,
        )
        response = await connection.read(connection.stub.Get, request)
        return RecordedEvent(
            response.event, response.outcome if response.HasField("outcome") else None
        )

    def query(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        order: Order = "newest_first",
        limit: int | None = None,
        page_size: int = 1_000,
        total_size: bool = False,
        min_position: int = 0,
        outcomes: bool = False,
    ) -> Query:
        """List events under a filter; iterate over what is returned.

        The listing is of the log as it is when the first page is taken. `limit` bounds the events
        in all; `total_size` has the server count everything that matches; with `outcomes` the
        events bring their latest ones.
        """
        connection = self._open
        request = requests.query_request(
            filter=filter,
            order=order,
            page_size=page_size,
            page_token="",
            total_size=total_size,
            min_position=min_position,
            outcomes=outcomes,
        )
        return Query(
            lambda page: connection.read(connection.stub.Query, page), request, limit=limit
        )

    async def replay(
        self, aggregate: tuple[str, str] | None = None, **stretch: Unpack[Stretch]
    ) -> AsyncGenerator[RecordedEvent, None]:
        """Yield a stretch of history, of one aggregate or of the whole log, and end.

        An interruption is raised, not resumed: go on after the last event's position. Raises
        AggregateNotFound for an aggregate without events.
        """
        new = RecordedEvent.__new__
        async with aclosing(self.replay_batches(aggregate, **stretch)) as batches:
            async for batch in batches:
                for message in batch.events:
                    event = new(RecordedEvent)  # without the call of __init__
                    event.message = message
                    yield event

    async def replay_batches(
        self, aggregate: tuple[str, str] | None = None, **stretch: Unpack[Stretch]
    ) -> AsyncGenerator[event_store_pb2.ReplayResponse, None]:
        """Yield the messages of a replay as they come: the fastest way through a long history."""
        request = requests.replay_request(aggregate, stretch)
        async with aclosing(self._open.replay(request)) as batches:
            async for batch in batches:
                yield batch

    @overload
    def subscribe(
        self, *, marks: Literal[False] = ..., **start: Unpack[Start]
    ) -> Subscription[RecordedEvent]: ...

    @overload
    def subscribe(
        self, *, marks: Literal[True], **start: Unpack[Start]
    ) -> Subscription[RecordedEvent | CaughtUp | FellBehind]: ...

    def subscribe(
        self, *, marks: bool = False, **start: Unpack[Start]
    ) -> Subscription[RecordedEvent] | Subscription[RecordedEvent | CaughtUp | FellBehind]:
        """Follow the log: what is stored after a start, then every new event, without end.

        Exactly the matching events, once each, in position order. After an interruption (the
        server drains or is gone, PostgreSQL is away, three heartbeats are missing) it resumes where
        it was; other failures are raised. Give exactly one of `after_position`, `from_time` and
        `from_now`. With `marks`, CaughtUp and FellBehind stand between the events.
        """
        connection = self._open
        return Subscription(
            connection.subscribe,
            requests.subscribe_request(start),
            marks=marks,
            resumption=Resumption(
                backoff=self.settings.backoff,
                heartbeat_seconds=start.get("heartbeat_seconds", 10.0),
                on_interruption=start.get("on_interruption"),
            ),
        )
