"""`everlog entities`: the knowledge graph, declared, listed, linked and read."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Any

import click
import yaml

import everlog
from everlog import EntityDeclaration, EntityKey, EntitySummary
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.parameters import LIMIT_OPTION
from everlog_server.cli.rendering import Output, events_text, visible
from everlog_server.cli.target import Target, client_options

_FIELDS = ("name", "pointer", "kind", "event_types", "subject", "ignore_case")


class _Key(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # not generic at runtime
    name = "KIND:ID"

    def convert(self, value: Any, param: Any, ctx: Any) -> EntityKey:
        kind, colon, id_ = str(value).partition(":")
        if not (kind and colon and id_):
            self.fail(f"{value!r} is no entity: expected email:ada@example.org", param, ctx)
        return EntityKey(kind, id_)


@click.group(cls=CommandGroup)
def entities() -> None:
    """Find events by the customers, accounts or logins that they speak of.

    First declare where events carry ids, then list the ids and read their events.
    """


@entities.command(
    epilog="""\b
Examples:
  everlog entities declare --name email --pointer /customer/email --kind email \\
      --subject customer --ignore-case
  everlog entities declare entities.yaml
"""
)
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--name", help="Its name; one declared before by it is replaced.")
@click.option(
    "--type",
    "event_types",
    multiple=True,
    help="Only in events of this type: exact, or `stripe.*`. May be repeated.",
)
@click.option("--pointer", help="Where the id stands: /customer/email, /items/*/sku.")
@click.option("--kind", help="The kind of id.")
@click.option("--subject", help="Ids of one event under the same subject are one entity's.")
@click.option("--ignore-case", is_flag=True, default=None, help="Also ignores space around ids.")
@client_options
def declare(*, target: Target, file: Path | None, **given: Any) -> None:
    """Declare where ids stand: by flags, or a list of declarations in a YAML or JSON FILE."""
    fields = {name: value for name, value in given.items() if value}
    if (file is None) == (not fields):
        raise click.UsageError("give a FILE, or --name, --pointer and --kind")
    documents = _read(file) if file else [fields]
    run(_declare(target, [_declaration(one, number) for number, one in enumerate(documents, 1)]))


@entities.command()
@click.argument("names", nargs=-1, required=True)
@client_options
def withdraw(*, target: Target, names: tuple[str, ...]) -> None:
    """Withdraw declarations by NAME; the index is made anew without them."""
    run(_declare(target, [], withdraw=names))


@entities.command()
@client_options
def declarations(*, target: Target) -> None:
    """List what is declared, and how far the log is indexed."""
    run(_declarations(target))


@entities.command("list")
@click.option("--kind", default="", help="Only ids of this kind.")
@click.option("--prefix", default="", help="Only ids that begin so; with --kind.")
@LIMIT_OPTION
@client_options
def list_(*, target: Target, kind: str, prefix: str, limit: int) -> None:
    """List the ids that are known, by kind and id, and what else names the same entity."""
    if prefix and not kind:
        raise click.UsageError("--prefix needs --kind")
    run(_list(target, kind, prefix, limit or None))


@entities.command()
@click.argument("kind")
@click.argument("id", metavar="ID")
@click.option("--this-id-only", is_flag=True, help="Not those of other ids of the same entity.")
@click.option("--oldest-first", is_flag=True, help="Newest first is the default.")
@LIMIT_OPTION
@client_options
def events(*, target: Target, kind: str, id: str, limit: int, **asked: bool) -> None:  # noqa: A002
    """Show the events about an entity, by KIND and any ID of it."""
    run(_events(target, EntityKey(kind, id), limit or None, **asked))


@entities.command(epilog="Example: everlog entities link email:ada@example.org github:ada")
@click.argument("entity", type=_Key())
@click.argument("same_as", type=_Key())
@click.option("--actor", default="", help="Who says so, such as user:ann.")
@client_options
def link(*, target: Target, entity: EntityKey, same_as: EntityKey, actor: str) -> None:
    """Say that two ids name the same entity."""
    run(_link(target, entity, same_as, actor=actor, undo=False))


@entities.command()
@click.argument("entity", type=_Key())
@click.argument("same_as", type=_Key())
@click.option("--actor", default="", help="Who says so, such as user:ann.")
@client_options
def unlink(*, target: Target, entity: EntityKey, same_as: EntityKey, actor: str) -> None:
    """Take back that two ids name the same entity. What events show can't be taken back."""
    run(_link(target, entity, same_as, actor=actor, undo=True))


