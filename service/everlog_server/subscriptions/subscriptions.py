"""All subscriptions of a process, and the one loop that watches the heads they follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog

from everlog_server.errors import (
    EverlogError,
    InternalError,
    ServerDrainingError,
    StorageUnavailableError,
    TenantNotFoundError,
    TooManySubscriptionsError,
)
from everlog_server.looks import Looks
from everlog_server.model import Committed, EventFilter
from everlog_server.settings import SubscriptionSettings
from everlog_server.storage.hints import Hints
from everlog_server.storage.reads import EventReader
from everlog_server.subscriptions.bounded import Outage
from everlog_server.subscriptions.counts import SubscriptionCounts, SubscriptionSnapshot
from everlog_server.subscriptions.cursor import Cursor
from everlog_server.subscriptions.tailer import Place, Tailer

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Followed:
    """A log that somebody follows."""

    tailer: Tailer
    task: asyncio.Task[None]
    outage: Outage = field(default_factory=Outage)
    """Of this log alone, while others can be looked at."""
    followers: int = 0


class Subscriptions:
    """Makes subscriptions. Run `run` as a task; `drain` before the server stops."""

    def __init__(self, reader: EventReader, hints: Hints, settings: SubscriptionSettings) -> None:
        self._reader = reader
        self._hints = hints
        self._settings = settings
        self._followed: dict[int, _Followed] = {}
        self._opening: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        # A lock goes with the last of those who follow the log.
        self._count = 0
        self._count_by_tenant: dict[int, int] = {}
        self._counts = SubscriptionCounts()
        self._cursors: set[Cursor] = set()
        self._look = asyncio.Event()
        self._draining = False

    def publish(self, tenant_id: int, committed: Committed) -> None:
        """Hands a batch that was committed here to its followers, and hints to others."""
        followed = self._followed.get(tenant_id)
        if followed is not None:
            try:
                followed.tailer.publish(committed)
            except Exception:
                # A defect of ours must not keep those waiting whose events are stored.
                log.exception("a batch could not be handed on", tenant_id=tenant_id)
                followed.tailer.fail(InternalError())
        self._hints.announce()

    @asynccontextmanager
    async def subscribe(
        self, tenant_id: int, event_filter: EventFilter, *, after: int, heartbeat_seconds: float
    ) -> AsyncIterator[Cursor]:
        """Follows a log from a position, for ever; see Cursor for how it ends.

        Raises TooManySubscriptionsError at once when this process has as many as it may have, or as
        many as the tenant may have.
        """
        if self._draining:
            raise ServerDrainingError
        of_tenant = self._count_by_tenant.get(tenant_id, 0)
        if self._count >= self._settings.subscriptions_max:
            self._counts.refused += 1
            raise TooManySubscriptionsError
        if of_tenant >= self._settings.tenant_subscriptions_max:
            self._counts.refused += 1
            raise TooManySubscriptionsError(
                f"this server has {of_tenant} subscriptions of this tenant, and no more are allowed"
            )
        self._count += 1
        self._count_by_tenant[tenant_id] = of_tenant + 1
        try:
            async with self._following(tenant_id) as tailer:
                head = await self._reader.head(tenant_id)
                tailer.note_head(head.position)
                cursor = Cursor(
                    tailer,
                    self._reader,
                    event_filter,
                    after=after,
                    head=head.position,
                    heartbeat_seconds=heartbeat_seconds,
                    counts=self._counts,
                )
                self._cursors.add(cursor)
                try:
                    async with aclosing(cursor):
                        yield cursor
                finally:
                    self._cursors.discard(cursor)
        finally:
            self._count -= 1
            if self._count_by_tenant[tenant_id] == 1:
                del self._count_by_tenant[tenant_id]
            else:
                self._count_by_tenant[tenant_id] -= 1

    def snapshot(self) -> SubscriptionSnapshot:
        """What was read, and who follows."""
        counts, tailers = self._counts, [each.tailer for each in self._followed.values()]
        live = sum(cursor.is_live for cursor in self._cursors)
        return SubscriptionSnapshot(
            live=live,
            catching_up=len(self._cursors) - live,
            lags=tuple(cursor.lag for cursor in self._cursors),
            ring_shared=counts.ring_shared,
            ring_read=counts.ring_read,
            table_read=counts.table_read,
            fell_behind=counts.fell_behind,
            refused=counts.refused,
            ring_bytes=sum(tailer.ring.size_bytes for tailer in tailers),
            heads={tailer.tenant_id: tailer.head for tailer in tailers},
        )

    def drain(self) -> None:
        """Ends all subscriptions with ServerDrainingError, and refuses new ones."""
        self._draining = True
        for followed in self._followed.values():
            followed.tailer.fail(ServerDrainingError())

    async def run(self) -> None:
        """Watches the heads of the logs that are followed: on a hint, and without one, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hints.run(self._look.set))
            tasks.create_task(self._watch_heads())

    async def _watch_heads(self) -> None:
        outage, looks = Outage(), Looks("heads can't be read")
        while True:
            self._look.clear()
            with looks.survived():
                await self._look_at_heads(outage)
            await asyncio.sleep(looks.rest_seconds)
            try:
                async with asyncio.timeout(self._settings.poll_interval_seconds):
                    await self._look.wait()
            except TimeoutError:
                pass

    async def _look_at_heads(self, outage: Outage) -> None:
        """One look at all logs; whoever could not be served for long is told, to go elsewhere."""
        everybody = list(self._followed.values())
        try:
            await self._check_heads(everybody)
        except StorageUnavailableError:
            if not outage.goes_on():
                for followed in self._followed.values():
                    followed.tailer.fail(StorageUnavailableError())
            raise
        except EverlogError:
            outage.end()  # it is there: that it is busy ends nobody
            raise
        except Exception:
            outage.end()
            await self._check_one_by_one(everybody)
            raise
        for followed in everybody:
            followed.outage.end()
        outage.end()

    async def _check_one_by_one(self, everybody: Sequence[_Followed]) -> None:
        """So that one log that can't be looked at, a page of it damaged, costs no other."""
        for followed in everybody:
            try:
                await self._check_heads([followed])
            except EverlogError:
                return
            except Exception:  # which one, the look at all of them has told
                if not followed.outage.goes_on():
                    followed.tailer.fail(InternalError())
            else:
                followed.outage.end()

    async def _check_heads(self, some: Sequence[_Followed]) -> None:
        """One look: where logs end, and whether they still have what was seen of them."""
        tailers = [followed.tailer for followed in some]
        if not tailers:
            return
        looks = [(tailer, tailer.look()) for tailer in tailers]
        heads = await self._reader.heads(
            {tailer.tenant_id: look.asked.position for tailer, look in looks}
        )
        for tailer, look in looks:
            if tailer.tenant_id not in heads:
                tailer.fail(TenantNotFoundError("the tenant is dropped"))
                continue
            head, head_event_id, event_id = heads[tailer.tenant_id]
            tailer.check(look, Place(head, head_event_id), event_id)

    @asynccontextmanager
    async def _following(self, tenant_id: int) -> AsyncIterator[Tailer]:
        """The tailer of a log, made for its first follower, and stopped after its last."""
        # The lock: against a second follower that makes another tailer while we read the head.
        lock = self._opening.setdefault(tenant_id, asyncio.Lock())
        async with lock:
            followed = self._followed.get(tenant_id)
            if followed is None or followed.tailer.failure is not None:
                head = await self._reader.head(tenant_id)
                if self._draining:  # since we looked: nobody would tell a tailer made now
                    raise ServerDrainingError
                tailer = Tailer(
                    tenant_id,
                    self._reader,
                    head,
                    ring_bytes_max=self._settings.ring_bytes_max,
                    counts=self._counts,
                )
                task = asyncio.get_running_loop().create_task(tailer.run())
                followed = self._followed[tenant_id] = _Followed(tailer, task)
            followed.followers += 1
        try:
            yield followed.tailer
        finally:
            followed.followers -= 1
            if followed.followers == 0:
                followed.task.cancel()
                if self._followed.get(tenant_id) is followed:
                    del self._followed[tenant_id]
