"""Bad input over the wire: a clear refusal each, the neighbours untouched, the server up.

Every bad Emit is sent between good ones, so that they share its batch: alone, and inside of an
EmitStream message. All the while a good neighbour emits on a connection of its own.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from everlog.v1 import event_pb2, filter_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog.v1 import narratives_pb2 as narratives
from tests.conftest import with_database
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB, MIB = 1024, 1024 * 1024
ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
SERVICE = "/everlog.v1.EventStoreService/"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
_numbers = count(1)


@dataclass(frozen=True)
class Case:
    """A request, and how it must be refused."""

    data: bytes
    reason: str = "INVALID_REQUEST"
    field: str = ""
    code: grpc.StatusCode = INVALID


def event(**fields: Any) -> event_pb2.NewEvent:
    plain = {"aggregate_type": "bad", "aggregate_id": "1", "event_type": "bad.input"}
    return event_pb2.NewEvent(**(plain | fields))


def good() -> event_pb2.NewEvent:
    return event(aggregate_type="good", aggregate_id=str(next(_numbers) % 5), json='{"ok": true}')


def emit(*events: event_pb2.NewEvent, **fields: Any) -> bytes:
    return pb.EmitRequest(events=events, **fields).SerializeToString()


def bad_event(field: str, reason: str = "INVALID_EVENT", **fields: Any) -> Case:
    return Case(emit(event(**fields)), reason, f"events[0].{field}".rstrip("."))


def expected(*aggregate_ids: str, **fields: Any) -> dict[str, Any]:
    return {
        "expected_sequences": [
            pb.ExpectedSequence(
                aggregate=event_pb2.AggregateKey(aggregate_type="a", aggregate_id=i), **fields
            )
            for i in aggregate_ids
        ]
    }


def bad_json(text: str) -> Case:
    return bad_event("json", json=text)


def mangled(find: bytes, replace: bytes) -> Case:
    """Bytes that protobuf's own classes would not make."""
    data = emit(event(event_type="MARK", json="{}"))
    assert find in data
    return Case(data.replace(find, replace), field="request")


