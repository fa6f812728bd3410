"""One writer of UmaDB, whose events say when they were sent. Runs in the peers' Python.

Parameters: as everlog_write. What our client does with tasks, this does with threads: enough of
them that an event is sent on time whatever the answers do.
"""

from __future__ import annotations

import itertools
import threading
import time

import umadb  # type: ignore[import-not-found]

from benchmarks.loads import common

BATCH = 100
THREADS = {"fast": 4, "on_time": 16}


def make_event(number: int, payload_bytes: int) -> umadb.Event:
    return umadb.Event(
        common.EVENT_TYPE,
        common.stamped_payload(payload_bytes).encode(),
        tags=[f"{common.AGGREGATE_TYPE}:{common.aggregate_id(number)}"],
    )


def main() -> None:
    told = common.parameters()
    count, payload_bytes, rate = told["count"], told["payload_bytes"], told["rate"]
    size = 1 if rate else BATCH
    threads_count = THREADS["on_time" if rate else "fast"]
    clients = [umadb.Client(f"http://{told['address']}") for _ in range(threads_count)]
    before = max(client.head() or 0 for client in clients)
    numbers = itertools.count(0, size)  # next() of it is atomic
    started = 0.0

    def write(client: umadb.Client) -> None:
        while (start := next(numbers)) < count:
            if rate:
                time.sleep(max(started + start / rate - time.monotonic(), 0))
            client.append([make_event(start + one, payload_bytes) for one in range(size)])

    threads = [threading.Thread(target=write, args=(client,)) for client in clients]
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stopwatch.report(clients[0].head() - before)


if __name__ == "__main__":
    main()
