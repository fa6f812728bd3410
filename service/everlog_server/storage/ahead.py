"""One item ahead: while somebody is busy with an item, the next one is being made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

_T = TypeVar("_T")


async def one_ahead(items: AsyncGenerator[_T]) -> AsyncGenerator[_T]:
    """The items. At most one is held that nobody asked for yet; a failure comes in its turn.

    Closes `items`, whatever ends it: what is being made then is cancelled, and waited for.
    """
    async with aclosing(items):
        item = await anext(items, None)
        while item is not None:
            making = asyncio.create_task(_next(items))
            try:
                yield item
                item = await making
            finally:
                making.cancel()
                await asyncio.gather(making, return_exceptions=True)


async def _next(items: AsyncGenerator[_T]) -> _T | None:
    """The next item; None: there is no more."""
    return await anext(items, None)
