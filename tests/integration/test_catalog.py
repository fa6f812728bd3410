"""CatalogService over the wire, and Emits that are judged by it: two servers on one database.

Each test has a tenant of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import catalog_pb2 as pb
from everlog.v1 import errors_pb2, event_pb2
from everlog.v1 import event_store_pb2 as store_pb
from everlog.v1.catalog_pb2_grpc import CatalogServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from tests.conftest import with_database
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

TENANTS = 80
_tenants = count(1)
FOLLOWED_SECONDS = 20.0

ORDER_SCHEMA = {
    "type": "object",
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["total"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "required": ["sku"]}},
}


@dataclass
class Tenant:
    """One tenant, by way of one server."""

    name: str
    server: Server
    catalog: Any
    events: Any

    async def call(self, method: str, request: Any) -> Any:
        stub = self.events if hasattr(self.events, method) else self.catalog
        call = getattr(stub, method)
        return await call(request, metadata=[("everlog-tenant", self.name)], timeout=20)

    async def register(self, name: str, **fields: Any) -> pb.EventType:
        request = pb.RegisterEventTypeRequest(definition=definition(name, **fields))
        answer: pb.RegisterEventTypeResponse = await self.call("RegisterEventType", request)
        return answer.event_type

    async def strict(self) -> None:
        await self.call(
            "SetCatalogPolicy", pb.SetCatalogPolicyRequest(policy=pb.CATALOG_POLICY_STRICT)
        )

    async def emit(self, *events: event_pb2.NewEvent, **fields: Any) -> Any:
        return await self.call("Emit", store_pb.EmitRequest(events=events, **fields))

    async def refused(self, method: str, request: Any) -> Refused:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(method, request)
        return refusal(caught.value)

    async def emit_refused(self, *events: event_pb2.NewEvent, **fields: Any) -> Refused:
        return await self.refused("Emit", store_pb.EmitRequest(events=events, **fields))

    async def head(self) -> int:
        answer = await self.call("GetHead", store_pb.GetHeadRequest())
        return int(answer.position)


@dataclass
class Refused:
    """A status, read."""

    code: grpc.StatusCode
    reason: str
    message: str
    details: Any

    def detail(self, message_type: Any) -> Any:
        for one in self.details:
            if one.Is(message_type.DESCRIPTOR):
                return message_type.FromString(one.value)
        raise AssertionError(f"no {message_type.DESCRIPTOR.name}")

    @property
    def fields(self) -> list[str]:
        return [one.field for one in self.detail(error_details_pb2.BadRequest).field_violations]


def refusal(error: grpc.aio.AioRpcError) -> Refused:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it asks for no more
    assert status is not None, error
    refused = Refused(error.code(), "", status.message, status.details)
    refused.reason = refused.detail(error_details_pb2.ErrorInfo).reason
    return refused


def definition(name: str, **fields: Any) -> pb.EventTypeDefinition:
    if isinstance(schema := fields.get("json_schema"), dict | bool):
        fields["json_schema"] = json.dumps(schema)
    return pb.EventTypeDefinition(name=name, **fields)


def event(event_type: str, data: Any = None, aggregate: str = "order/1", **f: Any) -> Any:
    aggregate_type, _, aggregate_id = aggregate.partition("/")
    return event_pb2.NewEvent(
        aggregate_type=aggregate_type,
        aggregate_id=aggregate_id,
        event_type=event_type,
        json=json.dumps(data),
        **f,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Server]]:
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE catalogs TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, "catalogs")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO everlog.tenant_names (name, tenant_id)"
            f" SELECT 't' || n, n + 1 FROM generate_series(1, {TENANTS}) AS n".encode()
        )
        connection.execute(
            "INSERT INTO everlog.tenants (tenant_id) SELECT tenant_id FROM everlog.tenant_names"
            " WHERE tenant_id > 1"
        )
    folder = tmp_path_factory.mktemp("catalogs")
    async with serving(dsn, folder) as one, serving(dsn, folder) as other:
        yield one, other


@asynccontextmanager
async def tenant_at(server: Server, name: str) -> AsyncIterator[Tenant]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Tenant(name, server, CatalogServiceStub(channel), EventStoreServiceStub(channel))


@pytest_asyncio.fixture(loop_scope="module")
async def here(servers: tuple[Server, Server]) -> AsyncIterator[Tenant]:
    """A new tenant, at the first server."""
    async with tenant_at(servers[0], f"t{next(_tenants)}") as tenant:
        yield tenant


@pytest_asyncio.fixture(loop_scope="module")
async def there(servers: tuple[Server, Server], here: Tenant) -> AsyncIterator[Tenant]:
    """The same tenant, at the second server."""
    async with tenant_at(servers[1], here.name) as tenant:
        yield tenant


# What is registered.


async def test_a_registered_type_is_returned_listed_and_has_a_version(here: Tenant) -> None:
    made = await here.register(
        "order.created",
        category="commerce",
        json_schema=ORDER_SCHEMA,
        example='{"total": 3, "lines": [{"sku": "a"}]}',
        documentable=True,
    )
    assert (made.version, made.preloaded, made.HasField("deprecated_time")) == (1, False, False)
    assert abs(made.created_time.seconds - time.time()) < 60
    got = await here.call("GetEventType", pb.GetEventTypeRequest(name="order.created"))
    assert (got.event_type, got.newest_version) == (made, 1)
    listed = await here.call("ListEventTypes", pb.ListEventTypesRequest(category="commerce"))
    assert list(listed.event_types) == [made]


async def test_registering_twice_is_harmless_and_otherwise_refused(here: Tenant) -> None:
    first = await here.register("a.b", description="one")
    assert await here.register("a.b", description="one") == first
    request = pb.RegisterEventTypeRequest(definition=definition("a.b", description="two"))
    refused = await here.refused("RegisterEventType", request)
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "EVENT_TYPE_EXISTS",
    )


async def test_an_update_makes_a_version_and_the_old_one_stays_readable(here: Tenant) -> None:
    first = await here.register("a.b", description="one")
    request = pb.UpdateEventTypeRequest(
        definition=definition("a.b", description="two"), expected_version=1
    )
    second = (await here.call("UpdateEventType", request)).event_type
    assert (second.version, second.definition.description) == (2, "two")
    again = (
        await here.call("UpdateEventType", pb.UpdateEventTypeRequest(definition=second.definition))
    ).event_type
    assert again == second
    old = await here.call("GetEventType", pb.GetEventTypeRequest(name="a.b", version=1))
    assert (old.event_type, old.newest_version) == (first, 2)
    refused = await here.refused("UpdateEventType", request)
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
    info = refused.detail(error_details_pb2.ErrorInfo)
    assert dict(info.metadata) == {"expected_version": "1", "actual_version": "2"}
    missing = pb.GetEventTypeRequest(name="a.b", version=3)
    assert (await here.refused("GetEventType", missing)).reason == "EVENT_TYPE_NOT_FOUND"


async def test_what_is_not_there_is_not_found(here: Tenant) -> None:
    await here.register("order.created")
    for method, request in (
        ("GetEventType", pb.GetEventTypeRequest(name="order.craeted")),
        ("UpdateEventType", pb.UpdateEventTypeRequest(definition=definition("order.craeted"))),
        ("DeprecateEventType", pb.DeprecateEventTypeRequest(name="order.craeted")),
    ):
        refused = await here.refused(method, request)
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "EVENT_TYPE_NOT_FOUND",
        )
        assert "there is order.created" in refused.message
    preloaded = pb.DeprecateEventTypeRequest(name="widget.created")
    assert "register it first" in (await here.refused("DeprecateEventType", preloaded)).message
    missing = await here.refused("GetAggregateType", pb.GetAggregateTypeRequest(name="order"))
    assert missing.reason == "AGGREGATE_TYPE_NOT_FOUND"


async def test_pages_follow_each_other_by_name_with_the_preloaded_types(here: Tenant) -> None:
    names = [f"p.{n:02}" for n in range(7)]
    definitions = [definition(name, description="x" * 16_000) for name in names]
    await here.call("ImportCatalog", pb.ImportCatalogRequest(event_types=definitions))
    seen, token = [], ""
    while True:
        request = pb.ListEventTypesRequest(page_size=5, page_token=token)
        page = await here.call("ListEventTypes", request)
        assert len(page.event_types) <= 5
        seen += [(one.definition.name, one.preloaded) for one in page.event_types]
        if not (token := page.next_page_token):
            break
        foreign = pb.ListEventTypesRequest(page_size=5, page_token=token, name_prefix="p")
        assert (await here.refused("ListEventTypes", foreign)).reason == "PAGE_TOKEN_INVALID"
    preloaded = [
        "automation.triggered",
        "error.occurred",
        "provider.connected",
        "widget.created",
        "workflow.completed",
    ]
    assert seen == sorted([(n, False) for n in names] + [(n, True) for n in preloaded])
    prefix = await here.call("ListEventTypes", pb.ListEventTypesRequest(name_prefix="p."))
    assert [one.definition.name for one in prefix.event_types] == names


async def test_a_page_ends_at_a_mebibyte(here: Tenant) -> None:
    large = json.dumps({"description": "x" * 250_000})
    definitions = [definition(f"large.{n}", json_schema=large) for n in range(6)]
    await here.call("ImportCatalog", pb.ImportCatalogRequest(event_types=definitions))
    request = pb.ListEventTypesRequest(name_prefix="large.")
    page = await here.call("ListEventTypes", request)
    assert 0 < page.ByteSize() <= 1024 * 1024
    assert len(page.event_types) == 4
    request.page_token = page.next_page_token
    assert len((await here.call("ListEventTypes", request)).event_types) == 2


async def test_a_deprecated_type_is_marked_and_still_accepted(here: Tenant) -> None:
    await here.register("a.b")
    await here.strict()
    request = pb.DeprecateEventTypeRequest(name="a.b", note="use a.c")
    made = (await here.call("DeprecateEventType", request)).event_type
    assert (made.deprecation_note, made.HasField("deprecated_time")) == ("use a.c", True)
    await here.emit(event("a.b"))
    listing = pb.ListEventTypesRequest(name_prefix="a.", without_deprecated=True)
    assert not (await here.call("ListEventTypes", listing)).event_types
    # An update leaves the deprecation.
    update = pb.UpdateEventTypeRequest(definition=definition("a.b", description="x"))
    updated = (await here.call("UpdateEventType", update)).event_type
    assert (updated.deprecated_time, updated.version) == (made.deprecated_time, 2)
    undo = pb.DeprecateEventTypeRequest(name="a.b", undo=True)
    undone = (await here.call("DeprecateEventType", undo)).event_type
    assert (undone.HasField("deprecated_time"), undone.deprecation_note) == (False, "")


async def test_an_import_is_all_or_none_and_a_dry_run_changes_nothing(here: Tenant) -> None:
    await here.register("b.same")
    await here.register("c.other", description="before")
    request = pb.ImportCatalogRequest(
        event_types=[
            definition("a.new"),
            definition("b.same"),
            definition("c.other", description="after"),
        ],
        aggregate_types=[pb.AggregateTypeDefinition(name="thing")],
    )
    told = (["a.new", "thing"], ["c.other"], ["b.same"])

    def parts(answer: pb.ImportCatalogResponse) -> Any:
        return (list(answer.added), list(answer.updated), list(answer.unchanged))

    request.dry_run = True
    assert parts(await here.call("ImportCatalog", request)) == told
    missing = pb.GetEventTypeRequest(name="a.new")
    assert (await here.refused("GetEventType", missing)).reason == "EVENT_TYPE_NOT_FOUND"
    request.dry_run = False
    broken = pb.ImportCatalogRequest()
    broken.CopyFrom(request)
    broken.event_types.add(name="d.broken", json_schema='{"type": "objekt"}')
    refused = await here.refused("ImportCatalog", broken)
    assert refused.fields == ["event_types[3].json_schema"]
    assert (await here.refused("GetEventType", missing)).reason == "EVENT_TYPE_NOT_FOUND"
    assert parts(await here.call("ImportCatalog", request)) == told
    assert parts(await here.call("ImportCatalog", request)) == (
        [],
        [],
        ["a.new", "b.same", "c.other", "thing"],
    )


async def test_an_aggregate_type_is_set_in_versions(here: Tenant) -> None:
    one = pb.AggregateTypeDefinition(name="order", initial_state='{"a": 1}')
    first = (
        await here.call("SetAggregateType", pb.SetAggregateTypeRequest(definition=one))
    ).aggregate_type
    assert (first.version, first.definition) == (1, one)
    two = pb.AggregateTypeDefinition(name="order", ignore_others=True)
    request = pb.SetAggregateTypeRequest(definition=two, expected_version=1)
    second = (await here.call("SetAggregateType", request)).aggregate_type
    assert second.version == 2
    assert (await here.refused("SetAggregateType", request)).reason == "VERSION_CONFLICT"
    same = pb.SetAggregateTypeRequest(definition=two)
    assert (await here.call("SetAggregateType", same)).aggregate_type == second
    await here.call(
        "SetAggregateType",
        pb.SetAggregateTypeRequest(definition=pb.AggregateTypeDefinition(name="agent")),
    )
    got = await here.call("GetAggregateType", pb.GetAggregateTypeRequest(name="order"))
    assert got.aggregate_type == second
    page = await here.call("ListAggregateTypes", pb.ListAggregateTypesRequest(page_size=1))
    assert [one.definition.name for one in page.aggregate_types] == ["agent"]
    request = pb.ListAggregateTypesRequest(page_size=1, page_token=page.next_page_token)
    rest = await here.call("ListAggregateTypes", request)
    assert (list(rest.aggregate_types), rest.next_page_token) == ([second], "")


async def test_tenants_never_see_each_other(servers: tuple[Server, Server], here: Tenant) -> None:
    await here.register("secret.type", documentable=True, json_schema=False)
    await here.strict()
    await here.call(
        "SetAggregateType",
        pb.SetAggregateTypeRequest(definition=pb.AggregateTypeDefinition(name="secret")),
    )
    async with tenant_at(servers[0], f"t{next(_tenants)}") as other:
        listed = await other.call("ListEventTypes", pb.ListEventTypesRequest())
        assert all(one.preloaded for one in listed.event_types)
        for method, request in (
            ("GetEventType", pb.GetEventTypeRequest(name="secret.type")),
            ("GetAggregateType", pb.GetAggregateTypeRequest(name="secret")),
        ):
            refused = await other.refused(method, request)
            assert refused.code == grpc.StatusCode.NOT_FOUND
            assert "there is " not in refused.message.replace("there is no", "")
        assert not (
            await other.call("ListAggregateTypes", pb.ListAggregateTypesRequest())
        ).aggregate_types
        policy = await other.call("GetCatalogPolicy", pb.GetCatalogPolicyRequest())
        assert policy.policy == pb.CATALOG_POLICY_OPEN
        (receipt,) = (await other.emit(event("secret.type", 1))).receipts
        assert not receipt.documentable
        page = await here.call("ListEventTypes", pb.ListEventTypesRequest(page_size=1))
        foreign = pb.ListEventTypesRequest(page_size=1, page_token=page.next_page_token)
        assert (await other.refused("ListEventTypes", foreign)).reason == "PAGE_TOKEN_INVALID"


# Bad input.

LONG = "x" * 256
LIST, IMPORT, DEPRECATE = "ListEventTypes", "ImportCatalog", "DeprecateEventType"
BAD: dict[str, tuple[str, Any, str]] = {
    "a version below 0": ("GetEventType", pb.GetEventTypeRequest(name="a", version=-1), "version"),
    "no name to get": ("GetEventType", pb.GetEventTypeRequest(), "name"),
    "a long name to get": ("GetEventType", pb.GetEventTypeRequest(name=LONG), "name"),
    "a NUL in a name": ("GetEventType", pb.GetEventTypeRequest(name="a\0"), "name"),
    "no definition": ("RegisterEventType", pb.RegisterEventTypeRequest(), "definition.name"),
    "no definition to update": ("UpdateEventType", pb.UpdateEventTypeRequest(), "definition.name"),
    "an expected version below 0": (
        "UpdateEventType",
        pb.UpdateEventTypeRequest(definition=definition("a"), expected_version=-1),
        "expected_version",
    ),
    "a page below 0": (LIST, pb.ListEventTypesRequest(page_size=-1), "page_size"),
    "a page above 1,000": (LIST, pb.ListEventTypesRequest(page_size=1_001), "page_size"),
    "a long category": (LIST, pb.ListEventTypesRequest(category=LONG), "category"),
    "a long prefix": (LIST, pb.ListEventTypesRequest(name_prefix=LONG), "name_prefix"),
    "a page token": (LIST, pb.ListEventTypesRequest(page_token="AAAA"), "page_token"),
    "no page token": (LIST, pb.ListEventTypesRequest(page_token="%"), "page_token"),
    "nothing to deprecate": (DEPRECATE, pb.DeprecateEventTypeRequest(), "name"),
    "a long note": (DEPRECATE, pb.DeprecateEventTypeRequest(name="a", note=LONG * 65), "note"),
    "a NUL in a note": (DEPRECATE, pb.DeprecateEventTypeRequest(name="a", note="\0"), "note"),
    "a note to undo": (
        DEPRECATE,
        pb.DeprecateEventTypeRequest(name="a", note="x", undo=True),
        "note",
    ),
    "1,001 event types": (
        IMPORT,
        pb.ImportCatalogRequest(event_types=[definition(f"n{n}") for n in range(1_001)]),
        "event_types",
    ),
    "201 aggregate types": (
        IMPORT,
        pb.ImportCatalogRequest(
            aggregate_types=[pb.AggregateTypeDefinition(name=f"n{n}") for n in range(201)]
        ),
        "aggregate_types",
    ),
    "an event type twice": (
        IMPORT,
        pb.ImportCatalogRequest(event_types=[definition("a"), definition("a")]),
        "event_types[1].name",
    ),
    "an aggregate type twice": (
        IMPORT,
        pb.ImportCatalogRequest(aggregate_types=[pb.AggregateTypeDefinition(name="a")] * 2),
        "aggregate_types[1].name",
    ),
    "no policy": ("SetCatalogPolicy", pb.SetCatalogPolicyRequest(), "policy"),
    "no aggregate type": ("SetAggregateType", pb.SetAggregateTypeRequest(), "definition.name"),
    "an expected version of an aggregate type below 0": (
        "SetAggregateType",
        pb.SetAggregateTypeRequest(
            definition=pb.AggregateTypeDefinition(name="a"), expected_version=-1
        ),
        "expected_version",
    ),
    "no aggregate type to get": ("GetAggregateType", pb.GetAggregateTypeRequest(), "name"),
    "a page of aggregate types": (
        "ListAggregateTypes",
        pb.ListAggregateTypesRequest(page_size=1_001),
        "page_size",
    ),
    "a page token of aggregate types": (
        "ListAggregateTypes",
        pb.ListAggregateTypesRequest(page_token="AAAA"),
        "page_token",
    ),
}


async def test_bad_requests_are_refused_by_their_field(here: Tenant) -> None:
    for name, (method, request, field) in BAD.items():
        refused = await here.refused(method, request)
        assert refused.code == grpc.StatusCode.INVALID_ARGUMENT, name
        assert refused.fields == [field], name
    newer = pb.SetCatalogPolicyRequest.FromString(b"\x08\x63")
    assert (await here.refused("SetCatalogPolicy", newer)).fields == ["policy"]
    assert await here.head() == 0


async def test_bytes_that_are_no_request_are_refused(here: Tenant) -> None:
    service = pb.DESCRIPTOR.services_by_name["CatalogService"]
    async with grpc.aio.insecure_channel(here.server.address) as channel:
        for method in service.methods:
            call = channel.unary_unary(f"/{service.full_name}/{method.name}")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"\xff\xff\xff", metadata=[("everlog-tenant", here.name)])
            refused = refusal(caught.value)
            assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["request"])


async def test_a_tenant_that_does_not_exist_has_no_catalogue(here: Tenant) -> None:
    here.name = "nobody"
    for method, request in (
        ("ListEventTypes", pb.ListEventTypesRequest()),
        ("RegisterEventType", pb.RegisterEventTypeRequest(definition=definition("a.b"))),
        ("SetCatalogPolicy", pb.SetCatalogPolicyRequest(policy=pb.CATALOG_POLICY_STRICT)),
    ):
        assert (await here.refused(method, request)).reason == "TENANT_NOT_FOUND"


async def test_a_catalogue_can_not_grow_without_bound(here: Tenant) -> None:
    large = json.dumps({"description": "x" * 250_000})
    for start in range(0, 120, 15):
        definitions = [definition(f"n.{start + n}", json_schema=large) for n in range(15)]
        await here.call("ImportCatalog", pb.ImportCatalogRequest(event_types=definitions))
    definitions = [definition(f"m.{n}", json_schema=large) for n in range(15)]
    refused = await here.refused("ImportCatalog", pb.ImportCatalogRequest(event_types=definitions))
    assert (refused.fields, "at most 33554432" in refused.message) == (["catalog"], True)


# How Emits are judged.


async def test_mesh_types_are_documentable_by_default_unless_somebody_says_otherwise(
    here: Tenant,
) -> None:
    async def documentable(**fields: Any) -> bool:
        (receipt,) = (await here.emit(event("widget.created", **fields))).receipts
        return bool(receipt.documentable)

    assert await documentable()
    assert await documentable(actor="somebody")  # not as plain
    assert not await documentable(documentable=False)
    await here.register("widget.created")
    assert not await documentable()
    update = pb.UpdateEventTypeRequest(definition=definition("widget.created", documentable=True))
    await here.call("UpdateEventType", update)
    assert await documentable()
    (receipt,) = (await here.emit(event("other.type"))).receipts
    assert not receipt.documentable


async def test_every_violation_is_told_with_its_pointers(here: Tenant) -> None:
    await here.register("order.created", json_schema=ORDER_SCHEMA)
    await here.emit(event("order.created", {"total": 1}))
    head = await here.head()
    refused = await here.emit_refused(
        event("order.created", {"total": 1}),
        event("order.created", {"total": -1, "lines": [{"sku": 1}, {}], "more": 1}),
        event("free.type", 1),
    )
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "EVENT_DATA_INVALID",
    )
    found = refused.detail(errors_pb2.InvalidEventData).violations
    assert {(one.index, one.event_type, one.version) for one in found} == {(1, "order.created", 1)}
    assert {(one.data_pointer, one.schema_pointer) for one in found} == {
        ("/total", "/properties/total/minimum"),
        ("/lines/1", "/$defs/line/required"),
        ("", "/additionalProperties"),
    }
    assert all(one.message for one in found)
    assert await here.head() == head


async def test_an_event_without_json_is_judged_as_null(here: Tenant) -> None:
    await here.register("a.data", json_schema={"type": "object"})
    await here.register("a.none", json_schema={"type": "null"})
    bare = {"aggregate_type": "a", "aggregate_id": "1"}
    refused = await here.emit_refused(
        event_pb2.NewEvent(event_type="a.data", **bare),
        event_pb2.NewEvent(event_type="a.data", binary=b"{}", content_type="x/y", **bare),
    )
    assert [one.index for one in refused.detail(errors_pb2.InvalidEventData).violations] == [0, 1]
    await here.emit(event_pb2.NewEvent(event_type="a.none", **bare))


async def test_the_aggregate_must_be_of_the_kind_and_its_id_match(here: Tenant) -> None:
    await here.register("a.b", aggregate_type="instance", aggregate_id_pattern="x-[0-9]+|y")
    for good in ("instance/x-12", "instance/y"):
        await here.emit(event("a.b", aggregate=good))
    for bad in ("other/x-12", "instance/x-", "instance/x-1y", "instance/yx-1", "instance/y\n"):
        refused = await here.emit_refused(event("a.b", aggregate=bad))
        (one,) = refused.detail(errors_pb2.InvalidEventData).violations
        assert (refused.reason, one.HasField("data_pointer")) == ("EVENT_DATA_INVALID", False)


async def test_a_strict_catalogue_refuses_what_it_does_not_have(here: Tenant) -> None:
    await here.register("order.created")
    await here.emit(event("order.craeted"))
    await here.strict()
    refused = await here.emit_refused(
        event("order.created"), event("order.craeted"), event("zzz"), event("order.craeted")
    )
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "EVENT_TYPE_UNKNOWN",
    )
    first, second = refused.detail(errors_pb2.UnknownEventTypes).event_types
    assert (first.index, first.event_type) == (1, "order.craeted")
    assert first.nearest_event_types[0] == "order.created"
    assert len(first.nearest_event_types) <= 3
    assert (second.index, second.event_type) == (2, "zzz")
    known = ("order.created", "widget.created", "outcome.recorded", "narrative.saved")
    await here.emit(*map(event, (*known, "entity.linked", "entity.unlinked")))
    await here.call("SetCatalogPolicy", pb.SetCatalogPolicyRequest(policy=pb.CATALOG_POLICY_OPEN))
    await here.emit(event("order.craeted"))


async def test_a_stream_of_emits_is_judged_alike_and_goes_on(here: Tenant) -> None:
    await here.register("order.created", json_schema=ORDER_SCHEMA)

    async def emits() -> AsyncIterator[store_pb.EmitStreamRequest]:
        message = store_pb.EmitStreamRequest()
        for number, data in enumerate(({"total": 1}, {"total": "x"}, {"total": 2})):
            request = store_pb.EmitRequest(events=[event("order.created", data)])
            message.emits.add(request_id=number, request=request)
        yield message

    stream = here.events.EmitStream(emits(), metadata=[("everlog-tenant", here.name)])
    answers = {a.request_id: a async for response in stream for a in response.answers}
    assert [answers[n].HasField("status") for n in range(3)] == [False, True, False]
    assert await here.head() == 2


async def test_other_types_on_an_aggregate_that_was_not_started_are_refused(
    here: Tenant,
) -> None:
    await here.register("i.registered", aggregate_type="i", starts_aggregate=True)
    request = [event("i.worked", aggregate="i/1")]
    refused = await here.emit_refused(*request)
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "AGGREGATE_NOT_FOUND",
    )
    # In the wrong order, and beside a request that is well: no trace.
    refused = await here.emit_refused(
        event("other", aggregate="o/1"), *request, event("i.registered", aggregate="i/1")
    )
    assert refused.reason == "AGGREGATE_NOT_FOUND"
    assert await here.head() == 0
    await here.emit(event("i.registered", aggregate="i/1"), *request)
    await here.emit(*request)
    await here.emit(event("i.registered", aggregate="i/1"))  # a restart is the writer's matter
    await here.emit(event("i.worked", aggregate="elsewhere/1"))
    assert await here.head() == 5


async def test_starts_are_judged_in_order_whichever_server_is_asked(
    here: Tenant, there: Tenant
) -> None:
    await here.register("i.registered", aggregate_type="i", starts_aggregate=True)
    await there.call("GetCatalogPolicy", pb.GetCatalogPolicyRequest())  # looks
    for number in range(20):
        aggregate = f"i/{number}"
        first, second = (here, there) if number % 2 else (there, here)
        worked, registered = (
            event(name, aggregate=aggregate) for name in ("i.worked", "i.registered")
        )
        results = await asyncio.gather(
            first.emit(registered), second.emit(worked), first.emit(worked), return_exceptions=True
        )
        assert not isinstance(results[0], BaseException)
        for result in results[1:]:
            if isinstance(result, BaseException):
                assert isinstance(result, grpc.aio.AioRpcError)
                assert refusal(result).reason == "AGGREGATE_NOT_FOUND"
        await second.emit(worked)
        key = event_pb2.AggregateKey(aggregate_type="i", aggregate_id=str(number))
        by = store_pb.AggregateSequence(aggregate=key, sequence=1)
        got = await here.call("Get", store_pb.GetRequest(aggregate_sequence=by))
        assert got.event.event_type == "i.registered"


async def test_a_duplicate_answers_with_its_receipt_although_the_catalogue_became_stricter(
    here: Tenant, there: Tenant
) -> None:
    """The contract: "also years later"."""
    keyed = event("order.created", {"total": "x"}, idempotency_key="k1")
    (original,) = (await here.emit(keyed)).receipts
    chosen = event("gone.type", event_id="01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718")
    (by_id,) = (await here.emit(chosen)).receipts
    await here.register("order.created", json_schema=ORDER_SCHEMA, aggregate_type="order")
    await here.register("i.registered", aggregate_type="order", starts_aggregate=True)
    await here.strict()
    for tenant in (here, there):
        await tenant.call("GetCatalogPolicy", pb.GetCatalogPolicyRequest())
        (again,) = (await tenant.emit(keyed)).receipts
        assert again.deduplicated
        assert (again.event_id, again.position) == (original.event_id, original.position)
        assert (await tenant.emit(chosen)).receipts[0].position == by_id.position
    # What is not known is judged, and so is known content that is other now.
    fresh = event("order.created", {"total": "x"}, idempotency_key="k2")
    assert (await here.emit_refused(fresh)).reason == "EVENT_DATA_INVALID"
    other = event("order.created", {"total": "y"}, idempotency_key="k1")
    assert (await here.emit_refused(other)).reason == "IDEMPOTENCY_KEY_REUSED"
    # Some known: what is appended must be right, what is skipped need not.
    right = event("order.created", {"total": 1}, idempotency_key="k3")
    skip = store_pb.KNOWN_EVENTS_POLICY_SKIP
    receipts = (await here.emit(keyed, right, known_events=skip)).receipts
    assert [one.deduplicated for one in receipts] == [True, False]
    refused = await here.emit_refused(keyed, fresh, known_events=skip)
    assert refused.reason == "EVENT_DATA_INVALID"
    assert await here.head() == 3


# Followed across processes.


async def test_a_change_is_followed_by_other_servers_and_at_once_by_ours(
    here: Tenant, there: Tenant
) -> None:
    await there.emit(event("a.b", 1))
    await here.register("a.b", json_schema={"type": "string"})
    assert (await here.emit_refused(event("a.b", 1))).reason == "EVENT_DATA_INVALID"
    answered = time.monotonic()
    while True:
        try:
            await there.emit(event("a.b", 1))
        except grpc.aio.AioRpcError as error:
            assert refusal(error).reason == "EVENT_DATA_INVALID"
            break
        assert time.monotonic() < answered + FOLLOWED_SECONDS
        await asyncio.sleep(0.02)
    # Also when nobody has used it for long: the first Emit is judged by what is known then.
    await asyncio.sleep(1.6)
    update = pb.UpdateEventTypeRequest(definition=definition("a.b"))
    await here.call("UpdateEventType", update)
    await asyncio.sleep(1.6)
    await there.emit(event("a.b", 1))


async def test_servers_that_change_at_once_lose_nothing(here: Tenant, there: Tenant) -> None:
    names = [f"n.{number:02}" for number in range(20)]
    await asyncio.gather(
        *((here, there)[number % 2].register(name) for number, name in enumerate(names))
    )
    for tenant in (here, there):
        listed = await tenant.call("ListEventTypes", pb.ListEventTypesRequest(name_prefix="n."))
        assert [one.definition.name for one in listed.event_types] == names
