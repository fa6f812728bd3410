"""Reducers do what catalog.proto says of them, and every step is total."""

from __future__ import annotations

import asyncio
import collections
import copy
import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import catalog_pb2, event_pb2, event_store_pb2
from everlog_server.aggregates import states
from everlog_server.aggregates.json_values import as_number, encode, is_number
from everlog_server.aggregates.reducers import Reducer
from everlog_server.aggregates.states import Fold
from everlog_server.errors import StateTooLargeError
from everlog_server.storage.history import Batch
from tests.unit.test_json_values import VALUES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Step = catalog_pb2.ReducerStep
SET, MERGE, APPEND = Step.OPERATION_SET, Step.OPERATION_MERGE, Step.OPERATION_APPEND
INCREMENT, REMOVE = Step.OPERATION_INCREMENT, Step.OPERATION_REMOVE
OPERATIONS = [SET, MERGE, APPEND, INCREMENT, REMOVE]


def step(operation: Any, target: str = "", value: str = "", **fields: Any) -> Step:
    """A step; `value` is a pointer into the event when it begins with a slash, or a constant."""
    if value:
        fields["from" if value.startswith("/") else "constant"] = value
    return Step(operation=operation, target=target, **fields)


def recorded(data: str = "", event_type: str = "t.x", **fields: Any) -> event_pb2.RecordedEvent:
    return event_pb2.RecordedEvent(
        event_id="01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718",
        position=9,
        sequence=3,
        record_time=Timestamp(seconds=1),
        occurred_time=Timestamp(seconds=0, nanos=120_000_000),
        aggregate_type="t",
        aggregate_id="1",
        event_type=event_type,
        json=data or None,
        **fields,
    )


def fold(definition: catalog_pb2.AggregateTypeDefinition, *events: event_pb2.RecordedEvent) -> Any:
    folding = Fold(Reducer(definition))
    for event in events:
        folding.apply(event)
    return orjson.loads(folding.finish())


def after(state: str, *steps: Step, data: str = "", **fields: Any) -> Any:
    """What steps make of a state with one event."""
    definition = catalog_pb2.AggregateTypeDefinition(
        initial_state=state,
        reductions=[catalog_pb2.Reduction(event_types=["t.x"], steps=steps)],
    )
    return fold(definition, recorded(data, **fields))


