"""`everlog tenants`: listed, created, renamed, frozen and dropped."""

from __future__ import annotations

from typing import Any

import click

import everlog
from everlog import Tenant
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.parameters import LIMIT_OPTION
from everlog_server.cli.progress import progress
from everlog_server.cli.rendering import Output, events_text, shown_time, visible
from everlog_server.cli.target import Target, client_options


@click.group(
    cls=CommandGroup,
    epilog="""\b
Examples:
  everlog tenants create acme
  everlog emit order.created --tenant acme --aggregate order/1
  everlog tenants freeze acme && everlog tenants drop acme
""",
)
def tenants() -> None:
    """Set up the tenants of a server: each is one log, apart from all others. For operators."""


@tenants.command("list")
@LIMIT_OPTION
@client_options
def list_(*, target: Target, limit: int) -> None:
    """List the tenants by name, and where their logs end."""
    run(_list(target, limit or None))


@tenants.command()
@click.argument("name")
@client_options
def create(*, target: Target, name: str) -> None:
    """Create a tenant, with an empty log."""
    run(_create(target, name))


@tenants.command()
@click.argument("name")
@click.argument("new_name")
@client_options
def rename(*, target: Target, name: str, new_name: str) -> None:
    """Give a tenant another name; servers take up to 2 s to know it by that only."""
    run(_rename(target, name, new_name))


@tenants.command()
@click.argument("name")
@client_options
def freeze(*, target: Target, name: str) -> None:
    """Let a tenant take no events; what it has can still be read."""
    run(_freeze(target, name, undo=False))


@tenants.command()
@click.argument("name")
@client_options
def unfreeze(*, target: Target, name: str) -> None:
    """Let a tenant take events again."""
    run(_freeze(target, name, undo=True))


@tenants.command(
    epilog="""\b
Examples:
  everlog tenants freeze acme
  everlog tenants drop acme
"""
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask for the name.")
@client_options
def drop(*, target: Target, name: str, yes: bool) -> None:
    """Remove a tenant that is frozen, with all of its events, for good.

    When it ends early, say it again: it goes on where it was.
    """
    run(_drop(target, name, asks=not yes))


async def _list(target: Target, limit: int | None) -> None:
    async with target.connect() as client:
        _show(target, [one async for one in client.tenants(limit=limit)])


async def _create(target: Target, name: str) -> None:
    async with target.connect() as client:
        _show(target, [await client.create_tenant(name)])


async def _rename(target: Target, name: str, new_name: str) -> None:
    async with target.connect() as client:
        _show(target, [await client.rename_tenant(name, new_name)])


async def _freeze(target: Target, name: str, *, undo: bool) -> None:
    async with target.connect() as client:
        _show(target, [await client.freeze_tenant(name, undo=undo)])


async def _drop(target: Target, name: str, *, asks: bool) -> None:
    async with target.connect() as client:
        found = [one async for one in client.tenants() if one.name == name]
        if not found:
            raise everlog.TenantNotFound(f"there is no tenant {name!r}")
        head = found[0].head_position
        if asks:
            said = click.prompt(
                f"{name} has {events_text(head)}. Type its name to have all gone for good", err=True
            )
            if said != name:
                raise click.UsageError(f"{said!r} is not {name!r}: nothing was dropped")
        done = 0
        with progress(f"dropping {name}", total=head) as advance:

            def show(left: int) -> None:
                nonlocal done
                advance(max(0, head - left - done))
                done = max(done, head - left)

            await client.drop_tenant(
                name, head_position=head, timeout_seconds=target.timeout_seconds, on_left=show
            )
    output = Output(as_json=target.json)
    if target.json:
        output.document({"name": name, "head_position": head, "dropped": True})
    output.flush()
    say(f"dropped {name} and its {events_text(head)}")


def _show(target: Target, found: list[Tenant]) -> None:
    """Writes JSON lines, or columns that line up."""
    output = Output(as_json=target.json)
    if target.json:
        for one in found:
            output.document(_document(one))
    else:
        rows = [[visible(cell) for cell in _cells(one)] for one in found]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            output.line("  ".join(padded).rstrip())
    output.flush()


def _document(one: Tenant) -> dict[str, Any]:
    return {
        "name": one.name,
        "created_time": time_text(one.created_time),
        "frozen_time": time_text(one.frozen_time) if one.frozen_time else None,
        "head_position": one.head_position,
    }


def _cells(one: Tenant) -> list[str]:
    frozen = f"frozen since {shown_time(one.frozen_time)}" if one.frozen_time else ""
    return [one.name, f"head {one.head_position:,}", frozen]
