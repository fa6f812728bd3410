"""What a caller may do: the one table from each RPC to the role it takes, and how limits meet it.

A grant may be limited to some events: to aggregate types, to event types, to its own. Such a caller
gets of each RPC what the events that it may see would give, or is refused and told why: nothing in
between. A server does not start with an RPC that has no entry. docs/roles.md shows the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from everlog.v1 import event_store_pb2
from everlog_server.errors import PermissionDeniedError
from everlog_server.identity.callers import Caller
from everlog_server.identity.scopes import Scope
from everlog_server.model import EventFilter, Expectation, NewEvent, Role
from everlog_server.rpc.stamps import Stamp

# Of every caller that is seen a few words are kept: enough of them for a busy server.
_CALLERS_KEPT = 4_096
_OPEN_IDENTITY = "open"


class Narrowing(Enum):
    """What an RPC does for a caller that is limited to some events."""

    NONE = "the same: it tells nothing of events"
    CHECKED = "each event is checked"
    FILTERED = "only its events"
    BY_AGGREGATE = (
        "only of its aggregate types; refused if it is limited to event types or own events"
    )
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Right:
    """What an RPC takes."""

    role: Role | None
    """None: being known is enough."""
    narrowing: Narrowing
    why_refused: str = ""


def _refused(role: Role, why: str) -> Right:
    return Right(role, Narrowing.REFUSED, why)


_WRITES_ABOUT = "what is written about an event is not checked event by event"
_OUTCOMES = "outcomes and narratives are events of others about an event"
# Events that say something of others, whoever appends them: by an RPC of their own, or by Emit.
_LINKING = frozenset({"entity.linked", "entity.unlinked"})
_MEANING = _LINKING | {"outcome.recorded", "narrative.saved"}
_GRAPH = "a graph leads through events that it may not see"
_WHOLE_LOG = "statistics are of the whole log"
_ENTITIES = "the index of entities is of the whole log"
_CONSUMERS = "a consumer and its events are shared by all of its members"
_PROJECTIONS = "projections are made of all events"
_RULES = "it would change what holds for all events"

_READ_CATALOGUE = Right(Role.READ, Narrowing.NONE)
_CHANGE_CATALOGUE = _refused(Role.ADMIN, _RULES)
_CONSUME = _refused(Role.CONSUME, _CONSUMERS)
_MANAGE_CONSUMERS = _refused(Role.ADMIN, _CONSUMERS)
_READ_PROJECTIONS = _refused(Role.READ, _PROJECTIONS)
_MANAGE_PROJECTIONS = _refused(Role.ADMIN, _PROJECTIONS)
_OPERATE = Right(Role.OPERATOR, Narrowing.NONE)

_SERVICES: dict[str, dict[str, Right]] = {
    "EventStoreService": {
        "Emit": Right(Role.EMIT, Narrowing.CHECKED),
        "EmitStream": Right(Role.EMIT, Narrowing.CHECKED),
        "GetHead": Right(Role.READ, Narrowing.FILTERED),
        "Get": Right(Role.READ, Narrowing.FILTERED),
        "Query": Right(Role.READ, Narrowing.FILTERED),
        "Replay": Right(Role.READ, Narrowing.FILTERED),
        "Subscribe": Right(Role.READ, Narrowing.FILTERED),
    },
    "AggregateService": {
        "GetState": Right(Role.READ, Narrowing.BY_AGGREGATE),
        "ListAggregates": Right(Role.READ, Narrowing.BY_AGGREGATE),
        "CountEvents": Right(Role.READ, Narrowing.FILTERED),
        "Latest": Right(Role.READ, Narrowing.FILTERED),
        "GetStatistics": _refused(Role.READ, _WHOLE_LOG),
    },
    "NarrativeService": {
        "RecordOutcome": _refused(Role.EMIT, _WRITES_ABOUT),
        "ListOutcomes": _refused(Role.READ, _OUTCOMES),
        "SaveNarrative": _refused(Role.EMIT, _WRITES_ABOUT),
        "GetNarrative": _refused(Role.READ, _OUTCOMES),
        "Trace": _refused(Role.READ, _GRAPH),
        "BuildNarrative": _refused(Role.READ, _GRAPH),
    },
    "EntityService": {
        "DeclareEntities": _refused(Role.ADMIN, _RULES),
        "ListEntityDeclarations": Right(Role.READ, Narrowing.NONE),
        "LinkEntities": _refused(Role.ADMIN, _RULES),
        "ListEntities": _refused(Role.READ, _ENTITIES),
        "EventsOfEntity": _refused(Role.READ, _ENTITIES),
    },
    "CatalogService": {
        "RegisterEventType": _CHANGE_CATALOGUE,
        "UpdateEventType": _CHANGE_CATALOGUE,
        "GetEventType": _READ_CATALOGUE,
        "ListEventTypes": _READ_CATALOGUE,
        "DeprecateEventType": _CHANGE_CATALOGUE,
        "ImportCatalog": _CHANGE_CATALOGUE,
        "GetCatalogPolicy": _READ_CATALOGUE,
        "SetCatalogPolicy": _CHANGE_CATALOGUE,
        "SetAggregateType": _CHANGE_CATALOGUE,
        "GetAggregateType": _READ_CATALOGUE,
        "ListAggregateTypes": _READ_CATALOGUE,
    },
    "ConsumerService": {
        "CreateConsumer": _MANAGE_CONSUMERS,
        "UpdateConsumer": _MANAGE_CONSUMERS,
        "GetConsumer": _CONSUME,
        "ListConsumers": _CONSUME,
        "DeleteConsumer": _MANAGE_CONSUMERS,
        "ResetConsumer": _MANAGE_CONSUMERS,
        "Consume": _CONSUME,
        "ListPending": _CONSUME,
        "GetProcessing": _CONSUME,
        "SetProcessing": _CONSUME,
        "ListParked": _CONSUME,
        "GetParked": _CONSUME,
        "ReplayParked": _CONSUME,
        "DiscardParked": _CONSUME,
    },
    "ProjectionService": {
        # Its SQL reaches the projections of all tenants, whose schemas one role owns.
        "ApplyProjection": _refused(Role.OPERATOR, _PROJECTIONS),
        "GetProjection": _READ_PROJECTIONS,
        "ListProjections": _READ_PROJECTIONS,
        "PauseProjection": _MANAGE_PROJECTIONS,
        "ResumeProjection": _MANAGE_PROJECTIONS,
        "RebuildProjection": _MANAGE_PROJECTIONS,
        "DeleteProjection": _MANAGE_PROJECTIONS,
        "ListProjectionErrors": _READ_PROJECTIONS,
        "RetryProjection": _MANAGE_PROJECTIONS,
        "SkipProjection": _MANAGE_PROJECTIONS,
        "GetProjectionEffects": _READ_PROJECTIONS,
    },
    "AdminService": {
        "CreateTenant": _OPERATE,
        "ListTenants": _OPERATE,
        "RenameTenant": _OPERATE,
        "FreezeTenant": _OPERATE,
        "DropTenant": _OPERATE,
        "CreateToken": _OPERATE,
        "ListTokens": _OPERATE,
        "RevokeToken": _OPERATE,
        "WhoAmI": Right(None, Narrowing.NONE),
    },
}

RIGHTS = {
    f"everlog.v1.{service}/{method}": right
    for service, methods in _SERVICES.items()
    for method, right in methods.items()
}
"""By method, with its service: `everlog.v1.EventStoreService/Emit`."""

_IMPLIED = {
    Role.ADMIN: frozenset({Role.EMIT, Role.READ, Role.CONSUME, Role.ADMIN}),
    Role.OPERATOR: frozenset(Role),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rights:
    """What a caller may do: its grant, made ready for being asked at every call."""

    identity: str
    roles: frozenset[Role]
    """With those that they imply."""
    tenants: tuple[str, ...] | None
    """Those that it may name, its own first; None: all."""
    scope: Scope | None
    """The events that it is limited to; None: it is not."""
    may_link: bool
    """Whether it may say that ids name the same entity, which holds for all events."""
    stamp: Stamp | None
    """What is written into its events; None: nothing is, and it may say what it likes."""

    def check_emission(
        self, events: Sequence[NewEvent], expectations: Sequence[Expectation]
    ) -> None:
        """Raises PermissionDeniedError unless it may emit these events, stamped as they are."""
        stamp = self.stamp
        if stamp is not None and not stamp.is_optional:
            own = (stamp.actor, stamp.user_id or None)
            for index, event in enumerate(events):
                said = (event.actor, event.user_id)
                if said != own:
                    stamp.check(f"events[{index}].", *said)
        if not self.may_link:
            for index, event in enumerate(events):
                if event.event_type in _LINKING:
                    raise _denied(
                        f"events[{index}].event_type",
                        f"is {event.event_type!r}, which takes the role admin as LinkEntities does",
                    )
        if self.scope is not None:
            self._check_scope(self.scope, events, expectations)

    @property
    def is_own_only(self) -> bool:
        """Whether it is limited to the events of its user."""
        return self.scope is not None and self.scope.user_id is not None

    @staticmethod
    def _check_scope(
        scope: Scope, events: Sequence[NewEvent], expectations: Sequence[Expectation]
    ) -> None:
        for index, event in enumerate(events):
            aggregate_type = event.aggregate.aggregate_type
            violation = scope.violation(aggregate_type, event.event_type, event.user_id)
            if violation is not None:
                raise _denied(f"events[{index}].{violation.field}", violation.description)
            if event.event_type in _MEANING:
                raise _denied(
                    f"events[{index}].event_type",
                    f"is {event.event_type!r}, but the caller is limited to some events:"
                    f" {_WRITES_ABOUT}",
                )
        # A conflict would tell how far an aggregate is.
        for aggregate, _, _ in expectations:
            if scope.aggregate_types and aggregate.aggregate_type not in scope.aggregate_types:
                raise _denied("expected_sequences", f"the caller may not see {aggregate}")

    def check_actor(self, actor: str) -> str:
        """The actor of what it writes, if the request says this; raises PermissionDeniedError."""
        if self.stamp is None:
            return actor
        self.stamp.check("", actor, None)
        return actor or self.stamp.actor

    def check_unlimited(self, field: str, why: str) -> None:
        """Raises PermissionDeniedError for a field that is not for limited callers."""
        if self.scope is not None:
            raise _denied(field, f"{self.identity} is limited to some events: {why}")

    def check_aggregate_types(self, aggregate_type: str, field: str) -> bool:
        """Whether it may see aggregates of a type: each of them whole, or not at all.

        Raises PermissionDeniedError where they can't be told apart so: when it is limited to event
        types or its own events, or asks for all types (empty).
        """
        scope = self.scope
        if scope is None:
            return True
        if not scope.is_of_aggregates:
            raise _denied(field, f"{self.identity} may see only some events of each aggregate")
        if not aggregate_type:
            raise _denied(field, f"{self.identity} is limited to some types: name one")
        return aggregate_type in scope.aggregate_types

    def narrow(self, event_filter: EventFilter) -> EventFilter:
        """The filter, of the events that it may see."""
        return event_filter if self.scope is None else self.scope.narrow(event_filter)

    def sees(self, record: bytes) -> bool:
        """Whether it may see an event, by its framed record."""
        if self.scope is None:
            return True
        event = event_store_pb2.GetResponse.FromString(record).event
        return self.scope.has(event.aggregate_type, event.event_type, event.user_id)

    @property
    def scope_key(self) -> bytes:
        """Of whom page tokens are good for: those who are limited to the same events."""
        return b"" if self.scope is None else self.scope.key


def _denied(field: str, description: str) -> PermissionDeniedError:
    return PermissionDeniedError(f"{field}: {description}", metadata={"field": field})


@lru_cache(_CALLERS_KEPT)
def rights_of(caller: Caller) -> Rights:
    """What a caller may do; raises PermissionDeniedError if nothing can be made of its grant."""
    grant = caller.grant
    roles = frozenset(role for own in grant.roles for role in _IMPLIED.get(own, {own}))
    is_of_all_tenants = not grant.tenants and Role.OPERATOR in roles
    stamp = None
    if caller.identity != _OPEN_IDENTITY:
        actor = grant.actor or caller.identity
        if "\0" in actor + grant.user_id:
            raise PermissionDeniedError("the identity holds a NUL character, which no event can")
        stamp = Stamp.of(actor, grant.user_id, is_optional=grant.acts_for_others)
    return Rights(
        identity=caller.identity,
        roles=roles,
        tenants=None if is_of_all_tenants else grant.tenants,
        scope=Scope.of(grant),
        may_link=Role.ADMIN in roles,
        stamp=stamp,
    )


UNBOUNDED = Rights(
    identity=_OPEN_IDENTITY,
    roles=frozenset(Role),
    tenants=None,
    scope=None,
    may_link=True,
    stamp=None,
)
"""Of a server that asks for no identity, and of what the house does by itself."""
