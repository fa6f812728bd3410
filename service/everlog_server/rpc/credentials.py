"""What a call carries to prove who makes it: its `authorization` header, and its certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everlog_server.errors import UnauthenticatedError
from everlog_server.identity.callers import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from everlog_server.rpc.entry import Context

AUTHORIZATION = "authorization"

_SUBJECT_ALTERNATIVE_NAME = "x509_subject_alternative_name"
_COMMON_NAME = "x509_common_name"


def credentials_of(context: Context, *, certificates: bool = True) -> Credentials:
    """The credentials of a call; raises UnauthenticatedError if it has two headers of them.

    Without `certificates` those are not asked for: a server that requires none can't have any.
    """
    tls_names = tls_names_of(context) if certificates else ()
    return Credentials(authorization_in(context.invocation_metadata() or ()), tls_names)


def authorization_in(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """The one header among a call's metadata; raises UnauthenticatedError if there are two."""
    found: str | None = None
    for key, value in metadata:
        if key == AUTHORIZATION:
            if found is not None or not isinstance(value, str):
                # Whoever stands in front may have looked at the other one.
                raise UnauthenticatedError("the header authorization must be given at most once")
            found = value
    return found


def tls_names_of(context: Context) -> tuple[str, ...]:
    """The names of the certificate that the client has proved to own; empty: it has shown none.

    Those of its Subject Alternative Name; only a certificate without any goes by its Common Name,
    as RFC 6125 has it. gRPC has verified the chain: it keeps no names of one that it did not ask.
    """
    properties = context.auth_context()
    names = properties.get(_SUBJECT_ALTERNATIVE_NAME) or properties.get(_COMMON_NAME) or ()
    return tuple(name.decode("utf-8", "replace") for name in names)
