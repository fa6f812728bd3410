"""A reducer's steps, each compiled to a function by its shape.

The shapes that most reducers have (a member of the state set, or counted up) have functions of
their own: an aggregate may have 100,000 events, and each call of a function in between shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import orjson

from everlog.v1 import catalog_pb2, event_pb2
from everlog_server.aggregates.facts import ValueOf, bytes_beside_data, is_of_data, value_at
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
    Tokens,
    parse_target,
    text_of,
)
from everlog_server.pointers import parse_pointer

_Step = catalog_pb2.ReducerStep
_Event: TypeAlias = event_pb2.RecordedEvent

Step = Callable[[Any, _Event, Any], Any]
"""From a state, which it may change, an event and its data, as ValueOf has it, to the next one."""
TokensOf = Callable[[_Event, Any], list[str] | None]
TextOf = Callable[[_Event, Any], str | None]
Change = Callable[[Any, Any], Any]
"""From what is there (or NOTHING) and a value to what is there then."""


class StepSize(NamedTuple):
    """How much a step may do."""

    growth_bytes: int
    """By how much it may lengthen a state, but for what it takes of the data."""
    data_uses: int
    """How often it looks at the data, and so may put them into the state."""
    walks_state: bool
    """Whether what it takes is bounded only by the state, and not by the event."""


def size_of(message: catalog_pb2.ReducerStep) -> StepSize:
    """How much a step may do; raises ValueError if one of its pointers is none."""
    pointers = [
        piece.tokens
        for token in parse_target(message.target)
        if isinstance(token, Template)
        for piece in token.pieces
        if isinstance(piece, Reference)
    ]
    which = message.WhichOneof("value")
    removes = message.operation == _Step.OPERATION_REMOVE
    if which == "from" or (which is None and not removes):
        pointers.append(parse_pointer(getattr(message, "from") or "/data"))
    return StepSize(
        len(message.target) + len(message.constant) + sum(map(bytes_beside_data, pointers)),
        sum(map(is_of_data, pointers)),
        removes and which is not None,
    )


def compile_step(message: catalog_pb2.ReducerStep, *, shares_data: bool) -> Step:
    """The function of a step; raises ValueError if it has no meaning.

    What it puts into the state shares nothing with the data if `shares_data`.
    """
    tokens = parse_target(message.target)
    if message.operation == _Step.OPERATION_REMOVE:
        has_value = message.WhichOneof("value") is not None
        return _remover(_tokens_of(tokens), _value_of(message, copies=False) if has_value else None)
    if message.operation == _Step.OPERATION_INCREMENT:
        value_of = _scaled(_value_of(message, copies=False), message.factor)
    else:
        value_of = _value_of(message, copies=shares_data)
    change = _CHANGES.get(message.operation)
    if change is None:
        raise ValueError(f"{message.operation} is no operation")
    if len(tokens) == 1 and isinstance(tokens[0], str):
        if change is _set:
            return _member_setter(tokens[0], value_of)
        if change is _increment:
            return _member_counter(tokens[0], value_of)
    fixed = tuple(token for token in tokens if isinstance(token, str))
    if len(fixed) == len(tokens):
        return _changer(fixed, value_of, change)
    return _changer_by_text(_tokens_of(tokens), value_of, change)


def _member_setter(name: str, value_of: ValueOf) -> Step:
    def step(state: Any, event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        if value is NOTHING:
            return state
        if type(state) is not dict:
            return {name: value}
        state[name] = value
        return state

    return step


def _member_counter(name: str, value_of: ValueOf) -> Step:
    def step(state: Any, event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        if value is NOTHING:
            return state
        if type(state) is not dict:
            return {name: value}
        number = state.get(name)
        state[name] = _sum(number, value) if type(number) is int or type(number) is float else value
        return state

    return step


def _changer(tokens: Tokens, value_of: ValueOf, change: Change) -> Step:
    *way, last = tokens or (None,)

    def step(state: Any, event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        if value is NOTHING:
            return state
        return change(state, value) if last is None else _put(state, way, last, change, value)

    return step


def _changer_by_text(tokens_of: TokensOf, value_of: ValueOf, change: Change) -> Step:
    def step(state: Any, event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        if value is NOTHING:
            return state
        tokens = tokens_of(event, data)
        if tokens is None:
            return state
        last = tokens.pop()
        return _put(state, tokens, last, change, value)

    return step


def _put(state: Any, way: Iterable[str], last: str, change: Change, value: Any) -> Any:
    if type(state) is not dict:
        state = {}
    at = state
    for token in way:
        inner = at.get(token)
        if type(inner) is not dict:
            inner = at[token] = {}
        at = inner
    at[last] = change(at.get(last, NOTHING), value)
    return state


def _remover(tokens_of: TokensOf, value_of: ValueOf | None) -> Step:
    def step(state: Any, event: _Event, data: Any) -> Any:
        value = value_of(event, data) if value_of is not None else NOTHING
        tokens = tokens_of(event, data)
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


def _set(_: Any, value: Any) -> Any:
    return value


def _append(array: Any, value: Any) -> Any:
    if type(array) is not list:
        return [value]
    array.append(value)
    return array


def _increment(number: Any, value: Any) -> Any:
    return _sum(number, value) if is_number(number) else value


def _sum(number: float, value: float) -> float:
    """Both together; the number as it was, where a double can't hold that."""
    total = as_number(number + value)
    return number if total is None else total


