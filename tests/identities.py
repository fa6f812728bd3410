"""A server in the test's own process, whose callers are who the test says."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from everlog_server import app
from everlog_server.errors import UnauthenticatedError
from everlog_server.identity.callers import Caller
from everlog_server.model import Grant, Role
from everlog_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.identity.callers import Credentials


class Identities:
    """Callers by their secrets, as an Authenticator: known only once they were identified."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}
        self._identified: set[str] = set()
        self.revoked: set[str] = set()

    def add(self, name: str, *roles: Role, expires_at: float | None = None, **grant: Any) -> str:
        """A caller, `token:` and its name; returns its secret."""
        grant.setdefault("tenants", ("default",))
        self._callers[f"Bearer {name}"] = Caller(
            identity=f"token:{name}",
            grant=Grant(roles=frozenset(roles), **grant),
            expires_at=expires_at,
        )
        return name

    def known(self, credentials: Credentials) -> Caller | None:
        secret = credentials.authorization
        if secret not in self._identified or secret is None:
            return None
        caller = self._callers[secret]
        return caller if self.holds(caller) else None

    async def identify(self, credentials: Credentials) -> Caller:
        secret = credentials.authorization
        caller = self._callers.get(secret or "")
        await asyncio.sleep(0)
        if secret is None or caller is None or not self.holds(caller):
            raise UnauthenticatedError
        self._identified.add(secret)
        return caller

    def holds(self, caller: Caller) -> bool:
        expires_at = caller.expires_at
        is_over = expires_at is not None and expires_at <= time.time()
        return not is_over and caller.identity.removeprefix("token:") not in self.revoked


@asynccontextmanager
async def serving_to(database_url: str, identities: Identities) -> AsyncIterator[str]:
    """The address of a server; it is stopped with the block."""
    settings = Settings()
    settings = replace(settings, server=replace(settings.server, port=0, drain_grace_seconds=1.0))
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    lifeline, ours = os.pipe()
    served = asyncio.create_task(
        app.serve(
            settings,
            database_url,
            on_serving=address.set_result,
            lifeline=lifeline,
            authenticator=identities,
        )
    )
    await asyncio.wait((served, address), return_when=asyncio.FIRST_COMPLETED)
    try:
        if served.done():
            served.result()
        yield address.result()
    finally:
        os.close(ours)
        await served
        os.close(lifeline)


def bearer(secret: str, tenant: str = "") -> list[tuple[str, str]]:
    """The metadata of a call."""
    named = [("everlog-tenant", tenant)] if tenant else []
    return [("authorization", f"Bearer {secret}"), *named]
