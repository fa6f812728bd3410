"""Everything by which a server knows its callers, as its settings say."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING

from everlog_server.identity.callers import Authenticator, OpenDoor
from everlog_server.identity.door import Door
from everlog_server.identity.known import KnownCallers
from everlog_server.identity.names import CertificateNames
from everlog_server.identity.tokens import Tokens

if TYPE_CHECKING:
    from everlog_server.identity.jwts import Jwts
    from everlog_server.settings import IdentitySettings
    from everlog_server.storage.tokens import TokenStore


class Identities:
    """The authenticator, and the tokens, which are also there while nobody is asked for one."""

    def __init__(self, settings: IdentitySettings, store: TokenStore) -> None:
        """Raises GrantsFileError."""
        known = KnownCallers()
        self.tokens = Tokens(store, known)
        self.authenticator: Authenticator = OpenDoor()
        self._tasks: list[Coroutine[None, None, None]] = []
        if settings.mode == "open":
            return
        names, jwts = None, None
        self._tasks.append(self.tokens.run())
        if settings.tls_grants_file is not None:
            names = CertificateNames(settings.tls_grants_file)
            self._tasks.append(names.run())
        if settings.has_jwts:
            jwts = self._jwts(settings, known)
        self.authenticator = Door(known, tokens=self.tokens, jwts=jwts, names=names)

    def tasks(self) -> list[Coroutine[None, None, None]]:
        """What has to run for as long as the server does."""
        return self._tasks

    def _jwts(self, settings: IdentitySettings, known: KnownCallers) -> Jwts:
        # Late: what verifies signatures takes a tenth of a second to import.
        from everlog_server.identity.jwts import Jwts  # noqa: PLC0415
        from everlog_server.identity.key_sets import (  # noqa: PLC0415
            FILE_REFRESH_SECONDS,
            KeySet,
            from_file,
            from_url,
        )

        refresh_seconds = settings.jwt_keys_refresh_seconds
        if settings.jwt_keys_file is not None:
            read = from_file(settings.jwt_keys_file)
            refresh_seconds = min(refresh_seconds, FILE_REFRESH_SECONDS)
        else:
            assert settings.jwt_keys_url is not None  # noqa: S101  there are JWTs by one of them
            read = from_url(settings.jwt_keys_url)
        keys = KeySet(read, refresh_seconds=refresh_seconds)
        self._tasks.append(keys.run())
        return Jwts(keys, known, settings)
