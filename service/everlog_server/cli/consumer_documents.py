"""Consumers and what became of their events, as JSON objects and as texts for people.

The fields are those of the contract, in snake case; durations are in seconds.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict

from everlog import Consumer, ConsumerSettings, EventProcessing, Filter, ParkedEvent, RecordedEvent
from everlog_server.cli.event_json import event_line, time_text
from everlog_server.cli.rendering import shown_time

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def consumer_fields(consumer: Consumer) -> dict[str, Any]:
    """Give everything that is known of a consumer."""
    status = consumer.status
    oldest = status.oldest_unfinished_time
    return {
        "name": consumer.name,
        "settings": _settings_fields(consumer.settings),
        "version": consumer.version,
        "created_time": time_text(consumer.created_time),
        "updated_time": time_text(consumer.updated_time),
        "status": {
            **status._asdict(),
            "oldest_unfinished_time": time_text(oldest) if oldest else None,
            "members": [
                {**member._asdict(), "joined_time": time_text(member.joined_time)}
                for member in status.members
            ],
        },
    }


def processing_fields(processing: EventProcessing) -> dict[str, Any]:
    """Give what became of an event; what does not apply is left out."""
    fields = processing._asdict()
    for name in ("next_attempt_time", "parked_time"):
        fields[name] = time_text(fields[name]) if fields[name] else None
    return {name: value for name, value in fields.items() if value or name == "attempts"}


def event_with(event: RecordedEvent, **more: Any) -> str:
    """Write an event, and what is known beside it, as one line of JSON."""
    fragment = orjson.Fragment(event_line(event).rstrip())
    return orjson.dumps({"event": fragment, **more}).decode()


def parked_line(parked: ParkedEvent) -> str:
    """Write a parked event as one line of JSON."""
    attempts = [
        {**one._asdict(), "failed_time": time_text(one.failed_time)} for one in parked.attempts
    ]
    return event_with(
        parked.event, processing=processing_fields(parked.processing), attempts=attempts
    )


def consumer_facts(consumer: Consumer) -> dict[str, str]:
    """Give names and texts for people."""
    settings, status = consumer.settings, consumer.status
    backoff = settings.backoff
    oldest = status.oldest_unfinished_time
    facts = {
        "consumer": consumer.name,
        "version": str(consumer.version),
        "events": _filter_text(settings.filter),
        "ordering": (settings.ordering or "?").replace("_", " "),
        "lease": duration_text(settings.lease_seconds),
        "attempts": f"{settings.attempts_max}, then {settings.exhausted}",
        "back-off": (
            f"{duration_text(backoff.initial_seconds)} x {backoff.multiplier or 0:g}, at most"
            f" {duration_text(backoff.max_seconds)}, ± {(backoff.jitter or 0) * 100:g} %"
            if backoff
            else "?"
        ),
        "in flight": f"{status.in_flight:,}; at most {settings.in_flight_max:,} a member",
        "stored": f"every {duration_text(settings.checkpoint_interval_seconds)}",
        "checkpoint": (
            f"{status.checkpoint:,} of {status.head_position:,}, {status.lag:,} behind"
            + (f" since {shown_time(oldest)}" if oldest else "")
        ),
        "retrying": f"{status.retrying:,}; {status.catching_up:,} aggregates catch up",
        "parked": f"{status.parked:,}; {status.blocked:,} block their aggregate",
        "members": f"{len(status.members):,}",
        "created": shown_time(consumer.created_time),
        "updated": shown_time(consumer.updated_time),
    }
    if not settings.checkpoint_interval_seconds:
        facts["stored"] = "at once"
    return facts


def duration_text(seconds: float | None) -> str:
    """Write a duration as the flags take it."""
    if seconds is None:
        return "?"
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms" if 0 < seconds < 1 else f"{seconds:g}s"


def processing_text(processing: EventProcessing) -> str:
    """Say in a few words what became of an event."""
    texts = [processing.state.replace("_", " ")]
    if processing.blocks_aggregate:
        texts.append("and blocks its aggregate")
    if processing.attempts:
        texts.append(
            f"after {processing.attempts:,} failed attempt{'s' * (processing.attempts > 1)}"
        )
    if processing.next_attempt_time:
        texts.append(f"next at {shown_time(processing.next_attempt_time)}")
    if processing.parked_time:
        texts.append(f"since {shown_time(processing.parked_time)}")
    return ", ".join(texts).replace(", and", " and")


def _settings_fields(settings: ConsumerSettings) -> dict[str, Any]:
    return {
        "filter": _filter_fields(settings.filter),
        "lease_seconds": settings.lease_seconds,
        "attempts_max": settings.attempts_max,
        "backoff": asdict(settings.backoff) if settings.backoff else None,
        "checkpoint_interval_seconds": settings.checkpoint_interval_seconds,
        "ordering": settings.ordering,
        "in_flight_max": settings.in_flight_max,
        "exhausted": settings.exhausted,
    }


def _filter_fields(filter_: Filter | None) -> dict[str, Any] | None:
    if filter_ is None:
        return None
    return dict(MessageToDict(filter_.to_message(), preserving_proto_field_name=True))


def _filter_text(filter_: Filter | None) -> str:
    fields = _filter_fields(filter_)
    if not fields:
        return "all"
    return "; ".join(f"{name} {_value_text(value)}" for name, value in fields.items())


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items())
    return str(value)
