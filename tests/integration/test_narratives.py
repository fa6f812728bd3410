"""Outcomes, narratives and graphs over the wire, on the real server and PostgreSQL.

One server for all of them; each test has a tenant of its own.
"""

from __future__ import annotations

import json
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1 import narratives_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub
from tests.servers import tenant_channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceAsyncStub
    from everlog.v1.narratives_pb2_grpc import NarrativeServiceAsyncStub
    from tests.servers import SharedServer

NOBODY = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
BACKWARDS, FORWARDS = pb.TRACE_DIRECTION_BACKWARDS, pb.TRACE_DIRECTION_FORWARDS
RELATED, CAUSATION = pb.LINK_KIND_RELATED, pb.LINK_KIND_CAUSATION
CORRELATION = pb.LINK_KIND_CORRELATION


class World:
    """A server, and callers of its two services."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.store: EventStoreServiceAsyncStub = EventStoreServiceStub(channel)
        self.narratives: NarrativeServiceAsyncStub = NarrativeServiceStub(channel)

    async def emit(self, *events: event_pb2.NewEvent) -> list[str]:
        response = await self.store.Emit(event_store_pb2.EmitRequest(events=events))
        return [receipt.event_id for receipt in response.receipts]

    async def one(self, event_type: str = "a.b", **fields: Any) -> str:
        return (await self.emit(event(event_type, **fields)))[0]

    async def trace(self, event_id: str, **fields: Any) -> pb.TraceResponse:
        return await self.narratives.Trace(pb.TraceRequest(event_id=event_id, **fields))

    async def record(self, event_id: str, outcome: str, **fields: Any) -> pb.RecordOutcomeResponse:
        request = pb.RecordOutcomeRequest(event_id=event_id, outcome=outcome, **fields)
        return await self.narratives.RecordOutcome(request)


def event(
    event_type: str = "a.b", *, related: list[str] | None = None, **fields: Any
) -> event_pb2.NewEvent:
    fields.setdefault("aggregate_type", "thing")
    fields.setdefault("aggregate_id", "1")
    if related is not None:
        fields["context"] = event_pb2.Context(related_event_ids=related)
    return event_pb2.NewEvent(event_type=event_type, **fields)


@asynccontextmanager
async def reason_of(reason: str) -> AsyncIterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    status = rpc_status.from_call(caught.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == reason, status


@pytest_asyncio.fixture
async def world(shared_server: SharedServer) -> AsyncIterator[World]:
    server = shared_server.server
    async with tenant_channel(server.address, shared_server.new_tenant()) as channel:
        yield World(channel)
        assert "Traceback" not in server.log


async def test_an_outcome_travels_with_its_event_and_never_moves_it(world: World) -> None:
    subject = await world.one(json="{}")
    first = await world.record(subject, "well begun", actor="user:ann")
    second = await world.record(subject, "done", impact_metric="100 %", idempotency_key="k")
    assert (first.outcome.number, second.outcome.number) == (1, 2)
    assert (first.outcome.actor, first.position) == ("user:ann", 2)

    got = await world.store.Get(event_store_pb2.GetRequest(event_id=subject))
    assert got.outcome == second.outcome
    assert (got.event.sequence, got.event.position) == (1, 1)
    for by in (
        {"position": 1},
        {"aggregate_sequence": {"aggregate": {"aggregate_type": "thing", "aggregate_id": "1"}}},
    ):
        if "aggregate_sequence" in by:
            by["aggregate_sequence"]["sequence"] = 1
        assert (await world.store.Get(event_store_pb2.GetRequest(**by))).outcome == second.outcome
    bare = event_store_pb2.GetRequest(event_id=subject, without_outcome=True)
    assert not (await world.store.Get(bare)).HasField("outcome")

    page = await world.store.Query(event_store_pb2.QueryRequest(include_outcomes=True))
    assert [e.event_type for e in page.events] == ["outcome.recorded"] * 2 + ["a.b"]
    assert list(page.outcomes) == [second.outcome]
    assert not (await world.store.Query(event_store_pb2.QueryRequest())).outcomes

    # It is an event of the log as any other: subscribers see it.
    assert json.loads(page.events[0].json) == {
        "event_id": subject,
        "outcome": "done",
        "impact_metric": "100 %",
    }
    assert page.events[0].event_id == second.outcome.outcome_event_id
    assert (page.events[0].aggregate_type, page.events[0].aggregate_id) == ("outcome", subject)


async def test_an_outcome_that_is_sent_again_is_recorded_once(world: World) -> None:
    subject = await world.one()
    first = await world.record(subject, "done", actor="user:ann", idempotency_key="k")
    again = await world.record(subject.upper(), "done", actor="user:bob", idempotency_key="k")
    assert again.deduplicated
    assert again.outcome == first.outcome
    assert again.position == first.position
    async with reason_of("IDEMPOTENCY_KEY_REUSED"):
        await world.record(subject, "other", idempotency_key="k")


async def test_outcomes_are_listed_newest_first_in_pages(world: World) -> None:
    subject = await world.one()
    for number in range(1, 8):
        await world.record(subject, f"outcome {number}")
    request = pb.ListOutcomesRequest(event_id=subject, page_size=3)
    numbers = []
    while True:
        page = await world.narratives.ListOutcomes(request)
        assert len(page.outcomes) <= 3
        numbers += [outcome.number for outcome in page.outcomes]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert numbers == [7, 6, 5, 4, 3, 2, 1]
    async with reason_of("PAGE_TOKEN_INVALID"):
        await world.narratives.ListOutcomes(
            pb.ListOutcomesRequest(event_id=NOBODY, page_token=request.page_token)
        )
    assert not (
        await world.narratives.ListOutcomes(pb.ListOutcomesRequest(event_id=NOBODY))
    ).outcomes


async def test_large_outcomes_end_a_page_and_none_is_missed(world: World) -> None:
    subject = await world.one()
    for _ in range(70):
        await world.record(subject, "x" * 16_384)
    request = pb.ListOutcomesRequest(event_id=subject, page_size=1_000)
    first = await world.narratives.ListOutcomes(request)
    assert first.ByteSize() <= 1024 * 1024
    request.page_token = first.next_page_token
    second = await world.narratives.ListOutcomes(request)
    assert [o.number for o in (*first.outcomes, *second.outcomes)] == list(range(70, 0, -1))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"json": "[]"},
        {"json": "null"},
        {"json": '"outcome"'},
        {"json": '{"outcome": 1}'},
        {"json": '{"outcome": ""}'},
        {"json": '{"outcome": null, "impact_metric": []}'},
        {"json": json.dumps({"outcome": "x" * 16_385})},
        {"binary": b"\xff", "content_type": "x/y"},
    ],
)
async def test_an_outcome_emitted_by_hand_that_says_nothing_is_passed_over(
    world: World, payload: dict[str, Any]
) -> None:
    subject = await world.one()
    understood = await world.record(subject, "done")
    await world.one("outcome.recorded", aggregate_type="outcome", aggregate_id=subject, **payload)
    got = await world.store.Get(event_store_pb2.GetRequest(event_id=subject))
    assert got.outcome == understood.outcome
    listed = await world.narratives.ListOutcomes(pb.ListOutcomesRequest(event_id=subject))
    assert [outcome.number for outcome in listed.outcomes] == [1]
    page = await world.store.Query(event_store_pb2.QueryRequest(include_outcomes=True))
    assert [outcome.number for outcome in page.outcomes] == [1]


async def test_outcomes_and_narratives_of_what_is_not_there_are_refused(world: World) -> None:
    for call, request in (
        (world.narratives.RecordOutcome, pb.RecordOutcomeRequest(event_id=NOBODY, outcome="x")),
        (
            world.narratives.SaveNarrative,
            pb.SaveNarrativeRequest(event_id=NOBODY, narrative=pb.Narrative(summary="x")),
        ),
        (world.narratives.Trace, pb.TraceRequest(event_id=NOBODY)),
        (world.narratives.BuildNarrative, pb.BuildNarrativeRequest(event_id=NOBODY)),
    ):
        async with reason_of("EVENT_NOT_FOUND"):
            await call(request)
    async with reason_of("NARRATIVE_NOT_FOUND"):
        await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=NOBODY))
    assert (await world.store.GetHead(event_store_pb2.GetHeadRequest())).position == 0


async def test_a_narrative_is_saved_in_versions(world: World) -> None:
    subject = await world.one()
    first = pb.Narrative(
        long_description="At length.\nTwice.",
        screenshot_urls=["https://example.org/a.png"],
        code_snippets=[pb.CodeSnippet(language="python", code="print()", caption="prints")],
        narrative="# Once",
        summary="In short.",
        tags=["billing", "Rechnung ✓"],
    )

    async def save(narrative: pb.Narrative, **fields: Any) -> pb.SaveNarrativeResponse:
        request = pb.SaveNarrativeRequest(event_id=subject, narrative=narrative, **fields)
        return await world.narratives.SaveNarrative(request)

    saved = await save(first, actor="user:ann", expected_version=0)
    assert saved.version == 1
    async with reason_of("SEQUENCE_CONFLICT"):
        await save(pb.Narrative(summary="late"), expected_version=0)
    assert (await save(pb.Narrative(summary="other"), expected_version=1)).version == 2
    last = await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=subject))
    assert (last.version, last.narrative.summary, last.actor) == (2, "other", "")
    old = await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=subject, version=1))
    assert (old.narrative, old.version, old.actor) == (first, 1, "user:ann")
    assert old.saved_time == saved.saved_time
    async with reason_of("NARRATIVE_NOT_FOUND"):
        await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=subject, version=3))


@pytest.mark.parametrize(
    "text",
    ["{}", '{"summary": 1, "tags": "x", "code_snippets": [1, {"code": 2}]}', '{"tags": [1, "t"]}'],
)
async def test_a_narrative_emitted_by_hand_is_read_as_far_as_it_is_understood(
    world: World, text: str
) -> None:
    subject = await world.one()
    fields = {"aggregate_type": "narrative", "aggregate_id": subject}
    await world.one("narrative.saved", json=text, **fields)
    await world.one("narrative.saved", json="[]", **fields)
    got = await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=subject))
    assert got.version == 1
    assert list(got.narrative.tags) == (["t"] if "[1, " in text and "tags" in text[:8] else [])
    told = await world.narratives.BuildNarrative(pb.BuildNarrativeRequest(event_id=subject))
    assert told.events == 1


def edges_of(graph: pb.TraceResponse) -> set[tuple[str, str, int]]:
    return {(edge.from_event_id, edge.to_event_id, edge.kind) for edge in graph.edges}


async def test_a_graph_has_all_kinds_of_links_oldest_first(world: World) -> None:
    a = await world.one()
    b = await world.one(related=[a], correlation_id="work")
    c = await world.one(causation_id=b, related=[a, b, NOBODY], correlation_id="work")
    d = await world.one(correlation_id="work")
    await world.one(correlation_id="other work")
    await world.record(c, "done")

    graph = await world.trace(c, include_outcomes=True)
    assert [e.event_id for e in graph.events] == [a, b, c, d]
    assert [(n.event_id, n.depth, n.dangling) for n in graph.nodes] == [
        (a, 1, False),
        (b, 1, False),
        (c, 0, False),
        (d, 1, False),
        (NOBODY, 1, True),
    ]
    assert edges_of(graph) == {
        (b, a, RELATED),
        (c, a, RELATED),
        (c, b, RELATED),
        (c, NOBODY, RELATED),
        (c, b, CAUSATION),
        (c, b, CORRELATION),
        (d, c, CORRELATION),
    }
    assert len(graph.edges) == 7
    assert [outcome.event_id for outcome in graph.outcomes] == [c]
    assert not graph.truncated

    back = await world.trace(c, direction=BACKWARDS)
    assert [e.event_id for e in back.events] == [a, b, c]
    forth = await world.trace(b, direction=FORWARDS, link_kinds=[CORRELATION], max_depth=1)
    assert [e.event_id for e in forth.events] == [b, c]
    assert edges_of(forth) == {(c, b, CORRELATION)}
    assert [e.event_id for e in (await world.trace(a, link_kinds=[CAUSATION])).events] == [a]
    # What dangles leads on to others that name it, too.
    e = await world.one(related=[NOBODY])
    assert e in [node.event_id for node in (await world.trace(c)).nodes]
    # A link that dangled finds its event once that is there.
    await world.one(event_id=NOBODY)
    assert not [node for node in (await world.trace(c)).nodes if node.dangling]


async def test_circles_end(world: World) -> None:
    ids = [str(uuid.uuid4()) for _ in range(3)]
    await world.emit(
        *(
            event(event_id=ids[n], related=[ids[(n + 1) % 3], ids[n]], causation_id=ids[n - 1])
            for n in range(3)
        )
    )
    graph = await world.trace(ids[0], max_depth=100)
    assert [n.depth for n in graph.nodes] == [0, 1, 1]
    assert len(graph.edges) == 9
    assert not graph.truncated


async def test_a_hub_and_a_long_chain_are_cut_and_it_is_said(world: World) -> None:
    hub = await world.one()
    spokes = []
    for _ in range(3):
        spokes += await world.emit(*(event(related=[hub]) for _ in range(1_000)))
    graph = await world.trace(hub)
    assert graph.truncated
    assert [e.event_id for e in graph.events] == [hub, *spokes[:999]]
    whole = await world.trace(hub, max_events=3_001)
    assert (len(whole.nodes), whole.truncated) == (3_001, False)

    chain = await world.emit(*(event(correlation_id="c") for _ in range(200)))
    near = await world.trace(chain[100], link_kinds=[CORRELATION])
    assert [e.event_id for e in near.events] == chain[90:111]
    assert not near.truncated  # there is no more within the depth
    far = await world.trace(chain[100], link_kinds=[CORRELATION], max_depth=100, max_events=11)
    assert [e.event_id for e in far.events] == chain[95:106]
    assert far.truncated


async def test_large_events_are_cut_by_bytes_the_nearest_first(world: World) -> None:
    root = await world.one(json='"root"')
    for _ in range(6):
        await world.one(json=json.dumps("x" * 800_000), related=[root])
    graph = await world.trace(root, include_outcomes=True)
    assert graph.truncated
    assert [e.position for e in graph.events] == [1, 2, 3, 4]
    assert len(graph.nodes) == 4
    assert graph.ByteSize() < 4 * 1024 * 1024


async def test_another_tenant_sees_nothing(world: World, shared_server: SharedServer) -> None:
    other = {"metadata": (("everlog-tenant", shared_server.new_tenant()),)}
    mine = await world.one(correlation_id="c")
    await world.record(mine, "done")
    await world.narratives.SaveNarrative(
        pb.SaveNarrativeRequest(event_id=mine, narrative=pb.Narrative(summary="mine"))
    )
    async with reason_of("EVENT_NOT_FOUND"):
        await world.narratives.Trace(pb.TraceRequest(event_id=mine), **other)
    async with reason_of("EVENT_NOT_FOUND"):
        await world.narratives.RecordOutcome(
            pb.RecordOutcomeRequest(event_id=mine, outcome="x"), **other
        )
    async with reason_of("NARRATIVE_NOT_FOUND"):
        await world.narratives.GetNarrative(pb.GetNarrativeRequest(event_id=mine), **other)
    listed = await world.narratives.ListOutcomes(pb.ListOutcomesRequest(event_id=mine), **other)
    assert not listed.outcomes
    # The same id in another tenant, which names the same ids: nothing of mine comes along.
    request = event_store_pb2.EmitRequest(
        events=[event(event_id=mine, correlation_id="c"), event(related=[mine], correlation_id="c")]
    )
    await world.store.Emit(request, **other)
    graph = await world.narratives.Trace(
        pb.TraceRequest(event_id=mine, include_outcomes=True), **other
    )
    assert (len(graph.events), len(graph.outcomes)) == (2, 0)
    assert len((await world.trace(mine)).events) == 1
    got = await world.store.Get(event_store_pb2.GetRequest(event_id=mine), **other)
    assert not got.HasField("outcome")
    told = await world.narratives.BuildNarrative(pb.BuildNarrativeRequest(event_id=mine), **other)
    assert "done" not in told.markdown
    assert "mine" not in told.markdown
