"""`everlog query`: a listing under a filter."""

from __future__ import annotations

from typing import Any

import click

from everlog import AggregateKey, Filter
from everlog_server.cli.failures import run, say
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.parameters import LIMIT_OPTION
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_TABLE_EVENTS_MAX = 1_000


_EXAMPLES = """\b
Examples:
  everlog query --type 'order.*' --from 7d --keyword 'late delivery'
"""


@click.command(epilog=_EXAMPLES)
@AGGREGATE_OPTION
@filter_options
@click.option("--oldest-first", is_flag=True, help="Newest first is the default.")
@LIMIT_OPTION
@click.option("--count", is_flag=True, help="Also say how many there are in all, on stderr.")
@client_options
def query(
    *,
    target: Target,
    aggregate: AggregateKey | None,
    matching: dict[str, Any],
    oldest_first: bool,
    limit: int,
    count: bool,
) -> None:
    """List events, newest first. Values of one flag are OR-ed, different flags are AND-ed."""
    if aggregate is not None:
        matching["aggregate"] = aggregate
    run(
        _query(
            target,
            to_filter(matching),
            oldest_first=oldest_first,
            limit=limit or None,
            count=count,
        )
    )


async def _query(
    target: Target, matching: Filter | None, *, oldest_first: bool, limit: int | None, count: bool
) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        listing = client.query(
            matching,
            order="oldest_first" if oldest_first else "newest_first",
            limit=limit,
            total_size=count,
            outcomes=output.terminal or target.json,
        )
        if output.tabular and limit is not None and limit <= _TABLE_EVENTS_MAX:
            output.table([event async for event in listing])
        else:
            async for page in listing.pages():
                for event in page:
                    output.event(event)
                output.flush()
    output.flush()
    if count and listing.total_size is None:
        say("too many events match to be counted")
    elif count:
        say(f"{listing.total_size:,} events match")
