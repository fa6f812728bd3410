"""AggregateService over the wire: state, listing, counts, latest, statistics.

One server for most of them; each test has tenants of its own.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import aggregates_pb2 as pb
from everlog.v1 import catalog_pb2, event_pb2, event_store_pb2, filter_pb2
from everlog.v1.aggregates_pb2_grpc import AggregateServiceStub
from everlog.v1.catalog_pb2_grpc import CatalogServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.servers import SharedServer


class Caller:
    """A caller of both services, of one tenant."""

    def __init__(self, channel: grpc.aio.Channel, tenant: str = "default") -> None:
        self._events = EventStoreServiceStub(channel)
        self._aggregates = AggregateServiceStub(channel)
        self._catalog = CatalogServiceStub(channel)
        self._options: dict[str, Any] = {
            "timeout": 15,
            "metadata": (("everlog-tenant", tenant),),
            "wait_for_ready": True,
        }

    async def emit(self, *events: event_pb2.NewEvent) -> list[event_store_pb2.Receipt]:
        request = event_store_pb2.EmitRequest(events=events)
        return list((await self._events.Emit(request, **self._options)).receipts)

    async def define(self, definition: catalog_pb2.AggregateTypeDefinition) -> None:
        request = catalog_pb2.SetAggregateTypeRequest(definition=definition)
        await self._catalog.SetAggregateType(request, **self._options)

    async def state(self, aggregate: str, **fields: Any) -> pb.GetStateResponse:
        request = pb.GetStateRequest(aggregate=key(aggregate), **fields)
        return await self._aggregates.GetState(request, **self._options)

    async def page(self, **fields: Any) -> pb.ListAggregatesResponse:
        request = pb.ListAggregatesRequest(**fields)
        return await self._aggregates.ListAggregates(request, **self._options)

    async def listed(self, **fields: Any) -> list[str]:
        """All pages."""
        names = []
        while True:
            page = await self.page(**fields)
            names += [name(summary.aggregate) for summary in page.aggregates]
            if not page.next_page_token:
                return names
            fields["page_token"] = page.next_page_token

    async def count(self, group: int = 0, **fields: Any) -> pb.CountEventsResponse:
        request = pb.CountEventsRequest(filter=filter_pb2.EventFilter(**fields), group=group)
        return await self._aggregates.CountEvents(request, **self._options)

    async def latest(self, max_events: int = 0, **fields: Any) -> pb.LatestResponse:
        request = pb.LatestRequest(filter=filter_pb2.EventFilter(**fields), max_events=max_events)
        return await self._aggregates.Latest(request, **self._options)

    async def statistics(self, **fields: Any) -> pb.GetStatisticsResponse:
        request = pb.GetStatisticsRequest(**fields)
        return await self._aggregates.GetStatistics(request, **self._options)


def key(aggregate: str) -> event_pb2.AggregateKey:
    aggregate_type, _, aggregate_id = aggregate.partition("/")
    return event_pb2.AggregateKey(aggregate_type=aggregate_type, aggregate_id=aggregate_id)


def name(aggregate: event_pb2.AggregateKey) -> str:
    return f"{aggregate.aggregate_type}/{aggregate.aggregate_id}"


def event(aggregate: str, data: Any = None, event_type: str = "a.b", **fields: Any) -> Any:
    aggregate_type, _, aggregate_id = aggregate.partition("/")
    if data is not None:
        fields["json"] = json.dumps(data)
    return event_pb2.NewEvent(
        aggregate_type=aggregate_type, aggregate_id=aggregate_id, event_type=event_type, **fields
    )


def numbers(counts: Iterable[pb.CountEventsResponse.Count]) -> list[tuple[str, int]]:
    return [(count.key, count.events) for count in counts]


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


@asynccontextmanager
async def calling(shared: SharedServer) -> AsyncIterator[tuple[Caller, Caller]]:
    """Callers of two new tenants."""
    async with grpc.aio.insecure_channel(shared.server.address) as channel:
        yield Caller(channel, shared.new_tenant()), Caller(channel, shared.new_tenant())


async def test_a_state_is_what_the_events_add_up_to_then(shared_server: SharedServer) -> None:
    async with calling(shared_server) as (caller, other):
        receipts = []
        for data, event_type in (
            ({"status": "new", "customer": {"name": "Ann", "tier": "gold"}}, "order.created"),
            ({"customer": {"tier": None}, "lines": [1, 2]}, "order.changed"),
            (None, "order.noted"),
            ({"status": "paid"}, "order.paid"),
        ):
            receipts += await caller.emit(event("order/1", data, event_type))
            await other.emit(event("order/1", {"of": "another tenant"}))
            await caller.emit(event("order/2", {"of": "another order"}))
        now = await caller.state("order/1")
        assert json.loads(now.state) == {
            "status": "paid",
            "customer": {"name": "Ann"},
            "lines": [1, 2],
        }
        assert (now.events_replayed, now.last_sequence) == (4, 4)
        assert (now.last_event_type, now.last_position) == ("order.paid", receipts[3].position)
        assert now.last_record_time == receipts[3].record_time
        assert now.aggregate_type_version == 0
        assert 0 < now.duration.ToMicroseconds() < 10_000_000

        second = await caller.state("order/1", through_sequence=2)
        assert json.loads(second.state)["status"] == "new"
        assert (second.last_sequence, second.last_event_type) == (2, "order.changed")
        assert (await caller.state("order/1", through_sequence=99)).state == now.state
        at = await caller.state("order/1", through_time=receipts[1].record_time)
        assert at.state == second.state
        assert at.last_record_time == receipts[1].record_time

        for moment in ({"through_sequence": 0}, {"through_time": Timestamp(seconds=1)}):
            before = await caller.state("order/1", **moment)
            assert (before.state, before.events_replayed, before.last_sequence) == ("{}", 0, 0)
            assert not before.HasField("last_record_time")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await other.state("order/2")
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert reason_of(refused.value) == "AGGREGATE_NOT_FOUND"


async def test_every_aggregate_is_listed_once_as_of_the_first_page(
    shared_server: SharedServer,
) -> None:
    async with calling(shared_server) as (caller, other):
        for aggregate in ("b/1", "a/1", "a/2", "b/1", "a/10", "c/x", "a/1"):
            await caller.emit(event(aggregate, event_type=f"{aggregate[0]}.happened"))
        await other.emit(event("z/1"), event("a/1"))
        assert await other.listed() == ["a/1", "z/1"]
        named = {"order": pb.AGGREGATE_ORDER_NAME}
        by_activity = ["a/1", "c/x", "a/10", "b/1", "a/2"]
        assert await caller.listed() == by_activity
        assert await caller.listed(**named) == sorted(by_activity)
        assert await caller.listed(**named, page_size=1) == sorted(by_activity)
        assert await caller.listed(aggregate_type="a") == ["a/1", "a/10", "a/2"]
        assert await caller.listed(aggregate_type="a", id_prefix="1") == ["a/1", "a/10"]
        for order in (pb.AGGREGATE_ORDER_NAME, pb.AGGREGATE_ORDER_LAST_ACTIVE_FIRST):
            assert await caller.listed(aggregate_type="a", id_prefix="11", order=order) == []
            assert await caller.listed(aggregate_type="d", order=order) == []

        first = await caller.page(page_size=2)
        assert [name(one.aggregate) for one in first.aggregates] == by_activity[:2]
        assert first.through_position == 7
        summary = first.aggregates[0]
        assert (summary.last_sequence, summary.last_position) == (2, 7)
        assert summary.last_event_type == "a.happened"
        assert (
            summary.first_record_time.ToMicroseconds() < summary.last_record_time.ToMicroseconds()
        )
        # What happens now neither hides an aggregate from the pages that follow nor adds one.
        await caller.emit(event("b/1"), event("a/2"), event("d/1"))
        rest = await caller.listed(page_size=2, page_token=first.next_page_token)
        assert rest == by_activity[2:]
        assert await caller.listed() == ["d/1", "a/2", "b/1", "a/1", "c/x", "a/10"]


async def test_events_are_counted_by_what_they_have_in_common(shared_server: SharedServer) -> None:
    async with calling(shared_server) as (caller, other):
        await other.emit(event("a/1", event_type="other.tenant", actor="system"))
        assert (await caller.count()).total == 0
        for group in (1, 2, 3, 4):
            assert not (await caller.count(group)).counts
        await caller.emit(
            event("a/1", event_type="x.y", actor="user:ann"),
            event("a/2", event_type="x.z", actor="user:bob"),
            event("b/1", event_type="x.z", actor="user:ann"),
            event("b/1", event_type="z.z"),
        )
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        told = await caller.count()
        assert (told.total, list(told.counts), told.through_position) == (4, [], 4)
        by = {group: await caller.count(group) for group in (1, 2, 3, 4)}
        assert {counts.total for counts in by.values()} == {4}
        assert numbers(by[pb.COUNT_GROUP_EVENT_TYPE].counts) == [("x.z", 2), ("x.y", 1), ("z.z", 1)]
        assert numbers(by[pb.COUNT_GROUP_DAY].counts) == [(today, 4)]
        assert numbers(by[pb.COUNT_GROUP_AGGREGATE_TYPE].counts) == [("a", 2), ("b", 2)]
        assert numbers(by[pb.COUNT_GROUP_ACTOR].counts) == [
            ("user:ann", 2),
            ("", 1),
            ("user:bob", 1),
        ]
        filtered = {"event_types": ["x.*"], "aggregate_types": ["b"]}
        assert (await caller.count(**filtered)).total == 1
        assert numbers((await caller.count(1, **filtered)).counts) == [("x.z", 1)]
        assert numbers((await caller.count(2, **filtered)).counts) == [(today, 1)]


async def test_the_latest_events_come_newest_first(shared_server: SharedServer) -> None:
    async with calling(shared_server) as (caller, other):
        await other.emit(event("a/1"))
        assert not (await caller.latest()).events
        await caller.emit(*[event("a/1", n, f"t.{n % 2}") for n in range(25)])
        latest = await caller.latest()
        assert [one.position for one in latest.events] == list(range(25, 15, -1))
        assert latest.through_position == 25
        odd = await caller.latest(2, event_types=["t.1"])
        assert [one.json for one in odd.events] == ["23", "21"]
        await caller.emit(*[event("b/1", "x" * 400_000) for _ in range(4)])
        assert [one.position for one in (await caller.latest()).events] == [29, 28]


async def test_statistics_tell_how_much_has_happened(shared_server: SharedServer) -> None:
    async with calling(shared_server) as (caller, other):
        await other.emit(event("a/1"))
        nothing = await caller.statistics()
        assert (nothing.head_position, nothing.events_examined) == (0, 0)
        assert not nothing.HasField("first_record_time")
        receipts = await caller.emit(
            *[event("a/1", event_type="x.y")] * 3,
            event("a/2", event_type="z.z"),
            event("b/1", "x" * 999),
        )
        told = await caller.statistics(busiest_max=2)
        assert (told.head_position, told.events_examined, told.aggregates_active) == (5, 5, 3)
        assert told.first_record_time == told.last_record_time == receipts[0].record_time
        assert [(a.span.seconds, a.events) for a in told.activity] == [
            (60, 5),
            (3600, 5),
            (86400, 5),
            (604800, 5),
        ]
        assert told.activity[0].events_per_second == 5 / 60
        assert [(one.event_type, one.events) for one in told.busiest_types] == [
            ("x.y", 3),
            ("a.b", 1),
        ]
        assert [(name(one.aggregate), one.events) for one in told.busiest_aggregates] == [
            ("a/1", 3),
            ("a/2", 1),
        ]
        assert 1_000 < told.record_bytes_max < 1_300
        assert told.log_bytes_estimate == round(told.record_bytes_mean * 5)


KEY = {"aggregate_type": "a", "aggregate_id": "1"}
BAD = [
    (pb.GetStateRequest(), "aggregate.aggregate_type"),
    (pb.GetStateRequest(aggregate={"aggregate_type": "a"}), "aggregate.aggregate_id"),
    (pb.GetStateRequest(aggregate=KEY | {"aggregate_id": "\0"}), "aggregate.aggregate_id"),
    (pb.GetStateRequest(aggregate=KEY | {"aggregate_type": "x" * 256}), "aggregate.aggregate_type"),
    (pb.GetStateRequest(aggregate=KEY, through_sequence=-1), "through_sequence"),
    (pb.GetStateRequest(aggregate=KEY, through_time={"nanos": -1}), "through_time"),
    (pb.GetStateRequest(aggregate=KEY, through_time={"seconds": 2**62}), "through_time"),
    (pb.GetStateRequest(aggregate=KEY, min_position=-1), "min_position"),
    (pb.ListAggregatesRequest(aggregate_type="x" * 256), "aggregate_type"),
    (pb.ListAggregatesRequest(aggregate_type="\0"), "aggregate_type"),
    (pb.ListAggregatesRequest(id_prefix="x"), "id_prefix"),
    (pb.ListAggregatesRequest(aggregate_type="a", id_prefix="\0"), "id_prefix"),
    (pb.ListAggregatesRequest(aggregate_type="a", id_prefix="x" * 256), "id_prefix"),
    (pb.ListAggregatesRequest(active_from={"nanos": 10**9}), "active_from"),
    (pb.ListAggregatesRequest(active_before={"seconds": -(2**62)}), "active_before"),
    (pb.ListAggregatesRequest(order=9), "order"),
    (pb.ListAggregatesRequest(page_size=-1), "page_size"),
    (pb.ListAggregatesRequest(page_size=1_001), "page_size"),
    (pb.ListAggregatesRequest(page_token="x"), "page_token"),
    (pb.ListAggregatesRequest(page_token="A" * 60), "page_token"),
    (pb.ListAggregatesRequest(page_token="\u00fc\n" * 1_000), "page_token"),
    (pb.CountEventsRequest(filter={"event_types": ["*"]}), "filter.event_types[0]"),
    (pb.CountEventsRequest(group=9), "group"),
    (pb.CountEventsRequest(min_position=-1), "min_position"),
    (pb.LatestRequest(filter={"keyword": "!"}), "filter.keyword"),
    (pb.LatestRequest(max_events=-1), "max_events"),
    (pb.LatestRequest(max_events=1_001), "max_events"),
    (pb.LatestRequest(min_position=-(2**63)), "min_position"),
    (pb.GetStatisticsRequest(busiest_max=-1), "busiest_max"),
    (pb.GetStatisticsRequest(busiest_max=101), "busiest_max"),
]
METHODS = {
    "GetStateRequest": "GetState",
    "ListAggregatesRequest": "ListAggregates",
    "CountEventsRequest": "CountEvents",
    "LatestRequest": "Latest",
    "GetStatisticsRequest": "GetStatistics",
}


async def test_bad_input_is_refused_by_its_field(shared_server: SharedServer) -> None:
    async with grpc.aio.insecure_channel(shared_server.server.address) as channel:

        async def refused(method: str, data: bytes) -> tuple[grpc.StatusCode, str, str]:
            call = channel.unary_unary(f"/everlog.v1.AggregateService/{method}")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call(data, timeout=10, wait_for_ready=True)
            status = rpc_status.from_call(error.value)
            assert status is not None
            bad = error_details_pb2.BadRequest()
            assert status.details[-1].Unpack(bad), status
            return error.value.code(), reason_of(error.value), bad.field_violations[0].field

        for request, field in BAD:
            code, reason, told = await refused(
                METHODS[request.DESCRIPTOR.name], request.SerializeToString()
            )
            expected = "INVALID_REQUEST"
            if field.startswith("filter"):
                expected = "INVALID_FILTER"
            elif field == "page_token":
                expected = "PAGE_TOKEN_INVALID"
            assert (code, reason, told) == (grpc.StatusCode.INVALID_ARGUMENT, expected, field)
        for method in METHODS.values():
            assert (await refused(method, b"\xff\xff"))[1:] == ("INVALID_REQUEST", "request")
        assert "Traceback" not in shared_server.server.log


async def test_a_token_is_good_for_its_own_listing_only(shared_server: SharedServer) -> None:
    async with calling(shared_server) as (caller, other):
        for one in (caller, other):
            await one.emit(*[event(f"a/{n}") for n in range(5)])
        for order in (pb.AGGREGATE_ORDER_NAME, pb.AGGREGATE_ORDER_LAST_ACTIVE_FIRST):
            page = await caller.page(page_size=2, order=order)
            good = {"page_token": page.next_page_token, "order": order}
            assert len((await caller.page(page_size=3, **good)).aggregates) == 3
            for bad in (
                good | {"order": 3 - order},
                good | {"aggregate_type": "a"},
                good | {"active_from": Timestamp(seconds=1)},
                good | {"page_token": good["page_token"] + "A"},
            ):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await caller.page(**bad)
                assert reason_of(refused.value) == "PAGE_TOKEN_INVALID"
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await other.page(**good)
            assert reason_of(refused.value) == "PAGE_TOKEN_INVALID"


def step(operation: int, target: str, value: str, **fields: Any) -> catalog_pb2.ReducerStep:
    fields["from" if value.startswith("/") else "constant"] = value
    return catalog_pb2.ReducerStep(operation=operation, target=target, **fields)


STEP = catalog_pb2.ReducerStep
ORDER = catalog_pb2.AggregateTypeDefinition(
    name="order",
    initial_state='{"lines":{},"paid":0,"notes":[]}',
    reductions=[
        catalog_pb2.Reduction(
            event_types=["order.line_added"],
            steps=[
                step(STEP.OPERATION_SET, "/lines/{/data/sku}/price", "/data/price"),
                step(STEP.OPERATION_INCREMENT, "/lines/{/data/sku}/quantity", "/data/quantity"),
            ],
        ),
        catalog_pb2.Reduction(
            event_types=["order.line_removed"],
            steps=[step(STEP.OPERATION_INCREMENT, "/lines/{/data/sku}/quantity", "1", factor=-1)],
        ),
        catalog_pb2.Reduction(
            event_types=["order.paid"],
            steps=[step(STEP.OPERATION_INCREMENT, "/paid", "/data/cents")],
        ),
        catalog_pb2.Reduction(
            event_types=["note.*"], steps=[step(STEP.OPERATION_APPEND, "/notes", "/data/text")]
        ),
    ],
)


async def test_a_reducer_of_the_catalogue_says_how_events_add_up(
    shared_server: SharedServer, tmp_path: Path
) -> None:
    story = [
        ("order.created", {"customer": "Ann"}),  # named by no reduction: merged
        ("order.line_added", {"sku": "a/1", "price": 250, "quantity": 3}),
        ("order.line_removed", {"sku": "a/1"}),
        ("note.made", {"text": "call back"}),
        ("order.paid", {"cents": 500}),
    ]
    async with (
        grpc.aio.insecure_channel(shared_server.server.address) as first,
        # A second server process over the same database knows the definition, too.
        serving(shared_server.database_url, tmp_path) as second,
        grpc.aio.insecure_channel(second.address) as channel,
    ):
        tenant = shared_server.new_tenant()
        caller, other = Caller(first, tenant), Caller(first, shared_server.new_tenant())
        for name, data in story:
            await caller.emit(event("order/1", data, name))
            await other.emit(event("order/1", data, name))
        await caller.define(ORDER)
        reduced = await caller.state("order/1")
        assert json.loads(reduced.state) == {
            "lines": {"a/1": {"price": 250, "quantity": 2}},
            "paid": 500,
            "notes": ["call back"],
            "customer": "Ann",
        }
        assert reduced.aggregate_type_version == 1
        assert (await Caller(channel, tenant).state("order/1")).state == reduced.state
        early = await caller.state("order/1", through_sequence=0)
        assert json.loads(early.state) == json.loads(ORDER.initial_state)
        theirs = await other.state("order/1")
        assert theirs.aggregate_type_version == 0
        assert json.loads(theirs.state)["sku"] == "a/1"

        newer = catalog_pb2.AggregateTypeDefinition(name="order", ignore_others=True)
        await caller.define(newer)
        ignored = await Caller(channel, tenant).state("order/1")
        assert (ignored.state, ignored.aggregate_type_version) == ("{}", 2)
        assert (ignored.events_replayed, ignored.last_sequence) == (5, 5)
