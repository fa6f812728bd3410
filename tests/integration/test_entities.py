"""The knowledge graph: what is indexed is what a fold over the log says, whoever indexes it.

One server where a tenant of its own is enough for a test; servers of its own where they compete.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everlog.v1 import entities_pb2 as pb
from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1.entities_pb2_grpc import EntityServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog_server.entities import EntityIndexer
from everlog_server.storage.entities import EntityStore
from tests.factories import TENANT, open_house
from tests.integration.entity_fold import Graph
from tests.servers import read_log, serving, tenant_channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.servers import Server, SharedServer


class Wire(NamedTuple):
    """A server to talk to."""

    server: Server
    events: EventStoreServiceStub
    entities: EntityServiceStub

    async def emit(self, event_type: str, data: Any, aggregate: str = "thing/1") -> int:
        """The position of a new event."""
        return await self.emit_all([(event_type, data)], aggregate)

    async def emit_all(self, events: Iterable[tuple[str, Any]], aggregate: str = "thing/1") -> int:
        """The position of the last of some new events."""
        aggregate_type, _, aggregate_id = aggregate.partition("/")
        response = await self.events.Emit(
            event_store_pb2.EmitRequest(
                events=[
                    event_pb2.NewEvent(
                        aggregate_type=aggregate_type,
                        aggregate_id=aggregate_id,
                        event_type=event_type,
                        json=json.dumps(data),
                    )
                    for event_type, data in events
                ]
            ),
            timeout=20,
        )
        return response.receipts[-1].position

    async def declare(
        self, *declarations: pb.EntityDeclaration, withdraw: Iterable[str] = ()
    ) -> None:
        request = pb.DeclareEntitiesRequest(declarations=declarations, withdrawn_names=withdraw)
        await self.entities.DeclareEntities(request, timeout=20)

    async def positions(self, kind: str, id_: str, **fields: Any) -> list[int]:
        """Of the events of an entity, page by page."""
        found: list[int] = []
        request = pb.EventsOfEntityRequest(entity=pb.EntityKey(kind=kind, id=id_), **fields)
        while True:
            page = await self.entities.EventsOfEntity(request, timeout=30)
            found += [event.position for event in page.events]
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def listing(self, **fields: Any) -> list[pb.EntitySummary]:
        """All ids, page by page."""
        found: list[pb.EntitySummary] = []
        request = pb.ListEntitiesRequest(**fields)
        while True:
            page = await self.entities.ListEntities(request, timeout=60)
            found += page.entities
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def link(
        self, one: tuple[str, str], other: tuple[str, str], **fields: Any
    ) -> set[tuple[str, str]]:
        response = await self.entities.LinkEntities(
            pb.LinkEntitiesRequest(
                entity=pb.EntityKey(kind=one[0], id=one[1]),
                same_as=pb.EntityKey(kind=other[0], id=other[1]),
                **fields,
            ),
            timeout=30,
        )
        return {(key.kind, key.id) for key in response.entity}

    async def head(self) -> int:
        return (await self.events.GetHead(event_store_pb2.GetHeadRequest(), timeout=10)).position

    async def assert_equals_a_fold(self, *, page_size: int = 3) -> Graph:
        """The index, whole, is what a fold over the log gives; the fold is returned."""
        head = await self.head()
        declared = await self.entities.ListEntityDeclarations(
            pb.ListEntityDeclarationsRequest(), timeout=10
        )
        found = await self.listing(min_position=head, page_size=page_size * 2)
        graph = Graph(await read_log(self.events), declared.declarations)
        assert [(one.entity.kind, one.entity.id) for one in found] == graph.ids
        for one in found:
            key = (one.entity.kind, one.entity.id)
            positions = graph.positions.get(key, [])
            assert (one.events, one.last_position) == (len(positions), max(positions, default=0))
            assert {(k.kind, k.id) for k in one.same_as} == graph.entity(key) - {key}
            assert await self.positions(*key, page_size=page_size) == graph.events(key)[::-1]
            assert await self.positions(
                *key, page_size=page_size + 1, oldest_first=True
            ) == graph.events(key)
            assert (
                await self.positions(
                    *key, this_id_only=True, oldest_first=True, page_size=page_size
                )
                == positions
            )
        return graph


@asynccontextmanager
async def wired(server: Server, tenant: str) -> AsyncIterator[Wire]:
    async with tenant_channel(server.address, tenant) as channel:
        yield Wire(server, EventStoreServiceStub(channel), EntityServiceStub(channel))


@asynccontextmanager
async def wire_to(database_url: str, folder: Path) -> AsyncIterator[Wire]:
    """The tenant `default`, at a server of its own."""
    async with serving(database_url, folder) as server, wired(server, "default") as wire:
        yield wire


@pytest_asyncio.fixture
async def wire(shared_server: SharedServer) -> AsyncIterator[Wire]:
    """A new tenant, at the server that all share."""
    async with wired(shared_server.server, shared_server.new_tenant()) as wire:
        yield wire


def declaration(name: str, pointer: str, kind: str = "", **fields: Any) -> pb.EntityDeclaration:
    return pb.EntityDeclaration(name=name, pointer=pointer, kind=kind or name, **fields)


EMAIL = declaration("email", "/customer/email", ignore_case=True, subject="customer")
STRIPE = declaration("stripe", "/customer/id", event_types=["stripe.*"], subject="customer")


def reason(refusal: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> tuple[str, list[str]]:
    status = rpc_status.from_call(refusal.value)
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status.details[0].Unpack(info)
    fields = []
    if status.details[-1].Unpack(bad):
        fields = [violation.field for violation in bad.field_violations]
    return info.reason, fields


async def test_events_of_different_aggregates_about_one_customer_are_found_by_any_of_its_ids(
    wire: Wire,
) -> None:
    await wire.emit("shop.ordered", {"customer": {"email": " Ada@Example.org"}}, "order/1")
    await wire.declare(EMAIL, STRIPE)
    both = {"customer": {"email": "ada@example.org", "id": "cus_1"}}
    await wire.emit("stripe.charge", both, "charge/1")
    await wire.emit("stripe.refund", {"customer": {"id": "cus_1"}}, "charge/2")
    last = await wire.emit("shop.ordered", {"customer": {"email": "bob@b.org"}}, "order/2")
    page = await wire.entities.EventsOfEntity(
        pb.EventsOfEntityRequest(
            entity=pb.EntityKey(kind="email", id="ADA@example.org"), min_position=last
        )
    )
    assert [event.position for event in page.events] == [3, 2, 1]
    assert [event.aggregate_type for event in page.events] == ["charge", "charge", "order"]
    assert [(key.kind, key.id) for key in page.entity] == [
        ("email", "ada@example.org"),
        ("stripe", "cus_1"),
    ]
    assert page.indexed_position == last
    assert await wire.positions("stripe", "cus_1", this_id_only=True) == [3, 2]
    prefixed = await wire.listing(kind="email", id_prefix="ADA")
    assert [one.entity.id for one in prefixed] == ["ada@example.org"]
    await wire.assert_equals_a_fold()


async def test_what_nobody_carries_and_nobody_linked_is_not_found(wire: Wire) -> None:
    for _ in range(2):  # without an index, and with one
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await wire.positions("email", "nobody")
        assert reason(refusal) == ("ENTITY_NOT_FOUND", [])
        assert await wire.listing(min_position=await wire.head()) == []
        await wire.declare(EMAIL)


async def test_a_link_that_is_said_joins_two_entities_until_it_is_taken_back(wire: Wire) -> None:
    ada, gh = ("email", "ada@example.org"), ("github", "ada")
    assert await wire.link(ada, gh, actor="user:bob") == {ada, gh}
    assert await wire.positions(*gh) == []
    await wire.declare(EMAIL, declaration("github", "/login"))
    await wire.emit("github.push", {"login": "ada"})
    await wire.emit("shop.ordered", {"customer": {"email": "Ada@example.org"}})
    await wire.assert_equals_a_fold()
    assert await wire.positions(*ada) == [3, 2]
    assert await wire.link(gh, ("email", "ADA@example.org")) == {ada, gh}, "said already"
    assert await wire.head() == 3
    [said] = [e for e in await read_log(wire.events) if e.event_type == "entity.linked"]
    assert (said.aggregate_type, said.aggregate_id) == ("entity", "email:ada@example.org")
    assert said.actor == "user:bob"
    assert await wire.link(gh, ada, undo=True) == {gh}
    assert await wire.positions(*ada) == [3]
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await wire.link(gh, ada, undo=True)
    assert reason(refusal) == ("INVALID_REQUEST", ["undo"])
    await wire.assert_equals_a_fold()


async def test_a_link_that_an_event_shows_cannot_be_taken_back(wire: Wire) -> None:
    ada, cus = ("email", "a@b"), ("stripe", "1")
    await wire.declare(EMAIL, STRIPE)
    await wire.emit("stripe.charge", {"customer": {"email": "a@b", "id": 1}})
    with pytest.raises(grpc.aio.AioRpcError, match="a fact") as refusal:
        await wire.link(ada, cus, undo=True)
    assert reason(refusal) == ("INVALID_REQUEST", ["undo"])
    assert await wire.link(ada, cus) == {ada, cus}
    assert await wire.link(ada, cus, undo=True) == {ada, cus}, "it is seen all the same"
    await wire.assert_equals_a_fold()


IDS = st.sampled_from(["a", "A ", "b", "c", "", "é" * 127, "é" * 128, 1, 1.0, 2.5, -7, True, None])
VALUES = st.recursive(
    IDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "y", "0", "-1", "*", "a/b"]), inner, max_size=4)
    ),
    max_leaves=12,
)
POINTERS = ["/x", "/y", "/x/0", "/x/*/y", "/*/x", "/x/*/0", "/-1", "/x/-1", "/a~1b", "/0/*/*"]
DECLARATIONS = st.lists(
    st.builds(
        declaration,
        name=st.sampled_from("pqrs"),
        pointer=st.sampled_from(POINTERS),
        kind=st.sampled_from(["k", "l"]),
        subject=st.sampled_from(["", "s", "t"]),
        event_types=st.sampled_from([[], ["one.a"], ["two.*"], ["one.*", "two.b"]]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.name,
)
KEYS = st.tuples(st.sampled_from("kl"), st.sampled_from(["a", "A", "b", "c", "z"]))
STEPS = st.lists(
    st.tuples(
        st.just("emit"),
        st.lists(
            st.tuples(st.sampled_from(["one.a", "one.b", "two.b"]), VALUES), max_size=12, min_size=1
        ),
    )
    | st.tuples(st.just("declare"), DECLARATIONS)
    | st.tuples(st.just("link"), st.tuples(KEYS, KEYS, st.booleans())),
    min_size=1,
    max_size=8,
)


async def _take(wire: Wire, kind: str, what: Any) -> None:
    if kind == "emit":
        await wire.emit_all(what)
    elif kind == "declare":
        for one in what:  # of one kind all or none ignore case
            one.ignore_case = one.kind == "k"
        await wire.declare(*what)
    else:  # as LinkEntities writes them, but without its checks
        one, other, linked = what
        link = {
            "entity": dict(zip(("kind", "id"), one, strict=True)),
            "same_as": dict(zip(("kind", "id"), other, strict=True)),
        }
        kind = "entity.linked" if linked else "entity.unlinked"
        await wire.emit(kind, link, "entity/" + ":".join(one))


async def test_the_index_equals_a_fold_over_the_log(database_url: str, tmp_path: Path) -> None:
    """All of it is rebuilt from the log: the log grows on from case to case, in two processes."""
    async with wire_to(database_url, tmp_path) as wire, wire_to(database_url, tmp_path) as other:
        await wire.declare(declaration("p", "/x", "k", ignore_case=True))
        loop = asyncio.get_running_loop()

        async def case(steps: list[tuple[str, Any]]) -> None:
            for number, (kind, what) in enumerate(steps):
                await _take((wire, other)[number % 2], kind, what)
            await wire.assert_equals_a_fold()

        @settings(
            max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(steps=STEPS)
        def cases(steps: list[tuple[str, Any]]) -> None:
            asyncio.run_coroutine_threadsafe(case(steps), loop).result(120)

        await asyncio.to_thread(cases)


async def test_a_rebuild_under_live_writes_ends_as_a_fresh_index_and_readers_keep_the_old_one(
    database_url: str, tmp_path: Path
) -> None:
    async with wire_to(database_url, tmp_path) as wire, wire_to(database_url, tmp_path) as other:
        await wire.declare(EMAIL)
        done = asyncio.Event()

        async def write(on: Wire, sender: int) -> None:
            number = 0
            while not done.is_set():
                number += 1
                customer = {"email": f"{number % 9}@x", "id": f"{number % 7}-{sender}"}
                await on.emit_all([("stripe.charge", {"customer": customer})] * 5)
                await asyncio.sleep(0.005)

        async def read() -> None:
            last = 0
            while not done.is_set():
                page = await other.entities.ListEntities(pb.ListEntitiesRequest(kind="email"))
                assert page.indexed_position >= last
                assert len(page.entities) == 9
                last = page.indexed_position
                await asyncio.sleep(0.01)

        await asyncio.gather(
            *(wire.emit("a.b", {"customer": {"email": f"{n}@x"}}) for n in range(9))
        )
        await wire.listing(min_position=9)
        busy = [asyncio.create_task(task) for task in (write(wire, 1), write(other, 2), read())]
        for declarations in ([STRIPE], [EMAIL, STRIPE]):
            await asyncio.sleep(0.7)
            await other.declare(*declarations)
        await asyncio.sleep(0.5)
        done.set()
        await asyncio.gather(*busy)
        await wire.assert_equals_a_fold(page_size=500)
        await _eventually_one_generation(database_url)


async def _eventually_one_generation(database_url: str) -> None:
    """What nobody reads any more goes, from every table."""
    async with asyncio.timeout(20):
        while True:
            with psycopg.connect(database_url) as connection:
                counts = [
                    connection.execute(
                        f"SELECT count(DISTINCT generation) FROM everlog.{table}".encode()
                    ).fetchone()
                    for table in (
                        *("entities", "entity_mentions", "entity_links"),
                        *("entity_generations", "entity_declarations"),
                    )
                ]
            if counts == [(1,)] * 5:
                return
            await asyncio.sleep(0.1)


async def test_an_indexer_that_is_killed_is_taken_over_and_nothing_counts_twice(
    database_url: str, tmp_path: Path
) -> None:
    async with wire_to(database_url, tmp_path) as wire:
        await wire.emit_all([("a.b", {"x": [n % 10, n % 7]}) for n in range(1000)])
        for _ in range(20):
            await wire.emit_all([("a.b", {"x": n % 10}) for n in range(1000)])
        async with wire_to(database_url, tmp_path) as doomed:
            await doomed.declare(declaration("x", "/x"))
            await asyncio.sleep(0.05)
            await doomed.server.kill()
        summaries = await wire.listing(min_position=21_000)
        assert {one.entity.id: one.events for one in summaries} == {
            str(n): 2000 + sum(1 for i in range(1000) if n in (i % 10, i % 7)) for n in range(10)
        }


async def test_an_indexer_remembers_nothing_of_who_has_come_to_the_end(
    database_url: str, tmp_path: Path
) -> None:
    async with wire_to(database_url, tmp_path) as wire:
        await wire.declare(EMAIL)
        position = await wire.emit("a.b", {"customer": {"email": "a@b"}})
    async with open_house(database_url) as house:
        indexer = EntityIndexer(EntityStore(house.database), poll_interval_seconds=0.05)
        indexing = asyncio.create_task(indexer.run())
        await indexer.wait(
            TENANT,
            lambda state: state.current_position >= position,
            position=position,
            timeout_seconds=20,
        )
        assert not indexer._windows
        assert not indexer._resting
        indexing.cancel()


async def test_another_tenant_sees_nothing(wire: Wire, shared_server: SharedServer) -> None:
    header = [("everlog-tenant", shared_server.new_tenant())]
    await wire.declare(EMAIL)
    position = await wire.emit("a.b", {"customer": {"email": "a@b"}})
    await wire.link(("email", "a@b"), ("github", "a"))
    assert await wire.positions("github", "a", min_position=position) == [1]
    stub = wire.entities
    theirs = await stub.ListEntityDeclarations(pb.ListEntityDeclarationsRequest(), metadata=header)
    assert (list(theirs.declarations), theirs.head_position) == ([], 0)
    request = pb.EventsOfEntityRequest(entity=pb.EntityKey(kind="email", id="a@b"))
    for _ in range(2):
        assert not (await stub.ListEntities(pb.ListEntitiesRequest(), metadata=header)).entities
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await stub.EventsOfEntity(request, metadata=header)
        assert reason(refusal) == ("ENTITY_NOT_FOUND", [])
        await stub.DeclareEntities(pb.DeclareEntitiesRequest(declarations=[EMAIL]), metadata=header)
    page = await wire.entities.ListEntities(pb.ListEntitiesRequest(page_size=1))
    foreign = pb.ListEntitiesRequest(page_token=page.next_page_token)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ListEntities(foreign, metadata=header)
    assert reason(refusal) == ("PAGE_TOKEN_INVALID", ["page_token"])


async def test_hostile_documents_are_indexed_within_their_bounds(wire: Wire) -> None:
    pointers = ["/a", "/*", "/*/*", "/a/*/*", "/0/0/0/0", "/a/0/*", "/a" * 32]
    await wire.declare(
        *(declaration(f"{n}", p, subject="s") for n, p in enumerate(pointers)),
        *(declaration(f"more {n}", "/a/*") for n in range(93)),
    )
    deep: Any = "deep"
    for _ in range(900):
        deep = [deep] if _ % 2 else {"a": deep}
    await wire.emit("h.a", deep)
    await wire.emit("h.a", {"a": list(range(130_000))})
    await wire.emit("h.a", [[n] for n in range(100_000)])
    await wire.emit("h.a", {"a": ["x" * 300, "\u2028", "\U0010ffff", "'; --"] * 50})
    last = await wire.emit("h.a", {"a": "end"})
    assert await wire.positions("0", "end", min_position=last) == [last]
    assert await wire.positions("0", "99") == [2]
    with pytest.raises(grpc.aio.AioRpcError):
        await wire.positions("0", "100")  # at most 100 ids of an event and declaration


BAD: dict[str, tuple[str, Any, list[str]]] = {
    "nothing": ("DeclareEntities", pb.DeclareEntitiesRequest(), ["declarations"]),
    "101 declarations": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[EMAIL] * 101),
        ["declarations"],
    ),
    "101 withdrawn": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(withdrawn_names=["x"] * 101),
        ["withdrawn_names"],
    ),
    "withdrawn, never declared": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(withdrawn_names=["x"]),
        ["withdrawn_names[0]"],
    ),
    "one name twice": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[EMAIL, EMAIL]),
        ["declarations[1].name"],
    ),
    "no name, no pointer, no kind": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[pb.EntityDeclaration()]),
        [f"declarations[0].{name}" for name in ("name", "pointer", "kind")],
    ),
    "long texts": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(
            declarations=[
                pb.EntityDeclaration(
                    name="x" * 256,
                    event_types=["x" * 256, "a*", "*"],
                    pointer="/" + "x" * 1024,
                    kind="é" * 128,
                    subject="x" * 256,
                )
            ]
        ),
        [
            *("declarations[0].name", "declarations[0].event_types[0]"),
            *("declarations[0].event_types[1]", "declarations[0].event_types[2]"),
            *("declarations[0].pointer", "declarations[0].kind", "declarations[0].subject"),
        ],
    ),
    "NULs": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(
            declarations=[declaration("\0", "/\0", "\0", subject="\0", event_types=["\0"])]
        ),
        [
            f"declarations[0].{name}"
            for name in ("name", "event_types[0]", "pointer", "kind", "subject")
        ],
    ),
    "101 types": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[declaration("a", "/a", event_types=["x"] * 101)]),
        ["declarations[0].event_types"],
    ),
    "no slash": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[declaration("a", "a.b")]),
        ["declarations[0].pointer"],
    ),
    "a wrong escape": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[declaration("a", "/a~2")]),
        ["declarations[0].pointer"],
    ),
    "33 steps": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(declarations=[declaration("a", "/a" * 33)]),
        ["declarations[0].pointer"],
    ),
    "one kind, with and without case": (
        "DeclareEntities",
        pb.DeclareEntitiesRequest(
            declarations=[
                declaration("a", "/a", "k"),
                declaration("b", "/b", "k", ignore_case=True),
            ]
        ),
        ["declarations[0].ignore_case", "declarations[1].ignore_case"],
    ),
    "a link of nothing": (
        "LinkEntities",
        pb.LinkEntitiesRequest(),
        ["entity.kind", "entity.id"],
    ),
    "half a link": (
        "LinkEntities",
        pb.LinkEntitiesRequest(entity=pb.EntityKey(kind="a", id="b")),
        ["same_as.kind", "same_as.id"],
    ),
    "a link with itself": (
        "LinkEntities",
        pb.LinkEntitiesRequest(
            entity=pb.EntityKey(kind="a", id="b"), same_as=pb.EntityKey(kind="a", id="b")
        ),
        ["same_as"],
    ),
    "an id too long to be linked": (
        "LinkEntities",
        pb.LinkEntitiesRequest(
            entity=pb.EntityKey(kind="a" * 200, id="b" * 200),
            same_as=pb.EntityKey(kind="a", id="b"),
        ),
        ["entity"],
    ),
    "a NUL in an actor": (
        "LinkEntities",
        pb.LinkEntitiesRequest(
            entity=pb.EntityKey(kind="a", id="b"),
            same_as=pb.EntityKey(kind="a", id="c"),
            actor="\0",
        ),
        ["actor"],
    ),
    "a prefix without a kind": (
        "ListEntities",
        pb.ListEntitiesRequest(id_prefix="a"),
        ["id_prefix"],
    ),
    "a long kind": ("ListEntities", pb.ListEntitiesRequest(kind="a" * 256), ["kind"]),
    "a large page": ("ListEntities", pb.ListEntitiesRequest(page_size=1001), ["page_size"]),
    "a negative page": ("ListEntities", pb.ListEntitiesRequest(page_size=-1), ["page_size"]),
    "a negative position": (
        "ListEntities",
        pb.ListEntitiesRequest(min_position=-1),
        ["min_position"],
    ),
    "no entity": ("EventsOfEntity", pb.EventsOfEntityRequest(), ["entity.kind", "entity.id"]),
    "a NUL in an id": (
        "EventsOfEntity",
        pb.EventsOfEntityRequest(entity=pb.EntityKey(kind="a", id="\0")),
        ["entity.id"],
    ),
    "a large page of events": (
        "EventsOfEntity",
        pb.EventsOfEntityRequest(entity=pb.EntityKey(kind="a", id="b"), page_size=2**31 - 1),
        ["page_size"],
    ),
}


async def test_bad_input_is_refused_by_field(wire: Wire) -> None:
    for name, (method, request, fields) in BAD.items():
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await getattr(wire.entities, method)(request, timeout=10)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT, name
        assert reason(refusal) == ("INVALID_REQUEST", fields), name
    for token in ("x", "A" * 60, "ü\n" * 99):
        for asked in (
            pb.ListEntitiesRequest(page_token=token),
            pb.EventsOfEntityRequest(entity=pb.EntityKey(kind="a", id="b"), page_token=token),
        ):
            method = asked.DESCRIPTOR.name.removesuffix("Request")
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await getattr(wire.entities, method)(asked, timeout=10)
            assert reason(refusal) == ("PAGE_TOKEN_INVALID", ["page_token"]), token
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await wire.entities.ListEntities(pb.ListEntitiesRequest(min_position=2**62), timeout=1)
    assert reason(refusal)[0] == "POSITION_NOT_VISIBLE"
    assert await wire.head() == 0
    assert "Traceback" not in wire.server.log
