"""Events as JSON lines, and as people see them."""

import json
from datetime import UTC, datetime

import pytest

import everlog
from everlog.times import to_timestamp
from everlog.v1 import event_pb2
from everlog_server.cli.event_json import event_line, read_event, time_text
from everlog_server.cli.rendering import visible

TIME = datetime(2026, 3, 1, 12, 0, 0, 7, tzinfo=UTC)


def recorded(event: everlog.Event) -> everlog.RecordedEvent:
    """The event as a server would record it."""
    message = event_pb2.RecordedEvent.FromString(event.to_message().SerializeToString())
    message.position, message.sequence = 7, 2
    message.record_time.CopyFrom(to_timestamp(TIME))
    if not message.HasField("occurred_time"):
        message.occurred_time.CopyFrom(to_timestamp(TIME))
    return everlog.RecordedEvent(message)


FULL = everlog.Event(
    "order.created",
    aggregate=("order", "4/2"),
    source="shop",
    json='{"total":1.00,"big":123456789012345678901234567890,"name":"Zoë"}',
    metadata={"a": "b"},
    idempotency_key="k",
    event_id="0190b0a0-0000-7000-8000-000000000001",
    correlation_id="c",
    causation_id="0190b0a0-0000-7000-8000-000000000002",
    actor="user:ann",
    user_id="ann",
    occurred_time=datetime(2025, 1, 1, tzinfo=UTC),
    documentable=False,
    intent=everlog.Intent(goal="sell"),
    context=everlog.Context(decision="yes", related_event_ids=("x",)),
)


def test_data_stands_in_the_line_as_it_was_sent() -> None:
    line = event_line(recorded(FULL)).decode()
    assert FULL.json is not None
    assert f'"data":{FULL.json}' in line


def test_an_event_is_one_line_even_when_its_data_has_line_breaks() -> None:
    line = event_line(recorded(everlog.Event("a.b", source="s", json='{\r\n "a": "\\n"\n}')))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line)["data"] == {"a": "\n"}


@pytest.mark.parametrize(
    "event",
    [
        FULL,
        everlog.Event("a.b", source="s", occurred_time=TIME),
        everlog.Event("a.b", source="s", json="null", occurred_time=TIME),
        everlog.Event("a.b", source="s", binary=b"\0\xff", content_type="x/y", occurred_time=TIME),
    ],
)
def test_a_line_that_was_written_can_be_emitted_again(event: everlog.Event) -> None:
    again = read_event(event_line(recorded(event)))
    expected = recorded(event).message
    if event.json:
        assert json.loads(again.json or "") == json.loads(event.json)
        expected.json = again.json or ""
    assert recorded(again).message == expected


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("[]", "expected a JSON object"),
        ('{"event_type": "a.b", "foo": 1}', "unknown field foo"),
        ('{"event_type": 7}', "event_type is 7"),
        ('{"event_type": "a.b", "data": 1, "binary": ""}', "at most one"),
        ('{"event_type": "a.b", "binary": "!"}', "base64"),
        ('{"event_type": "a.b", "data": NaN}', "NaN is no JSON"),
        ('{"event_type": "a.b", "metadata": []}', "metadata is"),
        ('{"event_type": "a.b", "aggregate": "order"}', "no aggregate"),
        ('{"event_type": "a.b", "occurred_time": "2026-01-01T00:00:00"}', "no time zone"),
        ('{"event_type": "a.b", "occurred_time": "soon"}', "expected a time"),
        ('{"event_type": "a.b", "documentable": "no"}', "true or false"),
        ('{"event_type": "a.b", "intent": {"aim": ""}}', "unknown field of intent"),
        ('{"event_type": "a.b", "context": {"related_event_ids": [1]}}', "list of texts"),
    ],
)
def test_a_line_that_is_no_event_says_what_is_wrong_with_it(line: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        read_event(line)


def test_a_nested_metadata_value_becomes_json_text() -> None:
    event = read_event('{"event_type": "a.b", "source": "s", "metadata": {"trace": {"id": 1}}}')
    assert dict(event.to_message().metadata) == {"trace": '{"id":1}'}


def test_an_early_time_keeps_four_digits_of_its_year() -> None:
    assert time_text(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"
    assert time_text(TIME) == "2026-03-01T12:00:00.000007Z"


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert visible("a\x1b[31mb\x9bc\nd\te\x7f") == "a\\x1b[31mb\\x9bc d e\\x7f"
