"""`python -m examples.agents.python.stale_watcher`: says when nothing is heard of an instance.

Of an instance without a heartbeat for 120 s it emits `instance_stale`, once until the next one. The
timers are those of the log: they are derived from each instance's last sign when this starts, and
from every new one; whatever happens to this process, none is lost, and two of it say nothing twice.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import everlog
from everlog import AggregateKey, CaughtUp, Client, Filter, RecordedEvent
from examples.agents.python.working import STOP_SIGNALS, arguments, caused_by, say, start

ACTOR = "agent:stale_watcher"
SIGNS = ("instance_registered", "instance_heartbeat")
"""What shows that an instance is alive."""

WATCHED = (*SIGNS, "instance_stale")


class StaleWatcher:
    """Watches all instances."""

    def __init__(self, client: Client, *, timeout_seconds: float) -> None:
        self._client = client
        self._timeout = timedelta(seconds=timeout_seconds)
        self._last_signs: dict[str, RecordedEvent] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Watch until it is cancelled."""
        subscription = self._client.subscribe(
            from_now=True, filter=Filter(event_types=WATCHED), marks=True
        )
        async with subscription, asyncio.TaskGroup() as tasks:
            async for item in subscription:
                match item:
                    # From here on nothing is missed: now to what was before.
                    case CaughtUp() if not self._changed.is_set():
                        await self._read_log()
                        self._changed.set()
                        tasks.create_task(self._speak())
                        say(f"stale_watcher watches {len(self._last_signs)} instances")
                    case RecordedEvent():
                        self._note(item)

    async def _read_log(self) -> None:
        """Find the last sign of each instance, a short read for each."""
        async for summary in self._client.aggregates("instance"):
            if (last := await self._last(summary.aggregate)) is not None:
                self._note(last)

    async def _last(self, instance: AggregateKey) -> RecordedEvent | None:
        watched = Filter(aggregate=instance, event_types=WATCHED)
        async for event in self._client.query(watched, limit=1):
            return event
        return None

    def _note(self, event: RecordedEvent) -> None:
        last = self._last_signs.get(event.aggregate_id)
        if last is None or last.position < event.position:
            self._last_signs[event.aggregate_id] = event
            self._changed.set()

    async def _speak(self) -> None:
        """Wait for the next instance whose time is over, and say so."""
        while True:
            self._changed.clear()
            now = datetime.now(UTC)
            waits = []
            for event in list(self._last_signs.values()):
                if event.event_type in SIGNS:
                    seconds = (event.record_time + self._timeout - now).total_seconds()
                    if seconds <= 0:
                        await self._tell(event)
                    waits.append(max(seconds, 0.001))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(waits, default=None)):
                    await self._changed.wait()

    async def _tell(self, last: RecordedEvent) -> None:
        instance = AggregateKey("instance", last.aggregate_id)
        seconds = self._timeout.total_seconds()
        stale = caused_by(
            last,
            "instance_stale",
            actor=ACTOR,
            step="stale",
            aggregate=instance,
            data={
                "last_heartbeat_time": last.record_time.isoformat(),
                "timeout_seconds": seconds,
            },
        )
        newest = await self._newest(instance)
        current = await self._last(instance)
        if current is None or current.event_id != last.event_id:
            if current is not None:
                self._note(current)  # a sign of life is on its way here
            return
        try:
            receipt = await self._client.emit(stale, expect=newest.sequence)
        except everlog.SequenceConflict:
            return  # something came in between: the next look decides
        self._note(await self._client.get(receipt.event_id))
        say(f"{last.aggregate_id} is stale: no sign for {seconds:g} s")

    async def _newest(self, instance: AggregateKey) -> RecordedEvent:
        async for event in self._client.query(Filter(aggregate=instance), limit=1):
            return event
        raise everlog.AggregateNotFound(f"{instance} has no events")


async def work(client: Client, timeout_seconds: float) -> None:
    """Watch until a signal."""
    watching = asyncio.create_task(StaleWatcher(client, timeout_seconds=timeout_seconds).run())
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    with suppress(asyncio.CancelledError):
        await watching


def main() -> None:
    """Read the command line, and work."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--timeout", type=float, default=120.0, metavar="SECONDS", help="(%(default)g)"
    )
    options = parser.parse_args()
    start("stale_watcher", lambda client: work(client, options.timeout))


if __name__ == "__main__":
    main()
