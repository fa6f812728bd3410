"""Where the server listens, and what gRPC itself bounds: connections, calls, sizes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from everlog_server.errors import EverlogError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from everlog_server.rpc.tls import ServerTls
    from everlog_server.settings import ServerSettings, Settings

# What a message has around its events, a thousand expectations with long names among it. Beyond it,
# gRPC refuses the message itself, and says nothing that a caller could branch on.
_MESSAGE_SLACK_BYTES = 2 * 1024 * 1024
_PING_ANSWER_SECONDS = 20
# A client that pings more often, thrice, is told to go away; 5 minutes, gRPC's default, ends honest
# ones.
_CLIENT_PING_INTERVAL_SECONDS_MIN = 5
_CLIENT_PING_STRIKES_MAX = 2
# Of a call's metadata: a JWT with many claims, and room for what a mesh adds. Calls with more are
# refused, with much more their connection is read no further: once the client has acknowledged our
# settings. Until then, as the protocol has it, gRPC takes 16 MiB, and hands them to Python: see
# docs/supply-chain.md, "What calls that break cost".
_METADATA_BYTES_MAX = 16 * 1024
_METADATA_BYTES_ABSOLUTE_MAX = 64 * 1024
_CONNECTION_AGE_SECONDS_WITH_WORKERS = 600.0
# Connections made together must not all come back together.
_CONNECTION_AGE_JITTER = 0.1


class ListenError(EverlogError):
    """The address can't be listened on."""


def listen(server: grpc.aio.Server, settings: ServerSettings, tls: ServerTls | None) -> str:
    """Binds the port; returns the address with the port that it got."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, tls.credentials)
    except RuntimeError as error:
        raise ListenError(
            f"can't listen on {host}:{settings.port}: somebody else does, or it is not an address"
            " of this machine"
        ) from error
    return f"{host}:{port}"


def channel_options(loaded: Settings) -> Sequence[tuple[str, int]]:
    """The settings of gRPC: https://grpc.github.io/grpc/core/group__grpc__arg__keys.html."""
    options = {
        "grpc.so_reuseport": int(loaded.server.workers > 1),
        "grpc.max_receive_message_length": loaded.limits.request_bytes_max + _MESSAGE_SLACK_BYTES,
        # Calls that wait for Python to take them: about as many as it takes in a second or two. To
        # end the others costs Python nothing, to refuse them with a reason as much as half an Emit:
        # at twice the load all that could be done would be to refuse. Each costs some 17 KiB, also
        # after its connection broke.
        "grpc.server.max_pending_requests": loaded.server.waiting_calls_max,
        "grpc.server.max_pending_requests_hard_limit": loaded.server.waiting_calls_max,
        # A subscriber whose machine vanished is noticed, though nothing is ever sent to us.
        "grpc.keepalive_time_ms": int(loaded.server.keepalive_seconds * 1000),
        "grpc.keepalive_timeout_ms": _PING_ANSWER_SECONDS * 1000,
        "grpc.http2.max_pings_without_data": 0,
        "grpc.http2.max_ping_strikes": _CLIENT_PING_STRIKES_MAX,
        # Calls beyond it are refused by gRPC itself (REFUSED_STREAM), which costs Python nothing.
        "grpc.max_concurrent_streams": loaded.server.connection_calls_max,
        "grpc.max_allowed_incoming_connections": loaded.server.connections_max,
        # Also for the client's first settings, which half a handshake never sends.
        "grpc.server_handshake_timeout_ms": int(loaded.server.handshake_timeout_seconds * 1000),
        "grpc.max_metadata_size": _METADATA_BYTES_MAX,
        "grpc.absolute_max_metadata_size": _METADATA_BYTES_ABSOLUTE_MAX,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.min_ping_interval_without_data_ms": _CLIENT_PING_INTERVAL_SECONDS_MIN * 1000,
    }
    age_seconds = loaded.server.connection_age_max_seconds
    if age_seconds is None and loaded.server.workers > 1:
        # SO_REUSEPORT spreads connections unevenly, once and for all: renewing them evens it out.
        age_seconds = _CONNECTION_AGE_SECONDS_WITH_WORKERS
    if age_seconds:
        # Calls that run keep their old connection: without a grace of ours they are never cut.
        jitter = 1 + random.uniform(-_CONNECTION_AGE_JITTER, _CONNECTION_AGE_JITTER)  # noqa: S311
        options["grpc.max_connection_age_ms"] = int(age_seconds * jitter * 1000)
    return list(options.items())
