"""The sequencers of a process: one for each tenant that is written to.

Each has a connection while it appends. They are bounded together, so that many tenants do not take
all that PostgreSQL has. Whoever needs one waits in a queue; meanwhile those that have one give it
up as soon as their batches have landed, and queue up again: no tenant waits until another one has
fallen silent.

One that has had nothing to do for long forgets its log, and later is itself let go of; whoever has
it still, a stream that sends now and then, finds it again, so that no tenant ever has two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from everlog_server.append.counts import AppendCounts, AppendSnapshot, NoteBatch
from everlog_server.append.judging import Codec
from everlog_server.append.room import WholeRoom
from everlog_server.append.sequencer import Sequencer
from everlog_server.errors import ServerDrainingError
from everlog_server.model import Committed
from everlog_server.settings import AppendSettings
from everlog_server.storage.appends import AppendConnection

_LOOK_SECONDS = 60.0
_REMEMBERED_SECONDS = 300.0
"""So long a sequencer that rests remembers its aggregates: up to 200,000."""
_KEPT_SECONDS = 3600.0
"""So long it is kept, and with it the tenant's head in the metrics: 5 KB."""


class Sequencers:
    """Makes, finds and stops sequencers."""

    def __init__(
        self,
        *,
        settings: AppendSettings,
        answer_timeout_seconds: float,
        connect: Callable[[int], Awaitable[AppendConnection]],
        codec: Codec,
        on_committed: Callable[[int, Committed], None],
        note_batch: NoteBatch | None = None,
    ) -> None:
        self._note_batch = note_batch
        self._settings = settings
        self._answer_timeout_seconds = answer_timeout_seconds
        self._connect = connect
        self._codec = codec
        self._on_committed = on_committed
        self._kept: dict[int, Sequencer] = {}
        self._alive: WeakValueDictionary[int, Sequencer] = WeakValueDictionary()
        """Those that were let go of here, and that somebody still has, too."""
        self._looked = 0.0
        self._places = asyncio.Semaphore(settings.connections_max)
        self._connections = 0
        self._waiting = 0
        self._stopping = False
        self._counts = AppendCounts()
        self._room = WholeRoom()

    def of(self, tenant_id: int) -> Sequencer:
        """The sequencer of a tenant. It connects when it gets its first request.

        Raises ServerDrainingError once they are told to stop.
        """
        if self._stopping:
            raise ServerDrainingError
        sequencer = self._kept.get(tenant_id)
        if sequencer is None:
            self._let_go()
            sequencer = self._alive.get(tenant_id) or self._new(tenant_id)
            self._kept[tenant_id] = self._alive[tenant_id] = sequencer
        return sequencer

    def _new(self, tenant_id: int) -> Sequencer:
        return Sequencer(
            tenant_id,
            settings=self._settings,
            answer_timeout_seconds=self._answer_timeout_seconds,
            connect=self._connect_within_bound,
            codec=self._codec,
            counts=self._counts,
            on_committed=self._on_committed,
            is_contended=lambda: self._waiting > 0,
            whole_room=self._room,
            note_batch=self._note_batch,
        )

    def _let_go(self) -> None:
        """Now and then, when another is made or connects: else none have become more."""
        now = asyncio.get_running_loop().time()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        for tenant_id, sequencer in list(self._alive.items()):
            since = sequencer.rests_since
            if since is not None and now - since >= _REMEMBERED_SECONDS:
                sequencer.forget()
                if now - since >= _KEPT_SECONDS:
                    self._kept.pop(tenant_id, None)

    async def _connect_within_bound(self, tenant_id: int) -> AppendConnection:
        """A connection, when it is this tenant's turn: first come, first served."""
        self._let_go()
        self._waiting += 1
        try:
            if self._places.locked():
                # Those at work give theirs up by themselves; one that is idle has to be told.
                idle = [s for s in self._alive.values() if s.idle_since is not None]
                if idle:
                    min(idle, key=lambda s: s.idle_since or 0.0).release_connection()
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            connection = await self._connect(tenant_id)
        except BaseException:
            self._places.release()
            raise
        self._connections += 1
        connection.when_closed(self._release)
        return connection

    def _release(self) -> None:
        self._connections -= 1
        self._places.release()

    def snapshot(self) -> AppendSnapshot:
        """What was done, and what waits."""
        counts, all_of_them = self._counts, list(self._alive.values())
        return AppendSnapshot(
            emits=counts.emits,
            events=counts.events,
            deduplicated=counts.deduplicated,
            refused=dict(counts.refused),
            settlings=counts.settlings,
            batch_events=counts.batch_events.snapshot(),
            commit_seconds=counts.commit_seconds.snapshot(),
            queued_emits=self._room.requests,
            queued_bytes=self._room.size_bytes,
            turned_away=self._room.refused,
            batches_in_flight=sum(sequencer.batches_in_flight for sequencer in all_of_them),
            connections=self._connections,
            waiting_for_connection=self._waiting,
            heads={s.tenant_id: s.head for s in all_of_them if s.head},
        )

    async def stop(self, grace_seconds: float) -> None:
        """Stops all of them: new requests are refused, waiting ones finish within the grace."""
        self._stopping = True
        await asyncio.gather(*(s.stop(grace_seconds) for s in list(self._alive.values())))
