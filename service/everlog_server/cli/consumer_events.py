"""`everlog consumers pending|processing|ack|retry|park|parked|replay|discard`: events."""

from __future__ import annotations

from typing import Any, Literal

import click

from everlog import AggregateKey, EventProcessing, ParkedEvent, RecordedEvent
from everlog.consumers import ProcessingAction
from everlog_server.cli.consumer_documents import (
    event_with,
    parked_line,
    processing_fields,
    processing_text,
)
from everlog_server.cli.failures import run, say
from everlog_server.cli.filter_options import AGGREGATE_OPTION, filter_options, to_filter
from everlog_server.cli.parameters import EVENT_ID, LIMIT_OPTION
from everlog_server.cli.rendering import Output, shown_time, visible
from everlog_server.cli.target import Target, client_options

_IDS_MAX = 1_000
# A million parked events take minutes to move.
_MOVE_SECONDS = 600.0
_EVENT_COLUMNS: dict[str, dict[str, Any]] = {
    "position": {"justify": "right"},
    "type": {"style": "cyan", "max_width": 32},
    "aggregate": {"max_width": 36},
    "event id": {"style": "dim"},
    "state": {"style": "yellow"},
    "last error": {"ratio": 1, "min_width": 16},
}
_PROCESSING_COLUMNS: dict[str, dict[str, Any]] = {
    "consumer": {"style": "cyan"},
    "state": {"style": "yellow"},
    "last error": {"ratio": 1, "min_width": 16},
}
_NAME = click.argument("name", metavar="NAME")
_EVENT = click.argument("event_id", metavar="EVENT_ID", type=EVENT_ID)
_SELECTED = click.argument("event_ids", metavar="[EVENT_ID]...", type=EVENT_ID, nargs=-1)
_ALL = click.option("--all", "everything", is_flag=True, help="All that are parked.")


@click.command()
@_NAME
@LIMIT_OPTION
@client_options
def pending(*, target: Target, name: str, limit: int) -> None:
    """List the events that a consumer has not finished.

    First those that failed and what they hold back, then what lies after the checkpoint.
    """
    run(_pending(target, name, limit or None))


@click.command()
@_EVENT
@click.option("--consumer", default="", metavar="NAME", help="With this one only.")
@client_options
def processing(*, target: Target, event_id: str, consumer: str) -> None:
    """Tell what became of an event, with each consumer."""
    run(_processing(target, event_id, consumer))


@click.command()
@_NAME
@_EVENT
@client_options
def ack(*, target: Target, name: str, event_id: str) -> None:
    """Count an event as finished."""
    run(_decide(target, name, event_id, "ack"))


@click.command()
@_NAME
@_EVENT
@client_options
def retry(*, target: Target, name: str, event_id: str) -> None:
    """Try an event at once, also one that was finished; its attempts are counted anew."""
    run(_decide(target, name, event_id, "retry"))


@click.command()
@_NAME
@_EVENT
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with it.")
@client_options
def park(*, target: Target, name: str, event_id: str, reason: str) -> None:
    """Park an event; its aggregate goes on."""
    run(_decide(target, name, event_id, "park", reason=reason))


@click.command()
@_NAME
@click.argument("event_id", metavar="[EVENT_ID]", type=EVENT_ID, required=False)
@AGGREGATE_OPTION
@filter_options
@LIMIT_OPTION
@client_options
def parked(
    *,
    target: Target,
    name: str,
    event_id: str | None,
    aggregate: AggregateKey | None,
    matching: dict[str, Any],
    limit: int,
) -> None:
    """List the events that a consumer has parked, or show one with its failed attempts."""
    if aggregate is not None:
        matching["aggregate"] = aggregate
    if event_id is None:
        run(_parked(target, name, matching, limit or None))
        return
    if matching:
        raise click.UsageError("EVENT_ID and flags of a filter contradict each other")
    run(_parked_event(target, name, event_id))


@click.command()
@_NAME
@_SELECTED
@_ALL
@AGGREGATE_OPTION
@filter_options
@client_options
def replay(*, target: Target, name: str, **selected: Any) -> None:
    """Deliver parked events again: by id, by a filter, or all; attempts are counted anew."""
    run(_move(target, name, "replay", _selection(**selected)))