@pytest.mark.parametrize(
    ("state", "one", "data", "result"),
    [
        # Where: the objects on the way are made, and replace what is none.
        ("{}", step(SET, "/a/b", "1"), "", {"a": {"b": 1}}),
        ('{"a":[1]}', step(SET, "/a/0", "1"), "", {"a": {"0": 1}}),
        ('{"a":5}', step(SET, "/a/b", "1"), "", {"a": {"b": 1}}),
        ("7", step(SET, "/a", "1"), "", {"a": 1}),
        ("{}", step(SET, "", "[1]"), "", [1]),
        ("{}", step(SET, "/", "1"), "", {"": 1}),
        ("{}", step(SET, "/a~1b/~0", "1"), "", {"a/b": {"~": 1}}),
        # What: a pointer that leads nowhere gives no value, and nothing is done.
        ("{}", step(SET, "/a/b", "/data/no"), "{}", {}),
        ("{}", step(SET, "/a/b"), "", {}),
        ("{}", step(SET, "/a"), "null", {"a": None}),
        ("{}", step(SET, "/a", "/data/l/1/x"), '{"l":[0,{"x":2}]}', {"a": 2}),
        ("{}", step(SET, "/a", "/data/l/2"), '{"l":[0,1]}', {}),
        ("{}", step(SET, "/a", "/data/l/01"), '{"l":[0,1]}', {}),
        ("{}", step(SET, "/a", "/data/l/-"), '{"l":[0,1]}', {}),
        ("{}", step(SET, "/a", "/data/l/1/2"), '{"l":[0,1]}', {}),
        ("{}", step(SET, "/a", "/unknown"), "{}", {}),
        ("{}", step(SET, "/a", "/sequence/x"), "{}", {}),
        # MERGE.
        ('{"a":{"x":1,"y":2}}', step(MERGE, "/a"), '{"x":null,"z":3}', {"a": {"y": 2, "z": 3}}),
        ('{"a":1}', step(MERGE, "/a"), '{"x":{"y":null}}', {"a": {"x": {}}}),
        ('{"a":1}', step(MERGE, "/a"), "[1]", {"a": [1]}),
        ('{"a":1}', step(MERGE), '{"b":2}', {"a": 1, "b": 2}),
        # APPEND.
        ('{"a":[1]}', step(APPEND, "/a"), "[2]", {"a": [1, [2]]}),
        ('{"a":{"x":1}}', step(APPEND, "/a"), "2", {"a": [2]}),
        ("{}", step(APPEND, "/a/b"), "2", {"a": {"b": [2]}}),
        # INCREMENT.
        ("{}", step(INCREMENT, "/n"), "2", {"n": 2}),
        ('{"n":40}', step(INCREMENT, "/n"), "2", {"n": 42}),
        ('{"n":true}', step(INCREMENT, "/n"), "2", {"n": 2}),
        ('{"n":"1"}', step(INCREMENT, "/n"), "2", {"n": 2}),
        ('{"n":1}', step(INCREMENT, "/n"), '"2"', {"n": 1}),
        ('{"n":1}', step(INCREMENT, "/n"), "true", {"n": 1}),
        ("{}", step(INCREMENT, "/n/m"), "null", {}),
        ('{"n":1}', step(INCREMENT, "/n", factor=-1), "3", {"n": -2}),
        ('{"n":1}', step(INCREMENT, "/n", factor=0.5), "3", {"n": 2.5}),
        ('{"n":1}', step(INCREMENT, "/n", "1"), "", {"n": 2}),
        ('{"n":9007199254740993}', step(INCREMENT, "/n"), "1", {"n": 9007199254740994}),
        ('{"n":18446744073709551615}', step(INCREMENT, "/n"), "1", {"n": 2.0**64}),
        ('{"n":1e308}', step(INCREMENT, "/n"), "1e308", {"n": 1e308}),
        ('{"n":1}', step(INCREMENT, "/n", factor=1e300), "1e300", {"n": 1}),
        ('{"n":1}', step(INCREMENT, "/n", factor=1e300), "18446744073709551615", {"n": 1}),
        ('{"n":1}', step(INCREMENT, "/n", factor=float("nan")), "1", {"n": 1}),
        ("{}", step(INCREMENT, "/a/n", factor=float("inf")), "1", {}),
        ("[]", step(INCREMENT), "1", 1),
        # REMOVE.
        ('{"a":1,"b":2}', step(REMOVE, "/a"), '{"b":3}', {"b": 2}),
        ('{"a":{"b":1}}', step(REMOVE, "/a/b"), "", {"a": {}}),
        ("{}", step(REMOVE, "/a/b"), "", {}),
        ('{"a":[1]}', step(REMOVE, "/a/0"), "", {"a": [1]}),
        ("[1,2]", step(REMOVE), "", {}),
        ("[1,2,1.0,true]", step(REMOVE, "", "1"), "", [2, True]),
        ('{"a":[{"k":1},{"k":2}]}', step(REMOVE, "/a", "/data"), '{"k":2}', {"a": [{"k": 1}]}),
        ('{"a":[1]}', step(REMOVE, "/a", "/data/no"), "{}", {"a": [1]}),
        ('{"a":1}', step(REMOVE, "/a", "1"), "", {"a": 1}),
        # Targets with texts of the event.
        ("{}", step(SET, "/l/{/data/sku}/n", "1"), '{"sku":"a/b"}', {"l": {"a/b": {"n": 1}}}),
        ("{}", step(SET, "/x-{/data/n}-{/data/b}", "1"), '{"n":1.5,"b":true}', {"x-1.5-true": 1}),
        ("{}", step(SET, "/{/data/n}", "1"), '{"n":null}', {"null": 1}),
        ("{}", step(SET, "/{/data/n}", "1"), '{"n":""}', {"": 1}),
        ("{}", step(SET, "/{/data/no}", "1"), "{}", {}),
        ("{}", step(SET, "/{/data/l}", "1"), '{"l":[1]}', {}),
        ('{"a":{"k":1}}', step(REMOVE, "/a/{/data/k}"), '{"k":"k"}', {"a": {}}),
        # What should never have been set does nothing.
        ("{}", step(SET, "a", "1"), "", {}),
        ("{}", step(SET, "/{/data", "1"), "", {}),
        ("{}", step(SET, "/a", "{"), "", {}),
        ("{}", step(0, "/a", "1"), "", {}),
        ("{}", step(9, "/a", "1"), "", {}),
    ],
)
def test_a_step_does_as_the_contract_says(state: str, one: Step, data: str, result: Any) -> None:
    assert after(state, one, data=data) == result


