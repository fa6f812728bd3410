"""P6: latency with one call in flight: Emit, Query of 100, Replay of 100, beside the bare echo.

Each call is timed by a client that does nothing else. Beside the ratios of the medians stand the
absolute figures, with the limits that seed 002 names.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work, size_name
from benchmarks.figures import Comparison, Finding, Reading, Run, Series
from benchmarks.loads.common import AGGREGATES
from benchmarks.processes import Service, run_load
from benchmarks.sides.servers import check_stored, echo_server, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CALLS = 600
LISTED = 100
STORED = AGGREGATES * LISTED
READ_TARGET = 6.0
EMIT_TARGET = 2.2


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of call."""

    load: str
    name: str
    events: int
    limit_ms: float
    target: float | None
    """Beside the echo."""


KINDS = (
    Kind("query", f"Query of {LISTED}", LISTED, 100, READ_TARGET),
    Kind("replay", f"Replay of {LISTED} to state", LISTED, 200, READ_TARGET),
    # Last: the others read a log that stands still.
    Kind("emit", "Emit", 1, 10, EMIT_TARGET),
)
# With 1 KiB, a page ends before it has so many: at 1 MiB.
SMALL_ONLY = Kind("query", "Query of 1,000", 1_000, 500, None)


def run(bench: Bench) -> Iterator[Finding]:
    yield from compare(bench, 48, (SMALL_ONLY, *KINDS))
    yield from compare(bench, 1024, KINDS)


def compare(bench: Bench, payload_bytes: int, kinds: Iterable[Kind]) -> Iterator[Finding]:
    with fresh_everlog(bench.embedded) as (everlog, database), echo_server() as echo:
        bench.say("latency: filling")
        told = {"count": STORED, "batch_events": 1_000, "payload_bytes": payload_bytes}
        told |= {"streams": 4, "in_flight": 4}
        run_load(everlog, "everlog_bulk", told, expected=STORED)
        check_stored(bench.embedded, database, STORED)
        bench.embedded.execute("VACUUM ANALYZE everlog.events", database)
        for kind in kinds:
            yield from compare_kind(bench, kind, payload_bytes, everlog, echo)


def compare_kind(
    bench: Bench, kind: Kind, payload_bytes: int, everlog: Service, echo: Service
) -> Iterator[Finding]:
    calls = bench.sized(CALLS)
    told = {"calls": calls, "payload_bytes": payload_bytes}

    def call() -> Run:
        one = {**told, "kind": kind.load, "events": kind.events}
        return run_load(everlog, "everlog_latency", one, expected=calls * kind.events)

    def call_echo() -> Run:
        one = {**told, "kind": "emit", "events": 1}
        return run_load(echo, "everlog_latency", one, expected=calls)

    label = f"{kind.name}, {size_name(payload_bytes)}"
    ours, theirs = bench.alternate(label, ("everlog", call), ("echo", call_echo))
    side = Series("everlog", ours, "p50_ms")
    if kind.target is not None:
        peer = Series("grpc.aio echo", theirs, "p50_ms")
        yield Comparison("P6", label, "ms (p50)", side, peer, kind.target, "at most")
    p99 = statistics.median(run.details["p99_ms"] for run in ours)
    yield Reading("P6", f"{label}, p50", "ms", side.median, kind.limit_ms)
    yield Reading("P6", f"{label}, p99", "ms", p99, kind.limit_ms)


WORK = Work("P6", "latency with one call in flight", run)
