"""What a tenant can learn of another one's: nothing, by any RPC that reads.

Each request is made twice by a tenant with an empty log: once with the names that another tenant's
log has (of events, aggregates, keys, consumers, entities …), once with names that nobody has. The
answers must be the same, but for the name. Requests are made from the descriptors: an RPC that is
added is asked, too.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
import pytest_asyncio
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

import everlog
from everlog.v1 import admin_pb2
from tests import contract
from tests.servers import tenant_channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.descriptor import Descriptor, MethodDescriptor, OneofDescriptor
    from google.protobuf.message import Message

    from tests.servers import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

# They would make what is asked for; of a stream of requests there is no single one.
WRITES = (
    "Apply", "Consume", "Create", "Declare", "Emit", "Import", "Link", "Register", "Set",
)  # fmt: skip
CALL_SECONDS = 20.0
MARK = "secret"


class Names(NamedTuple):
    """What a request may name."""

    event_id: str
    aggregate_id: str
    word: str
    """An idempotency key, a consumer, a kind, an id, a user …"""
    event_type: str


# As long as those of the other tenant: so that messages differ by the names only.
NOBODYS = Names(str(uuid.uuid4()), "nobody-1", "nobody", "nobody.made")


METHODS = [
    # Those that read, or that change what must be there; who runs everlog may see all tenants.
    method
    for method in contract.METHODS.values()
    if not method.name.startswith(WRITES)
    and method.containing_service.file is not admin_pb2.DESCRIPTOR
]


def requests(kind: Descriptor, names: Names) -> list[Message]:
    """Requests with every field that can name something; one for each choice of its oneofs."""
    choices: list[dict[OneofDescriptor | None, FieldDescriptor]] = [{}]
    for oneof in kind.oneofs:
        if not oneof.name.startswith("_"):
            choices = [{**one, oneof: field} for one in choices for field in oneof.fields]
    made = []
    for chosen in choices:
        message = message_factory.GetMessageClass(kind)()
        for field in kind.fields:
            if chosen.get(field.containing_oneof, field) is field:
                fill(message, field, names)
        made.append(message)
    return made


def fill(message: Message, field: FieldDescriptor, names: Names) -> None:
    """Sets one field, if it names something."""
    if field.message_type is not None:
        if field.message_type.name == "AggregateKey" and not field.is_repeated:
            key: Any = getattr(message, field.name)
            key.aggregate_type, key.aggregate_id = names.word, names.aggregate_id
        elif field.message_type.name == "EntityKey" and not field.is_repeated:
            getattr(message, field.name).kind = names.word
            getattr(message, field.name).id = names.word
        elif field.message_type.name == "EventFilter":
            message.filter.event_types.append(names.event_type)  # type: ignore[attr-defined]
        elif field.message_type.name == "Empty":
            getattr(message, field.name).SetInParent()
        elif field.message_type.name == "Narrative":
            message.narrative.narrative = "t"  # type: ignore[attr-defined]
        return
    value: Any = {
        "event_id": names.event_id,
        "aggregate_id": names.aggregate_id,
        "aggregate_type": names.word,
        "event_type": names.event_type,
        "outcome": "worked",
    }.get(field.name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING and field.name not in NOT_NAMES:
        value = names.word if value is None else value
        if field.is_repeated:
            value = [names.event_id if "event_ids" in field.name else value]
            getattr(message, field.name).extend(value)
        else:
            setattr(message, field.name, value)
    elif field.name in {"position", "sequence"}:
        setattr(message, field.name, 1)


NOT_NAMES = {"page_token", "after_event_id", "actor", "id_prefix", "impact_metric", "reason"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rich(shared_server: SharedServer) -> AsyncIterator[tuple[str, Names]]:
    """A tenant whose log has something of everything."""
    tenant = shared_server.new_tenant()
    async with everlog.connect(shared_server.url, tenant=tenant) as client:
        await client.declare_entities(
            [everlog.EntityDeclaration(name=MARK, pointer="/id", kind=MARK)]
        )
        receipts = [
            await client.emit(
                everlog.Event(
                    f"{MARK}.made",
                    aggregate=(MARK, f"{MARK}-{n}"),
                    data={"id": MARK, "word": MARK},
                    idempotency_key=MARK if n == 1 else f"{MARK}-{n}",
                    correlation_id=MARK,
                    user_id=MARK,
                    actor=MARK,
                )
            )
            for n in range(1, 4)
        ]
        first = str(receipts[0].event_id)
        for _ in range(2):
            await client.record_outcome(first, MARK)
        for n in range(2):
            await client.create_consumer(MARK if not n else f"{MARK}-{n}")
        async for _ in client.events_of_entity((MARK, MARK), min_position=5):
            pass
    yield tenant, Names(first, f"{MARK}-1", MARK, f"{MARK}.made")


@pytest.fixture(scope="module")
def poor(shared_server: SharedServer) -> str:
    """A tenant with an empty log."""
    return shared_server.new_tenant()


async def ask(
    server: SharedServer, tenant: str, method: MethodDescriptor, request: Message
) -> tuple[str, str, str]:
    """How a call ends: its code, its text with all details, and what it has answered."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answers = message_factory.GetMessageClass(method.output_type)
    told = ""
    async with tenant_channel(server.server.address) as channel:
        make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
        call = make(
            path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answers.FromString,
        )(request, metadata=(("everlog-tenant", tenant),), timeout=CALL_SECONDS)
        try:
            if method.server_streaming:
                async for answer in call:
                    told += str(answer)
                    if method.name == "Subscribe":
                        call.cancel()
                        break
            else:
                told = str(await call)
        except grpc.aio.AioRpcError as error:
            details = b"".join(
                value
                for key, value in error.trailing_metadata() or ()
                if key == "grpc-status-details-bin" and isinstance(value, bytes)
            )
            return error.code().name, f"{error.details()} {without_request_id(details)!r}", told
    return "OK", "", told


