"""A running runner: commands in, answers out."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.clients.conformance.languages import ROOT

ANSWER_SECONDS_MAX = 60
_LINE_BYTES_MAX = 64 * 1024 * 1024
_ANSWER_FIELDS = frozenset({"ok", "error", "unsupported", "failure"})
PROTOCOL = 1

# What clients would take from the environment is the business of each test.
_AROUND = {name: value for name, value in os.environ.items() if not name.startswith("EVERLOG_")}


class RunnerError(Exception):
    """The runner broke the protocol, or its client failed in a way that is none of its errors."""


class UnsupportedError(Exception):
    """The client has no such thing."""


class Runner:
    """A runner's process. It is used by one task at a time."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def ask(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a command, and return its answer: `{"ok": …}` or `{"error": …}`."""
        assert self._process.stdin is not None
        line = json.dumps({"command": command, **arguments}, ensure_ascii=True)
        self._process.stdin.write(line.encode() + b"\n")
        try:
            await self._process.stdin.drain()
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self._answer()
        except (TimeoutError, ConnectionError) as error:
            raise RunnerError(f"no answer to {line[:2000]}: {error!r}\n{self.said}") from error

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RunnerError(f"it has ended\n{self.said}")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise RunnerError(f"no JSON: {line[:2000]!r}") from error
        if not isinstance(answer, dict) or len(answer) != 1 or not answer.keys() <= _ANSWER_FIELDS:
            raise RunnerError(f"an answer has one of {sorted(_ANSWER_FIELDS)}: {line[:2000]!r}")
        if "failure" in answer:
            raise RunnerError(f"{answer['failure']}\n{self.said}")
        if "unsupported" in answer:
            raise UnsupportedError(answer["unsupported"])
        return answer

    @property
    def said(self) -> str:
        """The end of what it wrote to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    async def kill(self) -> None:
        """End it at once."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def end(self) -> int:
        """End its input, and return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise RunnerError(f"it did not end within 10 s of its input\n{self.said}") from None


@asynccontextmanager
async def running(
    command: list[str], log: Path, *, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Runner]:
    """A runner that has said hello; leaving proves that it ends by itself with its input.

    `environment` is what it finds there of everlog, beside what there is anyway.
    """
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**_AROUND, "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=_LINE_BYTES_MAX,
        )
    runner = Runner(process, log)
    try:
        hello = (await runner.ask("hello", {})).get("ok", {})
        if hello.get("protocol") != PROTOCOL:
            raise RunnerError(f"it speaks protocol {hello.get('protocol')}, expected {PROTOCOL}")
        yield runner
    except BaseException:
        await runner.kill()
        raise
    code = await runner.end()
    if code != 0:
        raise RunnerError(f"it ended with exit code {code}\n{runner.said}")
