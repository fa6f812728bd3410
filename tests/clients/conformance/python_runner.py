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
from tests.clients.conformance.consuming import Actor, from_delivery, options, to_answer
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
    to_settings,
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


class Consumption:
    """A consumer's events on their way through the suite's handlers."""

    def __init__(self, consuming: everlog.Consuming, actor: Actor) -> None:
        self._consuming = consuming
        self.actor = actor
        self._waiting = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        try:
            await self._consuming.wait()
        except everlog.EverlogError as error:
            self.actor.began.end(error)

    async def stop(self, **options: Any) -> Json:
        await self._consuming.stop(**options)
        await self._waiting
        return {"finished": self._consuming.finished, "abandoned": self._consuming.abandoned}


class Desk:
    """Deliveries that are taken and answered one by one."""

    def __init__(self, deliveries: everlog.Deliveries) -> None:
        self._deliveries = deliveries
        self._held: dict[int, everlog.HeldDelivery] = {}
        deliveries.start()

    async def take(self, count: int, timeout_seconds: float, *, by_position: bool) -> list[Json]:
        taken: list[everlog.HeldDelivery] = []
        try:
            async with asyncio.timeout(timeout_seconds):
                while len(taken) < count:
                    taken.append(await anext(self._deliveries))
        except TimeoutError:
            pass
        except everlog.EverlogError:
            if not taken:
                raise
        self._held |= {one.event.position: one for one in taken}
        if by_position:
            taken.sort(key=lambda one: (one.event.position, one.attempt))
        return [from_delivery(one) for one in taken]

    def answer(self, position: int, answer: Json) -> None:
        to_answer(answer)(self._held[position])

    async def close(self) -> None:
        await self._deliveries.aclose()


class Runner:
    """One method a command."""

    def __init__(self) -> None:
        self._client: everlog.Client | None = None
        self._readers: dict[str, Reader] = {}
        self._consumptions: dict[str, Consumption] = {}
        self._desks: dict[str, Desk] = {}

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
        self._client = await everlog.connect(**to_settings(settings)).__aenter__()
        return {}

    async def close(self) -> Json:
        for name in list(self._readers):
            await self.subscribe_close(name)
        for consumption in self._consumptions.values():
            await consumption.stop(timeout_seconds=0)
        for name in list(self._desks):
            await self.deliveries_close(name)
        self._consumptions.clear()
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

    async def consume_open(
        self,
        consume: str,
        consumer: str,
        handlers: dict[str, list[Json]],
        concurrency: int | None = None,
        stop_timeout_seconds: float | None = None,
    ) -> Json:
        actor = Actor(handlers)
        consuming = self.client.consume(
            consumer,
            actor.asynchronous(),
            on_unsettled=actor.note_refusal,
            **options(concurrency, stop_timeout_seconds),
        )
        consuming.start()
        self._consumptions[consume] = Consumption(consuming, actor)
        return {}

    async def consume_next(
        self, consume: str, count: int, timeout_seconds: float, *, by_position: bool = False
    ) -> Json:
        began = self._consumptions[consume].actor.began
        return {
            "items": await asyncio.to_thread(
                began.take, count, timeout_seconds, by_position=by_position
            )
        }

    async def consume_refusals(self, consume: str, count: int, timeout_seconds: float) -> Json:
        refused = self._consumptions[consume].actor.refused
        return {"items": await asyncio.to_thread(refused.take, count, timeout_seconds)}

    async def consume_release(self, consume: str) -> Json:
        self._consumptions[consume].actor.release()
        return {}

    async def consume_stop(self, consume: str) -> Json:
        return await self._consumptions.pop(consume).stop()

    async def deliveries_open(
        self, deliveries: str, consumer: str, concurrency: int | None = None
    ) -> Json:
        opened = self.client.deliveries(consumer, **options(concurrency))
        self._desks[deliveries] = Desk(opened)
        return {}

    async def deliveries_next(
        self, deliveries: str, count: int, timeout_seconds: float, *, by_position: bool = False
    ) -> Json:
        desk = self._desks[deliveries]
        return {"items": await desk.take(count, timeout_seconds, by_position=by_position)}

    async def deliveries_answer(self, deliveries: str, position: str, answer: Json) -> Json:
        self._desks[deliveries].answer(int(position), answer)
        return {}

    async def deliveries_close(self, deliveries: str) -> Json:
        await self._desks.pop(deliveries).close()
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