def test_values_come_from_all_of_the_event() -> None:
    fields = {
        "/event_type": "t.x",
        "/event_id": "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718",
        "/aggregate_type": "t",
        "/aggregate_id": "1",
        "/sequence": 3,
        "/position": 9,
        "/record_time": "1970-01-01T00:00:01.000000Z",
        "/occurred_time": "1970-01-01T00:00:00.120000Z",
        "/actor": "user:ann",
        "/correlation_id": "c",
        "/metadata": {"a": "1", "b/c": "2"},
        "/metadata/b~1c": "2",
    }
    steps = [step(SET, f"/{n}", pointer) for n, pointer in enumerate(fields)]
    left_out = [
        step(SET, f"/x{n}", pointer)
        for n, pointer in enumerate(("/user_id", "/causation_id", "/source", "/metadata/no", "/"))
    ]
    state = after(
        "{}",
        *steps,
        *left_out,
        actor="user:ann",
        correlation_id="c",
        metadata={"b/c": "2", "a": "1"},
    )
    assert state == {str(n): value for n, value in enumerate(fields.values())}


def test_binary_data_and_none_give_no_value_and_change_nothing_by_merging() -> None:
    merging = catalog_pb2.AggregateTypeDefinition()
    assert fold(merging, recorded('{"a":1}'), recorded(binary=b"{}"), recorded()) == {"a": 1}
    assert after("{}", step(SET, "/a"), binary=b"1") == {}


def test_the_first_reduction_that_names_a_type_reduces_it() -> None:
    def counting(name: str, *event_types: str) -> catalog_pb2.Reduction:
        return catalog_pb2.Reduction(
            event_types=event_types, steps=[step(INCREMENT, f"/{name}", "1")]
        )

    reductions = [
        counting("exact", "order.created"),
        counting("any", "order.*", "order.paid"),
        counting("late", "order.paid"),
        catalog_pb2.Reduction(event_types=["note.made"]),
    ]
    events = [
        recorded('{"merged":1}', name)
        for name in ("order.created", "order.paid", "order.", "orders.x", "order", "note.made")
    ]
    definition = catalog_pb2.AggregateTypeDefinition(reductions=reductions)
    assert fold(definition, *events) == {"exact": 1, "any": 2, "merged": 1}
    definition.ignore_others = True
    assert fold(definition, *events) == {"exact": 1, "any": 2}


def test_a_value_that_stands_in_a_state_twice_is_two_values() -> None:
    steps = [
        step(SET, "/a", "/data/l"),
        step(SET, "/b", "/data/l"),
        step(APPEND, "/a", "9"),
        step(SET, "/c", "/data"),
        step(SET, "/c/l/x", "1"),
        step(SET, "/d", "/data/l"),
    ]
    state = after("{}", *steps, data='{"l":[1]}')
    assert state == {"a": [1, 9], "b": [1], "c": {"l": {"x": 1}}, "d": [1]}


