"""The events that a consumer has not finished, page by page.

Three stretches follow each other: events that wait for an attempt by themselves; aggregates that
have left the line, each with all that waits in it; and what lies after the checkpoint. A page looks
at windows of the log for about a second and then ends, whatever it has found: it may be empty
without being the last.
"""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from everlog_server.consumers.accounts import Decode, Processing, State, judge
from everlog_server.consumers.events import Event, slot_of, split
from everlog_server.consumers.policy import Policy
from everlog_server.model import AggregateKey
from everlog_server.storage.consumer_accounts import ConsumerAccounts, Lane, Row
from everlog_server.storage.consumers import ConsumerStore, StoredConsumer
from everlog_server.storage.pages import PAGE_BYTES_MAX
from everlog_server.storage.reads import EventReader

_PAGE_SECONDS_MAX = 1.0
_LANES_A_TIME = 100
_READ_EVENTS_MAX = 1_000
_PROCESSING_BYTES = 100
"""Of what is told beside an event, without its error, at most."""
_PLACE = struct.Struct(">Bqqq")
_NO_AGGREGATE = AggregateKey("", "")


class Part(IntEnum):
    """The stretches, in their order."""

    SINGLE = 0
    LANES = 1
    REST = 2


class Place(NamedTuple):
    """Where a page begins."""

    part: Part
    through: int
    """The position that the listing ends at: for all pages that of the first one."""
    position: int = 0
    """Behind this event, of the stretch or of the lane."""
    lane_position: int = 0
    aggregate: AggregateKey = _NO_AGGREGATE
    """The lane that the page before has ended in."""

    def pack(self) -> bytes:
        """As a token holds it."""
        numbers = _PLACE.pack(self.part, self.through, self.position, self.lane_position)
        return numbers + "\0".join(self.aggregate).encode()  # no name holds a NUL

    @classmethod
    def unpack(cls, place: bytes) -> Place:
        """Raises ValueError or struct.error when it is none."""
        part, through, position, lane_position = _PLACE.unpack(place[: _PLACE.size])
        kind, name = place[_PLACE.size :].decode().split("\0")
        return cls(Part(part), through, position, lane_position, AggregateKey(kind, name))


class Pending(NamedTuple):
    """An event that is not finished. `record` is framed."""

    record: bytes
    processing: Processing


class PendingPage(NamedTuple):
    """A page of them."""

    events: list[Pending]
    next_place: Place | None
    """None: it is the last."""


@dataclass(slots=True)
class _Page:
    """What is gathered, and how much more may be."""

    limit: int
    deadline: float
    events: list[Pending] = field(default_factory=list)
    size_bytes: int = 0
    is_full: bool = False
    """Whether something had no room."""

    def take(self, record: bytes, processing: Processing) -> bool:
        """Whether there was room for it."""
        size = len(record) + len(processing.last_error) * 4 + _PROCESSING_BYTES
        if self.events and (
            self.size_bytes + size > PAGE_BYTES_MAX or len(self.events) >= self.limit
        ):
            self.is_full = True
            return False
        self.events.append(Pending(record, processing))
        self.size_bytes += size
        return True

    @property
    def is_over(self) -> bool:
        """Whether it is full, or took its time."""
        return (
            self.is_full
            or len(self.events) >= self.limit
            or self.size_bytes >= PAGE_BYTES_MAX
            or time.monotonic() > self.deadline
        )


class PendingEvents:
    """Lists them."""

    def __init__(
        self,
        accounts: ConsumerAccounts,
        consumers: ConsumerStore,
        reader: EventReader,
        decode: Decode,
    ) -> None:
        self._accounts = accounts
        self._consumers = consumers
        self._reader = reader
        self._decode = decode

    async def page(
        self, tenant_id: int, consumer: StoredConsumer, place: Place | None, *, limit: int
    ) -> PendingPage:
        """The page that begins at a place; None: the first."""
        if place is None:
            head = await self._reader.head(tenant_id)
            place = Place(Part.SINGLE, head.position)
        listing = _Listing(self, tenant_id, consumer, self._decode(consumer.settings))
        page = _Page(limit, time.monotonic() + _PAGE_SECONDS_MAX)
        for part in Part:
            if part < place.part:
                continue
            if part > place.part:
                place = Place(part, place.through)
            async with aclosing(listing.steps(place, page)) as places:
                async for behind in places:
                    if page.is_over:
                        return PendingPage(page.events, behind)
        return PendingPage(page.events, None)


