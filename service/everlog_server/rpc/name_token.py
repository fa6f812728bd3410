"""The token that leads from one page of a listing by name to the next.

It holds the last name, and a digest over that, the tenant and the listing: see page_token.py.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from copy import deepcopy
from hashlib import blake2b
from typing import Protocol

from everlog_server.errors import FieldViolation, InvalidPageTokenError

_VERSION = b"\x01"
_DIGEST_BYTES = 12


class Listing(Protocol):
    """A request for a page."""

    page_token: str
    page_size: int

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:
        """As messages do."""


def encode_name_token(name: str, *, tenant_id: int, request: Listing) -> str:
    """The token for the page that begins after a name. The request is that of any page."""
    packed = _VERSION + name.encode()
    token = urlsafe_b64encode(_digest(packed, tenant_id, request) + packed)
    return token.rstrip(b"=").decode()


def decode_name_token(*, tenant_id: int, request: Listing) -> str:
    """The name after which the page begins; InvalidPageTokenError if it isn't of this listing."""
    token = request.page_token
    if not token:
        return ""
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        version, name = data[_DIGEST_BYTES : _DIGEST_BYTES + 1], data[_DIGEST_BYTES + 1 :].decode()
    except ValueError:
        raise _refused() from None
    # Base64 decoders skip what is not Base64, and take some characters for others.
    if version != _VERSION or token != encode_name_token(
        name, tenant_id=tenant_id, request=request
    ):
        raise _refused()
    return name


def _digest(packed: bytes, tenant_id: int, request: Listing) -> bytes:
    listing = deepcopy(request)
    listing.page_token, listing.page_size = "", 0
    content = struct.pack(">q", tenant_id) + listing.SerializeToString(deterministic=True) + packed
    return blake2b(content, digest_size=_DIGEST_BYTES, person=b"everlog names").digest()


def _refused() -> InvalidPageTokenError:
    return InvalidPageTokenError(
        FieldViolation("page_token", "is damaged, or belongs to another listing: begin anew")
    )
