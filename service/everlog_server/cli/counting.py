"""`everlog count` and `everlog stats`: how much has happened."""

from __future__ import annotations

from typing import Any

import click
import orjson

from everlog import AggregateKey, Filter, Statistics
from everlog.aggregates import CountGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.rendering import Output, shown_time
from everlog_server.cli.target import Target, client_options

_GROUPS: dict[str, CountGroup] = {
    "type": "event_type",
    "day": "day",
    "aggregate-type": "aggregate_type",
    "actor": "actor",
}
_SPANS = {60: "minute", 3_600: "hour", 86_400: "day"}
_NUMBER = {"justify": "right"}
_EXAMPLES = """\b
Examples:
  everlog count
  everlog count --by day --from 30d
  everlog count --by type --actor user:ann
"""


@click.command(epilog=_EXAMPLES)
@click.option("--by", type=click.Choice(list(_GROUPS)), help="Also in groups.")
@AGGREGATE_OPTION
@filter_options
@client_options
def count(
    *, target: Target, aggregate: AggregateKey | None, by: str | None, matching: dict[str, Any]
) -> None:
    """Count events. Values of one flag are OR-ed, different flags are AND-ed."""
    if aggregate is not None:
        matching["aggregate"] = aggregate
    run(_count(target, to_filter(matching), by))


async def _count(target: Target, matching: Filter | None, by: str | None) -> None:
    async with target.connect() as client:
        counts = await client.count(matching, by=_GROUPS[by] if by else None)
    output = Output(as_json=target.json)
    if target.json:
        told: dict[str, Any] = {
            "total": counts.total,
            "through_position": counts.through_position,
        }
        if by:
            told |= {"counts": counts.groups, "truncated": counts.truncated}
        output.document(told)
    elif by is None:
        output.line(str(counts.total))
    else:
        rows = [(str(events), key or "-") for key, events in counts.groups.items()]
        output.rows({"events": _NUMBER, by: {}}, rows, aligned=False)
    output.flush()
    if by and not target.json:
        more = "; there are more groups" if counts.truncated else ""
        say(f"{counts.total:,} events in all{more}")


@click.command()
@click.option(
    "--busiest",
    "busiest_max",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="So many of the busiest types and aggregates.",
)
@client_options
def stats(*, target: Target, busiest_max: int) -> None:
    """Say how much has happened: totals, rates, sizes, busiest types and aggregates."""
    run(_stats(target, busiest_max))


async def _stats(target: Target, busiest_max: int) -> None:
    async with target.connect() as client:
        statistics = await client.statistics(busiest_max=busiest_max)
    output = Output(as_json=target.json)
    if target.json:
        output.line(_stats_line(statistics))
    else:
        output.facts(_facts(statistics))
        for title, busiest in (
            ("type", statistics.busiest_types),
            ("aggregate", statistics.busiest_aggregates),
        ):
            if busiest:
                output.line("")
                output.flush()
                rows = [(str(events), str(name)) for name, events in busiest.items()]
                output.rows({"events": _NUMBER, f"busiest {title}": {}}, rows, aligned=False)
    output.flush()


def _facts(statistics: Statistics) -> dict[str, str]:
    first, last = statistics.first_record_time, statistics.last_record_time
    if first is None or last is None:
        return {"events": "none: the log is empty"}
    facts = {
        "events": f"{statistics.head_position:,}",
        "first recorded": shown_time(first),
        "last recorded": shown_time(last),
    }
    for activity in statistics.activity:
        seconds = int(activity.span.total_seconds())
        span = _SPANS.get(seconds, f"{seconds // 86_400} days")
        facts[f"last {span}"] = f"{activity.events:,} ({activity.events_per_second:,.3g}/s)"
    facts["records"] = (
        f"{statistics.record_bytes_mean:,.0f} bytes on average,"
        f" {statistics.record_bytes_max:,} at most; {statistics.log_bytes_estimate:,} bytes in all"
        " (estimated)"
    )
    facts["active"] = (
        f"{statistics.aggregates_active:,} aggregates in the newest"
        f" {statistics.events_examined:,} events"
    )
    return facts


def _stats_line(statistics: Statistics) -> str:
    first, last = statistics.first_record_time, statistics.last_record_time
    return orjson.dumps(
        {
            "head_position": statistics.head_position,
            "first_record_time": time_text(first) if first else None,
            "last_record_time": time_text(last) if last else None,
            "activity": [
                {
                    "span_seconds": int(one.span.total_seconds()),
                    "events": one.events,
                    "events_per_second": one.events_per_second,
                }
                for one in statistics.activity
            ],
            "events_examined": statistics.events_examined,
            "record_bytes_mean": statistics.record_bytes_mean,
            "record_bytes_max": statistics.record_bytes_max,
            "aggregates_active": statistics.aggregates_active,
            "busiest_types": statistics.busiest_types,
            "busiest_aggregates": [
                {**aggregate._asdict(), "events": events}
                for aggregate, events in statistics.busiest_aggregates.items()
            ],
            "log_bytes_estimate": statistics.log_bytes_estimate,
        }
    ).decode()
