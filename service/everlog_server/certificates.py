"""Certificates and keys in PEM files: whether they can be used together, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from everlog_server.errors import EverlogError


class CertificateError(EverlogError):
    """A certificate or its key can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TlsFiles:
    """What a server shows of itself, and which clients it believes. `key` is a secret."""

    certificate: bytes
    """Its own, and those that lead to an authority."""
    key: bytes
    client_ca: bytes | None
    """The authorities of clients; None: clients are not asked for a certificate."""
    expire_time: datetime
    """When the first certificate of all these ends, except those of `client_ca`."""
    names: tuple[str, ...]
    """What the server's certificate is for."""


def read_tls_files(certificate: Path, key: Path, client_ca: Path | None) -> TlsFiles:
    """The files, if they belong together; raises CertificateError, which never shows a key."""
    certificate_pem, key_pem = _read(certificate), _read(key)
    chain = _certificates(certificate_pem, certificate)
    try:
        private_key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise CertificateError(f"{key} is encrypted: everlog has no password for it") from None
    except Exception:  # noqa: BLE001, RUF100  whatever it says may show a part of the key
        raise CertificateError(f"{key} holds no private key in PEM") from None
    if _public_bytes(private_key) != _public_bytes(chain[0]):
        raise CertificateError(f"{key} is not the key of the certificate in {certificate}")
    client_ca_pem = None
    if client_ca is not None:
        client_ca_pem = _read(client_ca)
        _certificates(client_ca_pem, client_ca)
    return TlsFiles(
        certificate=certificate_pem,
        key=key_pem,
        client_ca=client_ca_pem,
        expire_time=min(one.not_valid_after_utc for one in chain),
        names=_names(chain[0]),
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{file} can't be read: {error.strerror}") from None


def _certificates(pem: bytes, file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise CertificateError(f"{file} holds no certificate in PEM") from None


def _public_bytes(owner: object) -> bytes:
    public_key = owner.public_key()  # type: ignore[attr-defined]  # certificates and keys have it
    encoded: bytes = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in found.value)
