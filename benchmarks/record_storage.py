"""What it costs where PostgreSQL keeps the records: in the row, or out of line (ADR 8).

For each way of storing `events.record`, and each kind of payload (or the kinds that are named):
appends through our own EmitStream, then replays of all of it. CPU seconds are PostgreSQL's; seconds
and megabytes are for 100,000 events.

    .venv/bin/python -m benchmarks.record_storage ["1 KiB random"]
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import statistics
import sys
import time

import everlog
from benchmarks.processes import Service, cpu_seconds, run_load
from benchmarks.sides.clusters import Cluster, embedded_cluster
from benchmarks.sides.servers import everlog_server

BATCH = 500
REPLAYS = 4
RECORD = "ALTER TABLE everlog.events ALTER COLUMN record SET"
TARGET = "ALTER TABLE everlog.events SET (toast_tuple_target = {})"
WAYS = {
    "EXTERNAL": [f"{RECORD} STORAGE EXTERNAL", TARGET.format(2032)],
    "EXTERNAL, toast_tuple_target 4080": [f"{RECORD} STORAGE EXTERNAL", TARGET.format(4080)],
    "EXTERNAL, toast_tuple_target 8160": [f"{RECORD} STORAGE EXTERNAL", TARGET.format(8160)],
    "MAIN": [f"{RECORD} STORAGE MAIN", TARGET.format(2032)],
    "EXTENDED (pglz)": [f"{RECORD} STORAGE EXTENDED", TARGET.format(2032)],
}
PAYLOADS = {
    "1 KiB alike": (1024, 0.0, 20_000),
    "1 KiB random": (1024, 1.0, 20_000),
    "3 KiB half random": (3072, 0.5, 20_000),
    "3 KiB random": (3072, 1.0, 20_000),
    "100 KiB half random": (102_400, 0.5, 1_000),
}
"""Bytes of JSON, the share of it that is random, and how many events."""


def payload(size: int, randomness: float, number: int) -> str:
    """A JSON object of about so many bytes, part of it random text, which can't be compressed."""
    rnd = random.Random(number)
    noise = base64.b64encode(rnd.randbytes(int(size * randomness * 0.74))).decode()
    text = json.dumps({"order": number, "noise": noise})
    return text[:-1] + f', "note": "{"x" * max(0, size - len(text) - 12)}"}}'


async def append(address: str, size: int, randomness: float, count: int) -> None:
    """Appends all events."""
    events = [
        everlog.Event(
            aggregate=("order", f"o-{n % 1000}"),
            event_type="order.created",
            data=json.loads(payload(size, randomness, n)),
        )
        for n in range(count)
    ]
    async with everlog.connect(address) as client:
        stored = 0
        async for _ in client.emit_stream(events, batch_events=BATCH):
            stored += 1
    assert stored == count, stored


def measure(
    cluster: Cluster, statements: list[str], size: int, randomness: float, count: int
) -> list[str]:
    """One way with one kind of payload: a row of figures."""
    per = 100_000 / count
    with (
        cluster.database(migrated=True) as database,
        everlog_server(cluster, database) as service,
    ):
        for statement in statements:
            cluster.execute(statement, database)
        cpu, started = cpu_seconds(cluster.pid), time.monotonic()
        asyncio.run(append(service.address, size, randomness, count))
        seconds, cpu = time.monotonic() - started, cpu_seconds(cluster.pid) - cpu
        cluster.execute("VACUUM ANALYZE everlog.events", database)
        megabytes = int(cluster.execute("SELECT pg_table_size('everlog.events')", database)) / 1e6
        runs = [replay(service, count) for _ in range(REPLAYS)]
    return [
        f"{seconds * per:.1f}",
        f"{cpu * per:.1f}",
        f"{megabytes * per:.0f}",
        f"{statistics.median(run[0] for run in runs):,.0f}",
        f"{statistics.mean(run[1] for run in runs) * per:.2f}",
    ]


def replay(service: Service, count: int) -> tuple[float, float]:
    """Events a second, and PostgreSQL's CPU seconds, of one replay of everything."""
    run = run_load(service, "everlog_replay", {"count": count, "mode": "batches"}, expected=count)
    return count / run.seconds, run.cpu.postgres


def main() -> None:
    print(
        "| payload | record | append, s | its CPU, s | table, MB | replay, events/s | its CPU, s |"
    )
    print("|---|---|---|---|---|---|---|")
    with embedded_cluster() as cluster:
        for kind in sys.argv[1:] or PAYLOADS:
            told = PAYLOADS[kind]
            for way, statements in WAYS.items():
                figures = measure(cluster, statements, *told)
                print(f"| {kind} | {way} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
