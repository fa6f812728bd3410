"""Concurrent tasks that each await `client.emit(event)`, through our Python client.

Parameters: address, count, tasks, payload_bytes. Events are made inside the measured time, as a
caller would. No two receipts may have the same position.
"""

from __future__ import annotations

import asyncio

import uvloop

import everlog
from benchmarks.loads import common


async def main() -> None:
    told = common.parameters()
    payloads = [common.payload(told["payload_bytes"], number) for number in range(told["count"])]
    positions: set[int] = set()
    async with everlog.connect(told["address"]) as client:
        await client.head()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        waiting = iter(enumerate(payloads))

        async def caller() -> None:
            for number, payload in waiting:
                event = everlog.Event(
                    common.EVENT_TYPE,
                    aggregate=(common.AGGREGATE_TYPE, common.aggregate_id(number)),
                    json=payload,
                )
                positions.add((await client.emit(event)).position)

        await asyncio.gather(*(caller() for _ in range(told["tasks"])))
        stopwatch.report(len(positions))


if __name__ == "__main__":
    uvloop.run(main())
