from datetime import UTC, datetime, timedelta, timezone

import pytest

import everlog
from everlog import expectations
from everlog.requests import get_request, replay_request, subscribe_request
from everlog.times import to_datetime, to_timestamp
from everlog.v1 import event_pb2


def test_data_is_written_as_compact_json() -> None:
    message = everlog.Event("a.b", source="s", data={"name": "Zoë", "n": [1, 2]}).to_message()
    assert message.json == '{"name":"Zoë","n":[1,2]}'


def test_json_text_is_kept_byte_for_byte() -> None:
    assert everlog.Event("a.b", source="s", json='{ "n" : 1.00 }').to_message().json == (
        '{ "n" : 1.00 }'
    )


def test_an_event_without_data_has_no_payload() -> None:
    assert everlog.Event("a.b", source="s").to_message().WhichOneof("payload") is None


def test_empty_data_is_data() -> None:
    assert everlog.Event("a.b", source="s", data={}).to_message().json == "{}"
    assert everlog.Event("a.b", source="s", binary=b"").to_message().WhichOneof("payload") == (
        "binary"
    )


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        everlog.Event("a.b", source="s", data={"n": float("nan")}).to_message()
    with pytest.raises(TypeError):
        everlog.Event("a.b", source="s", data=object()).to_message()


def test_two_payloads_are_refused() -> None:
    with pytest.raises(ValueError, match="one payload"):
        everlog.Event("a.b", source="s", data={}, binary=b"")


def test_a_nested_metadata_value_is_kept_as_json_text() -> None:
    metadata = {"trace": {"id": 7}, "plain": "text"}
    message = everlog.Event("a.b", source="s", metadata=metadata).to_message()
    assert dict(message.metadata) == {"trace": '{"id":7}', "plain": "text"}


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        everlog.Event("a.b", source="s", occurred_time=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "time",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, 0, 123_457, tzinfo=timezone(timedelta(hours=2))),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_to_the_microsecond(time: datetime) -> None:
    timestamp = to_timestamp(time)
    assert 0 <= timestamp.nanos < 1_000_000_000
    assert to_datetime(timestamp) == time


def test_every_field_of_an_event_arrives_in_its_place() -> None:
    event = everlog.Event(
        "order.created",
        aggregate=("order", "42"),
        source="shop",
        data=1,
        metadata={"m": "1"},
        idempotency_key="key",
        event_id="id",
        correlation_id="correlation",
        causation_id="cause",
        actor="user:me",
        user_id="me",
        occurred_time=datetime(2026, 1, 1, tzinfo=UTC),
        documentable=False,
        intent=everlog.Intent(goal="sell"),
        context=everlog.Context(decision="yes", related_event_ids=("other",)),
    )
    recorded = event_pb2.RecordedEvent.FromString(event.to_message().SerializeToString())
    view = everlog.RecordedEvent(recorded)
    assert view.aggregate == ("order", "42")
    assert str(view.aggregate) == "order/42"
    assert (view.event_type, view.source, view.data, view.metadata["m"]) == (
        "order.created",
        "shop",
        1,
        "1",
    )
    assert (view.idempotency_key, view.event_id, view.correlation_id, view.causation_id) == (
        "key",
        "id",
        "correlation",
        "cause",
    )
    assert (view.actor, view.user_id, view.documentable) == ("user:me", "me", False)
    assert view.message.HasField("documentable")
    assert view.occurred_time == datetime(2026, 1, 1, tzinfo=UTC)
    assert view.intent is not None
    assert view.intent.goal == "sell"
    assert view.context is not None
    assert list(view.context.related_event_ids) == ["other"]


def test_a_recorded_event_tells_json_binary_and_nothing_apart() -> None:
    json = everlog.RecordedEvent(event_pb2.RecordedEvent(json="null"))
    binary = everlog.RecordedEvent(event_pb2.RecordedEvent(binary=b"\0"))
    nothing = everlog.RecordedEvent(event_pb2.RecordedEvent())
    assert (json.json, json.data, json.binary) == ("null", None, None)
    assert (binary.json, binary.data, binary.binary) == (None, None, b"\0")
    assert (nothing.json, nothing.data, nothing.binary) == (None, None, None)


def test_a_single_expectation_is_of_the_one_aggregate_that_is_written() -> None:
    [message] = expectations.to_messages(3, written=[("order", "42"), ("order", "42")])
    assert (message.aggregate.aggregate_id, message.exactly) == ("42", 3)


def test_a_single_expectation_of_several_aggregates_is_refused() -> None:
    with pytest.raises(ValueError, match="several aggregates"):
        expectations.to_messages(3, written=[("order", "42"), ("order", "43")])


def test_expectations_may_name_aggregates_that_are_not_written() -> None:
    messages = expectations.to_messages(
        {("a", "1"): 0, ("a", "2"): everlog.MUST_EXIST, ("a", "3"): everlog.MUST_NOT_EXIST},
        written=[("a", "1")],
    )
    assert [message.WhichOneof("expected") for message in messages] == [
        "exactly",
        "must_exist",
        "must_not_exist",
    ]


def test_an_aggregates_id_may_have_slashes() -> None:
    assert everlog.AggregateKey.parse("file/repo:a/b") == ("file", "repo:a/b")
    with pytest.raises(ValueError, match="no aggregate"):
        everlog.AggregateKey.parse("order")


def test_one_text_where_several_are_due_is_refused() -> None:
    with pytest.raises(TypeError, match="event_types"):
        everlog.Filter(event_types="order.created")


def test_a_subscription_starts_in_exactly_one_place() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        subscribe_request({})
    with pytest.raises(ValueError, match="exactly one"):
        subscribe_request({"after_position": 0, "from_now": True})
    assert subscribe_request({"after_position": 0}).WhichOneof("start") == "after_position"


def test_a_replay_has_at_most_one_start_and_one_end() -> None:
    with pytest.raises(ValueError, match="at most one"):
        replay_request(None, {"after_position": 0, "after_sequence": 0})
    request = replay_request(("a", "1"), {"after_sequence": 0, "through_position": 9})
    assert (request.WhichOneof("start"), request.WhichOneof("end")) == (
        "after_sequence",
        "through_position",
    )


def test_a_get_names_its_event_in_exactly_one_way() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        get_request()
    with pytest.raises(ValueError, match="exactly one"):
        get_request(event_id="id", position=1)
    with pytest.raises(ValueError, match="together"):
        get_request(aggregate=("a", "1"))
    request = get_request(aggregate=("a", "1"), sequence=2)
    assert request.aggregate_sequence.sequence == 2
