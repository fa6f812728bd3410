"""The tailer: it keeps one tenant's ring at the end of the log.

The local sequencer hands it each batch that it commits; if that one follows the ring's last event,
it is all there is to do. Whatever else was appended, by other processes, is read from the table
when the head is seen to be ahead. The table is the truth: hand-over and hints only save the look.

Under a running server the log may go back to an earlier state, and on from there: a failover to a
standby that lacks the last events, a restore. Its events then are others, at the same positions.

Invariant: nothing is read after the ring's last event unless the database, in the same snapshot,
has that very event. What is handed over names the event before it, and is not asked about; so each
look asks about what was last when the look before was; and while the database can't be read,
nothing is handed over.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

import structlog

from everlog_server.errors import EverlogError, InternalError, LogDivergedError
from everlog_server.model import Committed, EventFilter, Head, TailEvent
from everlog_server.storage.reads import Batch, EventReader
from everlog_server.subscriptions.counts import SubscriptionCounts
from everlog_server.subscriptions.ring import MESSAGE_BYTES_MAX, Ring
from everlog_server.subscriptions.waves import Waves

log = structlog.get_logger(__name__)

_READ_EVENTS_MAX = 2_000
_READ_BYTES_MAX = 1024 * 1024
_RETRY_SECONDS = 0.1


class Place(NamedTuple):
    """A position, and the id of the event there; None at position 0."""

    position: int
    event_id: bytes | None


class Look(NamedTuple):
    """What one look at the database asks about."""

    asked: Place
    """What was the ring's last event at the look before."""
    last: Place
    """What is the ring's last event now."""


class Tailer:
    """Follows one tenant's log from its head on. Run `run` as a task."""

    def __init__(
        self,
        tenant_id: int,
        reader: EventReader,
        head: Head,
        *,
        ring_bytes_max: int,
        counts: SubscriptionCounts,
    ) -> None:
        self.tenant_id = tenant_id
        self.ring = Ring(head.position, ring_bytes_max, counts)
        self.waves = Waves(
            head.position, unshown_bytes_max=min(MESSAGE_BYTES_MAX, ring_bytes_max // 4)
        )
        """Wakes those who wait for the ring to grow, or for the tailer's failure."""
        self.failure: EverlogError | None = None
        """Why it can't go on; then whoever follows must end."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when it has failed."""
        self._reader = reader
        self._head = head.position
        self._last = self._asked_next = Place(head.position, head.event_id)
        self._head_is_ahead = asyncio.Event()
        self._matching: dict[tuple[EventFilter, int], asyncio.Task[Batch]] = {}

    @property
    def head(self) -> int:
        """The log reaches at least to here."""
        return max(self._head, self.ring.last)

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
            # The database may be another one since we looked: the batch itself says behind what
            # it was stored.
            if committed.event_id_before == self._last.event_id:
                self._append(_tail_events(committed), committed.event_ids[-1])
            else:
                self.fail(_diverged(self._last))
        else:
            self.note_head(last)

    def note_head(self, head: int) -> None:
        """The log reaches at least to here."""
        self._head = max(self._head, head)
        if self._head > self.ring.last:
            self._head_is_ahead.set()

    def look(self) -> Look:
        """What to ask the database about, together with the head; then `check`."""
        return Look(self._asked_next, self._last)

    def check(self, look: Look, head: Place, event_id: bytes | None) -> None:
        """The database says where the log ends, and which event it has where it was asked."""
        asked, last = look
        if event_id != asked.event_id:
            self.fail(_diverged(asked))
        elif head.position < last.position or (head.position == last.position and head != last):
            self.fail(_diverged(last))
        else:
            self._asked_next = last
            self.note_head(head.position)

    def fail(self, error: EverlogError) -> None:
        """Ends all that follow. The first reason stands."""
        if self.failure is None:
            self.failure = error
            self.over.set_result(None)
            self.waves.end()

    async def run(self) -> None:
        """Reads what is missing whenever the head is ahead, until it fails or is cancelled."""
        try:
            while True:
                await self._head_is_ahead.wait()
                self._head_is_ahead.clear()
                try:
                    while self.ring.last < self._head:
                        await self._read_on()
                except LogDivergedError as error:
                    self.fail(error)
                    return
                except EverlogError as error:
                    # The next look at the heads, which comes by itself, wakes us again.
                    log.debug("the tail can't be read", error=str(error))
                    await asyncio.sleep(_RETRY_SECONDS)
        except Exception:
            # A defect of ours. Nothing dies silently: whoever follows is told.
            log.exception("tailer failed", tenant_id=self.tenant_id)
            self.fail(InternalError())

    async def _read_on(self) -> None:
        last = self._last
        events, event_id_before, event_id = await self._reader.tail(
            self.tenant_id,
            after=last.position,
            through=self._head,
            limit=_READ_EVENTS_MAX,
            bytes_max=_READ_BYTES_MAX,
        )
        if not events:
            self._head = self.ring.last
            return
        if event_id_before != last.event_id:
            raise _diverged(last)
        # The sequencer may have handed over some of them meanwhile.
        new = [event for event in events if event.position > self.ring.last]
        if new:
            self._append(new, event_id)

    def _append(self, events: list[TailEvent], last_event_id: bytes | None) -> None:
        size_bytes = self.ring.append(events)
        self._last = Place(self.ring.last, last_event_id)
        self.waves.grow(self.ring.last, size_bytes)


def _diverged(place: Place) -> LogDivergedError:
    return LogDivergedError(
        f"the log no longer has the event that was at position {place.position}: it was restored"
        " to an earlier state",
        metadata={"position": str(place.position)},
    )


def _tail_events(committed: Committed) -> list[TailEvent]:
    first, record_time, events, _, records, _ = committed
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
