"""A read of everything in UmaDB through its own client. Runs in the peers' Python.

Parameters: address, count, mode. `batches`: takes batches as they come, and counts their events.
`events`: takes each event, and reads its position and payload. Positions must rise without a hole.
"""

from __future__ import annotations

import umadb  # type: ignore[import-not-found]

from benchmarks.loads import common


def by_batches(client: umadb.Client) -> int:
    count = 0
    response = client.read()
    while batch := response.next_batch():
        count += len(batch)
        assert batch[-1].position == count
    return count


def by_events(client: umadb.Client) -> tuple[int, int]:
    count = characters = 0
    for event in client.read():
        count += 1
        assert event.position == count
        characters += len(event.event.data)
    return count, characters


def main() -> None:
    told = common.parameters()
    client = umadb.Client(f"http://{told['address']}")
    client.head()
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    if told["mode"] == "batches":
        stopwatch.report(by_batches(client))
    else:
        count, characters = by_events(client)
        stopwatch.report(count, payload_bytes=characters)


if __name__ == "__main__":
    main()
