"""The projections that a projector holds, as PostgreSQL says; what of them is to be done.

PostgreSQL tells of those that have changed. All others are gone through by and by, a page at a
time: their figures become fresh, and what should ever have been missed is found.
"""

from __future__ import annotations

from collections.abc import Iterable

from everlog_server.projections.figures import Figures
from everlog_server.projections.windows import Work
from everlog_server.storage.projecting import PAGE_MAX, Held, Key, ProjectionLook

_FIRST: Key = (0, "")
"""Before all of them."""


class Holdings:
    """Works by key. What says that something is to be done answers with keys."""

    def __init__(self) -> None:
        self._works: dict[Key, Work] = {}
        self._of_tenant: dict[int, set[Key]] = {}
        """The keys of `_works`."""
        self._round = 0
        self.page_after = _FIRST
        """After which of them the next page begins."""

    def __len__(self) -> int:
        return len(self._works)

    def __contains__(self, key: Key) -> bool:
        return key in self._works

    def get(self, key: Key) -> Work | None:
        """The work on a projection; None: it is not held."""
        return self._works.get(key)

    def of_tenant(self, tenant_id: int) -> Iterable[Key]:
        """What is held of a tenant."""
        return self._of_tenant.get(tenant_id, ())

    def figures(self) -> list[Figures]:
        """Of all, in the order in which they were taken."""
        return [work.figures for work in self._works.values()]

    def clear(self) -> None:
        """Holds nothing any more."""
        self._works.clear()
        self._of_tenant.clear()

    def remove(self, key: Key) -> None:
        """Holds it no longer; it may have gone before."""
        if self._works.pop(key, None) is None:
            return
        keys = self._of_tenant[key[0]]
        keys.discard(key)
        if not keys:
            del self._of_tenant[key[0]]

    def note_head(self, tenant_id: int, head: int) -> list[Key]:
        """A log ends there now: which are behind."""
        behind: list[Key] = []
        for key in self.of_tenant(tenant_id):
            figures = self._works[key].figures
            figures.head = head
            if figures.checkpoint < head:
                behind.append(key)
        return behind

    def note_changed(self, keys: Iterable[Key], looks: Iterable[ProjectionLook]) -> list[Key]:
        """These have changed, and `looks` has those of them that there are still."""
        seen = {one.key: one for one in looks}
        due: list[Key] = []
        for key in keys:
            if key not in seen:
                self.remove(key)
            elif key in self._works and self._note(seen[key]):
                due.append(key)
        return due

    def note_page(self, looks: list[ProjectionLook]) -> list[Key]:
        """What is held by now after `page_after`, the next page of it."""
        due: list[Key] = []
        for one in looks:
            if one.key not in self._works:
                # Taken, but we never heard so: the connection was lost.
                self.add(one)
            if self._note(one):
                due.append(one.key)
        if len(looks) == PAGE_MAX:
            self.page_after = looks[-1].key
            return due
        for key in [key for key, work in self._works.items() if work.round < self._round]:
            self.remove(key)
        self.page_after = _FIRST
        self._round += 1
        return due

    def add(self, one: ProjectionLook) -> None:
        """It is held from now on."""
        held = Held(one.tenant_id, one.name, one.epoch)
        self._works[one.key] = Work(held, Figures(one.tenant, one.name), round=self._round)
        self._of_tenant.setdefault(one.tenant_id, set()).add(one.key)
        self._note(one)

    def _note(self, one: ProjectionLook) -> bool:
        """Whether there is something to do. One that is somebody else's is held no longer."""
        work = self._works[one.key]
        if one.epoch != work.held.epoch:
            self.remove(one.key)
            return False
        work.round = self._round
        figures = work.figures
        figures.tenant = one.tenant
        figures.state, figures.checkpoint, figures.head = one.state, one.checkpoint, one.head
        figures.rebuild_checkpoint = one.rebuild_checkpoint
        work.has_rebuild = one.rebuild_checkpoint is not None
        return one.has_work
