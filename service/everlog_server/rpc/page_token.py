"""The token that leads from one page of a Query to the next.

It is opaque to callers, and says where the page before ended and where the log ended for the first
one. A digest over that and over the query (tenant, filter, order) makes a token that is damaged, or
that belongs to another query, as good as none. It is no signature: whoever forges one only chooses
where in a log, that he may read anyway, to begin.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

from everlog.v1 import event_store_pb2
from everlog_server.errors import FieldViolation, InvalidPageTokenError

_VERSION = 1
_DIGEST_BYTES = 12
_PLACE = struct.Struct(">Bqq")


class Place(NamedTuple):
    """Where a listing goes on."""

    cursor: int
    """The position up to (newest first: down to) which the pages before have examined the log."""
    through: int
    """The head when the first page was taken."""


def encode_page_token(
    place: Place, *, tenant_id: int, request: event_store_pb2.QueryRequest
) -> str:
    """The token for the page that follows. The request is that of any page of the listing."""
    packed = _PLACE.pack(_VERSION, *place)
    token = urlsafe_b64encode(packed + _digest(packed, tenant_id, request))
    return token.rstrip(b"=").decode()


def decode_page_token(*, tenant_id: int, request: event_store_pb2.QueryRequest) -> Place:
    """Where the request's page begins; raises InvalidPageTokenError if it isn't of this listing."""
    token = request.page_token
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        packed, digest = data[: _PLACE.size], data[_PLACE.size :]
        version, cursor, through = _PLACE.unpack(packed)
    except (ValueError, struct.error):
        raise _refused() from None
    if version != _VERSION or digest != _digest(packed, tenant_id, request):
        raise _refused()
    place = Place(cursor, through)
    # Base64 decoders skip what is not Base64, and take some characters for others.
    if token != encode_page_token(place, tenant_id=tenant_id, request=request):
        raise _refused()
    return place


def _digest(place: bytes, tenant_id: int, request: event_store_pb2.QueryRequest) -> bytes:
    newest_first = request.order != event_store_pb2.QUERY_ORDER_OLDEST_FIRST
    query = request.filter.SerializeToString(deterministic=True)
    content = struct.pack(">q?", tenant_id, newest_first) + place + query
    return blake2b(content, digest_size=_DIGEST_BYTES, person=b"everlog page").digest()


def _refused() -> InvalidPageTokenError:
    return InvalidPageTokenError(
        FieldViolation("page_token", "is damaged, or belongs to another query: begin anew without")
    )
