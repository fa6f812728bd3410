"""The plain data that travels between the rooms.

Everything here is immutable. What is made once an event is a `NamedTuple`: it costs half of a
frozen dataclass to make. Times are integers: microseconds since 1970-01-01 UTC. Ids are 16 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from everlog_server.errors import Refusal

DEFAULT_TENANT = "default"


class AggregateKey(NamedTuple):
    """What an event is about."""

    aggregate_type: str
    aggregate_id: str

    def __str__(self) -> str:
        return f"{self.aggregate_type}/{self.aggregate_id}"


class NewEvent(NamedTuple):
    """A checked event on its way into the log. Optional text is None, never empty."""

    aggregate: AggregateKey
    event_type: str
    event_id: bytes | None
    """Chosen by the caller; None: the sequencer makes one."""
    idempotency_key: str | None
    fingerprint: bytes | None
    """None when there is neither a key nor a chosen id: nobody will ask for it."""
    occurred_time: int | None
    documentable: bool
    source: str | None
    correlation_id: str | None
    causation_id: bytes | None
    actor: str | None
    user_id: str | None
    data: bytes | None
    """The JSON payload as UTF-8, if the payload is JSON."""
    metadata: bytes | None
    """A JSON object as UTF-8."""
    intent: bytes | None
    context: bytes | None
    related_event_ids: tuple[bytes, ...]
    body: bytes
    """The serialized message without the fields that only the server knows."""


class ExpectationKind(Enum):
    """What a writer expects of an aggregate."""

    EXACTLY = "exactly"
    NOT_TO_EXIST = "not to exist"
    TO_EXIST = "to exist"


class Expectation(NamedTuple):
    """The writer's optimistic check on one aggregate."""

    aggregate: AggregateKey
    kind: ExpectationKind
    sequence: int
    """Only with EXACTLY; else 0."""

    def holds(self, last_sequence: int) -> bool:
        """Whether an aggregate whose last sequence is this (0: none) is as expected."""
        if self.kind is ExpectationKind.EXACTLY:
            return last_sequence == self.sequence
        return (last_sequence > 0) == (self.kind is ExpectationKind.TO_EXIST)


class Emission(NamedTuple):
    """One caller's request to append events, all or nothing."""

    events: tuple[NewEvent, ...]
    expectations: tuple[Expectation, ...]
    skip_known: bool
    identified: bool
    """Whether any event has an idempotency key or a chosen id."""
    size_bytes: int
    refusal: Refusal | None = None
    """What the catalogue has against it. Only of an identified one: it may be known already."""
    unstarted: tuple[AggregateKey, ...] = ()
    """Aggregates that must have events: what the request has for them first does not start them."""
    is_limited: bool = False
    """Whether its caller may see some events only: it is not told which one has its key."""
    is_own_only: bool = False
    """Whether those are of its user only: a known event of another user is other content to it."""


class StoredEvent(NamedTuple):
    """What is kept of an event to recognise it when it is sent again."""

    event_id: bytes
    fingerprint: bytes | None
    """None: it was stored with neither a key nor a chosen id; `record` tells."""
    position: int
    sequence: int
    record_time: int
    documentable: bool
    idempotency_key: str | None
    record: bytes | None
    """Framed; None when there is a fingerprint."""
    user_id: str | None


class Committed(NamedTuple):
    """A durable batch, as the sequencer hands it on. The lists are parallel."""

    first_position: int
    record_time: int
    events: list[NewEvent]
    event_ids: list[bytes]
    records: list[bytes]
    """Framed."""
    event_id_before: bytes | None
    """The id of the event that the log had last before; None: it was empty."""


class Head(NamedTuple):
    """Where a log ends. `event_id` is None and `record_time` 0 when it is empty."""

    position: int
    event_id: bytes | None
    record_time: int


class Outcome(NamedTuple):
    """What came of an event, as an event of the log says it."""

    subject_id: bytes
    """The id of the event that it came of."""
    event_id: bytes
    number: int
    record_time: int
    actor: str
    outcome: str
    impact_metric: str


