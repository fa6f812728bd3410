"""P14: consumers: how fast members acknowledge a backlog, and how soon an event reaches one.

Beside both stands a plain Subscribe of the same events, which keeps no account of anything: what a
consumer costs more is the price of its account. Members answer what each message brought in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Finding, Reading, Run, Series
from benchmarks.processes import run_load
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 50_000
LIVE = 500
LIVE_RATE = 200.0
MEMBERS = (1, 8)
PAYLOAD_BYTES = 48
RATE_TARGET = 0.05
LATENCY_TARGET = 3.0
ROUNDS_MAX = 2
"""A round takes some ten seconds."""


def run(bench: Bench) -> Iterator[Finding]:
    backlog, live = bench.sized(BACKLOG, multiple_of=1_000), bench.sized(LIVE)
    rounds = min(bench.rounds, ROUNDS_MAX)
    with fresh_everlog(bench.embedded) as (everlog, database):
        bench.say("consumers: filling")
        told = {"count": backlog, "batch_events": 1_000, "payload_bytes": PAYLOAD_BYTES}
        run_load(everlog, "everlog_bulk", told | {"streams": 4, "in_flight": 4}, expected=backlog)
        check_stored(bench.embedded, database, backlog)
        bench.embedded.execute("VACUUM ANALYZE everlog.events", database)

        def measure(kind: str, members: int, count: int, rate: float) -> Run:
            one = {"kind": kind, "members": members, "count": count, "rate": rate}
            return run_load(everlog, "everlog_consume", one, expected=count)

        for members in MEMBERS:
            label = f"backlog, {members} member{'s' * (members > 1)}"
            ours, theirs = bench.alternate(
                label,
                ("Consume", lambda n=members: measure("consume", n, backlog, 0)),  # type: ignore[misc]  # a default binds it
                ("Subscribe", lambda: measure("subscribe", 1, backlog, 0)),
                rounds=rounds,
            )
            side, peer = Series("Consume", ours), Series("Subscribe", theirs)
            yield Comparison("P14", label, "events/s", side, peer, RATE_TARGET)
        label = f"emit to handler, {LIVE_RATE:g} events/s"
        ours, theirs = bench.alternate(
            label,
            ("Consume", lambda: measure("consume", 8, live, LIVE_RATE)),
            ("Subscribe", lambda: measure("subscribe", 1, live, LIVE_RATE)),
            rounds=rounds,
        )
        side, peer = Series("Consume", ours, "p50_ms"), Series("Subscribe", theirs, "p50_ms")
        yield Comparison("P14", label, "ms (p50)", side, peer, LATENCY_TARGET, "at most")
        yield Reading("P14", f"{label}, p99", "ms", Series("", ours, "p99_ms").median, 100)


WORK = Work("P14", "durable consumers", run)
