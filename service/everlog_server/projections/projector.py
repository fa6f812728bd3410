"""The projector: it takes projections along their logs, a window at a time.

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
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from everlog_server.errors import EverlogError, ReadTooExpensiveError
from everlog_server.projections.figures import Figures
from everlog_server.storage.projecting import (
    Held,
    ProjectingStore,
    ProjectionBrokenError,
    ProjectionLook,
    Ran,
)

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 1.0
_TURNS_AT_ONCE = 2
_WINDOW_SECONDS_GOAL = 0.2
_EVENTS_FIRST = 200
_EVENTS_MAX = 5_000
_POSITIONS_FIRST = 20_000
_POSITIONS_MAX = 1_000_000
_AGAIN_SECONDS = 0.5
"""After what is no failure of an event: a deadlock, a lost connection."""
_REST_SECONDS = 15.0
"""After a defect of our own."""
_BLOCKED_SECONDS = 2.0
_CANCELED = "57014"
_POSITIONS_MIN = 1_000
_OF_NO_EVENT = 0
_MESSAGE_CHARACTERS_MAX = 4_000

Key = tuple[int, str]


@dataclass(slots=True)
class _Pace:
    """How large the windows of one build are."""

    events_max: int = _EVENTS_FIRST
    positions_max: int = _POSITIONS_FIRST
    careful: int = 0
    """So many more events are taken one by one: a window failed, and none of them was to blame."""

    @property
    def events(self) -> int:
        return 1 if self.careful else self.events_max

    def learn(self, ran: Ran, positions: int, seconds: float) -> None:
        """A window has been committed."""
        events = ran.events or 0
        if self.careful:
            self.careful -= 1
            return
        if seconds > _WINDOW_SECONDS_GOAL:
            share = _WINDOW_SECONDS_GOAL / seconds
            self.events_max = max(1, int(min(events or 1, self.events_max) * share))
            if events < self.events_max:
                self.positions_max = max(_POSITIONS_MIN, int(self.positions_max * share))
        elif seconds < _WINDOW_SECONDS_GOAL / 2:
            if events >= self.events_max:
                self.events_max = min(_EVENTS_MAX, self.events_max * 2)
            elif positions >= self.positions_max:
                self.positions_max = min(_POSITIONS_MAX, self.positions_max * 4)


@dataclass(slots=True)
class _Work:
    """A projection that this process holds."""

    held: Held
    figures: Figures
    has_rebuild: bool = True
    live: _Pace = field(default_factory=_Pace)
    rebuild: _Pace = field(default_factory=_Pace)
    not_before: float = 0.0
    """Of the loop's clock."""
    rebuild_not_before: float = 0.0
    events: int = 0
    """That took effect since the last beat."""
    is_broken: bool = False
    wake_at: float = math.inf
    """When it is due by itself, of the loop's clock; infinite: it is not."""


