"""Whatever comes in, each parser answers with what was meant, or with a refusal that names a field.

Of each: no other exception than the documented ones, what was encoded is decoded again, and no
small input takes long. A few seconds each, and longer where the tests are slow ones.
"""

from __future__ import annotations

import json
import string
import struct
from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import pytest
from google.protobuf.message import Message
from hypothesis import strategies as st

from everlog.v1 import (
    catalog_pb2,
    consumers_pb2,
    entities_pb2,
    event_pb2,
    event_store_pb2,
    filter_pb2,
    projections_pb2,
)
from everlog_server.catalog.schemas import Schema, SchemaError
from everlog_server.consumers.pending import Place as PendingPlace
from everlog_server.errors import BadRequestError, EverlogError, InvalidPageTokenError
from everlog_server.projections.statements import StatementError, parse_statement
from everlog_server.rpc import (
    catalog_requests,
    consumer_requests,
    entity_requests,
    projection_requests,
)
from everlog_server.rpc import requests as log_requests
from everlog_server.rpc.aggregate_requests import Place as AggregatePlace
from everlog_server.rpc.codec import encode_answer, encode_refusal, event_ids_of, frame_events
from everlog_server.rpc.decoding import fingerprint_of_record
from everlog_server.rpc.filters import decode_filter
from everlog_server.rpc.jsonb import read_json
from everlog_server.rpc.page_token import Listing, Positions
from everlog_server.rpc.status import status_of, trailers_status_of
from everlog_server.rpc.trace_context import TRACEPARENT, keep_trace
from everlog_server.rpc.validation import decode_emission
from everlog_server.settings import LimitSettings
from everlog_server.subscriptions.matching import matcher
from tests.fuzz.bounded import LONG_SECONDS, SHORT_SECONDS, Target
from tests.fuzz.messages import mangled, texts, wires

if TYPE_CHECKING:
    from collections.abc import Callable

_M = TypeVar("_M", bound=Message)

LIMITS = LimitSettings()
TIME = 1_700_000_000_000_000
# Clients refuse larger trailers by default.
TRAILERS_BYTES_MAX = 8 * 1024


def refused(error: BadRequestError) -> None:
    """Looks at a refusal: fields named, and small enough to be told."""
    assert error.violations
    assert all(field and description for field, description in error.violations), error.violations
    check_told(error)


def check_told(error: EverlogError) -> None:
    """A status of it must fit into what every client takes."""
    status = trailers_status_of(error, request_id="r")
    size = len(quote(status.details or ""))
    for _, value in status.trailing_metadata or ():
        size += len(b64encode(value if isinstance(value, bytes) else value.encode()))
    assert size < TRAILERS_BYTES_MAX, f"{size} bytes of trailers"


def parsed(kind: type[_M], data: bytes) -> _M | None:
    """The message, or nothing where the bytes are none."""
    try:
        return log_requests.parse(kind, data)
    except BadRequestError as error:
        refused(error)
        return None


def check_emit(data: bytes) -> None:
    request = parsed(event_store_pb2.EmitRequest, data)
    if request is not None:
        check_emission(request)


def check_emission(request: event_store_pb2.EmitRequest) -> bytes | EverlogError:
    """Emits it up to what is stored, reads that back, and gives the answer."""
    sent = [event_pb2.RecordedEvent.FromString(one.SerializeToString()) for one in request.events]
    try:
        emission = decode_emission(request, LIMITS)
    except BadRequestError as error:
        refused(error)
        return error
    ids = [bytes([index]) * 16 for index in range(len(sent))]
    records, receipts = frame_events(
        emission.events, ids, [1] * len(sent), first_position=1, record_time=TIME
    )
    page = event_store_pb2.QueryResponse.FromString(b"".join(records)).events
    assert event_ids_of(b"".join(records)) == [one.event_id for one in page]
    for before, event, after, record in zip(sent, emission.events, page, records, strict=True):
        assert after.WhichOneof("payload") == before.WhichOneof("payload")
        assert (after.json, after.binary) == (before.json, before.binary)
        assert after.metadata == before.metadata
        assert (after.event_type, after.source) == (before.event_type, before.source)
        assert after.aggregate_type == (before.aggregate_type or "source")
        assert after.aggregate_id == (before.aggregate_id or before.source)
        if event.fingerprint is not None:
            assert fingerprint_of_record(record) == event.fingerprint
        if event.data is not None:
            json.loads(event.data)
    return b"".join(receipts)


