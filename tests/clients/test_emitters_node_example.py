"""The example of a Node emitter that persists itself, as a user would run it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from everlog.v1 import event_pb2
from tests.clients.conformance.languages import LANGUAGES
from tests.servers import read_log, serving, stub_for
from tests.toolchains import require

RUN = Path(__file__).parents[2] / "examples" / "emitters_node" / "run.sh"

# Building the client is part of the first run.
pytestmark = [pytest.mark.polyglot, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def node() -> None:
    require("npm", "there is no npm on this machine")
    LANGUAGES["typescript"].ready()  # what it is built from, one process at a time


async def run(url: str, *arguments: str) -> tuple[int, list[str]]:
    """Runs the example; its exit code and the lines that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(str(RUN), *arguments),
        env={**os.environ, "EVERLOG_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert process.returncode is not None
    assert process.returncode in (0, 1), stderr.decode()
    return process.returncode, stdout.decode().splitlines()


def of(
    events: list[event_pb2.RecordedEvent], aggregate: tuple[str, str]
) -> list[event_pb2.RecordedEvent]:
    return [event for event in events if (event.aggregate_type, event.aggregate_id) == aggregate]


async def test_what_the_world_emits_is_stored_and_read_back(
    database_url: str, tmp_path: Path
) -> None:
    poem = tmp_path / "poem.txt"
    poem.write_text("a rose is a rose", encoding="utf-8")
    gone = tmp_path / "gone.txt"
    async with serving(database_url, tmp_path) as server, stub_for(server.address) as stub:
        code, lines = await run(
            f"everlog://{server.address}", "--world", "w1", str(poem), str(gone)
        )
        events = await read_log(stub)
    assert code == 0, lines
    assert lines[:4] == [
        f"ana: {poem}",
        "librarian: poem.txt has 5 words, 3 different ones.",
        f"ana: {gone}",
        "librarian: I could not read gone.txt.",
    ]
    assert "stored 15, failed 0, dropped 0" in lines

    chat = of(events, ("chat", "w1/desk"))
    assert [(event.event_type, event.actor) for event in chat] == [
        ("system.published", ""),
        ("message.published", "user:ana"),
        ("message.published", "agent:librarian"),
        ("message.published", "user:ana"),
        ("message.published", "agent:librarian"),
    ]
    assert chat[0].json == '"chat desk is open"'
    assert json.loads(chat[1].json) == {"content": str(poem), "sender": "ana"}
    assert dict(chat[1].metadata) == {
        "world_id": "w1",
        "chat_id": "desk",
        "channel": "message",
        "sender": "ana",
    }

    world = of(events, ("world", "w1"))
    answer = ["sse.start", "tool.start", "tool.result", "sse.end", "world.idle"]
    failure = ["sse.start", "tool.start", "tool.error", "sse.end", "world.idle"]
    assert [event.event_type for event in world] == answer + failure
    assert len(events) == len(chat) + len(world)

    # One message id for all that belongs to an answer, and a key of its own for each event.
    [first] = {event.correlation_id for event in (*world[:4], chat[2])}
    assert [event.idempotency_key for event in (*world[:4], chat[2])] == [
        f"w1/{tail.format(first)}"
        for tail in (
            "sse:{}:start",
            "world:{}:tool-start",
            "world:{}:tool-result",
            "sse:{}:end",
            "message:{}:published",
        )
    ]
    result = execution(world[2])
    assert result["result"] == {"words": 5, "different": 3}
    error = execution(world[7])["error"]
    assert isinstance(error, dict)
    assert error["name"] == "Error"
    assert error["message"].startswith("ENOENT: no such file")

    # What it shows is what was stored.
    assert [line.split()[:2] for line in lines if line.startswith("  ")] == [
        [str(event.sequence), event.event_type]
        for event in (*chat, *(event for event in world if event.event_type.startswith("tool.")))
    ]


async def test_without_a_server_the_world_goes_on_and_says_what_is_lost(tmp_path: Path) -> None:
    poem = tmp_path / "poem.txt"
    poem.write_text("a rose is a rose", encoding="utf-8")
    code, lines = await run("everlog://127.0.0.1:1", "--world", "w1", str(poem))
    assert code == 1
    assert "librarian: poem.txt has 5 words, 3 different ones." in lines
    assert lines[-2:] == ["stored 0, failed 0, dropped 0", "8 events could not be stored in time"]


def execution(event: event_pb2.RecordedEvent) -> Mapping[str, object]:
    found = json.loads(event.json)["toolExecution"]
    assert isinstance(found, dict)
    return found
