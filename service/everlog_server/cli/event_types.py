"""`everlog types`: the tenant's catalogue, and catalogues in files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

import click
import orjson

import everlog
from everlog.times import to_datetime
from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.checking import check
from everlog_server.cli.catalogues.reading import BUNDLES, Catalogue, read_source
from everlog_server.cli.catalogues.writing import (
    aggregate_type_fields,
    catalogue_fields,
    event_type_fields,
    to_yaml,
)
from everlog_server.cli.catalogues.yaml_nodes import YamlError
from everlog_server.cli.catalogues.yaml_objects import Finding
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import ExitCode, run, say
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_EXAMPLES = """\b
Examples:
  everlog types import commerce
  everlog types list --prefix order.
  everlog types export > catalogue.yaml
  everlog types check catalogue.yaml
  everlog types policy strict
"""

_COLUMNS: dict[str, dict[str, Any]] = {
    "name": {"style": "cyan"},
    "version": {"justify": "right"},
    "category": {},
    "aggregate": {},
    "marks": {"style": "yellow"},
    "description": {"ratio": 1, "min_width": 20},
}
_SOURCE = click.argument("source", metavar="|".join((*BUNDLES, "FILE")))


@click.group(cls=CommandGroup, epilog=_EXAMPLES)
def types() -> None:
    """Say which event types there are, and what their data looks like.

    A FILE is YAML, as docs/catalogues.md describes it; `-` is stdin.
    """


# --- Files ----------------------------------------------------------------------------------------


@types.command("check")
@_SOURCE
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON lines on stdout.")
def check_file(*, source: str, as_json: bool) -> None:
    """Say everything that is wrong with a catalogue, by line, without a server.

    Exits with 3 when something is.
    """
    catalogue, findings = _read(source)
    output = Output(as_json=as_json)
    if findings:
        _refuse(source, findings, output)
    assert catalogue is not None  # noqa: S101 - what could not be read is a finding
    request = catalogue.request
    counts = {
        "event_types": len(request.event_types),
        "aggregate_types": len(request.aggregate_types),
    }
    if not as_json:
        say(", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts.items()))
    output.flush()


def _read(source: str) -> tuple[Catalogue | None, list[Finding]]:
    try:
        catalogue = read_source(source)
    except YamlError as error:
        return None, [Finding(error.line, "", "", error.message)]
    except OSError as error:
        raise click.UsageError(
            f"{source!r} is neither {', '.join(BUNDLES)} nor a file that can be read:"
            f" {error.strerror or error}"
        ) from None
    return catalogue, check(catalogue)


def _refuse(source: str, findings: Sequence[Finding], output: Output) -> NoReturn:
    for finding in findings:
        if output.as_json:
            written = {
                "file": source,
                "line": finding.line,
                "name": finding.name,
                "field": finding.field,
                "message": finding.message,
            }
            output.document(written)
        else:
            output.line(visible(f"{source}:{finding.line}: {finding}"))
    output.flush()
    if not output.as_json:
        say(f"{len(findings):,} findings" if len(findings) > 1 else "1 finding")
    sys.exit(ExitCode.REFUSED)


@types.command("import")
@_SOURCE
@click.option("--dry-run", is_flag=True, help="Have everything judged, and change nothing.")
@client_options
def import_file(*, target: Target, source: str, dry_run: bool) -> None:
    """Register what is new in a catalogue, and update what differs: all of it or nothing."""
    catalogue, findings = _read(source)
    if catalogue is None or findings:
        _refuse(source, findings, Output(as_json=target.json))
    run(_import(target, catalogue, dry_run=dry_run))


async def _import(target: Target, catalogue: Catalogue, *, dry_run: bool) -> None:
    output = Output(as_json=target.json)
    request = catalogue.request
    async with target.connect() as client:
        try:
            answer = await client.import_catalog(
                request.event_types, request.aggregate_types, dry_run=dry_run
            )
        except everlog.InvalidArgument as error:
            # The server knows fields of the request, the person knows lines of the file.
            if not error.field_violations:
                raise
            findings = [
                catalogue.finding(violation.description, path=violation.field)
                for violation in error.field_violations
            ]
            _refuse(catalogue.source, sorted(findings), output)
    names = {
        "added": list(answer.added),
        "updated": list(answer.updated),
        "unchanged": list(answer.unchanged),
    }
    if output.as_json:
        output.document({"dry_run": dry_run, **names})
    else:
        for word in ("added", "updated"):
            for name in names[word]:
                output.line(visible(f"{word:7}  {name}"))
        would = "would be: " if dry_run else ""
        output.flush()
        say(would + ", ".join(f"{len(listed):,} {word}" for word, listed in names.items()))
    output.flush()


@types.command("export")
@client_options
def export(*, target: Target) -> None:
    """Write the tenant's own types as a FILE that can be imported; --json: the same as JSON.

    Without the types that came with everlog, and without what is deprecated about a type.
    """
    run(_export(target))


async def _export(target: Target) -> None:
    async with target.connect() as client:
        event_types = [
            event_type.definition
            async for event_type in client.event_types()
            if not event_type.preloaded
        ]
        aggregate_types = [
            aggregate_type.definition async for aggregate_type in client.aggregate_types()
        ]
    if not event_types and not aggregate_types:
        say("the tenant has no types of its own")
    output = Output(as_json=target.json)
    fields = catalogue_fields(event_types, aggregate_types)
    output.line(orjson.dumps(fields).decode() if target.json else to_yaml(fields).rstrip("\n"))
    output.flush()


# --- The tenant's catalogue -----------------------------------------------------------------------


@types.command("list")
@click.option("--category", default="", metavar="NAME", help="Only of this category.")
@click.option("--prefix", default="", metavar="TEXT", help="Only those whose names begin so.")
@click.option("--all", "with_deprecated", is_flag=True, help="Deprecated ones, too.")
@client_options
def list_types(*, target: Target, category: str, prefix: str, with_deprecated: bool) -> None:
    """List event types by name, in their newest version; also those that came with everlog."""
    run(_list(target, category=category, prefix=prefix, with_deprecated=with_deprecated))


async def _list(target: Target, *, category: str, prefix: str, with_deprecated: bool) -> None:
    output = Output(as_json=target.json)
    rows: list[list[str]] = []
    async with target.connect() as client:
        async for event_type in client.event_types(
            category=category, name_prefix=prefix, without_deprecated=not with_deprecated
        ):
            if output.as_json:
                output.document(_event_type_json(event_type))
            else:
                rows.append(_cells(event_type))
    output.rows(_COLUMNS, rows)
    output.flush()


def _cells(event_type: catalog_pb2.EventType) -> list[str]:
    definition = event_type.definition
    marks = {
        "starts": definition.starts_aggregate,
        "documentable": definition.documentable,
        "preloaded": event_type.preloaded,
        "deprecated": event_type.HasField("deprecated_time"),
    }
    return [
        definition.name,
        str(event_type.version),
        definition.category,
        definition.aggregate_type,
        ",".join(mark for mark, is_so in marks.items() if is_so),
        definition.description,
    ]


@types.command("show")
@click.argument("name")
@click.option("--version", default=0, type=click.IntRange(min=0), metavar="N", help="0: newest.")
@click.option("--aggregate", "of_aggregate", is_flag=True, help="NAME is an aggregate type.")
@client_options
def show(*, target: Target, name: str, version: int, of_aggregate: bool) -> None:
    """Show all that is said of an event type, or of an aggregate type and its reducer."""
    if of_aggregate and version:
        raise click.UsageError("--version is of an event type: an aggregate type has the newest")
    run(_show_aggregate(target, name) if of_aggregate else _show(target, name, version))


async def _show(target: Target, name: str, version: int) -> None:
    async with target.connect() as client:
        event_type = await client.event_type(name, version=version)
    fields = _event_type_json(event_type)
    _details(target, fields, definition=event_type_fields(event_type.definition))


async def _show_aggregate(target: Target, name: str) -> None:
    async with target.connect() as client:
        aggregate_type = await client.aggregate_type(name)
    definition = aggregate_type_fields(aggregate_type.definition)
    fields = definition | _version_json(aggregate_type)
    _details(target, fields, definition=definition)


def _details(target: Target, fields: dict[str, Any], *, definition: dict[str, Any]) -> None:
    """Write a definition as the file would have it, after what the file does not have."""
    output = Output(as_json=target.json)
    if output.as_json:
        output.document(fields)
    else:
        beside = {key: value for key, value in fields.items() if key not in definition}
        for key, value in beside.items():
            output.line(f"# {key}: {visible(str(value))}")
        output.line(to_yaml(definition).rstrip("\n"))
    output.flush()


def _version_json(of: catalog_pb2.EventType | catalog_pb2.AggregateType) -> dict[str, Any]:
    written: dict[str, Any] = {"version": of.version}
    if of.HasField("created_time"):
        written["created_time"] = time_text(to_datetime(of.created_time))
    return written


def _event_type_json(event_type: catalog_pb2.EventType) -> dict[str, Any]:
    written = event_type_fields(event_type.definition) | _version_json(event_type)
    if event_type.preloaded:
        written["preloaded"] = True
    if event_type.HasField("deprecated_time"):
        written["deprecated_time"] = time_text(to_datetime(event_type.deprecated_time))
        written["deprecation_note"] = event_type.deprecation_note
    return written


@types.command("deprecate")
@click.argument("name")
@click.option("--note", default="", metavar="TEXT", help="Why, and what to use instead.")
@click.option("--undo", is_flag=True, help="Take it back.")
@client_options
def deprecate(*, target: Target, name: str, note: str, undo: bool) -> None:
    """Mark an event type as not to be used any more; its events are still accepted."""
    if undo and note:
        raise click.UsageError("--note says why a type is deprecated, --undo that it is not")
    run(_deprecate(target, name, note=note, undo=undo))


async def _deprecate(target: Target, name: str, *, note: str, undo: bool) -> None:
    async with target.connect() as client:
        event_type = await client.deprecate_event_type(name, note=note, undo=undo)
    output = Output(as_json=target.json)
    if output.as_json:
        output.document(_event_type_json(event_type))
    elif event_type.HasField("deprecated_time"):
        since = shown_time(to_datetime(event_type.deprecated_time))
        output.line(visible(f"{name} is deprecated since {since}"))
    else:
        output.line(visible(f"{name} is not deprecated"))
    output.flush()


@types.command("policy")
@click.argument(
    "policy", required=False, default=None, type=click.Choice(get_args(everlog.CatalogPolicy))
)
@client_options
def policy(*, target: Target, policy: everlog.CatalogPolicy | None) -> None:
    """Tell, or set, whether event types that the catalogue does not have are refused."""
    run(_policy(target, policy))


async def _policy(target: Target, wanted: everlog.CatalogPolicy | None) -> None:
    async with target.connect() as client:
        if wanted is None:
            given = await client.catalog_policy()
        else:
            given = await client.set_catalog_policy(wanted)
    output = Output(as_json=target.json)
    output.line(orjson.dumps({"policy": given}).decode() if target.json else given)
    output.flush()
