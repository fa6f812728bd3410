"""Between the suite's canonical JSON and the objects of the Python client: see README.md."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, TypeAlias

import everlog

Json: TypeAlias = dict[str, Any]

_INTENT = ("problem_solved", "pain_point", "goal", "expected_outcome", "impact_metric")
_INTEGERS = frozenset(
    {
        *("position", "sequence", "min_position", "max_events"),
        *("after_position", "after_sequence", "through_position", "through_sequence"),
    }
)
_TIMES = frozenset(
    {
        *("occurred_time", "from_time", "through_time"),
        *("recorded_from", "recorded_before", "occurred_from", "occurred_before"),
    }
)


def to_time(text: str) -> datetime:
    """A time, aware."""
    return datetime.fromisoformat(text)


def from_time(time: datetime) -> str:
    """A time with exactly six digits."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def to_event(shape: Json) -> everlog.Event:
    """A new event."""
    fields = dict(shape)
    aggregate = (fields.pop("aggregate_type", ""), fields.pop("aggregate_id", ""))
    if any(aggregate):
        fields["aggregate"] = aggregate
    if "binary" in fields:
        fields["binary"] = base64.b64decode(fields["binary"], validate=True)
    if "occurred_time" in fields:
        fields["occurred_time"] = to_time(fields["occurred_time"])
    if "intent" in fields:
        fields["intent"] = everlog.Intent(**fields["intent"])
    if "context" in fields:
        context = dict(fields["context"])
        context["related_event_ids"] = tuple(context.get("related_event_ids", ()))
        fields["context"] = everlog.Context(**context)
    return everlog.Event(fields.pop("event_type", ""), **fields)


def from_event(event: everlog.RecordedEvent) -> Json:
    """A recorded event, with every field."""
    shape: Json = {
        "event_id": event.event_id,
        "position": str(event.position),
        "sequence": str(event.sequence),
        "record_time": from_time(event.record_time),
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "event_type": event.event_type,
        "source": event.source,
        "content_type": event.content_type,
        "metadata": dict(event.metadata),
        "idempotency_key": event.idempotency_key,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "actor": event.actor,
        "user_id": event.user_id,
        "occurred_time": from_time(event.occurred_time),
        "documentable": event.documentable,
    }
    if event.json is not None:
        shape["json"] = event.json
    if event.binary is not None:
        shape["binary"] = base64.b64encode(event.binary).decode()
    if event.intent is not None:
        shape["intent"] = {name: getattr(event.intent, name) for name in _INTENT}
    if event.context is not None:
        shape["context"] = {
            "decision": event.context.decision,
            "category": event.context.category,
            "related_event_ids": list(event.context.related_event_ids),
        }
    return shape


def from_receipt(receipt: everlog.Receipt) -> Json:
    """A receipt."""
    return {
        "event_id": receipt.event_id,
        "position": str(receipt.position),
        "sequence": str(receipt.sequence),
        "record_time": from_time(receipt.record_time),
        "deduplicated": receipt.deduplicated,
        "documentable": receipt.documentable,
    }


def from_outcome(outcome: everlog.Outcome) -> Json:
    """What became of one event of a stream."""
    index, answer = outcome
    if isinstance(answer, everlog.EverlogError):
        return {"index": index, "error": from_error(answer)}
    return {"index": index, "receipt": from_receipt(answer)}


def from_head(head: everlog.Head) -> Json:
    """The head."""
    shape: Json = {"position": str(head.position), "event_id": head.event_id}
    if head.record_time is not None:
        shape["record_time"] = from_time(head.record_time)
    return shape


def from_item(item: everlog.RecordedEvent | everlog.CaughtUp | everlog.FellBehind) -> Json:
    """What a subscription gave."""
    match item:
        case everlog.CaughtUp(position):
            return {"caught_up": str(position)}
        case everlog.FellBehind(position):
            return {"fell_behind": str(position)}
        case event:
            return {"event": from_event(event)}


def from_error(error: everlog.EverlogError) -> Json:
    """A typed error; what its class has no property for is in its details."""
    details = error.details
    shape: Json = {
        "reason": error.reason,
        "code": error.code.name,
        "message": error.message,
        "metadata": error.metadata,
        "field_violations": [
            {"field": violation.field, "description": violation.description}
            for violation in details.field_violations
        ],
        "sequence_violations": [
            {
                "aggregate_type": violation.aggregate.aggregate_type,
                "aggregate_id": violation.aggregate.aggregate_id,
                **_from_expected(violation.expected),
                "actual_sequence": str(violation.actual),
            }
            for violation in details.sequence_violations
        ],
        "known_events": [
            {
                "index": known.index,
                "idempotency_key": known.idempotency_key,
                "event_id": known.event_id,
            }
            for known in details.known_events
        ],
    }
    if error.retry_after is not None:
        shape["retry_after_seconds"] = error.retry_after
    return shape


def to_expectations(shapes: list[Json] | None) -> everlog.Expectations | None:
    """Expectations by their aggregate."""
    if shapes is None:
        return None
    return {
        (shape["aggregate_type"], shape["aggregate_id"]): _to_expected(shape) for shape in shapes
    }


def _to_expected(shape: Json) -> everlog.Expected:
    if "exactly" in shape:
        return int(shape["exactly"])
    return everlog.MUST_EXIST if shape.get("must_exist") else everlog.MUST_NOT_EXIST


def _from_expected(expected: everlog.Expected) -> Json:
    match expected:
        case everlog.MUST_NOT_EXIST:
            return {"must_not_exist": True}
        case everlog.MUST_EXIST:
            return {"must_exist": True}
        case sequence:
            return {"exactly": str(sequence)}


def to_settings(shape: Json) -> Json:
    """What `connect` takes: PEM as bytes."""
    pem = {"root_certificates", "client_certificate", "client_key"}
    return {name: value.encode() if name in pem else value for name, value in shape.items()}


def to_arguments(shape: Json) -> Json:
    """The arguments of a read as the client takes them; also those of a filter."""
    arguments = dict(shape)
    if "aggregate_type" in arguments:
        arguments["aggregate"] = (arguments.pop("aggregate_type"), arguments.pop("aggregate_id"))
    for name, value in shape.items():
        if name in _INTEGERS:
            arguments[name] = int(value)
        elif name in _TIMES:
            arguments[name] = to_time(value)
        elif name == "filter":
            arguments[name] = everlog.Filter(**to_arguments(value))
        elif name == "aggregate":
            arguments[name] = (value["aggregate_type"], value["aggregate_id"])
    return arguments
