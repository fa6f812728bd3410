"""A listing of events that fetches its pages by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from everlog.recorded import RecordedEvent
from everlog.v1 import event_store_pb2


class Query:
    """Events under a filter, page by page. It may be iterated again: that asks the server again.

    `through_position` and `total_size` are known once the first page is here (`async for`, or
    `await query.pages().__anext__()`).
    """

    def __init__(
        self,
        fetch: Callable[[event_store_pb2.QueryRequest], Awaitable[event_store_pb2.QueryResponse]],
        request: event_store_pb2.QueryRequest,
        *,
        limit: int | None,
    ) -> None:
        self._fetch = fetch
        self._request = request
        self._limit = limit
        self.through_position: int | None = None
        """The head when the first page was taken: a Subscribe after it goes on from there."""

        self.total_size: int | None = None
        """How many events match in all; None when not asked for, or too expensive to count."""

    async def __aiter__(self) -> AsyncIterator[RecordedEvent]:
        async for page in self.pages():
            for event in page:
                yield event

    async def pages(self) -> AsyncIterator[list[RecordedEvent]]:
        """Yield page after page; a page may be empty before the last one."""
        request = event_store_pb2.QueryRequest()
        request.CopyFrom(self._request)
        remaining = self._limit
        while remaining is None or remaining > 0:
            if remaining is not None:
                request.page_size = min(remaining, self._request.page_size)
            response = await self._fetch(request)
            if not request.page_token:
                self._remember(response)
            outcomes = {outcome.event_id: outcome for outcome in response.outcomes}
            yield [RecordedEvent(event, outcomes.get(event.event_id)) for event in response.events]
            if not response.next_page_token:
                return
            if remaining is not None:
                remaining -= len(response.events)
            request.page_token = response.next_page_token

    def _remember(self, first_page: event_store_pb2.QueryResponse) -> None:
        self.through_position = first_page.through_position
        if first_page.HasField("total_size"):
            self.total_size = first_page.total_size
