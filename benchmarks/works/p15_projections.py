"""P15: a projection of one statement catches up with a log.

Beside an INSERT … SELECT loop over windows, written by hand, which adds up a whole window in one
statement (a projection runs its statement for each event: what it may say is not bounded by what
can be said of a set); and beside a loop in psycopg that reads the rows and sends them back.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Finding, Reading, Run, Series
from benchmarks.processes import run_load
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 200_000
WINDOW = 5_000
PAYLOAD_BYTES = 48
TARGET_RATE = 20_000


def run(bench: Bench) -> Iterator[Finding]:
    events = bench.sized(EVENTS, multiple_of=WINDOW)
    numbers = count(1)
    with fresh_everlog(bench.embedded) as (everlog, database):
        bench.say("projections: filling")
        told = {"count": events, "batch_events": 1_000, "payload_bytes": PAYLOAD_BYTES}
        run_load(everlog, "everlog_bulk", told | {"streams": 4, "in_flight": 4}, expected=events)
        check_stored(bench.embedded, database, events)
        bench.embedded.execute("VACUUM ANALYZE everlog.events", database)

        def measure(kind: str) -> Run:
            one = {
                "kind": kind,
                "database_url": bench.embedded.url(database),
                "name": f"run_{next(numbers)}",
                "count": events,
                "window": WINDOW,
            }
            return run_load(everlog, "everlog_projection", one, expected=events)

        label = f"catching up with {events:,} events"
        ours, by_set, by_rows = bench.alternate(
            label,
            ("projection", lambda: measure("projection")),
            ("INSERT … SELECT", lambda: measure("insert_select")),
            ("psycopg", lambda: measure("psycopg")),
        )
    side = Series("projection", ours)
    # Any ratio meets the target: they are reported.
    for name, runs in (("INSERT … SELECT a window", by_set), ("psycopg, executemany", by_rows)):
        yield Comparison("P15", label, "events/s", side, Series(name, runs), 0.0)
    yield Reading("P15", label, "events/s", side.median, TARGET_RATE, "at least")


WORK = Work("P15", "a projection that catches up", run)