def check_emit_stream(data: bytes) -> None:
    message = parsed(event_store_pb2.EmitStreamRequest, data)
    if message is None:
        return
    ids = [emit.request_id for emit in message.emits]
    answers = [check_emission(emit.request) for emit in message.emits]
    encoded = b"".join(
        encode_answer(number, answer)
        if isinstance(answer, bytes)
        else encode_refusal(number, status_of(answer))
        for number, answer in zip(ids, answers, strict=True)
    )
    read = event_store_pb2.EmitStreamResponse.FromString(encoded).answers
    assert [one.request_id for one in read] == ids
    assert [one.HasField("response") for one in read] == [isinstance(a, bytes) for a in answers]


def check_filter(data: bytes) -> None:
    message = parsed(filter_pb2.EventFilter, data)
    if message is None:
        return
    again = filter_pb2.EventFilter.FromString(message.SerializeToString())
    again.event_types[:] = reversed(again.event_types)
    again.sources.extend(list(again.sources))
    try:
        decoded = decode_filter(message, LIMITS)
    except BadRequestError as error:
        refused(error)
        return
    assert decode_filter(again, LIMITS) == decoded
    assert hash(decoded) == hash(decode_filter(message, LIMITS))
    if not decoded.needs_database:
        matcher(decoded)


def checking(*steps: Callable[[Any], object], kind: type[Message]) -> Callable[[bytes], None]:
    """Checks that parsers of a request take it or refuse it, each by itself."""

    def check(data: bytes) -> None:
        for step in steps:
            message = parsed(kind, data)
            if message is None:
                return
            try:
                step(message)
            except BadRequestError as error:
                refused(error)

    return check


def read_back_definition(message: projections_pb2.ProjectionDefinition) -> None:
    """A definition that was taken is read from where it is stored as it was taken."""
    applied = projection_requests.decode_definition(message, LIMITS)
    stored = projections_pb2.ProjectionDefinition.FromString(applied.serialized)
    assert projection_requests.read_definition(stored, LIMITS) == applied
    assert projection_requests.definition_of(applied.structure, applied.serialized) == stored


def read_back_settings(message: consumers_pb2.ConsumerSettings) -> None:
    """Settings that were taken are taken again, and mean the same."""
    filled = consumer_requests.decode_settings(message, LIMITS)
    assert consumer_requests.decode_settings(filled, LIMITS) == filled
    policy = consumer_requests.policy_of(consumer_requests.encode_settings(filled), LIMITS)
    assert 0 < policy.lease_seconds <= 3600


def check_statement(text: str) -> None:
    try:
        statement = parse_statement(text)
    except StatementError as error:
        assert 1 <= error.place <= len(text) + 1
        return
    for place in range(1, len(statement.numbered) + 1):
        assert 1 <= statement.place_of(place) <= len(text) + 1
    assert statement.with_values(["x"] * len(statement.parameters))


def check_json(text: str) -> None:
    try:
        data, value = read_json(text)
    except ValueError as error:
        assert str(error)
        return
    assert data.decode() == text
    assert_same(json.loads(text), value)


