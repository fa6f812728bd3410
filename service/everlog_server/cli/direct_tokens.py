"""Tokens without a server: straight in the database. For the first one, or when all are lost.

Whoever may do this may write to the database, and so is an operator already. What is asked is
checked as a server checks it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import everlog
from everlog.token_calls import token_of
from everlog.v1 import admin_pb2
from everlog_server.identity.known import KnownCallers
from everlog_server.identity.tokens import Tokens
from everlog_server.rpc.token_requests import decode_create, decode_name, encode_token
from everlog_server.settings import StorageSettings
from everlog_server.storage.database import Database
from everlog_server.storage.postmaster import running_embedded
from everlog_server.storage.provision import configured_dsn, prepare_schema
from everlog_server.storage.tokens import TokenStore

_PAGE_SIZE = 1_000


class DirectTokens:
    """What a client has for tokens, by the same names."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def create_token(
        self, name: str, grant: everlog.Grant, *, lifetime: timedelta | None = None
    ) -> everlog.NewToken:
        """Create a token."""
        request = admin_pb2.CreateTokenRequest(name=name, grant=grant.to_message())
        if lifetime is not None:
            request.lifetime.FromTimedelta(lifetime)
        token, secret = await self._tokens.create(*decode_create(request))
        return everlog.NewToken(token=token_of(encode_token(token)), secret=secret)

    async def tokens(self) -> AsyncGenerator[everlog.Token, None]:
        """Yield the tokens by name."""
        after = ""
        while page := await self._tokens.after(after, _PAGE_SIZE):
            for token in page:
                yield token_of(encode_token(token))
            after = page[-1].name

    async def revoke_token(self, name: str) -> everlog.Token:
        """Revoke a token; servers follow within 2 s."""
        return token_of(encode_token(await self._tokens.revoke(decode_name(name))))


@asynccontextmanager
async def direct_tokens(settings: StorageSettings) -> AsyncGenerator[DirectTokens]:
    """Tokens of a database of yours, or of an embedded one that runs. Raises EverlogError."""
    if settings.database_url is None:
        dsn = running_embedded(settings.data_dir).dsn
    else:
        dsn = configured_dsn(settings)
    prepare_schema(dsn, settings)  # the first token may well come before the first server
    database = Database(dsn, settings)
    await database.open()
    try:
        yield DirectTokens(Tokens(TokenStore(database), KnownCallers()))
    finally:
        await database.close()
