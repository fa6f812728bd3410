"""The calls of AggregateService: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from everlog import aggregates, filters
from everlog.aggregates import (
    AggregateOrder,
    AggregateSummary,
    CountGroup,
    Counts,
    State,
    Statistics,
)
from everlog.connection import Calls
from everlog.filters import Filter
from everlog.recorded import RecordedEvent
from everlog.times import to_timestamp
from everlog.v1 import aggregates_pb2

_ORDERS = {
    "last_active_first": aggregates_pb2.AGGREGATE_ORDER_LAST_ACTIVE_FIRST,
    "name": aggregates_pb2.AGGREGATE_ORDER_NAME,
}
_GROUPS = {
    "event_type": aggregates_pb2.COUNT_GROUP_EVENT_TYPE,
    "day": aggregates_pb2.COUNT_GROUP_DAY,
    "aggregate_type": aggregates_pb2.COUNT_GROUP_AGGREGATE_TYPE,
    "actor": aggregates_pb2.COUNT_GROUP_ACTOR,
}


class AggregateCalls(Calls):
    """The methods of a client that are about aggregates."""

    async def state(
        self,
        aggregate: tuple[str, str],
        *,
        through_sequence: int | None = None,
        through_time: datetime | None = None,
        min_position: int = 0,
    ) -> State:
        """Tell what the events of an aggregate add up to, now or then (at most one bound).

        Raises AggregateNotFound for an aggregate without events.
        """
        if through_sequence is not None and through_time is not None:
            raise ValueError("expected at most one of through_sequence, through_time")
        request = aggregates_pb2.GetStateRequest(
            aggregate=aggregates.to_message(aggregate),
            through_time=None if through_time is None else to_timestamp(through_time),
            min_position=min_position,
        )
        if through_sequence is not None:
            request.through_sequence = through_sequence
        connection = self._open
        return State(await connection.read(connection.aggregates.GetState, request))

    async def aggregates(
        self,
        aggregate_type: str = "",
        *,
        id_prefix: str = "",
        active_from: datetime | None = None,
        active_before: datetime | None = None,
        order: AggregateOrder = "last_active_first",
        limit: int | None = None,
        page_size: int = 1_000,
    ) -> AsyncGenerator[AggregateSummary, None]:
        """Yield aggregates: of a type, with a prefix of ids, active between two times.

        The listing is of the log as it is when the first page is taken: each aggregate comes once.
        """
        if order not in _ORDERS:
            raise ValueError(f"order is {order!r}, expected one of {list(_ORDERS)}")
        request = aggregates_pb2.ListAggregatesRequest(
            aggregate_type=aggregate_type,
            id_prefix=id_prefix,
            active_from=None if active_from is None else to_timestamp(active_from),
            active_before=None if active_before is None else to_timestamp(active_before),
            order=_ORDERS[order],
        )
        connection = self._open
        listing = connection.listing(
            connection.aggregates.ListAggregates,
            request,
            lambda page: page.aggregates,
            limit=limit,
            page_size=page_size,
        )
        async with aclosing(listing) as found:
            async for summary in found:
                yield AggregateSummary.of(summary)

    async def count(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        by: CountGroup | None = None,
        min_position: int = 0,
    ) -> Counts:
        """Count events, in all and by what they have in common.

        Raises ReadTooExpensive when that takes longer than the server allows.
        """
        if by is not None and by not in _GROUPS:
            raise ValueError(f"by is {by!r}, expected one of {list(_GROUPS)}")
        request = aggregates_pb2.CountEventsRequest(
            filter=filters.to_message(filter),
            group=aggregates_pb2.COUNT_GROUP_UNSPECIFIED if by is None else _GROUPS[by],
            min_position=min_position,
        )
        connection = self._open
        return Counts.of(await connection.read(connection.aggregates.CountEvents, request))

    async def latest(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        max_events: int = 10,
        min_position: int = 0,
    ) -> list[RecordedEvent]:
        """Return the latest events, newest first: fewer where they would have more than 1 MiB."""
        request = aggregates_pb2.LatestRequest(
            filter=filters.to_message(filter), max_events=max_events, min_position=min_position
        )
        connection = self._open
        response = await connection.read(connection.aggregates.Latest, request)
        return [RecordedEvent(event) for event in response.events]

    async def statistics(self, *, busiest_max: int = 10) -> Statistics:
        """Tell how much has happened: totals, rates, sizes, busiest types and aggregates."""
        request = aggregates_pb2.GetStatisticsRequest(busiest_max=busiest_max)
        connection = self._open
        return Statistics.of(await connection.read(connection.aggregates.GetStatistics, request))
