"""The part of AdminService that is about tokens, and about who the caller is.

Check, decode, one call into the house, encode: see event_store.py. The service itself:
admin_service.py.
"""

from __future__ import annotations

from everlog.v1 import admin_pb2 as pb
from everlog_server.identity.tokens import Tokens
from everlog_server.rpc.entry import Context, call_of
from everlog_server.rpc.page_token import Listing, fill_page
from everlog_server.rpc.requests import page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.token_requests import (
    decode_create,
    decode_name,
    encode_caller,
    encode_token,
)
from everlog_server.settings import LimitSettings

_NO_TENANT = 0
"""In page tokens: tokens belong to none."""


class TokenAdmin:
    """The handlers."""

    def __init__(self, tokens: Tokens, *, limits: LimitSettings) -> None:
        self._tokens = tokens
        self._limits = limits

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(self.CreateToken, self.ListTokens, self.RevokeToken, self.WhoAmI)

    async def CreateToken(self, data: bytes, context: Context) -> bytes:
        """Creates a token; the answer is the only place that ever has its secret."""
        del context
        asked = decode_create(parse(pb.CreateTokenRequest, data))
        token, secret = await self._tokens.create(asked.name, asked.grant, asked.lifetime)
        return pb.CreateTokenResponse(token=encode_token(token), secret=secret).SerializeToString()

    async def ListTokens(self, data: bytes, context: Context) -> bytes:
        """A page of tokens."""
        del context
        request = parse(pb.ListTokensRequest, data)
        limit = page_size(request, self._limits)
        listing, after = Listing(_NO_TENANT, request), ""
        if request.page_token:
            after = listing.place(request.page_token, bytes.decode)
        found = await self._tokens.after(after, limit + 1)
        response = pb.ListTokensResponse()
        if fill_page(response.tokens, map(encode_token, found), limit):
            response.next_page_token = listing.token(response.tokens[-1].name.encode())
        return response.SerializeToString()

    async def RevokeToken(self, data: bytes, context: Context) -> bytes:
        """Revokes a token."""
        del context
        name = decode_name(parse(pb.RevokeTokenRequest, data).name)
        token = await self._tokens.revoke(name)
        return pb.RevokeTokenResponse(token=encode_token(token)).SerializeToString()

    async def WhoAmI(self, data: bytes, context: Context) -> bytes:
        """Who the caller is."""
        parse(pb.WhoAmIRequest, data)
        return encode_caller(call_of(context).caller).SerializeToString()
