"""The projector: it takes projections along their logs, a window (windows.py) at a time.

    free ──claim──> held ──window, window, …──> (released | lost) ──> free

Invariants:
- One process works on a projection: the one that holds its lease. The lease's epoch fences; what a
  process still sends that has lost it changes nothing.
- Where a projection is, and what it waits for, stands in the database, beside its effects and
  committed with them. What is remembered here is only how fast it goes.
- Turns are fair: a projection takes one window, then stands at the end of the queue, and its
  rebuild takes a turn of its own.

Woken by commits of this process, by hints of others, and without either by a look every second. A
look asks PostgreSQL what has changed, and not how each projection is: see holdings.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import socket
from collections.abc import Callable, Iterable

import structlog

from everlog_server.errors import EverlogError
from everlog_server.looks import Looks
from everlog_server.projections.figures import Figures
from everlog_server.projections.holdings import Holdings
from everlog_server.projections.windows import After, Windows, Work
from everlog_server.storage.projecting import Held, Key, ProjectingStore

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 1.0
_BREATH_SECONDS = 0.05
_RELEASE_SECONDS_MAX = 2.0
_TURNS_AT_ONCE = 2
_AGAIN_SECONDS = 0.5
"""After what is no failure of an event: a deadlock, a lost connection."""
_REST_SECONDS = 15.0
"""After a defect of our own."""


class Projector:
    """Runs projections of all tenants. Run `run` as a task."""

    def __init__(
        self, store: ProjectingStore, *, on_progress: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._windows = Windows(store, self._report)
        self._on_progress = on_progress
        self.name = f"{socket.gethostname()}/{os.getpid()}/{random.randrange(16**4):04x}"  # noqa: S311
        self._holdings = Holdings()
        self._mark: int | None = None
        """Of the last look."""
        self._paced: set[Key] = set()
        """Whose events per second are to be noted: those that had some."""
        self._due: dict[Key, None] = {}
        """In the order in which they are served."""
        self._at_work: set[Key] = set()
        self._wake = asyncio.Event()
        self._look = asyncio.Event()
        self._looks = Looks("projections can't be looked at")

    def snapshot(self) -> list[Figures]:
        """Of the projections that this process works on, in the order in which it took them."""
        return self._holdings.figures()

    def note_commit(self, tenant_id: int) -> None:
        """A tenant's log has grown. Cheap: called for every batch."""
        self._make_all_due(self._holdings.of_tenant(tenant_id))

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
        if not len(self._holdings):
            return
        self._holdings.clear()
        # In a task of its own: to one that is cancelled no pool gives a connection.
        releasing = asyncio.create_task(self._store.release(self.name))
        done, _ = await asyncio.wait({releasing}, timeout=_RELEASE_SECONDS_MAX)
        if not done:
            releasing.cancel()
        elif error := releasing.exception():
            log.debug("projections can't be given back", error=str(error))

    async def _beat(self) -> None:
        """Keeps leases, takes what is free, and finds what is to be done."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            started = loop.time()
            self._look.clear()
            has_more = False
            # Its rests are not heeded: what is held would be lost meanwhile.
            with self._looks.survived():
                if is_beat := (seconds := started - last) >= _BEAT_SECONDS / 2:
                    if len(self._holdings):
                        await self._renew(seconds)
                    last = started
                has_more = await self._look_around()
                if is_beat and len(self._holdings):
                    looks = await self._store.look_on(self.name, self._holdings.page_after)
                    self._make_all_due(self._holdings.note_page(looks))
                for schema, dependents in await self._store.drop_leftovers():
                    log.warning("schema_left", schema=schema, dependents=dependents)
            took = loop.time() - started
            if has_more:
                # Nobody works on what is free: half of the time may go into taking it.
                await asyncio.sleep(max(_BREATH_SECONDS, took))
            else:
                await self._rest_until_look(started + _BEAT_SECONDS, took)

    async def _rest_until_look(self, beat: float, took: float) -> None:
        """Until it is time, or somebody asks for a look; a look now and then is enough.

        Others may hint a hundred times a second: looking takes at most a tenth of the time.
        """
        await asyncio.sleep(min(_BEAT_SECONDS, max(_BREATH_SECONDS, 10 * took)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(beat):
                await self._look.wait()

    async def _renew(self, seconds: float) -> None:
        """`seconds`: since the last time."""
        rates: list[tuple[Held, float]] = []
        for key in list(self._paced):
            work = self._holdings.get(key)
            if work is None or not work.events:
                self._paced.discard(key)  # That it has none now is noted, too.
            if work is not None:
                rates.append((work.held, work.events / seconds))
                work.events = 0
        await self._store.renew(self.name, rates)

    async def _look_around(self) -> bool:
        """Whether something may be free still."""
        holdings = self._holdings
        changes = await self._store.look(self.name, self._mark)
        for tenant_id, head in changes.heads:
            self._make_all_due(holdings.note_head(tenant_id, head))
        if changed := [key for key in changes.changed if key in holdings]:
            looks = await self._store.look_at(changed)
            self._make_all_due(holdings.note_changed(changed, looks))
        # Not before all of it is noted. What is taken below is looked at after this mark.
        self._mark = changes.mark
        if not changes.has_free:
            return False
        if not len(holdings):
            await self._store.renew(self.name, [])
        claimed = await self._store.claim(self.name)
        for one in claimed:
            holdings.add(one)
            self._report(f"projection {one.name}: taken over")
        self._make_all_due(one.key for one in claimed if one.has_work)
        return len(claimed) > 0

    async def _take_turns(self) -> None:
        busy = self._at_work
        while True:
            key = next((key for key in self._due if key not in busy), None)
            if key is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            del self._due[key]
            work = self._holdings.get(key)
            if work is None:
                continue
            busy.add(key)
            try:
                await self._turn(key, work)
            finally:
                busy.discard(key)
                if work.events:
                    self._paced.add(key)
                if key in self._due:
                    self._wake.set()

    async def _turn(self, key: Key, work: Work) -> None:
        """A window of the live build, and one of the rebuild."""
        try:
            goes_on = self._heed(key, work, await self._windows.step(work, is_rebuild=False))
            if work.has_rebuild and self._holdings.get(key) is work:
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
            if goes_on and self._holdings.get(key) is work:
                self._due[key] = None
                self._wake.set()

    def _heed(self, key: Key, work: Work, after: After) -> bool:
        """Does what is to follow a window; whether there is more to do at once."""
        if after.is_lost and self._holdings.get(key) is work:
            self._holdings.remove(key)
        if after.again_seconds is not None:
            self._wake_in(key, after.again_seconds)
        return after.goes_on

    def _again(self, key: Key, seconds: float) -> None:
        """Has it take a turn in some time; not before the next commit or look, though."""
        work = self._holdings.get(key)
        if work is not None:
            work.not_before = asyncio.get_running_loop().time() + seconds
            self._wake_in(key, seconds)

    def _wake_in(self, key: Key, seconds: float) -> None:
        """Makes it due in some time; one timer each is enough, the earliest."""
        work = self._holdings.get(key)
        loop = asyncio.get_running_loop()
        if work is not None and loop.time() + seconds < work.wake_at:
            work.wake_at = loop.time() + seconds
            loop.call_later(seconds, self._make_due, key)

    def _make_all_due(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._due[key] = None
            self._wake.set()

    def _make_due(self, key: Key) -> None:
        if (work := self._holdings.get(key)) is not None:
            work.wake_at = math.inf
            self._due[key] = None
            self._wake.set()

    def _report(self, text: str) -> None:
        if self._on_progress is not None:
            self._on_progress(text)
