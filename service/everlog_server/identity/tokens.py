"""Tokens: who has one is who it says.

Each is looked up in the database once, and then remembered. What has changed since (a revocation, a
tenant's other name) is heard of by a version that is asked for every second, and at once where it
was changed by this process. Nothing of it waits for the disk on a call's way.

While PostgreSQL is away, who is known stays known: nobody could be served anything new anyway, and
ending all streams would only add a flood of calls to the outage.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from everlog_server.errors import (
    TokenExistsError,
    TokenNotFoundError,
    UnauthenticatedError,
)
from everlog_server.identity.callers import Caller
from everlog_server.identity.token_secrets import (
    digest_of,
    is_secret_of,
    is_well_formed,
    new_secret,
    prefix_of,
)
from everlog_server.looks import Looks
from everlog_server.model import Grant
from everlog_server.storage.tokens import StoredToken, TokenStore

if TYPE_CHECKING:
    from everlog_server.identity.known import Entry, KnownCallers

_LOOK_SECONDS = 1.0
_NOTE_SECONDS = 10.0
_NOTED_AGAIN_SECONDS = 600.0
_NAMES_MAX = 1_000
"""Of one statement."""
# Who shows a wrong secret tends to show it again, as fast as it can.
_REFUSED_SECONDS = 5.0
_REFUSED_MAX = 10_000


class Tokens:
    """Tokens, and who is known by them. Run `run` as a task."""

    def __init__(self, store: TokenStore, known: KnownCallers) -> None:
        self._store = store
        self._known = known
        self._version: int | None = None
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        # Whoever tries secrets takes one connection, not all of those that others need.
        self._one_at_a_time = asyncio.Semaphore(1)
        self._look_soon = asyncio.Event()
        self._looks = Looks("tokens can't be followed")

    async def identify(self, secret: str) -> Caller:
        """Who has this secret; raises UnauthenticatedError, StorageUnavailableError."""
        digest = digest_of(secret)
        if not is_well_formed(secret) or self._is_refused(digest):
            raise _not_valid()
        async with self._one_at_a_time:
            while True:
                known = self._known.get(digest)  # by now, thanks to who was here before
                if known is not None:
                    return known
                if self._is_refused(digest):
                    raise _not_valid()
                version = self._version
                token = await self._find(secret, digest)
                if token is None:
                    self._refuse(digest)
                    raise _not_valid()
                # Revoked between our look and now: whoever followed it has not seen this entry.
                if version == self._version:
                    return self._known.put(digest, caller_of(token), token.name)

    async def create(
        self, name: str, grant: Grant, lifetime: timedelta | None
    ) -> tuple[StoredToken, str]:
        """A new token, and its secret, which is nowhere else.

        Raises TokenExistsError, TenantNotFoundError, StorageUnavailableError.
        """
        secret = new_secret()
        now = datetime.now(UTC)
        token = StoredToken(
            name=name,
            prefix=prefix_of(secret),
            digest=digest_of(secret),
            grant=grant,
            created_time=now,
            expire_time=None if lifetime is None else now + lifetime,
        )
        if not await self._store.create(token):
            raise TokenExistsError(
                f"there is, or was, a token of the name {name!r}: names are not given twice"
            )
        return token, secret

    async def after(self, name: str, limit: int) -> list[StoredToken]:
        """Those whose names follow one, by name; also those that have ended."""
        return await self._store.after(name, limit)

    async def revoke(self, name: str) -> StoredToken:
        """Revokes it: from then on it is not valid here, and within seconds nowhere.

        Raises TokenNotFoundError, StorageUnavailableError.
        """
        if not await self._store.revoke(name, datetime.now(UTC)):
            raise TokenNotFoundError(f"there is no token of the name {name!r}")
        for entry in self._known:
            if entry.caller.identity == _identity(name):
                self._known.forget(entry)
        self._look_soon.set()
        return (await self._store.by_names([name]))[name]

    async def run(self) -> None:
        """Follows what changes, and notes who calls, for ever."""
        note_at = time.monotonic() + _NOTE_SECONDS
        while True:
            with self._looks.survived():
                await self._follow()
                if time.monotonic() >= note_at:
                    note_at = time.monotonic() + _NOTE_SECONDS
                    await self._note_used()
            try:
                async with asyncio.timeout(max(_LOOK_SECONDS, self._looks.rest_seconds)):
                    await self._look_soon.wait()
            except TimeoutError:
                pass
            self._look_soon.clear()

    async def _find(self, secret: str, digest: bytes) -> StoredToken | None:
        for token in await self._store.by_prefix(prefix_of(secret)):
            if is_secret_of(digest, token.digest) and _is_valid(token):
                return token
        return None

    async def _follow(self) -> None:
        version = await self._store.version()
        if version == self._version:
            return
        # First: who is looked up from here on is looked up anew when this is not what it had read.
        self._version = version
        try:
            entries = [one for one in self._known if one.caller.identity == _identity(one.source)]
            for start in range(0, len(entries), _NAMES_MAX):
                some = entries[start : start + _NAMES_MAX]
                tokens = await self._store.by_names([entry.source for entry in some])
                for entry in some:
                    self._renew(entry, tokens.get(entry.source))
        except BaseException:
            self._version = None  # not all of them were looked at
            raise

    def _renew(self, entry: Entry, token: StoredToken | None) -> None:
        if token is None or not is_secret_of(entry.digest, token.digest) or not _is_valid(token):
            self._known.forget(entry)
            return
        caller = caller_of(token)
        before = (entry.caller.grant, entry.caller.expires_at)
        if (caller.grant, caller.expires_at) != before:
            self._known.replace(entry, caller)

    async def _note_used(self) -> None:
        now = time.monotonic()
        due = [
            entry
            for entry in self._known
            if entry.is_used
            and entry.caller.identity == _identity(entry.source)
            and (not entry.noted_at or now - entry.noted_at >= _NOTED_AGAIN_SECONDS)
        ]
        used_time = datetime.now(UTC)
        for start in range(0, len(due), _NAMES_MAX):
            some = due[start : start + _NAMES_MAX]
            await self._store.note_used({entry.source: used_time for entry in some})
            for entry in some:
                entry.noted_at, entry.is_used = now, False

    def _is_refused(self, digest: bytes) -> bool:
        until = self._refused.get(digest)
        return until is not None and time.monotonic() < until

    def _refuse(self, digest: bytes) -> None:
        self._refused[digest] = time.monotonic() + _REFUSED_SECONDS
        self._refused.move_to_end(digest)
        if len(self._refused) > _REFUSED_MAX:
            self._refused.popitem(last=False)


def caller_of(token: StoredToken) -> Caller:
    """Who has it."""
    return Caller(
        identity=_identity(token.name),
        grant=token.grant,
        expires_at=None if token.expire_time is None else token.expire_time.timestamp(),
    )


def _identity(name: str) -> str:
    return f"token:{name}"


def _is_valid(token: StoredToken) -> bool:
    if token.revoked_time is not None:
        return False
    return token.expire_time is None or token.expire_time > datetime.now(UTC)


def _not_valid() -> UnauthenticatedError:
    # The same for what never was, has expired, or is revoked: who has found one learns nothing.
    return UnauthenticatedError("the token is not valid: it is unknown, expired or revoked")
