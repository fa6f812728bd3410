"""`everlog narrate` and `everlog narrative`: the story of an event."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
import orjson
from rich.markdown import Markdown

import everlog
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.graph_options import graph_options
from everlog_server.cli.parameters import EVENT_ID, TEXT
from everlog_server.cli.rendering import Output, visible
from everlog_server.cli.target import Target, client_options

_LANGUAGES = {".py": "python", ".ts": "typescript", ".js": "javascript", ".rb": "ruby"}
_MODEL_SECONDS = 60.0


@click.command()
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@graph_options(events_max=1_000)
@click.option("--documentable", "documentable_only", is_flag=True, help="What people should know.")
@click.option("--model", "by_model", is_flag=True, help="Let the server's language model tell it.")
@client_options
def narrate(*, target: Target, event_id: str, by_model: bool, **asked: Any) -> None:
    """Tell the story of an event's workflow, in Markdown."""
    run(_narrate(target, event_id, by_model=by_model, **asked))


async def _narrate(target: Target, event_id: str, *, by_model: bool, **asked: Any) -> None:
    async with target.connect() as client:
        told = await client.build_narrative(
            event_id,
            narrator="language_model" if by_model else "template",
            timeout_seconds=max(_MODEL_SECONDS, target.timeout_seconds) if by_model else None,
            **asked,
        )
    output = Output(as_json=target.json)
    if target.json:
        output.document(dataclasses.asdict(told))
    elif output.terminal:
        output.render(Markdown(told.markdown, hyperlinks=False))
    else:
        output.line(told.markdown.rstrip("\n"))
    output.flush()
    if told.fallback_reason:
        say(f"told by the template: {told.fallback_reason}")


@click.group(cls=CommandGroup)
def narrative() -> None:
    """Save or show what people are to be told about an event, beyond what it says itself."""


@narrative.command()
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@click.option("--summary", type=TEXT, default="", help="A sentence or two.")
@click.option("--description", "long_description", type=TEXT, default="", help="At length.")
@click.option("--markdown", "story", type=TEXT, default="", help="Its story, in Markdown.")
@click.option("--screenshot", "screenshot_urls", multiple=True, metavar="URL", help="A picture.")
@click.option(
    "--snippet",
    "snippets",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with code that belongs to it.",
)
@click.option("--tag", "tags", multiple=True, metavar="TEXT", help="May be repeated.")
@click.option("--actor", default="", metavar="NAME", help="By whom, such as user:ann.")
@click.option(
    "--expect",
    "expected_version",
    type=click.IntRange(min=0),
    default=None,
    metavar="VERSION",
    help="The version that it replaces; 0: none.",
)
@client_options
def save(
    *,
    target: Target,
    event_id: str,
    story: str,
    snippets: tuple[Path, ...],
    actor: str,
    expected_version: int | None,
    **fields: Any,
) -> None:
    """Save the narrative of an event, whole. Texts may be @FILE, or - for stdin."""
    told = everlog.Narrative(
        narrative=story, code_snippets=[_snippet(path) for path in snippets], **fields
    )
    run(_save(target, event_id, told, actor=actor, expected_version=expected_version))


def _snippet(path: Path) -> everlog.CodeSnippet:
    language = _LANGUAGES.get(path.suffix, path.suffix.removeprefix("."))
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError:
        raise click.UsageError(f"{path} is no text") from None
    return everlog.CodeSnippet(code=text, language=language, caption=path.name)


async def _save(target: Target, event_id: str, told: everlog.Narrative, **conditions: Any) -> None:
    async with target.connect() as client:
        version = await client.save_narrative(event_id, told, **conditions)
    output = Output(as_json=target.json)
    fields = {"event_id": event_id, "version": version}
    output.line(orjson.dumps(fields).decode() if target.json else f"saved as version {version}")
    output.flush()


@narrative.command()
@click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
@click.option("--version", type=click.IntRange(min=0), default=0, help="Which; 0: the last.")
@client_options
def show(*, target: Target, event_id: str, version: int) -> None:
    """Show the narrative of an event."""
    run(_show(target, event_id, version))


async def _show(target: Target, event_id: str, version: int) -> None:
    async with target.connect() as client:
        saved = await client.narrative(event_id, version=version)
    output = Output(as_json=target.json)
    if target.json:
        fields = dataclasses.asdict(saved) | {"saved_time": time_text(saved.saved_time)}
        output.document(fields)
        output.flush()
        return
    told = saved.narrative
    facts = {
        "version": str(saved.version),
        "saved": time_text(saved.saved_time),
        "actor": saved.actor,
        "summary": told.summary,
        "tags": ", ".join(told.tags),
        "screenshots": "  ".join(told.screenshot_urls),
    }
    output.facts({name: text for name, text in facts.items() if text})
    texts = [told.long_description, told.narrative]
    texts += [
        f"{snippet.caption or snippet.language}\n{snippet.code}" for snippet in told.code_snippets
    ]
    for text in filter(None, texts):
        output.line("")
        for line in text.splitlines():
            output.line(visible(line))
    output.flush()