@click.command()
@_NAME
@_SELECTED
@_ALL
@AGGREGATE_OPTION
@filter_options
@client_options
def discard(*, target: Target, name: str, **selected: Any) -> None:
    """Forget parked events: by id, by a filter, or all. They stay in the log."""
    run(_move(target, name, "discard", _selection(**selected)))


COMMANDS = (pending, processing, ack, retry, park, parked, replay, discard)


def _selection(
    *,
    event_ids: tuple[str, ...],
    everything: bool,
    aggregate: AggregateKey | None,
    matching: dict[str, Any],
) -> dict[str, Any]:
    if aggregate is not None:
        matching["aggregate"] = aggregate
    if bool(event_ids) + bool(matching) + everything != 1:
        raise click.UsageError("expected exactly one of EVENT_IDs, flags of a filter, and --all")
    if len(event_ids) > _IDS_MAX:
        raise click.UsageError(f"{len(event_ids):,} event ids are given; at most {_IDS_MAX:,}")
    if event_ids:
        return {"event_ids": event_ids}
    return {"all": True} if everything else {"filter": to_filter(matching)}


async def _pending(target: Target, name: str, limit: int | None) -> None:
    output = Output(as_json=target.json)
    rows = []
    async with target.connect() as client:
        async for one in client.pending_events(name, limit=limit):
            if target.json:
                output.line(event_with(one.event, processing=processing_fields(one.processing)))
            else:
                rows.append(_event_cells(one.event, one.processing))
    output.rows(_EVENT_COLUMNS, rows)
    output.flush()


async def _processing(target: Target, event_id: str, consumer: str) -> None:
    async with target.connect() as client:
        found = await client.processing(event_id, consumer=consumer)
    _show_processing(target, found)


async def _decide(
    target: Target, name: str, event_id: str, action: ProcessingAction, *, reason: str = ""
) -> None:
    async with target.connect() as client:
        after = await client.set_processing(name, event_id, action, reason=reason)
    _show_processing(target, [after])


def _show_processing(target: Target, found: list[EventProcessing]) -> None:
    output = Output(as_json=target.json)
    if target.json:
        for one in found:
            output.document(processing_fields(one))
    else:
        rows = ([one.consumer, processing_text(one), one.last_error] for one in found)
        output.rows(_PROCESSING_COLUMNS, rows)
    output.flush()


async def _parked(target: Target, name: str, matching: dict[str, Any], limit: int | None) -> None:
    output = Output(as_json=target.json)
    rows = []
    async with target.connect() as client:
        async for one in client.parked_events(name, to_filter(matching), limit=limit):
            if target.json:
                output.line(parked_line(one))
            else:
                rows.append(_event_cells(one.event, one.processing))
    output.rows(_EVENT_COLUMNS, rows)
    output.flush()


async def _parked_event(target: Target, name: str, event_id: str) -> None:
    async with target.connect() as client:
        found = await client.parked_event(name, event_id)
    output = Output(as_json=target.json)
    if target.json:
        output.line(parked_line(found))
    else:
        output.details(found.event)
        output.facts({"processing": processing_text(found.processing)})
        for line in _attempt_lines(found):
            output.line(line)
    output.flush()


async def _move(
    target: Target, name: str, what: Literal["replay", "discard"], selection: dict[str, Any]
) -> None:
    async with target.connect() as client:
        call = client.replay_parked if what == "replay" else client.discard_parked
        events = await call(
            name, **selection, timeout_seconds=max(target.timeout_seconds, _MOVE_SECONDS)
        )
    output = Output(as_json=target.json)
    if target.json:
        output.document({"events": events})
        output.flush()
    else:
        word = "event" if events == 1 else "events"
        done = "will be delivered again" if what == "replay" else "discarded"
        say(f"{events:,} {word} {done}")


def _event_cells(event: RecordedEvent, processing: EventProcessing) -> list[str]:
    return [
        str(event.position),
        event.event_type,
        f"{event.aggregate}#{event.sequence}",
        event.event_id,
        processing_text(processing),
        processing.last_error,
    ]


def _attempt_lines(found: ParkedEvent) -> list[str]:
    return [
        f"attempt {one.attempt}  {shown_time(one.failed_time)}  {visible(one.member) or 'by hand'}"
        f"  {visible(one.error)}"
        for one in found.attempts
    ]
