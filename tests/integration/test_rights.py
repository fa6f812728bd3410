"""What known callers may do: their stamps, their limits, and the end of their streams."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from everlog.v1 import aggregates_pb2, consumers_pb2, entities_pb2, event_pb2, narratives_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.aggregates_pb2_grpc import AggregateServiceStub
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from everlog.v1.entities_pb2_grpc import EntityServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.filter_pb2 import EventFilter
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub
from everlog_server.model import Role
from tests.conftest import new_database
from tests.identities import Identities, bearer, serving_to
from tests.servers import make_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM_END_SECONDS = 5.0
SECOND = Duration(seconds=1)
SEED, EVENTS = 20_261_121, 200
LOG = "log"
LIMITS: dict[str, dict[str, Any]] = {
    "types": {"aggregate_types": ("order", "note")},
    "type": {"aggregate_types": ("order",)},
    "events": {"event_types": ("order.*", "note.taken")},
    "event": {"event_types": ("note.taken",)},
    "own": {"own_only": True, "user_id": "ann"},
    "all-three": {
        "aggregate_types": ("order",),
        "event_types": ("order.line.*", "order.created"),
        "own_only": True,
        "user_id": "bob",
    },
    "nothing": {"aggregate_types": ("none",)},
    "nobody": {"own_only": True},
}


class Here(NamedTuple):
    """The server, and whom it knows."""

    channel: grpc.aio.Channel
    identities: Identities
    log: list[event_pb2.RecordedEvent]
    """Of the tenant LOG."""

    @property
    def events(self) -> Any:
        return EventStoreServiceStub(self.channel)

    @property
    def aggregates(self) -> Any:
        return AggregateServiceStub(self.channel)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[Here]:
    identities = Identities()
    identities.add("gateway", Role.ADMIN, tenants=("default", LOG), acts_for_others=True)
    identities.add("everybody", Role.OPERATOR, tenants=())
    for name, limits in LIMITS.items():
        identities.add(name, Role.ADMIN, tenants=(LOG,), **limits)
    with new_database(postgres, template=template_database) as url:
        make_tenant(url, LOG, 2)
        async with (
            serving_to(url, identities) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            stub: Any = EventStoreServiceStub(channel)
            await stub.Emit(pb.EmitRequest(events=random_events()), metadata=bearer("gateway", LOG))
            log = await replayed(stub, pb.ReplayRequest(), bearer("everybody", LOG))
            assert len(log) == EVENTS
            yield Here(channel, identities, log)


def random_events() -> list[event_pb2.NewEvent]:
    chosen = random.Random(SEED)
    return [
        event_pb2.NewEvent(
            aggregate_type=chosen.choice(["order", "note", "orders"]),
            aggregate_id=chosen.choice("1234"),
            event_type=chosen.choice(
                ["order.created", "order.line.added", "orders.merged", "note.taken", "plain"]
            ),
            user_id=chosen.choice(["", "ann", "bob"]),
            actor=chosen.choice(["", "user:ann", "user:bob"]),
            idempotency_key=f"key-{number}",
            json=f'{{"n": {number}}}',
        )
        for number in range(EVENTS)
    ]


async def replayed(
    stub: Any, request: pb.ReplayRequest, metadata: list[tuple[str, str]]
) -> list[event_pb2.RecordedEvent]:
    return [
        event async for batch in stub.Replay(request, metadata=metadata) for event in batch.events
    ]


def seen_by(name: str) -> Callable[[event_pb2.RecordedEvent | event_pb2.NewEvent], bool]:
    """The contract's words on Grant, as a model."""
    limits = LIMITS[name]

    def sees(event: event_pb2.RecordedEvent | event_pb2.NewEvent) -> bool:
        types = limits.get("event_types", ())
        return (
            event.aggregate_type in limits.get("aggregate_types", (event.aggregate_type,))
            and (
                not types
                or event.event_type in types
                or any(
                    event.event_type.startswith(prefix[:-1])
                    for prefix in types
                    if prefix.endswith("*")
                )
            )
            and (
                not limits.get("own_only")
                or ("user_id" in limits and event.user_id == limits["user_id"])
            )
        )

    return sees


@asynccontextmanager
async def refused(code: grpc.StatusCode, *texts: str) -> AsyncIterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert caught.value.code() is code
    for text in texts:
        assert text in (caught.value.details() or "")


