"""Everything that can go wrong, as one tree of exceptions.

Each class is one `ErrorReason` of the contract, except the base. A docstring's first line is the
message when nobody gives a better one. rpc/status.py turns them into gRPC statuses, in one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from everlog_server.model import AggregateKey, Expectation, ExpectationKind


class FieldViolation(NamedTuple):
    """One field of a request that is wrong, by its path (`events[2].json`), and why."""

    field: str
    description: str


class EverlogError(Exception):
    """Something went wrong."""

    reason: ClassVar[str] = "INTERNAL"
    retry_after_seconds: float | None = None
    """How long a caller should wait before trying again; None where waiting does not help."""

    def __init__(
        self, message: str | None = None, *, metadata: dict[str, str] | None = None
    ) -> None:
        self.message = message or (self.__doc__ or "").splitlines()[0]
        self.metadata = metadata or {}
        super().__init__(self.message)

    def again(self) -> EverlogError:
        """A copy to raise elsewhere: an exception that is raised twice would gather tracebacks."""
        again = type(self).__new__(type(self), *self.args)
        again.__dict__.update(self.__dict__)
        return again


class InternalError(EverlogError):
    """The server met a defect of its own."""


class BadRequestError(EverlogError):
    """The request is wrong."""

    reason = "INVALID_REQUEST"

    def __init__(self, *violations: FieldViolation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations) or None)


class InvalidEventError(BadRequestError):
    """A field of an event is wrong."""

    reason = "INVALID_EVENT"


class InvalidFilterError(BadRequestError):
    """A field of the filter is wrong."""

    reason = "INVALID_FILTER"


class InvalidPageTokenError(BadRequestError):
    """The page token is damaged or belongs to another query."""

    reason = "PAGE_TOKEN_INVALID"


class EventTooLargeError(BadRequestError):
    """An event is larger than the limit."""

    reason = "EVENT_TOO_LARGE"


class BatchTooLargeError(BadRequestError):
    """The request has more events or bytes than the limits."""

    reason = "BATCH_TOO_LARGE"


class Violation(NamedTuple):
    """An expectation that does not hold, and what is true instead."""

    expectation: Expectation
    actual_sequence: int

    def __str__(self) -> str:
        aggregate, kind, sequence = self.expectation
        expected = {
            ExpectationKind.EXACTLY: f"expected {sequence}",
            ExpectationKind.NOT_TO_EXIST: "expected not to exist",
            ExpectationKind.TO_EXIST: "expected to exist",
        }[kind]
        return f"{aggregate} is at sequence {self.actual_sequence}, {expected}"


class SequenceConflictError(EverlogError):
    """An aggregate is not at the expected sequence."""

    reason = "SEQUENCE_CONFLICT"

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        self.violations = violations
        super().__init__("; ".join(map(str, violations)))


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event of a request that the log has already."""

    index: int
    idempotency_key: str
    event_id: str
    """Empty: it is not for who asks."""


class KnownEventsError(EverlogError):
    """Events of the request are known already."""

    reason = "IDEMPOTENCY_KEYS_PARTLY_KNOWN"

    def __init__(self, message: str, known: tuple[KnownEvent, ...]) -> None:
        self.known = known
        event_id = known[0].event_id
        super().__init__(message, metadata={"event_id": event_id} if event_id else {})