EMITS = {
    "no events": Case(emit(), field="events"),
    "1,001 events": Case(emit(*[event()] * 1001), "BATCH_TOO_LARGE", "events"),
    "a request over 4 MiB": Case(
        emit(*[event(binary=bytes(1023 * KIB + 960))] * 4, *[event(binary=bytes(6 * KIB))]),
        "BATCH_TOO_LARGE",
        "events",
    ),
    "an event over 1 MiB": bad_event("", "EVENT_TOO_LARGE", binary=bytes(MIB)),
    "JSON over 1 MiB": bad_event("", "EVENT_TOO_LARGE", json='"' + "x" * MIB + '"'),
    "random bytes": Case(random.Random(1).randbytes(300), field="request"),
    "a cut message": Case(emit(event(json="{}"))[:-1], field="request"),
    "text": Case(b"GET / HTTP/1.1", field="request"),
    "invalid UTF-8": mangled(b"MARK", b"MA\xffK"),
    "a surrogate in UTF-8": mangled(b"MARK", b"M\xed\xa0\x80"),
    "overlong UTF-8": mangled(b"MARK", b"MA\xc0\x80"),
    "a wrong length": mangled(b"MARK", b"MARKMARK"),
    "empty JSON": bad_json(""),
    "cut JSON": bad_json('{"a":'),
    "JSON in single quotes": bad_json("{'a': 1}"),
    "JSON with a trailing comma": bad_json('{"a": 1,}'),
    "JSON and more": bad_json("{} {}"),
    "JSON with a comment": bad_json("{} // no"),
    "JSON with a byte order mark": bad_json("\ufeff{}"),
    "NaN": bad_json('{"a": NaN}'),
    "Infinity": bad_json('{"a": -Infinity}'),
    "1e400": bad_json('{"a": 1e400}'),
    "a number of 400 digits": bad_json("9" * 400),
    "a number of 200,000 digits": bad_json("1" + "0" * 200_000),
    "1e-20000": bad_json('{"a": 1e-20000}'),
    "20,000 digits after the point": bad_json("0." + "1" * 20_000),
    "a zero with a vast exponent": bad_json("[0e9999999999]"),
    "an escaped NUL": bad_json(r'{"a": "\u0000"}'),
    "an escaped NUL in a key": bad_json(r'{"\u0000": 1}'),
    "an escaped NUL behind a backslash": bad_json(r'"\\\u0000"'),
    "a NUL in JSON": bad_json('"\0"'),
    "a lone high surrogate": bad_json(r'"\ud800"'),
    "a lone low surrogate": bad_json(r'"\udc00 "'),
    "surrogates in the wrong order": bad_json(r'"\udc00\ud800"'),
    "10,000 levels of lists": bad_json("[" * 10_000 + "]" * 10_000),
    "10,000 levels of objects": bad_json('{"a":' * 10_000 + "1" + "}" * 10_000),
    "1,001 levels": bad_json("[" * 1001 + "]" * 1001),
    "100,000 open brackets": bad_json("[" * 100_000),
    "no event type": bad_event("event_type", event_type=""),
    "a long event type": bad_event("event_type", event_type="x" * 256),
    "a NUL in the event type": bad_event("event_type", event_type="a\0b"),
    "no aggregate": bad_event("aggregate_type", aggregate_type="", aggregate_id=""),
    "half an aggregate": bad_event("aggregate_id", aggregate_id=""),
    "a long aggregate id": bad_event("aggregate_id", aggregate_id="é" * 128),
    "a NUL in the aggregate type": bad_event("aggregate_type", aggregate_type="\0"),
    "a long source": bad_event("source", source="x" * 500_000),
    "an event id that is none": bad_event("event_id", event_id="42"),
    "an event id in braces": bad_event("event_id", event_id=f"{{{ID}}}"),
    "a causation id that is none": bad_event("causation_id", causation_id="x"),
    "a long key": bad_event("idempotency_key", idempotency_key="x" * 256),
    "a NUL in the key": bad_event("idempotency_key", idempotency_key="k\0"),
    "a long correlation id": bad_event("correlation_id", correlation_id="x" * 256),
    "a NUL in the actor": bad_event("actor", actor="\0"),
    "a long user id": bad_event("user_id", user_id="x" * 256),
    "a content type beside JSON": bad_event("content_type", json="{}", content_type="a/b"),
    "a long content type": bad_event("content_type", binary=b"", content_type="x" * 256),
    "65 metadata entries": bad_event("metadata", metadata={str(n): "" for n in range(65)}),
    "metadata over 16 KiB": bad_event("metadata", metadata={"a": "x" * 16 * KIB}),
    "an empty metadata key": bad_event("metadata", metadata={"": "a"}),
    "a long metadata key": bad_event("metadata", metadata={"x" * 256: "a"}),
    "a NUL in metadata": bad_event("metadata['a']", metadata={"a": "\0"}),
    "a time before year 1": bad_event("occurred_time", occurred_time={"seconds": -(2**62)}),
    "a time after year 9999": bad_event("occurred_time", occurred_time={"seconds": 2**62}),
    "negative nanos": bad_event("occurred_time", occurred_time={"nanos": -1}),
    "a long goal": bad_event("intent.goal", intent={"goal": "x" * 16 * KIB + "x"}),
    "a NUL in an intent": bad_event("intent.pain_point", intent={"pain_point": "\0"}),
    "a long decision": bad_event("context.decision", context={"decision": "x" * 20 * KIB}),
    "a long category": bad_event("context.category", context={"category": "x" * 256}),
    "a related id that is none": bad_event(
        "context.related_event_ids[0]", context={"related_event_ids": ["x"]}
    ),
    "101 related ids": bad_event(
        "context.related_event_ids", context={"related_event_ids": [ID] * 101}
    ),
    "keys for some": Case(
        emit(event(idempotency_key="some"), event()), "INVALID_EVENT", "events[1].idempotency_key"
    ),
    "a key twice": Case(
        emit(event(idempotency_key="twice"), event(idempotency_key="twice")),
        "INVALID_EVENT",
        "events[1].idempotency_key",
    ),
    "an id twice": Case(
        emit(event(event_id=ID), event(event_id=ID.upper())), "INVALID_EVENT", "events[1].event_id"
    ),
    "an expectation without an aggregate": Case(
        emit(event(), expected_sequences=[pb.ExpectedSequence(exactly=1)]),
        field="expected_sequences[0].aggregate.aggregate_type",
    ),
    "a negative expectation": Case(
        emit(event(), **expected("1", exactly=-1)), field="expected_sequences[0].exactly"
    ),
    "a policy of the future": Case(emit(event(), known_events=9), field="known_events"),
    "two expectations of one aggregate": Case(
        emit(event(), **expected("1", "1", exactly=0)), field="expected_sequences[1].aggregate"
    ),
    "1,001 expectations": Case(
        emit(event(), **expected(*map(str, range(1001)))), "BATCH_TOO_LARGE", "expected_sequences"
    ),
    "a NUL in an expectation": Case(
        emit(event(), **expected("\0")), field="expected_sequences[0].aggregate.aggregate_id"
    ),
    "a failing expectation": Case(
        emit(event(), **expected("never", must_exist={})),
        "SEQUENCE_CONFLICT",
        code=grpc.StatusCode.ABORTED,
    ),
}


