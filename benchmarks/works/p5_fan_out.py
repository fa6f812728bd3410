"""P5: live fan-out. One writer, 100 subscribers that all get everything, beside UmaDB's subscribe.

*Saturation*: the writer appends as fast as it can; deliveries a second, until the last subscriber
has the last event. *At 500 events/s*: from right before the emit to the subscriber's hands, taken
by 10 of the 100. All subscribers live in one process and the writer in another.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Load, Service, check_count, cpu_seconds, make_run
from benchmarks.sides.peers import python_peers
from benchmarks.sides.servers import check_stored, fresh_everlog, uma_server

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSCRIBERS = 100
SAMPLED = 10
FAST_EVENTS = {48: 10_000, 1024: 4_000}
PACED_EVENTS = 2_500
PACE = 500
TARGET = 1.0


def run(bench: Bench) -> Iterator[Comparison]:
    python_peers()
    for payload_bytes in PAYLOADS:
        yield from compare(bench, payload_bytes)


def compare(bench: Bench, payload_bytes: int) -> Iterator[Comparison]:
    python = str(python_peers() / "python")
    fast = bench.sized(FAST_EVENTS[payload_bytes], multiple_of=100)
    paced = bench.sized(PACED_EVENTS)
    size = size_name(payload_bytes)
    with fresh_everlog(bench.embedded) as (everlog, database), uma_server() as uma:

        def measure(count: int, rate: int) -> list[list[Run]]:
            told = {"count": count, "rate": rate, "payload_bytes": payload_bytes}
            pace = f"{rate} events/s" if rate else "saturation"
            return bench.alternate(
                f"fan-out to {SUBSCRIBERS}, {pace}, {size}",
                ("everlog", lambda: fan_out(everlog, "everlog", told)),
                ("UmaDB", lambda: fan_out(uma, "uma", told, python=python)),
            )

        ours, theirs = measure(fast, 0)
        yield Comparison(
            "P5",
            f"fan-out to {SUBSCRIBERS}, saturation, {size}",
            "deliveries/s",
            Series("everlog", ours),
            Series("UmaDB", theirs),
            TARGET,
        )
        ours, theirs = measure(paced, PACE)
        check_stored(bench.embedded, database, (fast + paced) * len(ours))
    for share in ("p50", "p99"):
        yield Comparison(
            "P5",
            f"emit to delivery at {PACE} events/s, {share}, {size}",
            "ms",
            Series("everlog", ours, f"{share}_ms"),
            Series("UmaDB", theirs, f"{share}_ms"),
            TARGET,
            "at most",
        )


def fan_out(
    service: Service, side: str, work: dict[str, int], *, python: str = sys.executable
) -> Run:
    """One round: subscribers and writer together; both must count what they should."""
    count = work["count"]
    told = {"address": service.address, "subscribers": SUBSCRIBERS, "sampled": SAMPLED, **work}
    with (
        Load(f"{side}_subscribe", told, python=python) as subscribers,
        Load(f"{side}_write", told, python=python) as writer,
    ):
        server, postgres = cpu_seconds(service.pid), cpu_seconds(service.postgres_pid)
        subscribers.go()
        writer.go()
        written = writer.result()
        result = subscribers.result()
        server = cpu_seconds(service.pid) - server
        postgres = cpu_seconds(service.postgres_pid) - postgres
    check_count("written", int(written["count"]), count)
    result["cpu_seconds"] += written["cpu_seconds"]
    return make_run(result, server=server, postgres=postgres, expected=count * SUBSCRIBERS)


WORK = Work("P5", "live fan-out to 100 subscribers", run)
