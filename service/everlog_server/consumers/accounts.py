"""What became of an event with a consumer: read off what is stored, and decided by hand.

Nothing here is in memory. What a member's server has done in the last moment, and not stored yet,
is not seen; what is in flight is as its last beat told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import NamedTuple
from uuid import UUID, uuid4

from everlog_server.consumers.events import slot_of
from everlog_server.consumers.keep import LEASE_SECONDS
from everlog_server.consumers.policy import Policy
from everlog_server.errors import (
    ConsumerNotFoundError,
    EventNotFoundError,
    EventNotPendingError,
    OverloadedError,
)
from everlog_server.model import EventFilter, TailEvent, uuid_text
from everlog_server.storage.consumer_accounts import Account, ConsumerAccounts, Lane, Row

CONSUMERS_MAX = 1_000
"""Of so many it is told what became of an event."""
_LOOK_SECONDS = 0.03
_LOOKS_A_TRY = 30
"""After so many it is tried whether the slot's member is still there."""


class State(Enum):
    """What became of an event. The numbers are those of the contract."""

    NOT_MATCHED = 1
    PENDING = 2
    IN_FLIGHT = 3
    RETRYING = 4
    HELD_BACK = 5
    PARKED = 6
    FINISHED = 7


class Processing(NamedTuple):
    """What became of an event with a consumer. Times are microseconds since 1970."""

    consumer: str
    state: State
    attempts: int = 0
    last_error: str = ""
    next_attempt_time: int | None = None
    parked_time: int | None = None
    blocks_aggregate: bool = False


Decode = Callable[[bytes], Policy]
"""Of stored settings."""
Matcher = Callable[[EventFilter], Callable[[TailEvent], bool]]


def judge(
    consumer: str,
    position: int,
    *,
    matches: bool,
    is_passed: bool,
    is_in_flight: bool,
    lane: Lane | None,
    row: Row | None,
    start_position: int = 0,
) -> Processing:
    """What became of an event, of what is known of it, its aggregate and its slot."""
    if row is not None and row.state != "skipped":
        return _of_row(consumer, row, is_in_flight=is_in_flight)
    if not matches:
        return Processing(consumer, State.NOT_MATCHED)
    is_behind_lane = lane is not None and position < lane.position
    if row is not None or is_behind_lane or (lane is None and is_passed):
        is_asked = position > start_position
        return Processing(consumer, State.FINISHED if is_asked else State.NOT_MATCHED)
    if is_in_flight:
        state = State.IN_FLIGHT
    elif lane is not None and position > lane.position and lane.state is not None:
        state = State.HELD_BACK
    else:
        state = State.PENDING
    return Processing(consumer, state)


def _of_row(consumer: str, row: Row, *, is_in_flight: bool) -> Processing:
    is_parked = row.state in ("parked", "blocking")
    if is_parked:
        state = State.PARKED
    elif is_in_flight:
        state = State.IN_FLIGHT
    elif row.attempts or row.state == "retrying":
        state = State.RETRYING
    else:
        state = State.PENDING
    return Processing(
        consumer,
        state,
        row.attempts,
        row.last_error,
        row.next_attempt_time if state is State.RETRYING else None,
        row.parked_time if is_parked else None,
        row.state == "blocking",
    )


