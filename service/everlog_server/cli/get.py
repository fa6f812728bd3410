"""`everlog get`: one event."""

from __future__ import annotations

import uuid
from typing import Any

import click

from everlog import AggregateKey
from everlog_server.cli.failures import run
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog get 123
  everlog get order/42#7
  everlog get --key k1
"""


@click.command(epilog=_EXAMPLES)
@click.argument("event", metavar="EVENT")
@click.option("--key", "by_key", is_flag=True, help="EVENT is an idempotency key.")
@client_options
def get(*, target: Target, event: str, by_key: bool) -> None:
    """Show the event with this id (a UUID), position (123) or sequence in its aggregate."""
    run(_get(target, {"idempotency_key": event} if by_key else _named(event)))


async def _get(target: Target, by: dict[str, Any]) -> None:
    async with target.connect() as client:
        event = await client.get(**by)
    output = Output(as_json=target.json)
    output.details(event)
    output.flush()


def _named(event: str) -> dict[str, Any]:
    """Tell position, id and place in an aggregate apart."""
    if event.isdecimal():
        return {"position": int(event)}
    aggregate, hash_, sequence = event.rpartition("#")
    if hash_ and sequence.isdecimal():
        try:
            return {"aggregate": AggregateKey.parse(aggregate), "sequence": int(sequence)}
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    try:
        return {"event_id": str(uuid.UUID(event))}
    except ValueError:
        raise click.UsageError(
            f"{event!r} is no event: expected an id (a UUID), a position (123), a sequence in an"
            " aggregate (order/42#7), or --key KEY"
        ) from None
