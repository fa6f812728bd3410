"""Threads that append to UmaDB, each with a client of its own. Runs in the peers' Python.

Parameters: address, count, clients, batch_events, payload_bytes. No two answers may name the same
position; the log's head must have grown by the number of events.
"""

from __future__ import annotations

import threading

import umadb  # type: ignore[import-not-found]

from benchmarks.loads import common


def make_batches(count: int, batch_events: int, payload_bytes: int) -> list[list[umadb.Event]]:
    """The events, prebuilt; the aggregate is a tag."""
    events = [
        umadb.Event(
            common.EVENT_TYPE,
            common.payload(payload_bytes, number).encode(),
            tags=[f"{common.AGGREGATE_TYPE}:{common.aggregate_id(number)}"],
        )
        for number in range(count)
    ]
    return [events[start : start + batch_events] for start in range(0, count, batch_events)]


def main() -> None:
    told = common.parameters()
    batches = make_batches(told["count"], told["batch_events"], told["payload_bytes"])
    clients = [umadb.Client(f"http://{told['address']}") for _ in range(told["clients"])]
    before = max(client.head() or 0 for client in clients)
    answers: list[list[int]] = [[] for _ in clients]
    shares = [batches[place :: len(clients)] for place in range(len(clients))]

    def work(place: int) -> None:
        append, found = clients[place].append, answers[place]
        for batch in shares[place]:
            found.append(append(batch))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(clients))]
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    positions = {position for found in answers for position in found}
    assert len(positions) == len(batches), (len(positions), len(batches))
    stopwatch.report(clients[0].head() - before)


if __name__ == "__main__":
    main()
