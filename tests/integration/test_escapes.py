"""What somebody might try in order to reach beyond what it was granted, and does not get."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from everlog.v1 import entities_pb2, event_pb2, projections_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1.entities_pb2_grpc import EntityServiceStub
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.projections_pb2_grpc import ProjectionServiceStub
from everlog_server.model import Role
from tests.conftest import new_database
from tests.identities import Identities, bearer, serving_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

END_SECONDS = 5.0
LIMITS: dict[str, dict[str, Any]] = {
    "types": {"aggregate_types": ("order", "outcome", "narrative", "entity")},
    "events": {"event_types": ("order.*", "outcome.*", "narrative.*", "entity.*")},
    "own": {"own_only": True, "user_id": "ann"},
}


class Here:
    """The server, and whom it knows."""

    def __init__(self, channel: grpc.aio.Channel, identities: Identities) -> None:
        self.identities = identities
        self.events: Any = EventStoreServiceStub(channel)
        self.entities: Any = EntityServiceStub(channel)
        self.projections: Any = ProjectionServiceStub(channel)

    async def emit(self, name: str, **fields: Any) -> pb.EmitResponse:
        event = event_pb2.NewEvent(
            **{"aggregate_type": "order", "aggregate_id": "1", "event_type": "order.created"}
            | {"json": "{}"}
            | fields
        )
        answer: pb.EmitResponse = await self.events.Emit(
            pb.EmitRequest(events=[event]), metadata=bearer(name)
        )
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[Here]:
    identities = Identities()
    identities.add("gateway", Role.ADMIN, acts_for_others=True)
    identities.add("operator", Role.OPERATOR, tenants=())
    identities.add("emitter", Role.EMIT)
    for name, limits in LIMITS.items():
        identities.add(name, Role.ADMIN, **limits)
    with new_database(postgres, template=template_database) as url:
        async with (
            serving_to(url, identities) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield Here(channel, identities)


@pytest.mark.parametrize("name", LIMITS)
async def test_who_is_limited_is_not_told_which_event_has_a_key(here: Here, name: str) -> None:
    key = f"somebody-elses-{name}"
    first = await here.emit("gateway", idempotency_key=key, user_id="bob", json='{"n": 1}')
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.emit(name, idempotency_key=key, json='{"n": 2}')
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    told = f"{caught.value.details()} {caught.value.trailing_metadata()}"
    assert first.receipts[0].event_id not in told
    # Those who are not limited are.
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.emit("emitter", idempotency_key=key, json='{"n": 2}')
    assert first.receipts[0].event_id in (caught.value.details() or "")


@pytest.mark.parametrize("by", ["key", "id"])
async def test_who_sees_its_own_only_gets_no_receipt_of_another_users_event(
    here: Here, by: str
) -> None:
    same = {
        "key": {"idempotency_key": "guessed"},
        "id": {"event_id": "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"},
    }[by]
    await here.emit("gateway", user_id="bob", **same)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.emit("own", **same)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    # It retries what is its own, also of a moment ago.
    mine = {name: value.replace("guessed", "mine")[:-1] + "9" for name, value in same.items()}
    first = await here.emit("own", **mine)
    assert (await here.emit("own", **mine)).receipts[0].event_id == first.receipts[0].event_id
    # As does who may see all, whoever's it is.
    assert (await here.emit("emitter", **same)).receipts


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    "event_type", ["outcome.recorded", "narrative.saved", "entity.linked", "entity.unlinked"]
)
async def test_who_is_limited_says_nothing_of_others_events_by_emit(
    here: Here, name: str, event_type: str
) -> None:
    subject = (await here.emit("gateway", user_id="bob")).receipts[0].event_id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.emit(
            name,
            aggregate_type=event_type.split(".", maxsplit=1)[0],
            aggregate_id=subject,
            event_type=event_type,
            json=f'{{"event_id": "{subject}", "outcome": "failed"}}',
        )
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "events[0].event_type" in (caught.value.details() or "")


async def test_entities_are_not_linked_by_emit_without_the_role(here: Here) -> None:
    one, other = {"kind": "customer", "id": "1"}, {"kind": "customer", "id": "2"}
    request = entities_pb2.LinkEntitiesRequest(
        entity=entities_pb2.EntityKey(**one), same_as=entities_pb2.EntityKey(**other)
    )
    for event_type in ("entity.linked", "entity.unlinked"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await here.emit(
                "emitter",
                aggregate_type="entity",
                aggregate_id="customer:1",
                event_type=event_type,
                json='{"entity": {"kind": "customer", "id": "1"},'
                ' "same_as": {"kind": "customer", "id": "2"}}',
            )
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.entities.LinkEntities(request, metadata=bearer("emitter"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    await here.entities.LinkEntities(request, metadata=bearer("gateway"))


async def test_a_read_that_waits_ends_when_its_caller_does_not_hold_any_more(here: Here) -> None:
    """Else who is revoked leaves reads behind that wait for what has yet to happen."""
    name = here.identities.add("to-be-revoked", Role.READ)
    head = await here.events.GetHead(pb.GetHeadRequest(), metadata=bearer(name))
    position = head.position + 1
    waiting = [
        call(request, metadata=bearer(name), timeout=3600)
        for call, request in (
            (here.events.Get, pb.GetRequest(position=position, min_position=position)),
            (here.events.Query, pb.QueryRequest(min_position=position)),
            (here.events.GetHead, pb.GetHeadRequest(min_position=position)),
        )
    ]
    replaying = here.events.Replay(
        pb.ReplayRequest(min_position=position), metadata=bearer(name), timeout=3600
    )
    await asyncio.sleep(0.1)
    here.identities.revoked.add(name)
    began = time.monotonic()
    for call in (*waiting, replaying.read()):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call, END_SECONDS)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert time.monotonic() - began < END_SECONDS


async def test_definitions_of_projections_take_an_operator(here: Here) -> None:
    """One role owns the projections of all tenants: SQL of one tenant's admin would reach all."""
    request = projections_pb2.ApplyProjectionRequest(
        definition=projections_pb2.ProjectionDefinition(
            name="p",
            tables="CREATE TABLE t (id int)",
            handlers=[
                projections_pb2.ProjectionHandler(event_types=["x.y"], statements=["SELECT 1"])
            ],
        )
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.projections.ApplyProjection(request, metadata=bearer("gateway"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    await here.projections.ApplyProjection(request, metadata=bearer("operator"))
