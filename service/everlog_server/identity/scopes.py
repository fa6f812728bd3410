"""Which events a caller is limited to: a part of its grant, as a filter that is AND-ed to others.

Invariants, tested: `narrow` means exactly the events that the filter and the scope mean; `has` says
the same of one event; what `has` does not have is never in a narrowed filter, whatever was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import orjson

from everlog_server.errors import FieldViolation
from everlog_server.model import EventFilter, Grant

NOTHING = EventFilter(event_types=("",))
"""Matches no event: each has a type. By its index PostgreSQL sees that at once."""

_ANY_ACTION = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The events that a caller may see and emit. Values within a field are OR-ed, fields AND-ed."""

    aggregate_types: frozenset[str] = frozenset()
    """Empty: all."""
    event_types: frozenset[str] = frozenset()
    event_type_prefixes: tuple[str, ...] = ()
    """Each ends with a full stop. Empty, as the types are: all."""
    user_id: str | None = None
    """None: anybody's. Empty, of one who has none: nobody's."""

    @classmethod
    def of(cls, grant: Grant) -> Scope | None:
        """What a grant limits to; None: it does not limit."""
        if not (grant.aggregate_types or grant.event_types or grant.own_only):
            return None
        types = [name for name in grant.event_types if not name.endswith(_ANY_ACTION)]
        prefixes = {name[:-1] for name in grant.event_types if name.endswith(_ANY_ACTION)}
        return cls(
            aggregate_types=frozenset(grant.aggregate_types),
            event_types=frozenset(types),
            event_type_prefixes=tuple(sorted(prefixes)),
            user_id=grant.user_id if grant.own_only else None,
        )

    @property
    def is_of_aggregates(self) -> bool:
        """Whether it has each aggregate whole, or not at all."""
        return self.user_id is None and not self._limits_types

    @property
    def _limits_types(self) -> bool:
        return bool(self.event_types or self.event_type_prefixes)

    def has(self, aggregate_type: str, event_type: str, user_id: str | None) -> bool:
        """Whether an event is among them. `user_id`: None or empty when it has none."""
        return self.violation(aggregate_type, event_type, user_id) is None

    def violation(
        self, aggregate_type: str, event_type: str, user_id: str | None
    ) -> FieldViolation | None:
        """The first field of an event for which it is not among them."""
        return next(self._misses(aggregate_type, event_type, user_id), None)

    def _misses(
        self, aggregate_type: str, event_type: str, user_id: str | None
    ) -> Iterator[FieldViolation]:
        if self.aggregate_types and aggregate_type not in self.aggregate_types:
            yield FieldViolation(
                "aggregate_type", f"is {aggregate_type!r}; {_one_of(self.aggregate_types)}"
            )
        if self._limits_types and not self._has_type(event_type):
            names = [*self.event_types, *(f"{prefix}*" for prefix in self.event_type_prefixes)]
            yield FieldViolation("event_type", f"is {event_type!r}; {_one_of(names)}")
        if self.user_id is not None and (not self.user_id or user_id != self.user_id):
            yield FieldViolation("user_id", f"is {user_id or ''!r}; only {self.user_id!r}")

    def _has_type(self, event_type: str) -> bool:
        return event_type in self.event_types or event_type.startswith(self.event_type_prefixes)

    def narrow(self, event_filter: EventFilter) -> EventFilter:
        """The filter that means what both mean."""
        f = event_filter
        aggregate_types = f.aggregate_types
        if self.aggregate_types:
            if f.aggregate is not None and f.aggregate.aggregate_type not in self.aggregate_types:
                return NOTHING
            asked = self.aggregate_types.intersection(f.aggregate_types or self.aggregate_types)
            if not asked:
                return NOTHING
            aggregate_types = tuple(sorted(asked))
        types, prefixes = f.event_types, f.event_type_prefixes
        if self._limits_types:
            types, prefixes = self._narrow_types(f)
            if not types and not prefixes:
                return NOTHING
        user_id = f.user_id
        if self.user_id is not None:
            if not self.user_id or user_id not in (None, self.user_id):
                return NOTHING
            user_id = self.user_id
        return replace(
            f,
            aggregate_types=aggregate_types,
            event_types=types,
            event_type_prefixes=prefixes,
            user_id=user_id,
        )

    def _narrow_types(self, f: EventFilter) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if not (f.event_types or f.event_type_prefixes):
            return tuple(sorted(self.event_types)), self.event_type_prefixes
        types = {name for name in f.event_types if self._has_type(name)}
        types.update(name for name in self.event_types if name.startswith(f.event_type_prefixes))
        prefixes = {
            max(asked, own, key=len)  # both stand for the longer one's, if one begins as the other
            for asked in f.event_type_prefixes
            for own in self.event_type_prefixes
            if asked.startswith(own) or own.startswith(asked)
        }
        return tuple(sorted(types)), tuple(sorted(prefixes))

    @property
    def key(self) -> bytes:
        """The same for those that mean the same, and for them only: page tokens are bound to it."""
        values = (
            sorted(self.aggregate_types),
            sorted(self.event_types),
            self.event_type_prefixes,
            self.user_id,
        )
        return orjson.dumps(values)


def _one_of(names: Iterable[str]) -> str:
    shown = sorted(names)
    rest = ", …" if len(shown) > 5 else ""
    return f"only {', '.join(map(repr, shown[:5]))}{rest}"
