"""Reading what the feed does not bring: events that are tried again, lanes, what is replayed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from everlog_server.consumers.events import DamagedEvent, Held, split
from everlog_server.errors import (
    EventDamagedError,
    ReadTooExpensiveError,
    StorageUnavailableError,
)
from everlog_server.model import uuid_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from everlog_server.consumers.events import Event
    from everlog_server.consumers.group import Group
    from everlog_server.consumers.lines import Lane
    from everlog_server.consumers.own_slot import OwnSlot

_log = structlog.get_logger(__name__)

_RECORDS_MAX = 64
_LANE_EVENTS_MAX = 32
_LANE_BYTES_MAX = 64 * 1024
_REPLAYING_MAX = 256
"""Events of one slot that are replayed at a time, and that wait in memory for a later attempt."""
_AHEAD_MICROSECONDS = 2_000_000
"""What is due so soon is read: the next look may come only after that."""
_LANES_A_TURN = 64
"""So that nothing else waits long behind very many of them."""
_RETRY_SECONDS = 0.25


class Supply:
    """Reads for one group. Run `run` as a task."""

    def __init__(self, group: Group) -> None:
        self.changed = asyncio.Event()
        """To be set when a slot wants something."""
        self._group = group
        self._replaying: set[int] = set()

    def replay(self, slots: Sequence[int]) -> None:
        """These slots have events that are to be replayed."""
        if slots:
            self._replaying.update(slots)
            self.changed.set()

    async def run(self) -> None:
        """Reads what is wanted, for ever."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            try:
                await self._read_replaying()
                await self._read_records()
                await self._read_lanes()
            except (StorageUnavailableError, ReadTooExpensiveError) as error:
                _log.debug("a consumer can't read what is tried again", error=str(error))
                self.changed.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read_replaying(self) -> None:
        group = self._group
        now = group.now()
        numbers = [
            number
            for number in self._replaying
            if (slot := group.slots.get(number)) is not None
            and slot.replaying(now) < _REPLAYING_MAX
        ]
        self._replaying.clear()
        if not numbers:
            return
        slots = dict(group.slots)
        # What is finished, and not stored yet, would be read as if it was not.
        async with group.flush.all_stored():
            rows = await group.store.replaying(
                group.tenant_id,
                group.consumer_id,
                numbers,
                due=now + _AHEAD_MICROSECONDS,
                limit=_REPLAYING_MAX,
            )
            for row in rows:
                slot = slots.get(row.slot)
                if slot is not None and not slot.is_lost:
                    slot.replay(Held.stored(row, uuid_text(row.event_id), now=now))
            for number in numbers:
                if (slot := slots[number]) is group.slots.get(number):
                    slot.forget_replays(now + _AHEAD_MICROSECONDS, _REPLAYING_MAX)
        group.deliveries.tick()

    async def _read_records(self) -> None:
        group = self._group
        wanted: dict[int, OwnSlot] = {}
        for slot in group.slots.values():
            if not slot.is_supplied and not slot.is_draining:
                for position in slot.wanted:
                    if len(wanted) < _RECORDS_MAX:
                        wanted[position] = slot
        if not wanted:
            return
        records = await group.store.records(group.tenant_id, list(wanted))
        last = max(records, default=max(wanted))  # what is not there below it is nowhere
        for position, slot in wanted.items():
            if position <= last and not slot.is_lost:
                slot.supply(position, records.get(position))
                group.touch(slot) if position not in records else group.list_ready(slot)
        self.changed.set()  # there may be more

    async def _read_lanes(self) -> None:
        """Some lanes of each slot in turn."""
        slots = [slot for slot in self._group.slots.values() if slot.reading]
        random.shuffle(slots)
        each = max(1, _LANES_A_TURN // max(1, len(slots)))
        for slot in slots:
            for lane, after, through in list(islice(slot.lanes_to_read(), each)):
                if slot.is_supplied or slot.is_draining or slot.is_lost:
                    break
                await self._read_lane(slot, lane, after, through)

    async def _read_lane(self, slot: OwnSlot, lane: Lane, after: int, through: int) -> None:
        group = self._group
        events: Iterable[Event]
        try:
            page = await group.reader.query(
                group.tenant_id,
                replace(group.policy.event_filter, aggregate=lane.aggregate),
                newest_first=False,
                cursor=after,
                through=through,
                limit=_LANE_EVENTS_MAX,
                bytes_max=_LANE_BYTES_MAX,
            )
        except EventDamagedError as damaged:
            name = await group.reader.name_of(group.tenant_id, damaged.position)
            event_id = uuid_text(name[0]) if name is not None else ""
            examined = damaged.position
            events = [DamagedEvent(examined, lane.aggregate, event_id)]
        else:
            examined = through if page.is_last else page.examined_position
            events = split(page.records)
        own_rows = await group.store.own_rows(
            group.tenant_id, group.consumer_id, lane.aggregate, after=after, through=examined
        )
        if slot.is_lost:
            return
        slot.supply_lane(
            lane,
            events,
            after=after,
            examined=examined,
            through=through,
            own_rows=own_rows,
        )
        group.touch(slot)
        if slot.reading:
            self.changed.set()
