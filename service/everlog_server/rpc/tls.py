"""TLS of the server: its certificate is read again when its files change, without a restart.

gRPC asks before each handshake. The files are looked at then (three calls of stat, some 5 µs), and
read when one has changed. What can't be used, as a certificate whose key is yet to be written, is
logged once and changes nothing: the one before goes on. Connections keep what they began with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import structlog

from everlog_server.certificates import CertificateError, TlsFiles, read_tls_files

EXPIRES_SOON = timedelta(days=30)

_log = structlog.get_logger(__name__)


class ServerTls:
    """The certificate that is shown. Must live as long as the server."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """Raises CertificateError."""
        self._files = (certificate, key, client_ca)
        self._looked_at = self._look()
        first = self._read()
        # gRPC's C part keeps a pointer to it, and aio no reference: so do we.
        self.credentials: Any = grpc.dynamic_ssl_server_credentials(
            _configuration(first),
            cast("Any", self._changed),  # None is allowed, says its docstring; its stub does not
            require_client_authentication=client_ca is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is to be shown from now on; None: what was. In a thread of gRPC's; never raises."""
        try:
            looked_at = self._look()
            if looked_at == self._looked_at:
                return None
            # Also when it can't be used: it is looked at again when it has changed again.
            self._looked_at = looked_at
            return _configuration(self._read())
        except CertificateError as error:
            _log.error("tls_certificate_kept", why=error.message)
        except Exception:
            _log.exception("tls_certificate_kept")
        return None

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_state(file) for file in self._files if file is not None)

    def _read(self) -> TlsFiles:
        files = read_tls_files(*self._files)
        until = files.expire_time.isoformat()
        _log.info("tls_certificate", names=list(files.names), expire_time=until)
        if files.expire_time - datetime.now(UTC) < EXPIRES_SOON:
            _log.warning("tls_certificate_expires_soon", expire_time=until)
        return files


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(files.key, files.certificate)], root_certificates=files.client_ca
    )


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()  # through links, by which Kubernetes changes secrets
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
