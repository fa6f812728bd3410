"""Reducers: how the events of an aggregate type add up, compiled once a definition.

Total: every step is defined for every state and every event, and none of them runs code of a
caller. What a step can't do it leaves undone; a definition that is wrong (CatalogService refuses
it) does less than was meant, and breaks no read.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, cast

import orjson

from everlog.v1 import catalog_pb2
from everlog_server.aggregates.facts import (
    Facts,
    ValueOf,
    bytes_beside_data,
    is_of_data,
    value_at,
)
from everlog_server.aggregates.json_values import (
    as_number,
    copied,
    is_equal,
    is_number,
    merge,
)
from everlog_server.aggregates.pointers import (
    NOTHING,
    Reference,
    Template,
    parse_target,
    text_of,
)
from everlog_server.pointers import parse_pointer

_Step = catalog_pb2.ReducerStep
_REDUCERS_KEPT = 256
_TYPES_KEPT_MAX = 1_000

Step = Callable[[Any, Facts], Any]
"""From a state, which it may change, and an event to the next state."""
TokensOf = Callable[[Facts], list[str] | None]
Change = Callable[[Any, Any], Any]
"""From what is there (or NOTHING) and a value to what is there then."""


class CompiledReduction(NamedTuple):
    """What one event type does."""

    steps: tuple[Step, ...]
    growth_bytes: int
    """By how much its steps may make a state longer, but for what they take of the data."""
    data_uses: int
    """How many times they may put the data into the state."""


MERGE = CompiledReduction(
    (lambda state, facts: state if facts.data is NOTHING else merge(state, facts.data),), 0, 1
)
NO_CHANGE = CompiledReduction((), 0, 0)


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
    sizes = []
    for message in reduction.steps:
        with suppress(ValueError):
            sizes.append((message, *_size_of(message)))
    # What one step has put into the state, the next may change there: if another step looks at the
    # data too, it must not be the same object.
    shares_data = sum(uses > 0 for _, _, uses in sizes) > 1
    steps = []
    for message, _, _ in sizes:
        with suppress(ValueError):
            steps.append(_compile_step(message, shares_data=shares_data))
    return CompiledReduction(
        tuple(steps),
        growth_bytes=sum(growth for _, growth, _ in sizes),
        data_uses=sum(uses for _, _, uses in sizes),
    )


def _compile_step(message: catalog_pb2.ReducerStep, *, shares_data: bool) -> Step:
    tokens_of = _tokens_of(parse_target(message.target))
    value_of = _value_of(message, shares_data=shares_data)
    if message.operation == _Step.OPERATION_REMOVE:
        return _remover(tokens_of, value_of)
    if value_of is None:
        value_of = value_at(("data",))
    if message.operation == _Step.OPERATION_INCREMENT:
        value_of = _scaled(value_of, message.factor)
    change = _CHANGES.get(message.operation)
    if change is None:
        raise ValueError(f"{message.operation} is no operation")
    return _changer(tokens_of, value_of, change)


def _changer(tokens_of: TokensOf, value_of: ValueOf, change: Change) -> Step:
    def step(state: Any, facts: Facts) -> Any:
        value = value_of(facts)
        if value is NOTHING:
            return state
        tokens = tokens_of(facts)
        if tokens is None:
            return state
        if not tokens:
            return change(state, value)
        if type(state) is not dict:
            state = {}
        at = state
        for token in tokens[:-1]:
            inner = at.get(token)
            if type(inner) is not dict:
                inner = at[token] = {}
            at = inner
        last = tokens[-1]
        at[last] = change(at.get(last, NOTHING), value)
        return state

    return step


def _remover(tokens_of: TokensOf, value_of: ValueOf | None) -> Step:
    def step(state: Any, facts: Facts) -> Any:
        value = value_of(facts) if value_of is not None else NOTHING
        tokens = tokens_of(facts)
        if tokens is None or (value_of is not None and value is NOTHING):
            return state
        if not tokens:
            return _without(state, value) if value_of is not None else {}
        at = state
        for token in tokens[:-1]:
            if type(at) is not dict or token not in at:
                return state
            at = at[token]
        last = tokens[-1]
        if type(at) is dict and last in at:
            if value_of is None:
                del at[last]
            else:
                at[last] = _without(at[last], value)
        return state

    return step


def _without(array: Any, value: Any) -> Any:
    """An array without the elements equal to a value; what is no array stays as it is."""
    if type(array) is not list:
        return array
    return [element for element in array if not is_equal(element, value)]


def _append(array: Any, value: Any) -> Any:
    if type(array) is not list:
        return [value]
    array.append(value)
    return array


def _increment(number: Any, value: Any) -> Any:
    if not is_number(number):
        return value
    total = as_number(number + value)
    return number if total is None else total


_CHANGES: dict[int, Change] = {
    _Step.OPERATION_SET: lambda _, value: value,
    _Step.OPERATION_MERGE: merge,
    _Step.OPERATION_APPEND: _append,
    _Step.OPERATION_INCREMENT: _increment,
}


def _scaled(value_of: ValueOf, factor: float) -> ValueOf:
    """The value times a factor; NOTHING where that is no number that JSON could hold."""
    by = factor or 1
    if float(by).is_integer():
        by = int(by)

    def scaled(facts: Facts) -> Any:
        value = value_of(facts)
        if not is_number(value):
            return NOTHING
        number = as_number(value * by)
        return NOTHING if number is None else number

    return scaled


def _tokens_of(target: tuple[str | Template, ...]) -> TokensOf:
    if not any(isinstance(token, Template) for token in target):
        fixed = [str(token) for token in target]
        return lambda _: fixed
    parts = [_text_of_token(token) for token in target]

    def tokens(facts: Facts) -> list[str] | None:
        found = [part(facts) if callable(part) else part for part in parts]
        return None if None in found else cast("list[str]", found)

    return tokens


def _text_of_token(token: str | Template) -> str | Callable[[Facts], str | None]:
    """A token that is fixed, or a function from an event to it (None: it has no such text)."""
    if isinstance(token, str):
        return token
    pieces = [
        value_at(piece.tokens) if isinstance(piece, Reference) else piece for piece in token.pieces
    ]
    if len(pieces) == 1 and callable(pieces[0]):
        value_of = pieces[0]
        return lambda facts: text_of(value_of(facts))

    def text(facts: Facts) -> str | None:
        texts = [text_of(piece(facts)) if callable(piece) else piece for piece in pieces]
        return None if None in texts else "".join(cast("list[str]", texts))

    return text


def _value_of(message: catalog_pb2.ReducerStep, *, shares_data: bool) -> ValueOf | None:
    """A function from an event to the step's value; None: the step has none."""
    match message.WhichOneof("value"):
        case "constant":
            constant = orjson.loads(message.constant)
            return lambda _: copied(constant)
        case "from":
            pointer = getattr(message, "from")
        case _ if message.operation == _Step.OPERATION_REMOVE:
            return None
        case _:
            pointer = "/data"
    tokens = parse_pointer(pointer)
    value_of = value_at(tokens)
    if shares_data and is_of_data(tokens):
        return lambda facts: copied(value_of(facts))
    return value_of


def _size_of(message: catalog_pb2.ReducerStep) -> tuple[int, int]:
    """By how much a step may lengthen a state beside the data, and how often it uses the data."""
    pointers = [
        piece.tokens
        for token in parse_target(message.target)
        if isinstance(token, Template)
        for piece in token.pieces
        if isinstance(piece, Reference)
    ]
    which = message.WhichOneof("value")
    if which == "from" or (which is None and message.operation != _Step.OPERATION_REMOVE):
        pointers.append(parse_pointer(getattr(message, "from") or "/data"))
    growth = len(message.target) + len(message.constant) + sum(map(bytes_beside_data, pointers))
    return growth, sum(map(is_of_data, pointers))
