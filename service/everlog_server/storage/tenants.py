"""Which tenants there are: name → id, and what an operator does to them."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from everlog_server.errors import (
    BadRequestError,
    EverlogError,
    FieldViolation,
    ReadTooExpensiveError,
    StorageUnavailableError,
    TenantExistsError,
    TenantNotFoundError,
)
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("tenants.sql")

_REMEMBERED_SECONDS = 1.0
"""For so long a name is taken for what it meant, without a look whether any has changed."""
_PIECE_ROWS = 5_000
"""So many rows are removed in one transaction: some 0.1 s of work."""


class Tenants:
    """Resolves names. What is found is kept until a name, any name, changes its meaning.

    That is looked for by who asks, at most once a second: so a change is known after 2 s, unless
    PostgreSQL can't be asked. Then nothing can be written or read by the old name either.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}
        self._version: int | None = None
        self._looked = float("-inf")
        """When the version was last asked for, by time.monotonic()."""
        self._is_looking = False

    @property
    def names(self) -> dict[int, str]:
        """Of those that were asked for, by id, in that order."""
        return {tenant_id: name for name, tenant_id in self._ids.items()}

    async def resolve(self, name: str) -> int:
        """The id of a tenant; raises TenantNotFoundError."""
        if not self._is_looking and time.monotonic() - self._looked > _REMEMBERED_SECONDS:
            await self._look()
        tenant_id = self._ids.get(name)
        if tenant_id is not None:
            return tenant_id
        version = self._version
        # Of those who follow live, too: names must be known while all who read are busy.
        rows = await self._database.tail.fetch(_SQL["tenant_id"], {"name": name})
        tenant_id = rows[0][0]
        if tenant_id is None:
            raise TenantNotFoundError(f"there is no tenant {name!r}")
        if version == self._version:  # else it may be what the name meant before
            self._ids[name] = tenant_id
        return int(tenant_id)

    async def _look(self) -> None:
        """Forgets all names if one has changed. Others don't wait for it."""
        self._is_looking = True
        try:
            began = time.monotonic()
            rows = await self._database.tail.fetch(_SQL["changes"], {})
            if rows[0][0] != self._version:
                self._version = rows[0][0]
                self._ids.clear()
            self._looked = began
        except (StorageUnavailableError, ReadTooExpensiveError):
            pass  # whoever goes on will meet the same, or be served as before
        finally:
            self._is_looking = False


class ListedTenant(NamedTuple):
    """A tenant. Times are microseconds since 1970."""

    name: str
    created_time: int
    frozen_time: int | None
    """None: it is not frozen."""
    head: int
    is_dropping: bool


class TenantStore:
    """What an operator does. Errors are those of Pool.connection, and what is said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenants_after(self, after: str | None, limit: int) -> list[ListedTenant]:
        """Tenants by name, those that follow one."""
        return await self._tenants(name=None, after=after, limit=limit)

    async def tenant(self, name: str) -> ListedTenant:
        """Raises TenantNotFoundError."""
        found = await self._tenants(name=name, after=None, limit=1)
        if not found:
            raise _not_found(name)
        return found[0]

    async def create(self, name: str) -> None:
        """Raises TenantExistsError."""
        if await self._change("create", name=name) is None:
            raise TenantExistsError(f"there is a tenant {name}")

    async def rename(self, name: str, new_name: str) -> None:
        """Raises TenantNotFoundError, TenantExistsError, BadRequestError while it is dropped."""
        outcome = await self._change("rename", name=name, new_name=new_name)
        if outcome == "exists":
            raise TenantExistsError(f"there is a tenant {new_name}")
        _check(outcome, name)

    async def freeze(self, name: str, *, undo: bool) -> None:
        """Once it returns nothing is written, by no process. Raises as `rename`."""
        _check(await self._change("freeze", name=name, undo=undo), name)

    async def begin_drop(self, name: str, head: int) -> int:
        """From then on it is not found. Its id, for `drop_piece`.

        Raises TenantNotFoundError, BadRequestError unless it is frozen and its head is this one.
        """
        rows = await self._database.changes.fetch(_SQL["begin_drop"], {"name": name, "head": head})
        outcome, tenant_id, its_head = rows[0]
        if outcome == "not_frozen":
            raise BadRequestError(
                FieldViolation("name", f"is {name}, which is not frozen: freeze it first")
            )
        if outcome == "moved":
            raise BadRequestError(
                FieldViolation("head_position", f"is {head}; the head of {name} is {its_head}")
            )
        _check(outcome, name)
        return int(tenant_id)

    async def drop_piece(self, tenant_id: int, name: str) -> tuple[int, bool]:
        """Removes a piece: how many events, and whether nothing is left.

        Raises BadRequestError when something that is not a projection's depends on its schema.
        """
        rows = await self._database.changes.fetch(
            _SQL["drop_piece"], {"tenant": tenant_id, "rows_max": _PIECE_ROWS}
        )
        events, is_done, blocked_by = rows[0]
        if blocked_by is not None:
            problem = f"is {name}, and {blocked_by} depends on the schema of one of its projections"
            raise BadRequestError(FieldViolation("name", problem))
        return events, is_done

    async def events_left(self, tenant_id: int, head: int) -> int:
        """At most so many events of a tenant that is being dropped are left: from the first one on.

        Not counted, which would take long where there are many. It is as good as the order in which
        pieces go, which is mostly the log's, but PostgreSQL's to choose.
        """
        rows = await self._database.changes.fetch(_SQL["first_position"], {"tenant_id": tenant_id})
        return head - int(rows[0][0]) + 1 if rows else 0

    async def _tenants(self, **parameters: Any) -> list[ListedTenant]:
        rows = await self._database.reads.fetch(_SQL["tenants"], parameters)
        return [ListedTenant(*row) for row in rows]

    async def _change(self, query: str, **parameters: Any) -> Any:
        rows = await self._database.changes.fetch(_SQL[query], parameters)
        return rows[0][0]


def _check(outcome: str, name: str) -> None:
    """Raises what an outcome stands for, if it is no success."""
    if outcome == "missing":
        raise _not_found(name)
    if outcome == "dropping":
        raise BadRequestError(FieldViolation("name", f"is {name}, which is being dropped"))


def _not_found(name: str) -> EverlogError:
    return TenantNotFoundError(f"there is no tenant {name!r}")
