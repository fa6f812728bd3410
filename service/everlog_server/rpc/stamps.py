"""What is written into a caller's events of who it is: `actor`, and `user_id`.

It is stored with the event, in the record too, behind the caller's bytes. Fingerprints don't have
it: a retry is the same, whoever makes it (see decoding.py).
"""

from __future__ import annotations

from typing import NamedTuple

from everlog_server.errors import PermissionDeniedError
from everlog_server.rpc.codec import varint

# Tags of fields 16 and 17, of wire type 2.
_ACTOR = b"\x82\x01"
_USER_ID = b"\x8a\x01"


class Stamp(NamedTuple):
    """Of one caller."""

    actor: str
    user_id: str
    """Empty: its events are of no user."""
    is_optional: bool
    """Whether an event may say something else: only what it leaves empty is stamped."""
    actor_bytes: bytes
    """The field as events have it serialized; empty: there is nothing to be stamped."""
    user_id_bytes: bytes
    both_bytes: bytes

    @classmethod
    def of(cls, actor: str, user_id: str, *, is_optional: bool = False) -> Stamp:
        """The stamp of a caller; no text may hold a NUL."""
        actor_bytes, user_id_bytes = _field(_ACTOR, actor), _field(_USER_ID, user_id)
        both = actor_bytes + user_id_bytes
        return cls(actor, user_id, is_optional, actor_bytes, user_id_bytes, both)

    def check(self, path: str, actor: str | None, user_id: str | None) -> None:
        """Raises PermissionDeniedError if a request says otherwise. Empty or None: it doesn't say.

        `path` is of the message that has the fields, with its full stop; empty: the request itself.
        """
        if self.is_optional:
            return
        if actor and actor != self.actor:
            raise _denied(f"{path}actor", actor, self.actor)
        if user_id and user_id != self.user_id:
            raise _denied(f"{path}user_id", user_id, self.user_id)


def _denied(field: str, value: str, own: str) -> PermissionDeniedError:
    may = (
        f"may only be {own!r}, as the caller's identity says, or absent"
        if own
        else "may not be given"
    )
    return PermissionDeniedError(f"{field}: is {value!r}; {may}", metadata={"field": field})


def _field(tag: bytes, text: str) -> bytes:
    encoded = text.encode()
    return tag + varint(len(encoded)) + encoded if encoded else b""
