"""From a URL to a client."""

from __future__ import annotations

import os
from pathlib import Path

from everlog.address import DEFAULT_URL, parse_address
from everlog.channel import Credentials
from everlog.client import Client
from everlog.retry import Backoff
from everlog.settings import DEFAULT_CONNECT_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS, Settings


def connect(
    url: str | None = None,
    *,
    tenant: str | None = None,
    token: str | None = None,
    timeout_seconds: float | None = DEFAULT_TIMEOUT_SECONDS,
    connect_timeout_seconds: float | None = DEFAULT_CONNECT_TIMEOUT_SECONDS,
    backoff: Backoff | None = Backoff(),  # noqa: B008 - immutable
    root_certificates: bytes | None = None,
    client_certificate: bytes | None = None,
    client_key: bytes | None = None,
    make_idempotency_keys: bool = False,
) -> Client:
    """Make a client, to be used with `async with`; nothing is connected before the first call.

    What is None here is taken from the environment, as the command line does: `url` from
    `EVERLOG_URL`, `tenant` from `EVERLOG_TENANT`, `token` from `EVERLOG_TOKEN`, and
    `root_certificates`, for TLS, from the file that `EVERLOG_CA` names. `""` is none, whatever the
    environment says.
    `url` is `everlog://host:port`, `everlogs://…` for TLS, or `host:port` (7420 when absent); this
    machine, where nobody says.
    `tenant` is whose log it is; where nobody says, the first of those that the token or the
    certificate is good for, or `default` where the server asks for neither.
    `timeout_seconds` bounds each emit and each unary read, retries included; None: no bound.
    `connect_timeout_seconds` bounds how long an emit or a unary read waits for the first
    connection: it fails with ConnectionLost then. Once connected, a client waits for a server that
    is away as long as `timeout_seconds` allows. `backoff` says how to wait between retries; None:
    nothing is retried or resumed. Certificates are PEM bytes. `make_idempotency_keys` gives each
    event that has no idempotency key a random one, so that every emit may be sent again after an
    interruption; it costs the log an index entry for each. Raises OSError when the file of
    `EVERLOG_CA` can't be read, and ValueError when the URL can't be
    understood, when tenant or token hold anything but printable ASCII, which is all that gRPC's
    metadata can carry, or when one of client_certificate and client_key is given without the other.
    """
    # gRPC would end the process.
    if (client_certificate is None) != (client_key is None):
        raise ValueError("client_certificate and client_key go together")
    address = parse_address(_or_environment(url, "EVERLOG_URL") or DEFAULT_URL)
    tenant = _or_environment(tenant, "EVERLOG_TENANT")
    token = _or_environment(token, "EVERLOG_TOKEN")
    if root_certificates is None and address.tls and (path := os.environ.get("EVERLOG_CA")):
        root_certificates = Path(path).read_bytes()
    for name, value in (("tenant", tenant or ""), ("token", token or "")):
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"the {name} may hold printable ASCII only")
    return Client(
        Settings(
            address=address,
            tenant=tenant,
            credentials=Credentials(
                token=token,
                root_certificates=root_certificates,
                client_certificate=client_certificate,
                client_key=client_key,
            ),
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=connect_timeout_seconds,
            backoff=backoff,
            make_idempotency_keys=make_idempotency_keys,
        )
    )


def _or_environment(given: str | None, name: str) -> str | None:
    """What was given, else what the environment says; nothing for an empty text."""
    return (os.environ.get(name) if given is None else given) or None
