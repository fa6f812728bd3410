"""The connection to a server: channel, credentials, and the headers of every call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import grpc
import grpc.aio

from everlog.address import Address

TENANT_HEADER = "everlog-tenant"

Headers: TypeAlias = tuple[tuple[str, str], ...]

_MIB = 1024 * 1024

OPTIONS: Sequence[tuple[str, int]] = (
    # Batches are at most 1 MiB, except for one larger event: the server may allow larger ones than
    # gRPC's default of 4 MiB would let in.
    ("grpc.max_receive_message_length", 64 * _MIB),
    ("grpc.max_send_message_length", 64 * _MIB),
    # A peer that vanished without a word (power, NAT) is noticed within 40 s, also when a stream is
    # silent. Servers answer pings more frequent than their own minimum with GOAWAY.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # gRPC would wait up to two minutes before it looks for a restarted server again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # The client decides about retries itself: it knows which emits may be repeated.
    ("grpc.enable_retries", 0),
    # A batch comes in one frame rather than in 64 of HTTP/2's default size.
    ("grpc.http2.max_frame_size", _MIB),
)
_KEPT_BLOCK_BYTES = 4 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client shows of itself, and which authorities it trusts; PEM bytes."""

    token: str | None = None
    root_certificates: bytes | None = None
    """Absent: those of the system."""

    client_certificate: bytes | None = None
    client_key: bytes | None = None


def open_channel(address: Address, credentials: Credentials) -> grpc.aio.Channel:
    """Open a channel; it connects when the first call is made. Needs a running event loop."""
    # Once glibc has freed a block so large, it keeps what is smaller for the next batch, instead of
    # giving it back to the kernel and faulting it in again: mallopt(3), M_MMAP_THRESHOLD.
    bytes(_KEPT_BLOCK_BYTES)
    if not address.tls:
        return grpc.aio.insecure_channel(address.target, options=OPTIONS)
    return grpc.aio.secure_channel(
        address.target,
        grpc.ssl_channel_credentials(
            root_certificates=credentials.root_certificates,
            private_key=credentials.client_key,
            certificate_chain=credentials.client_certificate,
        ),
        options=OPTIONS,
    )


def call_headers(*, tenant: str | None, token: str | None) -> Headers:
    """Give the metadata that every call carries."""
    headers = [] if tenant is None else [(TENANT_HEADER, tenant)]
    if token is not None:
        headers.append(("authorization", f"Bearer {token}"))
    return tuple(headers)
