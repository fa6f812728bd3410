"""The tokens that lead from one page of a listing of entities, or of their events, to the next.

As in page_token.py: opaque, with a digest over the place and the request that makes a token that is
damaged, or that belongs to another listing, as good as none; no signature.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from everlog.v1 import entities_pb2 as pb
from everlog_server.errors import FieldViolation, InvalidPageTokenError
from everlog_server.model import EntityKey

_VERSION = b"\x01"
_DIGEST_BYTES = 12
_POSITIONS = struct.Struct(">qq")
_IGNORED = ("page_size", "page_token", "min_position")

Request = pb.ListEntitiesRequest | pb.EventsOfEntityRequest


def encode_key(key: EntityKey, *, tenant_id: int, request: Request) -> str:
    """The token for the page after an id."""
    return _encode(f"{key.kind}\0{key.id}".encode(), tenant_id, request)


def decode_key(*, tenant_id: int, request: Request) -> EntityKey:
    """The id after which the request's page begins; raises InvalidPageTokenError."""
    kind, _, id_ = _decode(tenant_id, request).decode().partition("\0")
    return EntityKey(kind, id_)


def encode_positions(cursor: int, through: int, *, tenant_id: int, request: Request) -> str:
    """The token for the page after an event, of a listing that ends at `through`."""
    return _encode(_POSITIONS.pack(cursor, through), tenant_id, request)


def decode_positions(*, tenant_id: int, request: Request) -> tuple[int, int]:
    """Cursor and `through` of the request's page; raises InvalidPageTokenError."""
    cursor, through = _POSITIONS.unpack(_decode(tenant_id, request))
    return cursor, through


def _encode(place: bytes, tenant_id: int, request: Request) -> str:
    token = urlsafe_b64encode(_VERSION + _digest(place, tenant_id, request) + place)
    return token.rstrip(b"=").decode()


def _decode(tenant_id: int, request: Request) -> bytes:
    token = request.page_token
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise _refused() from None
    place = data[1 + _DIGEST_BYTES :]
    # Base64 decoders skip what is not Base64, and take some characters for others.
    if token != _encode(place, tenant_id, request):
        raise _refused()
    return place


def _digest(place: bytes, tenant_id: int, request: Request) -> bytes:
    listing = type(request)()
    listing.CopyFrom(request)  # type: ignore[arg-type]  # of its own type
    listing.DiscardUnknownFields()
    for name in _IGNORED:
        listing.ClearField(name)  # type: ignore[arg-type]  # both have them
    content = struct.pack(">q", tenant_id) + listing.SerializeToString(deterministic=True)
    head = f"{listing.DESCRIPTOR.full_name}\0{len(place)}\0".encode()
    return blake2b(
        head + place + content, digest_size=_DIGEST_BYTES, person=b"everlog entities"
    ).digest()


def _refused() -> InvalidPageTokenError:
    return InvalidPageTokenError(
        FieldViolation("page_token", "is damaged, or belongs to another listing: begin without")
    )
