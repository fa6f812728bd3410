"""P7: Emit, Replay of one aggregate and Query by type with many events stored, beside few.

Two logs on one PostgreSQL, filled by our own EmitStream (how long that took is a reading of its
own), 5,000,000 events and 50,000. One call in flight; the medians of the times are compared.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Finding, Reading, Run, Series
from benchmarks.processes import Service, run_load
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY, FEW = 5_000_000, 50_000
LOAD_AT_ONCE = 500_000
CALLS = 400
LISTED = 50
"""As many as each aggregate has where there are few."""
PAYLOAD_BYTES = 48
TARGET = 1.25
KINDS = {
    "replay": (f"Replay of {LISTED} of one aggregate", LISTED),
    "query_type": (f"Query of {LISTED} by type", LISTED),
    "emit": ("Emit", 1),
}


def run(bench: Bench) -> Iterator[Finding]:
    many, few = (bench.sized(count, multiple_of=50_000) for count in (MANY, FEW))
    cluster = bench.embedded
    with fresh_everlog(cluster) as (large, full), fresh_everlog(cluster) as (small, scanty):
        fill(bench, small, few)
        started = time.monotonic()
        fill(bench, large, many)
        seconds = time.monotonic() - started
        for database, count in ((scanty, few), (full, many)):
            check_stored(cluster, database, count)
            cluster.execute("VACUUM ANALYZE everlog.events", database)
        yield Reading("P7", f"loading {many:,} events, clients' start included", "s", seconds, None)
        for kind, (name, events) in KINDS.items():
            ours, theirs = bench.alternate(
                name,
                (f"{many:,}", caller(bench, large, kind, events)),
                (f"{few:,}", caller(bench, small, kind, events)),
            )
            yield Comparison(
                "P7",
                f"{name} with {many:,} stored",
                "ms (p50)",
                Series(f"with {many:,}", ours, "p50_ms"),
                Series(f"with {few:,}", theirs, "p50_ms"),
                TARGET,
                "at most",
            )


def caller(bench: Bench, service: Service, kind: str, events: int) -> Callable[[], Run]:
    calls = bench.sized(CALLS)
    told = {"kind": kind, "events": events, "calls": calls, "payload_bytes": PAYLOAD_BYTES}
    return lambda: run_load(service, "everlog_latency", told, expected=calls * events)


def fill(bench: Bench, service: Service, count: int) -> None:
    for start in range(0, count, LOAD_AT_ONCE):
        bench.say(f"loading {count:,} events: {start:,}")
        part = min(LOAD_AT_ONCE, count - start)
        told = {"count": part, "batch_events": 1_000, "streams": 4, "in_flight": 4}
        told["payload_bytes"] = PAYLOAD_BYTES
        run_load(service, "everlog_bulk", told, expected=part)


WORK = Work("P7", "many events stored beside few", run)
