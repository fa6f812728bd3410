"""One writer of everlog, whose events say when they were sent.

Parameters: address, count, rate (events a second, one by one and on time whatever the answers do;
0: as fast as possible, in requests of 100, four in flight), and payload_bytes.
"""

from __future__ import annotations

import asyncio
import time

import uvloop

import everlog
from benchmarks.loads import common

BATCH = 100
IN_FLIGHT = 4


def make_event(number: int, payload_bytes: int) -> everlog.Event:
    return everlog.Event(
        common.EVENT_TYPE,
        aggregate=(common.AGGREGATE_TYPE, common.aggregate_id(number)),
        json=common.stamped_payload(payload_bytes),
    )


async def write_fast(client: everlog.Client, count: int, payload_bytes: int) -> int:
    starts = iter(range(0, count, BATCH))
    stored = 0

    async def write() -> None:
        nonlocal stored
        for start in starts:
            numbers = range(start, min(start + BATCH, count))
            events = [make_event(number, payload_bytes) for number in numbers]
            receipts = await client.emit_many(events)
            stored += len(receipts)

    await asyncio.gather(*(write() for _ in range(IN_FLIGHT)))
    return stored


async def write_on_time(client: everlog.Client, count: int, payload_bytes: int, rate: float) -> int:
    started = time.monotonic()
    emitting = []
    for number in range(count):
        await asyncio.sleep(max(started + number / rate - time.monotonic(), 0))
        emitting.append(asyncio.ensure_future(client.emit(make_event(number, payload_bytes))))
    return len(await asyncio.gather(*emitting))


async def main() -> None:
    told = common.parameters()
    count, payload_bytes, rate = told["count"], told["payload_bytes"], told["rate"]
    async with everlog.connect(told["address"]) as client:
        await client.head()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        if rate:
            stopwatch.report(await write_on_time(client, count, payload_bytes, rate))
        else:
            stopwatch.report(await write_fast(client, count, payload_bytes))


if __name__ == "__main__":
    uvloop.run(main())
