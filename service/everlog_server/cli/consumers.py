"""`everlog consumers`: durable consumers, created, set, seen and moved."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from everlog import AggregateKey, Consumer, ConsumerSettings, RetryBackoff
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.consumer_documents import (
    consumer_facts,
    consumer_fields,
)
from everlog_server.cli.consumer_events import COMMANDS
from everlog_server.cli.failures import run, say
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.parameters import DURATION, LIMIT_OPTION, TIME, TIME_HELP
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog consumers create pricing --type 'product.*' --lease 10s --attempts 5
  everlog consumers list
  everlog consumers show pricing
  everlog consumers parked pricing
  everlog consumers replay pricing --all
"""
_POSITION = click.IntRange(min=0)
_SETTINGS = (
    click.option("--lease", type=DURATION, help="How long a member has for each delivery.  [30s]"),
    click.option(
        "--attempts",
        type=click.IntRange(min=1),
        metavar="N",
        help="After so many failed attempts an event is parked.  [10]",
    ),
    click.option("--backoff", type=DURATION, help="The wait after the first failed attempt.  [1s]"),
    click.option(
        "--backoff-multiplier",
        type=float,
        metavar="X",
        help="What each further wait is longer by.  [2]",
    ),
    click.option("--backoff-max", type=DURATION, help="The longest wait.  [5m]"),
    click.option(
        "--backoff-jitter",
        type=float,
        metavar="PART",
        help="By how much of itself a wait differs at random, 0 to 1.  [0.2]",
    ),
    click.option(
        "--checkpoint-interval",
        type=DURATION,
        help="For how long answers may gather before they are stored.  [50ms]",
    ),
    click.option(
        "--ordering",
        type=click.Choice(["per_aggregate", "none"]),
        help="Whether an aggregate's events wait for each other.  [per_aggregate]",
    ),
    click.option(
        "--in-flight",
        type=click.IntRange(min=1),
        metavar="N",
        help="So many unanswered deliveries a member may have.  [100]",
    ),
    click.option(
        "--exhausted",
        type=click.Choice(["park", "block"]),
        help="After the last attempt: the aggregate goes on, or stays blocked.  [park]",
    ),
)
_SETTING_NAMES = {
    "lease": "lease_seconds",
    "attempts": "attempts_max",
    "checkpoint_interval": "checkpoint_interval_seconds",
    "ordering": "ordering",
    "in_flight": "in_flight_max",
    "exhausted": "exhausted",
}
_BACKOFF_NAMES = {
    "backoff": "initial_seconds",
    "backoff_multiplier": "multiplier",
    "backoff_max": "max_seconds",
    "backoff_jitter": "jitter",
}
_COLUMNS: dict[str, dict[str, Any]] = {
    "name": {"style": "cyan"},
    "checkpoint": {"justify": "right"},
    "lag": {"justify": "right"},
    "in flight": {"justify": "right"},
    "retrying": {"justify": "right"},
    "parked": {"justify": "right"},
    "blocked": {"justify": "right"},
    "members": {"justify": "right"},
}
_NAME = click.argument("name", metavar="NAME")


