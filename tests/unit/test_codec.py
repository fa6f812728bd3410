"""The hand-written wire encoding against protobuf's own."""

from __future__ import annotations

import uuid

from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.model import Head, StoredEvent
from everlog_server.rpc import codec
from everlog_server.rpc.decoding import decode_event

# 0001-01-01 to 9999-12-31T23:59:59.999999.
times = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
numbers = st.integers(1, 2**63 - 1)
ids = st.binary(min_size=16, max_size=16)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
uuids = st.uuids().map(str)


@st.composite
def new_events(draw: st.DrawFn) -> event_pb2.NewEvent:
    event = event_pb2.NewEvent(
        event_type=draw(names),
        source=draw(texts),
        idempotency_key=draw(texts),
        correlation_id=draw(texts),
        actor=draw(texts),
        user_id=draw(texts),
        metadata=draw(st.dictionaries(names, texts, max_size=3)),
    )
    if not event.source or draw(st.booleans()):
        event.aggregate_type, event.aggregate_id = draw(names), draw(names)
    if draw(st.booleans()):
        event.event_id = draw(uuids)
    if draw(st.booleans()):
        event.causation_id = draw(uuids).upper()
    match draw(st.sampled_from(["json", "binary", "none"])):
        case "json":
            event.json = draw(st.sampled_from(["{}", '{"a": [1, 2.50]}', '"é"', " null "]))
            event.content_type = draw(st.sampled_from(["", "application/json"]))
        case "binary":
            event.binary, event.content_type = draw(st.binary(max_size=20)), draw(texts)
    if draw(st.booleans()):
        event.occurred_time.seconds = draw(st.integers(-62_135_596_800, 253_402_300_799))
        event.occurred_time.nanos = draw(st.integers(0, 999_999_999))
    if draw(st.booleans()):
        event.documentable = draw(st.booleans())
    if draw(st.booleans()):
        event.intent.goal, event.intent.pain_point = draw(texts), draw(texts)
    if draw(st.booleans()):
        event.context.decision = draw(texts)
        event.context.related_event_ids.extend(draw(st.lists(uuids, max_size=3)))
    return event


@given(new_events(), ids, numbers, numbers, times)
def test_a_record_reads_back_as_what_was_sent_and_what_the_server_adds(
    sent: event_pb2.NewEvent, event_id: bytes, position: int, sequence: int, record_time: int
) -> None:
    expected = event_pb2.RecordedEvent.FromString(sent.SerializeToString())
    expected.event_id = str(uuid.UUID(bytes=event_id))
    expected.position, expected.sequence = position, sequence
    expected.record_time.FromMicroseconds(record_time)
    if not expected.aggregate_type:
        expected.aggregate_type, expected.aggregate_id = "source", sent.source
    if sent.HasField("occurred_time"):
        expected.occurred_time.nanos -= expected.occurred_time.nanos % 1000
    else:
        expected.occurred_time.CopyFrom(expected.record_time)
    expected.causation_id = sent.causation_id.lower()
    expected.documentable = sent.documentable

    (record,), _ = codec.frame_events(
        [decode_event(sent)],
        [event_id],
        [sequence],
        first_position=position,
        record_time=record_time,
    )

    page = event_store_pb2.QueryResponse.FromString(record)
    assert list(page.events) == [expected]
    assert event_store_pb2.GetResponse.FromString(record).event == expected
    assert list(event_store_pb2.QueryResponse.FromString(record * 3).events) == [expected] * 3


