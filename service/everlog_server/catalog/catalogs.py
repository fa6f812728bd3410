"""The catalogues of all tenants that this process serves: copies in memory that follow the tables.

A copy is good for a second from when the database was asked for its revision; while it is used, it
is asked for again before that is over, so that nobody waits for it. Whoever comes after a pause
waits for one look. A copy that can't be renewed, because PostgreSQL is away or busy, is used on.

Invariants:
- A change that was answered by this process judges every Emit that comes after the answer.
- A change by another process does so from at most 2 s after its answer on, while PostgreSQL can be
  asked.
- Of one tenant, one look or change runs at a time: no copy is replaced by an older one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from weakref import WeakValueDictionary

import structlog

from everlog_server.catalog.catalogue import OPEN, Catalogue
from everlog_server.catalog.changes import EVENT_TYPES_MAX, check_size
from everlog_server.errors import EverlogError, StorageUnavailableError
from everlog_server.storage.catalogs import CatalogChange, CatalogStore, now

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 0.75
"""After this, the next user starts a look, and does not wait for it."""
_STALE_SECONDS = 1.5
"""After this, users wait for a look."""
_PATIENCE_SECONDS = 1.0
"""How long somebody who emits waits for a look; then what is known must do."""
_ATTEMPTS = 10
_TENANTS_MAX = 1_000
_BYTES_MAX = 256 * 1024 * 1024

_Decide = Callable[[Catalogue, datetime], Awaitable[CatalogChange | None]]


class Followed:
    """One tenant's catalogue, as it is known here."""

    __slots__ = (
        "__weakref__", "_looked", "_looking", "_store", "_tenant_id", "catalogue", "lock"
    )  # fmt: skip

    def __init__(self, tenant_id: int, store: CatalogStore) -> None:
        self.catalogue: Catalogue | None = None
        """None until it was read once."""
        self.lock = asyncio.Lock()
        """Held while the database is asked or changed, and `catalogue` replaced."""
        self._tenant_id = tenant_id
        self._store = store
        self._looked = float("-inf")
        """When what is known was true."""
        self._looking: asyncio.Task[None] | None = None

    def at_hand(self) -> Catalogue | None:
        """The catalogue, if it need not be waited for; then None: await `fresh`."""
        age = time.monotonic() - self._looked
        if age > _FRESH_SECONDS:
            if age > _STALE_SECONDS:
                return None
            self._start_looking()
        return self.catalogue

    async def fresh(self) -> Catalogue:
        """The catalogue as it was at most a second ago, or as it is known while it can't be asked.

        Raises StorageUnavailableError or ReadTooExpensiveError if it was never read.
        """
        catalogue = self.at_hand()
        if catalogue is not None:
            return catalogue
        task = self._start_looking()
        if self.catalogue is None:
            await asyncio.shield(task)
        else:
            await asyncio.wait({task}, timeout=_PATIENCE_SECONDS)
            if not task.done():
                self._looked = time.monotonic()  # nobody else need wait for the same look
        if self.catalogue is None:
            raise StorageUnavailableError
        return self.catalogue

    async def look(self) -> Catalogue:
        """The catalogue as it is now; raises StorageUnavailableError or ReadTooExpensiveError."""
        async with self.lock:
            return await self.look_locked()

    async def look_locked(self) -> Catalogue:
        """The same for who holds the lock."""
        started = time.monotonic()
        known = self.catalogue
        state = await self._store.state(self._tenant_id)
        if known is None or state != (known.revision, known.is_strict):
            # A revision that went back: the database was restored to an earlier state.
            base = OPEN if known is None or state.revision <= known.revision else known
            if state.revision:
                changed = await self._store.event_types_since(
                    self._tenant_id, base.revision, EVENT_TYPES_MAX
                )
                base = base.followed_by(state.revision, is_strict=state.is_strict, changed=changed)
            self.catalogue = known = base
        self._looked = started
        return known

    def replace_locked(self, catalogue: Catalogue, looked: float) -> None:
        """What has become of it by a change of ours."""
        self.catalogue = catalogue
        self._looked = looked

    def _start_looking(self) -> asyncio.Task[None]:
        task = self._looking
        if task is None or task.done():
            task = self._looking = asyncio.create_task(self._look_once())
            task.add_done_callback(_note_failure)
        return task

    async def _look_once(self) -> None:
        try:
            await self.look()
        except Exception as error:
            if isinstance(error, EverlogError):
                log.debug("the catalogue can't be read", tenant_id=self._tenant_id)
            else:  # a defect of ours; nothing fails silently
                log.exception("the catalogue can't be taken over", tenant_id=self._tenant_id)
            if self.catalogue is None:
                raise
            self._looked = time.monotonic()  # what is known must do; in a second, asked again


def _note_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()  # seen, also when nobody waits


class Catalogs:
    """Makes, finds and bounds the copies; changes catalogues."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store
        self._followed: dict[int, Followed] = {}
        self._alive: WeakValueDictionary[int, Followed] = WeakValueDictionary()
        """Those that were let go of here, and that a stream still has, too."""

    def of(self, tenant_id: int) -> Followed:
        """A tenant's catalogue, to be asked for when it is needed. May be kept for a stream."""
        followed = self._followed.get(tenant_id)
        if followed is None:
            self._make_room()
            followed = self._alive.get(tenant_id) or Followed(tenant_id, self._store)
            self._followed[tenant_id] = self._alive[tenant_id] = followed
        return followed

    async def change(self, tenant_id: int, decide: _Decide) -> Catalogue:
        """Changes a catalogue as `decide` says of its newest state; returns what it is then.

        `decide` may be called again, when another process was faster; None: nothing is to be
        changed. Raises what it raises, StorageUnavailableError (then it is not known whether
        anything was changed) or ReadTooExpensiveError.
        """
        followed = self.of(tenant_id)
        for _ in range(_ATTEMPTS):
            async with followed.lock:
                catalogue = await followed.look_locked()
                looked, at = time.monotonic(), now()
                change = await decide(catalogue, at)
                if change is None:
                    return catalogue
                check_size(catalogue, change.event_types)
                revision = await self._store.change(tenant_id, catalogue.revision, change, at)
                if revision is not None:
                    is_strict = (
                        catalogue.is_strict if change.is_strict is None else change.is_strict
                    )
                    after = catalogue.followed_by(
                        revision, is_strict=is_strict, changed=change.event_types
                    )
                    followed.replace_locked(after, looked)
                    return after
        raise StorageUnavailableError("others change the catalogue all the time: try again")

    def _make_room(self) -> None:
        """Lets go of what was made first, when it is too much: it is read again when it is used."""
        size = sum(map(_size_bytes, self._followed.values()))
        while len(self._followed) >= _TENANTS_MAX or size > _BYTES_MAX:
            size -= _size_bytes(self._followed.pop(next(iter(self._followed))))


def _size_bytes(followed: Followed) -> int:
    return followed.catalogue.size_bytes if followed.catalogue else 0
