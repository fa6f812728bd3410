"""P9: unary append beside event stores that live in PostgreSQL, with 16 and 64 clients.

All three on the same PostgreSQL (Debian's: message-db needs pgcrypto), one event to a call.
everlog: unary Emits, with the RPC layer and its Python client. message-db: `write_message`, called
by pgbench, with no RPC layer and a client in C. eventsourcing: its recorder's insert_events, with
no RPC layer, on threads of one Python process.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.processes import Service, check_count, run_load
from benchmarks.sides.message_db import install_message_db
from benchmarks.sides.peers import message_db, python_peers
from benchmarks.sides.servers import check_stored, fresh_everlog

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 3_200
CLIENTS = (16, 64)
MESSAGE_DB_TARGET = 1.3
EVENTSOURCING_TARGET = 3.0


def run(bench: Bench) -> Iterator[Comparison]:
    message_db()
    python_peers()
    for clients, payload_bytes in product(CLIENTS, PAYLOADS):
        yield from compare(bench, clients, payload_bytes)


def compare(bench: Bench, clients: int, payload_bytes: int) -> Iterator[Comparison]:
    cluster = bench.debian
    count = bench.sized(EVENTS, multiple_of=64)
    told = {"count": count, "clients": clients, "in_flight": clients, "batch_events": 1}
    told["payload_bytes"] = payload_bytes
    peer = Service(cluster.socket_dir, None, cluster.pid)
    label = f"unary append, {clients} clients, {size_name(payload_bytes)}"

    with (
        fresh_everlog(cluster) as (everlog, database),
        cluster.database() as messages,
        cluster.database() as recorder,
    ):
        install_message_db(cluster, messages)

        def write_message() -> Run:
            pgbench = str(cluster.programs / "pgbench")
            one = {**told, "database": messages, "pgbench": pgbench}
            return run_load(peer, "message_db_write", one, expected=count)

        def record() -> Run:
            one = {**told, "database": recorder}
            python = str(python_peers() / "python")
            return run_load(peer, "eventsourcing_append", one, python=python, expected=count)

        ours, written, recorded = bench.alternate(
            label,
            ("everlog", lambda: run_load(everlog, "everlog_unary", told, expected=count)),
            ("message-db", write_message),
            ("eventsourcing", record),
        )
        check_stored(cluster, database, count * len(ours))
        for name, table in ((messages, "message_store.messages"), (recorder, "stored_events")):
            found = int(cluster.execute(f"SELECT count(*) FROM {table}", name))
            check_count(f"rows in {table}", found, count * len(ours))
    sides = (
        ("message-db", written, MESSAGE_DB_TARGET),
        ("eventsourcing", recorded, EVENTSOURCING_TARGET),
    )
    for name, runs, target in sides:
        yield Comparison(
            "P9", label, "events/s", Series("everlog", ours), Series(name, runs), target
        )


WORK = Work("P9", "unary append beside stores in PostgreSQL", run)
