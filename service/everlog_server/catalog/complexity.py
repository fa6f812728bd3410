"""How often a schema looks at one value: bounded, else it is refused.

A validator follows every reference every time it meets it. Twenty definitions, each of which names
the next one twice, look at one value a million times; two branches that both lead back to the start
double the looks at every level of the data. Nothing of that is long to write, so the length of a
schema bounds nothing.

The schema is a graph. *In place* edges (allOf, anyOf, $ref …) look at the same value, *descending*
ones (properties, items …) at a value within it; what a descending edge leads to is a *root*. The
looks of a root are those of everything that is in place from it. Different names descend to
different values, so what counts is the most that one name, or one place of an array, leads to. A
root that leads back to itself is well if one name leads back once: then a level of the data adds
what it adds, and multiplies nothing.

Where it can't tell, it overestimates.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

LOOKS_MAX = 10_000
"""At one value."""
NESTING_MAX = 100
"""Of a schema document."""
_EXPANDED_MAX = 30_000
"""Subschemas that are met, and edges that descend from them, while all roots are followed: what the
analysis itself may cost, some 0.2 s. 4,000 properties that all refer to one definition of 2,000 are
a schema of 170 KB with 8,000,000 such edges."""
_LEVELS = 100
"""So many levels of nested data are reckoned with where each adds looks to those within it."""

_LISTS_IN_PLACE = ("allOf", "anyOf", "oneOf")
_ONES_IN_PLACE = ("not", "if", "then", "else")
_MAPS_IN_PLACE = ("dependentSchemas", "dependencies")
_ANY_NAME = ("additionalProperties", "unevaluatedProperties")
_ANY_PLACE = ("items", "additionalItems", "unevaluatedItems", "contains")

_Label = tuple[str, str | int | None]
"""Which values within a value: one name, any name (None), the names; one place, or any (None)."""
_Root = int


class SchemaTooComplexError(ValueError):
    """The schema could take too long. Its text says why."""


class Looks(NamedTuple):
    """What is applied to any one value, at most."""

    subschemas: int
    patterns: int
    """Those take time with the length of a text, and some much more than a subschema does."""


def looks_at_a_value(document: Any) -> Looks:
    """What is applied to any one value, at most; raises SchemaTooComplexError.

    The document must be a valid schema, else KeyErrors and the like may be raised.
    """
    if not isinstance(document, dict):
        return Looks(1, 0)
    return _Analysis(document).looks()


class _Analysis:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._anchors: dict[str, Any] = {}
        self._schemas: dict[_Root, dict[str, Any]] = {}
        self._descends: dict[_Root, dict[_Label, Counter[_Root]]] = {}
        self._looks: dict[_Root, int] = {}
        self._patterns: dict[_Root, int] = {}
        self._survey()

    def looks(self) -> Looks:
        waiting = [self._root(self._document)]
        expanded = 0
        while waiting:
            root = waiting.pop()
            if root in self._looks:
                continue
            expanded += self._expand(root, _EXPANDED_MAX - expanded)
            for targets in self._descends[root].values():
                waiting += targets
        return Looks(self._most(self._looks), self._most(self._patterns))

    def _survey(self) -> None:
        """Finds anchors, and what can't be followed."""
        level: list[Any] = [self._document]
        for _ in range(NESTING_MAX):
            below: list[Any] = []
            for value in level:
                if isinstance(value, list):
                    below += value
                elif isinstance(value, dict):
                    self._look_at_keywords(value)
                    below += value.values()
            level = [value for value in below if isinstance(value, dict | list)]
            if not level:
                return
        raise SchemaTooComplexError(f"is nested deeper than {NESTING_MAX} levels")

    def _look_at_keywords(self, schema: dict[str, Any]) -> None:
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if isinstance(schema.get(keyword), str):
                raise SchemaTooComplexError(f"{keyword} is not supported: use $ref")
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise SchemaTooComplexError(
                f"$ref {reference[:100]!r} leads out of the schema: only `#…` may be referred to"
            )
        for keyword in ("$id", "id"):
            name = schema.get(keyword)
            if isinstance(name, str) and schema is not self._document:
                if not name.startswith("#"):
                    raise SchemaTooComplexError(
                        f"{keyword} {name[:100]!r}: only the schema itself may have one, no part"
                    )
                self._anchors[name[1:]] = schema
        if isinstance(anchor := schema.get("$anchor"), str):
            self._anchors[anchor] = schema

    def _root(self, schema: dict[str, Any]) -> _Root:
        self._schemas[id(schema)] = schema
        return id(schema)

    def _expand(self, root: _Root, room: int) -> int:
        """Follows what is in place from a root; returns how many subschemas and edges that is.

        Raises SchemaTooComplexError if it is more than `room`.
        """
        descends: defaultdict[_Label, Counter[_Root]] = defaultdict(Counter)
        waiting = [self._schemas[root]]
        looks = met = patterns = 0
        while waiting:
            schema = waiting.pop()
            met += 1
            looks += 1 + _own_looks(schema)
            patterns += _own_patterns(schema)
            if looks > LOOKS_MAX:
                raise SchemaTooComplexError(_TOO_MANY)
            waiting += self._in_place(schema)
            for label, below in _below(schema):
                if isinstance(below, dict):
                    met += 1
                    descends[label][self._root(below)] += 1
            if met > room:
                raise SchemaTooComplexError(_TOO_FAR)
        self._descends[root] = descends
        self._looks[root] = looks
        self._patterns[root] = patterns
        return met

    def _in_place(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for keyword in _LISTS_IN_PLACE:
            yield from _schemas_of(schema.get(keyword, ()))
        for keyword in _ONES_IN_PLACE:
            yield from _schemas_of([schema.get(keyword)])
        for keyword in _MAPS_IN_PLACE:
            yield from _schemas_of(schema.get(keyword, {}).values())
        if isinstance(reference := schema.get("$ref"), str):
            yield from _schemas_of([self._resolve(reference)])

    def _resolve(self, reference: str) -> Any:
        fragment = unquote(reference[1:])
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment)
        found: Any = self._document
        for part in fragment.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (LookupError, TypeError, ValueError):
                # The validator does not follow a reference where it stands beside nothing: in an
                # `if` without a `then`, say.
                raise SchemaTooComplexError(f"$ref {reference[:100]!r} leads nowhere") from None
        return found

    def _most(self, own: dict[_Root, int]) -> int:
        """The looks at one value, over all roots, from the innermost outwards."""
        group_of: dict[_Root, int] = {}
        most: dict[int, int] = {}
        for number, group in enumerate(_groups(self._descends)):
            for root in group:
                group_of[root] = number
            looks = max(own[root] for root in group)
            for root in group:
                for label in self._descends[root]:
                    returning, leaving = self._led_to(root, label, number, group_of, most)
                    if returning > 1:
                        raise SchemaTooComplexError(
                            "leads back to itself more than once for one value: each level of the"
                            " data would double the looks at it"
                        )
                    looks = max(looks, leaving * (_LEVELS if returning else 1))
            if looks > LOOKS_MAX:
                raise SchemaTooComplexError(_TOO_MANY)
            most[number] = looks
        return max(most.values())

    def _led_to(
        self,
        root: _Root,
        label: _Label,
        number: int,
        group_of: dict[_Root, int],
        most: dict[int, int],
    ) -> tuple[int, int]:
        """How often one label of a root leads back into its group, and to how many looks beyond."""
        descends = self._descends[root]
        kind, which = label
        targets = descends[label]
        if which is not None and (kind, None) in descends:
            targets = targets + descends[kind, None]
        returning = leaving = 0
        for target, times in targets.items():
            if group_of[target] == number:
                returning += times
            else:
                leaving += times * most[group_of[target]]
        return returning, leaving


