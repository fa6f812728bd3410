"""One member: a Consume stream, its credit, what it has in flight and what it is to be told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from uuid import UUID

    from everlog_server.consumers.events import Event
    from everlog_server.consumers.group import Group
    from everlog_server.consumers.own_slot import OwnSlot
    from everlog_server.errors import EverlogError

ANSWER_BYTES = 80
"""What a delivery has beside its event, at most; ids are much shorter than the contract allows."""


class Delivery:
    """An event that a member has."""

    __slots__ = ("attempt", "deadline", "delivery_id", "event", "is_stored", "member", "slot")

    def __init__(
        self, delivery_id: str, event: Event, slot: OwnSlot, member: Member, deadline: int
    ) -> None:
        self.delivery_id = delivery_id
        self.event = event
        self.slot = slot
        self.member = member
        self.deadline = deadline
        """When its lease runs out, in microseconds since 1970."""
        self.attempt = event.attempts + 1
        self.is_stored = False
        """Whether its answer is, or need not be: then it is its own settlement."""

    @property
    def is_held(self) -> bool:
        """Whether the member still has it."""
        return self.member.in_flight.get(self.delivery_id) is self


class Refused(NamedTuple):
    """An answer to a delivery that was not this member's, or not any more."""

    delivery_id: str
    attempt: int
    is_stored: bool = False


Settlement: TypeAlias = "Delivery | Refused"
"""What became of an answer: `is_stored`, or it is refused."""


class Member:
    """A member, as its stream and its group both see it."""

    def __init__(self, group: Group, member_id: UUID, name: str, credit: int) -> None:
        self.member_id = member_id
        self.name = name
        self._wanted_credit = credit
        self.set_credit(group.policy.in_flight_max)
        self.in_flight: dict[str, Delivery] = {}
        self.ready: deque[OwnSlot] = deque()
        """Its slots with something to deliver."""
        self.wake = asyncio.Event()
        """Set when there is something to be told."""
        self.is_leaving = False
        """It takes nothing more."""
        self.has_left = False
        """It is no member any more."""
        self.closed = asyncio.Event()
        """Set when its stream is gone."""
        self.failure: EverlogError | None = None
        """Why it had to end."""
        self._group = group
        self._settlements: list[Settlement] = []
        self._told = asyncio.Event()
        self._carried: Delivery | None = None
        self._deliveries = 0
        self._id_prefix = member_id.hex[:12]

    @property
    def lease_seconds(self) -> float:
        """How long it has for each delivery."""
        return self._group.policy.lease_seconds

    @property
    def label(self) -> str:
        """What people are told it is called."""
        return self.name or str(self.member_id)

    async def wait_until_told(self, most: int) -> None:
        """Returns when fewer settlements than this wait to be told."""
        while len(self._settlements) >= most:
            self._told.clear()
            await self._told.wait()

    def set_credit(self, most: int) -> None:
        """It may have so many unanswered deliveries, if it wants as many (0: as many as it may)."""
        self.credit = min(self._wanted_credit or most, most)

    def next_delivery_id(self) -> str:
        """One that no other delivery of any member has."""
        self._deliveries += 1
        return f"{self._id_prefix}-{self._deliveries}"

    def settle(self, settlement: Settlement) -> None:
        """Will be told."""
        self._settlements.append(settlement)
        self.wake.set()

    def take_settlements(self, most: int) -> list[Settlement]:
        """What is to be told now."""
        taken, self._settlements = self._settlements[:most], self._settlements[most:]
        self._told.set()
        return taken

    def take_deliveries(self, bytes_max: int) -> list[Delivery]:
        """What is to be delivered now: at most so many bytes, but one event if there is one."""
        taken: list[Delivery] = []
        size = 0
        carried, self._carried = self._carried, None
        if carried is not None and carried.is_held:
            taken.append(carried)
            size = len(carried.event.record) + ANSWER_BYTES
        while (delivery := self._group.deliveries.next_delivery(self)) is not None:
            size += len(delivery.event.record) + ANSWER_BYTES
            if size > bytes_max and taken:
                self._carried = delivery
                break
            taken.append(delivery)
        return taken

    # --- what its stream reads -------------------------------------------------------------------

    def ack(self, delivery_id: str, attempt: int) -> None:
        """The event is finished."""
        self._group.deliveries.ack(self, delivery_id, attempt)

    def skip(self, delivery_id: str, attempt: int) -> None:
        """It counts as finished all the same."""
        self._group.deliveries.ack(self, delivery_id, attempt)

    def nack(
        self, delivery_id: str, attempt: int, error: str, *, wait_seconds: float | None
    ) -> None:
        """It failed; None: it waits as the consumer's settings say."""
        self._group.deliveries.nack(self, delivery_id, attempt, error, wait_seconds=wait_seconds)

    def park(self, delivery_id: str, attempt: int, error: str) -> None:
        """It failed, and is not tried again."""
        self._group.deliveries.park(self, delivery_id, attempt, error)

    def release(self, delivery_id: str, attempt: int) -> None:
        """It was not begun, and is given back."""
        self._group.deliveries.release(self, delivery_id, attempt)

    def in_progress(self, delivery_id: str, attempt: int) -> None:
        """Its lease begins anew."""
        self._group.deliveries.in_progress(self, delivery_id, attempt)

    def leave(self) -> None:
        """Takes nothing more; `has_left` once all that it has is answered and stored."""
        self._group.leave(self)

    def break_off(self) -> None:
        """Its stream is gone: what it has in flight has failed."""
        self._group.break_off(self)
