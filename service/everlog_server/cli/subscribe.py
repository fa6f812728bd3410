"""`everlog subscribe`: the log as it grows."""

from __future__ import annotations

from typing import Any

import click

import everlog
from everlog import AggregateKey, CaughtUp, FellBehind
from everlog.requests import Start
from everlog_server.cli.failures import explain, run, say
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog subscribe
  everlog subscribe --after 0 --type 'order.*' --json
  everlog subscribe --from 1h
"""


@click.command(epilog=_EXAMPLES)
@AGGREGATE_OPTION
@click.option(
    "--after",
    "after_position",
    type=click.IntRange(min=0),
    metavar="N",
    help="Begin after this position; 0 is the start. Absent: with the next event.",
)
@click.option("--max", "max_events", type=click.IntRange(min=1), metavar="N", help="Stop after N.")
@filter_options
@client_options
def subscribe(
    *,
    target: Target,
    aggregate: AggregateKey | None,
    matching: dict[str, Any],
    after_position: int | None,
    max_events: int | None,
) -> None:
    """Follow the log until Ctrl-C, also across restarts of the server: nothing twice or lost."""
    if aggregate is not None:
        matching["aggregate"] = aggregate
    start = Start()
    if after_position is not None:
        start["after_position"] = after_position
    elif "recorded_from" in matching:
        start["from_time"] = matching.pop("recorded_from")
    else:
        start["from_now"] = True
    start["filter"] = to_filter(matching)
    run(_subscribe(target, start, max_events), interrupted=0)


async def _subscribe(target: Target, start: Start, max_events: int | None) -> None:
    output = Output(as_json=target.json)
    interruptions = _Interruptions()
    start["on_interruption"] = interruptions.told
    async with target.connect() as impatient:
        await impatient.head()  # a wrong address is told now, not waited for
    async with (
        target.connect(retries=True) as client,
        client.subscribe(marks=True, **start) as subscription,
    ):
        count = 0
        async for item in subscription:
            interruptions.over(subscription.position)
            match item:
                case CaughtUp(position=position):
                    if output.terminal:
                        say(f"caught up at position {position}; what follows is live")
                case FellBehind(position=position):
                    say(f"fell behind at position {position}: the log grows faster than this reads")
                case everlog.RecordedEvent():
                    output.event(item)
                    output.flush()
                    count += 1
            if count == max_events:
                return


class _Interruptions:
    """Tells the person once that the connection is gone, and once that it is back."""

    def __init__(self) -> None:
        self._going_on = False

    def told(self, error: everlog.EverlogError, _seconds: float) -> None:
        if not self._going_on:
            say(f"interrupted, will go on: {explain(error)}")
        self._going_on = True

    def over(self, position: int) -> None:
        if self._going_on:
            say(f"goes on at position {position}")
        self._going_on = False
