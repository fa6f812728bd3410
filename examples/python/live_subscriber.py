"""A live subscriber: follows all orders, and keeps a running total of what was paid.

What it has counted and where it is are one small file, so it goes on where it was, whenever and
however it ended, and counts nothing twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import everlog


@dataclass(slots=True)
class Totals:
    """What was counted, and up to which event: saved together, so that they always agree."""

    position: int = 0
    event_id: str = ""
    """Of the event at that position: another log, or a restored one, has another event there."""

    placed: int = 0
    paid: int = 0
    rejected: int = 0
    paid_cents: int = 0

    def add(self, event: everlog.RecordedEvent) -> None:
        """Count one event."""
        match event.event_type:
            case "order.placed":
                self.placed += 1
            case "order.paid":
                self.paid += 1
                self.paid_cents += event.data["amount_cents"]
            case "order.rejected":
                self.rejected += 1
        self.position, self.event_id = event.position, event.event_id

    def save(self, file: Path) -> None:
        """Replace the file as a whole: whoever is killed leaves the old one or the new one."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(file)


def main() -> None:
    """Follow the orders until Ctrl-C, or so many events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cursor-file", type=Path, default=Path("live_subscriber.json"))
    parser.add_argument("--after", type=int, metavar="POSITION", help="count anew from there")
    parser.add_argument("--events", type=int, metavar="N", help="end after so many events")
    arguments = parser.parse_args()
    file: Path = arguments.cursor_file
    totals = Totals()
    if arguments.after is not None:
        totals.position = arguments.after
    elif file.exists():
        totals = Totals(**json.loads(file.read_text()))
    try:
        asyncio.run(follow(totals, file, arguments.events))
    except KeyboardInterrupt:
        pass  # every event that was counted is saved already
    except (everlog.LogDiverged, everlog.CursorBeyondHead) as error:
        # The server's database came back from a backup, or it is another server's.
        sys.exit(f"live_subscriber: {error}\nDelete {file} to count the log that is there now.")
    except everlog.EverlogError as error:
        sys.exit(f"live_subscriber: {error}")
    print(f"ended after position {totals.position}")


async def follow(totals: Totals, file: Path, events_max: int | None) -> None:
    """Count what comes: first what is stored already, then what is live."""
    url = os.environ.get("EVERLOG_URL", everlog.DEFAULT_URL)
    tenant = os.environ.get("EVERLOG_TENANT", "default")
    async with (
        everlog.connect(url, tenant=tenant) as client,
        client.subscribe(
            after_position=totals.position,
            after_event_id=totals.event_id,
            filter=everlog.Filter(event_types=["order.*"]),
            marks=True,
            on_interruption=tell_interruption,
        ) as subscription,
    ):
        counted = 0
        async for item in subscription:
            if isinstance(item, everlog.CaughtUp):
                print(f"caught up at {item.position}", flush=True)
            elif isinstance(item, everlog.RecordedEvent):
                totals.add(item)
                totals.save(file)
                show(item, totals)
                counted += 1
                if counted == events_max:
                    return


def show(event: everlog.RecordedEvent, totals: Totals) -> None:
    """Print an event, and the totals with it."""
    print(
        f"{event.position} {event.aggregate} {event.event_type}:"
        f" {totals.placed} placed, {totals.rejected} rejected,"
        f" {totals.paid} paid with {totals.paid_cents} cents",
        flush=True,
    )


def tell_interruption(error: everlog.EverlogError, seconds: float) -> None:
    """Print that the server is away; the subscription goes on by itself when it is back."""
    print(f"interrupted, again in {seconds:.1f} s: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