def test_what_a_step_puts_into_the_state_is_not_what_the_next_one_reads() -> None:
    steps = [step(SET, "", "/data"), step(SET, "/n", "5"), step(INCREMENT, "/sum", "/data/n")]
    assert after("{}", *steps, data='{"n":1}') == {"n": 5, "sum": 1}


def test_constants_and_the_initial_state_are_new_each_time() -> None:
    definition = catalog_pb2.AggregateTypeDefinition(
        initial_state='{"l":[]}',
        reductions=[
            catalog_pb2.Reduction(
                event_types=["t.x"],
                steps=[step(SET, "/c", "[]"), step(APPEND, "/c", "1"), step(APPEND, "/l", "1")],
            )
        ],
    )
    reducer = Reducer(definition)
    for _ in range(2):
        folding = Fold(reducer)
        folding.apply(recorded())
        assert orjson.loads(folding.finish()) == {"c": [1], "l": [1]}


@pytest.mark.parametrize("operation", [APPEND, SET])
def test_a_state_is_bounded_on_its_way_too(operation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "STATE_BYTES_MAX", 10_000)
    monkeypatch.setattr(states, "_GROWTH_BYTES_MEASURED", 5_000)
    definition = catalog_pb2.AggregateTypeDefinition(
        reductions=[catalog_pb2.Reduction(event_types=["t.x"], steps=[step(operation, "/a")])]
    )
    folding = Fold(Reducer(definition))
    event = recorded(json.dumps("x" * 1_000))
    if operation == SET:
        for _ in range(1_000):
            folding.apply(event)
        assert len(folding.finish()) < 1_100
        return
    events = iter([event] * 1_000)
    with pytest.raises(
        StateTooLargeError, match=r"after 2\d events the state has 2\d,\d\d\d bytes"
    ):
        collections.deque(map(folding.apply, events), maxlen=0)


POINTERS = st.sampled_from(
    ["", "/", "/a", "/a/b", "/b/0", "/0", "/data", "/data/a", "/data/a/b", "/metadata/a", "/actor"]
)
TARGETS = POINTERS | st.sampled_from(["/a/{/data/b}", "/{/data}", "/{/actor}/x", "/{", "/x{}"])


@st.composite
def steps(draw: st.DrawFn) -> Step:
    drawn = step(draw(st.sampled_from(OPERATIONS)), draw(TARGETS))
    match draw(st.integers(0, 2)):
        case 0:
            setattr(drawn, "from", draw(POINTERS))
        case 1:
            drawn.constant = orjson.dumps(draw(VALUES)).decode()
    drawn.factor = draw(st.floats())
    return drawn


@given(VALUES, st.lists(steps(), max_size=5), st.lists(st.none() | VALUES, max_size=4))
def test_every_step_is_defined_for_every_state_and_event(
    state: Any, some: list[Step], datas: list[Any]
) -> None:
    definition = catalog_pb2.AggregateTypeDefinition(
        initial_state=orjson.dumps(state).decode(),
        reductions=[catalog_pb2.Reduction(event_types=["t.*"], steps=some)],
    )
    events = [recorded(orjson.dumps(data).decode() if data else "") for data in datas]
    before = [event.SerializeToString(deterministic=True) for event in events]
    first = fold(definition, *events)
    assert encode(first) == encode(fold(definition, *events))
    assert [event.SerializeToString(deterministic=True) for event in events] == before


# --- The fold, written out once more, as naively as it can be ------------------------------------


def _put(state: Any, path: list[str], change: Any) -> Any:
    if not path:
        return change(state)
    state = dict(state) if isinstance(state, dict) else {}
    state[path[0]] = _put(state.get(path[0]), path[1:], change)
    return state


