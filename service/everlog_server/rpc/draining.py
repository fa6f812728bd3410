"""What is streamed, until the server begins to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from everlog_server.errors import ServerDrainingError

_T = TypeVar("_T")


async def until_drained(items: AsyncGenerator[_T], drain: asyncio.Event) -> AsyncGenerator[_T]:
    """The items; ServerDrainingError once `drain` is set, also while an item is being made.

    Closes `items`, whatever ends it.
    """
    draining = asyncio.create_task(drain.wait())
    try:
        async with aclosing(items):
            while True:
                making = asyncio.create_task(_next(items))
                try:
                    await asyncio.wait((making, draining), return_when=asyncio.FIRST_COMPLETED)
                    if drain.is_set():
                        raise ServerDrainingError
                    item = making.result()
                finally:
                    making.cancel()
                    await asyncio.gather(making, return_exceptions=True)
                if item is None:
                    return
                yield item
    finally:
        draining.cancel()


async def _next(items: AsyncGenerator[_T]) -> _T | None:
    """The next item; None: there is no more."""
    return await anext(items, None)
