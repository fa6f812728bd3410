"""Server reflection that knows methods by name, as its contract says.

`file_containing_symbol` takes `package.Service.Method` too, and tools such as ghz ask with it. The
descriptor pool behind grpcio-reflection finds files by messages, enums and services only.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from everlog_server.errors import EverlogError
from everlog_server.rpc.borrowed import RefusingServer
from everlog_server.rpc.credentials import credentials_of
from everlog_server.rpc.status import trailers_status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import grpc.aio
    from google.protobuf.descriptor import FileDescriptor

    from everlog_server.identity.callers import Authenticator
    from everlog_server.rpc.entry import Context

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


class _KnownOnly:
    """Answers to callers that are known."""

    def __init__(self, servicer: Any, authenticator: Authenticator) -> None:
        self._servicer = servicer
        self._authenticator = authenticator

    async def ServerReflectionInfo(
        self, request_iterator: AsyncIterator[Any], context: Context
    ) -> AsyncIterator[Any]:
        try:
            await self._authenticator.identify(credentials_of(context))
        except EverlogError as error:
            status = trailers_status_of(error, request_id=uuid.uuid4().hex)
            await context.abort(
                status.code, status.details or "", tuple(status.trailing_metadata or ())
            )
        async for answer in self._servicer.ServerReflectionInfo(request_iterator, context):
            yield answer


def add_reflection(
    services: Sequence[str], server: grpc.aio.Server, authenticator: Authenticator
) -> None:
    """Lets callers ask which services there are, and of what messages; those that are known."""
    pool: Any = _PoolWithMethods()  # a pool in all that is asked of it
    servicer: Any = reflection.aio.ReflectionServicer(services, pool=pool)
    refusing: Any = RefusingServer(server)
    add: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server  # untyped
    add(_KnownOnly(servicer, authenticator), refusing)
