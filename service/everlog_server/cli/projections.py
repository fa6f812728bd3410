"""`everlog projections`: state tables that the log keeps up to date."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import click

import everlog
from everlog.v1.projections_pb2 import Projection
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.failures import ExitCode, run, say
from everlog_server.cli.parameters import EVENT_ID, LIMIT_OPTION
from everlog_server.cli.projection_applying import apply
from everlog_server.cli.projection_texts import (
    cells,
    effects_fields,
    effects_lines,
    error_fields,
    error_lines,
    facts,
    projection_fields,
    shown,
    state_word,
)
from everlog_server.cli.projection_waiting import waited
from everlog_server.cli.rendering import Output, visible
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog projections apply examples/projections/commerce --wait
  everlog projections status commerce
  everlog projections rebuild commerce --wait
  everlog projections errors commerce
"""

_NUMBER = {"justify": "right"}
_COLUMNS: dict[str, dict[str, Any]] = {
    "name": {"style": "cyan"},
    "state": {},
    "checkpoint": _NUMBER,
    "behind": _NUMBER,
    "events/s": _NUMBER,
    "parked": _NUMBER,
    "remark": {"ratio": 1, "min_width": 16, "style": "yellow"},
}
_NAME = click.argument("name")
_NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME…")


@click.group(cls=CommandGroup, epilog=_EXAMPLES)
def projections() -> None:
    """Keep state tables up to date by the log, each event exactly once.

    A projection is a folder with a `projection.yaml` and SQL: see docs/projections.md.
    """


projections.add_command(apply)


# --- What they are doing --------------------------------------------------------------------------


@projections.command("list")
@LIMIT_OPTION
@client_options
def list_(*, target: Target, limit: int) -> None:
    """List the projections by name: where each is, and what it waits for."""
    run(_list(target, limit or None))


async def _list(target: Target, limit: int | None) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        found = [projection async for projection in client.projections(limit=limit)]
    if output.as_json:
        for projection in found:
            output.document(projection_fields(projection))
    else:
        output.rows(_COLUMNS, map(cells, found))
    output.flush()


@projections.command()
@_NAMES
@click.option("--wait", is_flag=True, help="Until the tables show the whole log of now.")
@client_options
def status(*, target: Target, names: tuple[str, ...], wait: bool) -> None:
    """Say what projections are doing, how far they are, and what stopped them."""
    run(_status(target, names, wait=wait))


async def _status(target: Target, names: tuple[str, ...], *, wait: bool) -> None:
    output = Output(as_json=target.json)
    async with target.connect(retries=wait) as client:
        for number, name in enumerate(names):
            projection = await client.projection(name)
            if wait:
                projection = await waited(client, projection)
            if output.as_json:
                output.document(projection_fields(projection))
                continue
            if number:
                output.line("")
            output.flush()
            output.facts(facts(projection))
            failures = [projection.failure] if projection.HasField("failure") else []
            if projection.rebuild.HasField("failure"):
                failures.append(projection.rebuild.failure)
            for failure in failures:
                _lines(output, shown(error_lines(failure)))
    output.flush()


@projections.command()
@_NAME
@LIMIT_OPTION
@client_options
def errors(*, target: Target, name: str, limit: int) -> None:
    """Show the events that failed: what is waited for, and what is parked."""
    run(_errors(target, name, limit or None))


async def _errors(target: Target, name: str, limit: int | None) -> None:
    output = Output(as_json=target.json)
    count = 0
    async with target.connect() as client:
        async for error in client.projection_errors(name, limit=limit):
            count += 1
            if output.as_json:
                output.document(error_fields(error))
            else:
                _lines(output, shown(error_lines(error)))
    output.flush()
    if not count:
        say(f"no event failed in {name}")


@projections.command()
@click.argument("event", type=EVENT_ID, metavar="EVENT")
@click.option("--projection", "name", default="", metavar="NAME", help="Only in this one.")
@client_options
def effects(*, target: Target, event: str, name: str) -> None:
    """Show what an EVENT did: statements, rows and transaction, in each projection."""
    run(_effects(target, event, name))


async def _effects(target: Target, event: str, name: str) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        found = await client.projection_effects(event, name)
    for one in found:
        if output.as_json:
            output.document(effects_fields(one))
        else:
            _lines(output, shown(effects_lines(one)))
    output.flush()
    if not found:
        say("the tenant has no projections")


