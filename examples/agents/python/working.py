"""What the agents have in common: how they are started, and how they speak.

An agent never changes anything but by an event. Each event says which one caused it, shares that
one's correlation, and has a key that is derived from it: whoever handles the same event twice says
the same thing once.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import everlog
from everlog import Client, ConsumerSettings, Event, RecordedEvent
from everlog.address import DEFAULT_URL

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def caused_by(
    cause: RecordedEvent, event_type: str, *, actor: str, step: str, **fields: Any
) -> Event:
    """Make an event that follows from another one; `step` tells it from others that do."""
    return Event(
        event_type,
        actor=actor,
        causation_id=cause.event_id,
        correlation_id=cause.correlation_id or cause.event_id,
        idempotency_key=f"{actor}/{step}/{cause.event_id}",
        **fields,
    )


def start(name: str, run: Callable[[Client], Awaitable[None]]) -> None:
    """Run an agent until it is stopped; end the process with a word when it fails."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)

    async def connected() -> None:
        async with everlog.connect(
            os.environ.get("EVERLOG_URL", DEFAULT_URL),
            tenant=os.environ.get("EVERLOG_TENANT", "default"),
        ) as client:
            await run(client)

    try:
        asyncio.run(connected())
    except everlog.EverlogError as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


async def take_part(
    client: Client,
    consumer: str,
    handlers: Mapping[str, everlog.Handler],
    *,
    event_types: tuple[str, ...],
    concurrency: int = 10,
) -> None:
    """Create the consumer, if need be, and handle its events until a signal."""
    settings = ConsumerSettings(filter=everlog.Filter(event_types=event_types))
    await client.create_consumer(consumer, settings)
    say(f"{consumer} is at work")
    await client.consume(consumer, handlers, concurrency=concurrency).run(signals=STOP_SIGNALS)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Make the parser of an agent's command line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
