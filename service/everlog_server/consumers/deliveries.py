"""What members are given, and what becomes of it: answers, leases that run out, further attempts.

An event is delivered only while the lease of its slot, by our own clock, is good (`good_until`). An
answer is noted in its slot here at once, and settled by flush.py once that is stored.

Leases that ran out, and events that are due, hang on one timer. Nothing here waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from everlog_server.consumers.leases import Leases
from everlog_server.consumers.member import Delivery, Refused
from everlog_server.consumers.timer import Timer
from everlog_server.errors import EventDamagedError, InternalError

if TYPE_CHECKING:
    from random import Random

    from everlog_server.consumers.counts import ConsumerCounts
    from everlog_server.consumers.events import Event
    from everlog_server.consumers.group import Group
    from everlog_server.consumers.member import Member
    from everlog_server.consumers.own_slot import OwnSlot
    from everlog_server.consumers.policy import Clock

_log = structlog.get_logger(__name__)

_LATE_SECONDS = 1.0
"""A timer that is so late tells that the process stood still, and not its members."""


class Deliveries:
    """Those of one group."""

    def __init__(
        self, group: Group, *, clock: Clock, random: Random, counts: ConsumerCounts
    ) -> None:
        self.good_until = 0.0
        """Up to then, by the loop's clock, nobody else has our slots."""
        self._group = group
        self._clock = clock
        self._random = random
        self._counts = counts
        self._leases = Leases()
        self._timer = Timer(clock, self._on_time)
        self._loop = asyncio.get_running_loop()

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
                self._group.note_room()
            deadline = self._lease_end()
            delivery = Delivery(member.next_delivery_id(), event, slot, member, deadline)
            member.in_flight[delivery.delivery_id] = delivery
            self._counts.delivered += 1
            self._leases.add(delivery)
            self._timer.arm(deadline)
            return delivery
        return None

    def ack(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The event is finished."""
        delivery = self._answered(member, delivery_id, attempt)
        if delivery is not None:
            self._counts.acked += 1
            delivery.slot.finish(delivery.event)
            self._group.touch(delivery.slot)

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
            self._counts.failed += 1
            self._park_event(delivery, error)

    def in_progress(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The delivery's lease begins anew; refused if it is not the member's."""
        delivery = member.in_flight.get(delivery_id)
        if delivery is None or delivery.attempt != attempt:
            self._counts.refused += 1
            member.settle(Refused(delivery_id, attempt))
        else:
            delivery.deadline = self._clock.now() + round(
                self._group.policy.lease_seconds * 1_000_000
            )

    def release(self, member: Member, delivery_id: str, attempt: int) -> None:
        """The event was not begun, and is the next one of its line again.

        Nothing has changed that could be stored: so it is settled at once.
        """
        delivery = self._returned(member, delivery_id, attempt)
        if delivery is not None:
            self._counts.released += 1
            delivery.slot.put_back(delivery.event)
            delivery.is_stored = True
            member.settle(delivery)
            self._group.list_ready(delivery.slot)
            self._group.look_if_idle(delivery.slot)

    def _answered(self, member: Member, delivery_id: str, attempt: int) -> Delivery | None:
        delivery = self._returned(member, delivery_id, attempt)
        if delivery is not None:
            self._group.flush.settle_later(delivery)
        return delivery

    def _returned(self, member: Member, delivery_id: str, attempt: int) -> Delivery | None:
        """A delivery that is the member's no more; None: it was not, and that is told."""
        delivery = member.in_flight.get(delivery_id)
        if delivery is None or delivery.attempt != attempt:
            self._counts.refused += 1
            member.settle(Refused(delivery_id, attempt))
            return None
        del member.in_flight[delivery_id]
        if member.ready:
            member.wake.set()  # its credit has grown
        return delivery

    def fail(self, delivery: Delivery, error: str) -> None:
        """A delivery that nobody answers: its lease ran out, its stream broke."""
        delivery.member.in_flight.pop(delivery.delivery_id, None)
        self._fail_event(delivery, error, wait_seconds=None)

    def _fail_event(self, delivery: Delivery, error: str, *, wait_seconds: float | None) -> None:
        self._counts.failed += 1
        attempts = delivery.event.attempts + 1
        if attempts >= self._group.policy.attempts_max:
            self._park_event(delivery, error)
            return
        if wait_seconds is None:
            wait_seconds = self._group.policy.backoff.seconds(attempts, self._random)
        now = self._clock.now()
        due = now + round(wait_seconds * 1_000_000)
        delivery.slot.fail(delivery.event, self._failed(delivery, now, error), due=due)
        self._timer.arm(due)
        self._group.touch(delivery.slot)

    def _park_damaged(self, member: Member, slot: OwnSlot, event: Event) -> None:
        """Nobody can be given it: it is parked as if its only attempt had failed."""
        self._counts.failed += 1
        self._counts.parked += 1
        now = self._clock.now()
        damaged = EventDamagedError(event.position, event.event_id)
        _log.error("an event is damaged", tenant_id=self._group.tenant_id, **damaged.metadata)
        failed = {
            "attempt": event.attempts + 1,
            "failed_time": now,
            "member": member.label,
            "error": damaged.message,
        }
        slot.park(
            event, failed, now=now, attempts=event.attempts + 1, blocks=self._group.policy.blocks
        )
        self._group.touch(slot)

    def _park_event(self, delivery: Delivery, error: str) -> None:
        self._counts.parked += 1
        now = self._clock.now()
        delivery.slot.park(
            delivery.event,
            self._failed(delivery, now, error),
            now=now,
            attempts=delivery.attempt,
            blocks=self._group.policy.blocks,
        )
        self._group.touch(delivery.slot)

    def _failed(self, delivery: Delivery, now: int, error: str) -> dict[str, Any]:
        return {
            "attempt": delivery.attempt,
            "failed_time": now,
            "member": delivery.member.label,
            "error": error,
        }

    def _lease_end(self) -> int:
        return self._clock.now() + round(self._group.policy.lease_seconds * 1_000_000)

    def _may_deliver(self) -> bool:
        group = self._group
        return (
            group.failure is None and not group.is_draining and self._loop.time() < self.good_until
        )

    # --- time ------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Does what is due: leases that ran out, events to be tried again."""
        now = self._clock.now()
        for delivery in self._leases.expired(now):
            self.fail(delivery, f"its lease of {self._group.policy.lease_seconds:g} s ran out")
        for slot in self._group.slots.values():
            slot.wake_due(now)
            if slot.wanted:
                self._group.supply.changed.set()
        dues = [slot.next_due for slot in self._group.slots.values() if slot.next_due is not None]
        if self._leases.next_deadline is not None:
            dues.append(self._leases.next_deadline)
        self._timer.disarm()
        if dues:
            self._timer.arm(min(dues))

    def stop(self) -> None:
        """No lease runs out any more, and nothing becomes due."""
        self._timer.disarm()

    def _on_time(self, late_seconds: float) -> None:
        try:
            if late_seconds > _LATE_SECONDS:
                # The process stood still. What was answered meanwhile is not read yet.
                self._leases.extend(round(late_seconds * 1_000_000))
            self.tick()
        except Exception as error:  # a defect of ours: without its timer a consumer hangs
            _log.exception("a consumer failed", tenant_id=self._group.tenant_id, exc_info=error)
            self._group.end(InternalError())
