"""What one language writes, all languages read: every field, byte for byte."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.conformance.languages import LANGUAGES

if TYPE_CHECKING:
    from tests.clients.conformance.conftest import Cast
    from tests.clients.conformance.runners import Runner
    from tests.clients.conformance.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.polyglot]

_EMPTY = {
    **dict.fromkeys(("source", "content_type", "idempotency_key", "correlation_id"), ""),
    **dict.fromkeys(("causation_id", "actor", "user_id"), ""),
    "metadata": {},
    "documentable": False,
}
_INTENT = dict.fromkeys(
    ("problem_solved", "pain_point", "goal", "expected_outcome", "impact_metric"), ""
)
_CONTEXT: dict[str, Any] = {"decision": "", "category": "", "related_event_ids": []}


def _events(writer: str) -> list[dict[str, Any]]:
    """Every field, and every kind of payload, in one writer's own aggregate."""
    about = {"aggregate_type": "écrit par", "aggregate_id": writer}
    whole = {
        **about,
        "event_type": "tout.écrit",
        "source": f"{writer} \u2028 🧀",
        "json": '{ "n": 9007199254740993, "n": 1e2, "<&>": "\\u00e9é\\/" }\n',
        "metadata": {"ключ": "значение", "empty": "", "json": '{"a": 1}'},
        "idempotency_key": f"{writer}/🗝/1",
        "correlation_id": "e\u0301 or é",
        "causation_id": "0190a0a0-0000-7000-8000-000000000001",
        "actor": "agent:\U0010ffff",
        "user_id": "مستخدم",
        "occurred_time": "1969-12-31T23:59:59.999999Z",
        "documentable": True,
        "intent": {**_INTENT, "problem_solved": "a\tb", "impact_metric": "+2 %"},
        "context": {**_CONTEXT, "related_event_ids": ["0190a0a0-0000-7000-8000-000000000002"]},
    }
    every_byte = base64.b64encode(bytes(range(256)) * 3).decode()
    return [
        whole,
        {**about, "event_type": "rien.écrit"},
        {**about, "event_type": "octets.écrits", "binary": every_byte, "content_type": "x/y; z=1"},
        {**about, "event_type": "octets.écrits", "binary": ""},
        {**about, "event_type": "vide.écrit", "intent": {}, "context": {}, "documentable": False},
        {**about, "event_type": "json.écrit", "json": " \r\n[]\t"},
    ]


def _recorded(event: dict[str, Any], receipt: dict[str, Any]) -> dict[str, Any]:
    """What every reader is to read of it."""
    server_made = ("event_id", "position", "sequence", "record_time")
    expected = {
        **_EMPTY,
        "occurred_time": receipt["record_time"],
        **event,
        **{name: receipt[name] for name in server_made},
    }
    if "intent" in event:
        expected["intent"] = {**_INTENT, **event["intent"]}
    if "context" in event:
        expected["context"] = {**_CONTEXT, **event["context"]}
    return expected


async def _ask(runner: Runner, command: str, **arguments: Any) -> dict[str, Any]:
    answer = await runner.ask(command, arguments)
    assert "ok" in answer, f"{command}: {answer}"
    result: dict[str, Any] = answer["ok"]
    return result


async def _read_in_each_way(runner: Runner, count: int) -> dict[str, list[dict[str, Any]]]:
    """The whole log, as each read gives it."""
    await _ask(runner, "subscribe_open", subscription="s", after_position="0")
    followed = await _ask(
        runner, "subscribe_next", subscription="s", count=count, timeout_seconds=20
    )
    got = [(await _ask(runner, "get", position=str(1 + n)))["event"] for n in range(count)]
    return {
        "replay": (await _ask(runner, "replay"))["events"],
        "query": (await _ask(runner, "query", order="oldest_first", page_size=4))["events"],
        "subscribe": [item["event"] for item in followed["items"]],
        "get": got,
    }


async def test_what_one_language_writes_all_languages_read(stage: Stage, cast: Cast) -> None:
    runners = {name: await cast.runner(name) for name in LANGUAGES if cast.can_play(name)}
    if len({LANGUAGES[name].tools for name in runners}) < 2:
        pytest.skip("only one language is here")
    tenant = await stage.new_tenant()
    expected = []
    for name, runner in runners.items():
        assert await runner.ask("connect", {"url": stage.url, "tenant": tenant}) == {"ok": {}}
        for event in _events(name):
            receipt = (await _ask(runner, "emit", event=event))["receipt"]
            expected.append(_recorded(event, receipt))
    for name, runner in runners.items():
        for way, events in (await _read_in_each_way(runner, len(expected))).items():
            for wanted, read in zip(expected, events, strict=True):
                writer = wanted["aggregate_id"]
                assert read == wanted, f"{name} reads by {way} what {writer} wrote"
        assert await runner.ask("close", {}) == {"ok": {}}
