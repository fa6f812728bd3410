"""Storing answers: together, under the epochs of their slots; then each is settled.

Whatever is answered while a call of consumer_store() is under way goes with the next one. A call
whose connection was lost is made again, with the same content, until it is known what became of it.
Not for ever: a group that can't store, and gives signs of life, would keep its share and deliver
nothing of it. After as long as members wait for a PostgreSQL that is away, it is over, too.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from everlog_server.errors import ReadTooExpensiveError, StorageUnavailableError
from everlog_server.storage.consumers import Changes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from uuid import UUID

    from everlog_server.consumers.group import Group
    from everlog_server.consumers.member import Delivery
    from everlog_server.consumers.own_slot import OwnSlot

_log = structlog.get_logger(__name__)

_RETRY_SECONDS = 0.1
_INSTRUCTIONS_MAX = 10_000
_STALE_SECONDS = 2.0
"""How often the checkpoint of a slot is stored that only reads on, while the log grows: each is a
row. When the log stands still it is stored at once."""
_STALE_SECONDS_WHEN_BUSY = 1.0
"""The same, while others are stored anyway."""


class Flush:
    """Stores for one group. Run `run` as a task."""

    def __init__(self, group: Group, *, away_seconds_max: float) -> None:
        self._group = group
        self._away_seconds_max = away_seconds_max
        self._touched: dict[OwnSlot, None] = {}
        self._unsettled: list[Delivery] = []
        self._wanted = asyncio.Event()
        self._hurry = asyncio.Event()
        """Not to wait for company."""
        self._lock = asyncio.Lock()
        self._done: dict[UUID, OwnSlot] = {}
        """Instructions, the last of them: a beat may bring one again before it is stored."""
        self._calls = 0
        """Of consumer_store(), repeated ones counted once."""
        self._touched_stale_at = 0.0
        self._has_stored = False
        """Since then."""

    def touch(self, slot: OwnSlot) -> None:
        """A slot has something to be stored."""
        self._touched[slot] = None
        self._wanted.set()

    def settle_later(self, delivery: Delivery) -> None:
        """An answer, which is settled once its slot is stored; to be touched afterwards."""
        self._unsettled.append(delivery)

    def hurry(self) -> None:
        """Somebody waits for what is to be stored."""
        self._hurry.set()

    def is_new(self, instruction_id: UUID, slot: OwnSlot) -> bool:
        """Whether an instruction was not done before in a slot; from now on it was."""
        if self._done.get(instruction_id) is slot:
            return False
        self._done[instruction_id] = slot
        if len(self._done) > _INSTRUCTIONS_MAX:
            del self._done[next(iter(self._done))]
        return True

    def touch_stale(self, now: float) -> None:
        """Now and then, what was read without anything to do is stored, too."""
        interval = _STALE_SECONDS_WHEN_BUSY if self._has_stored else _STALE_SECONDS
        if now - self._touched_stale_at >= interval:
            self._touched_stale_at = now
            self._has_stored = False
            self.touch_stale_of(self._group.slots.values())

    def touch_idle(self) -> None:
        """The log stands still: soon a consumer's lag is to be seen to be none."""
        self.touch_stale_of(self._group.slots.values())

    def touch_stale_of(self, slots: Iterable[OwnSlot]) -> None:
        """What these slots have read without anything to do is stored."""
        for slot in slots:
            if slot.is_stale:
                self.touch(slot)

    async def run(self) -> None:
        """Stores what gathers, for ever."""
        while True:
            await self._wanted.wait()
            interval_seconds = self._group.policy.checkpoint_interval_seconds
            if interval_seconds:
                with suppress(TimeoutError):
                    async with asyncio.timeout(interval_seconds):
                        await self._hurry.wait()
            self._hurry.clear()
            await self.flush()

    async def flush(self) -> None:
        """Stores all that there is. Returns when it is settled, or when the group is over."""
        async with self.all_stored():
            pass

    @asynccontextmanager
    async def all_stored(self) -> AsyncIterator[None]:
        """Stores all that there is; nothing further is stored before the block ends."""
        async with self._lock:
            await self._flush()
            yield

    async def _flush(self) -> None:
        self._wanted.clear()
        slots = [slot for slot in self._touched if not slot.is_lost]
        unsettled, self._unsettled = self._unsettled, []
        self._touched = {}
        stored: frozenset[int] = frozenset()
        if slots:
            changes = Changes()
            for slot in slots:
                slot.collect(changes)
            stored = await self._store(changes)
            self._has_stored = True
        kept = {slot for slot in slots if slot.number in stored}
        for slot in slots:
            if slot not in kept:
                self._group.lose(slot)
        self._group.note_stored(kept)
        for delivery in unsettled:
            delivery.is_stored = delivery.slot in kept
            self._group.counts.refused += not delivery.is_stored
            delivery.member.settle(delivery)

    async def _store(self, changes: Changes) -> frozenset[int]:
        group = self._group
        self._calls += 1
        first = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                held = await group.store.store(
                    group.tenant_id, group.consumer_id, changes, number=self._calls
                )
                group.counts.flush_seconds.observe(time.monotonic() - began)
                return held
            except (StorageUnavailableError, ReadTooExpensiveError) as error:
                if group.failure is not None:
                    return frozenset()
                if time.monotonic() - first > self._away_seconds_max:
                    _log.warning(
                        "answers can't be stored",
                        tenant_id=group.tenant_id,
                        consumer=group.name,
                        error=str(error),
                    )
                    group.end(StorageUnavailableError("answers can't be stored: try again soon"))
                    return frozenset()
                _log.debug("answers can't be stored", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