def query(**fields: Any) -> bytes:
    return pb.QueryRequest(**fields).SerializeToString()


def bad_filter(field: str, **fields: Any) -> Case:
    request = query(filter=filter_pb2.EventFilter(**fields))
    return Case(request, "INVALID_FILTER", f"filter.{field}")


def get(field: str, **fields: Any) -> Case:
    return Case(pb.GetRequest(**fields).SerializeToString(), field=field)


def replay(field: str, reason: str = "INVALID_REQUEST", **fields: Any) -> Case:
    return Case(pb.ReplayRequest(**fields).SerializeToString(), reason, field)


def subscribe(field: str, **fields: Any) -> Case:
    return Case(pb.SubscribeRequest(**fields).SerializeToString(), field=field)


def missing(data: Any, reason: str, code: grpc.StatusCode = grpc.StatusCode.NOT_FOUND) -> Case:
    return Case(data.SerializeToString(), reason, code=code)


BEYOND = grpc.StatusCode.OUT_OF_RANGE
SOMEBODY = event_pb2.AggregateKey(aggregate_type="good", aggregate_id="1")
NOBODY = event_pb2.AggregateKey(aggregate_type="no", aggregate_id="body")

READS = {
    ("GetHead", "random bytes"): Case(b"\xff\xff", field="request"),
    ("GetHead", "a negative position"): Case(
        pb.GetHeadRequest(min_position=-1).SerializeToString(), field="min_position"
    ),
    ("GetHead", "a position that does not come"): missing(
        pb.GetHeadRequest(min_position=2**63 - 1),
        "POSITION_NOT_VISIBLE",
        grpc.StatusCode.DEADLINE_EXCEEDED,
    ),
    ("Get", "nothing"): get("by"),
    ("Get", "an id that is none"): get("event_id", event_id="x"),
    ("Get", "an empty id"): get("event_id", event_id=""),
    ("Get", "position 0"): get("position", position=0),
    ("Get", "a negative position"): get("position", position=-(2**63)),
    ("Get", "an empty aggregate"): get(
        "aggregate_sequence.aggregate.aggregate_type", aggregate_sequence={"sequence": 1}
    ),
    ("Get", "sequence 0"): get(
        "aggregate_sequence.sequence", aggregate_sequence={"aggregate": SOMEBODY}
    ),
    ("Get", "an empty key"): get("idempotency_key", idempotency_key=""),
    ("Get", "a NUL in the key"): get("idempotency_key", idempotency_key="\0"),
    ("Get", "a long key"): get("idempotency_key", idempotency_key="x" * 256),
    ("Get", "no such position"): missing(pb.GetRequest(position=2**63 - 1), "EVENT_NOT_FOUND"),
    ("Get", "no such id"): missing(pb.GetRequest(event_id=ID), "EVENT_NOT_FOUND"),
    ("Query", "random bytes"): Case(random.Random(2).randbytes(99), field="request"),
    ("Query", "an order of the future"): Case(query(order=9), field="order"),
    ("Query", "a negative page size"): Case(query(page_size=-1), field="page_size"),
    ("Query", "a large page size"): Case(query(page_size=2**31 - 1), field="page_size"),
    ("Query", "a token that is none"): Case(
        query(page_token="x"), "PAGE_TOKEN_INVALID", "page_token"
    ),
    ("Query", "a token of other text"): Case(
        query(page_token="ü\n" * 1000), "PAGE_TOKEN_INVALID", "page_token"
    ),
    ("Query", "a made-up token"): Case(
        query(page_token="A" * 40), "PAGE_TOKEN_INVALID", "page_token"
    ),
    ("Query", "half an aggregate"): bad_filter(
        "aggregate.aggregate_id", aggregate={"aggregate_type": "a"}
    ),
    ("Query", "a star"): bad_filter("event_types[0]", event_types=["*"]),
    ("Query", "101 types"): bad_filter("event_types", event_types=["x"] * 101),
    ("Query", "an empty source"): bad_filter("sources[0]", sources=[""]),
    ("Query", "a long type"): bad_filter("aggregate_types[0]", aggregate_types=["x" * 256]),
    ("Query", "an ill time"): bad_filter("recorded_from", recorded_from=Timestamp(nanos=-1)),
    ("Query", "a late time"): bad_filter(
        "occurred_before", occurred_before=Timestamp(seconds=2**63 - 1)
    ),
    ("Query", "a causation that is none"): bad_filter("causation_id", causation_id="x"),
    ("Query", "a NUL in an actor"): bad_filter("actor", actor="\0"),
    ("Query", "ill JSON"): bad_filter("data_contains", data_contains="{"),
    ("Query", "JSON with a NUL"): bad_filter("data_contains", data_contains=r'"\u0000"'),
    ("Query", "JSON of 1e-20000"): bad_filter("data_contains", data_contains="1e-20000"),
    ("Query", "JSON of 10,000 levels"): bad_filter("data_contains", data_contains="[" * 10_000),
    ("Query", "large JSON"): bad_filter("data_contains", data_contains=" " * 17_000),
    ("Query", "no word"): bad_filter("keyword", keyword="!?"),
    ("Query", "17 words"): bad_filter("keyword", keyword=" ".join("abcdefghijklmnopq")),
    ("Query", "a NUL in metadata"): bad_filter("metadata['a']", metadata={"a": "\0"}),
    ("Replay", "a direction of the future"): replay("direction", direction=9),
    ("Replay", "random bytes"): Case(random.Random(3).randbytes(99), field="request"),
    ("Replay", "nobody"): missing(pb.ReplayRequest(aggregate=NOBODY), "AGGREGATE_NOT_FOUND"),
    ("Replay", "half an aggregate"): replay(
        "aggregate.aggregate_id", aggregate={"aggregate_type": "a"}
    ),
    ("Replay", "two aggregates"): replay(
        "filter.aggregate", "INVALID_FILTER", aggregate=SOMEBODY, filter={"aggregate": NOBODY}
    ),
    ("Replay", "a sequence of none"): replay("after_sequence", after_sequence=1),
    ("Replay", "an end of none"): replay("through_sequence", through_sequence=1),
    ("Replay", "a negative start"): replay("after_position", after_position=-1),
    ("Replay", "a negative end"): replay("through_position", through_position=-(2**63)),
    ("Replay", "negative events"): replay("max_events", max_events=-1),
    ("Replay", "an ill time"): replay("through_time", through_time=Timestamp(nanos=10**9)),
    ("Replay", "an id without a cursor"): replay("after_event_id", after_event_id=ID),
    ("Replay", "an id that is none"): replay(
        "after_event_id", after_position=1, after_event_id="x"
    ),
    ("Replay", "beyond the head"): missing(
        pb.ReplayRequest(after_position=2**63 - 1), "CURSOR_BEYOND_HEAD", BEYOND
    ),
    ("Replay", "another log"): missing(
        pb.ReplayRequest(after_position=1, after_event_id=ID),
        "LOG_DIVERGED",
        grpc.StatusCode.FAILED_PRECONDITION,
    ),
    ("Subscribe", "random bytes"): Case(random.Random(4).randbytes(99), field="request"),
    ("Subscribe", "no start"): subscribe("start"),
    ("Subscribe", "a negative start"): subscribe("after_position", after_position=-1),
    ("Subscribe", "an ill time"): subscribe("from_time", from_time=Timestamp(seconds=2**60)),
    ("Subscribe", "an id without a cursor"): subscribe(
        "after_event_id", from_now={}, after_event_id=ID
    ),
    ("Subscribe", "no heartbeat"): subscribe(
        "heartbeat_interval", from_now={}, heartbeat_interval=Duration()
    ),
    ("Subscribe", "a rare heartbeat"): subscribe(
        "heartbeat_interval", from_now={}, heartbeat_interval=Duration(seconds=2**62)
    ),
    ("Subscribe", "beyond the head"): missing(
        pb.SubscribeRequest(after_position=2**62), "CURSOR_BEYOND_HEAD", BEYOND
    ),
    ("Subscribe", "another log"): missing(
        pb.SubscribeRequest(after_position=1, after_event_id=ID),
        "LOG_DIVERGED",
        grpc.StatusCode.FAILED_PRECONDITION,
    ),
}