def _lines(output: Output, lines: Iterable[str]) -> None:
    for line in lines:
        output.line(line)
    output.flush()


# --- What they are told ---------------------------------------------------------------------------


@projections.command()
@_NAMES
@client_options
def pause(*, target: Target, names: tuple[str, ...]) -> None:
    """Let projections rest: their tables stay as they are."""
    run(_each(target, names, lambda client, name: client.pause_projection(name)))


@projections.command()
@_NAMES
@client_options
def resume(*, target: Target, names: tuple[str, ...]) -> None:
    """Let paused projections go on."""
    run(_each(target, names, lambda client, name: client.resume_projection(name)))


@projections.command()
@_NAMES
@click.option("--cancel", is_flag=True, help="Stop the rebuild that runs, instead.")
@click.option("--wait", is_flag=True, help="Until the new tables have taken their place.")
@client_options
def rebuild(*, target: Target, names: tuple[str, ...], cancel: bool, wait: bool) -> None:
    """Make the tables anew, beside those that are read, by what was applied last."""
    if cancel and wait:
        raise click.UsageError("--cancel leaves nothing that --wait could wait for")

    async def begin(client: everlog.Client, name: str) -> Projection:
        return await client.rebuild_projection(name, cancel=cancel)

    run(_each(target, names, begin, wait=wait))


async def _each(
    target: Target,
    names: Sequence[str],
    tell: Callable[[everlog.Client, str], Awaitable[Projection]],
    *,
    wait: bool = False,
) -> None:
    """Tell each of them, then wait for each, and show what has become of it."""
    output = Output(as_json=target.json)
    async with target.connect(retries=wait) as client:
        told = [await tell(client, name) for name in names]
        for projection in told:
            now = await waited(client, projection) if wait else projection
            _show_state(output, now)


def _show_state(output: Output, projection: Projection) -> None:
    if output.as_json:
        output.document(projection_fields(projection))
    else:
        doing = "rebuilding" if projection.HasField("rebuild") else state_word(projection)
        name, at = projection.definition.name, projection.checkpoint
        output.line(visible(f"{name}  {doing}  at position {at:,}"))
    output.flush()


@projections.command()
@_NAME
@click.argument("event", required=False, default="", metavar="[EVENT]")
@client_options
def retry(*, target: Target, name: str, event: str) -> None:
    """Try an EVENT again that failed; else the one that is waited for, or all that are parked.

    Exits with 3 when one of them failed again.
    """
    run(_retry(target, name, event))


async def _retry(target: Target, name: str, event: str) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        before = await client.projection(name)
        answer = await client.retry_projection(name, event)
    is_waiting = before.HasField("failure") or before.rebuild.HasField("failure")
    if output.as_json:
        counts = {"succeeded": answer.succeeded, "failed": answer.failed}
        output.document(counts)
    elif answer.succeeded or answer.failed:
        output.line(f"{answer.succeeded:,} took effect, {answer.failed:,} failed again")
    elif is_waiting:
        output.line(visible(f"the projector of {name} tries again"))
    else:
        say(f"no event failed in {name}")
    output.flush()
    if answer.failed:
        sys.exit(ExitCode.REFUSED)


@projections.command()
@_NAME
@click.argument("event", type=EVENT_ID, metavar="EVENT")
@client_options
def skip(*, target: Target, name: str, event: str) -> None:
    """Do without the effects of an EVENT that failed."""
    run(_each(target, [name], lambda client, name: client.skip_projection(name, event)))


@projections.command()
@_NAMES
@click.option("--keep-tables", is_flag=True, help="Leave the schema and its tables as they are.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@client_options
def delete(*, target: Target, names: tuple[str, ...], keep_tables: bool, yes: bool) -> None:
    """Remove projections, each with its schema and tables. The log stays as it is."""
    if not yes and not keep_tables and sys.stdin.isatty():
        click.confirm(f"Remove {', '.join(names)} with all tables?", abort=True, err=True)
    run(_delete(target, names, keep_tables=keep_tables))


async def _delete(target: Target, names: tuple[str, ...], *, keep_tables: bool) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        for name in names:
            await client.delete_projection(name, keep_tables=keep_tables)
            if output.as_json:
                deleted = {"deleted": name, "kept_tables": keep_tables}
                output.document(deleted)
            else:
                output.line(visible(f"{name}  deleted"))
            output.flush()