FILTERS = [
    EventFilter(),
    EventFilter(aggregate_types=["order"]),
    EventFilter(aggregate_types=["orders"]),
    EventFilter(event_types=["order.*"]),
    EventFilter(event_types=["order.line.*", "plain"]),
    EventFilter(event_types=["note.taken"]),
    EventFilter(user_id="ann"),
    EventFilter(user_id="bob", event_types=["order.created"]),
    EventFilter(aggregate=event_pb2.AggregateKey(aggregate_type="order", aggregate_id="1")),
    EventFilter(actor="user:ann"),
]


def matches(asked: EventFilter, event: event_pb2.RecordedEvent) -> bool:
    aggregate = asked.aggregate
    return (
        (not asked.aggregate_types or event.aggregate_type in asked.aggregate_types)
        and (
            not asked.event_types
            or any(
                event.event_type == name
                or (name.endswith("*") and event.event_type.startswith(name[:-1]))
                for name in asked.event_types
            )
        )
        and asked.user_id in ("", event.user_id)
        and asked.actor in ("", event.actor)
        and (
            not asked.HasField("aggregate")
            or (aggregate.aggregate_type, aggregate.aggregate_id)
            == (event.aggregate_type, event.aggregate_id)
        )
    )


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limited_caller_reads_exactly_its_events(here: Here, name: str) -> None:
    sees, metadata = seen_by(name), bearer(name)
    orders = (pb.QUERY_ORDER_OLDEST_FIRST, pb.QUERY_ORDER_NEWEST_FIRST)
    for number, asked in enumerate(FILTERS):
        expected = [event for event in here.log if sees(event) and matches(asked, event)]
        request = pb.ReplayRequest(filter=asked)
        assert await replayed(here.events, request, metadata) == expected
        request.direction = pb.REPLAY_DIRECTION_BACKWARDS
        assert await replayed(here.events, request, metadata) == expected[::-1]
        for order in orders[number % 2 :][:1] if number else orders:
            query = pb.QueryRequest(
                filter=asked, order=order, page_size=41, include_total_size=True
            )
            found: list[event_pb2.RecordedEvent] = []
            while True:
                page = await here.events.Query(query, metadata=metadata)
                assert page.total_size == len(expected)
                found += page.events
                query.page_token = page.next_page_token
                if not page.next_page_token:
                    break
            oldest_first = order == pb.QUERY_ORDER_OLDEST_FIRST
            assert found == (expected if oldest_first else expected[::-1])
        await check_counts(here, asked, expected, metadata)
        latest = aggregates_pb2.LatestRequest(filter=asked, max_events=1000)
        answer = await here.aggregates.Latest(latest, metadata=metadata)
        assert list(answer.events) == expected[::-1]


async def check_counts(
    here: Here,
    asked: EventFilter,
    expected: list[event_pb2.RecordedEvent],
    metadata: list[tuple[str, str]],
) -> None:
    groups: dict[int, Callable[[event_pb2.RecordedEvent], str]] = {
        aggregates_pb2.COUNT_GROUP_EVENT_TYPE: lambda event: event.event_type,
        aggregates_pb2.COUNT_GROUP_AGGREGATE_TYPE: lambda event: event.aggregate_type,
    }
    for group, key in groups.items():
        request = aggregates_pb2.CountEventsRequest(filter=asked, group=group)  # type: ignore[arg-type]
        answer = await here.aggregates.CountEvents(request, metadata=metadata)
        assert answer.total == len(expected)
        counted = {one.key: one.events for one in answer.counts}
        assert counted == Counter(map(key, expected))
    request = aggregates_pb2.CountEventsRequest(filter=asked)
    answer = await here.aggregates.CountEvents(request, metadata=metadata)
    assert answer.total == len(expected)