def _own_looks(schema: dict[str, Any]) -> int:
    """What one subschema compares a value with beyond itself, one by one."""
    choices = schema.get("enum", ())
    return len(schema.get("patternProperties", ())) + sum(
        1 for choice in choices if isinstance(choice, dict | list)
    )


def _own_patterns(schema: dict[str, Any]) -> int:
    return len(schema.get("patternProperties", ())) + ("pattern" in schema)


def _schemas_of(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict))


def _below(schema: dict[str, Any]) -> Iterator[tuple[_Label, Any]]:
    for name, below in schema.get("properties", {}).items():
        yield ("name", name), below
    for below in schema.get("patternProperties", {}).values():
        yield ("name", None), below
    for keyword in _ANY_NAME:
        yield ("name", None), schema.get(keyword)
    yield ("names", None), schema.get("propertyNames")
    for place, below in enumerate(schema.get("prefixItems", ())):
        yield ("place", place), below
    for keyword in _ANY_PLACE:
        below = schema.get(keyword)
        if isinstance(below, list):
            for place, one in enumerate(below):
                yield ("place", place), one
        else:
            yield ("place", None), below


def _groups(descends: dict[_Root, dict[_Label, Counter[_Root]]]) -> Iterator[list[_Root]]:
    """Roots that lead to each other, together; each group after those that it leads to (Tarjan)."""
    targets_of = {
        root: [target for targets in labels.values() for target in targets]
        for root, labels in descends.items()
    }
    index: dict[_Root, int] = {}
    low: dict[_Root, int] = {}
    path: list[_Root] = []
    on_path: set[_Root] = set()
    for start, first_targets in targets_of.items():
        if start in index:
            continue
        calls: list[tuple[_Root, Iterator[_Root]]] = [(start, iter(first_targets))]
        index[start] = low[start] = len(index)
        path.append(start)
        on_path.add(start)
        while calls:
            root, targets = calls[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    path.append(target)
                    on_path.add(target)
                    calls.append((target, iter(targets_of[target])))
                    break
                if target in on_path:
                    low[root] = min(low[root], index[target])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[root])
                if low[root] == index[root]:
                    group = [path.pop()]
                    while group[-1] != root:
                        group.append(path.pop())
                    on_path.difference_update(group)
                    yield group


_TOO_MANY = (
    f"looks at one value more than {LOOKS_MAX} times: its references multiply, or run in a circle"
)
_TOO_FAR = (
    f"leads to more than {_EXPANDED_MAX} subschemas, counted anew for each reference: refer to"
    " large definitions from fewer places"
)
