"""P10: several processes on one port, beside one. Their number is that of the cores.

Four client processes, each with 64 concurrent emits of its own. It is only reported: all append to
one log, so what is gained is the RPC layer's part, and only where there are cores to spare.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Load, Service, cpu_seconds, make_run
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 4
EVENTS = 4_000
PAYLOAD_BYTES = 48


def run(bench: Bench) -> Iterator[Comparison]:
    workers = os.cpu_count() or 1
    count = bench.sized(EVENTS)
    label = f"{CLIENTS} clients of 64 emits, {workers} workers beside one"
    with (
        fresh_everlog(bench.embedded, "--workers", str(workers)) as (several, shared),
        fresh_everlog(bench.embedded) as (one, single),
    ):
        ours, theirs = bench.alternate(
            label,
            (f"{workers} workers", lambda: emit(several, count)),
            ("1 worker", lambda: emit(one, count)),
        )
        for database in (shared, single):
            check_stored(bench.embedded, database, count * CLIENTS * len(ours))
    # Any ratio meets the target: the design wants it reported.
    several_side, one_side = Series(f"{workers} workers", ours), Series("1 worker", theirs)
    yield Comparison("P10", label, "events/s", several_side, one_side, 0.0)


def emit(service: Service, count: int) -> Run:
    """All clients together; the time is that of the slowest."""
    told = {"address": service.address, "count": count, "in_flight": 64}
    told["payload_bytes"] = PAYLOAD_BYTES
    with ExitStack() as stack:
        loads = [stack.enter_context(Load("everlog_unary", told)) for _ in range(CLIENTS)]
        server, postgres = cpu_seconds(service.pid), cpu_seconds(service.postgres_pid)
        for load in loads:
            load.go()
        results = [load.result() for load in loads]
        server = cpu_seconds(service.pid) - server
        postgres = cpu_seconds(service.postgres_pid) - postgres
    together = {
        "count": sum(result["count"] for result in results),
        "seconds": max(result["seconds"] for result in results),
        "cpu_seconds": sum(result["cpu_seconds"] for result in results),
    }
    return make_run(together, server=server, postgres=postgres, expected=count * CLIENTS)


WORK = Work("P10", "several workers beside one", run)
