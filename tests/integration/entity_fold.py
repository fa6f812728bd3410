"""The knowledge graph as a fold over the log, written out in Python: what the index must equal."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from everlog.v1 import entities_pb2, event_pb2

Key = tuple[str, str]


class Graph:
    """What a log says of entities, under some declarations."""

    def __init__(
        self,
        log: Iterable[event_pb2.RecordedEvent],
        declarations: Iterable[entities_pb2.EntityDeclaration],
    ) -> None:
        self._declarations = list(declarations)
        self.positions: dict[Key, list[int]] = defaultdict(list)
        self.seen: set[frozenset[Key]] = set()
        self.said: set[frozenset[Key]] = set()
        for event in log:
            self._add(event)

    @property
    def ids(self) -> list[Key]:
        """All that are known, by their bytes."""
        linked = {key for link in self.seen | self.said for key in link}
        known = linked | {key for key, positions in self.positions.items() if positions}
        return sorted(known, key=lambda key: tuple(part.encode() for part in key))

    def entity(self, key: Key) -> set[Key]:
        """All ids that name the same."""
        links = self.seen | self.said
        found = {key}
        while more := {k for link in links if link & found for k in link} - found:
            found |= more
        return found

    def events(self, key: Key) -> list[int]:
        """The positions of its events, oldest first."""
        return sorted({n for one in self.entity(key) for n in self.positions.get(one, ())})

    def _add(self, event: event_pb2.RecordedEvent) -> None:
        if not event.json:
            return
        data = json.loads(event.json, parse_float=Decimal, parse_int=Decimal)
        subjects: dict[str, set[Key]] = defaultdict(set)
        carried = set()
        for declared in self._declarations:
            if not _is_of_type(event.event_type, declared.event_types):
                continue
            for text in [t for t in _texts(data, declared.pointer) if t is not None][:100]:
                id_ = _normalised(text, ignore_case=declared.ignore_case)
                if 0 < len(id_.encode()) <= 255:
                    carried.add((declared.kind, id_))
                    subjects[declared.subject].add((declared.kind, id_))
        for key in carried:
            self.positions[key].append(event.position)
        for subject, keys in subjects.items():
            first, *others = sorted(keys, key=lambda key: tuple(p.encode() for p in key))
            if subject:
                self.seen |= {frozenset((first, other)) for other in others}
        if event.aggregate_type == "entity" and event.event_type.startswith("entity."):
            self._say(data, linked=event.event_type == "entity.linked")

    def _say(self, data: Any, *, linked: bool) -> None:
        link = frozenset(self._said_key(data[name]) for name in ("entity", "same_as"))
        if len(link) == 2:
            self.said = self.said | {link} if linked else self.said - {link}

    def _said_key(self, key: dict[str, str]) -> Key:
        ignore = any(d.ignore_case for d in self._declarations if d.kind == key["kind"])
        return key["kind"], _normalised(key["id"], ignore_case=ignore)


def _is_of_type(event_type: str, declared: Iterable[str]) -> bool:
    declared = list(declared)
    return not declared or any(
        event_type.startswith(one[:-1]) if one.endswith(".*") else event_type == one
        for one in declared
    )


def _normalised(text: str, *, ignore_case: bool) -> str:
    return text.strip(" \t\n\v\f\r").lower() if ignore_case else text


def _texts(data: Any, pointer: str) -> Iterator[str | None]:
    steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer[1:].split("/")]
    for value in _values(data, steps):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one
            elif isinstance(one, Decimal):
                # Fractions take up a place among the first hundred, too.
                yield format(one.to_integral_value(), "f") if one == one.to_integral_value() else ""


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, *rest = steps
    if step == "*":
        for one in value if isinstance(value, list) else ():
            yield from _values(one, rest)
    elif isinstance(value, dict) and step in value:
        yield from _values(value[step], rest)
    elif isinstance(value, list) and step in map(str, range(len(value))):
        yield from _values(value[int(step)], rest)
