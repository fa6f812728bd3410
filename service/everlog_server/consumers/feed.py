"""The feed: one reader for all slots of a consumer that a process has.

    slots at the reader's place ◀── live: a subscription's cursor (ring, then tailer)
    slots behind it             ◀── pages of the log, from the slot that is furthest behind

A slot that is full is left behind where it is, and holds up no other; once it has room again, pages
of the log bring it back to where the live reader stands.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog

from everlog_server.consumers.events import DamagedEvent, slot_of, split
from everlog_server.errors import (
    EventDamagedError,
    ReadTooExpensiveError,
    StorageUnavailableError,
    TooManySubscriptionsError,
)
from everlog_server.model import uuid_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager
    from typing import Protocol

    from everlog_server.consumers.events import Event
    from everlog_server.consumers.own_slot import OwnSlot
    from everlog_server.consumers.policy import Policy
    from everlog_server.model import EventFilter
    from everlog_server.storage.reads import EventReader

    class Message(Protocol):
        """A message of a subscription."""

        @property
        def records(self) -> bytes:
            """Framed and joined."""

        @property
        def examined_position(self) -> int:
            """Up to here the log was examined."""

    class Follow(Protocol):
        """Follows a log from a position; see Subscriptions.subscribe."""

        def __call__(
            self, tenant_id: int, event_filter: EventFilter, *, after: int, heartbeat_seconds: float
        ) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
            """The messages, without end."""


_log = structlog.get_logger(__name__)

_PAGE_EVENTS = 1_000
_HEARTBEAT_SECONDS = 0.4
"""How soon it is known how far a log was examined in which nothing matches."""
_RETRY_SECONDS = 0.25
_EVENTS_AT_ONCE = 500


class Feed:
    """Reads for the slots of one consumer. Run `run` as a task."""

    def __init__(
        self,
        tenant_id: int,
        policy: Policy,
        slots: Mapping[int, OwnSlot],
        *,
        reader: EventReader,
        follow: Follow,
        on_offered: Callable[[Iterable[OwnSlot]], None],
        on_idle: Callable[[], None],
    ) -> None:
        """`on_idle`: called now and then while the log stands still, examined to its head."""
        self.changed = asyncio.Event()
        """To be set when a slot is new, or has room again."""
        self._tenant_id = tenant_id
        self._policy = policy
        self._slots = slots
        self._reader = reader
        self._follow = follow
        self._on_offered = on_offered
        self._on_idle = on_idle
        self._live: AsyncIterator[Message] | None = None
        self._place = 0
        """Up to where the live reader has read."""
        self._next: asyncio.Task[Message] | None = None

    async def run(self) -> None:
        """Reads on, until it is cancelled."""
        while True:
            try:
                async with AsyncExitStack() as held:
                    try:
                        await self._read(held)
                    finally:
                        await self._leave_live()
            except (
                StorageUnavailableError,
                ReadTooExpensiveError,
                TooManySubscriptionsError,
                EventDamagedError,
            ) as error:
                # Whether that is too long is for the group to say, which asks PostgreSQL, too.
                _log.debug("a consumer can't read", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self, held: AsyncExitStack) -> None:
        while True:
            self.changed.clear()
            wanting = [slot for slot in self._slots.values() if slot.is_wanting]
            behind = [slot for slot in wanting if slot.read_through < self._place]
            if not wanting:
                await self.changed.wait()
            elif self._live is None:
                self._place = max(slot.read_through for slot in self._slots.values())
                self._live = await held.enter_async_context(
                    self._follow(
                        self._tenant_id,
                        self._policy.event_filter,
                        after=self._place,
                        heartbeat_seconds=_HEARTBEAT_SECONDS,
                    )
                )
            elif behind:
                await self._read_page(min(slot.read_through for slot in behind))
            else:
                await self._read_live(self._live)

    async def _read_live(self, live: AsyncIterator[Message]) -> None:
        """The next message of the live reader, unless a slot changes before."""
        if self._next is None:
            self._next = asyncio.ensure_future(_next(live))
        changed = asyncio.ensure_future(self.changed.wait())
        try:
            await asyncio.wait((self._next, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if self._next.done():
            try:
                message = self._next.result()
            except EventDamagedError as damaged:
                await self._hand_out_damaged(damaged.position, after=self._place)
                raise  # which ends the subscription: the next one begins behind it
            finally:
                self._next = None
            after, self._place = self._place, max(self._place, message.examined_position)
            if self._place > after:
                await self._hand_out(split(message.records), after=after, examined=self._place)
            else:
                self._on_idle()

    async def _read_page(self, after: int) -> None:
        try:
            page = await self._reader.query(
                self._tenant_id,
                self._policy.event_filter,
                newest_first=False,
                cursor=after,
                through=self._place,
                limit=_PAGE_EVENTS,
            )
        except EventDamagedError as damaged:
            await self._hand_out_damaged(damaged.position, after=after)
            return
        examined = self._place if page.is_last else page.examined_position
        await self._hand_out(split(page.records), after=after, examined=examined)

    async def _hand_out_damaged(self, position: int, *, after: int) -> None:
        """The next event is damaged: its slot gets it as such, and all go on behind it."""
        name = await self._reader.name_of(self._tenant_id, position)
        if name is not None:
            event = DamagedEvent(position, name[1], uuid_text(name[0]))
            await self._hand_out([event], after=after, examined=position)

    async def _hand_out(self, events: Iterable[Event], *, after: int, examined: int) -> None:
        """Offers a stretch of the log to the slots that have read all before it."""
        slots = self._slots
        there = {
            number: slot
            for number, slot in slots.items()
            if slot.is_wanting and after <= slot.read_through < examined
        }
        is_ordered = self._policy.is_ordered
        offered: set[OwnSlot] = set()
        for count, event in enumerate(events, 1):
            number = slot_of(event.position, event.aggregate, is_ordered=is_ordered)
            slot = there.get(number)
            if slot is not None and event.position > slot.read_through:
                if slot.is_full:
                    slot.examined(event.position - 1)
                    del there[number]
                else:
                    slot.offer(event)
                    offered.add(slot)
            if count % _EVENTS_AT_ONCE == 0:
                self._on_offered(offered)
                offered.clear()
                await asyncio.sleep(0)
        for number, slot in there.items():
            if slots.get(number) is slot:
                slot.examined(examined)
        self._on_offered(offered)

    async def _leave_live(self) -> None:
        self._live = None
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
            self._next = None


async def _next(messages: AsyncIterator[Message]) -> Message:
    return await anext(messages)
