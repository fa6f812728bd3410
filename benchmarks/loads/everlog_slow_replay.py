"""A replay of the whole log by a reader that is slow for a while, and then takes the rest.

Parameters: address, slow_seconds. Positions must rise without a hole.
"""

from __future__ import annotations

import asyncio
import time

import uvloop

import everlog
from benchmarks.loads import common

PAUSE_SECONDS = 0.5


async def main() -> None:
    told = common.parameters()
    async with everlog.connect(told["address"]) as client:
        await client.head()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        slow_until = time.monotonic() + told["slow_seconds"]
        count = 0
        async for batch in client.replay_batches():
            count += len(batch.events)
            assert not batch.events or batch.events[-1].position == count
            if time.monotonic() < slow_until:
                await asyncio.sleep(PAUSE_SECONDS)
        stopwatch.report(count)


if __name__ == "__main__":
    uvloop.run(main())