def _patched(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = _patched(target.get(name), value)
    return target


ABSENT = object()


def _found(pointer: str, data: Any) -> Any:
    """What `/data`, or `/data/…` with one name, finds."""
    _, _, name = pointer[1:].partition("/")
    if not name:
        return data
    return data.get(name, ABSENT) if isinstance(data, dict) else ABSENT


def _path(target: str, data: Any) -> list[str] | None:
    """The tokens of a target; None if one is a reference to what has no text."""
    tokens = []
    for token in target.replace("{/data/b}", "{b}").split("/")[1:]:
        value = _found("/data/b", data) if token == "{b}" else token
        if value is ABSENT or isinstance(value, (dict, list)):
            return None
        tokens.append(value if isinstance(value, str) else orjson.dumps(value).decode())
    return tokens


def naive(state: Any, one: Step, data: Any) -> Any:
    data = copy.deepcopy(data)
    path = _path(one.target, data)
    if one.constant:
        value = orjson.loads(one.constant)
    else:
        value = _found(getattr(one, "from") or "/data", data)
    if path is None or value is ABSENT:
        return state
    if one.operation == SET:
        return _put(state, path, lambda _: value)
    if one.operation == MERGE:
        return _put(state, path, lambda old: _patched(old, value))
    if one.operation == APPEND:
        return _put(state, path, lambda old: [*(old if isinstance(old, list) else []), value])
    product = as_number(value * (one.factor or 1)) if is_number(value) else None
    if product is None:
        return state
    if isinstance(value, int):
        product = value * int(one.factor or 1)

    def added(old: Any) -> Any:
        if not is_number(old):
            return product
        total = as_number(old + product)
        return old if total is None else total

    return _put(state, path, added)


# Integers stay far from 64 bits: what happens there is said above.
DATAS = VALUES.filter(lambda value: not is_number(value)) | st.integers(-100, 100)
WRITTEN_OUT = st.builds(
    step,
    st.sampled_from(OPERATIONS[:4]),
    st.sampled_from(["", "/a", "/b", "/a/b", "/a/{/data/b}", "/{/data/b}/a"]),
    st.sampled_from(["", "/data/a", "/data/b"])
    | DATAS.map(lambda value: orjson.dumps(value).decode()),
    factor=st.sampled_from([0, 1, -1, 3]),
)


@given(
    st.lists(WRITTEN_OUT, max_size=4),
    st.lists(DATAS | st.dictionaries(st.sampled_from("ab"), DATAS), max_size=5),
)
def test_a_fold_equals_one_that_is_written_out(some: list[Step], datas: list[Any]) -> None:
    definition = catalog_pb2.AggregateTypeDefinition(
        reductions=[catalog_pb2.Reduction(event_types=["t.x"], steps=some)]
    )
    folding = Fold(Reducer(definition))
    expected: Any = {}
    for data in datas:
        folding.apply(recorded(orjson.dumps(data).decode()))
        for one in some:
            expected = naive(expected, one, data)
        assert folding.finish() == encode(expected)


class Turns:
    """Counts how often others came to their turn, until it is stopped."""

    def __init__(self) -> None:
        self.count = 0
        self.is_over = False

    async def run(self) -> None:
        while not self.is_over:
            self.count += 1
            await asyncio.sleep(0)


async def test_others_come_to_their_turn_however_dear_an_event_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(states, "_SLICE_SECONDS", 0.0)
    large = json.dumps([0] * 5_000)
    dear = step(REMOVE, "/never", "/data")  # as dear as the state is large
    cheap = step(SET, "/n", "1")
    for events, one, data, turns_min in (
        (50, dear, "1", 50),
        (500, cheap, "1", 5),
        (50, None, large, 50),
    ):
        definition = catalog_pb2.AggregateTypeDefinition(
            reductions=[catalog_pb2.Reduction(event_types=["t.x"], steps=[one])] if one else []
        )
        response = event_store_pb2.QueryResponse(events=[recorded(data)] * events)

        async def batches(records: bytes = response.SerializeToString()) -> AsyncGenerator[Batch]:
            yield Batch(records, 500, 500)

        turns = Turns()
        running = asyncio.create_task(turns.run())
        folding = Fold(Reducer(definition))
        await folding.add(batches())
        turns.is_over = True
        await running
        assert folding.events == events
        assert turns.count >= turns_min
