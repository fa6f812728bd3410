"""Requests of reads, built and checked before anything is sent.

Each raises ValueError when its arguments contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias, TypedDict

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from everlog import aggregates, filters
from everlog.errors import EverlogError
from everlog.filters import Filter
from everlog.times import to_timestamp
from everlog.v1 import event_store_pb2

Order: TypeAlias = Literal["newest_first", "oldest_first"]
Direction: TypeAlias = Literal["forwards", "backwards"]
KnownEvents: TypeAlias = Literal["refuse", "skip"]
"""What to do when only some of a request's events are known: refuse it, or store the others."""

_ORDERS = {
    "newest_first": event_store_pb2.QUERY_ORDER_NEWEST_FIRST,
    "oldest_first": event_store_pb2.QUERY_ORDER_OLDEST_FIRST,
}
_DIRECTIONS = {
    "forwards": event_store_pb2.REPLAY_DIRECTION_FORWARDS,
    "backwards": event_store_pb2.REPLAY_DIRECTION_BACKWARDS,
}
_POLICIES = {
    "refuse": event_store_pb2.KNOWN_EVENTS_POLICY_REFUSE,
    "skip": event_store_pb2.KNOWN_EVENTS_POLICY_SKIP,
}


def known_events_policy(known_events: KnownEvents) -> event_store_pb2.KnownEventsPolicy.ValueType:
    """Encode what to do when only some of a request's events are known."""
    if known_events not in _POLICIES:
        raise ValueError(f"known_events is {known_events!r}, expected one of {list(_POLICIES)}")
    return _POLICIES[known_events]


def get_request(
    *,
    event_id: str | None = None,
    position: int | None = None,
    aggregate: tuple[str, str] | None = None,
    sequence: int | None = None,
    idempotency_key: str | None = None,
    min_position: int = 0,
    outcome: bool = True,
) -> event_store_pb2.GetRequest:
    """Ask for one event, named in exactly one way."""
    if (aggregate is None) != (sequence is None):
        raise ValueError("aggregate and sequence name an event together")
    _exactly_one(
        event_id=event_id, position=position, sequence=sequence, idempotency_key=idempotency_key
    )
    request = event_store_pb2.GetRequest(min_position=min_position, without_outcome=not outcome)
    _set(request, event_id=event_id, position=position, idempotency_key=idempotency_key)
    if aggregate is not None and sequence is not None:
        request.aggregate_sequence.aggregate.CopyFrom(aggregates.to_message(aggregate))
        request.aggregate_sequence.sequence = sequence
    return request


def query_request(
    *,
    filter: Filter | None,  # noqa: A002 - the contract's word
    order: Order,
    page_size: int,
    page_token: str,
    total_size: bool,
    min_position: int,
    outcomes: bool = False,
) -> event_store_pb2.QueryRequest:
    """Ask for one page."""
    if order not in _ORDERS:
        raise ValueError(f"order is {order!r}, expected one of {list(_ORDERS)}")
    return event_store_pb2.QueryRequest(
        filter=filters.to_message(filter),
        order=_ORDERS[order],
        page_size=page_size,
        page_token=page_token,
        include_total_size=total_size,
        min_position=min_position,
        include_outcomes=outcomes,
    )


class Stretch(TypedDict, total=False):
    """Which stretch of history a replay reads; see `ReplayRequest`."""

    filter: Filter | None
    after_position: int
    """After this position of the log. At most one of the first three; absent: from the start."""

    after_sequence: int
    """After this sequence; only with an aggregate."""

    from_time: datetime
    """With the first event recorded at this time or later."""

    through_position: int
    """With this position. At most one of these three; absent: the head when the call arrives."""

    through_sequence: int
    """With this sequence; only with an aggregate."""

    through_time: datetime
    """With the last event recorded at this time or earlier."""

    direction: Direction
    """`forwards` or `backwards`; the bounds are of the stretch, whatever the direction."""

    max_events: int
    """Stop after so many; 0: no limit."""

    after_event_id: str
    """The id of the event at `after_position`: LogDiverged if it is another one."""

    min_position: int
    """Wait until at least this position is visible."""


def replay_request(
    aggregate: tuple[str, str] | None, stretch: Stretch
) -> event_store_pb2.ReplayRequest:
    """Ask for a stretch of history."""
    direction = stretch.get("direction", "forwards")
    if direction not in _DIRECTIONS:
        raise ValueError(f"direction is {direction!r}, expected one of {list(_DIRECTIONS)}")
    for bounds in (
        ("after_position", "after_sequence", "from_time"),
        ("through_position", "through_sequence", "through_time"),
    ):
        if sum(stretch.get(bound) is not None for bound in bounds) > 1:
            raise ValueError(f"expected at most one of {', '.join(bounds)}")
    from_time, through_time = stretch.get("from_time"), stretch.get("through_time")
    request = event_store_pb2.ReplayRequest(
        aggregate=aggregates.to_message(aggregate) if aggregate else None,
        filter=filters.to_message(stretch.get("filter")),
        from_time=to_timestamp(from_time) if from_time else None,
        through_time=to_timestamp(through_time) if through_time else None,
        direction=_DIRECTIONS[direction],
        max_events=stretch.get("max_events", 0),
        after_event_id=stretch.get("after_event_id", ""),
        min_position=stretch.get("min_position", 0),
    )
    _set(
        request,
        after_position=stretch.get("after_position"),
        after_sequence=stretch.get("after_sequence"),
        through_position=stretch.get("through_position"),
        through_sequence=stretch.get("through_sequence"),
    )
    return request


class Start(TypedDict, total=False):
    """Where and how a subscription starts; see `SubscribeRequest`."""

    filter: Filter | None
    after_position: int
    """After this position; 0 is the start of the log. Exactly one of the first three."""

    from_time: datetime
    """With the first event recorded at this time or later."""

    from_now: bool
    """With the next event to be recorded when the server answers: wait for CaughtUp to be sure."""

    after_event_id: str
    """The id of the event at `after_position`: LogDiverged if it is another one."""

    min_position: int
    """Wait until at least this position is visible."""

    heartbeat_seconds: float
    """The server's longest silence, 1 to 300 s; 10 s when absent. After three it reconnects."""

    on_interruption: Callable[[EverlogError, float], None]
    """Called with what interrupted, and the seconds until the next attempt."""


def subscribe_request(start: Start) -> event_store_pb2.SubscribeRequest:
    """Ask to follow the log, from exactly one place."""
    from_time, from_now = start.get("from_time"), start.get("from_now", False)
    _exactly_one(
        after_position=start.get("after_position"), from_time=from_time, from_now=from_now or None
    )
    request = event_store_pb2.SubscribeRequest(
        filter=filters.to_message(start.get("filter")),
        from_time=to_timestamp(from_time) if from_time else None,
        from_now=Empty() if from_now else None,
        after_event_id=start.get("after_event_id", ""),
        min_position=start.get("min_position", 0),
    )
    _set(request, after_position=start.get("after_position"))
    return request


def _set(request: Message, **fields: str | int | None) -> None:
    """Set those fields that have a value: in a `oneof`, even a zero is a choice."""
    for name, value in fields.items():
        if value is not None:
            setattr(request, name, value)


def _exactly_one(**choices: object) -> None:
    if sum(choice is not None for choice in choices.values()) != 1:
        raise ValueError(f"expected exactly one of {', '.join(choices)}")
