"""The pages of a listing, and the tokens that lead from one to the next.

A token is opaque to callers. It holds the place where the next page begins, and a digest over that,
the tenant, and the request but for what may differ from page to page: so one that is damaged, or
that belongs to another tenant, listing or request, or to a caller who may see other events, is as
good as none. It is no signature: whoever forges one only chooses where to begin in a listing that
he may read anyway, and only among places that PostgreSQL can be asked for: no text with a NUL, no
number near the end of `bigint`.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from google.protobuf.message import Message

from everlog_server.errors import FieldViolation, InvalidPageTokenError
from everlog_server.storage.pages import PAGE_BYTES_MAX

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

# Changed with what places or digests are made of, so that older tokens are refused.
_FORMAT = b"everlog page 2"
_DIGEST_BYTES = 12
# They say how a page is given, and how much is told beside it; not what is listed.
_OF_ONE_PAGE = frozenset(
    {"page_size", "page_token", "min_position", "include_total_size", "include_outcomes"}
)
_POSITIONS = struct.Struct(">qq")
_FRAME_BYTES_MAX = 5
"""What a message of a page has around it."""
_NUMBER_MIN = -1
_NUMBER_MAX = 2**62
"""Of a place: what is added to it remains a `bigint`."""

_Place = TypeVar("_Place")
_Item = TypeVar("_Item", bound=Message)


class Positions(NamedTuple):
    """The place in a listing by position."""

    cursor: int
    """The position up to (newest first: down to) which the pages before have examined the log."""
    through: int
    """The position that the listing ends at: for all pages that of the first one."""

    def pack(self) -> bytes:
        """As a token holds them."""
        return _POSITIONS.pack(*self)

    @classmethod
    def unpack(cls, place: bytes) -> Positions:
        """Raises struct.error when they are none."""
        return cls(*_POSITIONS.unpack(place))


class Listing:
    """What a token is good for: a tenant's request, whichever page of it.

    And, by `scope_key`, for those who are limited to the same events: see rights.py. What is said
    in two ways must be made one before: see the callers.
    """

    def __init__(self, tenant_id: int, request: Message, *, scope_key: bytes = b"") -> None:
        listing = type(request)()
        listing.CopyFrom(request)
        listing.DiscardUnknownFields()
        for field, _ in listing.ListFields():
            if field.name in _OF_ONE_PAGE:
                listing.ClearField(field.name)
        self._bound = b"".join(
            [
                struct.pack(">q", tenant_id),
                request.DESCRIPTOR.full_name.encode(),
                b"\0",
                listing.SerializeToString(deterministic=True),
                # A length behind it, so that no scope reads as the end of a request.
                scope_key,
                struct.pack(">q", len(scope_key)) if scope_key else b"",
            ]
        )

    def token(self, place: bytes) -> str:
        """The token of the page that begins at a place."""
        content = struct.pack(">q", len(place)) + place + self._bound
        digest = blake2b(content, digest_size=_DIGEST_BYTES, person=_FORMAT).digest()
        return urlsafe_b64encode(digest + place).rstrip(b"=").decode()

    def place(self, token: str, unpack: Callable[[bytes], _Place]) -> _Place:
        """Where the page of a token begins; InvalidPageTokenError if it isn't of this listing.

        `unpack` raises ValueError or struct.error for what is no place.
        """
        try:
            packed = urlsafe_b64decode(token + "=" * (-len(token) % 4))[_DIGEST_BYTES:]
            place = unpack(packed)
        except (ValueError, struct.error):
            raise _refused() from None
        # Base64 decoders skip what is not Base64, and take some characters for others.
        if token != self.token(packed) or not _can_be_asked_for(place):
            raise _refused()
        return place


def fill_page(
    page: RepeatedCompositeFieldContainer[_Item], found: Iterable[_Item], size: int
) -> bool:
    """Fills a page up to 1 MiB, with one at least; whether there are more."""
    listed = 0
    for one in found:
        listed += one.ByteSize() + _FRAME_BYTES_MAX
        if page and (len(page) >= size or listed > PAGE_BYTES_MAX):
            return True
        page.append(one)
    return False


def _can_be_asked_for(place: object) -> bool:
    """Whether whatever a place is made of is something that a listing could have told."""
    if isinstance(place, int):
        return _NUMBER_MIN <= place <= _NUMBER_MAX
    if isinstance(place, str):
        return "\0" not in place
    return place is None or (isinstance(place, tuple) and all(map(_can_be_asked_for, place)))


def _refused() -> InvalidPageTokenError:
    return InvalidPageTokenError(
        FieldViolation(
            "page_token", "is damaged, or belongs to another listing: begin anew without"
        )
    )