class Projector:
    """Runs projections of all tenants. Run `run` as a task."""

    def __init__(
        self, store: ProjectingStore, *, on_progress: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._on_progress = on_progress
        self.name = f"{socket.gethostname()}/{os.getpid()}/{random.randrange(16**4):04x}"  # noqa: S311
        self._works: dict[Key, _Work] = {}
        self._due: dict[Key, None] = {}
        """In the order in which they are served."""
        self._at_work: set[Key] = set()
        self._wake = asyncio.Event()
        self._look = asyncio.Event()

    def snapshot(self) -> list[Figures]:
        """Of the projections that this process works on, in the order in which it took them."""
        return [work.figures for work in self._works.values()]

    def note_commit(self, tenant_id: int) -> None:
        """A tenant's log has grown. Cheap: called for every batch."""
        for key in self._works:
            if key[0] == tenant_id:
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
            try:
                if (seconds := started - last) >= _BEAT_SECONDS / 2:
                    await self._renew(seconds)
                    last = started
                await self._look_around()
                for schema, dependents in await self._store.drop_leftovers():
                    log.warning("schema_left", schema=schema, dependents=dependents)
            except EverlogError as error:
                log.debug("projections can't be looked at", error=str(error))
            except Exception as error:
                log.exception("projections can't be looked at", exc_info=error)
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
                self._works[one.tenant_id, one.name] = _Work(held, Figures(one.tenant, one.name))
                self._due[one.tenant_id, one.name] = None
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
                del self._works[key]  # Deleted, or lost.
                continue
            figures = work.figures
            figures.state, figures.checkpoint, figures.head = one.state, one.checkpoint, one.head
            figures.rebuild_checkpoint = one.rebuild_checkpoint
            if one.has_work and one.epoch == work.held.epoch:
                work.has_rebuild = True
                self._due[key] = None

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

    async def _turn(self, key: Key, work: _Work) -> None:
        """A window of the live build, and one of the rebuild."""
        try:
            goes_on = await self._step(work, is_rebuild=False)
            if work.has_rebuild and self._works.get(key) is work:
                goes_on = await self._step(work, is_rebuild=True) or goes_on
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

    async def _step(self, work: _Work, *, is_rebuild: bool) -> bool:
        """One window; whether there is more to do at once."""
        now = asyncio.get_running_loop().time()
        if now < (work.rebuild_not_before if is_rebuild else work.not_before):
            return False
        pace = work.rebuild if is_rebuild else work.live
        started = time.monotonic()
        try:
            ran = await self._store.project(
                work.held,
                is_rebuild=is_rebuild,
                events_max=pace.events,
                positions_max=pace.positions_max,
            )
        except ReadTooExpensiveError:
            pace.events_max = max(1, pace.events_max // 8)
            pace.positions_max = max(_POSITIONS_MIN, pace.positions_max // 8)
            raise
        except ProjectionBrokenError as broken:
            work.figures.failed_windows += 1
            await self._note_broken(work, broken, is_rebuild=is_rebuild)
            return True
        self._count(work, ran, is_rebuild=is_rebuild)
        if ran.outcome == "failed":
            await self._fail(work, pace, ran, is_rebuild=is_rebuild)
            return True
        if ran.outcome == "advanced":
            pace.learn(ran, pace.positions_max, time.monotonic() - started)
            if is_rebuild and ran.checkpoint == ran.target:
                return await self._switch(work)
            return ran.checkpoint != ran.target
        return await self._heed(work, ran, is_rebuild=is_rebuild)

    def _count(self, work: _Work, ran: Ran, *, is_rebuild: bool) -> None:
        if ran.outcome != "advanced":
            return
        figures = work.figures
        work.events += ran.events or 0
        figures.events += ran.events or 0
        if is_rebuild:
            figures.rebuild_checkpoint = ran.checkpoint
        else:
            figures.checkpoint = ran.checkpoint or 0
            figures.head = max(figures.head, ran.target or 0)

    async def _heed(self, work: _Work, ran: Ran, *, is_rebuild: bool) -> bool:
        """What to do where no window was run."""
        key = (work.held.tenant_id, work.held.name)
        if ran.outcome == "lost" or (ran.outcome == "gone" and not is_rebuild):
            self._works.pop(key, None)
        elif ran.outcome == "gone":
            work.has_rebuild = False
        elif ran.outcome == "idle" and is_rebuild:
            return await self._switch(work)
        elif ran.outcome == "waiting":
            self._wake_in(key, max(0.001, ran.wait_seconds or 0.0))
        return False

    async def _switch(self, work: _Work) -> bool:
        """Has the rebuild take the live build's place; whether there is more to do at once."""
        try:
            outcome = await self._store.switch(
                work.held, events_max=_EVENTS_MAX, positions_max=_POSITIONS_MAX
            )
        except ProjectionBrokenError as broken:
            work.figures.failed_windows += 1
            await self._note_broken(work, broken, is_rebuild=True)
            return True
        key = (work.held.tenant_id, work.held.name)
        if outcome == "switched":
            work.live, work.rebuild, work.has_rebuild = work.rebuild, _Pace(), False
            work.figures.rebuild_checkpoint = None
            self._report(f"projection {work.held.name}: rebuilt")
            return True
        if outcome == "blocked":
            work.rebuild_not_before = asyncio.get_running_loop().time() + _BLOCKED_SECONDS
            self._wake_in(key, _BLOCKED_SECONDS)
            return False
        if outcome == "lost":
            self._works.pop(key, None)
            return False
        return True

    async def _fail(self, work: _Work, pace: _Pace, ran: Ran, *, is_rebuild: bool) -> None:
        """An event failed: commits what stands before it, and notes it."""
        work.figures.failed_windows += 1
        position, events = ran.failed_position or _OF_NO_EVENT, ran.events or 0
        if ran.sqlstate == _CANCELED and events < 1 and pace.positions_max > _POSITIONS_MIN:
            # The events were not even found in time: fewer positions, then.
            pace.positions_max = max(_POSITIONS_MIN, pace.positions_max // 8)
            return
        nobody_is_to_blame = ran.is_of_window or ran.sqlstate == _CANCELED
        if nobody_is_to_blame and events > 1:
            # All of them one by one, then it is known which it is.
            pace.careful = events
            return
        if events > 1:
            before = await self._store.project(
                work.held,
                is_rebuild=is_rebuild,
                events_max=events,
                positions_max=_POSITIONS_MAX,
                until=position - 1,
            )
            if before.outcome not in {"advanced", "idle"}:
                # Something has changed, or it fails here and there: the next turns see what.
                pace.careful = events
                return
            self._count(work, before, is_rebuild=is_rebuild)
        if position == _OF_NO_EVENT:
            broken = ProjectionBrokenError(ran.sqlstate or "", ran.message or "", ran.detail or "")
            await self._note_broken(work, broken, is_rebuild=is_rebuild)
            return
        message = (ran.message or "")[:_MESSAGE_CHARACTERS_MAX]
        await self._store.note_failure(
            work.held,
            is_rebuild=is_rebuild,
            position=position,
            handler=ran.failed_handler or 0,
            statement=ran.failed_statement or 0,
            sqlstate=ran.sqlstate or "",
            message=message,
            detail=(ran.detail or "")[:_MESSAGE_CHARACTERS_MAX],
            random=random.random(),  # noqa: S311
        )
        self._report(f"projection {work.held.name}: the event at {position} failed: {message}")

    async def _note_broken(
        self, work: _Work, broken: ProjectionBrokenError, *, is_rebuild: bool
    ) -> None:
        """It can't run, and no event is to blame: everybody may see why, and it is tried again."""
        message = broken.message[:_MESSAGE_CHARACTERS_MAX]
        await self._store.note_failure(
            work.held,
            is_rebuild=is_rebuild,
            position=_OF_NO_EVENT,
            handler=0,
            statement=0,
            sqlstate=broken.sqlstate,
            message=message,
            detail=broken.detail[:_MESSAGE_CHARACTERS_MAX],
            random=0.0,
        )
        self._report(f"projection {work.held.name} can't run: {message}")

    def _report(self, text: str) -> None:
        if self._on_progress is not None:
            self._on_progress(text)