class EventAccounts:
    """Tells and decides what becomes of single events."""

    def __init__(self, store: ConsumerAccounts, decode: Decode, matcher: Matcher) -> None:
        self._store = store
        self._decode = decode
        self._matcher = matcher

    async def processing(
        self, tenant_id: int, event_id: bytes, *, consumer: str | None
    ) -> list[Processing]:
        """What became of an event, with each consumer or with one, in four round trips at most."""
        event = await self._event(tenant_id, event_id)
        accounts = await self._accounts(tenant_id, event, consumer)
        return await self._judged(tenant_id, event, accounts)

    async def decide(
        self,
        tenant_id: int,
        consumer: str,
        event_id: bytes,
        *,
        action: str,
        reason: str,
        patience_seconds: float,
    ) -> Processing:
        """Decides about an event: `ack`, `retry` or `park`; what became of it then.

        Where a member has the event's slot, it does so: within a beat, as a rule. OverloadedError
        when it has not in time; it then still will.
        """
        event = await self._event(tenant_id, event_id)
        (account,) = await self._accounts(tenant_id, event, consumer)
        meaning = self._decode(account.settings)
        (is_match,) = await self._matches(tenant_id, event, [meaning.event_filter])
        if not is_match and account.row is None:
            raise EventNotPendingError(
                uuid_text(event_id), f"does not match the filter of {consumer}"
            )
        if action == "ack":
            (before,) = await self._judged(tenant_id, event, [account])
            if before.state in (State.FINISHED, State.NOT_MATCHED):
                raise EventNotPendingError(uuid_text(event_id), f"is finished with {consumer}")
        slot = slot_of(event.position, event.aggregate, is_ordered=meaning.is_ordered)
        instruction_id = uuid4()

        async def decide(*, again: bool) -> str:
            return await self._store.decide(
                tenant_id,
                account,
                event,
                is_ordered=meaning.is_ordered,
                slot=slot,
                event_id=event_id,
                action=action,
                reason=reason,
                instruction_id=instruction_id,
                lease_seconds=LEASE_SECONDS,
                again=again,
            )

        told = await decide(again=False)
        try:
            async with asyncio.timeout(patience_seconds):
                while told == "asked":
                    if await self._is_done(tenant_id, account.consumer_id, [instruction_id]):
                        break
                    told = await decide(again=True)
        except TimeoutError:
            raise OverloadedError(
                f"it is decided, but the member of {consumer} that has the event's share has not"
                " taken note in time; it will"
            ) from None
        if told == "finished":
            raise EventNotPendingError(uuid_text(event_id), f"is finished with {consumer}")
        (account,) = await self._accounts(tenant_id, event, consumer)
        (after,) = await self._judged(tenant_id, event, [account])
        return after

    async def wait_done(
        self,
        tenant_id: int,
        consumer_id: UUID,
        instruction_ids: Sequence[UUID],
        patience_seconds: float,
    ) -> None:
        """Returns when members have done what they were told, or when there is no time left."""
        try:
            async with asyncio.timeout(patience_seconds):
                while not await self._is_done(tenant_id, consumer_id, instruction_ids):
                    pass
        except TimeoutError:
            return  # It is decided, durably, and the next member of the slot will do it.

    async def _is_done(
        self, tenant_id: int, consumer_id: UUID, instruction_ids: Sequence[UUID]
    ) -> bool:
        for _ in range(_LOOKS_A_TRY):
            await asyncio.sleep(_LOOK_SECONDS)
            if not await self._store.instructions_left(tenant_id, consumer_id, instruction_ids):
                return True
        return False

    async def _event(self, tenant_id: int, event_id: bytes) -> TailEvent:
        event = await self._store.event(tenant_id, event_id)
        if event is None:
            raise EventNotFoundError(f"there is no event {uuid_text(event_id)}")
        return event

    async def _accounts(
        self, tenant_id: int, event: TailEvent, consumer: str | None
    ) -> list[Account]:
        accounts = await self._store.accounts(
            tenant_id,
            event,
            consumer=consumer,
            slot_of_aggregate=slot_of(event.position, event.aggregate, is_ordered=True),
            slot_of_position=slot_of(event.position, event.aggregate, is_ordered=False),
            limit=CONSUMERS_MAX,
        )
        if consumer is not None and not accounts:
            raise ConsumerNotFoundError(f"there is no consumer {consumer}")
        return accounts

    async def _judged(
        self, tenant_id: int, event: TailEvent, accounts: Sequence[Account]
    ) -> list[Processing]:
        meanings = [self._decode(account.settings) for account in accounts]
        matches = await self._matches(tenant_id, event, [one.event_filter for one in meanings])
        return [
            judge(
                account.consumer,
                event.position,
                matches=is_match,
                is_passed=(
                    account.is_passed_by_aggregate
                    if meaning.is_ordered
                    else account.is_passed_by_position
                ),
                is_in_flight=account.is_in_flight,
                lane=account.lane,
                row=account.row,
                start_position=account.start_position,
            )
            for account, meaning, is_match in zip(accounts, meanings, matches, strict=True)
        ]

    async def _matches(
        self, tenant_id: int, event: TailEvent, filters: Sequence[EventFilter]
    ) -> list[bool]:
        """Which filters mean an event: in memory as far as that goes, the rest in one statement."""
        matches = [self._matcher(_in_memory(one))(event) for one in filters]
        asked = [
            number for number, one in enumerate(filters) if matches[number] and one.needs_database
        ]
        if asked:
            meant = await self._store.judged(
                tenant_id, event.position, [filters[number] for number in asked]
            )
            for place, number in enumerate(asked):
                matches[number] = place in meant
        return matches


def _in_memory(event_filter: EventFilter) -> EventFilter:
    return replace(event_filter, metadata=None, data_contains=None, keywords=())
