"""`python -m examples.emitters_python [FOLDER …]`: a chat that is also stored, and read back."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from uuid import uuid4

import everlog
from everlog.emitters import persist_events, recorded, world_events
from examples.emitters_python.world import World
from examples.git_history.serving import ServerError, server

WORLD = "line-counting"


def main() -> None:
    """Hold the chat, about the folders that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m examples.emitters_python", description=__doc__)
    parser.add_argument(
        "folders", type=Path, nargs="*", default=[Path("examples"), Path("nowhere")]
    )
    arguments = parser.parse_args()
    logging.basicConfig(format="%(name)s: %(message)s")  # where failures of the storing are told
    try:
        with server() as (url, _):
            asyncio.run(_run(url, arguments.folders))
    except (ServerError, everlog.EverlogError) as error:
        sys.exit(f"emitters: {error}")


async def _run(url: str, folders: list[Path]) -> None:
    chat = str(uuid4())
    world = World()
    world.emitter.add_listener("message", show)
    async with everlog.connect(url) as client:
        before = (await client.head()).position
        async with persist_events(world.emitter, client, world=WORLD) as attachment:
            # Each call of the function is events, too: started, and passed or failed. They go
            # the way of what is emitted, and so keep their place in it.
            count = recorded(
                attachment,
                "lines.count",
                aggregate=("chat", f"{WORLD}/{chat}"),
                arguments=["folder"],
                result=lambda lines: lines,
            )(count_lines)
            await world.run(chat, folders, count)
            await attachment.flush()
            print(f"\nemitted and stored: {attachment.stats.stored} events")
        await read_back(client, chat, after=before)


def show(message: dict[str, str]) -> None:
    """Print a message: an own listener of the world's, which the storing does not delay."""
    print(f"{message['sender']:>8}: {message['content']}")


def count_lines(folder: Path) -> int:
    """Count the lines of all Python files in a folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    return sum(len(path.read_bytes().splitlines()) for path in folder.rglob("*.py"))


async def read_back(client: everlog.Client, chat: str, *, after: int) -> None:
    """Print what is stored of the chat, and of the world beside it."""
    print(f"\nchat {chat}")
    async for event in world_events(client, world=WORLD, chat=chat):
        show_stored(event)
    print(f"\nworld {WORLD}, in no chat")
    async for event in world_events(client, world=WORLD):
        if event.position > after:
            show_stored(event)
    print("\nonly the tools")
    async for event in world_events(client, world=WORLD, chat=chat, types=["tool"], limit=2):
        show_stored(event)


def show_stored(event: everlog.RecordedEvent) -> None:
    """Print one event."""
    text = event.json or ""
    print(f"{event.sequence:>4}  {event.event_type:<20} {event.actor or '-':<14} {text[:60]}")


if __name__ == "__main__":
    main()
