"""What an Emit may hold: each rule of the contract, and that the quick look misses nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.errors import (
    BadRequestError,
    BatchTooLargeError,
    EventTooLargeError,
    InternalError,
    InvalidEventError,
)
from everlog_server.model import AggregateKey, Expectation, ExpectationKind
from everlog_server.rpc import decoding
from everlog_server.rpc.codec import frame_events
from everlog_server.rpc.decoding import fingerprint_of_record
from everlog_server.rpc.event_fields import event_violations
from everlog_server.rpc.validation import VIOLATIONS_MAX, decode_emission
from everlog_server.settings import LimitSettings

LIMITS = LimitSettings()
ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"


def event(**fields: Any) -> event_pb2.NewEvent:
    if "source" not in fields:
        fields = {"aggregate_type": "order", "aggregate_id": "1"} | fields
    return event_pb2.NewEvent(**({"event_type": "order.created", "json": "{}"} | fields))


def request(*events: event_pb2.NewEvent, **fields: Any) -> pb.EmitRequest:
    return pb.EmitRequest(events=events or [event()], **fields)


def refused(error: type[BadRequestError], wrong: pb.EmitRequest, limits: Any = LIMITS) -> list[str]:
    """The paths of the fields that are named."""
    with pytest.raises(error) as caught:
        decode_emission(wrong, limits)
    assert type(caught.value) is error
    assert all(violation.description for violation in caught.value.violations)
    return [violation.field for violation in caught.value.violations]


def time(seconds: int, nanos: int = 0) -> dict[str, int]:
    return {"seconds": seconds, "nanos": nanos}


WRONG_EVENTS = {
    "no type": (event(event_type=""), "event_type"),
    "long type": (event(event_type="x" * 256), "event_type"),
    "long type in UTF-8": (event(event_type="é" * 128), "event_type"),
    "NUL in type": (event(event_type="a\0"), "event_type"),
    "no aggregate and no source": (event(aggregate_type="", aggregate_id=""), "aggregate_type"),
    "no aggregate type": (event(aggregate_type=""), "aggregate_type"),
    "no aggregate id": (event(aggregate_id=""), "aggregate_id"),
    "half an aggregate beside a source": (
        event(source="s", aggregate_id="1"),
        "aggregate_type",
    ),
    "long aggregate type": (event(aggregate_type="x" * 256), "aggregate_type"),
    "NUL in aggregate id": (event(aggregate_id="\0"), "aggregate_id"),
    "long source": (event(source="x" * 256), "source"),
    "NUL in source": (event(source="a\0b"), "source"),
    "id": (event(event_id="x"), "event_id"),
    "id without dashes": (event(event_id=ID.replace("-", "")), "event_id"),
    "id in braces": (event(event_id=f"{{{ID}}}"), "event_id"),
    "id with spaces": (event(event_id=ID[:-2] + "  "), "event_id"),
    "id with dashes elsewhere": (event(event_id=ID[1:9] + "-" + ID[9:]), "event_id"),
    "id with other digits": (event(event_id="\u0660" + ID[1:]), "event_id"),
    "causation": (event(causation_id="x"), "causation_id"),
    "long key": (event(idempotency_key="x" * 256), "idempotency_key"),
    "NUL in key": (event(idempotency_key="\0"), "idempotency_key"),
    "long correlation": (event(correlation_id="x" * 256), "correlation_id"),
    "NUL in actor": (event(actor="\0"), "actor"),
    "long user": (event(user_id="x" * 256), "user_id"),
    "content type of JSON": (event(content_type="text/plain"), "content_type"),
    "content type of nothing": (
        event_pb2.NewEvent(source="s", event_type="t", content_type="a/b"),
        "content_type",
    ),
    "long content type": (event(binary=b"1", content_type="x" * 256), "content_type"),
    "NUL in content type": (event(binary=b"1", content_type="\0"), "content_type"),
    "NUL in key beside NULs in binary": (event(binary=b"\0", actor="\0"), "actor"),
    "time before year 1": (event(occurred_time=time(-62_135_596_801)), "occurred_time"),
    "time after year 9999": (event(occurred_time=time(253_402_300_800)), "occurred_time"),
    "negative nanos": (event(occurred_time=time(0, -1)), "occurred_time"),
    "too many nanos": (event(occurred_time=time(0, 1_000_000_000)), "occurred_time"),
    "many metadata": (event(metadata={str(n): "" for n in range(65)}), "metadata"),
    "large metadata": (event(metadata={str(n): "x" * 1000 for n in range(17)}), "metadata"),
    "empty metadata key": (event(metadata={"": "x"}), "metadata"),
    "long metadata key": (event(metadata={"x" * 256: ""}), "metadata"),
    "NUL in metadata key": (event(metadata={"\0": ""}), "metadata"),
    "NUL in metadata value": (event(metadata={"a": "\0"}), "metadata['a']"),
    "long goal": (event(intent={"goal": "x" * 16_385}), "intent.goal"),
    "NUL in pain point": (event(intent={"pain_point": "\0"}), "intent.pain_point"),
    "long decision": (event(context={"decision": "x" * 16_385}), "context.decision"),
    "long category": (event(context={"category": "x" * 256}), "context.category"),
    "related id": (
        event(context={"related_event_ids": [ID, "x"]}),
        "context.related_event_ids[1]",
    ),
    "empty related id": (
        event(context={"related_event_ids": [""]}),
        "context.related_event_ids[0]",
    ),
    "many related ids": (
        event(context={"related_event_ids": [ID] * 101}),
        "context.related_event_ids",
    ),
}


@pytest.mark.parametrize("name", WRONG_EVENTS)
def test_a_wrong_field_is_named_by_its_path(name: str) -> None:
    wrong, field = WRONG_EVENTS[name]
    assert refused(InvalidEventError, request(event(), wrong)) == [f"events[1].{field}"]


RIGHT_EVENTS = {
    "everything at its limit": event(
        event_type="x" * 255,
        aggregate_type="é" * 127,
        aggregate_id="\U0001f600" * 63,
        source="x" * 255,
        metadata={str(n): "x" * 250 for n in range(64)},
        intent={"goal": "x" * 16_384},
        context={"decision": "x" * 16_384, "related_event_ids": [ID] * 100},
        occurred_time=time(253_402_300_799, 999_999_999),
    ),
    "no payload": event_pb2.NewEvent(source="s", event_type="t"),
    "no payload, but a content type": event_pb2.NewEvent(
        source="s", event_type="t", content_type="application/json"
    ),
    "empty binary": event(binary=b""),
    "binary of NULs": event(binary=bytes(1000), content_type="a/b"),
    "empty intent and context": event(intent={}, context={}),
    "empty metadata value": event(metadata={"a": ""}),
    "an explicit no": event(documentable=False),
    "year 1": event(occurred_time=time(-62_135_596_800)),
}


@pytest.mark.parametrize("name", RIGHT_EVENTS)
def test_what_is_allowed_is_taken(name: str) -> None:
    assert len(decode_emission(request(RIGHT_EVENTS[name]), LIMITS).events) == 1


def test_an_event_has_what_was_sent_in_the_houses_terms() -> None:
    sent = event(
        event_id=ID.upper(),
        source="shop",
        aggregate_type="order",
        aggregate_id="1",
        json='{"a": 1}',
        metadata={"k": "v"},
        idempotency_key="key",
        correlation_id="c",
        causation_id=ID.upper(),
        actor="system",
        user_id="u",
        occurred_time=time(5, 1_999),
        documentable=True,
        intent={"goal": "g"},
        context={"category": "x", "related_event_ids": [ID.upper()]},
    )
    (got,) = decode_emission(request(sent), LIMITS).events
    assert got.aggregate == AggregateKey("order", "1")
    assert type(got.aggregate) is AggregateKey
    assert got.event_id == got.causation_id == uuid.UUID(ID).bytes
    assert got.related_event_ids == (uuid.UUID(ID).bytes,)
    assert (got.source, got.event_type, got.idempotency_key) == ("shop", "order.created", "key")
    assert (got.correlation_id, got.actor, got.user_id) == ("c", "system", "u")
    assert (got.occurred_time, got.documentable) == (5_000_001, True)
    assert (got.data, got.metadata) == (b'{"a": 1}', b'{"k":"v"}')
    assert got.intent == b'{"goal":"g"}'
    assert got.context == b'{"category":"x","related_event_ids":["%s"]}' % ID.encode()
    body = event_pb2.RecordedEvent.FromString(got.body)
    assert body.event_id == ""
    assert body.causation_id == body.context.related_event_ids[0] == ID
    assert body.occurred_time.nanos == 1_000


def test_what_is_absent_is_none() -> None:
    (got,) = decode_emission(
        request(event_pb2.NewEvent(source="shop", event_type="t")), LIMITS
    ).events
    assert got.aggregate == AggregateKey("source", "shop")
    assert got[2:4] == (None, None)
    assert got[8:16] == (None,) * 8
    assert got.occurred_time is None
    assert got.documentable is False


def test_unknown_fields_are_stripped() -> None:
    # Fields 2, 3 and 4 are the server's own in a RecordedEvent; 100 is nobody's.
    smuggled = b"\x10\x63\x18\x63\x22\x02\x08\x01\xa0\x06\x01"
    data = event().SerializeToString() + smuggled
    (got,) = decode_emission(request(event_pb2.NewEvent.FromString(data)), LIMITS).events
    (plain,) = decode_emission(request(), LIMITS).events
    assert got == plain


CONTENT: dict[str, Callable[[], event_pb2.NewEvent]] = {
    "aggregate type": lambda: event(aggregate_type="x"),
    "aggregate id": lambda: event(aggregate_id="2"),
    "event type": lambda: event(event_type="x"),
    "payload": lambda: event(json="{ }"),
    "payload kind": lambda: event(binary=b"{}"),
    "no payload": lambda: event_pb2.NewEvent(
        aggregate_type="order", aggregate_id="1", event_type="order.created"
    ),
    "content type": lambda: event(binary=b"{}", content_type="a/b"),
    "shifted names": lambda: event(aggregate_type="orde", aggregate_id="r1"),
}


def fingerprint(of: event_pb2.NewEvent) -> bytes:
    """As it is stored when the event is keyed, and as its record tells when it is not."""
    keyed, plain = event_pb2.NewEvent.FromString(of.SerializeToString()), event_pb2.NewEvent()
    keyed.idempotency_key = "k"
    plain.CopyFrom(of)
    plain.ClearField("idempotency_key")
    plain.ClearField("event_id")
    (stored,) = decode_emission(request(keyed), LIMITS).events
    (unnamed,) = decode_emission(request(plain), LIMITS).events
    assert stored.fingerprint is not None
    assert unnamed.fingerprint is None
    (record,), _ = frame_events([unnamed], [bytes(16)], [1], first_position=1, record_time=1)
    assert fingerprint_of_record(record) == stored.fingerprint
    return stored.fingerprint


@pytest.mark.parametrize("name", CONTENT)
def test_other_content_has_another_fingerprint(name: str) -> None:
    others = {fingerprint(make()) for other, make in CONTENT.items() if other != name}
    assert fingerprint(CONTENT[name]()) not in others | {fingerprint(event())}


def test_what_may_differ_between_attempts_does_not_change_the_fingerprint() -> None:
    again = event(
        event_id=ID,
        metadata={"trace": "2"},
        idempotency_key="k",
        correlation_id="c",
        causation_id=ID,
        actor="a",
        user_id="u",
        documentable=True,
        occurred_time=time(1),
        intent={"goal": "g"},
        context={"category": "c"},
        content_type="application/json",
    )
    assert fingerprint(again) == fingerprint(event())


def test_the_fingerprint_is_what_it_was() -> None:
    """It is stored for ever: a key seen years ago must still be recognised."""
    assert fingerprint(event()).hex() == "01d48ad3aebf37d607a61695d39b712fd2"


@pytest.mark.parametrize("size", [1, 100, 127, 128, 16_383, 16_384, 100_000])
@pytest.mark.parametrize("key", ["", "k", "k" * 127, "k" * 128, "ä"])
@pytest.mark.parametrize("name", ["o", "o" * 127, "o" * 128, "ö"])
def test_an_event_of_few_fields_is_decoded_as_one_of_many(name: str, key: str, size: int) -> None:
    """The short way through decoding and the long one give the same."""
    sent = event(aggregate_id=name, idempotency_key=key, json=f'"{"x" * size}"')
    also = event_pb2.NewEvent.FromString(sent.SerializeToString())
    also.actor = "a"  # takes the long way
    (short,) = decode_emission(request(sent), LIMITS).events
    (long,) = decode_emission(request(also), LIMITS).events
    assert long._replace(actor=None, body=short.body) == short
    assert len(long.body) == len(short.body) + 4


def test_a_request_has_events_and_not_too_many() -> None:
    assert refused(BadRequestError, pb.EmitRequest()) == ["events"]
    assert len(decode_emission(request(*[event()] * 1000), LIMITS).events) == 1000
    assert refused(BatchTooLargeError, request(*[event()] * 1001)) == ["events"]


def test_an_event_and_a_request_have_a_largest_size() -> None:
    fill = 1024 * 1024 - len(decode_emission(request(), LIMITS).events[0].body) - 10
    large = event(json='"' + "x" * fill + '"')
    decode_emission(request(large), LIMITS)
    too_large = event(json='"' + "x" * (fill + 20) + '"')
    assert refused(EventTooLargeError, request(event(), too_large)) == ["events[1]"]
    too_large = event(binary=bytes(fill + 20))
    assert refused(EventTooLargeError, request(event(), too_large)) == ["events[1]"]
    assert refused(BatchTooLargeError, request(*[large] * 5)) == ["events"]


def test_every_wrong_field_is_told_up_to_twenty() -> None:
    wrong = event(event_type="", json="{", actor="\0")
    assert refused(InvalidEventError, request(wrong, event(), event(json="["))) == [
        "events[0].event_type",
        "events[0].actor",
        "events[0].json",
        "events[2].json",
    ]
    many = [event(event_type="", json="{", actor="\0")] * 50
    assert len(refused(InvalidEventError, request(*many))) == VIOLATIONS_MAX


def test_all_events_have_keys_or_none_has() -> None:
    key = "idempotency_key"
    mixed = request(event(), event(idempotency_key="a"), event())
    assert refused(InvalidEventError, mixed) == [f"events[1].{key}"]
    mixed = request(event(idempotency_key="a"), event(idempotency_key="b"), event())
    assert refused(InvalidEventError, mixed) == [f"events[2].{key}"]


def test_a_key_or_an_id_stands_once_in_a_request() -> None:
    twice = request(*[event(idempotency_key="a", event_id=i) for i in (ID, ID.upper())])
    assert refused(InvalidEventError, twice) == [
        "events[1].idempotency_key",
        "events[1].event_id",
    ]


def expected(aggregate_id: str = "1", **fields: Any) -> pb.ExpectedSequence:
    aggregate = event_pb2.AggregateKey(aggregate_type="order", aggregate_id=aggregate_id)
    return pb.ExpectedSequence(aggregate=aggregate, **fields)


def test_expectations_are_decoded_and_any_is_none() -> None:
    emission = decode_emission(
        request(
            expected_sequences=[
                expected("1", exactly=0),
                expected("2", must_not_exist={}),
                expected("3", must_exist={}),
                expected("4"),
            ],
            known_events=pb.KNOWN_EVENTS_POLICY_SKIP,
        ),
        LIMITS,
    )
    assert emission.skip_known
    assert emission.expectations == (
        Expectation(AggregateKey("order", "1"), ExpectationKind.EXACTLY, 0),
        Expectation(AggregateKey("order", "2"), ExpectationKind.NOT_TO_EXIST, 0),
        Expectation(AggregateKey("order", "3"), ExpectationKind.TO_EXIST, 0),
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ([expected(exactly=-1)], "[0].exactly"),
        ([expected(""), expected("2")], "[0].aggregate.aggregate_id"),
        ([expected("x" * 256)], "[0].aggregate.aggregate_id"),
        ([expected("\0")], "[0].aggregate.aggregate_id"),
        ([expected("1"), expected("2"), expected("1", exactly=4)], "[2].aggregate"),
    ],
)
def test_a_wrong_expectation_is_named(wrong: list[pb.ExpectedSequence], field: str) -> None:
    fields = refused(BadRequestError, request(expected_sequences=wrong))
    assert fields == [f"expected_sequences{field}"]


def test_a_thousand_expectations_are_the_most() -> None:
    many = [expected(str(n)) for n in range(1001)]
    assert refused(BatchTooLargeError, request(expected_sequences=many)) == ["expected_sequences"]
    decode_emission(request(expected_sequences=many[:1000]), LIMITS)


texts = st.sampled_from(["", "a", "\0", "é" * 5, "x" * 40, "x" * 300, ID, "application/json"])


@st.composite
def any_events(draw: st.DrawFn) -> event_pb2.NewEvent:
    names = [field.name for field in event_pb2.NewEvent.DESCRIPTOR.fields if field.type == 9]
    made = event_pb2.NewEvent(aggregate_type="order", aggregate_id="1", event_type="t", json="{}")
    for name in draw(st.lists(st.sampled_from(names), max_size=4)):
        setattr(made, name, draw(texts))
    if draw(st.booleans()):
        made.binary = draw(st.binary(max_size=3) | st.just(bytes(300)))
    for key in draw(st.lists(texts, max_size=2)):
        made.metadata[key] = draw(texts)
    if draw(st.booleans()):
        made.intent.impact_metric = draw(texts)
    if draw(st.booleans()):
        made.context.category = draw(texts)
        made.context.related_event_ids.extend(draw(st.lists(texts, max_size=2)))
    if draw(st.booleans()):
        made.documentable = draw(st.booleans())
    if draw(st.booleans()):
        made.occurred_time.nanos = draw(st.integers(-1, 1_000_000_000))
    return made


@given(any_events(), st.sampled_from([255, 20, 7]))
def test_the_quick_look_takes_what_the_slow_look_takes(
    made: event_pb2.NewEvent, name_bytes_max: int
) -> None:
    limits = replace(LIMITS, name_bytes_max=name_bytes_max, metadata_entries_max=1)
    copy = event_pb2.NewEvent()
    copy.CopyFrom(made)
    paths = [v.field for v in islice(event_violations(copy, "events[0]", limits), 20)]
    if paths:
        assert refused(InvalidEventError, request(made), limits) == paths
    else:
        decode_emission(request(made), limits)


def test_a_refusal_without_a_reason_is_our_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("everlog_server.rpc.validation.decode_event", refuse)
    with pytest.raises(InternalError):
        decode_emission(request(), LIMITS)


@given(st.text())
def test_only_canonical_uuids_parse(text: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        decoding.parse_uuid(text)


@given(st.uuids())
def test_a_uuid_parses_in_any_case(value: uuid.UUID) -> None:
    assert decoding.parse_uuid(str(value)) == value.bytes
    assert decoding.parse_uuid(str(value).upper()) == value.bytes
