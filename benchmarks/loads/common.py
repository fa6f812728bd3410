"""What all loads share. Only the standard library: some run in the Python of a peer.

A load's one argument is a JSON object of parameters. Its conversation with the harness: it writes
`ready`, reads `go`, and writes the result.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

EVENT_TYPE = "order.created"
AGGREGATE_TYPE = "order"
AGGREGATES = 1_000
"""Events are spread evenly over so many aggregates (streams, tags)."""


def parameters() -> dict[str, Any]:
    """The parameters that this load was started with."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def metadata(told: dict[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """What every call carries: the parameter `token`, if there is one."""
    token = told.get("token")
    return (("authorization", f"Bearer {token}"),) if token else None


def payload(size: int, number: int) -> str:
    """A JSON object of exactly `size` bytes (40 at least), another for each number."""
    text = f'{{"order":{number:08d},"note":""}}'.replace(":0", ":9", 1)
    return text[:-2] + "x" * (size - len(text)) + '"}'


def aggregate_id(number: int) -> str:
    """The aggregate that the event of this number is about."""
    return f"o-{number % AGGREGATES}"


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of all values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def wait_for_go() -> None:
    """Says that everything is prepared, and waits."""
    print("ready", flush=True)
    if sys.stdin.readline() != "go\n":
        sys.exit("the harness is gone")


class Stopwatch:
    """Measures from its making: the time, and the CPU time of this process and its children."""

    def __init__(self) -> None:
        self._cpu = _cpu_seconds()
        self._started = time.perf_counter()
        self._stopped: dict[str, float] = {}

    def stop(self) -> None:
        """Ends the measured time; what comes before the report is not in it."""
        self._stopped = {
            "seconds": time.perf_counter() - self._started,
            "cpu_seconds": _cpu_seconds() - self._cpu,
        }

    def report(self, count: int, **details: float) -> None:
        """Stops, unless that is done, and hands the result to the harness."""
        if not self._stopped:
            self.stop()
        print(json.dumps({"count": count, **self._stopped, **details}), flush=True)


async def report_calls(
    call: Callable[[int], Awaitable[int]], *, warm_up_calls: int, calls: int
) -> None:
    """Makes calls one after the other, and reports their events and how long each has taken.

    `call` gets the number of the call and returns how many events it was about. What warms up comes
    before `ready`, and is not measured.
    """
    for number in range(warm_up_calls):
        await call(number)
    wait_for_go()
    stopwatch = Stopwatch()
    times, events = [], 0
    for number in range(calls):
        started = time.perf_counter()
        events += await call(number)
        times.append(time.perf_counter() - started)
    stopwatch.report(events, **latency_details(times))


def latency_details(seconds: list[float]) -> dict[str, float]:
    """Percentiles, in milliseconds."""
    return {
        "p50_ms": percentile(seconds, 0.5) * 1_000,
        "p99_ms": percentile(seconds, 0.99) * 1_000,
    }


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def stamped_payload(size: int) -> str:
    """A JSON object of exactly `size` bytes (42 at least) that says when it was made."""
    text = f'{{"sent":"{time.monotonic_ns():020d}","note":"'
    return text + "x" * (size - len(text) - 2) + '"}'


def seconds_since_sending(payload_text: str | bytes) -> float:
    """How old a stamped payload is: the clock is one for all processes of a machine."""
    return (time.monotonic_ns() - int(payload_text[9:29])) / 1e9
