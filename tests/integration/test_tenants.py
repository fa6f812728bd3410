"""Tenants: created, listed, renamed, frozen and dropped, while others go on."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration

import everlog
from everlog.status import error_from_rpc
from everlog.v1 import admin_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1.admin_pb2_grpc import AdminServiceStub
from everlog_server.errors import BadRequestError, TenantFrozenError, TenantNotFoundError
from everlog_server.storage.tenants import Tenants, TenantStore
from tests.factories import emission, new_event, open_house
from tests.servers import serving, stub_for, tenant_channel
from tests.tenants import id_of, tables_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from everlog import Client
    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
    from tests.factories import House
    from tests.servers import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLLOWED_SECONDS = 2.0


def event(**fields: Any) -> everlog.Event:
    return everlog.Event("order.created", aggregate=("order", "1"), data={"n": 1}, **fields)


def new_name() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def operator(shared_server: SharedServer) -> AsyncIterator[Client]:
    async with everlog.connect(shared_server.url) as client:
        yield client


async def unary(stub: EventStoreServiceStub) -> None:
    """An Emit by itself, with a refusal as the client has them."""
    message = event_pb2.NewEvent(aggregate_type="a", aggregate_id="1", event_type="a.b", json="{}")
    try:
        await stub.Emit(  # type: ignore[misc]  # the stubs know the synchronous one only
            event_store_pb2.EmitRequest(events=[message])
        )
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from error


def client_of(server: SharedServer, tenant: str) -> Client:
    return everlog.connect(server.url, tenant=tenant, backoff=None)


async def test_a_new_tenant_has_an_empty_log_of_its_own(
    shared_server: SharedServer, operator: Client
) -> None:
    name = new_name()
    created = await operator.create_tenant(name)
    assert (created.name, created.head_position, created.frozen) == (name, 0, False)
    async with client_of(shared_server, name) as client:
        assert (await client.emit(event())).position == 1
    with pytest.raises(everlog.TenantExists):
        await operator.create_tenant(name)


async def test_tenants_are_listed_by_name_page_by_page(
    shared_server: SharedServer, operator: Client
) -> None:
    names = {new_name() for _ in range(5)}
    for name in names:
        await operator.create_tenant(name)
    listed = [one.name async for one in operator.tenants()]
    assert listed == sorted(listed)
    assert names <= set(listed)
    assert "default" in listed
    async with tenant_channel(shared_server.server.address) as channel:
        stub = AdminServiceStub(channel)
        paged: list[str] = []
        token = ""
        while True:
            page = await stub.ListTenants(pb.ListTenantsRequest(page_size=2, page_token=token))
            assert len(page.tenants) <= 2
            paged += [one.name for one in page.tenants]
            token = page.next_page_token
            if not token:
                break
    assert paged == listed


async def test_two_that_are_created_at_once_are_two(operator: Client) -> None:
    name = new_name()
    answers = await asyncio.gather(
        *(operator.create_tenant(name) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, everlog.TenantExists) for one in answers) == 4


@pytest.mark.parametrize("name", ["", "A", "a b", "ä", "a" * 64, "a/b"])
@pytest.mark.parametrize(
    ("method", "request_type", "field"),
    [
        ("CreateTenant", pb.CreateTenantRequest, "name"),
        ("RenameTenant", pb.RenameTenantRequest, "name"),
        ("RenameTenant", pb.RenameTenantRequest, "new_name"),
        ("FreezeTenant", pb.FreezeTenantRequest, "name"),
        ("DropTenant", pb.DropTenantRequest, "name"),
    ],
)
async def test_a_name_that_is_none_is_refused(
    shared_server: SharedServer, method: str, request_type: Any, field: str, name: str
) -> None:
    others = {one.name: "fine" for one in request_type.DESCRIPTOR.fields if "name" in one.name}
    async with tenant_channel(shared_server.server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await getattr(AdminServiceStub(channel), method)(request_type(**others | {field: name}))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"{field}: is {name!r}" in str(caught.value.details())


async def test_what_is_not_there_is_not_found(operator: Client) -> None:
    name = new_name()
    for call in (
        operator.rename_tenant(name, new_name()),
        operator.freeze_tenant(name),
        operator.drop_tenant(name, head_position=0),
    ):
        with pytest.raises(everlog.TenantNotFound):
            await call


async def test_a_renamed_tenant_is_known_by_its_new_name_only(
    shared_server: SharedServer, operator: Client, tmp_path: Path
) -> None:
    old, new = new_name(), new_name()
    await operator.create_tenant(old)
    async with (
        serving(shared_server.database_url, tmp_path) as second,
        client_of(shared_server, old) as client,
        everlog.connect(f"everlog://{second.address}", tenant=old, backoff=None) as far,
    ):
        await client.emit(event())
        await far.emit(event())  # both know it now
        assert (await operator.rename_tenant(old, new)).name == new
        began = asyncio.get_running_loop().time()
        for one in (client, far):
            async with asyncio.timeout(30):
                while True:
                    try:
                        await one.head()
                    except everlog.TenantNotFound:
                        break
                    # A loaded machine may look late, but not much.
                    assert asyncio.get_running_loop().time() - began < FOLLOWED_SECONDS + 5
                    await asyncio.sleep(0.05)
    async with client_of(shared_server, new) as client:
        assert (await client.head()).position == 2
    await operator.create_tenant(old)  # the name is free
    with pytest.raises(everlog.TenantExists):
        await operator.rename_tenant(old, new)


async def test_a_frozen_tenant_takes_nothing_and_shows_all(
    shared_server: SharedServer, operator: Client
) -> None:
    name = new_name()
    await operator.create_tenant(name)
    async with (
        client_of(shared_server, name) as client,
        stub_for(shared_server.server.address, name) as stub,
    ):
        first = await client.emit(event(idempotency_key="k"))
        frozen = await operator.freeze_tenant(name)
        assert frozen.frozen_time is not None
        assert (await operator.freeze_tenant(name)).frozen_time == frozen.frozen_time
        writes = {
            "emit, over EmitStream": client.emit(event()),
            "emit, over Emit": unary(stub),
            "outcome": client.record_outcome(str(first.event_id), "worked"),
            "catalogue": client.set_catalog_policy("strict"),
            "declaration": client.declare_entities(
                [everlog.EntityDeclaration(name="n", pointer="/n", kind="n")]
            ),
            "link": client.link_entities(("a", "1"), ("b", "2")),
        }
        refused = {}
        for what, call in writes.items():
            try:
                refused[what] = repr(await call)
            except everlog.EverlogError as error:
                refused[what] = error.reason
        assert refused == dict.fromkeys(writes, "TENANT_FROZEN")
        # A retry of what the log has is answered as ever.
        again = await client.emit(event(idempotency_key="k"))
        assert (again.position, again.deduplicated) == (1, True)
        assert (await client.head()).position == 1
        await client.create_consumer("still-reads")
        await operator.freeze_tenant(name, undo=True)
        assert (await client.emit(event())).position == 2


async def test_once_frozen_no_process_appends(database_url: str) -> None:
    """Two processes that hold the head, and append as fast as they can, while it is frozen."""
    async with open_house(database_url) as one, open_house(database_url) as other:
        store = TenantStore(one.database)
        stopped = asyncio.Event()

        async def write(house: House) -> None:
            while not stopped.is_set():
                with suppress(TenantFrozenError):
                    await asyncio.gather(*(house.emit(new_event(f"a/{n}")) for n in range(10)))

        writers = [asyncio.create_task(write(house)) for house in (one, other)]
        for _ in range(5):
            before = (await one.reader.head(1)).position
            await one.reader.wait_visible(1, before + 20, 30)
            await store.freeze("default", undo=False)
            head = (await one.reader.head(1)).position
            for house in (one, other):
                with pytest.raises(TenantFrozenError):
                    await house.emit(new_event())
            assert (await one.reader.head(1)).position == head
            await store.freeze("default", undo=True)
        stopped.set()
        await asyncio.gather(*writers)
        log = await one.log()
    assert [event.position for event in log] == list(range(1, len(log) + 1))


async def test_a_dropped_tenant_leaves_nothing_but_its_id(
    shared_server: SharedServer, operator: Client
) -> None:
    name, bystander = new_name(), new_name()
    for one in (name, bystander):
        await operator.create_tenant(one)
        async with client_of(shared_server, one) as client:
            events = [event(idempotency_key=str(n)) for n in range(30)]
            await client.emit_many(events)
            await client.create_consumer("c")
            await client.set_catalog_policy("open")
            await client.declare_entities(
                [everlog.EntityDeclaration(name="n", pointer="/n", kind="n")]
            )
    with pytest.raises(everlog.InvalidRequest, match="is not frozen"):
        await operator.drop_tenant(name, head_position=30)
    await operator.freeze_tenant(name)
    with pytest.raises(everlog.InvalidRequest, match=r"the head of .* is 30"):
        await operator.drop_tenant(name, head_position=29)
    tenant_id = id_of(shared_server.database_url, name)
    assert await operator.drop_tenant(name, head_position=30) == 30
    assert tables_with(shared_server.database_url, tenant_id) == {"dropped_tenants"}
    with pytest.raises(everlog.TenantNotFound):
        await operator.drop_tenant(name, head_position=30)
    await operator.create_tenant(name)
    assert id_of(shared_server.database_url, name) > tenant_id
    async with client_of(shared_server, bystander) as client:
        assert (await client.head()).position == 30
        assert len([one async for one in client.query()]) == 30


async def test_a_drop_with_a_bound_tells_how_many_events_are_left(
    shared_server: SharedServer, operator: Client
) -> None:
    name = new_name()
    await operator.create_tenant(name)
    async with client_of(shared_server, name) as client:
        await client.emit_many([event() for _ in range(30)])
        await client.create_consumer("c")
    await operator.freeze_tenant(name)
    request = pb.DropTenantRequest(name=name, head_position=30, time_max=Duration())
    responses: list[pb.DropTenantResponse] = []
    async with tenant_channel(shared_server.server.address) as channel:
        stub = AdminServiceStub(channel)
        while not responses or responses[-1].HasField("left"):
            responses.append(await stub.DropTenant(request))
        with pytest.raises(grpc.aio.AioRpcError, match="there is no tenant"):
            await stub.DropTenant(request)
    removed = [one.events for one in responses]
    assert sum(removed) == 30
    before, at = responses[: removed.index(30)], removed.index(30)
    assert before, "the consumer goes first, in a piece of its own"
    assert {one.left for one in before} == {30}
    assert {one.left for one in responses[at:-1]} <= {0}
    assert not responses[-1].HasField("left")


@pytest.mark.parametrize("seconds", [-1, 3_601])
async def test_a_bound_that_is_none_is_refused(operator: Client, seconds: int) -> None:
    name = new_name()
    await operator.create_tenant(name)
    await operator.freeze_tenant(name)
    request = pb.DropTenantRequest(name=name, time_max=Duration(seconds=seconds))
    connection = operator._open
    with pytest.raises(everlog.InvalidRequest, match=f"time_max: is {seconds} s; 0 to 3600 s"):
        await connection.read(connection.admin.DropTenant, request, repeatable=False)
    assert name in [one.name async for one in operator.tenants()]


async def test_the_client_drops_in_as_many_calls_as_it_takes(
    shared_server: SharedServer, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everlog.admin_calls._DROP_SECONDS", 0.0)
    name = new_name()
    await operator.create_tenant(name)
    async with client_of(shared_server, name) as client:
        await client.emit_many([event() for _ in range(30)])
        await client.create_consumer("c")
    await operator.freeze_tenant(name)
    left: list[int] = []
    assert await operator.drop_tenant(name, head_position=30, on_left=left.append) == 30
    assert (left[0], left[-1]) == (30, 0)
    assert left == sorted(left, reverse=True)
    assert name not in [one.name async for one in operator.tenants()]


async def test_a_drop_that_ended_half_way_goes_on(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.submit(emission(*(new_event(f"a/{n}") for n in range(100))))
        store, tenants = TenantStore(house.database), Tenants(house.database)
        await store.freeze("default", undo=False)
        tenant_id = await store.begin_drop("default", 100)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SELECT everlog.drop_piece(%s, 40)", [tenant_id])
            left = connection.execute("SELECT count(*) FROM everlog.events").fetchone()
        assert left is not None
        assert 0 < left[0] <= 100
        with pytest.raises(TenantNotFoundError):
            await tenants.resolve("default")
        with pytest.raises(TenantNotFoundError):
            await house.emit(new_event())
        for call in (store.freeze("default", undo=True), store.rename("default", "x")):
            with pytest.raises(BadRequestError, match="is being dropped"):
                await call
        assert await store.begin_drop("default", 100) == tenant_id
        is_done = False
        while not is_done:
            _, is_done = await store.drop_piece(tenant_id, "default")
        assert await store.tenants_after(None, 10) == []
    assert tables_with(database_url, tenant_id) == {"dropped_tenants"}


async def test_who_follows_a_tenant_is_told_that_it_is_dropped(
    shared_server: SharedServer, operator: Client
) -> None:
    name = new_name()
    await operator.create_tenant(name)
    async with client_of(shared_server, name) as client:
        await client.emit(event())
        async with client.subscribe(after_position=0) as subscription:
            assert (await anext(aiter(subscription))).position == 1
            await operator.freeze_tenant(name)
            await operator.drop_tenant(name, head_position=1)
            with pytest.raises(everlog.TenantNotFound):
                await asyncio.wait_for(anext(aiter(subscription)), 30)


async def test_while_a_tenant_is_dropped_events_of_others_stay(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
        store = TenantStore(house.database)
        await store.create("other")
        await store.freeze("other", undo=False)
        await store.begin_drop("other", 0)
        with (
            psycopg.connect(database_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        ):
            connection.execute("DELETE FROM everlog.events")
        assert len(await house.log()) == 1