class _Listing:
    """The listing of one consumer, for one page."""

    def __init__(
        self, room: PendingEvents, tenant_id: int, consumer: StoredConsumer, policy: Policy
    ) -> None:
        self._accounts = room._accounts  # noqa: SLF001 - one room
        self._consumers = room._consumers  # noqa: SLF001
        self._reader = room._reader  # noqa: SLF001
        self._tenant_id = tenant_id
        self._consumer = consumer
        self._consumer_id = consumer.consumer_id
        self._policy = policy

    def steps(self, place: Place, page: _Page) -> AsyncGenerator[Place]:
        """Fills the page from one stretch; yields where the next page would begin."""
        if place.part is Part.SINGLE:
            return self._single(place, page)
        return self._lanes(place, page) if place.part is Part.LANES else self._rest(place, page)

    async def _single(self, place: Place, page: _Page) -> AsyncGenerator[Place]:
        states = ["replaying"]
        if not self._policy.is_ordered:
            states += ["retrying", "blocking"]
        in_flight = await self._accounts.in_flight(self._tenant_id, self._consumer_id)
        while True:
            positions = await self._accounts.single_rows(
                self._tenant_id,
                self._consumer_id,
                states,
                after=place.position,
                limit=page.limit - len(page.events),
            )
            if not positions:
                return
            rows = await self._accounts.rows_at(self._tenant_id, self._consumer_id, positions)
            records = await self._consumers.records(self._tenant_id, positions)
            for position, record in records.items():
                if position in rows:  # else it is finished since
                    processing = self._judged(position, in_flight=in_flight, row=rows[position])
                    if not page.take(record, processing):
                        break
                place = place._replace(position=position)
            yield place

    async def _lanes(self, place: Place, page: _Page) -> AsyncGenerator[Place]:
        in_flight = await self._accounts.in_flight(self._tenant_id, self._consumer_id)
        if place.aggregate != _NO_AGGREGATE:
            async with aclosing(self._lane(place, page, in_flight)) as places:
                async for behind in places:
                    yield behind
        while True:
            lanes = await self._accounts.lanes(
                self._tenant_id,
                self._consumer_id,
                after=(place.lane_position, place.aggregate),
                limit=_LANES_A_TIME,
            )
            if not lanes:
                return
            for position, aggregate in lanes:
                place = Place(Part.LANES, place.through, position - 1, position, aggregate)
                async with aclosing(self._lane(place, page, in_flight)) as places:
                    async for behind in places:
                        yield behind

    async def _lane(
        self, place: Place, page: _Page, in_flight: frozenset[int]
    ) -> AsyncGenerator[Place]:
        """One lane, whose last place is its end: also where it is dissolved meanwhile."""
        lane = (
            await self._accounts.lanes_of(self._tenant_id, self._consumer_id, [place.aggregate])
        ).get(place.aggregate)
        while lane is not None and place.position < place.through:
            read = await self._reader.query(
                self._tenant_id,
                replace(self._policy.event_filter, aggregate=place.aggregate),
                newest_first=False,
                cursor=place.position,
                through=place.through,
                limit=page.limit - len(page.events),
            )
            found = list(split(read.records))
            rows = await self._rows_at(found)
            examined = read.examined_position
            for event in found:
                position = event.position
                row = rows.get(position)
                # Those that are parked, or wait by themselves, are listed elsewhere.
                if row is None or row.state in ("retrying", "blocking"):
                    processing = self._judged(position, in_flight=in_flight, row=row, lane=lane)
                    if processing.state is not State.FINISHED and not page.take(
                        event.record, processing
                    ):
                        examined = position - 1
                        break
            place = place._replace(position=examined)
            yield place

    async def _rest(self, place: Place, page: _Page) -> AsyncGenerator[Place]:
        slots = await self._accounts.slots(self._tenant_id, self._consumer_id)
        in_flight = await self._accounts.in_flight(self._tenant_id, self._consumer_id)
        checkpoint = min((slot.checkpoint for slot in slots.values()), default=place.through)
        place = place._replace(position=max(place.position, checkpoint))
        while place.position < place.through:
            read = await self._reader.query(
                self._tenant_id,
                self._policy.event_filter,
                newest_first=False,
                cursor=place.position,
                through=place.through,
                limit=_READ_EVENTS_MAX,
            )
            left = [
                one
                for one in split(read.records)
                if (slot := slots.get(self._slot(one))) is not None
                and one.position > slot.checkpoint
                and one.position not in slot.finished
            ]
            rows = await self._rows_at(left)
            lanes = await self._lanes_of(left)
            examined = read.examined_position
            for one in left:
                if one.position in rows or one.aggregate in lanes:
                    continue
                processing = self._judged(one.position, in_flight=in_flight)
                if not page.take(one.record, processing):
                    examined = one.position - 1
                    break
            place = place._replace(position=examined)
            yield place

    def _slot(self, one: Event) -> int:
        return slot_of(one.position, one.aggregate, is_ordered=self._policy.is_ordered)

    def _judged(
        self,
        position: int,
        *,
        in_flight: frozenset[int],
        row: Row | None = None,
        lane: Lane | None = None,
    ) -> Processing:
        return judge(
            self._consumer.name,
            position,
            matches=True,
            is_passed=False,
            is_in_flight=position in in_flight,
            lane=lane,
            row=row,
        )

    async def _rows_at(self, found: Sequence[Event]) -> dict[int, Row]:
        if not found:
            return {}
        positions = [one.position for one in found]
        return await self._accounts.rows_at(self._tenant_id, self._consumer_id, positions)

    async def _lanes_of(self, found: Sequence[Event]) -> dict[AggregateKey, Lane]:
        aggregates = list(dict.fromkeys(one.aggregate for one in found))
        if not aggregates or not self._policy.is_ordered:
            return {}
        return await self._accounts.lanes_of(self._tenant_id, self._consumer_id, aggregates)
