"""P3: bulk. Requests of 1,000 events on 4 streams, beside raw COPY and beside UmaDB.

COPY: the very rows that everlog has stored, prebuilt in binary form, batches of 1,000, into the
same table with the same indexes, in the same PostgreSQL. UmaDB: 8 clients that append 1,000 events
at a time. All events are built before the clock runs. Every round begins with an empty log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Service, run_load
from benchmarks.sides.peers import PeerMissing, python_peers
from benchmarks.sides.servers import check_stored, fresh_everlog, uma_server

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 1_000
STREAMS = 4
IN_FLIGHT = 4
UMA_CLIENTS = 8
EVENTS = {48: 160_000, 1024: 48_000}
COPY_TARGET = 0.85
UMA_TARGET = 0.35


def run(bench: Bench) -> Iterator[Comparison]:
    for payload_bytes in PAYLOADS:
        yield from compare(bench, payload_bytes)


def compare(bench: Bench, payload_bytes: int) -> Iterator[Comparison]:
    count = bench.sized(EVENTS[payload_bytes], multiple_of=BATCH * UMA_CLIENTS)
    label = f"bulk, {STREAMS} streams of {BATCH:,}, {size_name(payload_bytes)}"
    told = {"count": count, "batch_events": BATCH, "payload_bytes": payload_bytes}
    copies: list[Run] = []

    def emit_and_copy() -> Run:
        with fresh_everlog(bench.embedded) as (everlog, database):
            streams = {**told, "streams": STREAMS, "in_flight": IN_FLIGHT}
            found = run_load(everlog, "everlog_bulk", streams, expected=count)
            check_stored(bench.embedded, database, count)
            bench.say(f"{label}: COPY")
            copies.append(copy(bench, database, count))
        return found

    def append_to_uma() -> Run:
        python = str(python_peers() / "python")
        with uma_server() as uma:
            clients = {**told, "clients": UMA_CLIENTS}
            return run_load(uma, "uma_append", clients, python=python, expected=count)

    try:
        python_peers()
    except PeerMissing:
        bench.alternate(label, ("everlog", emit_and_copy))
        raise
    ours, theirs = bench.alternate(label, ("everlog", emit_and_copy), ("UmaDB", append_to_uma))
    everlog_side = Series("everlog", ours)
    for name, runs, target in (("COPY", copies, COPY_TARGET), ("UmaDB", theirs, UMA_TARGET)):
        yield Comparison("P3", label, "events/s", everlog_side, Series(name, runs), target)


def copy(bench: Bench, source: str, count: int) -> Run:
    cluster = bench.embedded
    with cluster.database(migrated=True) as target:
        service = Service(cluster.url(target), None, cluster.pid)
        told = {"source": cluster.url(source), "count": count, "batch_events": BATCH}
        return run_load(service, "copy_rows", told, expected=count)


WORK = Work("P3", "bulk beside raw COPY and UmaDB", run)
