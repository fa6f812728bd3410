"""A replay of the whole log through our Python client.

Parameters: address, count, mode. `batches`: takes the messages as they come, and counts their
events. `events`: takes each event, and reads its position and payload. Positions must rise without
a hole.
"""

from __future__ import annotations

import uvloop

import everlog
from benchmarks.loads import common


async def by_batches(client: everlog.Client) -> int:
    count = 0
    async for batch in client.replay_batches():
        count += len(batch.events)
        assert not batch.events or batch.events[-1].position == count
    return count


async def by_events(client: everlog.Client) -> tuple[int, int]:
    count = characters = 0
    async for event in client.replay():
        count += 1
        assert event.position == count
        characters += len(event.json or "")
    return count, characters


async def main() -> None:
    told = common.parameters()
    async with everlog.connect(told["address"]) as client:
        await client.head()
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        if told["mode"] == "batches":
            stopwatch.report(await by_batches(client))
        else:
            count, characters = await by_events(client)
            stopwatch.report(count, payload_bytes=characters)


if __name__ == "__main__":
    uvloop.run(main())
