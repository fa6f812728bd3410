"""Consume: what members are delivered, and what becomes of their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import consumers_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from tests.conftest import new_database
from tests.members import Client, TestMember, acked, client_for, nacked, positions, released
from tests.servers import Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOON = {"initial": Duration(nanos=1_000_000), "jitter": 0.0, "multiplier": 1.0}
UNORDERED = pb.ConsumerSettings.ORDERING_NONE
BLOCK = pb.ConsumerSettings.EXHAUSTED_BLOCK


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    with new_database(postgres, template=template_database) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(url, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: Server) -> AsyncIterator[Client]:
    async with client_for(server.address) as client:
        yield client


async def consumer(client: Client, kind: str, **settings: Any) -> str:
    """A consumer of one aggregate type, and of its name."""
    settings.setdefault("backoff", SOON)
    settings.setdefault("filter", {"aggregate_types": [kind]})
    await client.create(kind, **settings)
    return kind


async def until_parked(client: Client, name: str, parked: int) -> pb.ConsumerStatus:
    while True:
        status = (await client.get(name)).status
        if status.parked == parked:
            return status
        await asyncio.sleep(0.01)


async def until_shared(client: Client, name: str, shares: list[int]) -> None:
    while True:
        members = (await client.get(name)).status.members
        if sorted(one.shares for one in members) == shares:
            return
        await asyncio.sleep(0.02)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return info.reason


async def test_an_acknowledged_event_is_not_delivered_again(client: Client) -> None:
    name = await consumer(client, "acked")
    stored = await client.emit("acked/1", "acked/2", "acked/3")
    async with client.member(name) as member:
        opened = await member.opened
        assert (opened.credit, opened.lease.seconds) == (100, 30)
        taken = await member.take(3)
        assert sorted(positions(taken)) == stored
        assert [one.attempt for one in taken] == [1, 1, 1]
        settlements = await member.ack(*taken)
        assert not any(one.HasField("refusal") for one in settlements)
        await member.leave()
    status = (await client.get(name)).status
    assert (status.checkpoint, status.lag, len(status.members)) == (status.head_position, 0, 0)
    more = await client.emit("acked/1")
    async with client.member(name) as member:
        assert positions(await member.take(1)) == more


async def test_an_event_that_fails_is_tried_again_and_parked(client: Client) -> None:
    name = await consumer(client, "poison", attempts_max=3)
    first, behind, other = await client.emit("poison/1", "poison/1", "poison/2")
    async with client.member(name) as member:
        seen: list[tuple[int, int]] = []
        while len(seen) < 5:
            delivery = await member.next()
            seen.append((delivery.event.position, delivery.attempt))
            fails = delivery.event.position == first
            await member.answer(nacked(delivery, "boom") if fails else acked(delivery))
        assert [one for one in seen if one[0] == first] == [(first, 1), (first, 2), (first, 3)]
        assert [position for position, _ in seen if position != other].index(behind) == 3
        status = await until_parked(client, name, 1)
        assert (status.retrying, status.blocked) == (0, 0)


async def test_an_event_may_block_its_aggregate(client: Client) -> None:
    name = await consumer(client, "blocked", attempts_max=1, exhausted=BLOCK)
    first, _, _ = await client.emit("blocked/1", "blocked/1", "blocked/2")
    async with client.member(name) as member:
        for delivery in await member.take(2):
            fails = delivery.event.position == first
            await member.answer(nacked(delivery) if fails else acked(delivery))
        status = await until_parked(client, name, 1)
        assert status.blocked == 1
        (later,) = await client.emit("blocked/2")
        delivery = await member.next()
        assert positions([delivery]) == [later]
        await member.ack(delivery)
        await client.emit("blocked/1")
        await member.leave()
    (last,) = await client.emit("blocked/2")
    async with client.member(name) as member:  # a new owner knows it, too
        assert positions([await member.next()]) == [last]


async def test_a_nack_may_say_what_is_done(client: Client) -> None:
    name = await consumer(client, "actions", backoff={"initial": Duration(seconds=3600)})
    parked, skipped, again, later = await client.emit(*(f"actions/{n}" for n in range(4)))
    async with client.member(name) as member:
        by_position = {one.event.position: one for one in await member.take(4)}
        await member.answer(
            nacked(by_position[parked], park=Empty()),
            nacked(by_position[skipped], skip=Empty()),
            nacked(by_position[again], retry_now=Empty()),
            nacked(by_position[later], retry_after=Duration(nanos=50_000_000)),
        )
        taken = await member.take(2)
        assert positions(taken) == [again, later]
        assert [one.attempt for one in taken] == [2, 2]
        status = await until_parked(client, name, 1)
        await member.answer(*map(acked, taken))
        settled = [await member.settled() for _ in range(6)]
        assert not any(one.HasField("refusal") for one in settled)
        status = (await client.get(name)).status
        assert (status.parked, status.retrying) == (1, 0)


async def test_a_late_answer_is_refused(client: Client) -> None:
    name = await consumer(client, "late", lease=Duration(nanos=200_000_000))
    await client.emit("late/1")
    async with client.member(name) as member:
        first = await member.next()
        second = await member.next()
        assert (second.event.position, second.attempt) == (first.event.position, 2)
        await member.answer(acked(first), acked(second))
        settled = {one.delivery_id: one for one in [await member.settled() for _ in range(2)]}
        assert settled[first.delivery_id].refusal.code == 9
        assert not settled[second.delivery_id].HasField("refusal")


async def test_in_progress_renews_the_lease(client: Client) -> None:
    name = await consumer(client, "slowly", lease=Duration(nanos=500_000_000))
    await client.emit("slowly/1")
    async with client.member(name) as member:
        delivery = await member.next()
        progress = pb.DeliveryAnswer(
            delivery_id=delivery.delivery_id, attempt=1, in_progress=Empty()
        )
        for _ in range(8):
            await asyncio.sleep(0.1)
            await member.answer(progress)
        (settlement,) = await member.ack(delivery)
        if member.deliveries.empty():  # else this machine was slower than the lease
            assert not settlement.HasField("refusal")


async def test_foreign_repeated_and_wrong_answers_are_refused(client: Client) -> None:
    name = await consumer(client, "foreign")
    await client.emit("foreign/1")
    async with client.member(name) as member, client.member(name) as other:
        delivery = await _either(member, other)
        holder, stranger = member, other
        if not delivery.delivery_id.startswith(await _prefix(member)):
            holder, stranger = other, member
        await stranger.answer(acked(delivery))
        assert (await stranger.settled()).HasField("refusal")
        wrong = acked(delivery)
        wrong.attempt = 2
        await holder.answer(wrong)
        assert (await holder.settled()).HasField("refusal")
        await holder.answer(acked(delivery), acked(delivery))
        settled = [(await holder.settled()).HasField("refusal") for _ in range(2)]
        assert sorted(settled) == [False, True]
        await holder.answer(pb.DeliveryAnswer(delivery_id="none", attempt=-1, in_progress=Empty()))
        refused = await holder.settled()
        assert (refused.delivery_id, refused.attempt) == ("none", -1)
        assert refused.HasField("refusal")


async def test_what_is_given_back_comes_again_and_counts_nothing(client: Client) -> None:
    name = await consumer(client, "given", attempts_max=2)
    first, behind = await client.emit("given/1", "given/1")
    async with client.member(name, credit=1) as member:
        for attempt in (1, 1, 1):
            delivery = await member.next()  # its credit is free again
            assert (delivery.event.position, delivery.attempt) == (first, attempt)
            await member.answer(released(delivery))
            settlement = await member.settled()
            assert settlement.delivery_id == delivery.delivery_id
            assert not settlement.HasField("refusal")
        await member.answer(nacked(await member.next()))
        delivery = await member.next()
        assert (delivery.event.position, delivery.attempt) == (first, 2)
        await member.answer(released(delivery))
        delivery = await member.next()  # of its lane, it is the next one, too
        assert (delivery.event.position, delivery.attempt) == (first, 2)
        assert (await client.get(name)).status.parked == 0
        await member.answer(acked(delivery))
        delivery = await member.next()
        assert (delivery.event.position, delivery.attempt) == (behind, 1)
        await member.answer(released(delivery), leave=True)
        assert await member.end() is None
    async with client.member(name) as member:
        delivery = await member.next()
        assert (delivery.event.position, delivery.attempt) == (behind, 1)
        status = (await client.get(name)).status
        assert (status.retrying, status.parked) == (0, 0)


async def test_what_is_not_held_can_not_be_given_back(client: Client) -> None:
    name = await consumer(client, "ungiven")
    await client.emit("ungiven/1", "ungiven/1")
    async with client.member(name, credit=1) as member, client.member(name) as other:
        delivery = await _either(member, other)
        holder, stranger = member, other
        if not delivery.delivery_id.startswith(await _prefix(member)):
            holder, stranger = other, member
        wrong = released(delivery)
        wrong.attempt = 2
        for one, answer in ((stranger, released(delivery)), (holder, wrong)):
            await one.answer(answer)
            assert (await one.settled()).HasField("refusal")
        await holder.answer(acked(delivery), released(delivery))
        settled = [(await holder.settled()).HasField("refusal") for _ in range(2)]
        assert sorted(settled) == [False, True]
        later = await _either(member, other)
        assert later.event.position > delivery.event.position  # it was finished, and stays so


async def _either(*members: TestMember) -> pb.Delivery:
    getting = [asyncio.ensure_future(one.next()) for one in members]
    done, rest = await asyncio.wait(getting, return_when=asyncio.FIRST_COMPLETED)
    for one in rest:
        one.cancel()
    return done.pop().result()


async def _prefix(member: TestMember) -> str:
    return (await member.opened).member_id.replace("-", "")[:12]


async def test_a_broken_stream_counts_as_an_attempt_and_leaving_does_not(client: Client) -> None:
    name = await consumer(client, "broken")
    await client.emit("broken/1")
    async with client.member(name) as member:
        assert (await member.next()).attempt == 1
        await member.cancel()
    async with client.member(name) as member:
        delivery = await member.next()
        assert delivery.attempt == 2
        await member.answer(leave=True)
        await client.emit("broken/2")
        await member.answer(acked(delivery))
        assert await member.end() is None
        assert member.deliveries.empty()
    async with client.member(name) as member:
        delivery = await member.next()
        assert (delivery.attempt, delivery.event.aggregate_id) == (1, "2")


async def test_a_half_close_ends_a_member(client: Client) -> None:
    name = await consumer(client, "closed")
    await client.emit("closed/1")
    async with client.member(name) as member:
        await member.next()
        await member.half_close()
        assert await member.end() is None
    async with client.member(name) as member:
        assert (await member.next()).attempt == 2


async def test_unordered_events_wait_for_nothing(client: Client) -> None:
    name = await consumer(client, "unordered", ordering=UNORDERED, attempts_max=2)
    stored = await client.emit(*["unordered/1"] * 5)
    async with client.member(name) as member:
        taken = await member.take(5)
        assert sorted(positions(taken)) == stored
        failing = taken[0]
        await member.answer(nacked(failing), *map(acked, taken[1:]))
        again = await member.next()
        assert (again.event.position, again.attempt) == (failing.event.position, 2)
        await member.answer(nacked(again))
        await until_parked(client, name, 1)
        await member.leave()
    assert (await client.get(name)).status.lag == 0


async def test_credit_bounds_what_is_unanswered(client: Client) -> None:
    name = await consumer(client, "credit", in_flight_max=5)
    await client.emit(*(f"credit/{n}" for n in range(20)))
    async with client.member(name, credit=3) as member:
        assert (await member.opened).credit == 3
        taken = await member.take(3)
        await asyncio.sleep(0.1)
        assert member.deliveries.empty()
        for _ in range(17):
            await member.answer(acked(taken.pop()))
            taken.append(await member.next())
    async with client.member(name, credit=1000) as member:
        assert (await member.opened).credit == 5


async def test_members_share_the_events_and_take_over(client: Client) -> None:
    name = await consumer(client, "shared")
    async with client.member(name, member_name="a") as a, client.member(name) as b:
        await until_shared(client, name, [32, 32])
        await client.emit(*(f"shared/{n}" for n in range(40)))
        seen = {"a": 0, "b": 0}

        async def work(key: str, member: TestMember) -> None:
            while sum(seen.values()) < 40:
                delivery = await member.next()
                await member.ack(delivery)
                seen[key] += 1

        working = [asyncio.create_task(work("a", a)), asyncio.create_task(work("b", b))]
        await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        for one in working:
            one.cancel()
        assert min(seen.values()) > 0
        await b.leave()
        await client.emit(*(f"shared/{n}" for n in range(40)))
        assert len(await a.take(40)) == 40


async def test_a_lane_goes_on_where_it_was(client: Client) -> None:
    """An aggregate of which an event fails catches up, in order, also with another owner."""
    name = await consumer(client, "lane", backoff={"initial": Duration(nanos=300_000_000)})
    stored = await client.emit(*["lane/1"] * 60)
    async with client.member(name) as member:
        await member.answer(nacked(await member.next()))
        await member.leave()
    more = await client.emit(*["lane/1"] * 20)
    async with client.member(name) as member:
        seen: list[int] = []
        while len(seen) < 80:
            delivery = await member.next()
            seen.append(delivery.event.position)
            await member.answer(acked(delivery))
            if len(seen) == 40:
                more += await client.emit("lane/1")
        assert seen == (stored + more)[:80]
        assert positions([await member.next()]) == more[-1:]


async def test_filters_that_only_the_database_can_judge(client: Client) -> None:
    event_filter = {"aggregate_types": ["gold"], "data_contains": '{"tier": "gold"}'}
    name = await consumer(client, "gold", filter=event_filter)
    await client.emit("gold/1")
    meant = event_pb2.NewEvent(
        aggregate_type="gold", aggregate_id="1", event_type="gold.x", json='{"tier": "gold"}'
    )
    async with client.member(name) as member:
        emitted = await client.events.Emit(event_store_pb2.EmitRequest(events=[meant]))
        assert positions([await member.next()]) == [emitted.receipts[0].position]


async def test_large_events_come_in_messages_of_at_most_1_mib(client: Client) -> None:
    name = await consumer(client, "large")
    body = '"' + "x" * 300_000 + '"'
    for n in range(8):
        one = event_pb2.NewEvent(
            aggregate_type="large", aggregate_id=str(n), event_type="large.x", json=body
        )
        await client.events.Emit(event_store_pb2.EmitRequest(events=[one]))
    call = client.consumers.Consume()
    await call.write(pb.ConsumeRequest(open=pb.ConsumeRequest.Open(consumer=name)))
    taken = 0
    while taken < 8:
        message = await call.read()
        assert message.ByteSize() <= 1024 * 1024
        taken += len(message.deliveries)
    call.cancel()


async def test_a_silent_stream_has_heartbeats(client: Client) -> None:
    name = await consumer(client, "silent")
    async with client.member(name, heartbeat_interval=Duration(nanos=100_000_000)) as member:
        await member.hears_heartbeats(3)


async def test_a_consumer_starts_where_it_is_told(client: Client) -> None:
    one, two, three = await client.emit("start/1", "start/1", "start/1")
    for kind, start, expected in [
        ("s1", {"after_position": one}, two),
        ("s2", {"after_position": two}, three),
        ("s3", {}, one),
    ]:
        await client.create(kind, filter={"aggregate_types": ["start"]}, start=start)
        async with client.member(kind) as member:
            assert positions([await member.next()]) == [expected]
    await client.create("s4", filter={"aggregate_types": ["start"]}, start={"from_now": Empty()})
    (four,) = await client.emit("start/1")
    async with client.member("s4") as member:
        assert positions([await member.next()]) == [four]


async def test_creating_a_consumer_again(client: Client) -> None:
    await client.create("twice", attempts_max=3)
    request = pb.CreateConsumerRequest(
        name="twice",
        settings=pb.ConsumerSettings(attempts_max=3, checkpoint_interval=Duration()),
    )
    assert (await client.consumers.CreateConsumer(request)).existed
    request.settings.attempts_max = 4
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.consumers.CreateConsumer(request)
    assert reason_of(caught.value) == "CONSUMER_EXISTS"


async def test_a_consumer_has_a_bounded_number_of_members(client: Client, url: str) -> None:
    name = await consumer(client, "crowd")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO everlog.consumer_members"
            " (tenant_id, consumer_id, member_id, name, process_id, lease_until)"
            " SELECT 1, c.consumer_id, gen_random_uuid(), '', gen_random_uuid(),"
            " now() + interval '1 hour'"
            " FROM everlog.consumers AS c, generate_series(1, 1000) WHERE c.name = 'crowd'"
        )
        async with client.member(name) as member:
            error = await member.end()
        assert error is not None
        assert reason_of(error) == "TOO_MANY_MEMBERS"


BAD_SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("settings.lease", {"lease": Duration(nanos=99_999_999)}),
    ("settings.lease", {"lease": Duration(seconds=3601)}),
    ("settings.lease", {"lease": Duration(seconds=1, nanos=-5)}),
    ("settings.attempts_max", {"attempts_max": -1}),
    ("settings.attempts_max", {"attempts_max": 1_000_001}),
    ("settings.in_flight_max", {"in_flight_max": 1_001}),
    ("settings.checkpoint_interval", {"checkpoint_interval": Duration(seconds=61)}),
    ("settings.checkpoint_interval", {"checkpoint_interval": Duration(seconds=-1)}),
    ("settings.ordering", {"ordering": 9}),
    ("settings.exhausted", {"exhausted": 9}),
    ("settings.exhausted", {"exhausted": BLOCK, "ordering": UNORDERED}),
    ("settings.backoff.initial", {"backoff": {"initial": Duration()}}),
    ("settings.backoff.initial", {"backoff": {"initial": Duration(seconds=86_401)}}),
    ("settings.backoff.max", {"backoff": {"max": Duration(seconds=604_801)}}),
    ("settings.backoff.max", {"backoff": {"max": Duration(nanos=1_000_000)}}),
    ("settings.backoff.multiplier", {"backoff": {"multiplier": 0.5}}),
    ("settings.backoff.multiplier", {"backoff": {"multiplier": float("nan")}}),
    ("settings.backoff.jitter", {"backoff": {"jitter": 1.5}}),
    ("settings.filter.event_types[0]", {"filter": {"event_types": ["*"]}}),
]


@pytest.mark.parametrize(("field", "settings"), BAD_SETTINGS)
async def test_bad_settings_are_refused(
    client: Client, field: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.create("bad", **settings)
    assert reason_of(caught.value) in {"INVALID_REQUEST", "INVALID_FILTER"}
    assert field in (caught.value.details() or "")


BAD_REQUESTS: list[tuple[str, str, pb.CreateConsumerRequest]] = [
    ("INVALID_REQUEST", "name", pb.CreateConsumerRequest()),
    ("INVALID_REQUEST", "name", pb.CreateConsumerRequest(name="x" * 256)),
    ("INVALID_REQUEST", "name", pb.CreateConsumerRequest(name="a\0b")),
    ("INVALID_REQUEST", "after_position", pb.CreateConsumerRequest(name="b", after_position=-1)),
    ("CURSOR_BEYOND_HEAD", "", pb.CreateConsumerRequest(name="b", after_position=10**9)),
    (
        "INVALID_REQUEST",
        "from_time",
        pb.CreateConsumerRequest(name="b", from_time={"seconds": 99_999_999_999}),  # type: ignore[arg-type]  # as protobuf takes it
    ),
]


@pytest.mark.parametrize(("reason", "field", "request_"), BAD_REQUESTS)
async def test_bad_creations_are_refused(
    client: Client, reason: str, field: str, request_: pb.CreateConsumerRequest
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.consumers.CreateConsumer(request_)
    assert reason_of(caught.value) == reason
    assert field in (caught.value.details() or "")


async def _read_all(call: AsyncIterator[pb.ConsumeResponse]) -> None:
    async with asyncio.timeout(20):
        async for _ in call:
            pass


OPEN = pb.ConsumeRequest(open=pb.ConsumeRequest.Open(consumer="bad-streams"))


def _opening(**fields: Any) -> pb.ConsumeRequest:
    return pb.ConsumeRequest(open=pb.ConsumeRequest.Open(consumer="bad-streams", **fields))


BAD_STREAMS: list[tuple[str, str, list[pb.ConsumeRequest]]] = [
    ("INVALID_REQUEST", "open", []),
    ("INVALID_REQUEST", "open", [pb.ConsumeRequest()]),
    ("INVALID_REQUEST", "open", [OPEN, OPEN]),
    ("INVALID_REQUEST", "open.consumer", [pb.ConsumeRequest(open=pb.ConsumeRequest.Open())]),
    ("INVALID_REQUEST", "open.member_name", [_opening(member_name="x" * 256)]),
    ("INVALID_REQUEST", "open.credit", [_opening(credit=-1)]),
    ("INVALID_REQUEST", "open.credit", [_opening(credit=1_001)]),
    (
        "INVALID_REQUEST",
        "open.heartbeat_interval",
        [_opening(heartbeat_interval=Duration(nanos=1))],
    ),
    (
        "CONSUMER_NOT_FOUND",
        "nobody",
        [pb.ConsumeRequest(open=pb.ConsumeRequest.Open(consumer="nobody"))],
    ),
    (
        "INVALID_REQUEST",
        "answers[0].answer",
        [OPEN, pb.ConsumeRequest(answers=[pb.DeliveryAnswer(delivery_id="x")])],
    ),
    (
        "INVALID_REQUEST",
        "answers",
        [OPEN, pb.ConsumeRequest(answers=[pb.DeliveryAnswer()] * 1_001)],
    ),
    (
        "INVALID_REQUEST",
        "answers[0].nack.retry_after",
        [
            OPEN,
            pb.ConsumeRequest(
                answers=[
                    pb.DeliveryAnswer(
                        delivery_id="x",
                        nack=pb.DeliveryAnswer.Nack(retry_after=Duration(seconds=604_801)),
                    )
                ]
            ),
        ],
    ),
]


@pytest.mark.parametrize(("reason", "field", "messages"), BAD_STREAMS)
async def test_bad_streams_are_refused(
    client: Client, reason: str, field: str, messages: list[pb.ConsumeRequest]
) -> None:
    await client.create("bad-streams")
    call = client.consumers.Consume(iter(messages))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _read_all(call)
    assert reason_of(caught.value) == reason
    assert field in (caught.value.details() or "")
