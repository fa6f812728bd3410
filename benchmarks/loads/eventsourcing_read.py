"""A read of all notifications through `eventsourcing`'s recorder. Runs in the peers' Python.

Parameters: address (a socket folder), database, count. Takes pages of 2,000, as large as a batch of
ours, and reads each one's id and state, as a follower does.
"""

from __future__ import annotations

from benchmarks.loads import common
from benchmarks.loads.eventsourcing_append import open_recorder

PAGE = 2_000


def main() -> None:
    told = common.parameters()
    recorder = open_recorder(told, connections=1)
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    count = characters = last = 0
    while page := recorder.select_notifications(last, PAGE, inclusive_of_start=False):
        for notification in page:
            assert notification.id > last
            last = notification.id
            count += 1
            characters += len(notification.state)
    stopwatch.report(count, payload_bytes=characters)
    recorder.datastore.close()


if __name__ == "__main__":
    main()
