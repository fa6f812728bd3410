"""One window of a projection: run, and what becomes of one that failed.

A window that fails for an event commits what stands before it, and notes the event; one that fails
for none of its events is run again event by event, then it is known which it is. What can't run at
all is noted as broken, at no event, and tried again.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from everlog_server.errors import ReadTooExpensiveError
from everlog_server.projections.figures import Figures
from everlog_server.projections.pace import EVENTS_MAX, POSITIONS_MAX, POSITIONS_MIN, Pace
from everlog_server.storage.projecting import Held, ProjectingStore, ProjectionBrokenError, Ran

_BLOCKED_SECONDS = 2.0
_CANCELED = "57014"
_OF_NO_EVENT = 0
_MESSAGE_CHARACTERS_MAX = 4_000


class After(NamedTuple):
    """What is to follow a window."""

    goes_on: bool = False
    """There is more to do at once."""
    is_lost: bool = False
    """Somebody else has the projection, or it is gone."""
    again_seconds: float | None = None
    """In so long there is something to do by itself."""


_AT_ONCE = After(goes_on=True)
_LATER = After()
_LOST = After(is_lost=True)


@dataclass(slots=True)
class Work:
    """A projection that this process holds."""

    held: Held
    figures: Figures
    has_rebuild: bool = True
    live: Pace = field(default_factory=Pace)
    rebuild: Pace = field(default_factory=Pace)
    not_before: float = 0.0
    """Of the loop's clock."""
    rebuild_not_before: float = 0.0
    events: int = 0
    """That took effect since the last beat."""
    is_broken: bool = False
    wake_at: float = math.inf
    """When it is due by itself, of the loop's clock; infinite: it is not."""
    round: int = 0
    """The last round in which it was seen: see Holdings."""


class Windows:
    """Runs them. Errors are those of ProjectingStore, but for what is noted of the projection."""

    def __init__(self, store: ProjectingStore, report: Callable[[str], None]) -> None:
        self._store = store
        self._report = report

    async def step(self, work: Work, *, is_rebuild: bool) -> After:
        """One window of the live build, or of the rebuild; what is to follow."""
        not_before = work.rebuild_not_before if is_rebuild else work.not_before
        if (rest := not_before - asyncio.get_running_loop().time()) > 0:
            # Said again: the timer that was set for it may have been one for something earlier.
            return After(again_seconds=rest)
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
            pace.positions_max = max(POSITIONS_MIN, pace.positions_max // 8)
            raise
        except ProjectionBrokenError as broken:
            work.figures.failed_windows += 1
            await self._note_broken(work, broken, is_rebuild=is_rebuild)
            return _AT_ONCE
        self._count(work, ran, is_rebuild=is_rebuild)
        if ran.outcome == "failed":
            await self._fail(work, pace, ran, is_rebuild=is_rebuild)
            return _AT_ONCE
        if ran.outcome == "advanced":
            pace.learn(ran, pace.positions_max, time.monotonic() - started)
            if is_rebuild and ran.checkpoint == ran.target:
                return await self._switch(work)
            return _LATER if ran.checkpoint == ran.target else _AT_ONCE
        return await self._heed(work, ran, is_rebuild=is_rebuild)

    def _count(self, work: Work, ran: Ran, *, is_rebuild: bool) -> None:
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

    async def _heed(self, work: Work, ran: Ran, *, is_rebuild: bool) -> After:
        """What is to follow where no window was run."""
        if ran.outcome == "lost" or (ran.outcome == "gone" and not is_rebuild):
            return _LOST
        if ran.outcome == "gone":
            work.has_rebuild = False
        elif ran.outcome == "idle" and is_rebuild:
            return await self._switch(work)
        elif ran.outcome == "waiting":
            return After(again_seconds=max(0.001, ran.wait_seconds or 0.0))
        return _LATER

    async def _switch(self, work: Work) -> After:
        """Has the rebuild take the live build's place."""
        try:
            outcome = await self._store.switch(
                work.held, events_max=EVENTS_MAX, positions_max=POSITIONS_MAX
            )
        except ProjectionBrokenError as broken:
            work.figures.failed_windows += 1
            await self._note_broken(work, broken, is_rebuild=True)
            return _AT_ONCE
        if outcome == "lost":
            return _LOST
        if outcome == "blocked":
            work.rebuild_not_before = asyncio.get_running_loop().time() + _BLOCKED_SECONDS
            return After(again_seconds=_BLOCKED_SECONDS)
        if outcome == "switched":
            work.live, work.rebuild, work.has_rebuild = work.rebuild, Pace(), False
            work.figures.rebuild_checkpoint = None
            self._report(f"projection {work.held.name}: rebuilt")
        return _AT_ONCE

    async def _fail(self, work: Work, pace: Pace, ran: Ran, *, is_rebuild: bool) -> None:
        """An event failed: commits what stands before it, and notes it."""
        work.figures.failed_windows += 1
        position, events = ran.failed_position or _OF_NO_EVENT, ran.events or 0
        if ran.sqlstate == _CANCELED and events < 1 and pace.positions_max > POSITIONS_MIN:
            # The events were not even found in time: fewer positions, then.
            pace.positions_max = max(POSITIONS_MIN, pace.positions_max // 8)
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
                positions_max=POSITIONS_MAX,
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
        self, work: Work, broken: ProjectionBrokenError, *, is_rebuild: bool
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
