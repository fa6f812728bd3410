"""Server reflection that knows methods by name, as its contract says.

`file_containing_symbol` takes `package.Service.Method` too, and tools such as ghz ask with it. The
descriptor pool behind grpcio-reflection finds files by messages, enums and services only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc.aio
    from google.protobuf.descriptor import FileDescriptor

SERVICE_NAME = reflection.SERVICE_NAME


class _PoolWithMethods:
    """The default pool; everything else is left to it."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            file: FileDescriptor = self._pool.FindMethodByName(symbol).containing_service.file
            return file


def add_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Lets callers ask which services there are, and of what messages."""
    pool: Any = _PoolWithMethods()  # a pool in all that is asked of it
    reflection.enable_server_reflection(services, server, pool=pool)
