"""P4: a replay of everything that is stored, consumed in Python through each side's own client.

Twice: *batches* takes the messages as they come and counts their events; *events* takes each event
and reads its position and payload. Beside UmaDB in both forms; beside `eventsourcing`'s recorder,
which reads pages of 2,000 from PostgreSQL without RPC, where each event is read. The events are
loaded before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Service, run_load
from benchmarks.sides.peers import python_peers
from benchmarks.sides.servers import check_stored, fresh_everlog, uma_server

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = {48: 1_000_000, 1024: 100_000}
UMA_TARGET = 1.0
EVENTSOURCING_TARGET = 5.0
BATCH = 1_000
LOAD_AT_ONCE = 250_000
IN_BULK = {"database_functions": True}


def run(bench: Bench) -> Iterator[Comparison]:
    for payload_bytes, events in EVENTS.items():
        yield from compare(bench, payload_bytes, bench.sized(events, multiple_of=BATCH))


def compare(bench: Bench, payload_bytes: int, count: int) -> Iterator[Comparison]:
    python = str(python_peers() / "python")
    name = size_name(payload_bytes)
    cluster = bench.embedded

    def fill(service: Service, module: str, **told: object) -> None:
        bench.say(f"replay of {count:,}, {name}: {module}")
        interpreter = {} if module.startswith("everlog") else {"python": python}
        for start in range(0, count, LOAD_AT_ONCE):
            part = min(LOAD_AT_ONCE, count - start)
            one = {"count": part, "batch_events": BATCH, "payload_bytes": payload_bytes, **told}
            run_load(service, module, one, expected=part, **interpreter)

    with (
        fresh_everlog(cluster) as (everlog, database),
        uma_server() as uma,
        cluster.database() as recorder_database,
    ):
        recorder = Service(cluster.socket_dir, None, cluster.pid)
        fill(everlog, "everlog_bulk", streams=4, in_flight=4)
        check_stored(cluster, database, count)
        fill(uma, "uma_append", clients=8)
        fill(recorder, "eventsourcing_append", clients=1, database=recorder_database, **IN_BULK)
        for name_ in (database, recorder_database):
            cluster.execute("VACUUM ANALYZE", name_)

        def read(service: Service, module: str, mode: str) -> Run:
            told = {"count": count, "mode": mode, "database": recorder_database}
            interpreter = {} if module.startswith("everlog") else {"python": python}
            found = run_load(service, module, told, expected=count, **interpreter)
            if mode == "events" and found.details["payload_bytes"] != count * payload_bytes:
                raise AssertionError(f"{module} read {found.details['payload_bytes']} bytes")
            return found

        label = f"replay of {count:,} as batches, {name}"
        ours, theirs = bench.alternate(
            label,
            ("everlog", lambda: read(everlog, "everlog_replay", "batches")),
            ("UmaDB", lambda: read(uma, "uma_read", "batches")),
        )
        yield _comparison(label, ours, "UmaDB", theirs, UMA_TARGET)
        label = f"replay of {count:,}, each event, {name}"
        ours, theirs, slower = bench.alternate(
            label,
            ("everlog", lambda: read(everlog, "everlog_replay", "events")),
            ("UmaDB", lambda: read(uma, "uma_read", "events")),
            ("eventsourcing", lambda: read(recorder, "eventsourcing_read", "events")),
        )
        yield _comparison(label, ours, "UmaDB", theirs, UMA_TARGET)
        yield _comparison(label, ours, "eventsourcing", slower, EVENTSOURCING_TARGET)


def _comparison(
    label: str, ours: list[Run], peer: str, theirs: list[Run], target: float
) -> Comparison:
    return Comparison(
        "P4", label, "events/s", Series("everlog", ours), Series(peer, theirs), target
    )


WORK = Work("P4", "replay of a million events", run)
