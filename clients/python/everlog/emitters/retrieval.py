"""What was stored of a world, or of a chat in it, read back in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from everlog.client import Client
from everlog.emitters.naming import world_aggregate
from everlog.errors import NotFound
from everlog.filters import Filter
from everlog.recorded import RecordedEvent


async def world_events(
    client: Client,
    *,
    world: str,
    chat: str | None = None,
    since_sequence: int = 0,
    since_time: datetime | None = None,
    types: Sequence[str] = (),
    limit: int | None = None,
) -> AsyncGenerator[RecordedEvent, None]:
    """Yield the events of a world or of a chat, oldest first; none where nothing was stored.

    Without a chat: the events of the world that belong to none. Only what comes after
    `since_sequence` of the world or the chat; what was recorded at `since_time` or later; of these
    `types` (`sse.end`, `tool.*`, or a kind such as `sse`, for `sse.*`); the first `limit`.

    An interruption is raised: go on after the last event's sequence. With a `SyncClient`, iterate
    over `client.iterate(world_events, world=…)`.
    """
    if isinstance(types, str):
        raise TypeError("types takes a sequence of texts, not one text")
    if limit is not None and limit <= 0:
        return
    events = client.replay(
        world_aggregate(world, chat or None),
        after_sequence=since_sequence,
        filter=Filter(
            event_types=[name if {".", "*"} & {*name} else f"{name}.*" for name in types],
            recorded_from=since_time,
        ),
        max_events=limit or 0,
    )
    async with aclosing(events):
        try:
            async for event in events:
                yield event
        except NotFound:
            return
