"""The projector: it takes projections along their logs, a window (windows.py) at a time.

    free ──claim──> held ──window, window, …──> (released | lost) ──> free

Invariants:
- One process works on a projection: the one that holds its lease. The lease's epoch fences; what a
  process still sends that has lost it changes nothing.
- Where a projection is, and what it waits for, stands in the database, beside its effects and
  committed with them. What is remembered here is only how fast it goes.
- Turns are fair: a projection takes one window, then stands at the end of the queue, and its
  rebuild takes a turn of its own.

Woken by commits of this process, by hints of others, and without either by a look every second.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import socket
from collections.abc import Callable

import structlog

from everlog_server.errors import EverlogError
from everlog_server.looks import Looks
from everlog_server.projections.figures import Figures
from everlog_server.projections.windows import After, Windows, Work
from everlog_server.storage.projecting import Held, ProjectingStore, ProjectionLook

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 1.0
_TURNS_AT_ONCE = 2
_AGAIN_SECONDS = 0.5
"""After what is no failure of an event: a deadlock, a lost connection."""
_REST_SECONDS = 15.0
"""After a defect of our own."""

Key = tuple[int, str]


class Projector:
    """Runs projections of all tenants. Run `run` as a task."""

    def __init__(
        self, store: ProjectingStore, *, on_progress: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._windows = Windows(store, self._report)
        self._on_progress = on_progress
        self.name = f"{socket.gethostname()}/{os.getpid()}/{random.randrange(16**4):04x}"  # noqa: S311
        self._works: dict[Key, Work] = {}
        self._of_tenant: dict[int, set[Key]] = {}
        """The keys of `_works`."""
        self._due: dict[Key, None] = {}
        """In the order in which they are served."""
        self._at_work: set[Key] = set()
        self._wake = asyncio.Event()
        self._look = asyncio.Event()
        self._looks = Looks("projections can't be looked at")

    def snapshot(self) -> list[Figures]:
        """Of the projections that this process works on, in the order in which it took them."""
        return [work.figures for work in self._works.values()]

    def note_commit(self, tenant_id: int) -> None:
        """A tenant's log has grown. Cheap: called for every batch."""
        for key in self._of_tenant.get(tenant_id, ()):
            self._due[key] = None
            self._wake.set()

    def look_soon(self) -> None:
        """Something has changed somewhere. Cheap."""
        self._look.set()

    async def run(self) -> None:
        """Works, for ever. Gives its leases back when it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat())
                for _ in range(_TURNS_AT_ONCE):
                    tasks.create_task(self._take_turns())
        finally:
            await self._release()

    async def _release(self) -> None:
        held = list(self._works.values())
        self._works.clear()
        self._of_tenant.clear()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2.0):
                for work in held:
                    await self._store.renew(work.held.tenant_id, [(work.held, 0.0)], release=True)

    async def _beat(self) -> None:
        """Keeps leases, takes what is free, and finds what is to be done."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            started = loop.time()
            self._look.clear()
            # Its rests are not heeded: what is held would be lost meanwhile.
            with self._looks.survived():
                if (seconds := started - last) >= _BEAT_SECONDS / 2:
                    await self._renew(seconds)
                    last = started
                await self._look_around()
                for schema, dependents in await self._store.drop_leftovers():
                    log.warning("schema_left", schema=schema, dependents=dependents)
            await self._rest_until_look(started + _BEAT_SECONDS, loop.time() - started)

    async def _rest_until_look(self, beat: float, took: float) -> None:
        """Until it is time, or somebody asks for a look; a look now and then is enough.

        Others may hint a hundred times a second: looking takes at most a tenth of the time.
        """
        await asyncio.sleep(min(_BEAT_SECONDS, max(0.05, 10 * took)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(beat):
                await self._look.wait()

    async def _renew(self, seconds: float) -> None:
        """`seconds`: since the last time."""
        tenants: dict[int, list[tuple[Held, float]]] = {}
        for work in self._works.values():
            rate, work.events = work.events / seconds, 0
            tenants.setdefault(work.held.tenant_id, []).append((work.held, rate))
        for tenant_id, held in tenants.items():
            await self._store.renew(tenant_id, held)

    async def _look_around(self) -> None:
        looks = await self._store.look()
        free = [one for one in looks if not one.is_held]
        random.shuffle(free)
        # Half of what is free: others that have just started want some, too.
        for one in free[: (len(free) + 1) // 2]:
            held = await self._store.claim(one.tenant_id, one.name, self.name)
            if held is not None:
                self._add((one.tenant_id, one.name), Work(held, Figures(one.tenant, one.name)))
                self._report(f"projection {one.name}: taken over")
        if len(free) > 1:
            self._look.set()
        self._note_looks(looks)
        if self._due:
            self._wake.set()

    def _note_looks(self, looks: list[ProjectionLook]) -> None:
        seen = {(one.tenant_id, one.name): one for one in looks}
        for key, work in list(self._works.items()):
            one = seen.get(key)
            if one is None or one.epoch > work.held.epoch:
                self._remove(key)  # Deleted, or lost.
                continue
            figures = work.figures
            figures.state, figures.checkpoint, figures.head = one.state, one.checkpoint, one.head
            figures.rebuild_checkpoint = one.rebuild_checkpoint
            if one.has_work and one.epoch == work.held.epoch:
                work.has_rebuild = True
                self._due[key] = None

    def _add(self, key: Key, work: Work) -> None:
        self._works[key] = work
        self._of_tenant.setdefault(key[0], set()).add(key)
        self._due[key] = None

    def _remove(self, key: Key) -> None:
        del self._works[key]
        keys = self._of_tenant[key[0]]
        keys.discard(key)
        if not keys:
            del self._of_tenant[key[0]]

    async def _take_turns(self) -> None:
        busy = self._at_work
        while True:
            key = next((key for key in self._due if key not in busy), None)
            if key is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            del self._due[key]
            work = self._works.get(key)
            if work is None:
                continue
            busy.add(key)
            try:
                await self._turn(key, work)
            finally:
                busy.discard(key)
                if key in self._due:
                    self._wake.set()

    async def _turn(self, key: Key, work: Work) -> None:
        """A window of the live build, and one of the rebuild."""
        try:
            goes_on = self._heed(key, work, await self._windows.step(work, is_rebuild=False))
            if work.has_rebuild and self._works.get(key) is work:
                after = await self._windows.step(work, is_rebuild=True)
                goes_on = self._heed(key, work, after) or goes_on
            work.is_broken = False
        except EverlogError as error:
            log.debug("a projection can't go on", projection=key[1], error=str(error))
            self._again(key, _AGAIN_SECONDS)
        except Exception as error:
            if not work.is_broken:
                log.exception("a projection stands still", projection=key[1], exc_info=error)
            work.is_broken = True
            self._again(key, _REST_SECONDS)
        else:
            if goes_on and self._works.get(key) is work:
                self._due[key] = None
                self._wake.set()

    def _heed(self, key: Key, work: Work, after: After) -> bool:
        """Does what is to follow a window; whether there is more to do at once."""
        if after.is_lost and self._works.get(key) is work:
            self._remove(key)
        if after.again_seconds is not None:
            self._wake_in(key, after.again_seconds)
        return after.goes_on

    def _again(self, key: Key, seconds: float) -> None:
        """Has it take a turn in some time; not before the next commit or look, though."""
        work = self._works.get(key)
        if work is not None:
            work.not_before = asyncio.get_running_loop().time() + seconds
            self._wake_in(key, seconds)

    def _wake_in(self, key: Key, seconds: float) -> None:
        """Makes it due in some time; one timer each is enough, the earliest."""
        work = self._works.get(key)
        loop = asyncio.get_running_loop()
        if work is not None and loop.time() + seconds < work.wake_at:
            work.wake_at = loop.time() + seconds
            loop.call_later(seconds, self._make_due, key)

    def _make_due(self, key: Key) -> None:
        if (work := self._works.get(key)) is not None:
            work.wake_at = math.inf
            self._due[key] = None
            self._wake.set()

    def _report(self, text: str) -> None:
        if self._on_progress is not None:
            self._on_progress(text)
