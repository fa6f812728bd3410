"""Lines of `everlog emit -`: data is kept as it stands, and what is wrong is named."""

import pytest

import everlog
from everlog.v1 import event_pb2
from everlog_server.cli.event_json import event_line, read_event


@pytest.mark.parametrize(
    "data",
    [
        '{ "a" :  1 }',
        "1.10",
        "1E2",
        '{"a":1,"a":2}',
        "0.1234567890123456789012345678901234567890",
        r'"\u00e9\ud83d\ude00 \/ \ud800"',
        '"é😀"',
        "9" * 5_000,
        "null",
    ],
)
def test_data_goes_round_byte_for_byte(data: str) -> None:
    message = event_pb2.RecordedEvent(event_type="a.b", aggregate_type="a", aggregate_id="1")
    message.json = data
    message.record_time.FromSeconds(1)
    message.occurred_time.FromSeconds(1)
    assert read_event(event_line(everlog.RecordedEvent(message))).json == data


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"nonsense", "not JSON"),
        (b"[]", "expected a JSON object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"event_type":"a.b"', "not JSON: expected a comma"),
        (b'{"event_type":"a.b",}', "not JSON: expected a field's name"),
        (b'{"event_type":"a.b"} {}', "not JSON: more after"),
        (b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "data is nested too deeply"),
        (b'{"data":[NaN]}', "data: NaN is no JSON"),
        (b'{"metadata":{"a":' + b"9" * 5_000 + b"}}", "metadata: "),
        (b'{"event_type":"a.b","occurred_time":"soon"}', "occurred_time is 'soon'"),
        (b'{"event_type":"a.b","binary":"*"}', "binary is not base64"),
        (b'{"event_type":"\xff"}', "not UTF-8: .* at byte 16"),
    ],
)
def test_a_line_that_is_no_event_is_refused_by_name(line: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_event(line)
