"""Who a caller is, and the one question that proves it.

`rpc` asks an `Authenticator` once for every call, by what the call carries; streams ask again while
they run. Where identities come from (tokens, JWTs, certificates) is the authenticator's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from everlog_server.model import Grant, Role


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Caller:
    """A caller that has proved who it is. The same object for as long as that holds."""

    identity: str
    """`token:` and its name, `jwt:` and its subject, `tls:` and its name, or `open`."""
    grant: Grant
    expires_at: float | None = None
    """In seconds since 1970, UTC. None: never."""


class Credentials(NamedTuple):
    """What a call carries to prove who makes it."""

    authorization: str | None
    """Of the metadata header `authorization`, as it came; None: there is none."""
    tls_names: tuple[str, ...] = ()
    """Of the certificate that the client has proved to own; empty: it has shown none."""

    def __repr__(self) -> str:
        # Whoever logs one must not log a secret.
        shown = "none" if self.authorization is None else "***"
        return f"Credentials(authorization={shown}, tls_names={self.tls_names!r})"


class Authenticator(Protocol):
    """Tells who makes a call."""

    def known(self, credentials: Credentials) -> Caller | None:
        """Who it is, if that is known here already and still holds. Cheap: asked for every call."""

    async def identify(self, credentials: Credentials) -> Caller:
        """Who it is; raises UnauthenticatedError, StorageUnavailableError."""

    def holds(self, caller: Caller) -> bool:
        """Whether it is neither expired nor revoked. Cheap: running streams ask now and then."""


OPEN_IDENTITY = "open"
"""Of everybody, where nobody is asked."""

_OPEN = Caller(identity=OPEN_IDENTITY, grant=Grant(roles=frozenset(Role), acts_for_others=True))


class OpenDoor:
    """For a server that asks for no identity: every caller may do everything."""

    def known(self, credentials: Credentials) -> Caller:
        """Everybody is."""
        del credentials
        return _OPEN

    async def identify(self, credentials: Credentials) -> Caller:
        """Everybody is the same."""
        return self.known(credentials)

    def holds(self, caller: Caller) -> bool:
        """For ever."""
        return caller is _OPEN
