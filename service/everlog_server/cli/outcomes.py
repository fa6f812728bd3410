"""`everlog outcome` and `everlog outcomes`: what came of an event."""

from __future__ import annotations

import click

from everlog_server.cli.event_json import outcome_fields
from everlog_server.cli.failures import run
from everlog_server.cli.parameters import EVENT_ID
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog outcome 01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718 'All tickets exist' --impact '45 s each'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@click.argument("text")
@click.option("--impact", "impact_metric", default="", metavar="TEXT", help="What was measured.")
@click.option("--actor", default="", metavar="NAME", help="By whom, such as user:ann.")
@click.option(
    "--key", "idempotency_key", default="", metavar="KEY", help="The idempotency key: records once."
)
@client_options
def outcome(*, target: Target, event_id: str, text: str, **fields: str) -> None:
    """Record what came of an event: TEXT. The event stays as it is, earlier outcomes too."""
    run(_outcome(target, event_id, text, **fields))


async def _outcome(target: Target, event_id: str, text: str, **fields: str) -> None:
    async with target.connect() as client:
        recorded = await client.record_outcome(event_id, text, **fields)
    output = Output(as_json=target.json)
    if target.json:
        output.document(outcome_fields(recorded))
    else:
        output.line(f"recorded as outcome {recorded.number} of {recorded.event_id}")
    output.flush()


@click.command()
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@client_options
def outcomes(*, target: Target, event_id: str) -> None:
    """List what came of an event, newest first: the first one counts."""
    run(_outcomes(target, event_id))


async def _outcomes(target: Target, event_id: str) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        async for recorded in client.outcomes(event_id):
            if target.json:
                output.document(outcome_fields(recorded))
                continue
            texts = [
                f"{recorded.number:>4}",
                shown_time(recorded.record_time),
                visible(recorded.actor) or "-",
                visible(recorded.outcome),
            ]
            if recorded.impact_metric:
                texts.append(f"({visible(recorded.impact_metric)})")
            output.line("  ".join(texts))
    output.flush()
