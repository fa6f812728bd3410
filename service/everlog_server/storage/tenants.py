"""Which tenants there are: name → id."""

from __future__ import annotations

from everlog_server.errors import TenantNotFoundError
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("reads.sql")


class Tenants:
    """Resolves names. A name, once given, keeps its id, so what is found is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}

    @property
    def names(self) -> dict[int, str]:
        """Of those that were asked for, by id, in that order."""
        return {tenant_id: name for name, tenant_id in self._ids.items()}

    async def resolve(self, name: str) -> int:
        """The id of a tenant; raises TenantNotFoundError."""
        tenant_id = self._ids.get(name)
        if tenant_id is not None:
            return tenant_id
        async with self._database.reads.connection() as connection:
            cursor = await connection.execute(_SQL["tenant_id"], {"name": name})
            row = await cursor.fetchone()
        if row is None:
            raise TenantNotFoundError(f"there is no tenant {name!r}")
        self._ids[name] = row[0]
        return int(row[0])
