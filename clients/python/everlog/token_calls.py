"""The calls of AdminService that are about tokens, and who the caller is: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import cast

from everlog.connection import Calls
from everlog.times import optional_datetime, to_datetime
from everlog.tokens import Grant, Identity, NewToken, Role, Token
from everlog.v1 import admin_pb2

_PAGE_SIZE = 1_000


class TokenCalls(Calls):
    """The methods of a client that are about tokens. All but `who_am_i` are for operators."""

    async def create_token(
        self, name: str, grant: Grant, *, lifetime: timedelta | None = None
    ) -> NewToken:
        """Create a token; its secret is told only now. Raises TokenExists, TenantNotFound.

        Made once: after a lost answer, revoke it and create one of another name.
        """
        connection = self._open
        request = admin_pb2.CreateTokenRequest(name=name, grant=grant.to_message())
        if lifetime is not None:
            request.lifetime.FromTimedelta(lifetime)
        response = await connection.read(connection.admin.CreateToken, request, repeatable=False)
        return NewToken(token=token_of(response.token), secret=response.secret)

    async def tokens(self, *, limit: int | None = None) -> AsyncGenerator[Token, None]:
        """Yield the tokens by name, also those that are expired or revoked."""
        connection = self._open
        listing = connection.listing(
            connection.admin.ListTokens,
            admin_pb2.ListTokensRequest(),
            lambda page: page.tokens,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield token_of(one)

    async def revoke_token(self, name: str) -> Token:
        """Revoke a token, for good: calls by it fail within 5 s. Raises TokenNotFound."""
        connection = self._open
        request = admin_pb2.RevokeTokenRequest(name=name)
        response = await connection.read(connection.admin.RevokeToken, request)
        return token_of(response.token)

    async def who_am_i(self) -> Identity:
        """Tell who the caller is to the server, and what it may do."""
        connection = self._open
        response = await connection.read(connection.admin.WhoAmI, admin_pb2.WhoAmIRequest())
        return Identity(
            identity=response.identity,
            grant=_grant(response.grant),
            expire_time=optional_datetime(response, "expire_time"),
        )


def token_of(message: admin_pb2.Token) -> Token:
    """Decode a token."""
    return Token(
        name=message.name,
        prefix=message.prefix,
        grant=_grant(message.grant),
        created_time=to_datetime(message.created_time),
        expire_time=optional_datetime(message, "expire_time"),
        revoked_time=optional_datetime(message, "revoked_time"),
        last_used_time=optional_datetime(message, "last_used_time"),
    )


def _grant(message: admin_pb2.Grant) -> Grant:
    roles = [admin_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in message.roles]
    return Grant(
        roles=cast("list[Role]", roles),
        tenants=tuple(message.tenants),
        aggregate_types=tuple(message.aggregate_types),
        event_types=tuple(message.event_types),
        own_only=message.own_only,
        actor=message.actor,
        user_id=message.user_id,
        acts_for_others=message.acts_for_others,
        events_per_second=message.events_per_second,
        calls_per_second=message.calls_per_second,
    )