@pytest.mark.parametrize("name", LIMITS)
async def test_what_a_limited_caller_may_not_see_is_not_there(here: Here, name: str) -> None:
    sees, metadata = seen_by(name), bearer(name)

    async def get(event: event_pb2.RecordedEvent, request: pb.GetRequest) -> None:
        if sees(event):
            answer = await here.events.Get(request, metadata=metadata)
            assert answer.event == event
            return
        missing = pb.GetRequest(event_id="01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718")
        with pytest.raises(grpc.aio.AioRpcError) as never:
            await here.events.Get(missing, metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as hidden:
            await here.events.Get(request, metadata=metadata)
        assert hidden.value.code() is grpc.StatusCode.NOT_FOUND
        assert hidden.value.details() == never.value.details()

    for event in here.log[::7]:
        aggregate = event_pb2.AggregateKey(
            aggregate_type=event.aggregate_type, aggregate_id=event.aggregate_id
        )
        by = pb.AggregateSequence(aggregate=aggregate, sequence=event.sequence)
        await get(event, pb.GetRequest(event_id=event.event_id))
        await get(event, pb.GetRequest(position=event.position))
        await get(event, pb.GetRequest(idempotency_key=event.idempotency_key))
        await get(event, pb.GetRequest(aggregate_sequence=by))
    head = await here.events.GetHead(pb.GetHeadRequest(), metadata=metadata)
    last = here.log[-1]
    assert head.position == last.position
    assert head.event_id == (last.event_id if sees(last) else "")
    assert head.HasField("record_time") == sees(last)
    await check_aggregates(here, name)
    for event in here.log[::41]:
        request = pb.ReplayRequest(after_position=event.position, after_event_id=event.event_id)
        if sees(event):
            await replayed(here.events, request, metadata)
        else:  # as with an id that was made up
            async with refused(grpc.StatusCode.FAILED_PRECONDITION, event.event_id):
                await replayed(here.events, request, metadata)
            start = pb.SubscribeRequest(
                after_position=event.position, after_event_id=event.event_id
            )
            async with refused(grpc.StatusCode.FAILED_PRECONDITION, event.event_id):
                await here.events.Subscribe(start, metadata=metadata).read()


async def check_aggregates(here: Here, name: str) -> None:
    """Replay of one, its state, the listing of them."""
    sees, metadata, limits = seen_by(name), bearer(name), LIMITS[name]
    whole = not limits.keys() - {"aggregate_types"}
    for aggregate_type in ("order", "note", "orders"):
        for aggregate_id in "14":
            aggregate = event_pb2.AggregateKey(
                aggregate_type=aggregate_type, aggregate_id=aggregate_id
            )
            expected = [
                event
                for event in here.log
                if sees(event) and matches(EventFilter(aggregate=aggregate), event)
            ]
            request = pb.ReplayRequest(aggregate=aggregate)
            asked = aggregates_pb2.GetStateRequest(aggregate=aggregate)
            if expected:
                assert await replayed(here.events, request, metadata) == expected
            else:
                async with refused(grpc.StatusCode.NOT_FOUND):
                    await replayed(here.events, request, metadata)
            if whole and expected:
                state = await here.aggregates.GetState(asked, metadata=metadata)
                assert state.events_replayed == len(expected)
            else:
                code = grpc.StatusCode.NOT_FOUND if whole else grpc.StatusCode.PERMISSION_DENIED
                async with refused(code):
                    await here.aggregates.GetState(asked, metadata=metadata)
        listing = aggregates_pb2.ListAggregatesRequest(aggregate_type=aggregate_type)
        if whole:
            listed = await here.aggregates.ListAggregates(listing, metadata=metadata)
            assert {one.aggregate.aggregate_id for one in listed.aggregates} == {
                event.aggregate_id
                for event in here.log
                if sees(event) and event.aggregate_type == aggregate_type
            }
        else:
            async with refused(grpc.StatusCode.PERMISSION_DENIED):
                await here.aggregates.ListAggregates(listing, metadata=metadata)
    async with refused(grpc.StatusCode.PERMISSION_DENIED, "aggregate_type"):
        await here.aggregates.ListAggregates(
            aggregates_pb2.ListAggregatesRequest(), metadata=metadata
        )


async def test_what_is_pushed_is_what_is_queried(here: Here) -> None:
    tenant = bearer("gateway", LOG)
    head = await here.events.GetHead(pb.GetHeadRequest(), metadata=tenant)
    streams = {
        (name, start): here.events.Subscribe(request, metadata=bearer(name))
        for name in LIMITS
        for start, request in (
            ("live", pb.SubscribeRequest(from_now=Empty(), heartbeat_interval=SECOND)),
            (
                "catch-up",
                pb.SubscribeRequest(after_position=head.position, heartbeat_interval=SECOND),
            ),
        )
    }
    for stream in streams.values():  # until each of them is live
        while not (await stream.read()).HasField("caught_up"):
            pass
    sent = random_events()[:60]
    for event in sent:
        event.idempotency_key = f"again-{event.idempotency_key}"
        await here.events.Emit(pb.EmitRequest(events=[event]), metadata=tenant)
    last = head.position + len(sent)
    everything = await replayed(
        here.events, pb.ReplayRequest(after_position=head.position), bearer("everybody", LOG)
    )
    for (name, start), stream in streams.items():
        found: list[event_pb2.RecordedEvent] = []
        examined = 0
        async with asyncio.timeout(30):
            while examined < last:
                message = await stream.read()
                found += message.events
                examined = message.examined_position
        assert found == [event for event in everything if seen_by(name)(event)], (name, start)
        stream.cancel()
    del here.log[:]
    here.log.extend(await replayed(here.events, pb.ReplayRequest(), bearer("everybody", LOG)))


async def test_a_page_token_is_refused_for_who_sees_other_events(here: Here) -> None:
    names = [name for name in LIMITS if name not in {"nothing", "nobody", "all-three"}]
    tokens = {}
    for name in (*names, "everybody"):
        request = pb.QueryRequest(page_size=3)
        page = await here.events.Query(request, metadata=bearer(name, LOG))
        tokens[name] = page.next_page_token
        assert tokens[name]
    for owner, token in tokens.items():
        for name in tokens:
            request = pb.QueryRequest(page_size=3, page_token=token)
            if name == owner:
                await here.events.Query(request, metadata=bearer(name, LOG))
            else:
                async with refused(grpc.StatusCode.INVALID_ARGUMENT, "page_token"):
                    await here.events.Query(request, metadata=bearer(name, LOG))


async def test_outcomes_are_not_for_limited_callers(here: Here) -> None:
    request = pb.QueryRequest(include_outcomes=True)
    async with refused(grpc.StatusCode.PERMISSION_DENIED, "include_outcomes"):
        await here.events.Query(request, metadata=bearer("types"))
    subject = next(event for event in here.log if seen_by("types")(event))
    stub: Any = NarrativeServiceStub(here.channel)
    outcome = narratives_pb2.RecordOutcomeRequest(event_id=subject.event_id, outcome="went well")
    await stub.RecordOutcome(outcome, metadata=bearer("gateway", LOG))
    asked = pb.GetRequest(event_id=subject.event_id)
    everything = await here.events.Get(asked, metadata=bearer("everybody", LOG))
    assert everything.outcome.outcome == "went well"
    limited = await here.events.Get(asked, metadata=bearer("types"))
    assert not limited.HasField("outcome")
    here.log[:] = await replayed(here.events, pb.ReplayRequest(), bearer("everybody", LOG))


def order(**fields: Any) -> event_pb2.NewEvent:
    fields = {"aggregate_type": "order", "event_type": "order.created", "json": "{}"} | fields
    return event_pb2.NewEvent(aggregate_id="1", **fields)


EVENT_SHAPES: list[dict[str, Any]] = [
    {},
    {"json": "{}", "idempotency_key": "k"},
    {"metadata": {"a": "b"}},
    {"documentable": True, "source": "shop"},
    {"event_type": "order.späte", "json": '{"n": "' + "x" * 300 + '"}'},
]


@pytest.mark.parametrize("shape", range(len(EVENT_SHAPES)))
async def test_what_an_event_leaves_empty_is_stamped(here: Here, shape: int) -> None:
    here.identities.add("plain", Role.EMIT)
    here.identities.add("full", Role.EMIT, actor="agent:full", user_id="ünal")
    here.identities.add("acting", Role.EMIT, acts_for_others=True, user_id="self")
    here.identities.add("y" * 255, Role.EMIT)
    own: dict[str, tuple[str, str]] = {
        "plain": ("token:plain", ""),
        "full": ("agent:full", "ünal"),
        "acting": ("token:acting", "self"),
        "y" * 255: ("token:" + "y" * 255, ""),
    }
    fields = EVENT_SHAPES[shape]
    for name, (actor, user_id) in own.items():
        key = {"idempotency_key": f"{shape}-{name}"[:100]} if "idempotency_key" in fields else {}
        said: list[dict[str, str]] = [{}]
        if name != "y" * 255:  # longer than an event may say it
            said.append({"actor": actor, "user_id": user_id})
        for fields_said in said:
            request = pb.EmitRequest(events=[order(**fields | key | fields_said)])
            if key and fields_said:
                request.events[0].idempotency_key += "-said"
            first = await here.events.Emit(request, metadata=bearer(name))
            await check_stored(here, first.receipts[0], actor, user_id)
            if key:
                again = await here.events.Emit(request, metadata=bearer(name))
                assert again.receipts[0].deduplicated
                assert again.receipts[0].event_id == first.receipts[0].event_id
            position = first.receipts[0].position
            await streamed(here, name, request, position, has_key=bool(key))
    other = order(**fields | {"actor": "user:zoe", "user_id": "zoe", "idempotency_key": ""})
    answer = await here.events.Emit(pb.EmitRequest(events=[other]), metadata=bearer("acting"))
    await check_stored(here, answer.receipts[0], "user:zoe", "zoe")


async def check_stored(here: Here, receipt: pb.Receipt, actor: str, user_id: str) -> None:
    """In the record, and in the columns that filters read."""
    found = await here.events.Get(
        pb.GetRequest(position=receipt.position), metadata=bearer("gateway")
    )
    assert (found.event.actor, found.event.user_id) == (actor, user_id)
    if len(actor.encode()) > 255:  # a filter can't ask for it
        return
    asked = EventFilter(actor=actor, user_id=user_id)
    page = await here.events.Query(
        pb.QueryRequest(filter=asked, page_size=1), metadata=bearer("gateway")
    )
    assert page.events[0] == found.event


async def streamed(
    here: Here, name: str, request: pb.EmitRequest, position: int, *, has_key: bool
) -> None:
    """The same on a stream: it is the same event again, or one more."""
    message = pb.EmitStreamRequest(emits=[pb.StreamedEmit(request_id=1, request=request)])
    stream = here.events.EmitStream(iter([message]), metadata=bearer(name))
    (answers,) = [list(one.answers) async for one in stream]
    receipt = answers[0].response.receipts[0]
    assert receipt.deduplicated is has_key
    assert (receipt.position == position) is has_key


async def test_who_says_to_be_somebody_else_is_refused(here: Here) -> None:
    here.identities.add("plain", Role.ADMIN)
    here.identities.add("full", Role.ADMIN, actor="agent:full", user_id="ann")
    before = await here.events.GetHead(pb.GetHeadRequest(), metadata=bearer("gateway"))
    for name, field, value in (
        ("plain", "actor", "token:other"),
        ("plain", "actor", "system"),
        ("plain", "user_id", "ann"),
        ("full", "actor", "token:full"),
        ("full", "user_id", "bob"),
        ("full", "user_id", "Ann"),
    ):
        for more in ({}, {"metadata": {"a": "b"}}):
            wrong = order(**{field: value}, **more)
            request = pb.EmitRequest(events=[order(), wrong])
            texts = (f"events[1].{field}", repr(value))
            async with refused(grpc.StatusCode.PERMISSION_DENIED, *texts):
                await here.events.Emit(request, metadata=bearer(name))
            emits = [
                pb.StreamedEmit(request_id=1, request=request),
                pb.StreamedEmit(request_id=2, request=pb.EmitRequest(events=[])),
            ]
            stream = here.events.EmitStream(
                iter([pb.EmitStreamRequest(emits=emits)]), metadata=bearer(name)
            )
            answers = [one async for message in stream for one in message.answers]
            assert answers[0].status.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
            assert texts[0] in answers[0].status.message
            assert answers[1].status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    after = await here.events.GetHead(pb.GetHeadRequest(), metadata=bearer("gateway"))
    assert after == before


async def test_what_is_written_about_events_is_stamped_too(here: Here) -> None:
    here.identities.add("writer", Role.ADMIN, user_id="w")
    emitted = await here.events.Emit(pb.EmitRequest(events=[order()]), metadata=bearer("writer"))
    subject = emitted.receipts[0].event_id
    narratives: Any = NarrativeServiceStub(here.channel)
    entities: Any = EntityServiceStub(here.channel)
    ann, bob = (entities_pb2.EntityKey(kind="user", id=name) for name in ("ann", "bob"))
    calls: list[tuple[Any, Any]] = [
        (
            narratives.RecordOutcome,
            narratives_pb2.RecordOutcomeRequest(event_id=subject, outcome="well"),
        ),
        (
            narratives.SaveNarrative,
            narratives_pb2.SaveNarrativeRequest(
                event_id=subject, narrative=narratives_pb2.Narrative(summary="s")
            ),
        ),
        (entities.LinkEntities, entities_pb2.LinkEntitiesRequest(entity=ann, same_as=bob)),
    ]
    for rpc, request in calls:
        request.actor = "somebody"
        async with refused(grpc.StatusCode.PERMISSION_DENIED, "actor", "'somebody'"):
            await rpc(request, metadata=bearer("writer"))
        request.actor = ""
        answer = await rpc(request, metadata=bearer("writer"))
        if isinstance(answer, narratives_pb2.RecordOutcomeResponse):
            assert answer.outcome.actor == "token:writer"
        page = await here.events.Query(pb.QueryRequest(page_size=1), metadata=bearer("writer"))
        assert (page.events[0].actor, page.events[0].user_id) == ("token:writer", "w")
        assert page.events[0].event_type != "order.created"


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limited_caller_emits_only_what_it_sees(here: Here, name: str) -> None:
    sees = seen_by(name)
    stamped = LIMITS[name].get("user_id", "")
    taken: list[str] = []
    for number, sent in enumerate(random_events()[:40]):
        sent.actor = sent.user_id = ""
        sent.idempotency_key = f"{name}-{number}"
        as_stored = event_pb2.NewEvent()
        as_stored.CopyFrom(sent)
        as_stored.user_id = stamped
        request = pb.EmitRequest(events=[sent])
        if sees(as_stored):
            await here.events.Emit(request, metadata=bearer(name))
            taken.append(sent.idempotency_key)
        else:
            async with refused(grpc.StatusCode.PERMISSION_DENIED, "events[0]."):
                await here.events.Emit(request, metadata=bearer(name))
    before = len(here.log)
    here.log[:] = await replayed(here.events, pb.ReplayRequest(), bearer("everybody", LOG))
    added = here.log[before:]
    assert [event.idempotency_key for event in added] == taken
    assert {(event.actor, event.user_id) for event in added} <= {(f"token:{name}", stamped)}


async def test_a_limited_caller_learns_no_sequence_by_expecting_one(here: Here) -> None:
    request = pb.EmitRequest(events=[order()])
    expected = request.expected_sequences.add(exactly=0)
    expected.aggregate.aggregate_type, expected.aggregate.aggregate_id = "orders", "1"
    async with refused(grpc.StatusCode.PERMISSION_DENIED, "expected_sequences"):
        await here.events.Emit(request, metadata=bearer("type"))


async def ends_unauthenticated(stream: Any, began: float) -> list[Any]:
    """What a stream still says until it ends, as it must."""
    said: list[Any] = []

    async def read() -> None:
        while (message := await stream.read()) is not grpc.aio.EOF:
            said.append(message)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "revoked" in (caught.value.details() or "")
    assert time.monotonic() - began < STREAM_END_SECONDS
    return said


@pytest.mark.parametrize("ending", ["revoked", "expired"])
async def test_streams_end_when_their_caller_does_not_hold_any_more(
    here: Here, ending: str
) -> None:
    tenant = bearer("gateway")
    consumers: Any = ConsumerServiceStub(here.channel)
    await consumers.CreateConsumer(
        consumers_pb2.CreateConsumerRequest(name=f"c-{ending}"), metadata=tenant
    )
    expires_at = time.time() + 1.5 if ending == "expired" else None
    name = here.identities.add(f"to-be-{ending}", Role.ADMIN, expires_at=expires_at)
    metadata = bearer(name)
    subscribed = here.events.Subscribe(pb.SubscribeRequest(from_now=Empty()), metadata=metadata)
    other = here.events.Subscribe(pb.SubscribeRequest(from_now=Empty()), metadata=tenant)
    opened = consumers_pb2.ConsumeRequest(
        open=consumers_pb2.ConsumeRequest.Open(consumer=f"c-{ending}", credit=10)
    )
    consuming = consumers.Consume(metadata=metadata)
    await consuming.write(opened)
    emitting = here.events.EmitStream(metadata=metadata)
    emit = pb.StreamedEmit(request_id=1, request=pb.EmitRequest(events=[order()]))
    await emitting.write(pb.EmitStreamRequest(emits=[emit]))
    for stream in (subscribed, other, consuming):
        await stream.read()
    answers = await emitting.read()
    assert answers.answers[0].response.receipts
    if ending == "revoked":
        here.identities.revoked.add(name)
    sending = pb.EmitStreamRequest(
        emits=[
            pb.StreamedEmit(request_id=number, request=pb.EmitRequest(events=[order()]))
            for number in range(2, 12)
        ]
    )
    await emitting.write(sending)
    began = time.monotonic() + (1.5 if ending == "expired" else 0)
    _, _, said = await asyncio.gather(
        *(ends_unauthenticated(stream, began) for stream in (subscribed, consuming, emitting))
    )
    assert [one.request_id for message in said for one in message.answers] == list(range(2, 12))
    async with refused(grpc.StatusCode.UNAUTHENTICATED):
        await here.events.GetHead(pb.GetHeadRequest(), metadata=metadata)
    # Everybody else goes on.
    await here.events.Emit(pb.EmitRequest(events=[order()]), metadata=tenant)
    async with asyncio.timeout(10):
        while not (await other.read()).events:
            pass
    other.cancel()
