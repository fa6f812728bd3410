"""Events whose stored bytes somebody has changed behind the service's back: a superuser may.

Whoever reads such an event is told its position; nobody else is the worse for it.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import aggregates_pb2, consumers_pb2, entities_pb2, event_pb2, narratives_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.aggregates_pb2_grpc import AggregateServiceStub
from everlog.v1.entities_pb2_grpc import EntityServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub
from tests.members import Client, positions
from tests.servers import SharedServer, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAIT_SECONDS = 30
EVENTS = 9
DAMAGED = 5
"""A position; its aggregate is a/1, as that of every second event."""
DAMAGES = {
    "emptied": "''",
    "overwritten": "'\\x67617262616765'",
    "cut short": "substring(record FOR 20)",
    "longer": "record || '\\x00'",
    "two in one": "record || record",
    "broken inside": "overlay(record PLACING '\\xffffff' FROM 45)",
}


def damage(url: str, tenant: str, position: int, new_bytes: str = "''") -> None:
    with psycopg.connect(url) as connection:
        # What keeps everybody else from changing an event.
        connection.execute("SET LOCAL session_replication_role = replica")
        changed = connection.execute(
            f"UPDATE everlog.events SET record = {new_bytes} WHERE position = %s AND tenant_id ="
            " (SELECT tenant_id FROM everlog.tenant_names WHERE name = %s)".encode(),
            [position, tenant],
        )
        assert changed.rowcount == 1


async def emit(stub: EventStoreServiceStub, count: int = EVENTS) -> list[pb.Receipt]:
    events = [
        event_pb2.NewEvent(
            aggregate_type="a",
            aggregate_id=str(n % 2),
            event_type="a.written",
            json="{}",
            idempotency_key=f"k{n}",
        )
        for n in range(1, count + 1)
    ]
    return list((await stub.Emit(pb.EmitRequest(events=events))).receipts)


def told_of(error: grpc.aio.AioRpcError) -> str:
    """The message, of an error that names the damaged event in its details too."""
    assert error.code() is grpc.StatusCode.DATA_LOSS
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == "EVENT_DAMAGED"
    assert len(status.details) == 1, "nobody is told to try again"
    told = str(error.details())
    assert f"position {info.metadata['position']} " in told
    assert uuid.UUID(info.metadata["event_id"])
    assert info.metadata["event_id"] in told
    return told


async def replayed(
    stub: EventStoreServiceStub, request: pb.ReplayRequest | None = None
) -> tuple[list[int], str]:
    """The positions that came, and what the end said."""
    found: list[int] = []
    try:
        async for batch in stub.Replay(request or pb.ReplayRequest()):
            found += [event.position for event in batch.events]
    except grpc.aio.AioRpcError as error:
        return found, told_of(error)
    return found, ""


@pytest.mark.parametrize("new_bytes", DAMAGES.values(), ids=DAMAGES)
async def test_a_read_fails_at_the_damaged_event_and_names_it(
    shared_server: SharedServer, new_bytes: str
) -> None:
    tenant = shared_server.new_tenant()
    async with stub_for(shared_server.server.address, tenant) as stub:
        receipts = await emit(stub)
        damage(shared_server.database_url, tenant, DAMAGED, new_bytes)

        found, told = await replayed(stub)
        assert found == [1, 2, 3, 4]
        assert f"the event at position {DAMAGED} is damaged" in told
        backwards = pb.ReplayRequest(direction=pb.REPLAY_DIRECTION_BACKWARDS)
        found, told = await replayed(stub, backwards)
        assert found == [9, 8, 7, 6]
        assert f"position {DAMAGED} " in told
        assert await replayed(stub, pb.ReplayRequest(after_position=DAMAGED)) == ([6, 7, 8, 9], "")

        key = event_pb2.AggregateKey(aggregate_type="a", aggregate_id="0")
        assert await replayed(stub, pb.ReplayRequest(aggregate=key)) == ([2, 4, 6, 8], "")
        key = event_pb2.AggregateKey(aggregate_type="a", aggregate_id="1")
        found, told = await replayed(stub, pb.ReplayRequest(aggregate=key))
        assert found == [1, 3]
        assert f"position {DAMAGED} " in told

        gets = [
            pb.GetRequest(position=DAMAGED),
            pb.GetRequest(event_id=receipts[DAMAGED - 1].event_id, without_outcome=True),
            pb.GetRequest(idempotency_key=f"k{DAMAGED}"),
            pb.GetRequest(
                aggregate_sequence=pb.AggregateSequence(aggregate=key, sequence=3),
                without_outcome=True,
            ),
        ]
        for get in gets:
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await stub.Get(get)
            assert f"position {DAMAGED} " in told_of(failed.value)
        assert (await stub.Get(pb.GetRequest(position=DAMAGED + 1))).event.position == DAMAGED + 1


async def test_a_listing_has_what_stands_before_the_damage(shared_server: SharedServer) -> None:
    tenant = shared_server.new_tenant()
    async with stub_for(shared_server.server.address, tenant) as stub:
        await emit(stub)
        damage(shared_server.database_url, tenant, DAMAGED)
        page = await stub.Query(pb.QueryRequest())
        assert [event.position for event in page.events] == [9, 8, 7, 6]
        assert page.next_page_token
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.Query(pb.QueryRequest(page_token=page.next_page_token))
        assert f"position {DAMAGED} " in told_of(failed.value)


async def test_an_event_sent_again_by_its_id_is_told_and_its_neighbours_are_stored(
    shared_server: SharedServer,
) -> None:
    """Of an event without a key, only the record says whether it is the same."""
    tenant = shared_server.new_tenant()
    async with stub_for(shared_server.server.address, tenant) as stub:
        event = event_pb2.NewEvent(aggregate_type="a", aggregate_id="1", event_type="a.written")
        (receipt,) = (await stub.Emit(pb.EmitRequest(events=[event]))).receipts
        damage(shared_server.database_url, tenant, 1, DAMAGES["cut short"])
        event.event_id = receipt.event_id
        again, other = await asyncio.gather(
            stub.Emit(pb.EmitRequest(events=[event])),
            stub.Emit(pb.EmitRequest(events=[event_pb2.NewEvent(source="s", event_type="b")])),
            return_exceptions=True,
        )
        assert isinstance(again, grpc.aio.AioRpcError)
        assert receipt.event_id in told_of(again)
        assert isinstance(other, pb.EmitResponse)
        assert other.receipts[0].position == 2


async def test_states_graphs_and_narratives_made_of_it_say_so(shared_server: SharedServer) -> None:
    tenant = shared_server.new_tenant()
    address = shared_server.server.address
    headers = (("everlog-tenant", tenant),)
    async with stub_for(address, tenant) as stub, grpc.aio.insecure_channel(address) as channel:
        aggregates, narratives = AggregateServiceStub(channel), NarrativeServiceStub(channel)
        receipts = await emit(stub, 2)
        saved = narratives_pb2.SaveNarrativeRequest(
            event_id=receipts[0].event_id, narrative=narratives_pb2.Narrative(summary="s")
        )
        await narratives.SaveNarrative(saved, metadata=headers)
        for position in (1, 3):
            damage(shared_server.database_url, tenant, position)
        key = event_pb2.AggregateKey(aggregate_type="a", aggregate_id="1")
        event_id = receipts[0].event_id
        asked = {
            1: [
                aggregates.GetState(
                    aggregates_pb2.GetStateRequest(aggregate=key), metadata=headers
                ),
                narratives.Trace(narratives_pb2.TraceRequest(event_id=event_id), metadata=headers),
                narratives.BuildNarrative(
                    narratives_pb2.BuildNarrativeRequest(event_id=event_id), metadata=headers
                ),
            ],
            3: [
                narratives.GetNarrative(
                    narratives_pb2.GetNarrativeRequest(event_id=event_id), metadata=headers
                )
            ],
        }
        for position, calls in asked.items():
            for call in calls:
                with pytest.raises(grpc.aio.AioRpcError) as failed:
                    await call
                assert f"position {position} " in told_of(failed.value)


async def test_the_events_of_an_entity_come_up_to_it(shared_server: SharedServer) -> None:
    tenant = shared_server.new_tenant()
    address = shared_server.server.address
    headers = (("everlog-tenant", tenant),)
    async with stub_for(address, tenant) as stub, grpc.aio.insecure_channel(address) as channel:
        entities = EntityServiceStub(channel)
        declaration = entities_pb2.EntityDeclaration(
            name="orders", event_types=["a.written"], pointer="/order", kind="order"
        )
        await entities.DeclareEntities(
            entities_pb2.DeclareEntitiesRequest(declarations=[declaration]), metadata=headers
        )
        for _ in range(EVENTS):
            event = event_pb2.NewEvent(
                aggregate_type="a", aggregate_id="1", event_type="a.written", json='{"order": "7"}'
            )
            await stub.Emit(pb.EmitRequest(events=[event]))
        damage(shared_server.database_url, tenant, DAMAGED, DAMAGES["two in one"])
        request = entities_pb2.EventsOfEntityRequest(
            entity=entities_pb2.EntityKey(kind="order", id="7"),
            oldest_first=True,
            min_position=EVENTS,
        )
        page = await entities.EventsOfEntity(request, metadata=headers)
        found = [event.position for event in page.events]
        while found != [1, 2, 3, 4]:  # in pages, each of half of what is asked for
            assert found == [1, 2, 3, 4][: len(found)]
            request.page_token = page.next_page_token
            page = await entities.EventsOfEntity(request, metadata=headers)
            found += [event.position for event in page.events]
        request.page_token = page.next_page_token
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await entities.EventsOfEntity(request, metadata=headers)
        assert f"position {DAMAGED} " in told_of(failed.value)


async def test_writers_and_other_tenants_go_on(shared_server: SharedServer) -> None:
    tenant, other = shared_server.new_tenant(), shared_server.new_tenant()
    address = shared_server.server.address
    async with stub_for(address, tenant) as stub, stub_for(address, other) as another:
        await emit(stub)
        await emit(another)
        damage(shared_server.database_url, tenant, EVENTS)  # the last one of the log
        new = event_pb2.NewEvent(aggregate_type="a", aggregate_id="1", event_type="a.written")
        response = await stub.Emit(pb.EmitRequest(events=[new]))
        assert response.receipts[0].position == EVENTS + 1
        assert all(one.deduplicated for one in await emit(stub))
        assert await replayed(another) == (list(range(1, EVENTS + 1)), "")


async def _followed(
    stub: EventStoreServiceStub, request: pb.SubscribeRequest, until: int
) -> tuple[list[int], str]:
    found: list[int] = []
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async for message in stub.Subscribe(request):
                found += [event.position for event in message.events]
                if message.examined_position >= until:
                    return found, ""
    except grpc.aio.AioRpcError as error:
        return found, told_of(error)
    raise AssertionError("a subscription ended well")


async def test_a_subscriber_that_catches_up_is_ended_before_it(
    shared_server: SharedServer,
) -> None:
    tenant = shared_server.new_tenant()
    async with stub_for(shared_server.server.address, tenant) as stub:
        await emit(stub)
        damage(shared_server.database_url, tenant, DAMAGED)
        found, told = await _followed(stub, pb.SubscribeRequest(after_position=0), EVENTS)
        assert found == [1, 2, 3, 4]
        assert f"position {DAMAGED} " in told
        onwards = pb.SubscribeRequest(after_position=DAMAGED)
        assert await _followed(stub, onwards, EVENTS) == ([6, 7, 8, 9], "")
        of_other = pb.SubscribeRequest(after_position=0)
        of_other.filter.aggregate.aggregate_type = "a"
        of_other.filter.aggregate.aggregate_id = "0"
        assert await _followed(stub, of_other, EVENTS) == ([2, 4, 6, 8], "")


async def test_live_subscribers_elsewhere_are_ended_before_it_or_pass_it(
    shared_server: SharedServer, tmp_path: Path
) -> None:
    """Another server reads what this one has appended: damaged in between, with luck for nobody."""
    tenant = shared_server.new_tenant()
    slow = ("--subscriptions-poll-interval-seconds", "0.05")
    async with (
        serving(shared_server.database_url, tmp_path, *slow) as second,
        stub_for(shared_server.server.address, tenant) as stub,
        stub_for(second.address, tenant) as elsewhere,
    ):
        await emit(stub)
        of_other = pb.SubscribeRequest(after_position=EVENTS)
        of_other.filter.aggregate_types.append("b")
        calls = [elsewhere.Subscribe(pb.SubscribeRequest(after_position=EVENTS))]
        calls.append(elsewhere.Subscribe(of_other))
        for call in calls:
            assert (await call.read()).HasField("caught_up")
        # Inserted as a whole, damaged from the beginning: no server can have seen it before.
        _insert_damaged(shared_server.database_url, tenant)
        new = event_pb2.NewEvent(aggregate_type="b", aggregate_id="1", event_type="b.written")
        assert (await stub.Emit(pb.EmitRequest(events=[new]))).receipts[0].position == EVENTS + 2

        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await _next_events(calls[0])
        assert f"position {EVENTS + 1} " in told_of(failed.value)
        assert await _next_events(calls[1]) == [EVENTS + 2]


async def _next_events(call: grpc.aio.UnaryStreamCall[Any, Any]) -> list[int]:
    """The positions of the next message that has events."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (message := await call.read()).events:
            pass
    return [event.position for event in message.events]


