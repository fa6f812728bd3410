"""The state of an aggregate at a moment: its events read page by page, and folded.

The fold runs in the event loop, in slices of a millisecond: in a thread it would hold the
interpreter's lock for 5 ms at a time against everybody who wants to answer a call. What it may take
is bounded: 10 s, 16 MiB of state and 1,000 levels at the end, and not much more on the way. So is
how many run at a time: each adds its slice to how long everybody else waits.

Records are parsed, though most reducers need nothing of them but the data, which the table has in a
column: jsonb forgets the order of members, and how numbers were written, and states show both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.aggregates.json_values import encode, merge
from everlog_server.aggregates.pointers import NOTHING
from everlog_server.aggregates.reducers import MERGE, CompiledReduction, Reducer, reducer_of
from everlog_server.errors import (
    AggregateNotFoundError,
    OverloadedError,
    ReadTooExpensiveError,
    StateTooLargeError,
)
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage.history import Batch
from everlog_server.storage.reads import EventReader, ExtentAsked

DefinitionOf: TypeAlias = Callable[[int, str], Awaitable[tuple[int, bytes] | None]]
"""From a tenant and an aggregate type to the newest version of its definition, serialized."""

_STATE_SECONDS_MAX = 10.0
_SLICE_SECONDS = 0.001
_EVENTS_FEW = 1_000
"""The states of so many events, some milliseconds of work, do not wait behind larger ones."""
_STATES_OF_FEW_MAX = 8
_STATES_OF_MANY_MAX = 2
"""How many are told at a time: more would take longer each, and at last longer than any may."""
_PLACE_SECONDS_MAX = 10.0
# A look at the clock may cost as much as a step does: it is taken after so much work, some 50 µs.
_WORK_MEASURED = 5_000
_WORK_PER_EVENT = 50
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
        self._of_few = asyncio.Semaphore(_STATES_OF_FEW_MAX)
        self._of_many = asyncio.Semaphore(_STATES_OF_MANY_MAX)

    async def state(
        self,
        tenant_id: int,
        aggregate: AggregateKey,
        *,
        through_sequence: int | None = None,
        through_time: int | None = None,
    ) -> StateThen:
        """The state, at the end of a sequence, or of a microsecond, or now.

        Raises AggregateNotFoundError, StateTooLargeError; ReadTooExpensiveError after 10 s, and
        OverloadedError when for 10 s others have been told and it did not come to its turn.
        """
        began = time.perf_counter()
        asked = ExtentAsked(
            aggregate=aggregate, through_sequence=through_sequence, through_time=through_time
        )
        extent = await self._reader.extent(tenant_id, asked)
        if extent.last_sequence is None:
            raise AggregateNotFoundError(aggregate)
        through = extent.head if extent.through is None else extent.through
        events_max = extent.last_sequence
        if through_sequence is not None:
            events_max = min(events_max, through_sequence)
        before_waiting = time.perf_counter()
        async with self._place(events_max):
            began += time.perf_counter() - before_waiting
            try:
                async with asyncio.timeout(_STATE_SECONDS_MAX):
                    version, fold = await self._folded(tenant_id, aggregate, through)
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

    async def _folded(
        self, tenant_id: int, aggregate: AggregateKey, through: int
    ) -> tuple[int, Fold]:
        found = await self._definition_of(tenant_id, aggregate.aggregate_type)
        version, definition = found or (0, b"")
        fold = Fold(reducer_of(definition))
        event_filter = EventFilter(aggregate=aggregate)
        await fold.add(self._reader.replay(tenant_id, event_filter, after=0, through=through))
        return version, fold

    @asynccontextmanager
    async def _place(self, events_max: int) -> AsyncGenerator[None]:
        """A place among those that are told. Who is cancelled while waiting leaves the queue."""
        places = self._of_few if events_max <= _EVENTS_FEW else self._of_many
        try:
            async with asyncio.timeout(_PLACE_SECONDS_MAX):
                await places.acquire()
        except TimeoutError:
            raise OverloadedError(
                f"states of more than {_EVENTS_FEW:,} events are told {_STATES_OF_MANY_MAX} at a"
                f" time, others {_STATES_OF_FEW_MAX}; no place became free within"
                f" {_PLACE_SECONDS_MAX:g} s"
            ) from None
        try:
            yield
        finally:
            places.release()


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
        work = 0
        async with aclosing(batches):
            async for batch in batches:
                for event in event_store_pb2.QueryResponse.FromString(batch.records).events:
                    work += self.apply(event)
                    if work > _WORK_MEASURED:
                        work = 0
                        if time.perf_counter() > pause:
                            await asyncio.sleep(0)
                            pause = time.perf_counter() + _SLICE_SECONDS

    def apply(self, event: event_pb2.RecordedEvent) -> int:
        """Adds the next event. Returns how much work that was. Raises StateTooLargeError.

        Work is in bytes: of data, and what other things take, put in bytes of data.
        """
        reduction = self._reducer.reduction_of(event.event_type)
        self.events += 1
        self.last_event = event
        if reduction is MERGE:  # as its step would do it
            text = event.json
            if text:
                self.state = merge(self.state, orjson.loads(text))
                self._growth_bytes += len(text)
            work = _WORK_PER_EVENT + len(text)
        else:
            work = self._reduce(event, reduction)
        if self._growth_bytes > _GROWTH_BYTES_MEASURED:
            self._growth_bytes = 0
            self._measured(2 * STATE_BYTES_MAX)
        return work

    def _reduce(self, event: event_pb2.RecordedEvent, reduction: CompiledReduction) -> int:
        steps, growth_bytes, data_uses, walks_state = reduction
        if not steps:
            return _WORK_PER_EVENT
        data: Any = NOTHING
        used_bytes = 0
        if data_uses and (text := event.json):
            data = orjson.loads(text)
            used_bytes = data_uses * len(text)
        state = self.state
        for step in steps:
            state = step(state, event, data)
        self.state = state
        self._growth_bytes += growth_bytes + used_bytes
        if walks_state:
            return _WORK_MEASURED + 1
        return _WORK_PER_EVENT * (1 + len(steps)) + used_bytes

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
