"""The Python client's runner: obeys the suite, as README.md beside it says."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
import traceback
from importlib.metadata import version
from typing import Any

import everlog
from tests.clients.conformance.shapes import (
    Json,
    from_error,
    from_event,
    from_head,
    from_item,
    from_outcome,
    from_receipt,
    to_arguments,
    to_event,
    to_expectations,
)


class Reader:
    """Reads ahead of one subscription, so that a time that is over loses nothing."""

    def __init__(self, subscription: everlog.Subscription[Any]) -> None:
        self._subscription = subscription
        self._next: asyncio.Task[Any] | None = None

    async def take(self, count: int, *, timeout_seconds: float) -> list[Json]:
        items: list[Json] = []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while len(items) < count:
            if self._next is None:
                self._next = asyncio.create_task(anext(self._subscription))
            done, _ = await asyncio.wait({self._next}, timeout=max(0.0, deadline - loop.time()))
            if not done or (items and self._next.exception() is not None):
                break
            finished, self._next = self._next, None
            items.append(from_item(finished.result()))
        return items

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._subscription.aclose()


class Runner:
    """One method a command."""

    def __init__(self) -> None:
        self._client: everlog.Client | None = None
        self._readers: dict[str, Reader] = {}

    @property
    def client(self) -> everlog.Client:
        assert self._client is not None, "not connected"
        return self._client

    async def hello(self) -> Json:
        return {
            "protocol": 1,
            "language": "python",
            "client": version("everlog"),
            "runtime": f"Python {platform.python_version()}",
        }

    async def connect(self, **settings: Any) -> Json:
        await self.close()
        self._client = await everlog.connect(**settings).__aenter__()
        return {}

    async def close(self) -> Json:
        for name in list(self._readers):
            await self.subscribe_close(name)
        if self._client is not None:
            await self._client.close()
        self._client = None
        return {}

    async def emit(self, event: Json, expect: list[Json] | None = None) -> Json:
        receipt = await self.client.emit(to_event(event), expect=to_expectations(expect))
        return {"receipt": from_receipt(receipt)}

    async def emit_many(
        self, events: list[Json], expect: list[Json] | None = None, **options: Any
    ) -> Json:
        receipts = await self.client.emit_many(
            [to_event(event) for event in events], expect=to_expectations(expect), **options
        )
        return {"receipts": [from_receipt(receipt) for receipt in receipts]}

    async def emit_stream(self, events: list[Json], **options: Any) -> Json:
        outcomes = self.client.emit_stream([to_event(event) for event in events], **options)
        return {"outcomes": [from_outcome(outcome) async for outcome in outcomes]}

    async def emit_concurrently(self, events: list[Json]) -> Json:
        emits = [asyncio.create_task(self.client.emit(to_event(event))) for event in events]
        outcomes = []
        for index, emit in enumerate(emits):
            try:
                outcomes.append(from_outcome((index, await emit)))
            except everlog.EverlogError as error:
                outcomes.append(from_outcome((index, error)))
        return {"outcomes": outcomes}

    async def get(self, **arguments: Any) -> Json:
        return {"event": from_event(await self.client.get(**to_arguments(arguments)))}

    async def head(self, **arguments: Any) -> Json:
        return from_head(await self.client.head(**to_arguments(arguments)))

    async def query(self, **arguments: Any) -> Json:
        query = self.client.query(**to_arguments(arguments))
        events = [from_event(event) async for event in query]
        answer: Json = {"events": events, "through_position": str(query.through_position)}
        if query.total_size is not None:
            answer["total_size"] = str(query.total_size)
        return answer

    async def replay(self, **arguments: Any) -> Json:
        replay = self.client.replay(**to_arguments(arguments))
        return {"events": [from_event(event) async for event in replay]}

    async def subscribe_open(self, subscription: str, **arguments: Any) -> Json:
        opened = self.client.subscribe(**to_arguments(arguments))
        self._readers[subscription] = Reader(opened)
        return {}

    async def subscribe_next(self, subscription: str, count: int, timeout_seconds: float) -> Json:
        reader = self._readers[subscription]
        return {"items": await reader.take(count, timeout_seconds=timeout_seconds)}

    async def subscribe_close(self, subscription: str) -> Json:
        await self._readers.pop(subscription).close()
        return {}


async def obey(runner: Runner, line: str) -> Json:
    """The answer to one command."""
    arguments = json.loads(line)
    command = getattr(runner, arguments.pop("command"))
    try:
        return {"ok": await command(**arguments)}
    except everlog.EverlogError as error:
        return {"error": from_error(error)}
    except Exception:
        return {"failure": traceback.format_exc()}


async def main() -> None:
    runner = Runner()
    while line := await asyncio.to_thread(sys.stdin.readline):
        answer = await obey(runner, line)
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    await runner.close()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    asyncio.run(main())
