"""P2: 64 concurrent tasks that each await `client.emit(event)`, beside 64 clients of UmaDB.

Our Python client coalesces what is concurrent over one EmitStream. UmaDB's client has one call for
each append; 64 of them, each on a thread of its own, append one event each, again and again, and
its server commits them in groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Series
from benchmarks.processes import run_load
from benchmarks.sides.peers import python_peers
from benchmarks.sides.servers import check_stored, fresh_everlog, uma_server

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLERS = 64
EVENTS = 32_000
TARGET = 1.5


def run(bench: Bench) -> Iterator[Comparison]:
    for payload_bytes in PAYLOADS:
        yield compare(bench, payload_bytes)


def compare(bench: Bench, payload_bytes: int) -> Comparison:
    count = bench.sized(EVENTS, multiple_of=CALLERS)
    told = {"count": count, "tasks": CALLERS, "clients": CALLERS, "batch_events": 1}
    told["payload_bytes"] = payload_bytes
    label = f"{CALLERS} concurrent emits, {size_name(payload_bytes)}"
    python = str(python_peers() / "python")
    with fresh_everlog(bench.embedded) as (everlog, database), uma_server() as uma:
        ours, theirs = bench.alternate(
            label,
            ("everlog", lambda: run_load(everlog, "everlog_coalesced", told, expected=count)),
            ("UmaDB", lambda: run_load(uma, "uma_append", told, python=python, expected=count)),
        )
        check_stored(bench.embedded, database, count * len(ours))
    return Comparison(
        "P2", label, "events/s", Series("everlog", ours), Series("UmaDB", theirs), TARGET
    )


WORK = Work("P2", "concurrent emits through the Python client", run)
