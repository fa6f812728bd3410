"""Keeping slots: a beat a second, and all that follows from what it is told.

    beat ─▶ leases renewed ─▶ what others have is dropped, what is ours since is loaded
         └▶ instructions obeyed ─▶ what is too much is marked ─▶ given back, once it is stored

Invariants:
- Slots are good for a lease, less a margin, from when the beat was sent: not from its answer.
- A slot is given back only when nothing of it is in flight, and all of it is stored.
- Members leave only when all that they had is answered and stored, or their streams are gone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from everlog_server.consumers.events import Held
from everlog_server.consumers.own_slot import OwnSlot
from everlog_server.errors import (
    ConsumerNotFoundError,
    ReadTooExpensiveError,
    ServerDrainingError,
    StorageUnavailableError,
    TenantNotFoundError,
)
from everlog_server.model import uuid_text
from everlog_server.storage.consumers import OwnMember

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from everlog_server.consumers.budget import Budget
    from everlog_server.consumers.events import Event
    from everlog_server.consumers.group import Group
    from everlog_server.consumers.member import Member
    from everlog_server.storage.consumers import Beat, Instruction

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
_DEPART_SECONDS_MAX = 3.0
_CLOSE_SECONDS_MAX = 0.5


class Keep:
    """Keeps one group's slots. Run `run` as a task."""

    def __init__(
        self,
        group: Group,
        *,
        process_id: UUID,
        generation: int,
        away_seconds_max: float,
        budget: Budget,
    ) -> None:
        self._group = group
        self._process_id = process_id
        self._generation = generation
        self._away_seconds_max = away_seconds_max
        self._budget = budget
        self._store = group.store
        self._consumer = group.tenant_id, group.consumer_id
        self._slots = group.slots
        self._members = group.members
        self._flush = group.flush
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Gives signs of life until the last member has left, or the group fails or is drained."""
        away_since: float | None = None
        while self._group.failure is None and self._members and not self._group.is_draining:
            self._group.look.clear()
            wait_seconds = _BEAT_SECONDS
            try:
                is_moving = await self._beat()
            except (StorageUnavailableError, ReadTooExpensiveError) as error:
                now = self._loop.time()
                away_since = now if away_since is None else away_since
                if now - away_since > self._away_seconds_max:
                    self._group.end(StorageUnavailableError())
                    return
                _log.debug("a consumer's beat failed", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            away_since = None
            if is_moving:
                wait_seconds = _BEAT_SECONDS_WHEN_MOVING
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._group.look.wait()
        self._group.takes_nobody = True
        await self._depart_all()

    async def _beat(self) -> bool:
        """One sign of life, and all that follows from it; whether slots are on the move."""
        members = list(self._members.values())
        sent = self._loop.time()
        beat = await self._store.beat(
            *self._consumer,
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
            self._group.end(ConsumerNotFoundError("the consumer was deleted"))
            return False
        if beat.generation != self._generation:
            await self._begin_again()
        await self._take_over(beat)
        self._group.deliveries.good_until = sent + LEASE_SECONDS - _LEASE_MARGIN_SECONDS
        for member in members:
            if member.ready:
                member.wake.set()
        for instruction in beat.instructions:
            self._obey(instruction)
        self._group.supply.replay(beat.replaying)
        if any(slot.wanted or slot.reading for slot in self._slots.values()):
            self._group.supply.changed.set()  # it may have left some, which were to be given back
        self._flush.touch_stale(self._loop.time())
        self._choose_what_to_give_back(beat)
        await self._give_back()
        await self._depart()
        return self._is_moving(beat)

    async def _begin_again(self) -> None:
        """The settings are others, or it was reset: whatever is in memory is void."""
        consumer = await self._store.find_by_id(*self._consumer)
        if consumer is None:
            self._group.end(ConsumerNotFoundError("the consumer was deleted"))
            return
        for slot in list(self._slots.values()):
            self._group.lose(slot)
        self._generation = consumer.generation
        self._group.begin_again(consumer.settings)

    async def _take_over(self, beat: Beat) -> None:
        """Drops what others have, and loads what is ours since."""
        ours = {number: (epoch, member) for number, epoch, member in beat.slots}
        for slot in list(self._slots.values()):
            if ours.get(slot.number) != (slot.epoch, slot.member.member_id):
                self._group.lose(slot)
        new = {number for number in ours if number not in self._slots}
        if not new:
            return
        now = self._group.now()
        stored, lanes, held, ahead = await self._store.load(*self._consumer, sorted(new), now=now)
        for number, epoch, checkpoint, finished in stored:
            member = self._members.get(ours[number][1])
            if member is None or epoch != ours[number][0]:
                continue
            self._slots[number] = OwnSlot(
                member,
                number,
                epoch,
                checkpoint=checkpoint,
                finished=[*finished, *ahead.get(number, ())],
                is_ordered=self._group.policy.is_ordered,
                budget=self._budget,
            )
            self._budget.count(1)
        for number, aggregate, position in lanes:
            if (own := self._new_slot(number, new)) is not None:
                own.restore_lane(aggregate, position)
        for row in held:
            if (own := self._new_slot(row.slot, new)) is not None:
                own.restore(Held.stored(row, uuid_text(row.event_id), now=now))
        self._group.deliveries.tick()
        self._group.note_room()
        self._group.supply.changed.set()

    def _new_slot(self, number: int, new: Collection[int]) -> OwnSlot | None:
        return self._slots.get(number) if number in new else None

    def _obey(self, instruction: Instruction) -> None:
        slot = self._slots.get(instruction.slot)
        if slot is None or not self._flush.is_new(instruction.instruction_id, slot):
            return
        taken = slot.decide(
            instruction.action,
            instruction.position,
            instruction.aggregate,
            instruction.event_id,
            now=self._group.now(),
            reason=instruction.reason,
            state=instruction.state,
            instruction_id=instruction.instruction_id,
        )
        if taken is not None:
            self._void(slot, taken)
        self._flush.hurry()
        self._group.touch(slot)

    def _void(self, slot: OwnSlot, event: Event) -> None:
        in_flight = slot.member.in_flight
        for delivery in list(in_flight.values()):
            if delivery.event is event:
                del in_flight[delivery.delivery_id]

    # --- giving back -----------------------------------------------------------------------------

    def _choose_what_to_give_back(self, beat: Beat) -> None:
        """Marks as many slots of each member as it has too many, those with least in flight."""
        for member in self._members.values():
            own = [slot for slot in self._slots.values() if slot.member is member]
            surplus = len(own) - beat.targets.get(member.member_id, 0)
            own.sort(key=lambda slot: (not slot.is_draining, slot.in_flight, -slot.number))
            for place, slot in enumerate(own):
                should_drain = place < surplus
                if slot.is_draining and not should_drain:
                    slot.is_draining = False
                    self._group.note_room()
                    self._group.list_ready(slot)
                slot.is_draining = should_drain

    async def _give_back(self) -> None:
        """Releases the marked slots that have nothing in flight, once they are stored."""
        idle = [slot for slot in self._slots.values() if slot.is_draining and not slot.in_flight]
        if not idle:
            return
        self._flush.touch_stale_of(idle)
        await self._flush.flush()
        idle = [slot for slot in idle if not slot.is_lost]
        await self._store.release(*self._consumer, [(slot.number, slot.epoch) for slot in idle])
        for slot in idle:
            self._group.lose(slot)

    async def _depart(self) -> None:
        """Lets those leave whose deliveries are all answered, once that is stored."""
        leaving = [one for one in self._members.values() if one.is_leaving and not one.in_flight]
        if leaving:
            self._flush.touch_stale_of(
                slot for slot in self._slots.values() if slot.member in leaving
            )
            await self._flush.flush()
            await self._let_go(leaving)

    async def _depart_all(self) -> None:
        """The group is over: what is answered is stored if it can be, and the slots are free."""
        if not self._members or isinstance(self._group.failure, StorageUnavailableError):
            return
        with suppress(StorageUnavailableError, ReadTooExpensiveError, TimeoutError):
            async with asyncio.timeout(_DEPART_SECONDS_MAX):
                failure = self._group.failure
                if not isinstance(failure, (ConsumerNotFoundError, TenantNotFoundError)):
                    self._flush.touch_stale_of(self._slots.values())
                    await self._flush.flush()
                # First the streams: else another server's members would have what ours still have.
                if self._group.is_draining:
                    self._group.end(ServerDrainingError())
                await self._until_closed()
                await self._let_go(list(self._members.values()))

    async def _until_closed(self) -> None:
        """Returns when no member's stream is open any more, or soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS_MAX):
                for one in self._members.values():
                    await one.closed.wait()

    async def _let_go(self, members: Sequence[Member]) -> None:
        await self._store.leave(*self._consumer, [one.member_id for one in members])
        gone = set(members)
        for slot in list(self._slots.values()):
            if slot.member in gone:
                self._group.lose(slot)
        for one in members:
            self._members.pop(one.member_id, None)
            one.has_left = True
            one.wake.set()

    def _is_moving(self, beat: Beat) -> bool:
        return any(slot.is_draining for slot in self._slots.values()) or any(
            target > sum(1 for slot in self._slots.values() if slot.member.member_id == member)
            for member, target in beat.targets.items()
        )
