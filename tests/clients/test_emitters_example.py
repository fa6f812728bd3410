"""The example of emitters in Python, run as its README says, on a live server."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import everlog
from everlog.emitters import world_events
from tests.servers import serving

ROOT = Path(__file__).parents[2]


async def test_the_chat_of_the_example_is_stored(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\n")
    (folder / "b.py").write_text("three\n")
    async with serving(database_url, tmp_path) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "examples.emitters_python"),
            *(str(folder), str(tmp_path / "nowhere")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={
                **os.environ,
                "EVERLOG_URL": server.address,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        output, errors = await process.communicate()
        said = output.decode()
        assert (process.returncode, errors.decode()) == (0, "")
        assert "counter: There are 3." in said
        assert "emitted and stored: 18 events" in said
        (chat,) = re.findall(r"^chat (\S+)$", said, re.MULTILINE)
        async with everlog.connect(server.address) as client:
            of_chat = [e async for e in world_events(client, world="line-counting", chat=chat)]
            of_world = [e async for e in world_events(client, world="line-counting")]
    assert [event.event_type for event in of_chat] == [
        "message.published",
        "sse.start",
        "tool.start",
        "lines.count.started",
        "lines.count.passed",
        "tool.result",
        "sse.end",
        "message.published",
        "message.published",
        "sse.start",
        "tool.start",
        "lines.count.started",
        "lines.count.failed",
        "tool.error",
        "sse.end",
        "message.published",
    ]
    assert of_chat[4].data["result"] == of_chat[5].data["toolExecution"]["result"] == 3
    assert of_chat[13].data["toolExecution"]["error"] == {
        "name": "FileNotFoundError",
        "message": f"{tmp_path / 'nowhere'} is no folder",
    }
    assert of_chat[7].data["replyToMessageId"] == of_chat[0].correlation_id
    assert {event.event_type: event.data for event in of_world} == {
        "world.opened": {"type": "opened"},
        "system.published": "2 questions answered",
    }
