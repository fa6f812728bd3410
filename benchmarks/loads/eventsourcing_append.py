"""Threads that insert through `eventsourcing`'s recorder on PostgreSQL. Runs in the peers' Python.

Parameters: address (a socket folder), database, count, clients, batch_events, payload_bytes, and
database_functions (its faster way for large batches; without it, such a batch may hang). Each
thread writes aggregates of its own, with as many connections as threads. The recorder must hand out
as many notification ids as there are events.
"""

from __future__ import annotations

import threading
import uuid
from typing import Any

from eventsourcing.persistence import StoredEvent  # type: ignore[import-not-found]
from eventsourcing.postgres import (  # type: ignore[import-not-found]
    PostgresApplicationRecorder,
    PostgresDatastore,
)

from benchmarks.loads import common


def open_recorder(told: dict[str, Any], *, connections: int) -> Any:
    """A recorder with its table made if missing."""
    datastore = PostgresDatastore(
        told["database"],
        told["address"],
        5432,
        "postgres",
        "",
        pool_size=connections,
        enable_db_functions=told.get("database_functions", False),
    )
    # Before any thread: every call opens the pool, and opening is not made for several at once.
    datastore.pool.open(wait=True)
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    return recorder


def make_batches(told: dict[str, Any]) -> list[list[Any]]:
    """For each thread, its batches."""
    clients, size = told["clients"], told["batch_events"]
    shares: list[list[Any]] = []
    for place in range(clients):
        originators = [uuid.uuid4() for _ in range(max(common.AGGREGATES // clients, 1))]
        events = [
            StoredEvent(
                originators[number % len(originators)],
                number // len(originators) + 1,
                common.EVENT_TYPE,
                common.payload(told["payload_bytes"], number).encode(),
            )
            for number in range(len(range(place, told["count"], clients)))
        ]
        shares.append([events[start : start + size] for start in range(0, len(events), size)])
    return shares


def main() -> None:
    told = common.parameters()
    recorder = open_recorder(told, connections=told["clients"])
    shares = make_batches(told)
    found: list[list[int]] = [[] for _ in shares]

    def work(place: int) -> None:
        for batch in shares[place]:
            found[place].extend(recorder.insert_events(batch))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(shares))]
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stopwatch.report(len({number for numbers in found for number in numbers}))
    recorder.datastore.close()


if __name__ == "__main__":
    main()
