"""P1: unary Emits of one event, 64 in flight, beside a bare grpc.aio echo of the same messages.

The client is the same program for both. The ratio says what everything beyond RPC costs; on few
cores, everlog's client and PostgreSQL share what the echo has for itself: see the CPU seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Service, run_load
from benchmarks.sides.servers import check_stored, echo_server, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_FLIGHT = 64
EVENTS = 8_000
TARGET = 0.8


def run(bench: Bench) -> Iterator[Comparison]:
    for payload_bytes in PAYLOADS:
        yield compare(bench, payload_bytes)


def compare(bench: Bench, payload_bytes: int) -> Comparison:
    count = bench.sized(EVENTS)
    told = {"count": count, "in_flight": IN_FLIGHT, "payload_bytes": payload_bytes}
    label = f"unary Emit, {IN_FLIGHT} in flight, {size_name(payload_bytes)}"

    def emit(service: Service) -> Run:
        return run_load(service, "everlog_unary", told, expected=count)

    with fresh_everlog(bench.embedded) as (everlog, database), echo_server() as echo:
        ours, theirs = bench.alternate(
            label, ("everlog", lambda: emit(everlog)), ("echo", lambda: emit(echo))
        )
        check_stored(bench.embedded, database, count * len(ours))
    peer = Series("grpc.aio echo", theirs)
    return Comparison("P1", label, "events/s", Series("everlog", ours), peer, TARGET)


WORK = Work("P1", "unary Emit beside a bare echo", run)
