"""Events as JSON objects: one shape, written by `--json` and read by `everlog emit -`.

The fields are those of the contract, in snake case; absent ones are left out. JSON data stands
under `data` as it was sent, but for line breaks between its tokens; binary data is base64 under
`binary`. So `everlog replay --json | everlog --url … emit -` copies a log.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

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
_SERVER_MADE = {"position", "sequence", "record_time", "outcome"}
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
    if event.outcome is not None:
        written["outcome"] = outcome_fields(event.outcome)
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE)


def outcome_fields(outcome: everlog.EventOutcome) -> dict[str, Any]:
    """Give what is known of an outcome."""
    fields = {
        "event_id": outcome.event_id,
        "outcome": outcome.outcome,
        "impact_metric": outcome.impact_metric,
        "actor": outcome.actor,
        "record_time": time_text(outcome.record_time),
        "number": outcome.number,
        "outcome_event_id": outcome.outcome_event_id,
    }
    return {name: value for name, value in fields.items() if value}


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
    fields = _fields(line)
    if unknown := fields.keys() - _READ:
        raise ValueError(f"unknown field {', '.join(sorted(unknown))}")
    if len(_PAYLOADS & fields.keys()) > 1:
        raise ValueError("expected at most one of data, json and binary")
    texts = {name: _text(fields, name) for name in ("event_id", *_TEXTS)}
    return everlog.Event(
        _text(fields, "event_type"),
        aggregate=_aggregate(fields),
        json=_json_of(fields),
        binary=_binary(fields),
        metadata=_mapping(fields, "metadata"),
        occurred_time=_time(fields, "occurred_time"),
        documentable=_flag(fields, "documentable"),
        intent=_intent(_mapping(fields, "intent")),
        context=_context(_mapping(fields, "context")),
        **texts,
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_BLANKS = re.compile(r"[ \t\n\r]*")
_VALUE = json.JSONDecoder(parse_constant=_no_constant)
# Data is only checked: its numbers are never read, so that none is too long.
_DATA = json.JSONDecoder(parse_constant=_no_constant, parse_int=str, parse_float=str)


def _fields(line: str | bytes) -> dict[str, Any]:
    """Read a line's object, with `data` as the text that stands there."""
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    try:
        return _walked(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.pos + 1}") from None


def _walked(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    at = _after_blanks(text, 0)
    if text[at : at + 1] != "{":
        _VALUE.decode(text)
        raise ValueError("expected a JSON object")
    at = _after_blanks(text, at + 1)
    closed = text[at : at + 1] == "}"
    while not closed:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("expected a field's name in double quotes", text, at)
        name, at = _VALUE.raw_decode(text, at)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ":":
            raise json.JSONDecodeError("expected a colon", text, at)
        fields[name], at = _value(name, text, _after_blanks(text, at + 1))
        at = _after_blanks(text, at)
        closed = text[at : at + 1] == "}"
        if not closed:
            if text[at : at + 1] != ",":
                raise json.JSONDecodeError("expected a comma or the object's end", text, at)
            at = _after_blanks(text, at + 1)
    if _after_blanks(text, at + 1) != len(text):
        raise json.JSONDecodeError("more after the object", text, at + 1)
    return fields


def _value(name: str, text: str, at: int) -> tuple[Any, int]:
    decoder = _DATA if name == "data" else _VALUE
    try:
        value, end = decoder.raw_decode(text, at)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return (text[at:end] if name == "data" else value), end


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return at if match is None else match.end()


def _json_of(fields: Mapping[str, Any]) -> str | None:
    if "data" in fields:
        data: str = fields["data"]
        return data
    return _text(fields, "json") if "json" in fields else None


def _binary(fields: Mapping[str, Any]) -> bytes | None:
    if "binary" not in fields:
        return None
    try:
        return base64.b64decode(_text(fields, "binary"), validate=True)
    except ValueError as error:
        raise ValueError(f"binary is not base64: {error}") from None


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
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}, expected a time: 2026-03-01T12:30:00Z") from None


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
