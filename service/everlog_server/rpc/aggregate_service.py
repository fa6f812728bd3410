"""AggregateService: check, decode, one call into the house, encode."""

from __future__ import annotations

from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import aggregates_pb2 as pb
from everlog.v1 import event_pb2
from everlog_server.aggregates import States
from everlog_server.errors import AggregateNotFoundError
from everlog_server.model import AggregateKey
from everlog_server.rpc.aggregate_requests import Place, decode_names
from everlog_server.rpc.codec import encode_latest_response
from everlog_server.rpc.entry import Context, call_of
from everlog_server.rpc.fields import checked_enum, decode_aggregate
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.page_token import Listing
from everlog_server.rpc.requests import at_least, bounded, checked_time, page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.visibility import tenant_that_shows
from everlog_server.settings import LimitSettings
from everlog_server.storage.counts import Counts, Group
from everlog_server.storage.latest import latest
from everlog_server.storage.listings import AggregateSummary, Listings, Names, Stretch
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants

_LATEST_DEFAULT = 10
_BUSIEST_DEFAULT = 10
_BUSIEST_MAX = 100
_ACTIVITY_SPANS_SECONDS = [60, 3600, 86_400, 7 * 86_400]
_GROUPS = {
    pb.COUNT_GROUP_EVENT_TYPE: Group.EVENT_TYPE,
    pb.COUNT_GROUP_DAY: Group.DAY,
    pb.COUNT_GROUP_AGGREGATE_TYPE: Group.AGGREGATE_TYPE,
    pb.COUNT_GROUP_ACTOR: Group.ACTOR,
}