def assert_same(one: object, other: object) -> None:
    """That two parsers mean the same; integers beyond 64 bits are floats to one of them."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, int | float) and not isinstance(one, bool):
        assert float(one) == other
    else:
        assert one == other


def check_schema(pair: tuple[str, Any]) -> None:
    text, value = pair
    try:
        schema = Schema(text)
    except SchemaError as error:
        assert str(error)
        return
    data = json.dumps(value).encode()
    if not schema.is_too_dear(data):
        found = schema.findings(value, len(data), 20)
        assert schema.is_valid(value) == (not found)


UNPACKING = [Positions.unpack, AggregatePlace.unpack, PendingPlace.unpack, bytes.decode]


def check_token(given: tuple[str, bytes]) -> None:
    """Neither any text, nor what has a digest like ours, raises anything else."""
    text, place = given
    listing = Listing(1, event_store_pb2.QueryRequest(page_token=text))
    for unpack in UNPACKING:
        for token in (text, listing.token(place)):
            try:
                found = listing.place(token, unpack)
            except InvalidPageTokenError as error:
                refused(error)
            else:
                assert listing.token(place) == token
                assert found == unpack(place)


def check_trace(given: tuple[str | bytes, bytes]) -> None:
    """A header is kept whole or not at all, and never is the reason for a refusal."""
    header, data = given
    request = parsed(event_store_pb2.EmitRequest, data)
    if request is None:
        return
    before = event_store_pb2.EmitRequest.FromString(data)
    keep_trace(request, header, LIMITS)
    for one, other in zip(before.events, request.events, strict=True):
        added = other.metadata.keys() - one.metadata.keys()
        assert added <= {TRACEPARENT}
        assert all(other.metadata[key] == header for key in added)
    taken = [isinstance(check_emission(one), bytes) for one in (before, request)]
    assert taken[0] == taken[1]


_numbers = st.sampled_from(
    [
        *("0", "-0", "1", "-1.5", "1e5", "1E-5", "1e400", "0e-99999", "0.0e9999999999", "01", "1."),
        *(".5", "0." + "0" * 16_384, "9" * 30, "1e-20000", "NaN", "Infinity", "-", "1e", "0x1"),
    ]
)
_strings = st.sampled_from(
    [
        *(
            '""',
            '"a"',
            '"é😀"',
            '"\\n"',
            '"\\u0000"',
            '"\\\\u0000"',
            '"\\ud83d\\ude00"',
            '"\\ud800"',
        ),
        *('"\\x"', '"\n"', '"\\"', "'a'", '"\\/"', '"[["', '"\x7f"'),
    ]
)
jsons = st.recursive(
    st.one_of(
        _numbers, _strings, st.sampled_from(["null", "true", "false", "nul", "", " ", "\ufeff"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(_strings, inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}:{value}" for key, value in pairs) + "}"
        ),
        st.tuples(inner, st.integers(0, 1200)).map(lambda p: "[" * p[1] + p[0] + "]" * p[1]),
    ),
    max_leaves=12,
)
bad_texts = mangled(jsons.map(str.encode)).map(lambda data: data.decode(errors="replace"))

_KEYWORDS = (
    *("type", "properties", "patternProperties", "additionalProperties", "items", "prefixItems"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$defs", "$id", "$anchor"),
    *("$schema", "enum", "const", "pattern", "minLength", "maxLength", "multipleOf", "required"),
    *("dependentSchemas", "dependencies", "propertyNames", "contains", "minContains", "format"),
    *("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "uniqueItems", "minimum"),
)
_values = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 1.5, 2**70, "", "object", "string", "integer", "#"]),
    st.sampled_from(["#/$defs/a", "#/properties/a", "#/allOf/0", "#/%", "#a", "#/~2", "#/allOf/x"]),
    st.sampled_from(["(a*)*b", "^.{1,255}$", "(", "\\p{L}", "[", "date-time", "regex", "a" * 100]),
    st.sampled_from(["http://json-schema.org/draft-07/schema#", "https://json-schema.org/x", "#/"]),
)
schema_documents = st.recursive(
    _values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(_KEYWORDS), inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b", "^a", "$ref"]), inner, max_size=2),
    ),
    max_leaves=15,
)
data_values = st.recursive(
    _values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "aa", "$ref", ""]), inner, max_size=3),
    ),
    max_leaves=10,
)

_SQL = [
    *("SELECT ", "x", "é", " ", "\n", ";", "'", "''", '"', "E'", "e'\\'", "\\", "$", "$$", "$a$"),
    *("--", "/*", "*/", "%", "%%", "%(", "%(data.a)s", "%(position)s", "%(nope)s", "%(data.)s"),
    *(")s", "(", ")", "$1", "::", "u&'", "x'", "0", "\0", "%(metadata.a.b)s", "%(data..)s"),
]
statements = st.lists(st.sampled_from(_SQL), max_size=25).map("".join)

_numbers64 = st.sampled_from([0, 1, -1, 2**62, 2**63 - 1, -(2**63)])
_token_places = st.one_of(
    st.binary(max_size=60),
    st.builds(struct.Struct(">qq").pack, _numbers64, _numbers64),
    st.builds(
        lambda a, b, name: struct.pack(">qq", a, b) + name.encode(), _numbers64, _numbers64, texts
    ),
    texts.map(str.encode),
)
_token_texts = st.one_of(
    texts, st.text(string.ascii_letters + string.digits + "-_=+/ \n", max_size=60)
)
_traces = st.one_of(
    texts,
    st.binary(max_size=20),
    st.builds(
        "{:02x}-{:032x}-{:016x}-{:02x}".format,
        st.sampled_from([0, 0, 0, 1, 255]),
        st.integers(0, 2**128 - 1),
        st.integers(0, 2**64 - 1),
        st.integers(0, 255),
    ),
)


def of(
    name: str, kind: type[Message], *steps: Callable[[Any], object], found: tuple[bytes, ...] = ()
) -> Target:
    """Parsers of one request."""
    return Target(name, wires(kind.DESCRIPTOR), checking(*steps, kind=kind), found)


TARGETS = [
    Target("Emit", wires(event_store_pb2.EmitRequest.DESCRIPTOR), check_emit),
    Target("EmitStream", wires(event_store_pb2.EmitStreamRequest.DESCRIPTOR), check_emit_stream),
    Target("filter", wires(filter_pb2.EventFilter.DESCRIPTOR), check_filter),
    Target("page token", st.tuples(_token_texts, _token_places), check_token),
    Target("JSON", st.one_of(jsons, bad_texts), check_json),
    Target("statement", statements, check_statement),
    Target(
        "schema",
        st.tuples(schema_documents.map(json.dumps), data_values),
        check_schema,
        found=(('{"if": {"$ref": "#/$defs/a"}}', None), ('{"if": {"$ref": "#/if/x"}}', {})),
    ),
    Target(
        "traceparent",
        st.tuples(_traces, wires(event_store_pb2.EmitRequest.DESCRIPTOR)),
        check_trace,
    ),
    of(
        "Replay",
        event_store_pb2.ReplayRequest,
        lambda r: log_requests.extent_asked(r, log_requests.replay_scope(r, LIMITS)[0]),
        log_requests.cursor_event_id,
    ),
    of(
        "Subscribe",
        event_store_pb2.SubscribeRequest,
        lambda r: log_requests.heartbeat_seconds(r, 10),
        log_requests.cursor_event_id,
    ),
    of(
        "projection",
        projections_pb2.ProjectionDefinition,
        read_back_definition,
        found=(b"\n\x01a\x12\x01a*\x1d\n\x03a.b\x12\x16SELECT %(data.a)s::intJ\x01a",),
    ),
    of("consumer", consumers_pb2.ConsumerSettings, read_back_settings),
    of(
        "Consume",
        consumers_pb2.ConsumeRequest,
        consumer_requests.decode_open,
        consumer_requests.check_answers,
    ),
    of("event type", catalog_pb2.EventTypeDefinition, catalog_requests.check_event_type),
    of(
        "aggregate type", catalog_pb2.AggregateTypeDefinition, catalog_requests.check_aggregate_type
    ),
    of("catalogue", catalog_pb2.ImportCatalogRequest, catalog_requests.check_import),
    of("declarations", entities_pb2.DeclareEntitiesRequest, entity_requests.decode_declarations),
    of(
        "link",
        entities_pb2.LinkEntitiesRequest,
        lambda r: entity_requests.decode_link(r, LIMITS),
    ),
]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.mark.parametrize(
    ("target", "one"), [(target, one) for target in TARGETS for one in target.found]
)
def test_what_was_found_once_holds_now(target: Target, one: object) -> None:
    target.check_once(one)


@each_target
def test_anything_is_taken_or_refused(target: Target) -> None:
    target.run(SHORT_SECONDS)


@each_target
@pytest.mark.slow
@pytest.mark.timeout(LONG_SECONDS + 60)
def test_anything_is_taken_or_refused_for_long(target: Target) -> None:
    target.run(LONG_SECONDS)