_CHANGES: dict[int, Change] = {
    _Step.OPERATION_SET: _set,
    _Step.OPERATION_MERGE: merge,
    _Step.OPERATION_APPEND: _append,
    _Step.OPERATION_INCREMENT: _increment,
}


def _scaled(value_of: ValueOf, factor: float) -> ValueOf:
    """The value times a factor; NOTHING where that is no number that JSON could hold."""
    by = factor or 1
    if float(by).is_integer():
        by = int(by)

    def number(event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        return value if type(value) is int or type(value) is float else NOTHING

    def scaled(event: _Event, data: Any) -> Any:
        value = value_of(event, data)
        if not is_number(value):
            return NOTHING
        product = as_number(value * by)
        return NOTHING if product is None else product

    # What was parsed is a number that JSON can hold.
    return number if by == 1 else scaled


def _tokens_of(target: tuple[str | Template, ...]) -> TokensOf:
    parts = [token if isinstance(token, str) else _text_of_token(token) for token in target]

    def tokens_of(event: _Event, data: Any) -> list[str] | None:
        tokens: list[str] = []
        for part in parts:
            if type(part) is str:
                tokens.append(part)
                continue
            text = part(event, data)  # type: ignore[operator]  # no str, so a function
            if text is None:
                return None
            tokens.append(text)
        return tokens

    return tokens_of


def _text_of_token(token: Template) -> TextOf:
    """A function from an event to a token; to None where it has no such text."""
    pieces = [
        value_at(piece.tokens) if isinstance(piece, Reference) else piece for piece in token.pieces
    ]
    if len(pieces) == 1 and callable(pieces[0]):
        value_of = pieces[0]

        def text_alone(event: _Event, data: Any) -> str | None:
            value = value_of(event, data)
            return value if type(value) is str else text_of(value)

        return text_alone

    def text(event: _Event, data: Any) -> str | None:
        joined = ""
        for piece in pieces:
            found = text_of(piece(event, data)) if callable(piece) else piece
            if found is None:
                return None
            joined += found
        return joined

    return text


def _value_of(message: catalog_pb2.ReducerStep, *, copies: bool) -> ValueOf:
    """A function from an event to the step's value."""
    match message.WhichOneof("value"):
        case "constant":
            constant = orjson.loads(message.constant)
            if type(constant) is dict or type(constant) is list:
                return lambda _, __: copied(constant)
            return lambda _, __: constant
        case "from":
            return value_at(parse_pointer(getattr(message, "from")), copies=copies)
        case _:
            return value_at(("data",), copies=copies)