def _insert_damaged(url: str, tenant: str) -> None:
    """An event like the last one, behind it, without a record; and a head that says so."""
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        columns = connection.execute(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid ="
            " 'everlog.events'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
            " AND attname NOT IN ('position', 'sequence', 'event_id', 'idempotency_key', 'record')"
        ).fetchone()
        assert columns is not None
        connection.execute(
            f"WITH last AS (SELECT e.* FROM everlog.events AS e JOIN everlog.tenant_names AS n"
            f" USING (tenant_id) WHERE n.name = %s AND e.position = {EVENTS}), new AS (INSERT INTO"
            f" everlog.events (position, sequence, event_id, record, {columns[0]}) SELECT"
            f" position + 1, sequence + 1, gen_random_uuid(), '', {columns[0]} FROM last"
            " RETURNING tenant_id, position, event_id) UPDATE everlog.tenants AS t SET"
            " head = new.position, head_event_id = new.event_id FROM new"
            " WHERE t.tenant_id = new.tenant_id".encode(),
            [tenant],
        )


async def test_a_consumer_parks_it_and_delivers_the_others(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        client = Client(channel)
        await emit(client.events)
        damage(database_url, "default", DAMAGED)
        await client.create("c", backoff={"initial": Duration(nanos=10_000_000)})
        async with client.member("c", credit=20) as member:
            deliveries = []
            for _ in range(EVENTS - 1):
                deliveries += [await member.next()]
                await member.ack(deliveries[-1])
            assert sorted(positions(deliveries)) == [1, 2, 3, 4, 6, 7, 8, 9]
            status = (await client.get("c")).status
            async with asyncio.timeout(WAIT_SECONDS):
                while status.checkpoint < EVENTS or status.parked != 1:
                    await asyncio.sleep(0.02)
                    status = (await client.get("c")).status
            listing = await client.consumers.ListParked(
                consumers_pb2.ListParkedRequest(consumer="c")
            )
            (parked,) = listing.events
            assert f"the event at position {DAMAGED} is damaged" in str(parked)
        assert "Traceback" not in server.log
