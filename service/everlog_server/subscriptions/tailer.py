"""The tailer: it keeps one tenant's ring at the end of the log.

The local sequencer hands it each batch that it commits; if that one follows the ring's last event,
it is all there is to do. Whatever else was appended, by other processes, is read from the table
when the head is seen to be ahead. The table is the truth: hand-over and hints only save the look.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial

import structlog

from everlog_server.errors import EverlogError, InternalError, LogDivergedError
from everlog_server.model import Committed, EventFilter, TailEvent
from everlog_server.storage.reads import Batch, EventReader
from everlog_server.subscriptions.ring import Ring

log = structlog.get_logger(__name__)

_READ_EVENTS_MAX = 2_000
_READ_BYTES_MAX = 1024 * 1024
_RETRY_SECONDS = 0.1


class Tailer:
    """Follows one tenant's log. Run `run` as a task."""

    def __init__(self, tenant_id: int, reader: EventReader, ring: Ring) -> None:
        self.tenant_id = tenant_id
        self.ring = ring
        self.failure: EverlogError | None = None
        """Why it can't go on; then whoever follows must end."""
        self._reader = reader
        self._head = ring.last
        self._head_is_ahead = asyncio.Event()
        self._grown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._matching: dict[tuple[EventFilter, int], asyncio.Task[Batch]] = {}

    @property
    def grown(self) -> asyncio.Future[None]:
        """Done when the ring has grown, or the tailer has failed. Take it, then look, then wait."""
        return self._grown

    def matching(self, event_filter: EventFilter, after: int) -> asyncio.Task[Batch]:
        """What PostgreSQL finds between a position and the ring's last, for all who ask alike.

        Shared: do not cancel it.
        """
        key = (event_filter, after)
        task = self._matching.get(key)
        if task is None:
            reading = self._read_matching(event_filter, after, self.ring.last)
            task = self._matching[key] = asyncio.get_running_loop().create_task(reading)
            task.add_done_callback(partial(self._forget_matching, key))
        return task

    def _forget_matching(self, key: tuple[EventFilter, int], task: asyncio.Task[Batch]) -> None:
        del self._matching[key]
        if not task.cancelled():
            task.exception()  # seen, also when everybody who asked has gone

    async def _read_matching(self, event_filter: EventFilter, after: int, through: int) -> Batch:
        batches = self._reader.catch_up(self.tenant_id, event_filter, after=after, through=through)
        async with aclosing(batches):
            return await anext(batches)

    def publish(self, committed: Committed) -> None:
        """Takes over what the local sequencer has committed."""
        last = committed.first_position + len(committed.events) - 1
        if committed.first_position == self.ring.last + 1:
            self._append(_tail_events(committed))
        else:
            self.note_head(last)

    def note_head(self, head: int) -> None:
        """The log reaches at least to here."""
        self._head = max(self._head, head)
        if self._head > self.ring.last:
            self._head_is_ahead.set()

    def check_head(self, head: int, *, known_before: int) -> None:
        """The database says where the log ends; `known_before`: what the ring had then."""
        if head < known_before:
            # A restore from a backup, under a running server.
            self.fail(LogDivergedError(f"the log ends at {head}, it had {known_before} events"))
        else:
            self.note_head(head)

    def fail(self, error: EverlogError) -> None:
        """Ends all that follow."""
        self.failure = error
        self._wake()

    async def run(self) -> None:
        """Reads what is missing whenever the head is ahead, until it fails or is cancelled."""
        try:
            while True:
                await self._head_is_ahead.wait()
                self._head_is_ahead.clear()
                try:
                    while self.ring.last < self._head:
                        await self._read_on()
                except EverlogError as error:
                    # The next look at the heads, which comes by itself, wakes us again.
                    log.debug("the tail can't be read", error=str(error))
                    await asyncio.sleep(_RETRY_SECONDS)
        except Exception:
            # A defect of ours. Nothing dies silently: whoever follows is told.
            log.exception("tailer failed", tenant_id=self.tenant_id)
            self.fail(InternalError())

    async def _read_on(self) -> None:
        events = await self._reader.tail(
            self.tenant_id,
            after=self.ring.last,
            through=self._head,
            limit=_READ_EVENTS_MAX,
            bytes_max=_READ_BYTES_MAX,
        )
        # The sequencer may have handed over some of them meanwhile.
        new = [event for event in events if event.position > self.ring.last]
        if new:
            self._append(new)
        elif not events:
            self._head = self.ring.last

    def _append(self, events: list[TailEvent]) -> None:
        self.ring.append(events)
        self._wake()

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.get_running_loop().create_future()
        grown.set_result(None)


def _tail_events(committed: Committed) -> list[TailEvent]:
    first, record_time, events, _, records = committed
    return [
        TailEvent(
            position,
            record,
            event.aggregate,
            event.event_type,
            record_time,
            record_time if event.occurred_time is None else event.occurred_time,
            event.source,
            event.correlation_id,
            event.causation_id,
            event.actor,
            event.user_id,
            event.documentable,
        )
        for position, (event, record) in enumerate(zip(events, records, strict=True), first)
    ]
