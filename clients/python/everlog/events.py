"""New events, as a caller writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from everlog.times import to_timestamp
from everlog.v1 import event_pb2

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Why somebody wanted what the event records: the goal before the fact."""

    problem_solved: str = ""
    pain_point: str = ""
    goal: str = ""
    expected_outcome: str = ""
    impact_metric: str = ""

    def to_message(self) -> event_pb2.Intent:
        """Encode the intent."""
        return event_pb2.Intent(
            problem_solved=self.problem_solved,
            pain_point=self.pain_point,
            goal=self.goal,
            expected_outcome=self.expected_outcome,
            impact_metric=self.impact_metric,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The decision behind an event, and the ids of events that belong with it."""

    decision: str = ""
    category: str = ""
    related_event_ids: tuple[str, ...] = ()

    def to_message(self) -> event_pb2.Context:
        """Encode the context."""
        return event_pb2.Context(
            decision=self.decision,
            category=self.category,
            related_event_ids=self.related_event_ids,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A new event. Only its type, and an aggregate or a source, are required.

    Its payload is one of `data`, `json` and `binary`, or absent. Raises ValueError when it has two
    of them or when `occurred_time` is naive, and TypeError or ValueError when `data` is no JSON.
    """

    event_type: str
    _: KW_ONLY
    aggregate: tuple[str, str] | None = None
    """What it is about, such as `("order", "42")`. None: the aggregate `source` / its source."""

    source: str = ""
    data: Any = None
    """Anything that the `json` module can write. None: no data (for a JSON null: `json="null"`)."""

    json: str | None = None
    """JSON text, kept byte for byte."""

    binary: bytes | None = None
    content_type: str = ""
    metadata: Mapping[str, Any] | None = None
    """Values that are not strings are kept as JSON text."""

    idempotency_key: str = ""
    event_id: str = ""
    """A UUID of the caller's choice. Empty: the server makes one."""

    correlation_id: str = ""
    causation_id: str = ""
    actor: str = ""
    user_id: str = ""
    occurred_time: datetime | None = None
    documentable: bool | None = None
    intent: Intent | None = None
    context: Context | None = None

    def __post_init__(self) -> None:
        if (self.data is not None) + (self.json is not None) + (self.binary is not None) > 1:
            raise ValueError("an event has one payload: data, json or binary")
        if self.occurred_time is not None and self.occurred_time.tzinfo is None:
            raise ValueError(f"occurred_time {self.occurred_time.isoformat()} has no time zone")

    @property
    def written_aggregate(self) -> tuple[str, str]:
        """The aggregate that the event will belong to."""
        return self.aggregate or ("source", self.source)

    @property
    def may_be_repeated(self) -> bool:
        """Whether emitting it a second time is harmless, because the log will recognise it."""
        return bool(self.idempotency_key or self.event_id)

    def with_key(self) -> Event:
        """The event, with a random idempotency key when it has none."""
        return self if self.idempotency_key else replace(self, idempotency_key=str(uuid4()))

    def to_message(self) -> event_pb2.NewEvent:
        """Encode the event."""
        message = event_pb2.NewEvent(event_type=self.event_type)
        if self.aggregate is not None:
            message.aggregate_type, message.aggregate_id = self.aggregate
        # Setting what is absent would cost more than all the rest of a small event.
        for name in _TEXTS:
            if text := getattr(self, name):
                setattr(message, name, text)
        if self.metadata:
            message.metadata.update(_metadata_texts(self.metadata))
        if self.documentable is not None:
            message.documentable = self.documentable
        if self.occurred_time is not None:
            message.occurred_time.CopyFrom(to_timestamp(self.occurred_time))
        if self.intent is not None:
            message.intent.CopyFrom(self.intent.to_message())
        if self.context is not None:
            message.context.CopyFrom(self.context.to_message())
        self._add_payload(message)
        return message

    def _add_payload(self, message: event_pb2.NewEvent) -> None:
        if self.data is not None:
            message.json = _encode_json(self.data)
        elif self.json is not None:
            message.json = self.json
        elif self.binary is not None:
            message.binary = self.binary


_TEXTS = (
    "event_id",
    "source",
    "content_type",
    "idempotency_key",
    "correlation_id",
    "causation_id",
    "actor",
    "user_id",
)


def _metadata_texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else _encode_json(value)
        for key, value in metadata.items()
    }