@given(st.lists(ids, min_size=1, unique=True), numbers, times, st.booleans())
def test_events_that_follow_each_other_have_records_and_receipts_in_order(
    event_ids: list[bytes], first: int, record_time: int, documentable: bool
) -> None:
    first = min(first, 2**63 - 1 - len(event_ids))
    sent = event_pb2.NewEvent(
        aggregate_type="order", aggregate_id="1", event_type="o", documentable=documentable
    )
    sequences = [first + n for n in range(len(event_ids))]
    records, receipts = codec.frame_events(
        [decode_event(sent) for _ in event_ids],
        event_ids,
        sequences,
        first_position=first,
        record_time=record_time,
    )
    events = event_store_pb2.QueryResponse.FromString(b"".join(records)).events
    response = event_store_pb2.EmitResponse.FromString(b"".join(receipts))
    for read in (events, response.receipts):
        assert [uuid.UUID(one.event_id).bytes for one in read] == event_ids
        assert [one.position for one in read] == sequences
        assert [one.sequence for one in read] == sequences
        assert {one.record_time.ToMicroseconds() for one in read} == {record_time}
    assert not any(one.deduplicated for one in response.receipts)


@given(
    st.builds(StoredEvent, ids, ids, numbers, numbers, times, st.booleans(), st.none(), st.none())
)
def test_a_known_event_has_a_receipt_that_says_so(stored: StoredEvent) -> None:
    response = event_store_pb2.EmitResponse.FromString(codec.frame_known_receipt(stored))
    (receipt,) = response.receipts
    assert uuid.UUID(receipt.event_id).bytes == stored.event_id
    assert (receipt.position, receipt.sequence) == (stored.position, stored.sequence)
    assert receipt.record_time.ToMicroseconds() == stored.record_time
    assert receipt.documentable == stored.documentable
    assert receipt.deduplicated


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.booleans())))
def test_joined_answers_are_an_emit_stream_response(answers: list[tuple[int, bool]]) -> None:
    response = codec.frame_known_receipt(
        StoredEvent(bytes(16), None, 1, 1, 0, False, None, None, None)
    )
    refusal = status_pb2.Status(code=3, message="no")
    encoded = b"".join(
        codec.encode_answer(number, response)
        if is_stored
        else codec.encode_refusal(number, refusal)
        for number, is_stored in answers
    )
    read = event_store_pb2.EmitStreamResponse.FromString(encoded).answers
    assert [(answer.request_id, answer.HasField("response")) for answer in read] == answers
    for answer in read:
        if answer.HasField("response"):
            assert answer.response.SerializeToString()
            assert len(answer.response.receipts) == 1
        else:
            assert answer.status == refusal


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_protobufs(value: int) -> None:
    read = event_store_pb2.ReplayResponse.FromString(b"\x10" + codec.varint(value))
    assert read.examined_position % 2**64 == value


@given(numbers, st.none() | st.integers(0, 2**63 - 1), st.text("abcXYZ09-_", max_size=200))
def test_a_query_response_has_the_fields_behind_its_records(
    through: int, total: int | None, token: str
) -> None:
    response = event_store_pb2.QueryResponse.FromString(
        codec.encode_query_response(
            b"", next_page_token=token, total_size=total, through_position=through
        )
    )
    assert response.through_position == through
    assert response.next_page_token == token
    assert (response.total_size if response.HasField("total_size") else None) == total


@given(numbers, st.booleans(), st.booleans(), st.booleans())
def test_a_subscribe_response_has_its_marks(
    examined: int, caught_up: bool, fell_behind: bool, heartbeat: bool
) -> None:
    response = event_store_pb2.SubscribeResponse.FromString(
        codec.encode_subscribe_response(
            b"", examined, caught_up=caught_up, fell_behind=fell_behind, heartbeat=heartbeat
        )
    )
    assert response.examined_position == examined
    assert response.HasField("caught_up") == caught_up
    assert response.HasField("fell_behind") == fell_behind
    assert response.HasField("heartbeat") == heartbeat


def test_a_head_is_empty_or_whole() -> None:
    empty = event_store_pb2.GetHeadResponse.FromString(codec.encode_head(Head(0, None, 0)))
    assert empty == event_store_pb2.GetHeadResponse()
    event_id = uuid.uuid4()
    head = event_store_pb2.GetHeadResponse.FromString(
        codec.encode_head(Head(7, event_id.bytes, 1_500_000))
    )
    assert (head.position, head.event_id) == (7, str(event_id))
    assert head.record_time.ToMicroseconds() == 1_500_000
