"""`everlog emit`: one event from flags, or many from JSON lines on stdin."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import everlog
from everlog_server.cli.emit_lines import emit_lines
from everlog_server.cli.failures import run
from everlog_server.cli.parameters import (
    AGGREGATE,
    EXPECTATION,
    JSON,
    PAIR,
    TIME,
    TIME_HELP,
    Expectation,
)
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

if TYPE_CHECKING:
    from everlog.expectations import Expectations


_EXAMPLES = """\b
Examples:
  everlog emit order.created --aggregate order/42 --data '{"total": 12}' --key k1 --expect new
  everlog replay --json | everlog emit --url everlog://elsewhere -
"""


@click.command(epilog=_EXAMPLES)
@click.argument("event_type", metavar="TYPE|-")
@click.option("--aggregate", type=AGGREGATE, help="What the event is about.")
@click.option("--source", default="", metavar="NAME", help="The component that speaks.")
@click.option("--data", "json", type=JSON, help="The data; @FILE reads a file, - reads stdin.")
@click.option(
    "--binary",
    "binary_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with binary data, instead of --data.",
)
@click.option("--content-type", default="", metavar="TYPE", help="The media type of --binary.")
@click.option("--meta", "metadata", type=PAIR, multiple=True, help="Metadata. May be repeated.")
@click.option(
    "--key", "idempotency_key", default="", metavar="KEY", help="The idempotency key: emits once."
)
@click.option("--event-id", default="", metavar="UUID", help="An id of your choice.")
@click.option(
    "--correlation", "correlation_id", default="", metavar="ID", help="Its piece of work."
)
@click.option("--causation", "causation_id", default="", metavar="UUID", help="What caused it.")
@click.option("--actor", default="", metavar="NAME", help="Who did it, such as user:ann.")
@click.option("--user", "user_id", default="", metavar="ID", help="The user whom it concerns.")
@click.option(
    "--occurred", "occurred_time", type=TIME, help=f"When it happened, if not now. {TIME_HELP}"
)
@click.option("--documentable/--not-documentable", default=None, help="Should people be told?")
@click.option("--problem-solved", default="", metavar="TEXT", help="Intent: the problem.")
@click.option("--pain-point", default="", metavar="TEXT", help="Intent: what hurts.")
@click.option("--goal", default="", metavar="TEXT", help="Intent: what should be reached.")
@click.option("--expected-outcome", default="", metavar="TEXT", help="Intent: what comes of it.")
@click.option("--impact-metric", default="", metavar="TEXT", help="Intent: how it is measured.")
@click.option("--decision", default="", metavar="TEXT", help="Context: the decision behind it.")
@click.option("--category", default="", metavar="NAME", help="Context: a free category.")
@click.option(
    "--related",
    "related_event_ids",
    multiple=True,
    metavar="UUID",
    help="Context: a related event.",
)
@click.option(
    "--expect",
    "expectations",
    type=EXPECTATION,
    multiple=True,
    help="The aggregate's last sequence, `new` or `exists`; or of another one. May be repeated.",
)
@click.option(
    "--batch",
    "batch_events",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    help="With -: so many events are stored or refused together (at most 1 MiB of them).",
)
@click.option(
    "--skip-known", is_flag=True, help="With - and --batch: known events do not stop the others."
)
@client_options
def emit(
    *,
    event_type: str,
    target: Target,
    expectations: tuple[Expectation, ...],
    batch_events: int,
    skip_known: bool,
    **options: Any,
) -> None:
    """Append one event of TYPE, or with `-` one for each line of JSON on stdin.

    A line's object has the fields of an event: event_type, aggregate ("order/42"), data, metadata,
    idempotency_key, occurred_time and so on, as --json writes them. Refused lines are told with
    their number on stderr, and do not stop the others; the exit code is then 3.
    """
    if event_type == "-":
        if expectations or any(value not in (None, "", ()) for value in options.values()):
            raise click.UsageError("with - the events' fields come from stdin, not from options")
        run(emit_lines(target, batch_events=batch_events, skip_known=skip_known))
        return
    if batch_events != 1 or skip_known:
        raise click.UsageError("--batch and --skip-known are for events from stdin: everlog emit -")
    event = _event(event_type, **options)
    run(_emit(target, event, _expected(event, expectations)))


async def _emit(target: Target, event: everlog.Event, expect: Expectations | None) -> None:
    async with target.connect() as client:
        receipt = await client.emit(event, expect=expect)
    output = Output(as_json=target.json)
    output.receipt(event, receipt)
    output.flush()


def _event(
    event_type: str, *, binary_file: Path | None, metadata: Any, **options: Any
) -> everlog.Event:
    intent = everlog.Intent(
        **{field.name: options.pop(field.name) for field in fields(everlog.Intent)}
    )
    context = everlog.Context(
        **{field.name: options.pop(field.name) for field in fields(everlog.Context)}
    )
    if options["json"] is not None and binary_file is not None:
        raise click.UsageError("an event has --data or --binary, not both")
    if options["aggregate"] is None and not options["source"]:
        raise click.UsageError("an event needs --aggregate or --source")
    return everlog.Event(
        event_type,
        binary=None if binary_file is None else binary_file.read_bytes(),
        metadata=dict(metadata),
        intent=None if intent == everlog.Intent() else intent,
        context=None if context == everlog.Context() else context,
        **options,
    )


def _expected(event: everlog.Event, expectations: tuple[Expectation, ...]) -> Expectations | None:
    expected: dict[tuple[str, str], everlog.Expected] = {}
    for expectation in expectations:
        aggregate = expectation.aggregate or event.written_aggregate
        if aggregate in expected:
            raise click.UsageError(f"two expectations of {'/'.join(aggregate)}")
        expected[aggregate] = expectation.expected
    return expected or None
