"""One consumer in one process: its members here, the slots that they have, and what is in flight.

    keep   a beat a second: leases, shares, what was claimed, lost, is to be given back
    feed   reads the log for the slots (feed.py)
    flush  stores answers together, and settles them (flush.py)
    supply reads what is tried again, and lanes (supply.py)
    tick   leases that ran out, events that are due: one timer

All of it runs in one event loop; what changes slots and deliveries never waits in between. So
between two awaits all is as it is described in slots.py.

Invariants:
- An event is delivered only while the lease of its slot, by our own clock, is good.
- An answer is settled after it is stored, under the epoch of the slot that it was delivered under;
  if the slot was lost meanwhile it is refused.
- A slot is given back only when nothing of it is in flight, and all of it is stored.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from everlog_server.consumers.counts import ConsumerFigures
from everlog_server.consumers.events import Event, Held
from everlog_server.consumers.feed import Feed
from everlog_server.consumers.flush import Flush
from everlog_server.consumers.leases import Leases
from everlog_server.consumers.member import Delivery, Member, Refused
from everlog_server.consumers.slots import Slot
from everlog_server.consumers.supply import Supply
from everlog_server.errors import (
    ConsumerNotFoundError,
    EventDamagedError,
    EverlogError,
    InternalError,
    LogDivergedError,
    ReadTooExpensiveError,
    ServerDrainingError,
    StorageUnavailableError,
)
from everlog_server.model import uuid_text
from everlog_server.storage.consumers import OwnMember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from everlog_server.consumers.counts import ConsumerCounts
    from everlog_server.consumers.feed import Follow
    from everlog_server.consumers.policy import Clock, Policy
    from everlog_server.consumers.slots import Budget
    from everlog_server.storage.consumers import (
        Beat,
        ConsumerStanding,
        ConsumerStore,
        Instruction,
        StoredConsumer,
    )
    from everlog_server.storage.reads import EventReader

_log = structlog.get_logger(__name__)

LEASE_SECONDS = 5.0
"""Of members and their slots; a beat a second renews it."""
_LEASE_MARGIN_SECONDS = 1.0
"""So long before its end a lease is not good any more."""
_BEAT_SECONDS = 1.0
_BEAT_SECONDS_WHEN_MOVING = 0.1
"""While slots are to be given back or are awaited."""
AWAY_SECONDS_MAX = LEASE_SECONDS + 5.0
"""So long members wait for a PostgreSQL that is away; then their streams end."""
_RETRY_SECONDS = 0.25
_LATE_SECONDS = 1.0
"""A timer that is so late tells that the process stood still, and not its members."""
_DRAIN_SECONDS_MAX = 3.0
_CLOSE_SECONDS_MAX = 0.5


class OwnSlot(Slot):
    """A slot with the member that has it."""

    def __init__(self, member: Member, number: int, epoch: int, **state: Any) -> None:
        super().__init__(number, epoch, **state)
        self.member = member
        self.is_draining = False
        """It is to be given back: nothing more is delivered."""
        self.is_lost = False
        self.is_listed = False
        """Whether it stands among its member's ready slots."""
        self._is_stalled = False

    @property
    def is_relieved(self) -> bool:
        """Whether it was full, and is worth reading for again."""
        return self._is_stalled and self.has_room

    @property
    def is_wanting(self) -> bool:
        """Whether the log should be read for it."""
        if self._is_stalled:
            self._is_stalled = not self.has_room
        elif self.is_full:
            self._is_stalled = True
        return not self._is_stalled and not self.is_draining


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
        self.counts = counts
        self.standing: ConsumerStanding | None = None
        """As PostgreSQL told last."""
        self.name = consumer.name
        self.tenant_id = tenant_id
        self.consumer_id = consumer.consumer_id
        self.policy = policy_of(consumer.settings)
        self.slots: dict[int, OwnSlot] = {}
        self.store = store
        self.reader = reader
        self.failure: EverlogError | None = None
        """Why it is over."""
        self._generation = consumer.generation
        self._process_id = process_id
        self._follow = follow
        self._policy_of = policy_of
        self._clock = clock
        self._random = random
        self._away_seconds_max = away_seconds_max
        self._budget = budget
        self._members: dict[UUID, Member] = {}
        self._look = asyncio.Event()
        """Something has changed that a beat should know."""
        self._good_until = 0.0
        """Up to then, by the loop's clock, nobody else has our slots."""
        self._leases = Leases()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0
        self._is_over = False
        self._is_draining = False
        self._drained = asyncio.Event()
        self.flush = Flush(self)
        self._supply = Supply(self)
        self._feed = self._new_feed()
        self._feeding: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    # --- members ---------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether it takes no member any more: it has failed, or the last one has left."""
        return self.failure is not None or self._is_over

    def figures(self) -> ConsumerFigures:
        """How it is now."""
        return ConsumerFigures(
            self.tenant_id,
            self.name,
            len(self._members),
            sum(len(member.in_flight) for member in self._members.values()),
            self.standing,
        )

    async def look_where_it_stands(self) -> None:
        """Asks PostgreSQL for `standing`; keeps the last while that is away."""
        with suppress(StorageUnavailableError, ReadTooExpensiveError):
            self.standing = await self.store.standing(self.tenant_id, self.consumer_id)

    def add(self, member: Member) -> None:
        """A member that has joined."""
        self._members[member.member_id] = member
        self._look.set()

    def leave(self, member: Member) -> None:
        """Gives it nothing more; it has left once all that it has is answered and stored."""
        member.is_leaving = True
        self.flush.hurry()
        self._look.set()

    def break_off(self, member: Member) -> None:
        """The member's stream is gone: what it has in flight has failed."""
        member.is_leaving = True
        member.closed.set()
        if self.failure is None and not self._is_draining:
            for delivery in list(member.in_flight.values()):
                self._fail(delivery, "the member's stream broke before it had answered")
        member.in_flight.clear()
        self.flush.hurry()
        self._look.set()

    async def drain(self) -> None:
        """Delivers nothing more; stores what is answered, frees all slots, ends the streams."""
        self._is_draining = True
        self._look.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS_MAX):
                await self._drained.wait()
        self.end(ServerDrainingError())

    def end(self, error: EverlogError) -> None:
        """Ends all members' streams. The first reason stands."""
        if self.failure is None:
            self.failure = error
            for member in self._members.values():
                member.failure = error
                member.wake.set()
            self._look.set()

    # --- deliveries ------------------------------------------------------------------------------

    def next_delivery(self, member: Member) -> Delivery | None:
        """The next event for a member, now its own; None: there is none, or its credit is used."""
        if (
            len(member.in_flight) >= member.credit
            or not member.ready
            or member.is_leaving
            or not self._may_deliver()
        ):
            return None
        while member.ready:
            slot = member.ready.popleft()
            event = None if slot.is_lost or slot.is_draining else slot.take()
            if event is None:
                slot.is_listed = False
                continue
            member.ready.append(slot)
            if not event.record:
                self._park_damaged(member, slot, event)
                continue
            if slot.has_room:
                self._feed.changed.set()
            deadline = self._clock.now() + round(self.policy.lease_seconds * 1_000_000)
            delivery = Delivery(member.next_delivery_id(), event, slot, member, deadline)
            member.in_flight[delivery.delivery_id] = delivery
            self.counts.delivered += 1
            self._leases.add(delivery)
            self._arm(deadline)
            return delivery
        return None

    def ack(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The event is finished."""
        delivery = self._answered(member, delivery_id, attempt)
        if delivery is not None:
            self.counts.acked += 1
            delivery.slot.finish(delivery.event)
            self._after(delivery.slot)

    def nack(
        self,
        member: Member,
        delivery_id: str,
        attempt: int,
        error: str,
        *,
        wait_seconds: float | None,
    ) -> None:
        """The event failed; it waits so long, or as the back-off says."""
        delivery = self._answered(member, delivery_id, attempt)
        if delivery is not None:
            self._fail_event(delivery, error, wait_seconds=wait_seconds)

    def park(self, member: Member, delivery_id: str, attempt: int, error: str) -> None:
        """The event failed, and is not tried again."""
        delivery = self._answered(member, delivery_id, attempt)
        if delivery is not None:
            self.counts.failed += 1
            self._park_event(delivery, error)

    def in_progress(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The delivery's lease begins anew; refused if it is not the member's."""
        delivery = member.in_flight.get(delivery_id)
        if delivery is None or delivery.attempt != attempt:
            self.counts.refused += 1
            member.settle(Refused(delivery_id, attempt))
        else:
            delivery.deadline = self._clock.now() + round(self.policy.lease_seconds * 1_000_000)

    def release(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The event was not begun, and is the next one of its line again.

        Nothing has changed that could be stored: so it is settled at once.
        """
        delivery = self._returned(member, delivery_id, attempt)
        if delivery is not None:
            self.counts.released += 1
            delivery.slot.put_back(delivery.event)
            delivery.is_stored = True
            member.settle(delivery)
            self.list_ready(delivery.slot)
            self._look_if_idle(delivery.slot)

    def _answered(self, member: Member, delivery_id: str, attempt: int) -> Delivery | None:
        delivery = self._returned(member, delivery_id, attempt)
        if delivery is not None:
            self.flush.settle_later(delivery)
        return delivery

    def _returned(self, member: Member, delivery_id: str, attempt: int) -> Delivery | None:
        """A delivery that is the member's no more; None: it was not, and that is told."""
        delivery = member.in_flight.get(delivery_id)
        if delivery is None or delivery.attempt != attempt:
            self.counts.refused += 1
            member.settle(Refused(delivery_id, attempt))
            return None
        del member.in_flight[delivery_id]
        if member.ready:
            member.wake.set()  # its credit has grown
        return delivery

    def _fail(self, delivery: Delivery, error: str) -> None:
        """A delivery that nobody answers: its lease ran out, its stream broke."""
        delivery.member.in_flight.pop(delivery.delivery_id, None)
        self._fail_event(delivery, error, wait_seconds=None)

    def _fail_event(self, delivery: Delivery, error: str, *, wait_seconds: float | None) -> None:
        self.counts.failed += 1
        attempts = delivery.event.attempts + 1
        if attempts >= self.policy.attempts_max:
            self._park_event(delivery, error)
            return
        if wait_seconds is None:
            wait_seconds = self.policy.backoff.seconds(attempts, self._random)
        now = self._clock.now()
        due = now + round(wait_seconds * 1_000_000)
        delivery.slot.fail(delivery.event, self._failed(delivery, now, error), due=due)
        self._arm(due)
        self._after(delivery.slot)

    def _park_damaged(self, member: Member, slot: OwnSlot, event: Event) -> None:
        """Nobody can be given it: it is parked as if its only attempt had failed."""
        self.counts.failed += 1
        self.counts.parked += 1
        now = self._clock.now()
        failed = {
            "attempt": event.attempts + 1,
            "failed_time": now,
            "member": member.label,
            "error": EventDamagedError(event.position).message,
        }
        slot.park(event, failed, now=now, attempts=event.attempts + 1, blocks=self.policy.blocks)
        self._after(slot)

    def _park_event(self, delivery: Delivery, error: str) -> None:
        self.counts.parked += 1
        now = self._clock.now()
        delivery.slot.park(
            delivery.event,
            self._failed(delivery, now, error),
            now=now,
            attempts=delivery.attempt,
            blocks=self.policy.blocks,
        )
        self._after(delivery.slot)

    def _failed(self, delivery: Delivery, now: int, error: str) -> dict[str, Any]:
        return {
            "attempt": delivery.attempt,
            "failed_time": now,
            "member": delivery.member.label,
            "error": error,
        }

    def _after(self, slot: OwnSlot) -> None:
        """A slot has changed: it is to be stored, may have more to deliver, or be given back."""
        self.flush.touch(slot)
        self.list_ready(slot)
        if slot.wanted or slot.reading:
            self._supply.changed.set()
        self._look_if_idle(slot)

    def _look_if_idle(self, slot: OwnSlot) -> None:
        if not slot.in_flight and (slot.is_draining or slot.member.is_leaving):
            self._look.set()

    def now(self) -> int:
        """The time, in microseconds since 1970."""
        return self._clock.now()

    def touch(self, slot: OwnSlot) -> None:
        """A slot has changed by itself."""
        self._after(slot)

    def list_ready(self, slot: OwnSlot) -> None:
        """Lets its member know that a slot has something to deliver."""
        if slot.has_ready and not slot.is_listed and not slot.is_lost and not slot.is_draining:
            slot.is_listed = True
            slot.member.ready.append(slot)
            slot.member.wake.set()

    def note_stored(self, slots: Iterable[OwnSlot]) -> None:
        """Slots were stored; one that was full of what is finished, or waits, may have room."""
        if any(slot.is_relieved for slot in slots):
            self._feed.changed.set()

    def _note_offered(self, slots: Iterable[OwnSlot]) -> None:
        for slot in slots:
            self.list_ready(slot)

    def _may_deliver(self) -> bool:
        return (
            self.failure is None and not self._is_draining and self._loop.time() < self._good_until
        )

    # --- time ------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Does what is due: leases that ran out, events to be tried again."""
        now = self._clock.now()
        for delivery in self._leases.expired(now):
            self._fail(delivery, f"its lease of {self.policy.lease_seconds:g} s ran out")
        for slot in self.slots.values():
            slot.wake_due(now)
            if slot.wanted:
                self._supply.changed.set()
        dues = [slot.next_due for slot in self.slots.values() if slot.next_due is not None]
        if self._leases.next_deadline is not None:
            dues.append(self._leases.next_deadline)
        self._disarm()
        if dues:
            self._arm(min(dues))

    def _arm(self, at: int) -> None:
        """Sees to it that `tick` is called at a time, or before."""
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        # Never early: those of uvloop count milliseconds.
        seconds = max(0, at - self._clock.now()) / 1_000_000 + 0.001
        self._timer = self._loop.call_later(seconds, self._on_timer, self._loop.time() + seconds)

    def _on_timer(self, at: float) -> None:
        """`at`: when it should have been, of the loop's clock."""
        self._timer = None
        try:
            late_seconds = self._loop.time() - at
            if late_seconds > _LATE_SECONDS:
                # The process stood still. What was answered meanwhile is not read yet.
                self._leases.extend(round(late_seconds * 1_000_000))
            self.tick()
        except Exception as error:  # a defect of ours: without its timer a consumer hangs
            _log.exception("a consumer failed", tenant_id=self.tenant_id, exc_info=error)
            self.end(InternalError())

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- the beat --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keeps the slots, until the last member has left or it fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(self.flush.run()),
                    tasks.create_task(self._supply.run()),
                    tasks.create_task(self._keep_feeding()),
                ]
                await self._keep()
                for other in others:
                    other.cancel()
        except* Exception as group:  # a defect of ours: nothing dies silently
            _log.exception("a consumer failed", tenant_id=self.tenant_id, exc_info=group)
            self.end(InternalError())
        finally:
            self._disarm()
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
                if isinstance(error, LogDivergedError):
                    self.end(error)
                    return
                if error is not None:
                    raise error

    async def _keep(self) -> None:
        away_since: float | None = None
        while self.failure is None and self._members and not self._is_draining:
            self._look.clear()
            wait_seconds = _BEAT_SECONDS
            try:
                is_moving = await self._beat()
            except (StorageUnavailableError, ReadTooExpensiveError) as error:
                now = self._loop.time()
                away_since = now if away_since is None else away_since
                if now - away_since > self._away_seconds_max:
                    self.end(StorageUnavailableError())
                    return
                _log.debug("a consumer's beat failed", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            away_since = None
            if is_moving:
                wait_seconds = _BEAT_SECONDS_WHEN_MOVING
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._look.wait()
        self._is_over = True
        await self._depart_all()

    async def _beat(self) -> bool:
        """One sign of life, and all that follows from it; whether slots are on the move."""
        members = list(self._members.values())
        sent = self._loop.time()
        beat = await self.store.beat(
            self.tenant_id,
            self.consumer_id,
            self._process_id,
            [
                OwnMember(
                    one.member_id,
                    one.name,
                    one.is_leaving,
                    [delivery.event.position for delivery in one.in_flight.values()],
                )
                for one in members
            ],
            lease_seconds=LEASE_SECONDS,
        )
        if beat is None:
            self.end(ConsumerNotFoundError("the consumer was deleted"))
            return False
        if beat.generation != self._generation:
            await self._begin_again()
        await self._take_over(beat)
        self._good_until = sent + LEASE_SECONDS - _LEASE_MARGIN_SECONDS
        for member in members:
            if member.ready:
                member.wake.set()
        for instruction in beat.instructions:
            self._obey(instruction)
        self._supply.replay(beat.replaying)
        if any(slot.wanted or slot.reading for slot in self.slots.values()):
            self._supply.changed.set()  # it may have left some, which were to be given back
        self.flush.touch_stale(self._loop.time())
        self._choose_what_to_give_back(beat)
        await self._give_back()
        await self._depart()
        return self._is_moving(beat)

    async def _begin_again(self) -> None:
        """The settings are others, or it was reset: whatever is in memory is void."""
        consumer = await self.store.find_by_id(self.tenant_id, self.consumer_id)
        if consumer is None:
            self.end(ConsumerNotFoundError("the consumer was deleted"))
            return
        for slot in list(self.slots.values()):
            self.lose(slot)
        self.policy = self._policy_of(consumer.settings)
        for member in self._members.values():
            member.set_credit(self.policy.in_flight_max)
        self._generation = consumer.generation
        self._feed = self._new_feed()
        if self._feeding is not None:
            self._feeding.cancel()

    async def _take_over(self, beat: Beat) -> None:
        """Drops what others have, and loads what is ours since."""
        ours = {number: (epoch, member) for number, epoch, member in beat.slots}
        for slot in list(self.slots.values()):
            if ours.get(slot.number) != (slot.epoch, slot.member.member_id):
                self.lose(slot)
        new = [number for number in ours if number not in self.slots]
        if not new:
            return
        stored, lanes, held, ahead = await self.store.load(self.tenant_id, self.consumer_id, new)
        for number, epoch, checkpoint, finished in stored:
            member = self._members.get(ours[number][1])
            if member is None or epoch != ours[number][0]:
                continue
            self.slots[number] = OwnSlot(
                member,
                number,
                epoch,
                checkpoint=checkpoint,
                finished=[*finished, *ahead.get(number, ())],
                is_ordered=self.policy.is_ordered,
                budget=self._budget,
            )
            self._budget.count(1)
        for number, aggregate, position in lanes:
            if (own := self._new_slot(number, new)) is not None:
                own.restore_lane(aggregate, position)
        for row in held:
            if (own := self._new_slot(row.slot, new)) is not None:
                own.restore(Held.stored(row, uuid_text(row.event_id)))
        self.tick()
        self._feed.changed.set()
        self._supply.changed.set()

    def _new_slot(self, number: int, new: Sequence[int]) -> OwnSlot | None:
        return self.slots.get(number) if number in new else None

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
        self._look.set()

    def _obey(self, instruction: Instruction) -> None:
        slot = self.slots.get(instruction.slot)
        if slot is None or not self.flush.is_new(instruction.instruction_id, slot):
            return
        taken = slot.decide(
            instruction.action,
            instruction.position,
            instruction.aggregate,
            instruction.event_id,
            now=self._clock.now(),
            reason=instruction.reason,
            state=instruction.state,
            instruction_id=instruction.instruction_id,
        )
        if taken is not None:
            self._void(slot, taken)
        self.flush.hurry()
        self._after(slot)

    def _void(self, slot: OwnSlot, event: Event) -> None:
        in_flight = slot.member.in_flight
        for delivery in list(in_flight.values()):
            if delivery.event is event:
                del in_flight[delivery.delivery_id]

    # --- giving back -----------------------------------------------------------------------------

    def _choose_what_to_give_back(self, beat: Beat) -> None:
        """Marks as many slots of each member as it has too many, those with least in flight."""
        for member in self._members.values():
            own = [slot for slot in self.slots.values() if slot.member is member]
            surplus = len(own) - beat.targets.get(member.member_id, 0)
            own.sort(key=lambda slot: (not slot.is_draining, slot.in_flight, -slot.number))
            for place, slot in enumerate(own):
                should_drain = place < surplus
                if slot.is_draining and not should_drain:
                    slot.is_draining = False
                    self._feed.changed.set()
                    self.list_ready(slot)
                slot.is_draining = should_drain

    async def _give_back(self) -> None:
        """Releases the marked slots that have nothing in flight, once they are stored."""
        idle = [slot for slot in self.slots.values() if slot.is_draining and not slot.in_flight]
        if not idle:
            return
        self.flush.touch_stale_of(idle)
        await self.flush.flush()
        idle = [slot for slot in idle if not slot.is_lost]
        await self.store.release(
            self.tenant_id, self.consumer_id, [(slot.number, slot.epoch) for slot in idle]
        )
        for slot in idle:
            self.lose(slot)

    async def _depart(self) -> None:
        """Lets those leave whose deliveries are all answered, once that is stored."""
        leaving = [one for one in self._members.values() if one.is_leaving and not one.in_flight]
        if leaving:
            self.flush.touch_stale_of(
                slot for slot in self.slots.values() if slot.member in leaving
            )
            await self.flush.flush()
            await self._let_go(leaving)

    async def _depart_all(self) -> None:
        """The group is over: what is answered is stored if it can be, and the slots are free."""
        if not self._members or isinstance(self.failure, StorageUnavailableError):
            return
        with suppress(StorageUnavailableError, ReadTooExpensiveError, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS_MAX):
                if not isinstance(self.failure, ConsumerNotFoundError):
                    self.flush.touch_stale_of(self.slots.values())
                    await self.flush.flush()
                # First the streams: else another server's members would have what ours still have.
                if self._is_draining:
                    self.end(ServerDrainingError())
                await self._until_closed()
                await self._let_go(list(self._members.values()))

    async def _until_closed(self) -> None:
        """Returns when no member's stream is open any more, or soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS_MAX):
                for one in self._members.values():
                    await one.closed.wait()

    async def _let_go(self, members: Sequence[Member]) -> None:
        await self.store.leave(self.tenant_id, self.consumer_id, [one.member_id for one in members])
        gone = set(members)
        for slot in list(self.slots.values()):
            if slot.member in gone:
                self.lose(slot)
        for one in members:
            self._members.pop(one.member_id, None)
            one.has_left = True
            one.wake.set()

    def _is_moving(self, beat: Beat) -> bool:
        return any(slot.is_draining for slot in self.slots.values()) or any(
            target > sum(1 for slot in self.slots.values() if slot.member.member_id == member)
            for member, target in beat.targets.items()
        )

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