def _read(file: Path) -> list[Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))  # JSON is YAML, too
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    documents = content.get("declarations") if isinstance(content, dict) else content
    if not isinstance(documents, list) or not documents:
        raise click.UsageError(f"{file} must hold a list of declarations")
    return documents


def _declaration(fields: Any, number: int) -> EntityDeclaration:
    if not isinstance(fields, dict):
        raise click.UsageError(f"declaration {number} is no mapping: {fields!r}")
    if unknown := sorted(map(str, set(fields) - set(_FIELDS))):
        raise click.UsageError(
            f"declaration {number} has {', '.join(unknown)}; expected {', '.join(_FIELDS)}"
        )
    if missing := [name for name in _FIELDS[:3] if not fields.get(name)]:
        raise click.UsageError(f"declaration {number} lacks {', '.join(missing)}")
    try:
        declaration = EntityDeclaration(**fields)
        declaration.to_message()
    except TypeError as error:
        raise click.UsageError(f"declaration {number}: {error}") from None
    return declaration


async def _declare(
    target: Target, declared: list[EntityDeclaration], withdraw: tuple[str, ...] = ()
) -> None:
    async with target.connect() as client:
        _show_declarations(target, await client.declare_entities(declared, withdraw=withdraw))
    done = "declared" if declared else "withdrawn"
    say(f"{done}; the index is made anew from the log: see `everlog entities declarations`")


async def _declarations(target: Target) -> None:
    async with target.connect() as client:
        found = await client.entity_declarations()
    _show_declarations(target, found.declarations)
    say(f"indexed up to position {found.indexed_position:,} of {found.head_position:,}")


def _show_declarations(target: Target, declared: list[EntityDeclaration]) -> None:
    def cells(one: EntityDeclaration) -> list[str]:
        types = ", ".join(one.event_types) or "any type"
        case = "ignoring case" if one.ignore_case else ""
        return [one.name, one.kind, one.pointer, types, one.subject, case]

    def document(one: EntityDeclaration) -> dict[str, Any]:
        return {name: getattr(one, name) for name in _FIELDS}

    _show(target, declared, document, cells)


async def _list(target: Target, kind: str, prefix: str, limit: int | None) -> None:
    def document(one: EntitySummary) -> dict[str, Any]:
        time = one.last_record_time
        return {
            "kind": one.key.kind,
            "id": one.key.id,
            "events": one.events,
            "last_position": one.last_position,
            "last_record_time": time_text(time) if time else None,
            "same_as": [key._asdict() for key in one.same_as],
        }

    def cells(one: EntitySummary) -> list[str]:
        count = events_text(one.events)
        same = ", ".join(map(str, one.same_as))
        return [one.key.kind, one.key.id, count, f"= {same}" if same else ""]

    async with target.connect() as client:
        found = [one async for one in client.entities(kind, id_prefix=prefix, limit=limit)]
    _show(target, found, document, cells)


async def _events(target: Target, key: EntityKey, limit: int | None, **asked: bool) -> None:
    output = Output(as_json=target.json)
    async with target.connect() as client:
        found: AsyncIterable[everlog.RecordedEvent] = client.events_of_entity(
            key, limit=limit, **asked
        )
        if output.tabular and limit is not None:
            output.table([event async for event in found])
        else:
            async for event in found:
                output.event(event)
    output.flush()


async def _link(
    target: Target, entity: EntityKey, same_as: EntityKey, *, actor: str, undo: bool
) -> None:
    async with target.connect() as client:
        keys = await client.link_entities(entity, same_as, actor=actor, undo=undo)
    _show(target, sorted(keys), lambda key: key._asdict(), lambda key: [key.kind, key.id])


def _show(
    target: Target,
    found: list[Any],
    document: Callable[[Any], dict[str, Any]],
    cells: Callable[[Any], list[str]],
) -> None:
    """Writes JSON lines, or columns that line up."""
    output = Output(as_json=target.json)
    if target.json:
        for one in found:
            output.document(document(one))
    else:
        rows = [[visible(cell) for cell in cells(one)] for one in found]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            output.line("  ".join(padded).rstrip())
    output.flush()
