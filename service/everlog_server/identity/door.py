"""Who makes a call, whatever it shows: a token, a JWT, or a certificate.

A header `authorization` decides alone where there is one: who shows a wrong token is not let in by
its certificate.
"""

from __future__ import annotations

from typing import Protocol

from everlog_server.errors import UnauthenticatedError
from everlog_server.identity.callers import Caller, Credentials
from everlog_server.identity.known import KnownCallers
from everlog_server.identity.token_secrets import MARK, digest_of

_SCHEME = "bearer "


class Proof(Protocol):
    """One way to prove who one is, by what stands behind `Bearer `."""

    async def identify(self, text: str) -> Caller:
        """Who it is; raises UnauthenticatedError, StorageUnavailableError."""


class Names(Protocol):
    """Whom the names of certificates stand for."""

    def of(self, tls_names: tuple[str, ...]) -> Caller | None:
        """The caller of a certificate, by its names."""

    def holds(self, caller: Caller) -> bool:
        """Whether it is the caller of a name."""


class Door:
    """The authenticator of a server that requires an identity. See Authenticator."""

    def __init__(
        self, known: KnownCallers, *, tokens: Proof, jwts: Proof | None, names: Names | None
    ) -> None:
        self._known = known
        self._tokens = tokens
        self._jwts = jwts
        self._names = names

    def known(self, credentials: Credentials) -> Caller | None:
        """Who it is, if that is known already and still holds."""
        authorization = credentials.authorization
        if authorization is None:
            if self._names is None or not credentials.tls_names:
                return None
            return self._names.of(credentials.tls_names)
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        return self._known.get(digest_of(authorization[len(_SCHEME) :].strip()))

    async def identify(self, credentials: Credentials) -> Caller:
        """Who it is; raises UnauthenticatedError, StorageUnavailableError."""
        known = self.known(credentials)
        if known is not None:
            return known
        authorization = credentials.authorization
        if authorization is None:
            shown = ", ".join(repr(name[:100]) for name in credentials.tls_names[:3])
            raise UnauthenticatedError(
                f"no grant is given to the certificate's names ({shown})"
                if shown
                else "the call carries no token: send one in the header authorization, as"
                " `Bearer evl_…`"
            )
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise UnauthenticatedError(
                "the header authorization is not of the scheme Bearer: send `Bearer ` and a token"
            )
        text = authorization[len(_SCHEME) :].strip()
        if text.startswith(MARK) or self._jwts is None:
            return await self._tokens.identify(text)
        return await self._jwts.identify(text)

    def holds(self, caller: Caller) -> bool:
        """Whether it is neither expired nor revoked."""
        return self._known.holds(caller) or (self._names is not None and self._names.holds(caller))
