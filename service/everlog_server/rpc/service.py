"""What a service is, and how services are registered with a server.

Handlers take and give bytes, without (de)serializers of gRPC: see event_store.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeAlias

import grpc

from everlog_server.rpc.calls import Calls
from everlog_server.rpc.entry import Context, Entry
from everlog_server.rpc.guard import Around, guarded
from everlog_server.rpc.rights import RIGHTS

Handlers: TypeAlias = "dict[str, grpc.RpcMethodHandler[bytes, bytes]]"


class Service(Protocol):
    """One of everlog's own."""

    name: str
    """In full, with its package."""

    def handlers(self) -> Handlers:
        """Its methods, by name."""


def unary(*methods: Callable[[bytes, Context], Awaitable[bytes]]) -> Handlers:
    """Handlers that have the names of their RPCs, one answer to one request each."""
    return {method.__name__: grpc.unary_unary_rpc_method_handler(method) for method in methods}


def add_services(
    server: grpc.aio.Server,
    services: Iterable[Service],
    calls: Calls,
    entry: Entry,
    *,
    around: Around | None = None,
) -> None:
    """Registers them; what a handler raises is answered with a status, and `calls` counts it.

    All enter by `entry`. Raises KeyError for a method of which nobody has said who may call it.

    `around` gets each handler with one answer, and its method, and gives the one that is called.
    """
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                service.name,
                {
                    method: guarded(
                        handler,
                        calls.of(f"{service.name}/{method}", is_stream=_is_stream(handler)),
                        entry,
                        RIGHTS[f"{service.name}/{method}"],
                        around=around,
                    )
                    for method, handler in service.handlers().items()
                },
            )
            for service in services
        ]
    )


def _is_stream(handler: grpc.RpcMethodHandler[bytes, bytes]) -> bool:
    return handler.request_streaming or handler.response_streaming
