"""Subscribers of everlog that count what they are sent, all in one process, on one client.

Parameters: address, subscribers, count (events that each must get), sampled (how many of the
subscribers also read the time of sending, see everlog_write). Positions must rise without a hole.
"""

from __future__ import annotations

import asyncio

import uvloop

import everlog
from benchmarks.loads import common


async def main() -> None:
    told = common.parameters()
    count, subscribers, sampled = told["count"], told["subscribers"], told["sampled"]
    latencies: list[float] = []
    caught_up = asyncio.Semaphore(0)

    async def follow(client: everlog.Client, after: int, *, is_sampled: bool) -> int:
        position = after
        async with client.subscribe(after_position=after, marks=True) as subscription:
            async for item in subscription:
                if not isinstance(item, everlog.RecordedEvent):
                    caught_up.release()
                    continue
                position += 1
                assert item.position == position, (item.position, position)
                if is_sampled:
                    latencies.append(common.seconds_since_sending(item.json or ""))
                if position - after == count:
                    break
        return position - after

    async with everlog.connect(told["address"]) as client:
        after = (await client.head()).position
        following = [
            asyncio.ensure_future(follow(client, after, is_sampled=number < sampled))
            for number in range(subscribers)
        ]
        for _ in range(subscribers):
            await caught_up.acquire()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        received = await asyncio.gather(*following)
        stopwatch.report(sum(received), **common.latency_details(latencies))


if __name__ == "__main__":
    uvloop.run(main())
