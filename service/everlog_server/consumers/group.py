"""One consumer in one process: its members here, the slots that they have, and what is in flight.

    keep        a beat a second: which slots it has, claims, loses, gives back (keep.py)
    feed        reads the log for the slots (feed.py)
    deliveries  gives members what is ready, and notes what they answer, or do not (deliveries.py)
    flush       stores answers together, and settles them (flush.py)
    supply      reads what is tried again, and lanes (supply.py)

All of it runs in one event loop; what changes slots and deliveries never waits in between. So
between two awaits all is as it is described in slots.py.

Invariants, beside those of its parts:
- An answer is settled after it is stored, under the epoch of the slot that it was delivered under;
  if the slot was lost meanwhile it is refused.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from everlog_server.consumers.counts import ConsumerFigures
from everlog_server.consumers.deliveries import Deliveries
from everlog_server.consumers.feed import Feed
from everlog_server.consumers.flush import Flush
from everlog_server.consumers.keep import Keep
from everlog_server.consumers.supply import Supply
from everlog_server.errors import (
    EverlogError,
    InternalError,
    LogDivergedError,
    ServerDrainingError,
    TenantNotFoundError,
)
from everlog_server.looks import Looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random
    from uuid import UUID

    from everlog_server.consumers.budget import Budget
    from everlog_server.consumers.counts import ConsumerCounts
    from everlog_server.consumers.feed import Follow
    from everlog_server.consumers.member import Member
    from everlog_server.consumers.own_slot import OwnSlot
    from everlog_server.consumers.policy import Clock, Policy
    from everlog_server.storage.consumers import ConsumerStanding, ConsumerStore, StoredConsumer
    from everlog_server.storage.reads import EventReader

_log = structlog.get_logger(__name__)

_DRAIN_SECONDS_MAX = 3.0


class Group:
    """A consumer's part in this process. Run `run` as a task once it has a member."""

    def __init__(
        self,
        tenant_id: int,
        consumer: StoredConsumer,
        *,
        process_id: UUID,
        store: ConsumerStore,
        reader: EventReader,
        follow: Follow,
        policy_of: Callable[[bytes], Policy],
        clock: Clock,
        random: Random,
        away_seconds_max: float,
        counts: ConsumerCounts,
        budget: Budget,
    ) -> None:
        self.tenant_id = tenant_id
        self.name = consumer.name
        self.consumer_id = consumer.consumer_id
        self.policy = policy_of(consumer.settings)
        self.slots: dict[int, OwnSlot] = {}
        self.members: dict[UUID, Member] = {}
        self.store = store
        self.reader = reader
        self.counts = counts
        self.standing: ConsumerStanding | None = None
        """As PostgreSQL told last."""
        self._looks = Looks("a consumer's standing can't be asked for")
        self.failure: EverlogError | None = None
        """Why it is over."""
        self.is_draining = False
        self.takes_nobody = False
        """The last member has left."""
        self.look = asyncio.Event()
        """Something has changed that a beat should know."""
        self.deliveries = Deliveries(self, clock=clock, random=random, counts=counts)
        self.flush = Flush(self, away_seconds_max=away_seconds_max)
        self.supply = Supply(self)
        self._keep = Keep(
            self,
            process_id=process_id,
            generation=consumer.generation,
            away_seconds_max=away_seconds_max,
            budget=budget,
        )
        self._clock = clock
        self._budget = budget
        self._policy_of = policy_of
        self._follow = follow
        self._feed = self._new_feed()
        self._feeding: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()

    # --- members ---------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether it takes no member any more: it has failed, or the last one has left."""
        return self.failure is not None or self.takes_nobody

    def figures(self) -> ConsumerFigures:
        """How it is now."""
        return ConsumerFigures(
            self.tenant_id,
            self.name,
            len(self.members),
            sum(len(member.in_flight) for member in self.members.values()),
            self.standing,
        )

    async def look_where_it_stands(self) -> None:
        """Asks PostgreSQL for `standing`; keeps the last while that does not say."""
        if self._looks.rest_seconds:
            return
        with self._looks.survived(tenant_id=self.tenant_id, consumer=self.name):
            self.standing = await self.store.standing(self.tenant_id, self.consumer_id)

    def add(self, member: Member) -> None:
        """A member that has joined."""
        self.members[member.member_id] = member
        self.look.set()

    def leave(self, member: Member) -> None:
        """Gives it nothing more; it has left once all that it has is answered and stored."""
        member.is_leaving = True
        self.flush.hurry()
        self.look.set()

    def break_off(self, member: Member) -> None:
        """The member's stream is gone: what it has in flight has failed."""
        member.is_leaving = True
        member.closed.set()
        if self.failure is None and not self.is_draining:
            for delivery in list(member.in_flight.values()):
                self.deliveries.fail(delivery, "the member's stream broke before it had answered")
        member.in_flight.clear()
        self.flush.hurry()
        self.look.set()

    async def drain(self) -> None:
        """Delivers nothing more; stores what is answered, frees all slots, ends the streams."""
        self.is_draining = True
        self.look.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS_MAX):
                await self._drained.wait()
        self.end(ServerDrainingError())

    def end(self, error: EverlogError) -> None:
        """Ends all members' streams. The first reason stands."""
        if self.failure is None:
            self.failure = error
            for member in self.members.values():
                member.failure = error
                member.wake.set()
            self.look.set()

    # --- slots -----------------------------------------------------------------------------------

    def now(self) -> int:
        """The time, in microseconds since 1970."""
        return self._clock.now()

    def touch(self, slot: OwnSlot) -> None:
        """A slot has changed: it is to be stored, may have more to deliver, or be given back."""
        self.flush.touch(slot)
        self.list_ready(slot)
        if slot.wanted or slot.reading:
            self.supply.changed.set()
        self.look_if_idle(slot)

    def look_if_idle(self, slot: OwnSlot) -> None:
        """A beat should know of a slot that can be given back now, or a member that can leave."""
        if not slot.in_flight and (slot.is_draining or slot.member.is_leaving):
            self.look.set()

    def list_ready(self, slot: OwnSlot) -> None:
        """Lets its member know that a slot has something to deliver."""
        if slot.has_ready and not slot.is_listed and not slot.is_lost and not slot.is_draining:
            slot.is_listed = True
            slot.member.ready.append(slot)
            slot.member.wake.set()

    def note_room(self) -> None:
        """The log may be worth reading on for: a slot is new, or has room again."""
        self._feed.changed.set()

    def note_stored(self, slots: Iterable[OwnSlot]) -> None:
        """Slots were stored; one that was full of what is finished, or waits, may have room."""
        if any(slot.is_relieved for slot in slots):
            self.note_room()

    def lose(self, slot: OwnSlot) -> None:
        """Somebody else has the slot: nothing of what we know of it counts."""
        if slot.is_lost:
            return
        slot.is_lost = True
        self._budget.count(-1)
        if self.slots.get(slot.number) is slot:
            del self.slots[slot.number]
        for delivery in list(slot.member.in_flight.values()):
            if delivery.slot is slot:
                del slot.member.in_flight[delivery.delivery_id]
        self.look.set()

    def begin_again(self, settings: bytes) -> None:
        """It has other settings, or other places in the log. All slots must be lost before."""
        self.policy = self._policy_of(settings)
        for member in self.members.values():
            member.set_credit(self.policy.in_flight_max)
        self._feed = self._new_feed()
        if self._feeding is not None:
            self._feeding.cancel()

    # --- its tasks -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keeps the slots, until the last member has left or it fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(self.flush.run()),
                    tasks.create_task(self.supply.run()),
                    tasks.create_task(self._keep_feeding()),
                ]
                await self._keep.run()
                for other in others:
                    other.cancel()
        except* Exception as group:  # a defect of ours: nothing dies silently
            _log.exception("a consumer failed", tenant_id=self.tenant_id, exc_info=group)
            self.end(InternalError())
        finally:
            self.deliveries.stop()
            for slot in list(self.slots.values()):
                self.lose(slot)
            self._drained.set()

    async def _keep_feeding(self) -> None:
        """The feed, made anew with each generation."""
        while True:
            self._feeding = asyncio.create_task(self._feed.run())
            try:
                await asyncio.wait((self._feeding,))
            finally:
                self._feeding.cancel()
                await asyncio.gather(self._feeding, return_exceptions=True)
            if not self._feeding.cancelled():
                error = self._feeding.exception()
                if isinstance(error, ServerDrainingError):
                    await asyncio.Event().wait()  # the group itself is drained, too
                if isinstance(error, (LogDivergedError, TenantNotFoundError)):
                    self.end(error)
                    return
                if error is not None:
                    raise error

    def _new_feed(self) -> Feed:
        return Feed(
            self.tenant_id,
            self.policy,
            self.slots,
            reader=self.reader,
            follow=self._follow,
            on_offered=self._note_offered,
            on_idle=self.flush.touch_idle,
        )

    def _note_offered(self, slots: Iterable[OwnSlot]) -> None:
        for slot in slots:
            self.list_ready(slot)
