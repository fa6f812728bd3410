"""The synchronous Python client's runner: obeys the suite, as README.md beside it says."""

from __future__ import annotations

import json
import platform
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
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


class Consumption:
    """A consumer's events on their way through the suite's handlers."""

    def __init__(self, consuming: everlog.SyncConsuming, actor: Actor) -> None:
        self._consuming = consuming
        self.actor = actor
        self._waiting = threading.Thread(target=self._wait, daemon=True)
        self._waiting.start()

    def _wait(self) -> None:
        try:
            self._consuming.wait()
        except everlog.EverlogError as error:
            self.actor.began.end(error)

    def stop(self, **options: Any) -> Json:
        self._consuming.stop(**options)
        self._waiting.join()
        return {"finished": self._consuming.finished, "abandoned": self._consuming.abandoned}


class Desk:
    """Deliveries that are taken and answered one by one."""

    def __init__(self, deliveries: everlog.SyncDeliveries) -> None:
        self._deliveries = deliveries
        self._held: dict[int, everlog.SyncHeldDelivery] = {}
        deliveries.__enter__()

    def take(self, count: int, timeout_seconds: float, *, by_position: bool) -> list[Json]:
        taken: list[everlog.SyncHeldDelivery] = []
        deadline = time.monotonic() + timeout_seconds
        try:
            while len(taken) < count:
                left = max(0.0, deadline - time.monotonic())
                taken.append(self._deliveries.next(timeout_seconds=left))
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

    def close(self) -> None:
        self._deliveries.close()


class Runner:
    """One method a command."""

    def __init__(self) -> None:
        self._client: everlog.SyncClient | None = None
        self._subscriptions: dict[str, everlog.SyncSubscription[Any]] = {}
        self._consumptions: dict[str, Consumption] = {}
        self._desks: dict[str, Desk] = {}

    @property
    def client(self) -> everlog.SyncClient:
        assert self._client is not None, "not connected"
        return self._client

    def hello(self) -> Json:
        return {
            "protocol": 1,
            "language": "python, synchronous",
            "client": version("everlog"),
            "runtime": f"Python {platform.python_version()}",
        }

    def connect(self, **settings: Any) -> Json:
        self.close()
        self._client = everlog.connect_sync(**to_settings(settings))
        return {}

    def close(self) -> Json:
        for name in list(self._subscriptions):
            self.subscribe_close(name)
        for consumption in self._consumptions.values():
            consumption.stop(timeout_seconds=0)
        for name in list(self._desks):
            self.deliveries_close(name)
        self._consumptions.clear()
        if self._client is not None:
            self._client.close()
        self._client = None
        return {}

    def emit(self, event: Json, expect: list[Json] | None = None) -> Json:
        receipt = self.client.emit(to_event(event), expect=to_expectations(expect))
        return {"receipt": from_receipt(receipt)}

    def emit_many(
        self, events: list[Json], expect: list[Json] | None = None, **options: Any
    ) -> Json:
        receipts = self.client.emit_many(
            [to_event(event) for event in events], expect=to_expectations(expect), **options
        )
        return {"receipts": [from_receipt(receipt) for receipt in receipts]}

    def emit_stream(self, events: list[Json], **options: Any) -> Json:
        outcomes = self.client.emit_stream((to_event(event) for event in events), **options)
        return {"outcomes": [from_outcome(outcome) for outcome in outcomes]}

    def emit_concurrently(self, events: list[Json]) -> Json:
        outcomes = []
        with ThreadPoolExecutor(len(events)) as threads:
            emits = [threads.submit(self.client.emit, to_event(event)) for event in events]
            for index, emit in enumerate(emits):
                try:
                    outcomes.append(from_outcome((index, emit.result())))
                except everlog.EverlogError as error:
                    outcomes.append(from_outcome((index, error)))
        return {"outcomes": outcomes}

    def get(self, **arguments: Any) -> Json:
        return {"event": from_event(self.client.get(**to_arguments(arguments)))}

    def head(self, **arguments: Any) -> Json:
        return from_head(self.client.head(**to_arguments(arguments)))

    def query(self, **arguments: Any) -> Json:
        query = self.client.query(**to_arguments(arguments))
        events = [from_event(event) for event in query]
        answer: Json = {"events": events, "through_position": str(query.through_position)}
        if query.total_size is not None:
            answer["total_size"] = str(query.total_size)
        return answer

    def replay(self, **arguments: Any) -> Json:
        return {"events": [from_event(e) for e in self.client.replay(**to_arguments(arguments))]}

    def subscribe_open(self, subscription: str, **arguments: Any) -> Json:
        self._subscriptions[subscription] = self.client.subscribe(**to_arguments(arguments))
        return {}

    def subscribe_next(self, subscription: str, count: int, timeout_seconds: float) -> Json:
        opened = self._subscriptions[subscription]
        deadline = time.monotonic() + timeout_seconds
        items: list[Json] = []
        while len(items) < count:
            try:
                left = max(0.0, deadline - time.monotonic())
                items.append(from_item(opened.next(timeout_seconds=left)))
            except TimeoutError:
                break
        return {"items": items}

    def subscribe_close(self, subscription: str) -> Json:
        self._subscriptions.pop(subscription).close()
        return {}

    def consume_open(
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
            actor.plain(),
            on_unsettled=actor.note_refusal,
            **options(concurrency, stop_timeout_seconds),
        )
        consuming.start()
        self._consumptions[consume] = Consumption(consuming, actor)
        return {}

    def consume_next(
        self, consume: str, count: int, timeout_seconds: float, *, by_position: bool = False
    ) -> Json:
        began = self._consumptions[consume].actor.began
        return {"items": began.take(count, timeout_seconds, by_position=by_position)}

    def consume_refusals(self, consume: str, count: int, timeout_seconds: float) -> Json:
        return {"items": self._consumptions[consume].actor.refused.take(count, timeout_seconds)}

    def consume_release(self, consume: str) -> Json:
        self._consumptions[consume].actor.release()
        return {}

    def consume_stop(self, consume: str) -> Json:
        return self._consumptions.pop(consume).stop()

    def deliveries_open(
        self, deliveries: str, consumer: str, concurrency: int | None = None
    ) -> Json:
        opened = self.client.deliveries(consumer, **options(concurrency))
        self._desks[deliveries] = Desk(opened)
        return {}

    def deliveries_next(
        self, deliveries: str, count: int, timeout_seconds: float, *, by_position: bool = False
    ) -> Json:
        desk = self._desks[deliveries]
        return {"items": desk.take(count, timeout_seconds, by_position=by_position)}

    def deliveries_answer(self, deliveries: str, position: str, answer: Json) -> Json:
        self._desks[deliveries].answer(int(position), answer)
        return {}

    def deliveries_close(self, deliveries: str) -> Json:
        self._desks.pop(deliveries).close()
        return {}


def obey(runner: Runner, line: str) -> Json:
    """The answer to one command."""
    arguments = json.loads(line)
    command = getattr(runner, arguments.pop("command"))
    try:
        return {"ok": command(**arguments)}
    except everlog.EverlogError as error:
        return {"error": from_error(error)}
    except Exception:
        return {"failure": traceback.format_exc()}


def main() -> None:
    runner = Runner()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(obey(runner, line), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    runner.close()


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