NARRATIVE_SERVICE = "/everlog.v1.NarrativeService/"


def of_outcome(field: str, **fields: Any) -> Case:
    plain = {"event_id": ID, "outcome": "x"}
    request = narratives.RecordOutcomeRequest(**(plain | fields))
    return Case(request.SerializeToString(), field=field)


def of_outcomes(field: str, reason: str = "INVALID_REQUEST", **fields: Any) -> Case:
    request = narratives.ListOutcomesRequest(**({"event_id": ID} | fields))
    return Case(request.SerializeToString(), reason, field)


def of_saving(field: str, **fields: Any) -> Case:
    plain = {"event_id": ID, "narrative": {"summary": "x"}}
    request = narratives.SaveNarrativeRequest(**(plain | fields))
    return Case(request.SerializeToString(), field=field)


def of_narrative(field: str, **fields: Any) -> Case:
    return of_saving(f"narrative.{field}".rstrip("."), narrative=fields)


def of_trace(field: str, **fields: Any) -> Case:
    request = narratives.TraceRequest(**({"event_id": ID} | fields))
    return Case(request.SerializeToString(), field=field)


def of_story(field: str, **fields: Any) -> Case:
    request = narratives.BuildNarrativeRequest(**({"event_id": ID} | fields))
    return Case(request.SerializeToString(), field=field)


