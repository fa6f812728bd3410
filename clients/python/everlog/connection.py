"""Calls to one server: their headers, deadlines and typed failures."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from grpc.aio import AioRpcError, Channel, UsageError

from everlog.cancellation import Cancellation
from everlog.channel import Headers, call_headers
from everlog.deliveries import ConsumeCall
from everlog.errors import ConnectionLost, DeadlineExceeded, EverlogError
from everlog.pipeline import EmitCall
from everlog.reach import Reach
from everlog.retry import Backoff, read_may_be_retried
from everlog.status import error_from_rpc
from everlog.subscription import SubscribeCall
from everlog.v1 import (
    admin_pb2_grpc,
    aggregates_pb2_grpc,
    catalog_pb2_grpc,
    consumers_pb2_grpc,
    entities_pb2_grpc,
    event_store_pb2,
    event_store_pb2_grpc,
    narratives_pb2_grpc,
    projections_pb2_grpc,
)

if TYPE_CHECKING:
    from grpc.aio import StreamStreamMultiCallable

    from everlog.v1.admin_pb2_grpc import AdminServiceAsyncStub
    from everlog.v1.aggregates_pb2_grpc import AggregateServiceAsyncStub
    from everlog.v1.catalog_pb2_grpc import CatalogServiceAsyncStub
    from everlog.v1.consumers_pb2_grpc import ConsumerServiceAsyncStub
    from everlog.v1.entities_pb2_grpc import EntityServiceAsyncStub
    from everlog.v1.event_store_pb2_grpc import EventStoreServiceAsyncStub
    from everlog.v1.narratives_pb2_grpc import NarrativeServiceAsyncStub
    from everlog.v1.projections_pb2_grpc import ProjectionServiceAsyncStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Request_contra = TypeVar("_Request_contra", contravariant=True)
_Response_co = TypeVar("_Response_co", covariant=True)
_Item = TypeVar("_Item")


class _PageRequest(Protocol):
    page_size: int
    page_token: str


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


_Listing = TypeVar("_Listing", bound=_PageRequest)
_PageOf = TypeVar("_PageOf", bound=_Page)


class _Unary(Protocol[_Request_contra, _Response_co]):
    def __call__(
        self,
        request: _Request_contra,
        /,
        *,
        timeout: float | None,
        metadata: Headers,
    ) -> Awaitable[_Response_co]: ...


class Connection:
    """The calls of the services on a channel, for one tenant."""

    def __init__(
        self,
        channel: Channel,
        reach: Reach,
        *,
        tenant: str | None,
        token: str | None,
        timeout_seconds: float | None,
        backoff: Backoff | None,
    ) -> None:
        self.channel = channel
        self._headers = call_headers(tenant=tenant, token=token)
        self._timeout_seconds = timeout_seconds
        self._backoff = backoff
        self.reach = reach
        self.stub: EventStoreServiceAsyncStub = event_store_pb2_grpc.EventStoreServiceStub(channel)
        self.admin: AdminServiceAsyncStub = admin_pb2_grpc.AdminServiceStub(channel)
        self.aggregates: AggregateServiceAsyncStub = aggregates_pb2_grpc.AggregateServiceStub(
            channel
        )
        self.catalog: CatalogServiceAsyncStub = catalog_pb2_grpc.CatalogServiceStub(channel)
        self.narratives: NarrativeServiceAsyncStub = narratives_pb2_grpc.NarrativeServiceStub(
            channel
        )
        self.entities: EntityServiceAsyncStub = entities_pb2_grpc.EntityServiceStub(channel)
        self.consumers: ConsumerServiceAsyncStub = consumers_pb2_grpc.ConsumerServiceStub(channel)
        self.projections: ProjectionServiceAsyncStub = projections_pb2_grpc.ProjectionServiceStub(
            channel
        )
        # Messages that are serialized already pass through as they are.
        self._emit_stream: StreamStreamMultiCallable[bytes, event_store_pb2.EmitStreamResponse] = (
            channel.stream_stream(
                "/everlog.v1.EventStoreService/EmitStream",
                response_deserializer=event_store_pb2.EmitStreamResponse.FromString,
            )
        )

    async def read(
        self,
        method: _Unary[_Request, _Response],
        request: _Request,
        *,
        repeatable: bool = True,
        timeout_seconds: float | None = None,
    ) -> _Response:
        """Make a unary call, again while it is UNAVAILABLE and there is time.

        One that is not `repeatable`, because it writes what could not be recognised, is made once.
        """
        loop = asyncio.get_running_loop()
        timeout = timeout_seconds or self._timeout_seconds
        deadline = math.inf if timeout is None else loop.time() + timeout
        search_deadline = self.reach.deadline()
        cancellation = Cancellation()
        failures = 0
        interruption: EverlogError | None = None
        while True:
            await self.reach.search(search_deadline, call_deadline=deadline, last=interruption)
            try:
                remaining = None if timeout is None else max(deadline - loop.time(), 0.0)
                response = await method(request, timeout=remaining, metadata=self._headers)
                self.reach.note()
                return response
            except AioRpcError as failure:
                cancellation.heed()
                error = error_from_rpc(failure)
            except UsageError:
                raise ConnectionLost("the client is closed") from None
            if error.reason:
                self.reach.note()
            if type(error) is DeadlineExceeded and interruption is not None:
                raise interruption  # why it took so long says more than that it did
            if not repeatable or self._backoff is None or not read_may_be_retried(error):
                raise error
            interruption = error
            failures += 1
            seconds = self._backoff.seconds(failures, retry_after=error.retry_after)
            if loop.time() + seconds >= deadline:
                raise error
            if self.reach.is_over(search_deadline, after_seconds=seconds):
                raise self.reach.failure(error)
            await asyncio.sleep(seconds)

    async def listing(
        self,
        method: _Unary[_Listing, _PageOf],
        request: _Listing,
        items: Callable[[_PageOf], Iterable[_Item]],
        *,
        limit: int | None = None,
        page_size: int = 0,
    ) -> AsyncGenerator[_Item, None]:
        """Yield what a listing has, page after page; `limit` of them at most.

        A page of size 0 has as many as the server likes.
        """
        remaining = limit
        while remaining is None or remaining > 0:
            request.page_size = page_size if remaining is None else min(remaining, page_size)
            page = await self.read(method, request)
            for item in items(page):
                yield item
                if remaining is not None:
                    remaining -= 1
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def replay(
        self, request: event_store_pb2.ReplayRequest
    ) -> AsyncGenerator[event_store_pb2.ReplayResponse, None]:
        """Stream a stretch of history. It has no deadline: its length is the caller's choice."""
        call = self.stub.Replay(request, metadata=self._headers)
        try:
            async for response in call:
                yield response
        except AioRpcError as failure:
            raise error_from_rpc(failure) from None
        finally:
            call.cancel()

    def subscribe(self, request: event_store_pb2.SubscribeRequest) -> SubscribeCall:
        """Open a Subscribe call."""
        return self.stub.Subscribe(request, metadata=self._headers)

    def consume(self) -> ConsumeCall:
        """Open a Consume call."""
        return self.consumers.Consume(metadata=self._headers)

    def emit_stream(self) -> EmitCall:
        """Open an EmitStream call that takes serialized messages."""
        return self._emit_stream(metadata=self._headers)


class Calls:
    """What the parts of a client have in common: each has the calls of one service."""

    _connection: Connection | None = None

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the client is not open: use `async with everlog.connect(…)`")
        return self._connection
