"""The newest events under a filter, in one answer: page after page of a query, until it is full."""

from __future__ import annotations

import asyncio

from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import EventFilter
from everlog_server.storage.history import History
from everlog_server.storage.pages import PAGE_BYTES_MAX

_SECONDS_MAX = 10.0


async def latest(
    history: History, tenant_id: int, event_filter: EventFilter, *, through: int, limit: int
) -> bytes:
    """The last `limit` events up to a position that match, framed and joined, newest first.

    At most 1 MiB, but one event if there is one. Raises ReadTooExpensiveError after 10 s.
    """
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            return await _latest(history, tenant_id, event_filter, through=through, limit=limit)
    except TimeoutError:
        raise ReadTooExpensiveError from None


async def _latest(
    history: History, tenant_id: int, event_filter: EventFilter, *, through: int, limit: int
) -> bytes:
    parts: list[bytes] = []
    size = 0
    cursor = None
    while limit and size < PAGE_BYTES_MAX:
        page = await history.query(
            tenant_id,
            event_filter,
            newest_first=True,
            cursor=cursor,
            through=through,
            limit=limit,
            bytes_max=PAGE_BYTES_MAX - size,
        )
        if size and size + len(page.records) > PAGE_BYTES_MAX:
            break  # one large event, alone
        parts.append(page.records)
        size += len(page.records)
        limit -= page.events
        if page.is_last:
            break
        cursor = page.examined_position
    return b"".join(parts)
