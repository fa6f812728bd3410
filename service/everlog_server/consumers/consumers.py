"""All consumers that have members in this process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from everlog_server.consumers.budget import Budget
from everlog_server.consumers.counts import ConsumerCounts, ConsumersSnapshot
from everlog_server.consumers.group import Group
from everlog_server.consumers.keep import AWAY_SECONDS_MAX, LEASE_SECONDS
from everlog_server.consumers.member import Member
from everlog_server.consumers.policy import Clock
from everlog_server.errors import (
    ConsumerNotFoundError,
    ServerDrainingError,
    TooManyMembersError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from everlog_server.consumers.feed import Follow
    from everlog_server.consumers.policy import Policy
    from everlog_server.storage.consumers import ConsumerStore
    from everlog_server.storage.reads import EventReader

_WATCH_SECONDS = 15.0


class Consumers:
    """Lets members join. Run `run` as a task; `drain` before the server stops."""

    def __init__(
        self,
        store: ConsumerStore,
        reader: EventReader,
        follow: Follow,
        policy_of: Callable[[bytes], Policy],
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        away_seconds_max: float = AWAY_SECONDS_MAX,
        watched_max: int = 0,
    ) -> None:
        """`watched_max`: of so many consumers, first come, the snapshot knows where they stand."""
        self._watched_max = watched_max
        self._counts = ConsumerCounts()
        self._watch = asyncio.Event()
        self._store = store
        self._reader = reader
        self._follow = follow
        self._policy_of = policy_of
        self._clock = clock or Clock()
        self._random = random or Random()  # noqa: S311  jitter is no secret
        self._away_seconds_max = away_seconds_max
        self._process_id = uuid4()
        self._budget = Budget()
        self._groups: dict[tuple[int, UUID], Group] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._is_draining = False

    async def run(self) -> None:
        """Lets groups run, until it is cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await self._keep_watch()

    def snapshot(self) -> ConsumersSnapshot:
        """What was delivered and answered, and the consumers that have members here."""
        return self._counts.snapshot(tuple(group.figures() for group in self._groups.values()))

    async def _keep_watch(self) -> None:
        """Asks where consumers stand: a new one at once, each now and then."""
        loop = asyncio.get_running_loop()
        asked_all_at = loop.time()
        while True:
            self._watch.clear()
            is_turn = loop.time() - asked_all_at >= _WATCH_SECONDS
            if is_turn:
                asked_all_at = loop.time()
            for group in list(self._groups.values())[: self._watched_max]:
                if is_turn or group.standing is None:
                    await group.look_where_it_stands()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(1.0, asked_all_at + _WATCH_SECONDS - loop.time())):
                    await self._watch.wait()

    async def join(self, tenant_id: int, name: str, *, member_name: str, credit: int) -> Member:
        """A new member of a consumer; credit 0: as much as its settings allow.

        Raises ConsumerNotFoundError, TooManyMembersError and ServerDrainingError.
        """
        consumer = await self._store.find(tenant_id, name)
        if consumer is None:
            raise ConsumerNotFoundError(f"there is no consumer {name!r}")
        if not self._groups:
            now = await self._store.now()
            if not self._groups:  # nobody else has come meanwhile
                self._clock.set(now)
        member_id = uuid4()
        joined = await self._store.join(
            tenant_id,
            consumer.consumer_id,
            member_id=member_id,
            name=member_name,
            process_id=self._process_id,
            lease_seconds=LEASE_SECONDS,
        )
        if joined == "full":
            raise TooManyMembersError(f"consumer {name!r} has 1,000 members")
        if joined == "missing":
            raise ConsumerNotFoundError(f"there is no consumer {name!r}")
        if self._is_draining or self._tasks is None:
            await self._store.leave(tenant_id, consumer.consumer_id, [member_id])
            raise ServerDrainingError
        key = tenant_id, consumer.consumer_id
        group = self._groups.get(key)
        if group is None or group.is_over:
            group = self._groups[key] = Group(
                tenant_id,
                consumer,
                process_id=self._process_id,
                store=self._store,
                reader=self._reader,
                follow=self._follow,
                policy_of=self._policy_of,
                clock=self._clock,
                random=self._random,
                away_seconds_max=self._away_seconds_max,
                counts=self._counts,
                budget=self._budget,
            )
            self._watch.set()
            self._tasks.create_task(self._run(key, group))
        member = Member(group, member_id, member_name, credit)
        group.add(member)
        return member

    async def drain(self) -> None:
        """Ends all members with ServerDrainingError, their slots given back; refuses new ones."""
        self._is_draining = True
        await asyncio.gather(*(group.drain() for group in self._groups.values()))

    async def _run(self, key: tuple[int, UUID], group: Group) -> None:
        try:
            await group.run()
        finally:
            if self._groups.get(key) is group:
                del self._groups[key]
