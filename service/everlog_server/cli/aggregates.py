"""`everlog state` and `everlog aggregates`: what aggregates are, and which there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
import orjson

from everlog import AggregateKey, AggregateSummary, State
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.parameters import AGGREGATE, LIMIT_OPTION, TIME, TIME_HELP
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_STATE_EXAMPLES = """\b
Examples:
  everlog state order/42
  everlog state order/42 --at-sequence 3
  everlog state order/42 --at-time 2h
"""
_LIST_EXAMPLES = """\b
Examples:
  everlog aggregates --active-from 1h
  everlog aggregates --type order --prefix 2026- --by-name
"""


@click.command(epilog=_STATE_EXAMPLES)
@click.argument("aggregate", type=AGGREGATE)
@click.option(
    "--at-sequence",
    type=click.IntRange(min=0),
    metavar="N",
    help="As it was after its event N; 0: before the first.",
)
@click.option("--at-time", type=TIME, help=f"As it was then. {TIME_HELP}")
@client_options
def state(
    *, target: Target, aggregate: AggregateKey, at_sequence: int | None, at_time: datetime | None
) -> None:
    """Show what an aggregate's events add up to, as JSON; on stderr, up to which event."""
    if at_sequence is not None and at_time is not None:
        raise click.UsageError("expected at most one of --at-sequence and --at-time")
    run(_state(target, aggregate, {"through_sequence": at_sequence, "through_time": at_time}))


async def _state(target: Target, aggregate: AggregateKey, moment: dict[str, Any]) -> None:
    async with target.connect() as client:
        then = await client.state(aggregate, **moment)
    output = Output(as_json=target.json)
    if target.json:
        output.line(_state_line(aggregate, then))
    elif output.terminal:
        output.json(then.data)
    else:
        output.line(then.json)
    output.flush()
    if not target.json:
        say(_told(aggregate, then))


def _told(aggregate: AggregateKey, then: State) -> str:
    if then.last_record_time is None:
        return f"{visible(str(aggregate))} had no events then"
    version = then.aggregate_type_version
    return (
        f"{visible(str(aggregate))}#{then.last_sequence}, after {visible(then.last_event_type)} of"
        f" {shown_time(then.last_record_time)}: {then.events_replayed:,} events"
        f" {f'reduced by version {version}' if version else 'merged'}"
        f" in {then.duration.total_seconds() * 1000:.1f} ms"
    )


def _state_line(aggregate: AggregateKey, then: State) -> str:
    last = then.last_record_time
    return orjson.dumps(
        {
            "aggregate_type": aggregate.aggregate_type,
            "aggregate_id": aggregate.aggregate_id,
            "state": orjson.Fragment(then.json),
            "events_replayed": then.events_replayed,
            "last_sequence": then.last_sequence,
            "last_event_type": then.last_event_type or None,
            "last_record_time": time_text(last) if last else None,
            "last_position": then.last_position,
            "duration_seconds": then.duration.total_seconds(),
            "aggregate_type_version": then.aggregate_type_version,
        }
    ).decode()


@click.command(epilog=_LIST_EXAMPLES)
@click.option("--type", "aggregate_type", default="", metavar="TYPE", help="Only of this kind.")
@click.option(
    "--prefix", "id_prefix", default="", metavar="TEXT", help="Whose ids begin so; with --type."
)
@click.option(
    "--active-from", type=TIME, help=f"Whose last event was recorded then or later. {TIME_HELP}"
)
@click.option("--active-before", type=TIME, help="Whose last event was recorded before then.")
@click.option("--by-name", is_flag=True, help="Last active first is the default.")
@LIMIT_OPTION
@client_options
def aggregates(
    *,
    target: Target,
    aggregate_type: str,
    id_prefix: str,
    by_name: bool,
    limit: int,
    active_from: datetime | None,
    active_before: datetime | None,
) -> None:
    """List aggregates with their last events, last active first."""
    if id_prefix and not aggregate_type:
        raise click.UsageError("--prefix is of the ids of one --type")
    run(
        _aggregates(
            target,
            {
                "aggregate_type": aggregate_type,
                "id_prefix": id_prefix,
                "order": "name" if by_name else "last_active_first",
                "limit": limit or None,
                "active_from": active_from,
                "active_before": active_before,
            },
        )
    )


async def _aggregates(target: Target, which: dict[str, Any]) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        if target.json:
            async for summary in client.aggregates(**which):
                output.line(_summary_line(summary))
        else:
            output.rows(
                {"aggregate": {}, "events": {"justify": "right"}, "last event": {}, "recorded": {}},
                [
                    (
                        str(summary.aggregate),
                        str(summary.last_sequence),
                        summary.last_event_type,
                        shown_time(summary.last_record_time),
                    )
                    async for summary in client.aggregates(**which)
                ],
                aligned=False,
            )
    output.flush()


def _summary_line(summary: AggregateSummary) -> str:
    first = summary.first_record_time
    return orjson.dumps(
        {
            "aggregate_type": summary.aggregate.aggregate_type,
            "aggregate_id": summary.aggregate.aggregate_id,
            "last_sequence": summary.last_sequence,
            "last_position": summary.last_position,
            "last_event_type": summary.last_event_type,
            "last_record_time": time_text(summary.last_record_time),
            "first_record_time": time_text(first) if first else None,
        }
    ).decode()
