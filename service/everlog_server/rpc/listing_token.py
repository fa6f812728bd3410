"""The token that leads from one page of ListAggregates to the next.

As that of a Query (page_token.py): opaque, good for the same request only, and no signature.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

from everlog.v1 import aggregates_pb2 as pb
from everlog_server.errors import FieldViolation, InvalidPageTokenError
from everlog_server.model import AggregateKey

_VERSION = 1
_DIGEST_BYTES = 12
_PLACE = struct.Struct(">BqqH")


class ListingPlace(NamedTuple):
    """Where a listing goes on."""

    head: int
    """The head when the first page was taken."""
    end: int
    """By activity: the position up to which last events are yet to be looked for; else 0."""
    last: AggregateKey | None
    """By name: the last aggregate that was looked at; else None."""


def encode_listing_token(
    place: ListingPlace, *, tenant_id: int, request: pb.ListAggregatesRequest
) -> str:
    """The token for the page that follows. The request is that of any page of the listing."""
    aggregate_type, aggregate_id = (
        (text.encode() for text in place.last) if place.last else (b"", b"")
    )
    packed = _PLACE.pack(_VERSION, place.head, place.end, len(aggregate_type))
    packed += aggregate_type + aggregate_id
    return urlsafe_b64encode(packed + _digest(packed, tenant_id, request)).rstrip(b"=").decode()


def decode_listing_token(*, tenant_id: int, request: pb.ListAggregatesRequest) -> ListingPlace:
    """Where the request's page begins; raises InvalidPageTokenError if it isn't of this listing."""
    token = request.page_token
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        packed, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        version, head, end, type_bytes = _PLACE.unpack_from(packed)
        names = packed[_PLACE.size :]
        last = AggregateKey(names[:type_bytes].decode(), names[type_bytes:].decode())
    except (ValueError, struct.error):
        raise _refused() from None
    if version != _VERSION or digest != _digest(packed, tenant_id, request):
        raise _refused()
    place = ListingPlace(head, end, last if any(last) else None)
    # Base64 decoders skip what is not Base64, and take some characters for others.
    if token != encode_listing_token(place, tenant_id=tenant_id, request=request):
        raise _refused()
    return place


def _digest(place: bytes, tenant_id: int, request: pb.ListAggregatesRequest) -> bytes:
    listing = pb.ListAggregatesRequest()
    listing.CopyFrom(request)
    listing.ClearField("page_size")
    listing.ClearField("page_token")
    listing.DiscardUnknownFields()
    content = struct.pack(">qH", tenant_id, len(place)) + place
    content += listing.SerializeToString(deterministic=True)
    return blake2b(content, digest_size=_DIGEST_BYTES, person=b"everlog listing").digest()


def _refused() -> InvalidPageTokenError:
    return InvalidPageTokenError(
        FieldViolation(
            "page_token", "is damaged, or belongs to another listing: begin anew without"
        )
    )
