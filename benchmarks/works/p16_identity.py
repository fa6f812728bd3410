"""P16: calls with identity and row-level security, beside the same calls without both.

The one server asks for a token, looks every event up in the rights of its caller, and reads through
the policies. The other is open, and the policies of its tables are switched off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Series
from benchmarks.processes import ROOT, LoadFailed, Service, run_load
from benchmarks.sides.servers import check_stored, fresh_everlog
from benchmarks.works.p6_latency import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = 0.9
IN_FLIGHT = 64
UNARY_EVENTS = 8_000
BULK_EVENTS = 60_000
BATCH_EVENTS = 1_000
CALLS = 600
LISTED = 100
BULK = {"batch_events": BATCH_EVENTS, "streams": 4, "in_flight": 4, "payload_bytes": 48}

_WITHOUT_POLICIES = """
DO $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', one);
    END LOOP;
END $$
"""


@contextmanager
def guarded(bench: Bench) -> Iterator[tuple[Service, str, str]]:
    """A server that asks who calls, its database's name, and a token."""
    cluster = bench.embedded
    with fresh_everlog(cluster, "--identity-mode", "required") as (service, database):
        command = ["tokens", "create", "bench", "--role", "emit", "--role", "read"]
        made = subprocess.run(
            [sys.executable, "-m", "everlog_server", *command, "--direct", "--json"],
            env={**os.environ, "EVERLOG_DATABASE_URL": cluster.url(database)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise LoadFailed(f"no token: {made.stderr.strip()}")
        yield service, database, json.loads(made.stdout)["secret"]


@contextmanager
def unguarded(bench: Bench) -> Iterator[tuple[Service, str]]:
    """A server that asks nobody, and its database's name."""
    cluster = bench.embedded
    with fresh_everlog(cluster, "--identity-mode", "open") as (service, database):
        cluster.execute(_WITHOUT_POLICIES, database)
        yield service, database


def run(bench: Bench) -> Iterator[Comparison]:
    told: dict[str, Any]
    for payload_bytes in PAYLOADS:
        label = f"unary Emit, {IN_FLIGHT} in flight, {size_name(payload_bytes)}"
        told = {"count": bench.sized(UNARY_EVENTS), "in_flight": IN_FLIGHT}
        yield throughput(bench, label, "everlog_unary", told | {"payload_bytes": payload_bytes})
    told = {"count": bench.sized(BULK_EVENTS, multiple_of=BATCH_EVENTS), **BULK}
    yield throughput(bench, f"requests of {BATCH_EVENTS:,} events, 48 B", "everlog_bulk", told)
    yield from latencies(bench)


def throughput(bench: Bench, label: str, load: str, told: dict[str, Any]) -> Comparison:
    """Emits, as many as can be."""
    count = told["count"]
    with guarded(bench) as (ours, database, token), unguarded(bench) as (theirs, _):
        with_both, without = bench.alternate(
            label,
            ("guarded", lambda: run_load(ours, load, told | {"token": token}, expected=count)),
            ("open", lambda: run_load(theirs, load, told, expected=count)),
        )
        check_stored(bench.embedded, database, count * len(with_both))
    series = Series("guarded", with_both), Series("open", without)
    return Comparison("P16", label, "events/s", *series, TARGET)


def latencies(bench: Bench) -> Iterator[Comparison]:
    """One call in flight."""
    load = "everlog_latency"
    with guarded(bench) as (ours, database, token), unguarded(bench) as (theirs, _):
        bench.say("identity: filling")
        filling: dict[str, Any] = BULK | {"count": STORED}
        for service, told in ((ours, filling | {"token": token}), (theirs, filling)):
            run_load(service, "everlog_bulk", told, expected=STORED)
        check_stored(bench.embedded, database, STORED)
        for kind, events in (("query", LISTED), ("replay", LISTED), ("emit", 1)):
            calls = bench.sized(CALLS)
            told = {"calls": calls, "payload_bytes": 48, "kind": kind, "events": events}
            label = f"{kind.capitalize()} of {events}, 48 B"
            with_both, without = bench.alternate(
                label,
                (
                    "guarded",
                    partial(run_load, ours, load, told | {"token": token}, expected=calls * events),
                ),
                ("open", partial(run_load, theirs, load, told, expected=calls * events)),
            )
            series = Series("guarded", with_both, "p50_ms"), Series("open", without, "p50_ms")
            yield Comparison("P16", label, "ms (p50)", *series, 1 / TARGET, "at most")


WORK = Work("P16", "identity and row-level security", run)
