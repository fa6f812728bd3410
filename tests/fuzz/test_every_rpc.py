"""Every RPC that a server has, asked anything: an answer, or a refusal that is no defect's.

What refuses a request tells why: no INTERNAL, no UNKNOWN, no traceback in the log, and a refusal
for what a field holds names the field. The services are those that reflection lists, so that new
ones take part.
"""

from __future__ import annotations

import itertools
import struct
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from everlog.v1 import consumers_pb2, projections_pb2
from everlog_server.rpc.page_token import Listing
from tests.fuzz.bounded import FIRST_SEED, LONG_SECONDS, Target
from tests.fuzz.messages import ID, wires

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from tests.servers import SharedServer

CALL_SECONDS = 20
_ROUND_EXAMPLES = 12
_EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
# They wait for a position that may not be there yet, for as long as the caller says.
_PATIENCE_SECONDS = 0.3
_TOO_SHORT = {grpc.StatusCode.DEADLINE_EXCEEDED}


@dataclass(frozen=True)
class Caller:
    """Calls methods by name with bytes."""

    channel: grpc.Channel
    tenant: str

    def call(self, method: MethodDescriptor, data: bytes, seconds: float = CALL_SECONDS) -> None:
        """One call; raises RpcError. Of a stream, the first answer is enough."""
        service = method.containing_service.full_name
        kind = f"{'stream' if method.client_streaming else 'unary'}_"
        kind += "stream" if method.server_streaming else "unary"
        make = getattr(self.channel, kind)(f"/{service}/{method.name}")
        request = iter([data]) if method.client_streaming else data
        answer = make(request, timeout=seconds, metadata=[("everlog-tenant", self.tenant)])
        if method.server_streaming:
            next(answer, None)
            answer.cancel()


@pytest.fixture(name="caller")
def _caller(shared_server: SharedServer) -> Iterator[Caller]:
    with grpc.insecure_channel(shared_server.server.address) as channel:
        yield Caller(channel, shared_server.new_tenant())


def served(caller: Caller) -> list[MethodDescriptor]:
    """Every method of everlog's own services."""
    stub = reflection_pb2_grpc.ServerReflectionStub(caller.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([asked]))
    pool = descriptor_pool.Default()
    services = [
        pool.FindServiceByName(one.name)
        for one in answer.list_services_response.service
        if one.name.startswith("everlog.")
    ]
    assert len(services) >= 7
    return [method for service in services for method in service.methods]


def check(caller: Caller, method: MethodDescriptor, data: bytes) -> None:
    """Calls it, and looks at how it is refused, if it is."""
    waits = "min_position" in method.input_type.fields_by_name
    try:
        caller.call(method, data, _PATIENCE_SECONDS if waits else CALL_SECONDS)
    except grpc.RpcError as error:
        code = error.code()
        told = f"{method.full_name}: {code.name}: {error.details()}"
        assert code in _EXPECTED | (_TOO_SHORT if waits else set()), told
        status = rpc_status.from_call(error)
        if status is None:
            assert waits, told
            return
        details = {one.TypeName(): one for one in status.details}
        if code is grpc.StatusCode.INVALID_ARGUMENT and "google.rpc.BadRequest" in details:
            bad = error_details_pb2.BadRequest()
            details["google.rpc.BadRequest"].Unpack(bad)
            assert bad.field_violations, told
            assert all(one.field and one.description for one in bad.field_violations), told


def ask_anything(caller: Caller, seconds: float) -> None:
    """Asks each method some requests of its own kind; all of them once, and again for so long."""
    targets = [
        Target(method.full_name, wires(method.input_type), partial(check, caller, method))
        for method in served(caller)
    ]
    ends = time.monotonic() + seconds
    for number in itertools.count(FIRST_SEED):
        for target in targets:
            target.run_round(_ROUND_EXAMPLES, number)
        if time.monotonic() >= ends:
            return


def test_no_request_meets_a_defect(caller: Caller) -> None:
    ask_anything(caller, 0)


@pytest.mark.slow
@pytest.mark.timeout(LONG_SECONDS + 120)
def test_no_request_meets_a_defect_for_long(caller: Caller) -> None:
    ask_anything(caller, LONG_SECONDS)


# What a listing of each kind needs beside its token: fields that have no name of their own meaning.
_FIELDS: dict[str, dict[str, Any]] = {
    "ListPendingRequest": {"consumer": "c"},
    "ListParkedRequest": {"consumer": "c"},
    "EventsOfEntityRequest": {"entity": {"kind": "a", "id": "b"}},
    "ListOutcomesRequest": {"event_id": ID},
    "ListProjectionErrorsRequest": {"name": "p"},
}
_NUMBERS = (0, 1, -1, 2**31, 2**63 - 1, -(2**63))
_TEXTS = ("", "a", "\0", "a\0b", "\0\0", "\uffff", "x" * 3000)


def places() -> Iterator[bytes]:
    """What a token may hold that a caller has made up: its digest is no secret."""
    yield from (text.encode() for text in _TEXTS)
    for one, other in itertools.product(_NUMBERS, repeat=2):
        yield struct.pack(">q", one)
        yield struct.pack(">q?", one, other > 0)
        yield struct.pack(">qq", one, other)
        yield struct.pack(">qq", one, other) + b"a\0b"
        for part in range(4):
            yield struct.pack(">Bqqq", part, one, other, one) + b"a\0b"


def test_a_forged_page_token_begins_somewhere_or_is_refused(
    caller: Caller, shared_server: SharedServer
) -> None:
    tenant_id = int(caller.tenant.removeprefix("tenant-"))
    methods = {method.name: method for method in served(caller)}
    making: list[tuple[str, Message]] = [
        ("CreateConsumer", consumers_pb2.CreateConsumerRequest(name="c")),
        ("ApplyProjection", a_projection()),
    ]
    for name, request in making:
        caller.call(methods[name], request.SerializeToString())
    listings = [m for m in methods.values() if "page_token" in m.input_type.fields_by_name]
    assert len(listings) >= 11
    for method in listings:
        for request in requests_of(method):
            listing = Listing(tenant_id, request)
            for place in dict.fromkeys(places()):
                request.page_token = listing.token(place)
                check(caller, method, request.SerializeToString())


def a_projection() -> Message:
    """One that a listing of its errors can be asked of."""
    handler = projections_pb2.ProjectionHandler(event_types=["a.b"], statements=["SELECT 1"])
    definition = projections_pb2.ProjectionDefinition(name="p", handlers=[handler])
    return projections_pb2.ApplyProjectionRequest(definition=definition)


def requests_of(method: MethodDescriptor) -> Iterator[Message]:
    """Requests of a listing: one of each order that it knows."""
    fields = _FIELDS.get(method.input_type.name, {})
    make = GetMessageClass(method.input_type)
    order = method.input_type.fields_by_name.get("order")
    if order is None:
        yield make(**fields)
        return
    for value in order.enum_type.values:
        if value.number:
            yield make(order=value.number, **fields)
