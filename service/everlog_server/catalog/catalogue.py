"""One state of a tenant's catalogue, in memory: what is known of each event type, and judging.

Immutable, but for what is compiled, or found, when it is first needed. A catalogue that follows
another one takes over what has not changed, compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from heapq import nlargest
from itertools import pairwise
from typing import Any

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.preloaded import PRELOADED, SERVER_TYPES
from everlog_server.catalog.schemas import Schema, full_match
from everlog_server.errors import (
    DataViolation,
    EventDataInvalidError,
    EventTypeUnknownError,
    EverlogError,
    Refusal,
    UnknownEventType,
)
from everlog_server.model import AggregateKey, NewEvent
from everlog_server.storage.catalogs import StoredEventType

VIOLATIONS_MAX = 100
_UNKNOWN_MAX = 100
_NEAREST_MAX = 3
_NEAREST_AMONG_MAX = 20
"""difflib takes 0.1 ms a name: only those that share most pairs of letters are compared by it."""
_NEAREST_KEPT_MAX = 200
"""Whoever emits a type that is not there emits it again and again."""
_NEAREST_OF_MAX = 3


def _pairs(name: str) -> frozenset[str]:
    """The pairs of neighbouring letters, and the first letter."""
    return frozenset([name[:1], *map("".join, pairwise(name))])


class Registered:
    """An event type that the tenant has registered, in its newest version."""

    def __init__(self, stored: StoredEventType) -> None:
        self.stored = stored
        self.definition = pb.EventTypeDefinition.FromString(stored.definition)
        one = self.definition
        self.aggregate_type = one.aggregate_type
        self.has_rules = bool(one.aggregate_type or one.aggregate_id_pattern or one.json_schema)

    @cached_property
    def rules(self) -> tuple[str, Callable[[str], bool] | None, Schema | None]:
        """The kind of aggregate, empty for any; whether an id is well; the schema. Compiled."""
        pattern = self.aggregate_id_pattern
        return self.aggregate_type, None if pattern is None else pattern.is_valid, self.schema

    @cached_property
    def schema(self) -> Schema | None:
        """The schema, compiled."""
        return Schema(self.definition.json_schema) if self.definition.json_schema else None

    @cached_property
    def aggregate_id_pattern(self) -> Any:
        """The pattern, compiled; `is_valid` tells whether an id matches it."""
        pattern = self.definition.aggregate_id_pattern
        return full_match(pattern) if pattern else None


class Catalogue:
    """A catalogue at one revision. Revision 0: nothing was ever said in it."""

    def __init__(self, revision: int, *, is_strict: bool, types: Mapping[str, Registered]) -> None:
        self.revision = revision
        self.is_strict = is_strict
        self.types = types
        preloaded = (name for name in PRELOADED if name not in types)
        self.documentable = frozenset(
            [name for name, one in types.items() if one.definition.documentable]
        ).union(preloaded)
        """The event types whose events are documentable when the writer does not say."""
        self._with_rules = {name: one for name, one in types.items() if one.has_rules}
        self._nearest: dict[str, tuple[str, ...]] = {}
        self._starting: dict[str, set[str]] = {}
        for name, one in types.items():
            if one.definition.starts_aggregate:
                self._starting.setdefault(one.aggregate_type, set()).add(name)
        self.judges = bool(is_strict or self._with_rules or self._starting)
        """Whether it has anything to say of events but whether they are documentable."""
        self.size_bytes = sum([len(one.stored.definition) for one in types.values()])
        """Of the definitions."""

    def followed_by(
        self, revision: int, *, is_strict: bool, changed: Iterable[StoredEventType]
    ) -> Catalogue:
        """The catalogue after a change."""
        types = dict(self.types)
        for stored in changed:
            before = types.get(stored.name)
            types[stored.name] = now = Registered(stored)
            if before is not None and before.stored.definition == stored.definition:
                # A deprecation, say: nothing need be compiled again.
                now.__dict__.update({**before.__dict__, "stored": stored})
        return Catalogue(revision, is_strict=is_strict, types=types)

    def knows(self, event_type: str) -> bool:
        """Whether a strict policy accepts the type."""
        return event_type in self.types or event_type in PRELOADED or event_type in SERVER_TYPES

    def nearest(self, event_type: str) -> tuple[str, ...]:
        """The names that are most like one, the most like first."""
        found = self._nearest.get(event_type)
        if found is None:
            if len(self._nearest) >= _NEAREST_KEPT_MAX:
                self._nearest.clear()
            found = self._nearest[event_type] = self._find_nearest(event_type)
        return found

    def _find_nearest(self, event_type: str) -> tuple[str, ...]:
        wanted = _pairs(event_type)
        likely = nlargest(
            _NEAREST_AMONG_MAX,
            self._pairs_of_names,
            key=lambda one: len(wanted & one[1]) / (len(wanted) + len(one[1])),
        )
        return tuple(get_close_matches(event_type, [name for name, _ in likely], _NEAREST_MAX))

    @cached_property
    def _pairs_of_names(self) -> list[tuple[str, frozenset[str]]]:
        return [(name, _pairs(name)) for name in self.types.keys() | PRELOADED.keys()]

    def judgement(self) -> Judgement:
        """To judge the events of one request by."""
        return Judgement(self, self._with_rules, self._starting)


OPEN = Catalogue(0, is_strict=False, types={})
"""The catalogue of a tenant that has said nothing."""


class Judgement:
    """What a catalogue has to say of the events of one request, added one after the other."""

    __slots__ = (
        "_catalogue", "_indexes", "_is_strict", "_seen", "_starting", "_unknown", "_violations",
        "_with_rules", "unstarted",
    )  # fmt: skip

    def __init__(
        self,
        catalogue: Catalogue,
        with_rules: Mapping[str, Registered],
        starting: Mapping[str, set[str]],
    ) -> None:
        self._catalogue = catalogue
        self._is_strict = catalogue.is_strict
        self._with_rules = with_rules
        self._starting = starting
        self._seen: set[AggregateKey] = set()
        self._indexes: set[int] = set()
        self._unknown: dict[str, int] = {}
        self._violations: list[DataViolation] = []
        self.unstarted: list[AggregateKey] = []
        """Aggregates that must have events already: the request does not begin with a type that
        starts them."""

    def add(self, index: int, event: NewEvent, value: Any) -> None:
        """Judges one event; `value` is its JSON data, parsed, None if it has none."""
        event_type = event.event_type
        one = self._with_rules.get(event_type)
        if one is not None:
            kind, id_is_valid, schema = one.rules
            aggregate_type, aggregate_id = event.aggregate
            data = event.data
            if (
                (kind and aggregate_type != kind)
                or (id_is_valid is not None and not id_is_valid(aggregate_id))
                or (
                    schema is not None
                    and (
                        # Asked before: most data is small.
                        (data and len(data) > schema.cheap_bytes and schema.is_too_dear(data))
                        or not schema.is_valid(value)
                    )
                )
            ):
                self._look_closely(index, one, event, value)
        elif self._is_strict and not self._catalogue.knows(event_type):
            self._indexes.add(index)
            if len(self._unknown) < _UNKNOWN_MAX:
                self._unknown.setdefault(event_type, index)
        if self._starting:
            aggregate = event.aggregate
            if aggregate.aggregate_type in self._starting and aggregate not in self._seen:
                self._seen.add(aggregate)
                if event_type not in self._starting[aggregate.aggregate_type]:
                    self.unstarted.append(aggregate)

    def refusal(self) -> Refusal | None:
        """Why the request must be refused, if it must, unless the log has these events already."""
        error: EverlogError
        if self._unknown:
            # Only of the first few: it is slow, and the others wait.
            error = EventTypeUnknownError(
                tuple(
                    UnknownEventType(
                        index, name, self._catalogue.nearest(name) if n < _NEAREST_OF_MAX else ()
                    )
                    for n, (name, index) in enumerate(self._unknown.items())
                )
            )
        elif self._violations:
            error = EventDataInvalidError(tuple(self._violations))
        else:
            return None
        return Refusal(error, frozenset(self._indexes))

    def _look_closely(self, index: int, one: Registered, event: NewEvent, value: Any) -> None:
        self._indexes.add(index)
        room = VIOLATIONS_MAX - len(self._violations)
        if room <= 0:
            return
        name, version = event.event_type, one.stored.version
        found: list[DataViolation] = []
        aggregate_type, aggregate_id = event.aggregate
        if one.aggregate_type and aggregate_type != one.aggregate_type:
            message = f"is of aggregate type {aggregate_type!r}; must be of {one.aggregate_type!r}"
            found.append(DataViolation(index, name, version, None, "", message))
        pattern = one.aggregate_id_pattern
        if pattern is not None and not pattern.is_valid(aggregate_id):
            message = (
                f"has aggregate id {aggregate_id!r}; must match"
                f" {one.definition.aggregate_id_pattern}"
            )
            found.append(DataViolation(index, name, version, None, "", message))
        if one.schema is not None:
            data = event.data or b"null"
            if one.schema.is_too_dear(data):
                message = f"is too large, with {len(data)} bytes, to be judged by its schema"
                found.append(DataViolation(index, name, version, "", "", message))
            else:
                found += [
                    DataViolation(index, name, version, *finding)
                    for finding in one.schema.findings(value, len(data), room)
                ]
        self._violations += found[:room]
