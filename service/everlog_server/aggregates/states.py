"""The state of an aggregate at a moment: its events read page by page, and folded.

The fold runs in the event loop, in slices of a millisecond: in a thread it would hold the
interpreter's lock for 5 ms at a time against everybody who wants to answer a call. What it may take
is bounded: 10 s, 16 MiB of state and 1,000 levels at the end, and not much more on the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.aggregates.facts import Facts
from everlog_server.aggregates.json_values import encode, merge
from everlog_server.aggregates.reducers import MERGE, Reducer, reducer_of
from everlog_server.errors import AggregateNotFoundError, ReadTooExpensiveError, StateTooLargeError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage.history import Batch
from everlog_server.storage.reads import EventReader, ExtentAsked

DefinitionOf: TypeAlias = Callable[[int, str], Awaitable[tuple[int, bytes] | None]]
"""From a tenant and an aggregate type to the newest version of its definition, serialized."""

_STATE_SECONDS_MAX = 10.0
_SLICE_SECONDS = 0.001
STATE_BYTES_MAX = 16 * 1024 * 1024
# A state is measured whenever it may have grown by so much, and may be twice as large then: it may
# shrink again before the end.
_GROWTH_BYTES_MEASURED = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StateThen:
    """The state of an aggregate at a moment."""

    state: bytes
    """JSON."""
    events_replayed: int
    last_event: event_pb2.RecordedEvent | None
    seconds: float
    """How long reading and folding took."""
    version: int
    """Of the aggregate type; 0: it has no definition."""


class States:
    """Reconstructs states."""

    def __init__(self, reader: EventReader, definition_of: DefinitionOf) -> None:
        self._reader = reader
        self._definition_of = definition_of

    async def state(
        self,
        tenant_id: int,
        aggregate: AggregateKey,
        *,
        through_sequence: int | None = None,
        through_time: int | None = None,
    ) -> StateThen:
        """The state, at the end of a sequence, or of a microsecond, or now.

        Raises AggregateNotFoundError, StateTooLargeError; ReadTooExpensiveError after 10 s.
        """
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_STATE_SECONDS_MAX):
                extent = await self._reader.extent(
                    tenant_id,
                    ExtentAsked(
                        aggregate=aggregate,
                        through_sequence=through_sequence,
                        through_time=through_time,
                    ),
                )
                if extent.last_sequence is None:
                    raise AggregateNotFoundError(aggregate)
                through = extent.head if extent.through is None else extent.through
                found = await self._definition_of(tenant_id, aggregate.aggregate_type)
                version, definition = found or (0, b"")
                fold = Fold(reducer_of(definition))
                event_filter = EventFilter(aggregate=aggregate)
                batches = self._reader.replay(tenant_id, event_filter, after=0, through=through)
                await fold.add(batches)
        except TimeoutError:
            raise ReadTooExpensiveError(
                f"the state of {aggregate} could not be told within {_STATE_SECONDS_MAX:g} s"
            ) from None
        return StateThen(
            state=fold.finish(),
            events_replayed=fold.events,
            last_event=fold.last_event,
            seconds=time.perf_counter() - began,
            version=version,
        )


class Fold:
    """Adds events up, in their order."""

    def __init__(self, reducer: Reducer) -> None:
        self._reducer = reducer
        self.state: Any = reducer.initial_state()
        self.events = 0
        self.last_event: event_pb2.RecordedEvent | None = None
        self._growth_bytes = 0

    async def add(self, batches: AsyncGenerator[Batch]) -> None:
        """Adds whole batches, and lets others run in between."""
        pause = time.perf_counter() + _SLICE_SECONDS
        async with aclosing(batches):
            async for batch in batches:
                for event in event_store_pb2.QueryResponse.FromString(batch.records).events:
                    self.apply(event)
                    if time.perf_counter() > pause:
                        await asyncio.sleep(0)
                        pause = time.perf_counter() + _SLICE_SECONDS

    def apply(self, event: event_pb2.RecordedEvent) -> None:
        """Adds the next event. Raises StateTooLargeError."""
        reduction = self._reducer.reduction_of(event.event_type)
        self.events += 1
        self.last_event = event
        if reduction is MERGE:  # as the steps below would do it, at half of the price
            if text := event.json:
                self.state = merge(self.state, orjson.loads(text))
                self._growth_bytes += len(text)
        elif reduction.steps:
            facts = Facts(event)
            state = self.state
            for step in reduction.steps:
                state = step(state, facts)
            self.state = state
            self._growth_bytes += reduction.growth_bytes
            if reduction.data_uses:
                self._growth_bytes += reduction.data_uses * len(event.json)
        if self._growth_bytes > _GROWTH_BYTES_MEASURED:
            self._growth_bytes = 0
            self._measured(2 * STATE_BYTES_MAX)

    def finish(self) -> bytes:
        """The state as JSON. Raises StateTooLargeError."""
        return self._measured(STATE_BYTES_MAX)

    def _measured(self, bytes_max: int) -> bytes:
        encoded = encode(self.state)
        if len(encoded) > bytes_max:
            raise StateTooLargeError(
                f"after {self.events:,} events the state has {len(encoded):,} bytes; at most"
                f" {bytes_max:,}"
            )
        return encoded
