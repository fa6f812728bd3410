"""Projections, their failures and their effects, as JSON and as people like to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

import everlog
from everlog.times import to_datetime
from everlog.v1.projections_pb2 import (
    ApplyProjectionResponse,
    Projection,
    ProjectionEffects,
    ProjectionError,
)
from everlog_server.cli.event_json import event_line, time_text
from everlog_server.cli.rendering import shown_time, visible


def state_word(projection: Projection) -> str:
    """Say what a projection is doing, in a word."""
    return Projection.State.Name(projection.state).removeprefix("STATE_").lower()


def change_word(response: ApplyProjectionResponse) -> str:
    """Say what has become of a definition: `created`, `none`, `wants_rebuild` …."""
    name = ApplyProjectionResponse.Change.Name(response.change)
    return name.removeprefix("CHANGE_").lower()


def effect_word(effects: ProjectionEffects) -> str:
    """Say whether an event took effect, in a word or two."""
    return ProjectionEffects.Effect.Name(effects.effect).removeprefix("EFFECT_").lower()


# --- JSON -----------------------------------------------------------------------------------------


def projection_fields(projection: Projection) -> dict[str, Any]:
    """Give a projection as JSON has it; without its definition, but for name and schema."""
    definition = projection.definition
    written: dict[str, Any] = {
        "name": definition.name,
        "schema": definition.schema or definition.name,
        "state": state_word(projection),
        "checkpoint": projection.checkpoint,
        "head_position": projection.head_position,
        "events_per_second": projection.events_per_second,
        "parked": projection.parked,
        "wants_rebuild": projection.wants_rebuild,
        "projector": projection.projector,
    }
    written |= _times(projection, "checkpoint", "created", "applied", "built")
    if projection.HasField("rebuild"):
        rebuild = projection.rebuild
        written["rebuild"] = {"checkpoint": rebuild.checkpoint, **_times(rebuild, "started")}
        if rebuild.HasField("failure"):
            written["rebuild"]["failure"] = error_fields(rebuild.failure)
        if rebuild.blocked_by:
            written["rebuild"]["blocked_by"] = rebuild.blocked_by
    if projection.HasField("failure"):
        written["failure"] = error_fields(projection.failure)
    return written


def error_fields(error: ProjectionError) -> dict[str, Any]:
    """Give a failure as JSON has it."""
    written: dict[str, Any] = {}
    if error.HasField("event"):
        event = everlog.RecordedEvent(error.event)
        written["event"] = orjson.Fragment(event_line(event).rstrip())
    written |= {
        "handler": error.handler,
        "statement": error.statement,
        "sql": error.sql,
        "parameters": dict(error.parameters),
        "sqlstate": error.sqlstate,
        "message": error.message,
        "detail": error.detail,
        "attempts": error.attempts,
        "parked": error.parked,
        "in_rebuild": error.in_rebuild,
    }
    return written | _times(error, "failed", "next_attempt")


def effects_fields(effects: ProjectionEffects) -> dict[str, Any]:
    """Give what an event did as JSON has it."""
    written: dict[str, Any] = {"projection": effects.projection, "effect": effect_word(effects)}
    if effects.effect != ProjectionEffects.EFFECT_COMMITTED:
        return written
    written["transaction_id"] = effects.transaction_id
    written["statements"] = [
        {"sql": one.sql, "parameters": dict(one.parameters), "rows": one.rows}
        for one in effects.statements
    ]
    return written | _times(effects, "committed")


def _times(message: Any, *names: str) -> dict[str, str]:
    return {
        f"{name}_time": time_text(to_datetime(getattr(message, f"{name}_time")))
        for name in names
        if message.HasField(f"{name}_time")
    }


# --- For people -----------------------------------------------------------------------------------


def cells(projection: Projection) -> list[str]:
    """Give a projection as a row: name, state, checkpoint, behind, rate, parked, and what else."""
    behind = max(projection.head_position - projection.checkpoint, 0)
    return [
        projection.definition.name,
        state_word(projection),
        f"{projection.checkpoint:,}",
        f"{behind:,}",
        f"{projection.events_per_second:,.0f}",
        f"{projection.parked:,}",
        _remark(projection),
    ]


def _remark(projection: Projection) -> str:
    if projection.HasField("failure"):
        failure = projection.failure
        where = f"at {failure.event.position:,}" if failure.HasField("event") else "can't run"
        return f"{where}: {failure.sqlstate} {failure.message}"
    if projection.HasField("rebuild"):
        return f"rebuilding: {_rebuild_text(projection)}"
    if projection.wants_rebuild:
        return "wants a rebuild"
    return "" if projection.projector else "no projector"


def facts(projection: Projection) -> dict[str, str]:
    """Give what is to be said of a projection, by name; its failures are told apart."""
    definition = projection.definition
    behind = projection.head_position - projection.checkpoint
    told = {
        "projection": definition.name,
        "schema": definition.schema or definition.name,
        "state": state_word(projection),
        "checkpoint": f"{projection.checkpoint:,} of {projection.head_position:,}"
        + (f", {behind:,} behind" if behind > 0 else ", caught up"),
        "speed": f"{projection.events_per_second:,.0f} events/s",
        "projector": projection.projector or "none",
        "parked": f"{projection.parked:,}",
        "readers": ", ".join(definition.readers) or "only its owner",
    }
    if projection.HasField("rebuild"):
        told["rebuild"] = _rebuild_text(projection)
    elif projection.wants_rebuild:
        told["rebuild"] = f"wanted: everlog projections rebuild {definition.name}"
    for word in ("checkpoint", "applied", "built"):
        if time := _time(projection, f"{word}_time"):
            told["last event" if word == "checkpoint" else word] = shown_time(time)
    return told


def _rebuild_text(projection: Projection) -> str:
    rebuild = projection.rebuild
    text = f"{rebuild.checkpoint:,} of {projection.checkpoint:,}"
    if rebuild.HasField("failure"):
        failure = rebuild.failure
        where = (
            f"failed at {failure.event.position:,}" if failure.HasField("event") else "can't run"
        )
        text += f", {where}: {failure.message}"
    return text + (f", blocked by {rebuild.blocked_by}" if rebuild.blocked_by else "")


def error_lines(error: ProjectionError) -> Iterator[str]:
    """Tell a failure: the event, the statement and its parameters, and what the database said."""
    what = "parked" if error.parked else "failed"
    where = " in the rebuild" if error.in_rebuild else ""
    times = "once" if error.attempts == 1 else f"{error.attempts:,} times"
    if error.HasField("event"):
        event = everlog.RecordedEvent(error.event)
        yield (
            f"{what}{where}: position {event.position:,}, {event.event_type}"
            f" {event.aggregate}#{event.sequence}, {event.event_id}"
        )
    else:
        yield f"can't run{where}: no event is to blame"
    tried = f"  tried {times}"
    if last := _time(error, "failed_time"):
        tried += f", last {shown_time(last)}"
    if following := _time(error, "next_attempt_time"):
        tried += f", again {shown_time(following)}"
    yield tried
    if error.HasField("event"):
        yield f"  statement {error.statement + 1} of handler {error.handler + 1}:"
        yield from statement_lines(error.sql, error.parameters)
    yield f"  {error.sqlstate}: {error.message}"
    yield from (f"  {line}" for line in error.detail.splitlines())


def effects_lines(effects: ProjectionEffects) -> Iterator[str]:
    """Tell what an event did in a projection."""
    line = f"{effects.projection}: {effect_word(effects).replace('_', ' ')}"
    if effects.effect == ProjectionEffects.EFFECT_COMMITTED:
        line += f" in transaction {effects.transaction_id}"
        if time := _time(effects, "committed_time"):
            line += f", {shown_time(time)}"
    yield line
    for number, statement in enumerate(effects.statements, 1):
        rows = "1 row" if statement.rows == 1 else f"{statement.rows:,} rows"
        yield f"  statement {number}: {rows}"
        yield from statement_lines(statement.sql, statement.parameters)


def statement_lines(sql: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Give a statement's lines, and its parameters, each indented."""
    yield from (f"    {line}" for line in sql.splitlines())
    yield from (f"    {name} = {value}" for name, value in sorted(parameters.items()))


def shown(lines: Iterator[str]) -> Iterator[str]:
    """Make what events and definitions say harmless for a terminal."""
    return map(visible, lines)


def _time(message: Any, name: str) -> datetime | None:
    time: Timestamp = getattr(message, name)
    return to_datetime(time) if message.HasField(name) else None
