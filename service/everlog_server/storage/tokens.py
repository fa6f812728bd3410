"""Tokens as they are stored: rows. What they mean: room `identity`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from everlog_server.errors import TenantNotFoundError
from everlog_server.model import Grant, Role
from everlog_server.storage.database import Database
from everlog_server.storage.sql import load

_SQL = load("tokens.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """One token."""

    name: str
    prefix: str
    digest: bytes
    """SHA-256 of its secret."""
    grant: Grant
    """Its tenants by the names that they have now; `#` and its id for one that is dropped."""
    created_time: datetime
    expire_time: datetime | None = None
    revoked_time: datetime | None = None
    last_used_time: datetime | None = None


class TokenStore:
    """Reads and changes tokens. Raises StorageUnavailableError or ReadTooExpensiveError."""

    def __init__(self, database: Database) -> None:
        # The pool of changes, whose reads are of what was committed just now, here or elsewhere.
        self._pool = database.changes

    async def by_prefix(self, prefix: str) -> list[StoredToken]:
        """The tokens whose secrets begin so."""
        return [_token(row) for row in await self._rows("by_prefix", prefix=prefix)]

    async def by_names(self, names: Sequence[str]) -> dict[str, StoredToken]:
        """The tokens of these names, as far as they exist."""
        rows = await self._rows("by_names", names=list(names))
        return {row[0]: _token(row) for row in rows}

    async def after(self, name: str, limit: int) -> list[StoredToken]:
        """The tokens whose names follow one, by name."""
        return [_token(row) for row in await self._rows("after", after=name, limit=limit)]

    async def version(self) -> int:
        """Another one than before: what was read of tokens may not hold any more."""
        return int((await self._rows("version"))[0][0])

    async def create(self, token: StoredToken) -> bool:
        """Stores it; False: there is, or was, one of its name. Raises TenantNotFoundError."""
        grant = token.grant
        ids: dict[str, int | None] = dict(await self._rows("tenant_ids", names=list(grant.tenants)))
        for name in grant.tenants:
            if ids[name] is None:
                raise TenantNotFoundError(f"there is no tenant {name!r}")
        rows = await self._rows(
            "create",
            name=token.name,
            prefix=token.prefix,
            digest=token.digest,
            roles=sorted(grant.roles),
            tenant_ids=[ids[name] for name in grant.tenants],
            aggregate_types=list(grant.aggregate_types),
            event_types=list(grant.event_types),
            own_only=grant.own_only,
            actor=grant.actor,
            user_id=grant.user_id,
            acts_for_others=grant.acts_for_others,
            events_per_second=grant.events_per_second,
            calls_per_second=grant.calls_per_second,
            created_time=token.created_time,
            expire_time=token.expire_time,
        )
        return bool(rows[0][0])

    async def revoke(self, name: str, revoked_time: datetime) -> bool:
        """Revokes it, unless it is already; False: there is none."""
        rows = await self._rows("revoke", name=name, revoked_time=revoked_time)
        return bool(rows[0][0])

    async def note_used(self, used_times: Mapping[str, datetime]) -> None:
        """Notes when tokens, by name, were used last."""
        await self._rows("note_used", names=list(used_times), used_times=list(used_times.values()))

    async def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with self._pool.connection(None) as connection:
            cursor = await connection.execute(_SQL[query], parameters)
            return await cursor.fetchall()


def _token(row: tuple[Any, ...]) -> StoredToken:
    name, prefix, digest, *granted = row[:13]
    created_time, expire_time, revoked_time, last_used_time = row[13:]
    roles, tenants, aggregate_types, event_types, own_only, actor, user_id, *rest = granted
    acts_for_others, events_per_second, calls_per_second = rest
    return StoredToken(
        name=name,
        prefix=prefix,
        digest=bytes(digest),
        grant=Grant(
            roles=Role.known(roles),
            tenants=tuple(tenants),
            aggregate_types=tuple(aggregate_types),
            event_types=tuple(event_types),
            own_only=own_only,
            actor=actor,
            user_id=user_id,
            acts_for_others=acts_for_others,
            events_per_second=events_per_second,
            calls_per_second=calls_per_second,
        ),
        created_time=created_time,
        expire_time=expire_time,
        revoked_time=revoked_time,
        last_used_time=last_used_time,
    )