def _settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of settings and filter, and pass on as `changes` what is given."""

    @AGGREGATE_OPTION
    @filter_options
    @functools.wraps(command)
    def with_settings(
        *, matching: dict[str, Any], aggregate: AggregateKey | None, **options: Any
    ) -> None:
        if aggregate is not None:
            matching["aggregate"] = aggregate
        flags = {name: options.pop(name) for name in (*_SETTING_NAMES, *_BACKOFF_NAMES)}
        given = {name: value for name, value in flags.items() if value is not None}
        changes = {_SETTING_NAMES[name]: given[name] for name in given if name in _SETTING_NAMES}
        backoff = {_BACKOFF_NAMES[name]: given[name] for name in given if name in _BACKOFF_NAMES}
        command(matching=matching, changes=changes, backoff=backoff, **options)

    return functools.reduce(
        lambda wrapped, option: option(wrapped), reversed(_SETTINGS), with_settings
    )


@click.group(cls=CommandGroup, epilog=_EXAMPLES)
def consumers() -> None:
    """Set durable consumers, and see and decide what becomes of their events.

    A consumer is a named reader of the log. Its members share the events, and answer for each; what
    fails is tried again, and parked in the end.
    """


for _command in COMMANDS:
    consumers.add_command(_command)


@consumers.command()
@_NAME
@click.option("--after", "after_position", type=_POSITION, metavar="N", help="Start after it.")
@click.option("--from-now", is_flag=True, help="Start with what is recorded from now on.")
@_settings_options
@client_options
def create(
    *,
    target: Target,
    name: str,
    after_position: int | None,
    from_now: bool,
    matching: dict[str, Any],
    changes: dict[str, Any],
    backoff: dict[str, Any],
) -> None:
    """Create a consumer: at the start of the log, unless --after, --from or --from-now is given.

    One that is there already, with the same settings, is left as and where it is.
    """
    start: dict[str, Any] = {"after_position": after_position, "from_now": from_now}
    if after_position is not None and from_now:
        raise click.UsageError("expected at most one of --after, --from and --from-now")
    if after_position is None and not from_now and "recorded_from" in matching:
        start["from_time"] = matching.pop("recorded_from")
    settings = ConsumerSettings(
        filter=to_filter(matching),
        backoff=RetryBackoff(**backoff) if backoff else None,
        **changes,
    )
    run(_create(target, name, settings, start))


@consumers.command()
@_NAME
@click.option("--all-events", is_flag=True, help="Without a filter from now on.")
@_settings_options
@client_options
def update(
    *,
    target: Target,
    name: str,
    all_events: bool,
    matching: dict[str, Any],
    changes: dict[str, Any],
    backoff: dict[str, Any],
) -> None:
    """Change those settings of a consumer that are given; flags of the filter replace all of it.

    Its members go on by themselves; what is in flight is delivered again.
    """
    if all_events and matching:
        raise click.UsageError("--all-events and flags of a filter contradict each other")
    if not (all_events or matching or changes or backoff):
        raise click.UsageError("nothing is given that could be changed")
    if all_events or matching:
        changes["filter"] = to_filter(matching)
    run(_update(target, name, changes, backoff))


@consumers.command("list")
@LIMIT_OPTION
@client_options
def list_(*, target: Target, limit: int) -> None:
    """List the consumers, by name, and where they are."""
    run(_list(target, limit or None))


@consumers.command()
@_NAME
@client_options
def show(*, target: Target, name: str) -> None:
    """Show a consumer: its settings, where it is, and its members."""
    run(_show(target, name))


@consumers.command()
@_NAME
@client_options
def delete(*, target: Target, name: str) -> None:
    """Delete a consumer, with all that is known of it. Its events stay in the log."""
    run(_delete(target, name))


@consumers.command(epilog="Example: everlog consumers reset pricing --after 0 --discard-parked")
@_NAME
@click.option("--after", "after_position", type=_POSITION, metavar="N", help="Go on after it.")
@click.option(
    "--from",
    "from_time",
    type=TIME,
    help=f"Go on with what was recorded then or later. {TIME_HELP}",
)
@click.option("--from-now", is_flag=True, help="Go on with what is recorded from now on.")
@click.option("--discard-parked", is_flag=True, help="Forget what is parked, too.")
@client_options
def reset(
    *,
    target: Target,
    name: str,
    after_position: int | None,
    from_time: datetime | None,
    from_now: bool,
    discard_parked: bool,
) -> None:
    """Let a consumer go on elsewhere, backwards or forwards.

    What is in flight or waits for another attempt is forgotten.
    """
    if (after_position is not None) + (from_time is not None) + from_now != 1:
        raise click.UsageError("expected exactly one of --after, --from and --from-now")
    start = {"after_position": after_position, "from_time": from_time, "from_now": from_now}
    run(_reset(target, name, start, discard_parked=discard_parked))


async def _create(
    target: Target, name: str, settings: ConsumerSettings, start: dict[str, Any]
) -> None:
    async with target.connect() as client:
        created = await client.create_consumer(name, settings, **start)
    if created.existed and not target.json:
        say("it was there already, with the same settings")
    _tell(target, created.consumer, existed=created.existed)


async def _update(
    target: Target, name: str, changes: dict[str, Any], backoff: dict[str, Any]
) -> None:
    async with target.connect() as client:
        before = await client.consumer(name)
        if backoff:
            changes["backoff"] = replace(before.settings.backoff or RetryBackoff(), **backoff)
        consumer = await client.update_consumer(
            name, replace(before.settings, **changes), expected_version=before.version
        )
    _tell(target, consumer)


async def _list(target: Target, limit: int | None) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        found = [one async for one in client.consumers(limit=limit)]
    if target.json:
        for one in found:
            output.document(consumer_fields(one))
    else:
        output.rows(_COLUMNS, map(_cells, found))
    output.flush()


def _cells(consumer: Consumer) -> list[str]:
    status = consumer.status
    counts = (
        status.checkpoint,
        status.lag,
        status.in_flight,
        status.retrying,
        status.parked,
        status.blocked,
        len(status.members),
    )
    return [consumer.name, *(f"{count:,}" for count in counts)]


async def _show(target: Target, name: str) -> None:
    async with target.connect() as client:
        consumer = await client.consumer(name)
    _tell(target, consumer)


async def _delete(target: Target, name: str) -> None:
    async with target.connect() as client:
        await client.delete_consumer(name)
    if not target.json:
        say(f"deleted {visible(name)}")


async def _reset(target: Target, name: str, start: dict[str, Any], *, discard_parked: bool) -> None:
    async with target.connect() as client:
        consumer = await client.reset_consumer(name, discard_parked=discard_parked, **start)
    _tell(target, consumer)


def _tell(target: Target, consumer: Consumer, **more: bool) -> None:
    output = Output(as_json=target.json)
    if target.json:
        output.document(consumer_fields(consumer) | more)
    else:
        output.facts(consumer_facts(consumer))
        for member in consumer.status.members:
            output.line(
                f"member  {visible(member.name) or member.member_id}  {member.shares} of 64 shares"
                f"  {member.in_flight:,} in flight  since {shown_time(member.joined_time)}"
            )
    output.flush()
