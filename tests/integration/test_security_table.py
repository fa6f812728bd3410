"""Every RPC, by every role, in own and other tenants, with every kind of credentials.

Nothing is hand-picked: RPCs come from the descriptors, and what is expected follows from the one
table of rights and three rules. Requests are empty: whoever may call is answered as an operator is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog_server.model import Role
from everlog_server.rpc.calls import AccessLog, Calls
from everlog_server.rpc.entry import Context, open_entry
from everlog_server.rpc.rights import RIGHTS, Narrowing
from everlog_server.rpc.service import Handlers, add_services, unary
from tests.conftest import new_database
from tests.contract import METHODS
from tests.identities import Identities, bearer, serving_to
from tests.servers import make_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPLIED = {
    Role.EMIT: {Role.EMIT},
    Role.READ: {Role.READ},
    Role.CONSUME: {Role.CONSUME},
    Role.ADMIN: {Role.EMIT, Role.READ, Role.CONSUME, Role.ADMIN},
    Role.OPERATOR: set(Role),
}
LIMITS: dict[str, dict[str, Any]] = {
    "types": {"aggregate_types": ("order",)},
    "events": {"event_types": ("order.*", "note.taken")},
    "own": {"own_only": True, "user_id": "ann"},
}
OWN, OWN_TOO, OTHER, NOBODYS = "default", "second", "other", "nobodys"


class Answer(NamedTuple):
    """How a call has ended."""

    code: str
    reason: str
    message: str


class Here(NamedTuple):
    """The server, and whom it knows."""

    channel: grpc.aio.Channel
    identities: Identities

    async def call(self, method: str, metadata: list[tuple[str, str]]) -> Answer:
        """Calls an RPC with an empty request: a stream of requests is one without any."""
        described = METHODS[method]
        kind = ("stream" if described.client_streaming else "unary") + (
            "_stream" if described.server_streaming else "_unary"
        )
        make = getattr(self.channel, kind)(f"/{method}")
        request = iter(()) if described.client_streaming else b""
        call = make(request, metadata=metadata, timeout=20)
        try:
            if described.server_streaming:
                async for _ in call:
                    pass
            else:
                await call
        except grpc.aio.AioRpcError as error:
            return Answer(error.code().name, _reason(error), error.details() or "")
        return Answer("OK", "", "")


def _reason(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(cast("Any", error))
    info = error_details_pb2.ErrorInfo()
    if status is not None and status.details:
        status.details[0].Unpack(info)
    return info.reason


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[Here]:
    identities = Identities()
    tenants = (OWN, OWN_TOO)
    for role in Role:
        identities.add(f"a-{role.name}", role, tenants=tenants)
        for name, limits in LIMITS.items():
            identities.add(f"{name}-{role.name}", role, tenants=tenants, **limits)
    identities.add("everywhere", Role.OPERATOR, tenants=())
    identities.add("expired", Role.ADMIN, expires_at=time.time() - 1)
    identities.revoked.add(identities.add("revoked", Role.ADMIN))
    with new_database(postgres, template=template_database) as url:
        make_tenant(url, OWN_TOO, 2)
        make_tenant(url, OTHER, 3)
        async with (
            serving_to(url, identities) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield Here(channel, identities)


async def test_the_table_has_every_rpc_of_the_descriptors_and_no_other() -> None:
    assert set(RIGHTS) == set(METHODS)
    assert all(right.why_refused for right in RIGHTS.values() if _is_refused(right.narrowing))


def _is_refused(narrowing: Narrowing) -> bool:
    return narrowing is Narrowing.REFUSED


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_who_is_not_known_is_refused(here: Here, method: str) -> None:
    for metadata in (
        [],
        bearer("unknown"),
        bearer("expired"),
        bearer("revoked"),
        bearer("unknown", OTHER),
        bearer("unknown", NOBODYS),
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Basic YTpi")],
        [("authorization", "a-ADMIN")],
        [("authorization", "Bearer a-ADMIN "), ("everlog-tenant", "NOT A NAME")],
        [*bearer("a-OPERATOR"), *bearer("a-OPERATOR")],
        [*bearer("unknown"), *bearer("a-OPERATOR")],
    ):
        answer = await here.call(method, metadata)
        assert answer[:2] == ("UNAUTHENTICATED", "UNAUTHENTICATED"), metadata


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_who_is_known_may_do_what_the_table_says_in_its_own_tenants(
    here: Here, method: str
) -> None:
    expected = await here.call(method, bearer("everywhere"))
    assert expected.code not in {"UNAUTHENTICATED", "PERMISSION_DENIED"}
    role = RIGHTS[method].role
    for own in Role:
        may = role is None or role in IMPLIED[own]
        for tenant in ("", OWN, OWN_TOO):
            answer = await here.call(method, bearer(f"a-{own.name}", tenant))
            if may:
                assert answer[:2] == expected[:2], (own, tenant)
            else:
                assert answer[:2] == ("PERMISSION_DENIED", "PERMISSION_DENIED"), (own, tenant)
                assert role is not None
                assert role.name.lower() in answer.message
        elsewhere, nowhere = [
            await here.call(method, bearer(f"a-{own.name}", name)) for name in (OTHER, NOBODYS)
        ]
        assert elsewhere[:2] == ("PERMISSION_DENIED", "PERMISSION_DENIED"), own
        assert elsewhere == nowhere._replace(message=nowhere.message.replace(NOBODYS, OTHER))


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_who_is_limited_is_refused_what_can_not_be_narrowed(here: Here, method: str) -> None:
    expected = await here.call(method, bearer("everywhere"))
    right = RIGHTS[method]
    for name in LIMITS:
        answer = await here.call(method, bearer(f"{name}-OPERATOR"))
        if right.narrowing is Narrowing.REFUSED:
            assert answer[:2] == ("PERMISSION_DENIED", "PERMISSION_DENIED"), name
            assert right.why_refused in answer.message
        elif right.narrowing is Narrowing.BY_AGGREGATE:
            assert answer.code in {"PERMISSION_DENIED", expected.code}, name
        else:
            assert answer[:2] == expected[:2], name


async def test_a_method_without_an_entry_is_not_served() -> None:
    class Stranger:
        name = "everlog.v1.EventStoreService"

        def handlers(self) -> Handlers:
            return unary(self.Nothing)

        async def Nothing(self, data: bytes, context: Context) -> bytes:
            del context
            return data

    with pytest.raises(KeyError, match="EventStoreService/Nothing"):
        add_services(grpc.aio.server(), [Stranger()], Calls(AccessLog("off")), open_entry())
