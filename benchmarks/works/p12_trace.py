"""P12: Trace of a workflow of 1,000 events, beside a Query of 1,000, with one call in flight.

The workflow's events name two others each, have a cause, and share a correlation id: some 4,000
links. Other events stand before them in the log. Both answers bring 1,000 events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import run_load
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERS = 100_000
EVENTS = 1_000
CALLS = 100
PAYLOAD_BYTES = 48
TARGET = 10.0


def run(bench: Bench) -> Iterator[Comparison]:
    others, calls = bench.sized(OTHERS, multiple_of=1_000), bench.sized(CALLS)
    with fresh_everlog(bench.embedded) as (everlog, database):
        bench.say("trace: filling")
        told = {"count": others, "batch_events": 1_000, "payload_bytes": PAYLOAD_BYTES}
        run_load(everlog, "everlog_bulk", told | {"streams": 4, "in_flight": 4}, expected=others)

        def measure(kind: str) -> Run:
            one = {"kind": kind, "calls": calls, "events": EVENTS}
            return run_load(everlog, "everlog_trace", one, expected=calls * EVENTS)

        measure("query")  # emits the workflow
        check_stored(bench.embedded, database, others + EVENTS)
        for table in ("events", "event_links"):
            bench.embedded.execute(f"VACUUM ANALYZE everlog.{table}", database)
        label = f"Trace of {EVENTS:,} events"
        ours, theirs = bench.alternate(
            label,
            ("Trace", lambda: measure("trace")),
            ("Query", lambda: measure("query")),
        )
    side, peer = Series("Trace", ours, "p50_ms"), Series("Query of 1,000", theirs, "p50_ms")
    yield Comparison("P12", label, "ms (p50)", side, peer, TARGET, "at most")


WORK = Work("P12", "the graph around an event", run)
