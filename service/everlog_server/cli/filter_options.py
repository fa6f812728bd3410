"""The filter's flags, written once for `query`, `replay` and `subscribe`: one for each field."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import click

import everlog
from everlog_server.cli.parameters import AGGREGATE, JSON, PAIR, TIME, TIME_HELP

_OPTIONS = (
    click.option(
        "--type",
        "event_types",
        multiple=True,
        metavar="TYPE",
        help="Events of this type: exact, or `order.*`. May be repeated.",
    ),
    click.option(
        "--aggregate-type",
        "aggregate_types",
        multiple=True,
        metavar="TYPE",
        help="Events about this kind of thing. May be repeated.",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="NAME",
        help="Events that this component spoke. May be repeated.",
    ),
    click.option("--from", "recorded_from", type=TIME, help=f"Recorded then or later. {TIME_HELP}"),
    click.option("--before", "recorded_before", type=TIME, help="Recorded before then."),
    click.option("--occurred-from", type=TIME, help="Happened then or later."),
    click.option("--occurred-before", type=TIME, help="Happened before then."),
    click.option("--correlation", "correlation_id", metavar="ID", help="Of this piece of work."),
    click.option("--causation", "causation_id", metavar="ID", help="Caused by this event."),
    click.option("--actor", metavar="NAME", help="Done by this actor."),
    click.option("--user", "user_id", metavar="ID", help="Of this user."),
    click.option(
        "--documentable", "documentable_only", is_flag=True, help="Only what people should be told."
    ),
    click.option(
        "--meta",
        "metadata",
        type=PAIR,
        multiple=True,
        help="With this entry in the metadata. May be repeated: all of them.",
    ),
    click.option(
        "--contains", "data_contains", type=JSON, help="Whose data contains this JSON value."
    ),
    click.option(
        "--keyword", metavar="WORDS", help="With all of these words, or beginnings of words."
    ),
)

AGGREGATE_OPTION = click.option("--aggregate", type=AGGREGATE, help="Events about this one thing.")

_NAMES = (
    "event_types",
    "aggregate_types",
    "sources",
    "recorded_from",
    "recorded_before",
    "occurred_from",
    "occurred_before",
    "correlation_id",
    "causation_id",
    "actor",
    "user_id",
    "documentable_only",
    "metadata",
    "data_contains",
    "keyword",
)


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filter's flags, and pass them on as `matching`, the filter's fields.

    All but `aggregate`, which a replay understands otherwise: see `AGGREGATE_OPTION`.
    """

    @functools.wraps(command)
    def with_filter(**options: Any) -> None:
        given = {name: options.pop(name) for name in _NAMES}
        given["metadata"] = dict(given["metadata"])
        if given["data_contains"] is not None:
            given["data_contains"] = json.loads(given["data_contains"])
        matching = {name: value for name, value in given.items() if value}
        command(matching=matching, **options)

    return functools.reduce(
        lambda wrapped, option: option(wrapped), reversed(_OPTIONS), with_filter
    )


def to_filter(matching: dict[str, Any]) -> everlog.Filter | None:
    """Make a filter of its fields; None when it would mean all events."""
    return everlog.Filter(**matching) if matching else None