NARRATIVES = {
    ("RecordOutcome", "random bytes"): Case(b"\xff\xff", field="request"),
    ("RecordOutcome", "no event"): of_outcome("event_id", event_id=""),
    ("RecordOutcome", "an id that is none"): of_outcome("event_id", event_id="x"),
    ("RecordOutcome", "no outcome"): of_outcome("outcome", outcome=""),
    ("RecordOutcome", "a long outcome"): of_outcome("outcome", outcome="ü" * 8193),
    ("RecordOutcome", "a NUL in the outcome"): of_outcome("outcome", outcome="a\0"),
    ("RecordOutcome", "a long metric"): of_outcome("impact_metric", impact_metric="x" * 16385),
    ("RecordOutcome", "a NUL in the metric"): of_outcome("impact_metric", impact_metric="\0"),
    ("RecordOutcome", "a long actor"): of_outcome("actor", actor="x" * 256),
    ("RecordOutcome", "a NUL in the actor"): of_outcome("actor", actor="\0"),
    ("RecordOutcome", "a long key"): of_outcome("idempotency_key", idempotency_key="x" * 256),
    ("RecordOutcome", "a NUL in the key"): of_outcome("idempotency_key", idempotency_key="\0"),
    ("ListOutcomes", "random bytes"): Case(b"\xff\xff", field="request"),
    ("ListOutcomes", "no event"): of_outcomes("event_id", event_id=""),
    ("ListOutcomes", "a negative page size"): of_outcomes("page_size", page_size=-1),
    ("ListOutcomes", "a large page size"): of_outcomes("page_size", page_size=1001),
    ("ListOutcomes", "a token that is none"): of_outcomes(
        "page_token", "PAGE_TOKEN_INVALID", page_token="ü\n" * 1000
    ),
    ("ListOutcomes", "a made-up token"): of_outcomes(
        "page_token", "PAGE_TOKEN_INVALID", page_token="A" * 28
    ),
    ("SaveNarrative", "random bytes"): Case(b"\xff\xff", field="request"),
    ("SaveNarrative", "no event"): of_saving("event_id", event_id=""),
    ("SaveNarrative", "no narrative"): of_saving("narrative", narrative=None),
    ("SaveNarrative", "a long actor"): of_saving("actor", actor="x" * 256),
    ("SaveNarrative", "a negative version"): of_saving("expected_version", expected_version=-1),
    ("SaveNarrative", "more than 512 KiB"): of_narrative("", narrative="x" * 512 * KIB),
    ("SaveNarrative", "a NUL in the summary"): of_narrative("summary", summary="\0"),
    ("SaveNarrative", "a NUL in the narrative"): of_narrative("narrative", narrative="\0"),
    ("SaveNarrative", "a NUL in the description"): of_narrative(
        "long_description", long_description="\0"
    ),
    ("SaveNarrative", "51 screenshots"): of_narrative(
        "screenshot_urls", screenshot_urls=["https://a.b/c"] * 51
    ),
    ("SaveNarrative", "a long URL"): of_narrative(
        "screenshot_urls[1]", screenshot_urls=["https://a.b/c", "https://a.b/" + "x" * 2048]
    ),
    ("SaveNarrative", "a script"): of_narrative(
        "screenshot_urls[0]", screenshot_urls=["javascript:alert(1)"]
    ),
    ("SaveNarrative", "a file"): of_narrative("screenshot_urls[0]", screenshot_urls=["file:///a"]),
    ("SaveNarrative", "no host"): of_narrative("screenshot_urls[0]", screenshot_urls=["https://"]),
    ("SaveNarrative", "a URL with a space"): of_narrative(
        "screenshot_urls[0]", screenshot_urls=["https://a.b/ c"]
    ),
    ("SaveNarrative", "an ill host"): of_narrative(
        "screenshot_urls[0]", screenshot_urls=["https://[a/"]
    ),
    ("SaveNarrative", "51 snippets"): of_narrative("code_snippets", code_snippets=[{}] * 51),
    ("SaveNarrative", "a long language"): of_narrative(
        "code_snippets[0].language", code_snippets=[{"language": "x" * 256}]
    ),
    ("SaveNarrative", "long code"): of_narrative(
        "code_snippets[0].code", code_snippets=[{"code": "x" * (64 * KIB + 1)}]
    ),
    ("SaveNarrative", "a NUL in code"): of_narrative(
        "code_snippets[0].code", code_snippets=[{"code": "\0"}]
    ),
    ("SaveNarrative", "a long caption"): of_narrative(
        "code_snippets[0].caption", code_snippets=[{"caption": "x" * 16385}]
    ),
    ("SaveNarrative", "51 tags"): of_narrative("tags", tags=["x"] * 51),
    ("SaveNarrative", "an empty tag"): of_narrative("tags[1]", tags=["x", ""]),
    ("SaveNarrative", "a long tag"): of_narrative("tags[0]", tags=["x" * 256]),
    ("GetNarrative", "random bytes"): Case(b"\xff\xff", field="request"),
    ("GetNarrative", "no event"): Case(b"", field="event_id"),
    ("GetNarrative", "a negative version"): Case(
        narratives.GetNarrativeRequest(event_id=ID, version=-1).SerializeToString(),
        field="version",
    ),
    ("Trace", "random bytes"): Case(b"\xff\xff", field="request"),
    ("Trace", "no event"): of_trace("event_id", event_id=""),
    ("Trace", "a direction of the future"): of_trace("direction", direction=9),
    ("Trace", "no kind"): of_trace("link_kinds[1]", link_kinds=[1, 0]),
    ("Trace", "a kind of the future"): of_trace("link_kinds[0]", link_kinds=[9]),
    ("Trace", "a negative depth"): of_trace("max_depth", max_depth=-1),
    ("Trace", "a large depth"): of_trace("max_depth", max_depth=101),
    ("Trace", "negative events"): of_trace("max_events", max_events=-1),
    ("Trace", "10,001 events"): of_trace("max_events", max_events=10_001),
    ("Trace", "a negative position"): of_trace("min_position", min_position=-1),
    ("BuildNarrative", "random bytes"): Case(b"\xff\xff", field="request"),
    ("BuildNarrative", "no event"): of_story("event_id", event_id=""),
    ("BuildNarrative", "a narrator of the future"): of_story("narrator", narrator=9),
    ("BuildNarrative", "a direction of the future"): of_story("direction", direction=9),
    ("BuildNarrative", "no kind"): of_story("link_kinds[0]", link_kinds=[0]),
    ("BuildNarrative", "a large depth"): of_story("max_depth", max_depth=101),
    ("BuildNarrative", "1,001 events"): of_story("max_events", max_events=1_001),
}