class AggregateService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["AggregateService"].full_name

    def __init__(
        self,
        *,
        tenants: Tenants,
        reader: EventReader,
        states: States,
        listings: Listings,
        counts: Counts,
        limits: LimitSettings,
    ) -> None:
        self._tenant_that_shows = partial(
            tenant_that_shows, tenants=tenants, wait=reader.wait_visible
        )
        self._reader = reader
        self._states = states
        self._listings = listings
        self._counts = counts
        self._limits = limits

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.GetState,
            self.ListAggregates,
            self.CountEvents,
            self.Latest,
            self.GetStatistics,
        )

    async def GetState(self, data: bytes, context: Context) -> bytes:
        """The state of an aggregate, now or then."""
        request = parse(pb.GetStateRequest, data)
        aggregate = decode_aggregate(request.aggregate, "aggregate", self._limits.name_bytes_max)
        end = request.WhichOneof("end")
        sequence = at_least(0, request.through_sequence, "through_sequence")
        time = checked_time(request.through_time, "through_time")
        rights = call_of(context).rights
        if not rights.check_aggregate_types(aggregate.aggregate_type, "aggregate"):
            raise AggregateNotFoundError(aggregate)
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        then = await self._states.state(
            tenant_id,
            aggregate,
            through_sequence=sequence if end == "through_sequence" else None,
            through_time=time if end == "through_time" else None,
        )
        response = pb.GetStateResponse(
            state=then.state.decode(),
            events_replayed=then.events_replayed,
            aggregate_type_version=then.version,
        )
        response.duration.FromMicroseconds(round(then.seconds * 1_000_000))
        if then.last_event is not None:
            response.last_sequence = then.last_event.sequence
            response.last_event_type = then.last_event.event_type
            response.last_record_time.CopyFrom(then.last_event.record_time)
            response.last_position = then.last_event.position
        return response.SerializeToString()

    async def ListAggregates(self, data: bytes, context: Context) -> bytes:
        """A page of aggregates."""
        request = parse(pb.ListAggregatesRequest, data)
        names = decode_names(request, self._limits)
        checked_time(request.active_from, "active_from")
        checked_time(request.active_before, "active_before")
        limit = page_size(request, self._limits)
        checked_enum(request.order, pb.AggregateOrder.DESCRIPTOR, "order")
        rights = call_of(context).rights
        sees = rights.check_aggregate_types(request.aggregate_type, "aggregate_type")
        tenant_id = await self._tenant_that_shows(0, context)
        listing = Listing(tenant_id, request, scope_key=rights.scope_key)
        if request.page_token:
            place = listing.place(request.page_token, Place.unpack)
        else:
            head = (await self._reader.head(tenant_id)).position
            place = Place(head, head, None)
        if not sees:
            return pb.ListAggregatesResponse(through_position=place.head).SerializeToString()
        after, end = await self._last_events(tenant_id, request, place.head)
        if request.order == pb.AGGREGATE_ORDER_NAME:
            aggregates, following = await self._by_name(
                tenant_id, names, Stretch(after, end, place.head), place, limit
            )
        else:
            stretch = Stretch(after, min(end, place.end), place.head)
            page = await self._listings.by_activity(tenant_id, names, stretch, limit=limit)
            aggregates = page.aggregates
            following = None if page.end is None else place._replace(end=page.end)
        response = pb.ListAggregatesResponse(
            aggregates=map(_summary, aggregates), through_position=place.head
        )
        if following is not None:
            response.next_page_token = listing.token(following.pack())
        return response.SerializeToString()

    async def CountEvents(self, data: bytes, context: Context) -> bytes:
        """How many events there are."""
        request = parse(pb.CountEventsRequest, data)
        event_filter = decode_filter(request.filter, self._limits)
        event_filter = call_of(context).rights.narrow(event_filter)
        checked_enum(request.group, pb.CountGroup.DESCRIPTOR, "group")
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        through = (await self._reader.head(tenant_id)).position
        response = pb.CountEventsResponse(through_position=through)
        group = _GROUPS.get(request.group)
        if group is None:
            response.total = await self._counts.total(tenant_id, event_filter, through)
        else:
            counted = await self._counts.grouped(tenant_id, event_filter, through, group)
            response.total, response.truncated = counted.total, counted.truncated
            for key, events in counted.groups:
                response.counts.add(key=key, events=events)
        return response.SerializeToString()

    async def Latest(self, data: bytes, context: Context) -> bytes:
        """The latest events."""
        request = parse(pb.LatestRequest, data)
        event_filter = decode_filter(request.filter, self._limits)
        event_filter = call_of(context).rights.narrow(event_filter)
        limit = bounded(
            request.max_events,
            "max_events",
            default=_LATEST_DEFAULT,
            most=self._limits.page_events_max,
        )
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        through = (await self._reader.head(tenant_id)).position
        records = await latest(self._reader, tenant_id, event_filter, through=through, limit=limit)
        return encode_latest_response(records, through)

    async def GetStatistics(self, data: bytes, context: Context) -> bytes:
        """How much has happened."""
        request = parse(pb.GetStatisticsRequest, data)
        busiest_max = bounded(
            request.busiest_max, "busiest_max", default=_BUSIEST_DEFAULT, most=_BUSIEST_MAX
        )
        tenant_id = await self._tenant_that_shows(0, context)
        activity = await self._counts.activity(tenant_id, _ACTIVITY_SPANS_SECONDS)
        newest = await self._counts.newest(tenant_id, head=activity.head, busiest_max=busiest_max)
        response = pb.GetStatisticsResponse(
            head_position=activity.head,
            first_record_time=_timestamp(activity.first_record_time),
            last_record_time=_timestamp(activity.last_record_time),
            events_examined=newest.events,
            record_bytes_max=newest.record_bytes_max,
            aggregates_active=newest.aggregates,
        )
        if newest.events:
            mean = newest.bytes / newest.events
            response.record_bytes_mean = mean
            response.log_bytes_estimate = round(mean * activity.head)
        for seconds, events in zip(_ACTIVITY_SPANS_SECONDS, activity.events, strict=True):
            stretch = response.activity.add(events=events, events_per_second=events / seconds)
            stretch.span.FromSeconds(seconds)
        for event_type, events in newest.types:
            response.busiest_types.add(event_type=event_type, events=events)
        for aggregate, events in newest.busiest:
            response.busiest_aggregates.add(aggregate=_key(aggregate), events=events)
        return response.SerializeToString()

    async def _last_events(
        self, tenant_id: int, request: pb.ListAggregatesRequest, head: int
    ) -> tuple[int, int]:
        """The positions after which, and through which, last events are meant."""
        after, end = 0, head
        if request.HasField("active_from"):
            time = checked_time(request.active_from, "active_from")
            after = await self._reader.position_before(tenant_id, time)
        if request.HasField("active_before"):
            time = checked_time(request.active_before, "active_before")
            end = min(end, await self._reader.position_before(tenant_id, time))
        return after, end

    async def _by_name(
        self,
        tenant_id: int,
        names: Names,
        stretch: Stretch,
        place: Place,
        limit: int,
    ) -> tuple[list[AggregateSummary], Place | None]:
        if place.last is not None:
            names = names.after(place.last)
        page = await self._listings.by_name(tenant_id, names, stretch, limit=limit)
        following = None if page.last is None else Place(place.head, 0, page.last)
        return page.aggregates, following


def _summary(summary: AggregateSummary) -> pb.AggregateSummary:
    return pb.AggregateSummary(
        aggregate=_key(summary.aggregate),
        last_sequence=summary.last_sequence,
        last_position=summary.last_position,
        last_event_type=summary.last_event_type,
        last_record_time=_timestamp(summary.last_record_time),
        first_record_time=_timestamp(summary.first_record_time),
    )


def _key(aggregate: AggregateKey) -> event_pb2.AggregateKey:
    return event_pb2.AggregateKey(**aggregate._asdict())


def _timestamp(microseconds: int | None) -> Timestamp | None:
    if microseconds is None:
        return None
    time = Timestamp()
    time.FromMicroseconds(microseconds)
    return time
