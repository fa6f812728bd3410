"""The catalogues that come with everlog: complete, and strict enough to catch a mistake."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from everlog.v1 import catalog_pb2
from everlog_server.catalog.preloaded import PRELOADED
from everlog_server.cli.catalogues.checking import check
from everlog_server.cli.catalogues.reading import BUNDLES, Catalogue, read, read_source
from everlog_server.cli.catalogues.writing import write

SUPERVISOR = {
    *("instance_registered", "instance_heartbeat", "instance_stale"),
    *("epic_started", "epic_completed", "epic_failed"),
    *("test_started", "test_passed", "test_failed", "validation_passed", "validation_failed"),
    *("commit_created", "pr_created", "pr_merged"),
    *("deployment_started", "deployment_completed", "deployment_failed"),
    *("context_window_updated", "checkpoint_created", "checkpoint_loaded"),
    *("epic_planned", "feature_requested", "task_spawned"),
}
COMMERCE = {
    *("product.created", "product.updated", "product.price_changed", "product.stock_updated"),
    *("order.created", "order.payment_received", "order.status_changed", "order.fulfilled"),
    *("customer.registered", "customer.profile_updated"),
    *("dealer.application_submitted", "dealer.approved", "dealer.pricing_updated"),
    *("agent.decision_proposed", "agent.decision_approved", "agent.decision_rejected"),
}
COMMERCE_IN_THE_TEXT = {
    *("order.placed", "price.changed", "product.price_corrected", "payment.received"),
}
MESH_DOCUMENTABLE = {
    *("widget.created", "provider.connected", "automation.triggered"),
    *("workflow.completed", "error.occurred"),
}
MESH_IN_EXAMPLES = {"automation.created", "payment.failed", "ticket.created"}

CATALOGUES = {name: read_source(name) for name in BUNDLES}
EVENT_TYPES = [
    pytest.param(definition, id=definition.name)
    for catalogue in CATALOGUES.values()
    for definition in catalogue.request.event_types
]


def names(bundle: str) -> list[str]:
    return [definition.name for definition in CATALOGUES[bundle].request.event_types]


def test_supervisor_has_its_23_types_and_nothing_else() -> None:
    assert len(SUPERVISOR) == 23
    assert sorted(names("supervisor")) == sorted(SUPERVISOR)


def test_commerce_has_the_16_types_of_the_list_and_the_4_of_the_text() -> None:
    assert (len(COMMERCE), len(COMMERCE_IN_THE_TEXT)) == (16, 4)
    assert sorted(names("commerce")) == sorted(COMMERCE | COMMERCE_IN_THE_TEXT)


def test_mesh_has_the_5_documentable_types_and_those_of_the_examples() -> None:
    assert sorted(names("mesh")) == sorted(MESH_DOCUMENTABLE | MESH_IN_EXAMPLES)
    marked = {one.name for one in CATALOGUES["mesh"].request.event_types if one.documentable}
    assert marked == MESH_DOCUMENTABLE


def test_mesh_takes_events_without_an_aggregate_of_their_own() -> None:
    assert not any(one.aggregate_type for one in CATALOGUES["mesh"].request.event_types)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_nothing_is_wrong_with_it(bundle: str) -> None:
    assert check(CATALOGUES[bundle]) == []


@pytest.mark.parametrize("bundle", BUNDLES)
def test_it_is_read_back_as_it_is_written(bundle: str) -> None:
    request = CATALOGUES[bundle].request
    again = read(write(request.event_types, request.aggregate_types).encode(), source="again")
    assert (again.request, again.findings) == (request, [])


@pytest.mark.parametrize("definition", EVENT_TYPES)
def test_every_type_says_what_it_is(definition: catalog_pb2.EventTypeDefinition) -> None:
    assert definition.description.endswith(".")
    assert definition.category
    assert definition.json_schema
    assert definition.example


def validator(definition: catalog_pb2.EventTypeDefinition) -> jsonschema_rs.Validator:
    # Also by their formats, which the server takes for remarks.
    return jsonschema_rs.validator_for(definition.json_schema, validate_formats=True, offline=True)


class Required(NamedTuple):
    path: tuple[str | int, ...]
    key: str


def required(schema: dict[str, Any], data: Any, path: tuple[str | int, ...]) -> Iterator[Required]:
    """Every property that the schema requires, wherever the example has such an object."""
    if isinstance(data, dict):
        yield from (Required(path, key) for key in schema.get("required", []))
        for key, inner in schema.get("properties", {}).items():
            if key in data:
                yield from required(inner, data[key], (*path, key))
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from required(schema.get("items", {}), item, (*path, index))


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


REQUIRED = [
    pytest.param(one.values[0], requirement, id=f"{one.id}-{requirement.key}")
    for one in EVENT_TYPES
    for requirement in required(
        json.loads(one.values[0].json_schema), json.loads(one.values[0].example), ()
    )
]


@pytest.mark.parametrize("definition", EVENT_TYPES)
def test_an_example_satisfies_its_schema(definition: catalog_pb2.EventTypeDefinition) -> None:
    assert [str(e) for e in validator(definition).iter_errors(json.loads(definition.example))] == []


@pytest.mark.parametrize("definition", EVENT_TYPES)
def test_no_schema_is_satisfied_by_nothing(definition: catalog_pb2.EventTypeDefinition) -> None:
    for nothing in (None, {}, [], "text", 1):
        assert not validator(definition).is_valid(nothing)


@pytest.mark.parametrize(("definition", "requirement"), REQUIRED)
def test_an_example_without_a_required_property_is_refused(
    definition: catalog_pb2.EventTypeDefinition, requirement: Required
) -> None:
    data = json.loads(definition.example)
    del at(data, requirement.path)[requirement.key]
    assert not validator(definition).is_valid(data)


@pytest.mark.parametrize(("definition", "requirement"), REQUIRED)
def test_an_example_with_a_required_property_of_a_wrong_type_is_refused(
    definition: catalog_pb2.EventTypeDefinition, requirement: Required
) -> None:
    judge = validator(definition)
    given = at(json.loads(definition.example), (*requirement.path, requirement.key))
    for wrong in (None, True, 1.5, "text", "", [], {}, -1):
        if type(wrong) is type(given) or {type(wrong), type(given)} <= {int, float}:
            continue
        data = json.loads(definition.example)
        at(data, requirement.path)[requirement.key] = copy.deepcopy(wrong)
        assert not judge.is_valid(data), wrong


# --- Reducers -------------------------------------------------------------------------------------


def aggregate_types(catalogue: Catalogue) -> dict[str, catalog_pb2.AggregateTypeDefinition]:
    return {one.name: one for one in catalogue.request.aggregate_types}


@pytest.mark.parametrize("bundle", ["supervisor", "commerce"])
def test_every_type_of_an_aggregate_is_reduced(bundle: str) -> None:
    catalogue = CATALOGUES[bundle]
    reducers = aggregate_types(catalogue)
    for event_type in catalogue.request.event_types:
        reducer = reducers[event_type.aggregate_type]
        if not reducer.ignore_others:
            continue
        reduced = {name for reduction in reducer.reductions for name in reduction.event_types}
        assert event_type.name in reduced


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_pointer_into_data_leads_to_a_property_of_the_schema(bundle: str) -> None:
    catalogue = CATALOGUES[bundle]
    schemas = {one.name: json.loads(one.json_schema) for one in catalogue.request.event_types}
    for aggregate_type in catalogue.request.aggregate_types:
        for reduction in aggregate_type.reductions:
            for name in reduction.event_types:
                for step in reduction.steps:
                    pointer = getattr(step, "from")
                    if pointer.startswith("/data/"):
                        assert pointer.removeprefix("/data/") in schemas[name]["properties"]


@pytest.mark.parametrize("bundle", ["supervisor", "commerce"])
def test_every_aggregate_has_a_type_that_starts_it(bundle: str) -> None:
    starting = {
        one.aggregate_type for one in CATALOGUES[bundle].request.event_types if one.starts_aggregate
    }
    assert starting == aggregate_types(CATALOGUES[bundle]).keys()


@pytest.mark.parametrize(
    ("instance_id", "is_one"),
    [
        ("odin-PS-8f4a2b", True),
        ("nonexistent-PS-000000", True),
        ("supervisor-meta-MS-0a1b2c", True),
        ("a" * 22 + "-MS-0a1b2c", True),
        ("a" * 23 + "-MS-0a1b2c", False),
        ("odin-XS-8f4a2b", False),
        ("odin-PS-8f4a2", False),
        ("odin-PS-8f4a2b\n", False),
        ("-PS-8f4a2b", False),
    ],
)
def test_an_instance_has_an_id_of_at_most_32_characters(instance_id: str, is_one: bool) -> None:
    patterns = {one.aggregate_id_pattern for one in CATALOGUES["supervisor"].request.event_types}
    assert len(patterns) == 1
    assert (re.fullmatch(patterns.pop(), instance_id) is not None) == is_one


def test_mesh_marks_the_same_types_as_every_tenant_has_preloaded() -> None:
    assert PRELOADED.keys() == MESH_DOCUMENTABLE