class IdempotencyKeyReusedError(KnownEventsError):
    """The idempotency key was used for other content."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class EventIdReusedError(KnownEventsError):
    """The event id was used for other content."""

    reason = "EVENT_ID_REUSED"


@dataclass(frozen=True, slots=True)
class UnknownEventType:
    """An event type that a strict catalogue does not have, at the first event that has it."""

    index: int
    event_type: str
    nearest_event_types: tuple[str, ...]
    """The most like first."""


class EventTypeUnknownError(EverlogError):
    """The catalogue does not have the event type, and is strict."""

    reason = "EVENT_TYPE_UNKNOWN"

    def __init__(self, unknown: tuple[UnknownEventType, ...]) -> None:
        self.unknown = unknown
        super().__init__("; ".join(map(_unknown_text, unknown)))


def _unknown_text(one: UnknownEventType) -> str:
    hint = f"; there is {', '.join(one.nearest_event_types)}" if one.nearest_event_types else ""
    return f"events[{one.index}].event_type: the catalogue has no {one.event_type}{hint}"


@dataclass(frozen=True, slots=True)
class DataViolation:
    """A rule of its event type that an event breaks."""

    index: int
    event_type: str
    version: int
    data_pointer: str | None
    """None when it is the aggregate that is wrong."""
    schema_pointer: str
    message: str


class EventDataInvalidError(EverlogError):
    """An event breaks the rules of its event type."""

    reason = "EVENT_DATA_INVALID"

    def __init__(self, violations: tuple[DataViolation, ...]) -> None:
        self.violations = violations
        super().__init__("; ".join(map(_violation_text, violations)))


def _violation_text(one: DataViolation) -> str:
    where = "" if one.data_pointer is None else f" data{one.data_pointer}:"
    return f"events[{one.index}] ({one.event_type}){where} {one.message}"


class Refusal(NamedTuple):
    """Why a request must be refused, unless the log has those events of it already."""

    error: EverlogError
    indexes: frozenset[int]
    """Of the events that are to blame."""


class EventNotFoundError(EverlogError):
    """There is no such event."""

    reason = "EVENT_NOT_FOUND"


class AggregateNotFoundError(EverlogError):
    """The aggregate has no events."""

    reason = "AGGREGATE_NOT_FOUND"

    def __init__(self, aggregate: AggregateKey, *, hint: str = "") -> None:
        super().__init__(f"aggregate {aggregate} has no events{hint}")


class EventTypeExistsError(EverlogError):
    """The catalogue has the event type with another definition."""

    reason = "EVENT_TYPE_EXISTS"


class EventTypeNotFoundError(EverlogError):
    """The catalogue does not have the event type, or not that version of it."""

    reason = "EVENT_TYPE_NOT_FOUND"


class AggregateTypeNotFoundError(EverlogError):
    """The catalogue does not have the aggregate type."""

    reason = "AGGREGATE_TYPE_NOT_FOUND"


class VersionConflictError(EverlogError):
    """What is to be replaced is not at the expected version."""

    reason = "VERSION_CONFLICT"

    def __init__(self, what: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"{what} is at version {actual}, expected {expected}",
            metadata={"expected_version": str(expected), "actual_version": str(actual)},
        )


class NarrativeNotFoundError(EverlogError):
    """Nobody has saved a narrative of the event, or not that version of it."""

    reason = "NARRATIVE_NOT_FOUND"


class EntityNotFoundError(EverlogError):
    """No event that is indexed carries the id, and nobody has linked it."""

    reason = "ENTITY_NOT_FOUND"


class ConsumerNotFoundError(EverlogError):
    """There is no such consumer."""

    reason = "CONSUMER_NOT_FOUND"


class ConsumerExistsError(EverlogError):
    """There is a consumer of this name with other settings."""

    reason = "CONSUMER_EXISTS"


class DeliveryNotHeldError(EverlogError):
    """The delivery is not this member's, or not any more."""

    reason = "DELIVERY_NOT_HELD"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(
            f"delivery {delivery_id} is not this member's, or not any more",
            metadata={"delivery_id": delivery_id},
        )


class EventNotPendingError(EverlogError):
    """The event is not in a state of which the call could make anything."""

    reason = "EVENT_NOT_PENDING"

    def __init__(self, event_id: str, why: str) -> None:
        super().__init__(f"event {event_id} {why}", metadata={"event_id": event_id})


class TooManyMembersError(EverlogError):
    """The consumer has as many members as it may have."""

    reason = "TOO_MANY_MEMBERS"
    retry_after_seconds = 5.0


class ProjectionNotFoundError(EverlogError):
    """There is no such projection."""

    reason = "PROJECTION_NOT_FOUND"


class ProjectionInvalidError(BadRequestError):
    """The database does not take a projection's SQL."""

    reason = "PROJECTION_INVALID"

    def __init__(
        self, *violations: FieldViolation, sqlstate: str, position: int | None = None
    ) -> None:
        super().__init__(*violations)
        self.metadata = {"sqlstate": sqlstate}
        if position is not None:
            self.metadata["position"] = str(position)


