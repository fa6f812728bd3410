"""A world of one agent: it is asked about folders, counts their lines of Python, and answers.

It knows nothing of any event store: it emits what happens, for whoever listens in the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pyee.asyncio import AsyncIOEventEmitter

AGENT = "counter"


class World:
    """Emits `message`, `sse`, `world` (tools, and the world's own) and `system`."""

    def __init__(self) -> None:
        self.emitter = AsyncIOEventEmitter()

    async def run(self, chat: str, folders: list[Path], count_lines: Callable[[Path], int]) -> None:
        """Hold a chat about these folders, with this tool."""
        self.emitter.emit("world", {"type": "opened", "messageId": f"{chat}-opened"})
        for folder in folders:
            await self._ask(chat, folder, count_lines)
        note = {"content": f"{len(folders)} questions answered", "timestamp": datetime.now(UTC)}
        self.emitter.emit("system", {**note, "messageId": f"{chat}-end"})

    async def _ask(self, chat: str, folder: Path, count_lines: Callable[[Path], int]) -> None:
        question = self._say(chat, "human", f"How many lines of Python are in {folder}?")
        answer = {"agentName": AGENT, "messageId": str(uuid4()), "chatId": chat}
        self.emitter.emit("sse", {**answer, "type": "start"})
        lines = await self._use_tool(answer, folder, count_lines)
        words = "I could not count them." if lines is None else f"There are {lines:,}."
        for word in words.split():
            self.emitter.emit("sse", {**answer, "type": "chunk", "content": word})
            await asyncio.sleep(0.02)
        usage = {"inputTokens": 12, "outputTokens": len(words.split())}
        self.emitter.emit("sse", {**answer, "type": "end", "usage": usage})
        self._say(chat, AGENT, words, message_id=answer["messageId"], reply_to=question)

    async def _use_tool(
        self, answer: dict[str, str], folder: Path, count_lines: Callable[[Path], int]
    ) -> int | None:
        execution: dict[str, object] = {"toolName": "count_lines", "input": folder}

        def tool(kind: str, **more: object) -> None:
            happened = {"type": kind, "toolExecution": {**execution, **more}}
            self.emitter.emit("world", {**answer, **happened})

        tool("tool-start")
        try:
            lines = await asyncio.to_thread(count_lines, folder)
        except OSError as error:
            tool("tool-error", error=error)
            return None
        tool("tool-result", result=lines)
        return lines

    def _say(
        self, chat: str, sender: str, content: str, *, message_id: str = "", reply_to: str = ""
    ) -> str:
        message_id = message_id or str(uuid4())
        message = {"content": content, "sender": sender, "timestamp": datetime.now(UTC)}
        ids = {"messageId": message_id, "chatId": chat, "replyToMessageId": reply_to or None}
        agent = {"agentName": sender} if sender == AGENT else {}
        self.emitter.emit("message", {**message, **ids, **agent})
        return message_id
