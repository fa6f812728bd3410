"""Events as JSON objects: one shape, written by `--json` and read by `everlog emit -`.

The fields are those of the contract, in snake case; absent ones are left out. JSON data stands
under `data` as it was sent, but for line breaks between its tokens; binary data is base64 under
`binary`. So `everlog replay --json | everlog --url … emit -` copies a log.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

import everlog
from everlog import AggregateKey
from everlog.recorded import Head

_TEXTS = (
    "source",
    "content_type",
    "idempotency_key",
    "correlation_id",
    "causation_id",
    "actor",
    "user_id",
)
_INTENT = ("problem_solved", "pain_point", "goal", "expected_outcome", "impact_metric")
_CONTEXT = ("decision", "category", "related_event_ids")

# What only the server knows: passed over when an event is read, so that its own output can be.
_SERVER_MADE = {"position", "sequence", "record_time"}
_PAYLOADS = {"data", "json", "binary"}
_READ = {
    "event_id",
    "event_type",
    "aggregate",
    "aggregate_type",
    "aggregate_id",
    "metadata",
    "occurred_time",
    "documentable",
    "intent",
    "context",
    *_TEXTS,
    *_PAYLOADS,
    *_SERVER_MADE,
}


def event_line(event: everlog.RecordedEvent) -> bytes:
    """Write an event as one line of JSON."""
    message = event.message
    written: dict[str, Any] = {
        "position": message.position,
        "sequence": message.sequence,
        "event_id": message.event_id,
        "event_type": message.event_type,
        "aggregate_type": message.aggregate_type,
        "aggregate_id": message.aggregate_id,
        "record_time": time_text(event.record_time),
        "occurred_time": time_text(event.occurred_time),
    }
    written |= {name: text for name in _TEXTS if (text := getattr(message, name))}
    if message.metadata:
        written["metadata"] = dict(message.metadata)
    if message.HasField("documentable"):
        written["documentable"] = message.documentable
    if message.HasField("intent"):
        written["intent"] = {
            name: text for name in _INTENT if (text := getattr(message.intent, name))
        }
    if message.HasField("context"):
        written["context"] = {
            name: list(value) if name == "related_event_ids" else value
            for name in _CONTEXT
            if (value := getattr(message.context, name))
        }
    if event.json is not None:
        # Strings of JSON hold no raw line breaks: these are between tokens.
        written["data"] = orjson.Fragment(event.json.replace("\n", " ").replace("\r", " "))
    elif event.binary is not None:
        written["binary"] = base64.b64encode(event.binary).decode()
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE)


def receipt_line(receipt: everlog.Receipt, **more: int) -> bytes:
    """Write a receipt as one line of JSON."""
    written = {
        **more,
        "event_id": receipt.event_id,
        "position": receipt.position,
        "sequence": receipt.sequence,
        "record_time": time_text(receipt.record_time),
        "deduplicated": receipt.deduplicated,
        "documentable": receipt.documentable,
    }
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE)


def head_fields(head: Head) -> dict[str, Any]:
    """Give what is known of a log's head."""
    return {
        "position": head.position,
        "event_id": head.event_id or None,
        "record_time": time_text(head.record_time) if head.record_time else None,
    }


def time_text(time: datetime) -> str:
    """Write a time in UTC, with microseconds."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z" if time.year > 999 else _early_time_text(time)


def _early_time_text(time: datetime) -> str:
    # Not strftime: it does not pad years before 1000 everywhere.
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_event(line: str | bytes) -> everlog.Event:
    """Read an event from a line of JSON. Raises ValueError saying what is wrong with it."""
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("expected a JSON object")
    if unknown := fields.keys() - _READ:
        raise ValueError(f"unknown field {', '.join(sorted(unknown))}")
    if len(_PAYLOADS & fields.keys()) > 1:
        raise ValueError("expected at most one of data, json and binary")
    texts = {name: _text(fields, name) for name in ("event_id", *_TEXTS)}
    return everlog.Event(
        _text(fields, "event_type"),
        aggregate=_aggregate(fields),
        json=_json_of(fields),
        binary=base64.b64decode(fields["binary"], validate=True) if "binary" in fields else None,
        metadata=_mapping(fields, "metadata"),
        occurred_time=_time(fields, "occurred_time"),
        documentable=_flag(fields, "documentable"),
        intent=_intent(_mapping(fields, "intent")),
        context=_context(_mapping(fields, "context")),
        **texts,
    )


def _json_of(fields: Mapping[str, Any]) -> str | None:
    if "data" in fields:
        return json.dumps(
            fields["data"], ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    return _text(fields, "json") if "json" in fields else None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}, expected a text")
    return value


def _mapping(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name} is {value!r}, expected an object")
    return value


def _flag(fields: Mapping[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, expected true or false")
    return value


def _time(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(fields, name)
    return datetime.fromisoformat(text) if text else None


def _aggregate(fields: Mapping[str, Any]) -> AggregateKey | None:
    if "aggregate" in fields:
        return AggregateKey.parse(_text(fields, "aggregate"))
    aggregate = AggregateKey(_text(fields, "aggregate_type"), _text(fields, "aggregate_id"))
    return aggregate if any(aggregate) else None


def _intent(fields: dict[str, Any] | None) -> everlog.Intent | None:
    if fields is None:
        return None
    if unknown := fields.keys() - set(_INTENT):
        raise ValueError(f"unknown field of intent: {', '.join(sorted(unknown))}")
    return everlog.Intent(**{name: _text(fields, name) for name in fields})


def _context(fields: dict[str, Any] | None) -> everlog.Context | None:
    if fields is None:
        return None
    if unknown := fields.keys() - set(_CONTEXT):
        raise ValueError(f"unknown field of context: {', '.join(sorted(unknown))}")
    related = fields.get("related_event_ids", [])
    if not isinstance(related, list) or not all(isinstance(id_, str) for id_ in related):
        raise ValueError("related_event_ids is not a list of texts")
    return everlog.Context(
        decision=_text(fields, "decision"),
        category=_text(fields, "category"),
        related_event_ids=tuple(related),
    )
