"""A soak: many events through 20 subscribers, slow and restless ones among them; memory is flat.

    .venv/bin/python -m benchmarks.soak --events 2000000

A part of P8 with fewer events; this is the whole, some minutes long. Exit code 1 when a subscriber
missed an event, or memory grew.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from benchmarks.bench import Bench
from benchmarks.processes import Load, check_count, resident_bytes
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from benchmarks.processes import Service

STEADY, SLOW, RECONNECTING = 10, 5, 5
SUBSCRIBERS = STEADY + SLOW + RECONNECTING
LIMIT_MB = 200
GROWTH_MB = 10
PAYLOAD_BYTES = 48
_SAMPLE_SECONDS = 0.25
_SECONDS_MAX = 1_200


class Memory:
    """Samples the memory of a server and all its processes, on a thread, for as long as a block."""

    def __init__(self, pid: int) -> None:
        self.seconds: list[float] = []
        self.mb: list[float] = []
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        started = time.monotonic()
        while not self._is_over.wait(_SAMPLE_SECONDS):
            self.seconds.append(time.monotonic() - started)
            self.mb.append(resident_bytes(self._pid) / 1e6)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of a soak. Every subscriber had every event, in order: else it had failed."""

    events: int
    seconds: float
    mb_max: float
    slope_mb_a_minute: float
    """Of a line through the second half's samples: the ring and the callers' buffers are full."""
    growth_mb: float
    """Of that line, from its beginning to its end."""
    fell_behind: int
    reconnections: int


def soak(everlog: Service, events: int) -> Soaked:
    """Runs one; raises LoadFailed when a count differs."""
    assert everlog.pid is not None
    told = {"address": everlog.address, "count": events}
    kinds = {"steady": STEADY, "slow": SLOW, "reconnecting": RECONNECTING}
    writing = {**told, "rate": 0, "payload_bytes": PAYLOAD_BYTES}
    with (
        Load("everlog_soak", {**told, **kinds}, seconds_max=_SECONDS_MAX) as subscribers,
        Load("everlog_write", writing, seconds_max=_SECONDS_MAX) as writer,
        Memory(everlog.pid) as memory,
    ):
        subscribers.go()
        writer.go()
        check_count("written", int(writer.result()["count"]), events)
        result = subscribers.result()
    check_count("deliveries", int(result["count"]), events * SUBSCRIBERS)
    settled = len(memory.mb) // 2
    seconds, mb = memory.seconds[settled:], memory.mb[settled:]
    slope = statistics.linear_regression(seconds, mb).slope
    return Soaked(
        events=events,
        seconds=result["seconds"],
        mb_max=max(memory.mb),
        slope_mb_a_minute=slope * 60,
        growth_mb=slope * (seconds[-1] - seconds[0]),
        fell_behind=int(result["fell_behind"]),
        reconnections=int(result["reconnections"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--events", type=int, default=2_000_000)
    events = parser.parse_args().events
    with (
        Bench(rounds=1, scale=1.0, say=lambda _: None) as bench,
        fresh_everlog(bench.embedded) as (everlog, database),
    ):
        soaked = soak(everlog, events)
        check_stored(bench.embedded, database, events)
    print(
        f"{events:,} events through {SUBSCRIBERS} subscribers in {soaked.seconds:.0f} s"
        f" ({soaked.reconnections:,} reconnections, {soaked.fell_behind:,} times behind the ring):"
        f"\nat most {soaked.mb_max:.0f} MB, slope {soaked.slope_mb_a_minute:+.2f} MB a minute,"
        f" in all {soaked.growth_mb:+.1f} MB"
    )
    sys.exit(int(soaked.mb_max > LIMIT_MB or soaked.growth_mb > GROWTH_MB))


if __name__ == "__main__":
    main()
