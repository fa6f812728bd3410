"""From what is emitted to an event: type, aggregate, key, actor, time, metadata and payload."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

import everlog
from everlog.emitters.mapping import EventMapper
from everlog.emitters.naming import Ordinals, fitting, world_aggregate

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def mapper(**options: Any) -> EventMapper:
    given = {"world": "w1", "chat": None, "source": "emitter", "chunks": False}
    return EventMapper(**{**given, **options}, ordinals=Ordinals())


def event(channel: str, emitted: object, **options: Any) -> everlog.Event:
    return mapper(**options).event(channel, emitted)


def data(channel: str, emitted: object) -> object:
    text = event(channel, emitted).json
    assert text is not None
    return json.loads(text)


@dataclass
class WorldMessageEvent:
    """A message, as the dataclass of an application has it."""

    content: str
    sender: str
    message_id: str
    chat_id: str | None = None
    timestamp: datetime = WHEN
    extra: dict[str, Any] = field(default_factory=dict)


def test_a_message_of_a_chat_belongs_to_the_chat() -> None:
    emitted = {
        "content": "hello",
        "sender": "human",
        "timestamp": WHEN,
        "messageId": "m1",
        "chatId": "c1",
        "replyToMessageId": "m0",
    }
    assert event("message", emitted) == everlog.Event(
        "message.published",
        aggregate=("chat", "w1/c1"),
        source="emitter",
        json='{"content":"hello","sender":"human","replyToMessageId":"m0"}',
        metadata={"world_id": "w1", "channel": "message", "chat_id": "c1", "sender": "human"},
        idempotency_key="w1/message:m1:published",
        correlation_id="m1",
        actor="user:human",
        occurred_time=WHEN,
    )


def test_fields_may_be_named_as_python_does_and_be_those_of_an_object() -> None:
    emitted = WorldMessageEvent("hello", "human", "m1", "c1")
    of_dataclass = event("message", emitted)
    of_object = event("message", SimpleNamespace(**vars(emitted), _secret=1))
    assert of_dataclass == of_object == event("message", vars(emitted))
    assert of_dataclass.aggregate == ("chat", "w1/c1")
    assert of_dataclass.correlation_id == "m1"
    assert of_dataclass.occurred_time == WHEN
    assert of_dataclass.json == '{"content":"hello","sender":"human","extra":{}}'


@pytest.mark.parametrize("chat", [None, "", {"id": 1}])
def test_an_event_without_a_chat_belongs_to_the_world(chat: object) -> None:
    assert event("sse", {"chatId": chat}).aggregate == ("world", "w1")
    assert event("sse", {"type": "start"}).aggregate == ("world", "w1")


@pytest.mark.parametrize(
    ("channel", "emitted", "event_type"),
    [
        ("message", {"content": "x"}, "message.published"),
        ("sse", {"type": "start"}, "sse.start"),
        ("sse", {"type": "end"}, "sse.end"),
        ("sse", {"type": "error"}, "sse.error"),
        ("world", {"type": "tool-start"}, "tool.start"),
        ("world", {"type": "tool-result"}, "tool.result"),
        ("world", {"type": "tool-error"}, "tool.error"),
        ("world", {"type": "tool-progress"}, "tool.progress"),
        ("world", {"type": "call", "toolExecution": {}}, "tool.call"),
        ("world", {"type": "call", "tool_execution": {}}, "tool.call"),
        ("world", {"toolExecution": {}}, "tool.published"),
        ("world", {"type": "saved"}, "world.saved"),
        ("world", {"type": "saved", "toolExecution": None}, "world.saved"),
        ("world", {}, "world.published"),
        ("tool", {"type": "tool-start"}, "tool.start"),
        ("tool", {"type": "start"}, "tool.start"),
        ("tool", {"type": "tool-"}, "tool.published"),
        ("tool", "text", "tool.published"),
        ("system", {"content": "up"}, "system.published"),
        ("system", {"type": "notice", "content": "up"}, "system.notice"),
        ("system", "up", "system.published"),
        ("metrics", {"type": "tick"}, "metrics.tick"),
    ],
)
def test_the_event_type_is_the_kind_and_the_type(
    channel: str, emitted: object, event_type: str
) -> None:
    assert event(channel, emitted).event_type == event_type


def test_one_message_id_serves_a_whole_start_to_end_and_start_to_result() -> None:
    """Idempotency keys are `channel:messageId:type[:ordinal]`, within the world."""
    one = mapper(chunks=True)
    keys = [
        one.event(channel, {"messageId": "m1", "type": kind}).idempotency_key
        for channel, kind in [
            ("sse", "start"),
            ("sse", "chunk"),
            ("sse", "chunk"),
            ("sse", "chunk"),
            ("sse", "end"),
            ("world", "tool-start"),
            ("world", "tool-result"),
        ]
    ]
    assert keys == [
        "w1/sse:m1:start",
        "w1/sse:m1:chunk",
        "w1/sse:m1:chunk:2",
        "w1/sse:m1:chunk:3",
        "w1/sse:m1:end",
        "w1/world:m1:tool-start",
        "w1/world:m1:tool-result",
    ]


def test_without_a_message_id_each_event_has_a_key_of_its_own() -> None:
    one, other = (event("message", {"content": "x"}) for _ in range(2))
    assert one.idempotency_key != other.idempotency_key
    assert one.idempotency_key.startswith("w1/message:")
    assert one.correlation_id == ""


@pytest.mark.parametrize("given", [7, "7"])
def test_a_message_id_may_be_a_number(given: object) -> None:
    assert event("message", {"messageId": given}).idempotency_key == "w1/message:7:published"


def test_worlds_and_chats_with_slashes_are_not_mistaken_for_others() -> None:
    assert world_aggregate("a", "b/c") == ("chat", "a/b/c")
    assert world_aggregate("a/b", "c") == ("chat", "a%2Fb/c")
    assert world_aggregate("a%2Fb", "c") == ("chat", "a%252Fb/c")
    assert world_aggregate("a/b", None) == ("world", "a/b")
    assert event("message", {"messageId": "m"}, world="a/b").idempotency_key == (
        "a%2Fb/message:m:published"
    )


def test_a_name_that_is_too_long_ends_with_a_digest() -> None:
    assert fitting("x" * 255) == "x" * 255
    long = "é" * 200
    assert len(fitting(long).encode()) <= 255
    assert fitting(long).startswith("é" * 90)
    assert fitting(long) != fitting(long + "é")
    given = event("message", {"messageId": long, "sender": long, "chatId": long})
    for name in (given.idempotency_key, given.correlation_id, given.actor, given.aggregate[1]):  # type: ignore[index]
        assert 200 < len(name.encode()) <= 255
    digest = hashlib.sha256(("ü" * 300).encode()).hexdigest()
    assert fitting("ü" * 300) == "ü" * 95 + "~" + digest


def test_ordinals_are_of_the_names_that_were_used_last() -> None:
    ordinals = Ordinals()
    assert [ordinals.next("first") for _ in range(3)] == [1, 2, 3]
    for n in range(9_999):
        ordinals.next(str(n))
    assert ordinals.next("first") == 4
    for n in range(10_000):
        ordinals.next(str(n))
    assert ordinals.next("first") == 1


@pytest.mark.parametrize(
    ("emitted", "actor"),
    [
        ({"agentName": "planner", "sender": "human"}, "agent:planner"),
        ({"agent_name": "planner"}, "agent:planner"),
        ({"sender": "human"}, "user:human"),
        ({"sender": "agent:planner"}, "agent:planner"),
        ({"sender": "user:7"}, "user:7"),
        ({"sender": "system"}, "system"),
        ({"sender": "Re: hello"}, "user:Re: hello"),
        ({"sender": None}, ""),
        ({}, ""),
        ("text", ""),
    ],
)
def test_the_actor_is_the_agent_or_the_sender(emitted: object, actor: str) -> None:
    assert event("message", emitted).actor == actor


@pytest.mark.parametrize(
    "timestamp",
    [
        WHEN,
        WHEN.astimezone(timezone(timedelta(hours=5))),
        WHEN.astimezone().replace(tzinfo=None),
        WHEN.isoformat(),
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T05:04:05.678+02:00",
        WHEN.timestamp(),
        WHEN.timestamp() * 1000,
        int(WHEN.timestamp() * 1000),
    ],
)
def test_it_occurred_when_it_says(timestamp: object) -> None:
    assert event("message", {"timestamp": timestamp}).occurred_time == WHEN


@pytest.mark.parametrize(
    "timestamp", [None, "yesterday", True, 1e300, float("nan"), {}, "9999-12-31T23:59:59-12:00"]
)
def test_otherwise_it_occurred_when_it_was_emitted(timestamp: object) -> None:
    before = datetime.now(UTC)
    occurred = event("message", {"timestamp": timestamp}).occurred_time
    assert occurred is not None
    assert before <= occurred <= datetime.now(UTC)


def test_the_payload_is_what_the_envelope_does_not_say() -> None:
    tool = {
        "agentName": "planner",
        "type": "tool-result",
        "messageId": "m1",
        "toolExecution": {"toolName": "search", "toolCallId": "t1", "result": [1, None]},
    }
    assert data("world", tool) == {key: tool[key] for key in tool if key != "messageId"}
    given = event("world", tool)
    assert given.metadata == {"world_id": "w1", "channel": "world", "agent_name": "planner"}


@pytest.mark.parametrize("value", ["text", 7, None, [1, {"a": 2}], False])
def test_what_is_no_object_is_stored_as_it_is(value: object) -> None:
    assert data("message", value) == value
    assert data("system", value) == value
    assert data("system", {"content": value, "messageId": "m", "timestamp": WHEN}) == value
    assert data("message", {"content": value, "messageId": "m"}) == {"content": value}


def test_content_of_the_system_that_is_an_object_stays_where_it_is() -> None:
    assert data("system", {"content": {"a": 1}, "messageId": "m"}) == {"content": {"a": 1}}
    assert data("system", {"note": 1}) == {"note": 1}


def test_what_was_emitted_is_taken_at_once() -> None:
    emitted = {"content": ["one"]}
    given = event("message", emitted)
    emitted["content"].append("two")
    assert given.json == '{"content":["one"]}'


def test_chunks_are_left_out_unless_they_are_wanted() -> None:
    chunk = {"type": "chunk", "content": "he"}
    assert mapper().leaves_out("sse", chunk)
    assert mapper().leaves_out("sse", SimpleNamespace(**chunk))
    assert not mapper().leaves_out("sse", {"type": "end"})
    assert not mapper().leaves_out("sse", "chunk")
    assert not mapper().leaves_out("message", chunk)
    assert not mapper(chunks=True).leaves_out("sse", chunk)


def test_world_and_chat_may_be_told_by_the_event() -> None:
    given = event(
        "message",
        {"room": 5, "in": "lobby"},
        world=lambda emitted, _channel: emitted["in"],
        chat=lambda emitted, channel: f"{channel}-{emitted['room']}",
    )
    assert given.aggregate == ("chat", "lobby/message-5")
    with pytest.raises(ValueError, match="world of the event is not known"):
        event("message", {}, world=lambda _emitted, _channel: None)


def test_texts_that_the_log_can_not_hold_are_mended_everywhere() -> None:
    given = event("message", {"messageId": "m\0", "sender": "a\ud800", "content": "\0"})
    assert given.idempotency_key == "w1/message:m�:published"
    assert given.actor == "user:a�"
    assert given.json == '{"sender":"a�","content":"�"}'
    given.to_message()
