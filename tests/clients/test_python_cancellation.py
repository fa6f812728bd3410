"""A call that fails in the moment in which it is cancelled is cancelled all the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

import everlog

SOON = everlog.Backoff(initial_seconds=0.001, max_seconds=0.002)
EVENT = everlog.Event("a.b", aggregate=("a", "1"), idempotency_key="k")
MOMENTS = [random.Random(n).uniform(0.0, 0.02) for n in range(150)]


async def emit(client: everlog.Client) -> object:
    return await client.emit(EVENT)


async def read(client: everlog.Client) -> object:
    return await client.head()


async def subscribe(client: everlog.Client) -> object:
    async with client.subscribe(from_now=True) as events:
        async for event in events:
            return event
    return None


@pytest.mark.parametrize("call", [emit, read, subscribe])
async def test_a_call_that_is_cancelled_while_attempts_fail_ends(
    call: Callable[[everlog.Client], Awaitable[object]],
) -> None:
    for seconds in MOMENTS:
        async with everlog.connect(
            "127.0.0.1:9", backoff=SOON, connect_timeout_seconds=None
        ) as client:
            task = asyncio.ensure_future(call(client))
            await asyncio.sleep(seconds)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            assert done, f"cancelled after {seconds} s, it went on"
            assert task.cancelled()
            async with asyncio.timeout(5):
                await client.close()
