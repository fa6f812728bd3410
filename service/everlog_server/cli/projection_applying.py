"""`everlog projections apply`: from folders to projections."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

import everlog
from everlog.v1.projections_pb2 import ApplyProjectionResponse
from everlog_server.cli.catalogues.yaml_objects import Finding
from everlog_server.cli.failures import ExitCode, run, say
from everlog_server.cli.projection_folders.places import SqlPlace
from everlog_server.cli.projection_folders.reading import FILE_NAME, Folder, read_folder
from everlog_server.cli.projection_texts import change_word, projection_fields
from everlog_server.cli.projection_waiting import waited
from everlog_server.cli.rendering import Output, visible
from everlog_server.cli.target import Target, client_options


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    metavar="DIR…",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--rebuild", is_flag=True, help="Begin a rebuild, if the tables would be others.")
@click.option("--dry-run", is_flag=True, help="Have everything judged, and change nothing.")
@click.option("--wait", is_flag=True, help="Until the tables show the whole log of now.")
@client_options
def apply(
    *, target: Target, folders: tuple[Path, ...], rebuild: bool, dry_run: bool, wait: bool
) -> None:
    """Create projections, or change them, as the folders DIR say.

    All folders are read first: if one of them can't be understood, nothing is applied.
    """
    if dry_run and wait:
        raise click.UsageError("--dry-run changes nothing that --wait could wait for")
    read = [_read(path) for path in folders]
    if findings := [(folder, finding) for folder in read for finding in folder.findings]:
        _refuse([(folder, finding, None) for folder, finding in findings], target)
    run(_apply(target, read, rebuild=rebuild, dry_run=dry_run, wait=wait))


def _read(path: Path) -> Folder:
    try:
        return read_folder(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise click.UsageError(f"{path / FILE_NAME} can't be read: {why}") from None


async def _apply(
    target: Target, folders: Sequence[Folder], *, rebuild: bool, dry_run: bool, wait: bool
) -> None:
    output = Output(as_json=target.json)
    answers: list[ApplyProjectionResponse] = []
    async with target.connect(retries=wait) as client:
        for folder in folders:
            try:
                answer = await client.apply_projection(
                    folder.definition, rebuild=rebuild, dry_run=dry_run
                )
            except everlog.InvalidArgument as error:
                if not error.field_violations:
                    raise
                _refuse(list(_located(folder, error)), target)
            answers.append(answer)
            if not wait:
                _show_applied(output, answer, dry_run=dry_run)
        for answer in answers if wait else ():
            answer.projection.CopyFrom(await waited(client, answer.projection))
            _show_applied(output, answer, dry_run=False)


def _show_applied(output: Output, answer: ApplyProjectionResponse, *, dry_run: bool) -> None:
    projection, change = answer.projection, change_word(answer)
    if output.as_json:
        fields = {"change": change, "dry_run": dry_run, **projection_fields(projection)}
        if dry_run:  # it may not be there
            fields = {name: fields[name] for name in ("change", "dry_run", "name", "schema")}
        output.document(fields)
    else:
        definition = projection.definition
        schema = definition.schema or definition.name
        word = {"none": "unchanged"}.get(change, change.replace("_", " "))
        would = "would be: " if dry_run else ""
        output.line(visible(f"{definition.name}  {would}{word}  schema {schema}"))
        if answer.change == ApplyProjectionResponse.CHANGE_WANTS_REBUILD and not dry_run:
            say(
                f"{definition.name} goes on by the old definition until"
                f" `everlog projections rebuild {definition.name}`"
            )
    output.flush()


def _located(
    folder: Folder, error: everlog.InvalidArgument
) -> Iterable[tuple[Folder, Finding, SqlPlace | None]]:
    """Say where in the folder the fields stand that the server refused."""
    position = error.metadata.get("position", "")
    for violation in error.field_violations:
        finding, place = folder.located(
            # The caret says it better.
            violation.description.removesuffix(f" (character {position})"),
            path=violation.field.removeprefix("definition").removeprefix("."),
            position=int(position) if position.isdecimal() else None,
        )
        yield folder, finding, place


def _refuse(
    findings: Sequence[tuple[Folder, Finding, SqlPlace | None]], target: Target
) -> NoReturn:
    output = Output(as_json=target.json)
    for folder, finding, place in findings:
        file = finding.file or folder.source
        if output.as_json:
            written: dict[str, Any] = {
                "file": file,
                "line": finding.line,
                "field": finding.field,
                "message": finding.message,
            }
            if place is not None:
                written |= {"code": place.code, "column": place.column + 1}
            output.document(written)
        else:
            output.line(visible(f"{file}:{finding.line}: {finding}"))
            for line in place.shown().split("\n") if place is not None else ():
                output.line(visible(line))
    output.flush()
    if not output.as_json:
        say(f"{len(findings):,} findings" if len(findings) > 1 else "1 finding")
    sys.exit(ExitCode.REFUSED)
