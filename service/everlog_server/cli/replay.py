"""`everlog replay`: a stretch of history, in order."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

import everlog
from everlog import AggregateKey
from everlog.requests import Stretch
from everlog_server.cli.failures import run
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.parameters import TIME
from everlog_server.cli.progress import progress
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_POSITION = click.IntRange(min=0)


_EXAMPLES = """\b
Examples:
  everlog replay --aggregate order/42 --through-sequence 7
  everlog replay --from 2026-01-01 --through-time 2026-02-01 --type 'order.*' --json
"""


@click.command(epilog=_EXAMPLES)
@AGGREGATE_OPTION
@click.option("--after", "after_position", type=_POSITION, metavar="N", help="After this position.")
@click.option("--after-sequence", type=_POSITION, metavar="N", help="After; with --aggregate.")
@click.option(
    "--through", "through_position", type=_POSITION, metavar="N", help="To this position."
)
@click.option("--through-sequence", type=_POSITION, metavar="N", help="To; with --aggregate.")
@click.option("--through-time", type=TIME, help="To the last event recorded then or earlier.")
@click.option("--backwards", is_flag=True, help="Newest first.")
@click.option("--max", "max_events", type=_POSITION, default=0, metavar="N", help="Stop after N.")
@filter_options
@client_options
def replay(
    *,
    target: Target,
    aggregate: AggregateKey | None,
    matching: dict[str, Any],
    backwards: bool,
    **bounds: int | datetime | None,
) -> None:
    """Read a stretch of history, of one aggregate or of the whole log, and end."""
    if aggregate is None and (bounds["after_sequence"] or bounds["through_sequence"]) is not None:
        raise click.UsageError("--after-sequence and --through-sequence need --aggregate")
    stretch = Stretch(direction="backwards" if backwards else "forwards")
    stretch.update({name: value for name, value in bounds.items() if value is not None})  # type: ignore[typeddict-item] # each flag is named as its field
    if (
        "after_position" not in stretch
        and "after_sequence" not in stretch
        and "recorded_from" in matching
    ):
        stretch["from_time"] = matching.pop("recorded_from")
    stretch["filter"] = to_filter(matching)
    run(_replay(target, aggregate, stretch))


async def _replay(target: Target, aggregate: AggregateKey | None, stretch: Stretch) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        scrolls = sys.stdout.isatty()
        with progress("replaying", total=None, shown=not scrolls) as advance:
            async for batch in client.replay_batches(aggregate, **stretch):
                for message in batch.events:
                    output.event(everlog.RecordedEvent(message))
                output.flush()
                advance(len(batch.events))
