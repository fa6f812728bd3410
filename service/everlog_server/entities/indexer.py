"""The indexer: it keeps the indexes of entities at the end of their logs.

Every process runs one, and each may take any tenant's index a window further; the row lock of the
index orders them, and a window counts whole or not at all. So nobody need be elected, and nothing
is lost when one dies. A process is woken by its own commits, by reads that wait, and looks by
itself now and then for what the others left.

A tenant that has declared nothing has no index: its commits cost one look into a set.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from everlog_server.errors import (
    EverlogError,
    InternalError,
    PositionNotVisibleError,
    ReadTooExpensiveError,
)
from everlog_server.looks import Looks
from everlog_server.storage.entities import EntityStore, IndexState

log = structlog.get_logger(__name__)

_LINGER_SECONDS = 0.05
"""How long commits gather, when nobody waits: one window of many events costs least."""
_LOOK_AGAIN_SECONDS = 0.1
"""How often whoever waits has the index looked at again: others may have moved it, or the log."""
_REST_SECONDS = 30.0
"""After a defect, or a window of one event that takes too long."""
_WINDOW_FIRST = 2_000
_WINDOW_MAX = 20_000
_STEP_SECONDS_GOAL = 0.2

_Waiter = tuple[Callable[[IndexState], bool], asyncio.Future[IndexState]]


class EntityIndexer:
    """Follows the logs. Run `run` as a task."""

    def __init__(self, store: EntityStore, *, poll_interval_seconds: float) -> None:
        self._store = store
        self._poll_interval_seconds = poll_interval_seconds
        self._indexed: set[int] = set()
        """Tenants that are known to have an index. One that is not is found by looking."""
        self._due: dict[int, None] = {}
        """In the order in which they are served."""
        self._resting: dict[int, float] = {}
        self._windows: dict[int, int] = {}
        """Of those that are behind: who has come to the end begins anew."""
        self._waiters: dict[int, list[_Waiter]] = {}
        self._wake = asyncio.Event()
        self._looks = Looks("indexes of entities can't be looked at")
        self._urgent = asyncio.Event()
        """Somebody waits, or much is left: nothing need gather."""

    def note_commit(self, tenant_id: int) -> None:
        """A tenant's log has grown. Cheap: called for every batch."""
        if tenant_id in self._indexed:
            self._due[tenant_id] = None
            self._wake.set()

    def kick(self, tenant_id: int) -> None:
        """Somebody wants this index now."""
        self._indexed.add(tenant_id)
        self._due[tenant_id] = None
        self._urgent.set()
        self._wake.set()

    async def wait(
        self,
        tenant_id: int,
        is_far_enough: Callable[[IndexState], bool],
        *,
        position: int,
        timeout_seconds: float,
    ) -> IndexState:
        """Returns when the index is far enough; PositionNotVisibleError if it is not in time."""
        waiter: _Waiter = (is_far_enough, asyncio.get_running_loop().create_future())
        waiters = self._waiters.setdefault(tenant_id, [])
        waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    self.kick(tenant_id)
                    done, _ = await asyncio.wait([waiter[1]], timeout=_LOOK_AGAIN_SECONDS)
                    if done:
                        return waiter[1].result()
        except TimeoutError:
            raise PositionNotVisibleError(
                f"position {position} is not indexed yet", metadata={"position": str(position)}
            ) from None
        finally:
            waiters.remove(waiter)
            if not waiters and self._waiters.get(tenant_id) is waiters:
                del self._waiters[tenant_id]

    async def run(self) -> None:
        """Indexes what is due, for ever."""
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_look):
                    await self._wake.wait()
            if loop.time() >= next_look:
                await self._look()
                wait_seconds = max(self._poll_interval_seconds, self._looks.rest_seconds)
                next_look = loop.time() + wait_seconds
            if self._due:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER_SECONDS):
                        await self._urgent.wait()
            # Before the work: what is due from here on is for the next turn.
            self._wake.clear()
            self._urgent.clear()
            due, self._due = self._due, {}
            for tenant_id in due:
                await self._step(tenant_id)

    async def _look(self) -> None:
        with self._looks.survived():
            behind = await self._store.behind()
            now = time.monotonic()
            self._resting = {one: until for one, until in self._resting.items() if until > now}
            for tenant_id in behind:
                self._indexed.add(tenant_id)
                if tenant_id not in self._resting:
                    self._due[tenant_id] = None

    async def _step(self, tenant_id: int) -> None:
        """One window of one tenant: whoever has much to index does not hold up the others."""
        window = self._windows.get(tenant_id, _WINDOW_FIRST)
        started = time.monotonic()
        if self._resting.get(tenant_id, 0.0) > started:
            return
        try:
            state = await self._store.follow(tenant_id, events_max=window)
        except Exception as error:
            self._note_failure(tenant_id, window, error)
            return
        if state is None:
            self._indexed.discard(tenant_id)
            self._windows.pop(tenant_id, None)
            return
        self._note_progress(tenant_id, window, state, time.monotonic() - started)

    def _note_failure(self, tenant_id: int, window: int, error: Exception) -> None:
        if isinstance(error, ReadTooExpensiveError) and window > 1:
            self._windows[tenant_id] = max(1, window // 8)
            self._due[tenant_id] = None
            self._wake.set()
        elif isinstance(error, ReadTooExpensiveError) or not isinstance(error, EverlogError):
            self._rest(tenant_id, error)
        else:  # the next look tries again
            log.debug("entities can't be indexed", tenant_id=tenant_id, error=str(error))
            self._tell(tenant_id, error)

    def _note_progress(
        self, tenant_id: int, window: int, state: IndexState, seconds: float
    ) -> None:
        if not state.has_more:
            self._windows.pop(tenant_id, None)
        elif seconds > _STEP_SECONDS_GOAL * 2:
            self._windows[tenant_id] = max(1, window // 2)
        elif seconds < _STEP_SECONDS_GOAL / 2:
            self._windows[tenant_id] = min(_WINDOW_MAX, window * 2)
        if state.has_more:
            self._due[tenant_id] = None
            # Little is left: while others append, to go on at once would be one window a batch.
            backlog = state.head - min(state.declared_position, state.current_position)
            if backlog >= window // 2:
                self._urgent.set()
            self._wake.set()
        for is_far_enough, answer in self._waiters.get(tenant_id, ()):
            if not answer.done() and is_far_enough(state):
                answer.set_result(state)

    def _rest(self, tenant_id: int, error: Exception) -> None:
        self._resting[tenant_id] = time.monotonic() + _REST_SECONDS
        ours = error if isinstance(error, EverlogError) else InternalError()
        log.error("an index of entities stands still", tenant_id=tenant_id, exc_info=error)
        self._tell(tenant_id, ours)

    def _tell(self, tenant_id: int, error: EverlogError) -> None:
        for _, answer in self._waiters.get(tenant_id, ()):
            if not answer.done():
                answer.set_exception(error.again())
