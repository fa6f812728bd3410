"""What the Python runners consume: handlers that act as a table says, and what came of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import everlog
from tests.clients.conformance.shapes import Json, from_event


class HandlerFailedError(Exception):
    """What a handler raises that fails by a mistake."""


class Items:
    """What came, in its order, for one reader; put from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: list[Json] = []
        self._error: BaseException | None = None

    def put(self, item: Json) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def end(self, error: BaseException | None) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def take(self, count: int, timeout_seconds: float, *, by_position: bool = False) -> list[Json]:
        """Wait for so many; raises the error that came when nothing is left."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._items) >= count or self._error is not None, timeout_seconds
            )
            taken, self._items = self._items[:count], self._items[count:]
            if self._error is not None and not taken:
                raise self._error
        if by_position:
            taken.sort(key=lambda item: (int(item["event"]["position"]), item["attempt"]))
        return taken


class Actor:
    """Handlers by event type, the calls that they had, and those that hold."""

    def __init__(self, handlers: dict[str, list[Json]]) -> None:
        self.began = Items()
        self.refused = Items()
        self._table = handlers
        self._gate = threading.Condition()
        self._gates = 0

    def asynchronous(self) -> dict[str, everlog.Handler]:
        return {name: self._handler(name, is_async=True) for name in self._table}

    def plain(self) -> dict[str, everlog.Handler]:
        return {name: self._handler(name, is_async=False) for name in self._table}

    def note_refusal(self, delivery: everlog.Delivery, error: everlog.EverlogError) -> None:
        if error.reason:
            position = str(delivery.event.position)
            self.refused.put(
                {"position": position, "attempt": delivery.attempt, "reason": error.reason}
            )

    def release(self) -> None:
        with self._gate:
            self._gates += 1
            self._gate.notify_all()

    def _handler(self, name: str, *, is_async: bool) -> everlog.Handler:
        actions = self._table[name]

        def act(action: Json, gates: int) -> Any:
            match action["action"]:
                case "hold":
                    with self._gate:
                        self._gate.wait_for(lambda: self._gates > gates, 60)
                case "fail":
                    raise HandlerFailedError(action["error"])
                case "ack":
                    pass
                case _:
                    raise to_decision(action)

        def begin(delivery: everlog.Delivery) -> tuple[Json, int]:
            gates = self._gates  # Before it is told: whoever hears of it may release it at once.
            self.began.put({**from_delivery(delivery), "handler": name})
            return actions[min(delivery.attempt, len(actions)) - 1], gates

        def plain(delivery: everlog.Delivery) -> None:
            action, gates = begin(delivery)
            time.sleep(action.get("work_seconds", 0))
            act(action, gates)

        async def asynchronous(delivery: everlog.Delivery) -> None:
            action, gates = begin(delivery)
            await asyncio.sleep(action.get("work_seconds", 0))
            if action["action"] == "hold":
                while self._gates == gates:  # noqa: ASYNC110 - the gate is one for threads, too
                    await asyncio.sleep(0.005)
            else:
                act(action, gates)

        return asynchronous if is_async else plain


def from_delivery(delivery: everlog.Delivery) -> Json:
    """A delivery."""
    return {
        "event": from_event(delivery.event),
        "attempt": delivery.attempt,
        "replayed": delivery.replayed,
    }


def to_decision(action: Json) -> everlog.Decision:
    """A decision, from an action."""
    match action["action"]:
        case "retry":
            return everlog.Retry(action.get("after_seconds"), error=action.get("error", ""))
        case "park":
            return everlog.Park(action["error"])
        case "skip":
            return everlog.Skip()
        case other:
            raise ValueError(f"there is no action {other!r}")


def to_answer(answer: Json) -> Callable[[Any], object]:
    """What a held delivery is told."""
    match answer["action"]:
        case "ack":
            return lambda delivery: delivery.ack()
        case "in_progress":
            return lambda delivery: delivery.in_progress()
        case "release":
            return lambda delivery: delivery.release()
        case "nack" if answer.get("retry_now"):
            return lambda delivery: delivery.nack(everlog.Retry(0, error=answer["error"]))
        case "nack":
            return lambda delivery: delivery.nack(answer["error"])
        case _:
            return lambda delivery: delivery.nack(to_decision(answer))


def options(concurrency: int | None, stop_timeout_seconds: float | None = None) -> dict[str, Any]:
    """The options that are given."""
    given = {"concurrency": concurrency, "stop_timeout_seconds": stop_timeout_seconds}
    return {name: value for name, value in given.items() if value is not None}
