"""Whether an Emit may be judged at all: everything about it that can be said without the log.

Most events are small. For them, one look at the serialized length and one for NUL bytes stand for
all the limits on single fields; only events that fail to decode, or are not so small, are looked at
field by field, and then everything that is wrong is told, by its path (`events[3].json`).

Invariant, tested: what passes the quick look has no violation in the slow one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.catalog.catalogue import OPEN, Catalogue, Judgement
from everlog_server.errors import (
    BadRequestError,
    BatchTooLargeError,
    EventTooLargeError,
    FieldViolation,
    InternalError,
    InvalidEventError,
)
from everlog_server.model import AggregateKey, Emission, Expectation, ExpectationKind, NewEvent
from everlog_server.rpc.decoding import DOCUMENTABLE_BYTES, decode_event
from everlog_server.rpc.event_fields import FREE_TEXT_BYTES_MAX, event_violations
from everlog_server.rpc.fields import aggregate_violations, checked_enum
from everlog_server.rpc.rights import UNBOUNDED, Rights
from everlog_server.settings import LimitSettings

if TYPE_CHECKING:
    from everlog_server.rpc.stamps import Stamp

VIOLATIONS_MAX = 20
"""Of one error. More would not fit into a status, and help nobody."""
EXPECTATIONS_MAX = 1_000

_EVENT_OVERHEAD_BYTES = 512
_METADATA_ENTRY_BYTES_MIN = 6  # tag and length of the entry, of its key and of its value


def decode_emission(
    request: event_store_pb2.EmitRequest,
    limits: LimitSettings,
    catalogue: Catalogue = OPEN,
    rights: Rights = UNBOUNDED,
) -> Emission:
    """The request in the house's terms; changes the message.

    With the stamp of the caller whose rights these are; raises PermissionDeniedError for an event
    that contradicts it, or for anything that they do not reach.

    Raises BadRequestError, InvalidEventError, EventTooLargeError or BatchTooLargeError, with every
    violation found, at most 20; EventTypeUnknownError or EventDataInvalidError for what the
    catalogue has against it. A request with keys or chosen ids is not refused by the catalogue
    here: it carries its refusal, because the log may have had its events since before that rule.
    """
    count = len(request.events)
    if count == 0:
        raise BadRequestError(FieldViolation("events", "must have at least one event"))
    if count > limits.request_events_max:
        raise _too_many("events", count, limits.request_events_max)
    request.DiscardUnknownFields()
    judgement = catalogue.judgement() if catalogue.judges else None
    events = _decode_events(request.events, limits, catalogue, judgement, rights.stamp)
    identified = is_identified(events)
    if identified and count > 1:
        violations = tuple(islice(_identity_violations(events), VIOLATIONS_MAX))
        if violations:
            raise InvalidEventError(*violations)
    size = sum([len(event.body) for event in events])
    if size > limits.request_bytes_max:
        raise _too_many("events", size, limits.request_bytes_max, unit=" bytes")
    expectations = (
        _decode_expectations(request.expected_sequences, limits.name_bytes_max)
        if request.expected_sequences
        else ()
    )
    rights.check_emission(events, expectations)
    known_events = request.known_events
    if known_events:
        checked_enum(known_events, event_store_pb2.KnownEventsPolicy.DESCRIPTOR, "known_events")
    skip_known = known_events == event_store_pb2.KNOWN_EVENTS_POLICY_SKIP
    # What the queue is bounded by is memory: of a small event, most is not its bytes.
    size += _EVENT_OVERHEAD_BYTES * count
    for aggregate, _, _ in expectations:
        size += _EVENT_OVERHEAD_BYTES + len(aggregate.aggregate_type + aggregate.aggregate_id)
    if judgement is None:
        return Emission(
            tuple(events),
            expectations,
            skip_known,
            identified,
            size,
            is_limited=rights.scope is not None,
            is_own_only=rights.is_own_only,
        )
    refusal = judgement.refusal()
    if refusal is not None and not identified:
        raise refusal.error
    return Emission(
        tuple(events),
        expectations,
        skip_known,
        identified,
        size,
        refusal,
        tuple(judgement.unstarted),
        is_limited=rights.scope is not None,
        is_own_only=rights.is_own_only,
    )


def is_identified(events: Iterable[NewEvent]) -> bool:
    """Whether any event has an idempotency key or a chosen id."""
    return any([event.fingerprint for event in events])  # noqa: C419  a list is twice as fast


def _decode_events(
    messages: Iterable[event_pb2.NewEvent],
    limits: LimitSettings,
    catalogue: Catalogue,
    judgement: Judgement | None,
    stamp: Stamp | None,
) -> list[NewEvent]:
    # Any field of an event with so few bytes beside its payload is within its own limit.
    small = min(
        limits.name_bytes_max,
        limits.metadata_bytes_max,
        limits.metadata_entries_max * _METADATA_ENTRY_BYTES_MIN,
        FREE_TEXT_BYTES_MAX,
    )
    event_bytes_max = limits.event_bytes_max
    events: list[NewEvent] = []
    violations: list[FieldViolation] = []
    documentable_types = catalogue.documentable
    values: list[Any] | None = None if judgement is None else []
    for index, message in enumerate(messages):
        event: NewEvent | None
        try:
            event = decode_event(message, documentable_types, values, stamp)
        except ValueError:
            event = None
        if event is None or not _is_small(event, message, small, event_bytes_max):
            violations += _look_closely(message, event, f"events[{index}]", limits)
            if len(violations) >= VIOLATIONS_MAX:
                break
        if event is not None:
            events.append(event)
            if judgement is not None and values and not violations:
                # Only this one is kept parsed: it may take twenty times the space of its text.
                judgement.add(index, event, values.pop())
    if violations:
        raise InvalidEventError(*violations[:VIOLATIONS_MAX])
    return events


def _is_small(event: NewEvent, message: event_pb2.NewEvent, small: int, bytes_max: int) -> bool:
    """Whether no text of a decoded event can be too long or hold a NUL; false: perhaps it can."""
    data, body = event.data, event.body
    if data is not None:  # JSON, which has no NUL
        return (
            len(body) - len(data) <= small
            and len(body) <= bytes_max
            and body.find(0, 0, -DOCUMENTABLE_BYTES) < 0
        )
    payload = message.binary
    return (
        len(body) - len(payload) <= small
        and len(body) <= bytes_max
        and body.count(0, 0, -DOCUMENTABLE_BYTES) == payload.count(0)
    )


def _look_closely(
    message: event_pb2.NewEvent, event: NewEvent | None, path: str, limits: LimitSettings
) -> list[FieldViolation]:
    size = len(event.body) if event is not None else message.ByteSize()
    if size > limits.event_bytes_max:
        raise EventTooLargeError(
            FieldViolation(path, f"has {size} bytes; at most {limits.event_bytes_max}")
        )
    violations = list(islice(event_violations(message, path, limits), VIOLATIONS_MAX))
    if event is None and not violations:
        raise InternalError(f"{path} can't be decoded, and nothing is wrong with it")
    return violations


def _identity_violations(events: list[NewEvent]) -> Iterator[FieldViolation]:
    """What is wrong among the keys and chosen ids of one request."""
    keys: dict[str, int] = {}
    ids: dict[bytes, int] = {}
    expect_keys = events[0].idempotency_key is not None
    for index, event in enumerate(events):
        key, event_id = event.idempotency_key, event.event_id
        if (key is not None) is not expect_keys:
            given = "given" if expect_keys else "absent"
            yield FieldViolation(
                f"events[{index}].idempotency_key",
                f"must be {given}, as it is in events[0]: all events have keys, or none has",
            )
        elif key is not None and (first := keys.setdefault(key, index)) != index:
            yield FieldViolation(
                f"events[{index}].idempotency_key", f"is that of events[{first}] too"
            )
        if event_id is not None and (first := ids.setdefault(event_id, index)) != index:
            yield FieldViolation(f"events[{index}].event_id", f"is that of events[{first}] too")


def _decode_expectations(
    messages: Sequence[event_store_pb2.ExpectedSequence], name_bytes_max: int
) -> tuple[Expectation, ...]:
    if len(messages) > EXPECTATIONS_MAX:
        raise _too_many("expected_sequences", len(messages), EXPECTATIONS_MAX)
    violations = tuple(islice(_expectation_violations(messages, name_bytes_max), VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)
    return tuple(filter(None, map(_decode_expectation, messages)))


def _expectation_violations(
    messages: Iterable[event_store_pb2.ExpectedSequence], name_bytes_max: int
) -> Iterator[FieldViolation]:
    seen: dict[tuple[str, str], int] = {}
    for index, message in enumerate(messages):
        path = f"expected_sequences[{index}]"
        aggregate = message.aggregate
        yield from aggregate_violations(aggregate, f"{path}.aggregate", name_bytes_max)
        if message.exactly < 0:
            yield FieldViolation(f"{path}.exactly", f"is {message.exactly}; at least 0")
        key = (aggregate.aggregate_type, aggregate.aggregate_id)
        if (first := seen.setdefault(key, index)) != index:
            yield FieldViolation(f"{path}.aggregate", f"is that of expected_sequences[{first}] too")


def _decode_expectation(message: event_store_pb2.ExpectedSequence) -> Expectation | None:
    aggregate = AggregateKey(message.aggregate.aggregate_type, message.aggregate.aggregate_id)
    match message.WhichOneof("expected"):
        case "exactly":
            return Expectation(aggregate, ExpectationKind.EXACTLY, message.exactly)
        case "must_not_exist":
            return Expectation(aggregate, ExpectationKind.NOT_TO_EXIST, 0)
        case "must_exist":
            return Expectation(aggregate, ExpectationKind.TO_EXIST, 0)
        case _:
            return None


def _too_many(field: str, count: int, most: int, unit: str = "") -> BatchTooLargeError:
    return BatchTooLargeError(FieldViolation(field, f"has {count}{unit}; at most {most}"))