class ProjectionSchemaTakenError(EverlogError):
    """A schema is in somebody else's use."""

    reason = "PROJECTION_SCHEMA_TAKEN"


class UnauthenticatedError(EverlogError):
    """The call carries no credentials, or none that are valid."""

    reason = "UNAUTHENTICATED"


class PermissionDeniedError(EverlogError):
    """The server does not take this from its callers, or not from this one."""

    reason = "PERMISSION_DENIED"


class TenantExistsError(EverlogError):
    """There is a tenant of this name."""

    reason = "TENANT_EXISTS"


class TenantFrozenError(EverlogError):
    """The tenant is frozen: it takes no events."""

    reason = "TENANT_FROZEN"


class TokenExistsError(EverlogError):
    """There is, or was, a token of this name."""

    reason = "TOKEN_EXISTS"


class TokenNotFoundError(EverlogError):
    """There is no such token."""

    reason = "TOKEN_NOT_FOUND"


class TenantNotFoundError(EverlogError):
    """There is no such tenant."""

    reason = "TENANT_NOT_FOUND"


class CursorBeyondHeadError(EverlogError):
    """The cursor is beyond the log's head."""

    reason = "CURSOR_BEYOND_HEAD"

    def __init__(self, *, position: int, head: int) -> None:
        super().__init__(
            f"position {position} is beyond the head, {head}: this cursor is not of this log",
            metadata={"position": str(position), "head": str(head)},
        )


class EventDamagedError(EverlogError):
    """What is stored of an event is no event: somebody, or something, has changed its bytes.

    Trying again does not help: it is for whoever runs the server.
    """

    reason = "EVENT_DAMAGED"

    def __init__(self, position: int, event_id: str) -> None:
        """`event_id`: the UUID as text; empty where it is not known yet."""
        self.position = position
        self.event_id = event_id
        metadata = {"position": str(position)}
        if event_id:
            metadata["event_id"] = event_id
        super().__init__(
            f"the event at position {position} is damaged: the bytes that are stored of event"
            f" {event_id or '?'} are not those of an event. Restore it from a backup; reads may go"
            f" on after position {position}",
            metadata=metadata,
        )

    def again(self) -> EventDamagedError:
        """The same, anew."""
        return EventDamagedError(self.position, self.event_id)


class LogDivergedError(EverlogError):
    """The event at the cursor's position is not the one that the cursor names."""

    reason = "LOG_DIVERGED"


class OverloadedError(EverlogError):
    """More is asked for than the server, or the caller's rate, has room for."""

    reason = "OVERLOADED"
    retry_after_seconds = 0.1

    def __init__(
        self, message: str | None = None, *, retry_after_seconds: float | None = None
    ) -> None:
        """`retry_after_seconds`: None: a moment."""
        super().__init__(message)
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds


class TooManySubscriptionsError(EverlogError):
    """This server has as many subscriptions as it may have."""

    reason = "TOO_MANY_SUBSCRIPTIONS"
    retry_after_seconds = 5.0


class ReadTooExpensiveError(EverlogError):
    """The read took longer than the server allows: narrow the filter."""

    reason = "READ_TOO_EXPENSIVE"
    retry_after_seconds = 1.0


class StateTooLargeError(ReadTooExpensiveError):
    """The aggregate's state is larger than the server allows: its reducer must keep less."""


class PositionNotVisibleError(EverlogError):
    """The position did not become visible here in time."""

    reason = "POSITION_NOT_VISIBLE"


class StorageUnavailableError(EverlogError):
    """PostgreSQL can't be reached."""

    reason = "STORAGE_UNAVAILABLE"
    retry_after_seconds = 1.0


class ServerDrainingError(EverlogError):
    """This server is shutting down."""

    reason = "SERVER_DRAINING"
    retry_after_seconds = 0.5


class CommitUnknownError(EverlogError):
    """The connection was lost at commit, and it is not known whether the events are stored."""

    reason = "COMMIT_UNKNOWN"
    retry_after_seconds = 1.0
