"""Which events are meant: the one filter that queries, replays and subscriptions share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from everlog import aggregates
from everlog.times import optional_datetime, to_timestamp
from everlog.v1 import filter_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Says which events are meant; an empty one means all of them.

    Values within a field are OR-ed, fields are AND-ed. `…_from` is inclusive, `…_before` exclusive.
    """

    aggregate_types: Sequence[str] = ()
    aggregate: tuple[str, str] | None = None
    event_types: Sequence[str] = ()
    """Exact types (`order.created`), or prefixes (`order.*`)."""

    sources: Sequence[str] = ()
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    correlation_id: str = ""
    causation_id: str = ""
    actor: str = ""
    user_id: str = ""
    documentable_only: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Entries that an event's metadata must all have, with equal values."""

    data_contains: Any = None
    """A JSON-able value that the event's data must contain, as PostgreSQL's `@>` has it."""

    keyword: str = ""
    """Words, whole or beginnings, that the event must all have among its texts."""

    def __post_init__(self) -> None:
        for name in ("aggregate_types", "event_types", "sources"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} takes a sequence of texts, not one text")

    def to_message(self) -> filter_pb2.EventFilter:
        """Encode the filter."""
        contains = self.data_contains
        return filter_pb2.EventFilter(
            aggregate_types=self.aggregate_types,
            aggregate=aggregates.to_message(self.aggregate) if self.aggregate else None,
            event_types=self.event_types,
            sources=self.sources,
            recorded_from=_timestamp(self.recorded_from),
            recorded_before=_timestamp(self.recorded_before),
            occurred_from=_timestamp(self.occurred_from),
            occurred_before=_timestamp(self.occurred_before),
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            actor=self.actor,
            user_id=self.user_id,
            documentable_only=self.documentable_only,
            metadata=self.metadata,
            data_contains="" if contains is None else json.dumps(contains, allow_nan=False),
            keyword=self.keyword,
        )


def _timestamp(time: datetime | None) -> Timestamp | None:
    return None if time is None else to_timestamp(time)


def to_message(filter: Filter | None) -> filter_pb2.EventFilter | None:  # noqa: A002 - the contract's word
    """Encode a filter, if there is one."""
    return filter.to_message() if filter else None


def of(message: filter_pb2.EventFilter) -> Filter:
    """Decode a filter."""
    return Filter(
        aggregate_types=tuple(message.aggregate_types),
        aggregate=(
            aggregates.AggregateKey(
                message.aggregate.aggregate_type, message.aggregate.aggregate_id
            )
            if message.HasField("aggregate")
            else None
        ),
        event_types=tuple(message.event_types),
        sources=tuple(message.sources),
        recorded_from=optional_datetime(message, "recorded_from"),
        recorded_before=optional_datetime(message, "recorded_before"),
        occurred_from=optional_datetime(message, "occurred_from"),
        occurred_before=optional_datetime(message, "occurred_before"),
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        actor=message.actor,
        user_id=message.user_id,
        documentable_only=message.documentable_only,
        metadata=dict(message.metadata),
        data_contains=json.loads(message.data_contains) if message.data_contains else None,
        keyword=message.keyword,
    )