def without_request_id(details: bytes) -> bytes:
    """The status's details, up to what names this very call."""
    return details.partition(b"type.googleapis.com/google.rpc.RequestInfo")[0]


def blurred(text: Any, names: Names) -> str:
    """The same for all names."""
    shown = str(text)
    for field in ("event_id", "aggregate_id", "event_type", "word"):
        name = getattr(names, field)
        shown = shown.replace(name, f"<{field}>").replace(name.replace("-", ""), f"<{field}>")
    return shown


@pytest.mark.parametrize("method", METHODS, ids=[one.full_name for one in METHODS])
async def test_what_is_anothers_is_as_what_never_was(
    shared_server: SharedServer, rich: tuple[str, Names], poor: str, method: MethodDescriptor
) -> None:
    _, theirs = rich
    pairs = zip(
        requests(method.input_type, theirs), requests(method.input_type, NOBODYS), strict=True
    )
    for real, made_up in pairs:
        seen = await ask(shared_server, poor, method, real)
        expected = await ask(shared_server, poor, method, made_up)
        assert blurred(without_times(seen), theirs) == blurred(without_times(expected), NOBODYS)
        assert expected[0] != "INTERNAL"


def without_times(seen: tuple[str, str, str]) -> tuple[str, str, str]:
    """The clock differs between two calls, and is nobody's secret."""
    code, details, told = seen
    lines = [one for one in told.splitlines() if not one.strip().startswith(("seconds:", "nanos:"))]
    return code, details, "\n".join(lines)


PAGED = [one for one in METHODS if "page_token" in one.input_type.fields_by_name]


@pytest.mark.parametrize("method", PAGED, ids=[one.full_name for one in PAGED])
async def test_a_page_token_of_another_tenant_is_refused_as_one_that_is_damaged(
    shared_server: SharedServer, rich: tuple[str, Names], poor: str, method: MethodDescriptor
) -> None:
    tenant, names = rich
    (request, *_) = requests(method.input_type, names)
    request.page_size = 1  # type: ignore[attr-defined]
    path = f"/{method.containing_service.full_name}/{method.name}"
    answers = message_factory.GetMessageClass(method.output_type)
    async with tenant_channel(shared_server.server.address) as channel:
        call: Any = channel.unary_unary(
            path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answers.FromString,
        )
        try:
            page = await call(request, metadata=(("everlog-tenant", tenant),))
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.NOT_FOUND  # nothing of the kind is there
            return
    if not page.next_page_token:
        return
    request.page_token = page.next_page_token  # type: ignore[attr-defined]
    taken = await ask(shared_server, poor, method, request)
    request.page_token = "damaged"  # type: ignore[attr-defined]
    damaged = await ask(shared_server, poor, method, request)
    assert taken == damaged
    # What the tenant's own listing has nothing of is said first, whatever the token.
    assert taken[0] in {"INVALID_ARGUMENT", "NOT_FOUND"}


async def test_a_cursor_of_another_tenant_says_where_ones_own_log_ends_only(
    shared_server: SharedServer, rich: tuple[str, Names], poor: str
) -> None:
    _, names = rich
    for name in ("Replay", "Subscribe"):
        (method,) = [one for one in METHODS if one.name == name]
        for event_id in (names.event_id, NOBODYS.event_id):
            request = message_factory.GetMessageClass(method.input_type)(
                after_position=1, after_event_id=event_id
            )
            code, text, told = await ask(shared_server, poor, method, request)
            assert (code, told) == ("OUT_OF_RANGE", "")
            assert event_id not in text
