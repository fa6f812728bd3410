"""Subscribers of UmaDB that count what they are sent, each on a thread. In the peers' Python.

Parameters: as everlog_subscribe. UmaDB does not say when a subscription has caught up: an event is
appended before the clock runs, and everyone waits for it.
"""

from __future__ import annotations

import threading

import umadb  # type: ignore[import-not-found]

from benchmarks.loads import common


def main() -> None:
    told = common.parameters()
    client = umadb.Client(f"http://{told['address']}")
    after = client.head() or 0
    arrived = threading.Semaphore(0)
    received = [0] * told["subscribers"]
    latencies: list[float] = []

    def follow(place: int) -> None:
        position = after + 1
        subscription = client.subscribe(after=after)
        next(subscription)
        arrived.release()
        is_sampled = place < told["sampled"]
        for item in subscription:
            position += 1
            assert item.position == position, (item.position, position)
            if is_sampled:
                latencies.append(common.seconds_since_sending(item.event.data))
            if position - after - 1 == told["count"]:
                break
        received[place] = position - after - 1

    threads = [threading.Thread(target=follow, args=(place,)) for place in range(len(received))]
    for thread in threads:
        thread.start()
    client.append([umadb.Event(common.EVENT_TYPE, b"{}")])
    for _ in threads:
        arrived.acquire()
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    for thread in threads:
        thread.join()
    stopwatch.report(sum(received), **common.latency_details(latencies))


if __name__ == "__main__":
    main()
