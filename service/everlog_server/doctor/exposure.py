"""Who can reach the server, and whether what it shows of itself still holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from everlog_server.certificates import CertificateError, read_tls_files
from everlog_server.doctor.findings import Finding, fine, problem, warning
from everlog_server.settings import Settings

_SOON = timedelta(days=30)


def examine_exposure(loaded: Settings) -> Iterator[Finding]:
    """Looks at identity and TLS, as the settings have them."""
    yield _identity(loaded)
    yield _certificate(loaded)


def _identity(loaded: Settings) -> Finding:
    host = loaded.server.host
    if loaded.identity.mode == "required":
        return fine("identity", "callers must prove who they are")
    if loaded.listens_on_loopback:
        return fine("identity", f"open to programs of this machine: it listens on {host}")
    return problem(
        "identity",
        f"open to everybody who can reach {host}",
        why="each of them may read and write everything",
        command="--identity-mode required, with tokens: see docs/security.md",
    )


def _certificate(loaded: Settings) -> Finding:
    server = loaded.server
    if server.tls_certificate is None or server.tls_key is None:
        if loaded.listens_on_loopback:
            return fine("tls", f"none, on {server.host}")
        return warning(
            "tls",
            f"none, on {server.host}",
            why="whoever is on the way reads events and tokens",
            command="--tls-certificate and --tls-key, or something in front that ends TLS",
        )
    try:
        files = read_tls_files(server.tls_certificate, server.tls_key, server.tls_client_ca)
    except CertificateError as error:
        return problem(
            "tls",
            error.message,
            why="the server does not start with it; one that runs shows the one before",
            command="put a certificate and its key there",
        )
    left = files.expire_time - datetime.now(UTC)
    text = f"{server.tls_certificate} is valid until {files.expire_time:%Y-%m-%d %H:%M} UTC"
    if left > _SOON:
        return fine("tls", text)
    command = "renew it: the server takes the new files without a restart"
    if left <= timedelta():
        text = f"{server.tls_certificate} has expired: {files.expire_time:%Y-%m-%d %H:%M} UTC"
        return problem("tls", text, why="clients refuse to connect", command=command)
    return warning(
        "tls", text, why=f"in {left.days} days clients will refuse to connect", command=command
    )
