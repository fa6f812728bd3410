"""Reducers: how the events of an aggregate type add up, compiled once a definition.

Total: every step is defined for every state and every event, and none of them runs code of a
caller. What a step can't do it leaves undone; a definition that is wrong (CatalogService refuses
it) does less than was meant, and breaks no read.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from everlog.v1 import catalog_pb2, event_pb2
from everlog_server.aggregates.json_values import merge
from everlog_server.aggregates.pointers import NOTHING
from everlog_server.aggregates.steps import Step, StepSize, compile_step, size_of

_REDUCERS_KEPT = 256
_TYPES_KEPT_MAX = 1_000


class CompiledReduction(NamedTuple):
    """What one event type does."""

    steps: tuple[Step, ...]
    growth_bytes: int
    """By how much its steps may make a state longer, but for what they take of the data."""
    data_uses: int
    """How many times they look at the data, and may put them into the state; 0: never."""
    walks_state: bool = False
    """Whether its steps may take longer than the event is large: as long as the state is large."""


def _merge(state: Any, _: event_pb2.RecordedEvent, data: Any) -> Any:
    return state if data is NOTHING else merge(state, data)


MERGE = CompiledReduction((_merge,), growth_bytes=0, data_uses=1)
NO_CHANGE = CompiledReduction((), growth_bytes=0, data_uses=0)


class Reducer:
    """An aggregate type's reducer."""

    def __init__(self, definition: catalog_pb2.AggregateTypeDefinition) -> None:
        self._initial_state = _checked(definition.initial_state)
        self._others = NO_CHANGE if definition.ignore_others else MERGE
        self._reductions = [
            (_names_of(reduction), _compile_reduction(reduction))
            for reduction in definition.reductions
        ]
        self._by_type: dict[str, CompiledReduction] = {}

    def initial_state(self) -> Any:
        """The state before the first event; a new one each time."""
        return orjson.loads(self._initial_state)

    def reduction_of(self, event_type: str) -> CompiledReduction:
        """What events of a type do: the first reduction that names it, or what others do."""
        reduction = self._by_type.get(event_type)
        if reduction is None:
            matching = (found for names, found in self._reductions if names.have(event_type))
            reduction = next(matching, self._others)
            if len(self._by_type) < _TYPES_KEPT_MAX:
                self._by_type[event_type] = reduction
        return reduction


@lru_cache(maxsize=_REDUCERS_KEPT)
def reducer_of(definition: bytes) -> Reducer:
    """The reducer of a serialized AggregateTypeDefinition; of an empty one: it merges."""
    return Reducer(catalog_pb2.AggregateTypeDefinition.FromString(definition))


def _checked(initial_state: str) -> str:
    try:
        orjson.loads(initial_state)
    except ValueError:
        return "{}"
    return initial_state


class _Names(NamedTuple):
    exact: frozenset[str]
    prefixes: tuple[str, ...]

    def have(self, event_type: str) -> bool:
        return event_type in self.exact or event_type.startswith(self.prefixes)


def _names_of(reduction: catalog_pb2.Reduction) -> _Names:
    names = reduction.event_types
    return _Names(
        frozenset(name for name in names if not name.endswith(".*")),
        tuple(name[:-1] for name in names if name.endswith(".*")),
    )


def _compile_reduction(reduction: catalog_pb2.Reduction) -> CompiledReduction:
    sizes: list[tuple[catalog_pb2.ReducerStep, StepSize]] = []
    for message in reduction.steps:
        with suppress(ValueError):
            sizes.append((message, size_of(message)))
    # What one step has put into the state, the next may change there: if another step looks at the
    # data too, it must not be the same object.
    shares_data = sum(size.data_uses > 0 for _, size in sizes) > 1
    steps = []
    for message, _ in sizes:
        with suppress(ValueError):
            steps.append(compile_step(message, shares_data=shares_data))
    return CompiledReduction(
        tuple(steps),
        growth_bytes=sum(size.growth_bytes for _, size in sizes),
        data_uses=sum(size.data_uses for _, size in sizes),
        walks_state=any(size.walks_state for _, size in sizes),
    )
