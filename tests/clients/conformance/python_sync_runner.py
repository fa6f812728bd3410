"""The synchronous Python client's runner: obeys the suite, as README.md beside it says."""

from __future__ import annotations

import json
import platform
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
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


class Runner:
    """One method a command."""

    def __init__(self) -> None:
        self._client: everlog.SyncClient | None = None
        self._subscriptions: dict[str, everlog.SyncSubscription[Any]] = {}

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
        self._client = everlog.connect_sync(**settings)
        return {}

    def close(self) -> Json:
        for name in list(self._subscriptions):
            self.subscribe_close(name)
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
