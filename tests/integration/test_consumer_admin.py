"""Consumers from outside their streams: set, moved, listed, and decided about by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog import ConsumerSettings, Event, RetryBackoff
from everlog.v1 import consumers_pb2 as pb
from everlog.v1.consumers_pb2_grpc import ConsumerServiceStub
from tests.conftest import with_database
from tests.members import TestMember, nacked
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog import Client, EventProcessing
    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

TENANTS = 100
_tenants = count(1)
SOON = ConsumerSettings(
    attempts_max=1, checkpoint_interval_seconds=0, backoff=RetryBackoff(initial_seconds=3600)
)
"""The first failure parks."""
PATIENT = ConsumerSettings(
    attempts_max=3, checkpoint_interval_seconds=0, backoff=RetryBackoff(initial_seconds=3600)
)
"""The first failure waits for longer than any test."""
BLOCKING = ConsumerSettings(attempts_max=1, checkpoint_interval_seconds=0, exhausted="block")


class Desk:
    """A tenant of its own, and what is done there."""

    def __init__(self, client: Client, stub: ConsumerServiceStub, dsn: str, tenant: str) -> None:
        self.client = client
        self.dsn = dsn
        self.tenant = tenant
        self.stub = stub
        self.ids: dict[int, str] = {}
        """Of events, by position."""

    def Consume(self) -> Any:
        """As TestMember asks the stub."""
        return self.stub.Consume(metadata=[("everlog-tenant", self.tenant)])

    async def emit(self, *aggregates: str, event_type: str = "order.created", **f: Any) -> None:
        """An event of each aggregate, in one request."""
        events = [
            Event(event_type, aggregate=everlog.AggregateKey.parse(one), data={"n": n}, **f)
            for n, one in enumerate(aggregates)
        ]
        for receipt in await self.client.emit_many(events):
            self.ids[receipt.position] = receipt.event_id

    @asynccontextmanager
    async def member(self, consumer: str, **opening: Any) -> AsyncIterator[TestMember]:
        member = TestMember(self, consumer, **opening)  # type: ignore[arg-type]
        try:
            await member.opened
            yield member
        finally:
            await member.cancel()

    async def fail(self, consumer: str, *positions: int, failing: bool = True) -> None:
        """A member comes, fails these events, acknowledges all others that it gets, and leaves."""
        head = (await self.client.head()).position
        async with self.member(consumer) as member:
            seen: set[int] = set()
            held_back = 0
            while len(seen) < head - held_back:
                delivery = await member.next()
                position = delivery.event.position
                seen.add(position)
                if position in positions and failing:
                    await member.answer(nacked(delivery, f"no {position}"))
                    await member.settled()
                    held_back = await self.held_back(consumer)
                else:
                    assert not [s for s in await member.ack(delivery) if s.HasField("refusal")]
            await member.leave()

    async def held_back(self, consumer: str) -> int:
        return sum([(await self.state(consumer, one)).state == "held_back" for one in self.ids])

    async def state(self, consumer: str, position: int) -> EventProcessing:
        (processing,) = await self.client.processing(self.ids[position], consumer=consumer)
        return processing

    async def states(self, consumer: str) -> dict[int, str]:
        return {one: (await self.state(consumer, one)).state for one in self.ids}

    async def pending(self, consumer: str, page_size: int = 0) -> dict[int, str]:
        """What ListPending has, page by page, in its order."""
        found: dict[int, str] = {}
        request = pb.ListPendingRequest(consumer=consumer, page_size=page_size)
        while True:
            page = await self.stub.ListPending(
                request, metadata=[("everlog-tenant", self.tenant)], timeout=20
            )
            for one in page.events:
                assert one.event.position not in found
                assert one.event.event_id == self.ids[one.event.position]
                name = pb.EventProcessing.State.Name(one.processing.state)
                found[one.event.position] = name.removeprefix("STATE_").lower()
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def parked(self, consumer: str) -> list[int]:
        return [one.event.position async for one in self.client.parked_events(consumer)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, str]]:
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE consumer_admin TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, "consumer_admin")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO everlog.tenant_names (name, tenant_id)"
            f" SELECT 't' || n, n + 1 FROM generate_series(1, {TENANTS}) AS n".encode()
        )
        connection.execute(
            "INSERT INTO everlog.tenants (tenant_id) SELECT tenant_id FROM everlog.tenant_names"
            " WHERE tenant_id > 1"
        )
    async with serving(dsn, tmp_path_factory.mktemp("consumer_admin")) as running:
        yield running.address, dsn
        assert await running.stop() == 0
        assert "Traceback" not in running.log


@asynccontextmanager
async def desk_at(address: str, dsn: str) -> AsyncIterator[Desk]:
    tenant = f"t{next(_tenants)}"
    async with (
        everlog.connect(f"everlog://{address}", tenant=tenant, timeout_seconds=20) as client,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield Desk(client, ConsumerServiceStub(channel), dsn, tenant)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(server: tuple[str, str]) -> AsyncIterator[Desk]:
    """A new tenant."""
    async with desk_at(*server) as desk:
        yield desk


# --- Consumers ------------------------------------------------------------------------------------


async def test_consumers_are_listed_by_name_page_by_page(desk: Desk) -> None:
    names = ["b", "a", "é", "z", "a b", "B"]
    for name in names:
        await desk.client.create_consumer(name)
    listed = [one async for one in desk.client.consumers()]
    assert [one.name for one in listed] == sorted(names, key=str.encode)
    assert listed[0] == await desk.client.consumer(listed[0].name)
    request, pages = pb.ListConsumersRequest(page_size=4), []
    metadata = [("everlog-tenant", desk.tenant)]
    while True:
        page = await desk.stub.ListConsumers(request, metadata=metadata)
        pages.append([one.name for one in page.consumers])
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert pages == [["B", "a", "a b", "b"], ["z", "é"]]


async def test_an_update_replaces_settings_and_knows_its_version(desk: Desk) -> None:
    await desk.emit("order/1", "item/1")
    await desk.client.create_consumer("c", SOON)
    only_items = ConsumerSettings(filter=everlog.Filter(aggregate_types=["item"]), lease_seconds=5)
    updated = await desk.client.update_consumer("c", only_items, expected_version=1)
    assert (updated.version, updated.settings.lease_seconds) == (2, 5.0)
    assert updated.settings.attempts_max == 10
    assert updated.updated_time > updated.created_time
    with pytest.raises(everlog.VersionConflict, match="at version 2, expected 1"):
        await desk.client.update_consumer("c", SOON, expected_version=1)
    with pytest.raises(everlog.InvalidRequest, match=r"settings\.ordering"):
        await desk.client.update_consumer("c", ConsumerSettings(ordering="none"))
    assert await desk.client.consumer("c") == updated
    assert await desk.states("c") == {1: "not_matched", 2: "pending"}


async def test_members_go_on_with_new_settings(desk: Desk) -> None:
    await desk.client.create_consumer("c", SOON)
    async with desk.member("c") as member:
        await desk.emit("order/1")
        first = await member.next()
        assert first.event.position == 1
        items = ConsumerSettings(
            filter=everlog.Filter(aggregate_types=["item"]), checkpoint_interval_seconds=0
        )
        await desk.client.update_consumer("c", items)
        progress = pb.DeliveryAnswer(delivery_id=first.delivery_id, attempt=1, in_progress={})  # type: ignore[arg-type]  # as protobuf takes it
        while member.settlements.empty():  # it is void once the server has heard of it
            await member.answer(progress)
            await asyncio.sleep(0.02)
        await desk.emit("order/2", "item/1")
        delivery = await member.next()
        assert delivery.event.position == 3
        await member.ack(delivery)


async def test_a_deleted_consumer_is_gone_with_all_that_was_known_of_it(desk: Desk) -> None:
    await desk.emit("order/1", "order/2")
    await desk.client.create_consumer("c", SOON)
    await desk.fail("c", 2)
    async with desk.member("c") as member:
        await member.opened
        await desk.client.delete_consumer("c")
        error = await member.end()
    assert error is not None
    assert error.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(everlog.ConsumerNotFound):
        await desk.client.delete_consumer("c")
    with psycopg.connect(desk.dsn) as connection:
        for table in ("slots", "members", "lanes", "events", "instructions"):
            query = (
                f"SELECT count(*) FROM everlog.consumer_{table} AS r"
                " JOIN everlog.tenant_names AS n USING (tenant_id) WHERE n.name = %s"
            )
            assert connection.execute(query.encode(), [desk.tenant]).fetchone() == (0,), table
    await desk.client.create_consumer("c", SOON)
    assert await desk.states("c") == {1: "pending", 2: "pending"}
    assert await desk.parked("c") == []


async def test_a_reset_goes_back_or_forward_and_keeps_what_is_parked(desk: Desk) -> None:
    await desk.emit("order/1", "order/2", "order/3", "order/1")
    await desk.client.create_consumer("c", SOON)
    await desk.fail("c", 2)
    assert await desk.states("c") == {1: "finished", 2: "parked", 3: "finished", 4: "finished"}
    back = await desk.client.reset_consumer("c", after_position=0)
    assert (back.status.checkpoint, back.status.lag, back.status.parked) == (0, 4, 1)
    assert await desk.states("c") == {1: "pending", 2: "parked", 3: "pending", 4: "pending"}
    async with desk.member("c") as member:
        taken = await member.take(2)  # 4 waits for 1
        assert sorted(one.event.position for one in taken) == [1, 3]
    forward = await desk.client.reset_consumer("c", from_now=True, discard_parked=True)
    assert (forward.status.checkpoint, forward.status.parked) == (4, 0)
    assert set((await desk.states("c")).values()) == {"finished"}
    with pytest.raises(everlog.CursorBeyondHead):
        await desk.client.reset_consumer("c", after_position=5)


# --- What became of events ------------------------------------------------------------------------


async def test_the_processing_of_an_event_is_told_with_each_consumer(desk: Desk) -> None:
    await desk.emit("order/1", "order/1", "order/2", "order/1", event_type="order.created")
    await desk.client.create_consumer("started later", from_now=True)
    await desk.emit("order/3", metadata={"region": "eu"})
    await desk.client.create_consumer("retrying", PATIENT)
    await desk.client.create_consumer("parked", SOON)
    await desk.client.create_consumer("blocked", BLOCKING)
    await desk.client.create_consumer("untouched")
    for name, filter_ in {
        "of others": everlog.Filter(event_types=["item.*"]),
        "of europe": everlog.Filter(metadata={"region": "eu"}),
        "of words": everlog.Filter(keyword="created"),
        "of data": everlog.Filter(data_contains={"n": 0}),
    }.items():
        await desk.client.create_consumer(name, ConsumerSettings(filter=filter_))
    for name in ("retrying", "parked", "blocked"):
        await desk.fail(name, 2)
    told = {
        position: {one.consumer: one.state for one in await desk.client.processing(event_id)}
        for position, event_id in desk.ids.items()
    }
    assert list(told[1]) == sorted(told[1])
    assert {name: [told[position][name] for position in desk.ids] for name in told[1]} == {
        "started later": [*["not_matched"] * 4, "pending"],
        "retrying": ["finished", "retrying", "finished", "held_back", "finished"],
        "parked": ["finished", "parked", "finished", "finished", "finished"],
        "blocked": ["finished", "parked", "finished", "held_back", "finished"],
        "untouched": ["pending"] * 5,
        "of others": ["not_matched"] * 5,
        "of europe": [*["not_matched"] * 4, "pending"],
        "of words": ["pending"] * 5,
        "of data": ["pending", *["not_matched"] * 3, "pending"],
    }
    retrying = await desk.state("retrying", 2)
    assert (retrying.attempts, retrying.last_error) == (1, "no 2")
    assert retrying.next_attempt_time is not None
    parked, blocked = await desk.state("parked", 2), await desk.state("blocked", 2)
    assert parked.parked_time is not None
    assert (parked.blocks_aggregate, blocked.blocks_aggregate) == (False, True)
    status = (await desk.client.consumer("blocked")).status
    assert (status.parked, status.blocked, status.retrying) == (1, 1, 0)
    assert (await desk.client.consumer("retrying")).status.retrying == 1


async def test_what_is_in_flight_is_told_within_two_seconds(desk: Desk) -> None:
    await desk.client.create_consumer("c", PATIENT)
    async with desk.member("c", member_name="ann") as member:
        await desk.emit("order/1", "order/1")
        await member.next()
        async with asyncio.timeout(20):
            while True:
                if await desk.states("c") == {1: "in_flight", 2: "pending"}:
                    break
        status = (await desk.client.consumer("c")).status
        assert [(one.name, one.shares, one.in_flight) for one in status.members] == [("ann", 64, 1)]
        assert await desk.pending("c") == {1: "in_flight", 2: "pending"}


@pytest.mark.parametrize("ordering", ["per_aggregate", "none"])
async def test_what_is_listed_as_pending_is_what_each_event_says(desk: Desk, ordering: Any) -> None:
    """ListPending has the events that GetProcessing calls unfinished, each once."""
    await desk.emit(*(f"order/{n % 7}" for n in range(40)))
    settings = ConsumerSettings(
        attempts_max=2,
        checkpoint_interval_seconds=0,
        ordering=ordering,
        backoff=RetryBackoff(initial_seconds=3600),
    )
    await desk.client.create_consumer("c", settings)
    await desk.fail("c", 9, 18, 26)
    if ordering == "per_aggregate":
        assert (await desk.state("c", 16)).state == "held_back"
    await desk.client.set_processing("c", desk.ids[1], "retry")
    await desk.client.set_processing("c", desk.ids[2], "park")
    await desk.client.set_processing("c", desk.ids[23], "ack" if ordering != "none" else "park")
    await desk.emit(*(f"order/{n}" for n in range(5)))
    states = await desk.states("c")
    expected = {p: s for p, s in states.items() if s not in ("finished", "parked")}
    assert set(expected.values()) >= {"retrying", "pending"}
    for page_size in (1, 3, 100):
        found = await desk.pending("c", page_size)
        assert found == expected
    assert next(iter(found)) == 1  # by itself, before the aggregates that stand still
    assert list(found)[-4:] == [42, 43, 44, 45] or ordering == "per_aggregate"


async def test_events_before_the_start_are_not_meant_but_can_be_tried(desk: Desk) -> None:
    await desk.emit("order/1")
    await desk.client.create_consumer("c", SOON, from_now=True)
    with pytest.raises(everlog.EventNotPending):
        await desk.client.set_processing("c", desk.ids[1], "ack")
    tried = await desk.client.set_processing("c", desk.ids[1], "retry")
    assert tried.state == "pending"
    await desk.fail("c", 1)
    assert (await desk.state("c", 1)).state == "parked"


# --- Decisions by hand ----------------------------------------------------------------------------

STATES = {
    # A state, the settings that lead to it, and the event that comes to be in it. Those of
    # order/1 are 1, 3, 5; 1 is failed by the member.
    "pending": (PATIENT, 6),
    "finished": (PATIENT, 2),
    "retrying": (PATIENT, 1),
    "held_back": (PATIENT, 3),
    "parked": (SOON, 1),
    "blocking": (BLOCKING, 1),
    "behind_blocking": (BLOCKING, 5),
}
AFTER = {
    ("pending", "ack"): "finished",
    ("pending", "retry"): "pending",
    ("pending", "park"): "parked",
    ("finished", "ack"): everlog.EventNotPending,
    ("finished", "retry"): "pending",
    ("finished", "park"): "parked",
    ("retrying", "ack"): "finished",
    ("retrying", "retry"): "retrying",
    ("retrying", "park"): "parked",
    ("held_back", "ack"): "finished",
    ("held_back", "retry"): "held_back",
    ("held_back", "park"): "parked",
    ("parked", "ack"): "finished",
    ("parked", "retry"): "pending",
    ("parked", "park"): "parked",
    ("blocking", "ack"): "finished",
    ("blocking", "retry"): "retrying",
    ("blocking", "park"): "parked",
    ("behind_blocking", "ack"): "finished",
    ("behind_blocking", "retry"): "held_back",
    ("behind_blocking", "park"): "parked",
}


@pytest.mark.parametrize(("state", "action"), AFTER)
async def test_a_decision_by_hand_is_so_at_once_where_nobody_consumes(
    desk: Desk, state: str, action: Any
) -> None:
    settings, position = STATES[state]
    await desk.emit("order/1", "order/2", "order/1", "order/3", "order/1")
    await desk.client.create_consumer("c", settings)
    await desk.fail("c", 1)
    await desk.emit("order/4")
    before = await desk.states("c")
    expected = AFTER[state, action]
    if not isinstance(expected, str):
        with pytest.raises(expected):
            await desk.client.set_processing("c", desk.ids[position], action)
        assert await desk.states("c") == before
        return
    told = await desk.client.set_processing("c", desk.ids[position], action, reason="why")
    assert told.state == expected
    if action == "park":
        parked = await desk.client.parked_event("c", desk.ids[position])
        assert (parked.processing.last_error, parked.attempts[-1].member) == ("why", "")
        assert not parked.processing.blocks_aggregate
    await finish(desk, "c")


@pytest.mark.parametrize(("state", "action"), AFTER)
async def test_a_decision_by_hand_is_heeded_by_the_member_that_has_the_share(
    desk: Desk, state: str, action: Any
) -> None:
    settings, position = STATES[state]
    await desk.emit("order/1", "order/2", "order/1", "order/3", "order/1")
    await desk.client.create_consumer("c", settings)
    await desk.fail("c", 1)
    await desk.emit("order/4")
    expected = AFTER[state, action]
    async with desk.member("c", credit=1) as member:
        held = await member.next()
        assert held.event.position == 6
        if not isinstance(expected, str):
            with pytest.raises(expected):
                await desk.client.set_processing("c", desk.ids[position], action)
        else:
            told = await desk.client.set_processing("c", desk.ids[position], action, reason="why")
            if action != "retry" or state == "held_back":
                assert told.state == expected
        # Else what is to be tried could come to this member, and fail as its stream breaks off.
        await member.answer(leave=True)
        (settlement,) = await member.ack(held)
        is_taken = state == "pending"
        assert settlement.HasField("refusal") == is_taken
    await finish(desk, "c")


async def finish(desk: Desk, consumer: str) -> None:
    """A member comes and acknowledges all that is left: nothing is delivered twice, or lost."""
    unfinished = {p for p, s in (await desk.states(consumer)).items() if s in UNFINISHED}
    for position in unfinished:
        if (await desk.state(consumer, position)).state == "retrying":
            await desk.client.set_processing(consumer, desk.ids[position], "retry")
    parked = await desk.parked(consumer)
    blocking = {p for p in parked if (await desk.state(consumer, p)).blocks_aggregate}
    if (await desk.client.consumer(consumer)).status.blocked:
        assert await desk.client.replay_parked(consumer, all=True) == len(parked)
        unfinished |= set(parked)
        parked = []
    last: dict[str, int] = {}
    async with desk.member(consumer) as member:
        while unfinished:
            delivery = await member.next()
            event = delivery.event
            assert event.position in unfinished
            unfinished.discard(event.position)
            # What is replayed comes before those that it was parked behind, or in between, or after
            # them; unless it has blocked them.
            if not delivery.replayed or event.position in blocking:
                assert last.get(event.aggregate_id, 0) < event.position
                last[event.aggregate_id] = event.position
            (settlement,) = await member.ack(delivery)
            assert not settlement.HasField("refusal"), settlement
        await member.leave()
        assert member.deliveries.empty()
    states = await desk.states(consumer)
    assert [p for p, s in states.items() if s == "parked"] == parked
    assert {s for s in states.values() if s != "parked"} <= {"finished"}


UNFINISHED = {"pending", "in_flight", "retrying", "held_back"}


# --- Parked events --------------------------------------------------------------------------------


async def test_parked_events_are_listed_shown_replayed_and_discarded(desk: Desk) -> None:
    aggregates = [f"order/{n}" for n in range(12)]
    await desk.emit(*aggregates[:6], event_type="order.created")
    await desk.emit(*aggregates[6:], event_type="order.paid")
    await desk.client.create_consumer("c", SOON)
    await desk.fail("c", *range(1, 11))
    assert await desk.parked("c") == list(range(1, 11))
    paid = everlog.Filter(event_types=["order.paid"])
    matching = [one async for one in desk.client.parked_events("c", paid)]
    assert [one.event.position for one in matching] == [7, 8, 9, 10]
    shown = await desk.client.parked_event("c", desk.ids[7])
    assert shown == matching[0]
    assert [(one.attempt, one.error) for one in shown.attempts] == [(1, "no 7")]
    request, pages = pb.ListParkedRequest(consumer="c", page_size=4), []
    metadata = [("everlog-tenant", desk.tenant)]
    while True:
        page = await desk.stub.ListParked(request, metadata=metadata)
        pages.append([one.event.position for one in page.events])
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert pages == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]

    for move in (desk.client.replay_parked, desk.client.discard_parked):
        with pytest.raises(everlog.EventNotPending, match=desk.ids[11]):
            await move("c", event_ids=[desk.ids[1], desk.ids[11]])
    assert await desk.parked("c") == list(range(1, 11))  # nothing was done
    for nobody in ("parked_event", "set_processing"):
        with pytest.raises(everlog.EventNotFound):
            await getattr(desk.client, nobody)("c", NOBODY, *["ack"] * (nobody[0] == "s"))

    assert await desk.client.discard_parked("c", event_ids=[desk.ids[1], desk.ids[1]]) == 1
    assert await desk.client.discard_parked("c", filter=paid) == 4
    assert await desk.client.replay_parked("c", event_ids=[desk.ids[3]]) == 1
    assert await desk.client.replay_parked("c", all=True) == 4
    assert await desk.pending("c") == dict.fromkeys((2, 3, 4, 5, 6), "pending")
    async with desk.member("c") as member:
        taken = await member.take(5)
        told = sorted((one.event.position, one.attempt, one.replayed) for one in taken)
        assert told == [(position, 1, True) for position in (2, 3, 4, 5, 6)]
        await member.ack(*taken)
        await member.leave()
    assert set((await desk.states("c")).values()) == {"finished"}


async def test_another_tenant_sees_and_moves_nothing(desk: Desk, server: tuple[str, str]) -> None:
    await desk.emit("order/1")
    await desk.client.create_consumer("c", SOON)
    await desk.fail("c", 1)
    async with desk_at(*server) as other:
        assert [one async for one in other.client.consumers()] == []
        await other.client.create_consumer("c")
        await other.emit("order/1")
        assert await other.parked("c") == []
        assert await other.client.discard_parked("c", all=True) == 0
        with pytest.raises(everlog.EventNotFound):
            await other.client.processing(desk.ids[1])
        with pytest.raises(everlog.EventNotFound):
            await other.client.set_processing("c", desk.ids[1], "ack")
        await other.client.delete_consumer("c")
    assert await desk.parked("c") == [1]


async def test_many_parked_events_are_moved_in_pieces(desk: Desk) -> None:
    await many_parked(desk, 4_500)
    assert (await desk.client.consumer("c")).status.parked == 4_500
    few = everlog.Filter(aggregate_types=["thing"], keyword="rare")
    assert len([one async for one in desk.client.parked_events("c", few)]) == 45
    assert await desk.client.replay_parked("c", filter=few) == 45
    assert await desk.client.discard_parked("c", all=True) == 4_455
    assert (await desk.client.consumer("c")).status.retrying == 45


async def many_parked(desk: Desk, events: int) -> None:
    """So many parked events; every hundredth is rare."""
    for start in range(0, events, 1_000):
        await desk.client.emit_many(
            [
                Event(
                    "thing.happened",
                    aggregate=everlog.AggregateKey("thing", str(n)),
                    data={"word": "rare" if n % 100 == 0 else "usual"},
                )
                for n in range(start, min(start + 1_000, events))
            ]
        )
    await desk.client.create_consumer("c", SOON, from_now=True)
    with psycopg.connect(desk.dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO everlog.consumer_events (tenant_id, consumer_id, position, slot, event_id,"
            " aggregate_type, aggregate_id, state, attempts, parked_time)"
            " SELECT e.tenant_id, c.consumer_id, e.position, mod(e.position, 64), e.event_id,"
            " e.aggregate_type, e.aggregate_id, 'parked', 1, now()"
            " FROM everlog.events AS e JOIN everlog.consumers AS c USING (tenant_id)"
            " JOIN everlog.tenant_names AS n USING (tenant_id) WHERE n.name = %s",
            [desk.tenant],
        )


# --- Bad input ------------------------------------------------------------------------------------

NOBODY = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
_LONG = "x" * 256
_NAMED = {
    "UpdateConsumer": (pb.UpdateConsumerRequest, "name"),
    "DeleteConsumer": (pb.DeleteConsumerRequest, "name"),
    "ResetConsumer": (pb.ResetConsumerRequest, "name"),
    "ListPending": (pb.ListPendingRequest, "consumer"),
    "SetProcessing": (pb.SetProcessingRequest, "consumer"),
    "ListParked": (pb.ListParkedRequest, "consumer"),
    "GetParked": (pb.GetParkedRequest, "consumer"),
    "ReplayParked": (pb.ReplayParkedRequest, "consumer"),
    "DiscardParked": (pb.DiscardParkedRequest, "consumer"),
}
_ALL = pb.ParkedSelection(all={})  # type: ignore[arg-type]  # as protobuf takes it
_WHOLE: dict[str, dict[str, Any]] = {
    "ResetConsumer": {"after_position": 0},
    "SetProcessing": {"event_id": NOBODY, "action": 1},
    "GetParked": {"event_id": NOBODY},
    "ReplayParked": {"selection": _ALL},
    "DiscardParked": {"selection": _ALL},
}


def _selection(*ids: str) -> pb.ParkedSelection:
    return pb.ParkedSelection(events=pb.ParkedSelection.EventIds(event_ids=ids))


_BAD: list[tuple[str, Any, str]] = [
    *(
        (method, message(**{field: name}, **_WHOLE.get(method, {})), field)
        for method, (message, field) in _NAMED.items()
        for name in ("", _LONG, "a\0b")
    ),
    *(
        (method, _NAMED[method][0](consumer="c", page_size=size), "page_size")
        for method in ("ListPending", "ListParked")
        for size in (-1, 1_001)
    ),
    *(
        (method, _NAMED[method][0](consumer="c", selection=selection), field)
        for method in ("ReplayParked", "DiscardParked")
        for selection, field in (
            (None, "selection"),
            (_selection(), "selection.events.event_ids"),
            (_selection(*[NOBODY] * 1_001), "selection.events.event_ids"),
            (_selection(NOBODY, "x"), "selection.events.event_ids[1]"),
            (_selection(""), "selection.events.event_ids[0]"),
            (pb.ParkedSelection(filter={"keyword": "!"}), "filter.keyword"),  # type: ignore[arg-type]
        )
    ),
    ("ListConsumers", pb.ListConsumersRequest(page_size=-1), "page_size"),
    ("ListConsumers", pb.ListConsumersRequest(page_token="x"), "page_token"),
    ("ListPending", pb.ListPendingRequest(consumer="c", page_token="x"), "page_token"),
    ("ListParked", pb.ListParkedRequest(consumer="c", page_token="x"), "page_token"),
    ("ListParked", pb.ListParkedRequest(consumer="c", filter={"actor": _LONG}), "filter.actor"),  # type: ignore[arg-type]
    ("GetParked", pb.GetParkedRequest(consumer="c", event_id="x"), "event_id"),
    ("GetProcessing", pb.GetProcessingRequest(), "event_id"),
    ("GetProcessing", pb.GetProcessingRequest(event_id="x"), "event_id"),
    ("GetProcessing", pb.GetProcessingRequest(event_id=NOBODY, consumer=_LONG), "consumer"),
    ("SetProcessing", pb.SetProcessingRequest(consumer="c", action=1), "event_id"),
    ("SetProcessing", pb.SetProcessingRequest(consumer="c", event_id=NOBODY), "action"),
    (
        "SetProcessing",
        pb.SetProcessingRequest(consumer="c", event_id=NOBODY, action=9),  # type: ignore[arg-type]
        "action",
    ),
    (
        "SetProcessing",
        pb.SetProcessingRequest(consumer="c", event_id=NOBODY, action=3, reason="x" * 4_097),
        "reason",
    ),
    ("UpdateConsumer", pb.UpdateConsumerRequest(name="c", expected_version=-1), "expected_version"),
    ("ResetConsumer", pb.ResetConsumerRequest(name="c"), "start"),
    ("ResetConsumer", pb.ResetConsumerRequest(name="c", after_position=-1), "after_position"),
]


async def test_bad_input_is_refused_and_named(desk: Desk) -> None:
    await desk.client.create_consumer("c", SOON)
    metadata = [("everlog-tenant", desk.tenant)]
    for method, request, field in _BAD:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(desk.stub, method)(request, metadata=metadata, timeout=20)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (method, request)
        assert f"{field}:" in (refused.value.details() or ""), (method, request, refused.value)
    for method, (message, field) in _NAMED.items():
        request = message(**{field: "nobody"}, **_WHOLE.get(method, {}))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(desk.stub, method)(request, metadata=metadata, timeout=20)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND, method
