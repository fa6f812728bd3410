"""`everlog latest`: the newest events."""

from __future__ import annotations

from typing import Any

import click

from everlog import AggregateKey, Filter
from everlog_server.cli.failures import run
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog latest
  everlog latest --type 'order.*' --limit 3
"""


@click.command(epilog=_EXAMPLES)
@AGGREGATE_OPTION
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000),
    default=10,
    show_default=True,
    metavar="N",
    help="So many at most.",
)
@client_options
def latest(
    *, target: Target, aggregate: AggregateKey | None, matching: dict[str, Any], limit: int
) -> None:
    """Show the newest events. Values of one flag are OR-ed, different flags are AND-ed."""
    if aggregate is not None:
        matching["aggregate"] = aggregate
    run(_latest(target, to_filter(matching), limit))


async def _latest(target: Target, matching: Filter | None, limit: int) -> None:
    async with target.connect() as client:
        events = await client.latest(matching, max_events=limit)
    output = Output(as_json=target.json)
    if output.tabular:
        output.table(events)
    else:
        for event in events:
            output.event(event)
    output.flush()