class FoundEvent(NamedTuple):
    """An event that was asked for. `record` is framed."""

    record: bytes
    outcome: Outcome | None
    """None: there is none, or nobody asked."""


class LinkKind(Enum):
    """How an event names another. The numbers are those of the contract."""

    RELATED = 1
    CAUSATION = 2
    CORRELATION = 3


class Graph(NamedTuple):
    """Events and how they name each other."""

    records: bytes
    """Framed and joined, oldest first."""
    event_ids: list[str]
    """Of all nodes: those with a record in their order, then those that dangle."""
    depths: list[int]
    events: int
    """How many of the nodes have a record."""
    edges: list[tuple[int, int, int]]
    """Who names, who is named (both as places among the nodes), and the number of the kind."""
    is_truncated: bool


class TailEvent(NamedTuple):
    """A committed event with what live filters read. `record` is framed."""

    position: int
    record: bytes
    aggregate: AggregateKey
    event_type: str
    record_time: int
    occurred_time: int
    source: str | None
    correlation_id: str | None
    causation_id: bytes | None
    actor: str | None
    user_id: str | None
    documentable: bool


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant. Values within a field are OR-ed, fields are AND-ed; empty: all.

    `record`-level twins of it in SQL: `storage/sql/reads.sql`. Equal filters are equal objects, so
    that subscriptions with the same filter share their bytes.
    """

    aggregate_types: tuple[str, ...] = ()
    aggregate: AggregateKey | None = None
    event_types: tuple[str, ...] = ()
    event_type_prefixes: tuple[str, ...] = ()
    """Each ends with a full stop: `order.` stands for `order.*`."""
    sources: tuple[str, ...] = ()
    recorded_from: int | None = None
    recorded_before: int | None = None
    occurred_from: int | None = None
    occurred_before: int | None = None
    correlation_id: str | None = None
    causation_id: bytes | None = None
    actor: str | None = None
    user_id: str | None = None
    documentable_only: bool = False
    metadata: str | None = None
    """A JSON object of strings."""
    data_contains: str | None = None
    """A JSON value."""
    keywords: tuple[str, ...] = field(default=())
    """Words of letters, digits and marks; PostgreSQL lowers them."""

    @property
    def is_empty(self) -> bool:
        """Whether every event matches."""
        return self == _ALL_EVENTS

    @property
    def needs_database(self) -> bool:
        """Whether only PostgreSQL can judge it: JSON containment and word search are its own."""
        return bool(self.metadata or self.data_contains or self.keywords)


_ALL_EVENTS = EventFilter()


class EntityKey(NamedTuple):
    """Names a customer, an account, a login … by an id of one kind."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class EntityDeclaration(NamedTuple):
    """Where events of some types carry ids of one kind."""

    name: str
    event_types: tuple[str, ...]
    """Exact, or prefixes such as `order.*`; empty: all."""
    pointer: str
    """A JSON pointer in which `*` stands for every element of an array."""
    kind: str
    subject: str
    """Ids that one event carries under the same one name the same entity. Empty: none."""
    ignore_case: bool


class Role(IntEnum):
    """What a caller may do. The values are those of the contract."""

    EMIT = 1
    READ = 2
    CONSUME = 3
    ADMIN = 4
    """Everything in the tenant: what the three above may, too."""
    OPERATOR = 5
    """Everything on the server."""

    @classmethod
    def known(cls, numbers: Iterable[int]) -> frozenset[Role]:
        """The roles among these numbers: who is newer than this server may know more of them."""
        among = frozenset(numbers)
        return frozenset(role for role in cls if role in among)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a caller may do: see `Grant` in admin.proto, field by field."""

    roles: frozenset[Role]
    tenants: tuple[str, ...] = ()
    """The first is what a call is about that names none. Empty, for operators only: all."""
    aggregate_types: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    own_only: bool = False
    actor: str = ""
    user_id: str = ""
    acts_for_others: bool = False
    events_per_second: int = 0
    calls_per_second: int = 0


def uuid_text(value: bytes) -> str:
    """A UUID in its canonical lower-case text."""
    digits = value.hex("-", 2)
    return f"{digits[:4]}{digits[5:29]}{digits[30:34]}{digits[35:]}"