@dataclass
class Wire:
    """A server, and a caller who may send it any bytes."""

    server: Server
    channel: grpc.aio.Channel
    neighbour: asyncio.Task[None]

    async def call(self, method: str, data: bytes, **options: Any) -> list[bytes]:
        """The responses; raises AioRpcError."""
        options = {"timeout": 1.0} | options
        if method in {"Replay", "Subscribe"}:
            return [m async for m in self.channel.unary_stream(SERVICE + method)(data, **options)]
        return [await self.channel.unary_unary(SERVICE + method)(data, **options)]

    async def stream(self, data: bytes) -> list[pb.StreamedAnswer]:
        """What an EmitStream answers to one message."""
        call = self.channel.stream_stream(SERVICE + "EmitStream")(_once(data), timeout=10)
        return [a async for m in call for a in pb.EmitStreamResponse.FromString(m).answers]

    async def call_narratives(self, method: str, data: bytes) -> bytes:
        """The response; raises AioRpcError."""
        call = self.channel.unary_unary(NARRATIVE_SERVICE + method)
        answer: bytes = await call(data, timeout=10)
        return answer

    def assert_unharmed(self) -> None:
        """The good neighbour has had nothing but receipts."""
        assert not self.neighbour.done(), self.neighbour.exception()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _emit_for_ever(stub: EventStoreServiceStub) -> None:
    while True:
        await stub.Emit(pb.EmitRequest(events=[good()]), timeout=10)
        await asyncio.sleep(0.001)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Wire]:
    """One server for all cases: what one of them breaks, the next one notices."""
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE bad_input TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, "bad_input")
    async with (
        serving(dsn, tmp_path_factory.mktemp("bad_input")) as server,
        stub_for(server.address) as stub,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        await stub.Emit(pb.EmitRequest(events=[good()]), timeout=10, wait_for_ready=True)
        neighbour = asyncio.create_task(_emit_for_ever(stub))
        yield Wire(server, channel, neighbour)
        neighbour.cancel()
        with suppress(asyncio.CancelledError):
            await neighbour
        assert await server.stop() == 0
        assert "Traceback" not in server.log


def assert_refused(refusal: grpc.aio.AioRpcError, case: Case) -> None:
    assert refusal.code() is case.code, refusal
    status = rpc_status.from_call(refusal)
    assert status is not None
    assert_status(status, case)


def assert_status(status: status_pb2.Status, case: Case) -> None:
    assert status.code == case.code.value[0], status
    assert status.message
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (case.reason, "everlog"), status
    if case.field:
        bad = error_details_pb2.BadRequest()
        assert any(any_.Unpack(bad) for any_ in status.details), status
        assert case.field in [violation.field for violation in bad.field_violations], status
        assert all(violation.description for violation in bad.field_violations)


@pytest.mark.parametrize("name", EMITS)
async def test_a_bad_emit_is_refused_and_its_neighbours_are_not(wire: Wire, name: str) -> None:
    case = EMITS[name]
    neighbours = [wire.call("Emit", emit(good()), timeout=10) for _ in range(4)]
    first, second, refusal, third, fourth = await asyncio.gather(
        *neighbours[:2],
        wire.call("Emit", case.data, timeout=10),
        *neighbours[2:],
        return_exceptions=True,
    )
    for answer in (first, second, third, fourth):
        assert isinstance(answer, list), answer
        assert len(pb.EmitResponse.FromString(answer[0]).receipts) == 1
    assert isinstance(refusal, grpc.aio.AioRpcError)
    assert_refused(refusal, case)
    wire.assert_unharmed()


@pytest.mark.parametrize("name", [n for n in EMITS if EMITS[n].field != "request"])
async def test_a_bad_emit_of_a_stream_is_answered_between_its_neighbours(
    wire: Wire, name: str
) -> None:
    case = EMITS[name]
    emits = [
        pb.StreamedEmit(request_id=number, request=pb.EmitRequest.FromString(data))
        for number, data in enumerate([emit(good()), case.data, emit(good())])
    ]
    message = pb.EmitStreamRequest(emits=emits).SerializeToString()
    answers = {answer.request_id: answer for answer in await wire.stream(message)}
    assert sorted(answers) == [0, 1, 2]
    assert len(answers[0].response.receipts) == len(answers[2].response.receipts) == 1
    assert_status(answers[1].status, case)
    wire.assert_unharmed()


async def test_bytes_that_are_no_message_end_a_stream_after_its_answers(wire: Wire) -> None:
    async def messages() -> AsyncIterator[bytes]:
        emits = [pb.StreamedEmit(request_id=7, request=pb.EmitRequest(events=[good()]))]
        yield pb.EmitStreamRequest(emits=emits).SerializeToString()
        yield b"\xff\xff\xff"

    call = wire.channel.stream_stream(SERVICE + "EmitStream")(messages(), timeout=10)
    answers = pb.EmitStreamResponse.FromString(await call.read()).answers
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert [(a.request_id, len(a.response.receipts)) for a in answers] == [(7, 1)]
    assert_refused(caught.value, Case(b"", field="request"))


@pytest.mark.parametrize(("method", "name"), READS)
async def test_a_bad_read_is_refused(wire: Wire, method: str, name: str) -> None:
    case = READS[method, name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.call(method, case.data)
    assert_refused(caught.value, case)
    wire.assert_unharmed()


@pytest.mark.parametrize(
    ("tenants", "reason", "code"),
    [
        (["Upper"], "INVALID_REQUEST", INVALID),
        (["a b"], "INVALID_REQUEST", INVALID),
        (["x" * 64], "INVALID_REQUEST", INVALID),
        (["../../etc"], "INVALID_REQUEST", INVALID),
        (["default", "default"], "INVALID_REQUEST", INVALID),
        (["nobody"], "TENANT_NOT_FOUND", grpc.StatusCode.NOT_FOUND),
    ],
)
@pytest.mark.parametrize("method", ["Emit", "GetHead", "Subscribe"])
async def test_a_bad_tenant_is_refused(
    wire: Wire, method: str, tenants: list[str], reason: str, code: grpc.StatusCode
) -> None:
    data = emit(event()) if method == "Emit" else b""
    if method == "Subscribe":
        data = pb.SubscribeRequest(from_now={}).SerializeToString()
    metadata = [("everlog-tenant", tenant) for tenant in tenants]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.call(method, data, metadata=metadata)
    assert_refused(caught.value, Case(b"", reason, code=code))


async def test_unknown_fields_are_dropped_and_nothing_is_smuggled_in(wire: Wire) -> None:
    # position, sequence and record_time of a RecordedEvent, and a field that nobody knows.
    smuggled = b"\x10\x63\x18\x63\x22\x02\x08\x01\xa2\x06\x03abc"
    new = event_pb2.NewEvent.FromString(good().SerializeToString() + smuggled)
    (data,) = await wire.call("Emit", emit(new) + b"\xa2\x06\x03abc", timeout=10)
    receipt = pb.EmitResponse.FromString(data).receipts[0]
    get = pb.GetRequest(event_id=receipt.event_id).SerializeToString()
    (record,) = await wire.call("Get", get)
    assert b"\x03abc" not in record  # the id may have these letters
    stored = pb.GetResponse.FromString(record).event
    assert (stored.position, stored.sequence) == (receipt.position, receipt.sequence)
    assert stored.record_time == receipt.record_time


async def test_no_filter_and_an_empty_one_are_the_same_listing(wire: Wire) -> None:
    await wire.call("Emit", emit(good(), good()), timeout=10)
    (data,) = await wire.call("Query", pb.QueryRequest(page_size=1).SerializeToString())
    first = pb.QueryResponse.FromString(data)
    request = pb.QueryRequest(page_size=1, page_token=first.next_page_token)
    request.filter.SetInParent()
    (data,) = await wire.call("Query", request.SerializeToString())
    second = pb.QueryResponse.FromString(data)
    assert second.events[0].position < first.events[0].position


async def test_a_message_beyond_what_grpc_takes_is_refused(wire: Wire) -> None:
    for method in ("Emit", "Query", "Replay"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await wire.call(method, bytes(8 * MIB), timeout=10)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    wire.assert_unharmed()


@pytest.mark.parametrize(("method", "name"), NARRATIVES)
async def test_a_bad_request_about_narratives_is_refused(
    wire: Wire, method: str, name: str
) -> None:
    case = NARRATIVES[method, name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.call_narratives(method, case.data)
    assert_refused(caught.value, case)
    wire.assert_unharmed()


async def test_a_narrative_that_is_too_large_as_an_event_says_so(wire: Wire) -> None:
    request = narratives.SaveNarrativeRequest(
        event_id=ID, narrative=narratives.Narrative(narrative="\x01" * 400 * KIB)
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await wire.call_narratives("SaveNarrative", request.SerializeToString())
    assert_refused(caught.value, Case(b"", "EVENT_TOO_LARGE", "request"))


async def test_random_bytes_never_meet_a_defect(wire: Wire) -> None:
    """Neither do good messages with a few bytes changed."""
    chance = random.Random(5)
    seeds = [case.data for case in READS.values()] + [emit(good(), good(), **expected("1"))]
    seeds = [seed for seed in seeds if len(seed) < 500]
    allowed = {INVALID, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OUT_OF_RANGE}
    allowed |= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.FAILED_PRECONDITION}
    allowed |= {grpc.StatusCode.ABORTED, grpc.StatusCode.ALREADY_EXISTS}
    for _ in range(600):
        data = bytearray(chance.choice(seeds) or b"\0")
        for _ in range(chance.randint(0, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            data = bytearray(chance.randbytes(chance.randint(0, 60)))
        method = chance.choice(["Emit", "GetHead", "Get", "Query", "Replay", "Subscribe"])
        try:
            await wire.call(method, bytes(data), timeout=0.15)
        except grpc.aio.AioRpcError as refusal:
            if refusal.code() not in allowed:
                pytest.fail(f"{method} of {bytes(data)!r}: {refusal!r}")
    wire.assert_unharmed()


async def test_of_all_that_was_refused_nothing_is_in_the_log(wire: Wire) -> None:
    """It comes last, and sees what the cases before it have left."""
    async with stub_for(wire.server.address) as stub:
        log = await read_log(stub)
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert not [event for event in log if event.aggregate_type == "bad"]
