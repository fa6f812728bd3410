"""What the aggregates of the shipped catalogues add up to: lives told, and their states."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_pb2
from everlog_server.aggregates.reducers import Reducer
from everlog_server.aggregates.states import Fold
from everlog_server.cli.catalogues.reading import BUNDLES, read_source

DEFINITIONS = {
    one.name: one for bundle in BUNDLES for one in read_source(bundle).request.aggregate_types
}
EXAMPLES = {
    one.name: json.loads(one.example)
    for bundle in BUNDLES
    for one in read_source(bundle).request.event_types
}


def state(aggregate_type: str, *events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    fold = Fold(Reducer(DEFINITIONS[aggregate_type]))
    for second, (event_type, data) in enumerate(events):
        event = event_pb2.RecordedEvent(
            event_type=event_type, json=json.dumps(data), occurred_time=Timestamp(seconds=second)
        )
        fold.apply(event)
    assert isinstance(fold.state, dict)
    return fold.state


def example(event_type: str, **changed: Any) -> tuple[str, dict[str, Any]]:
    return event_type, EXAMPLES[event_type] | changed


def test_an_instance_is_what_it_has_done_and_what_it_is_about() -> None:
    now = state(
        "instance",
        example("instance_registered"),
        example("feature_requested"),
        example("epic_planned", epic_id="epic-003"),
        example("epic_started", epic_id="epic-003"),
        example("epic_started", epic_id="epic-003"),
        example("epic_started", epic_id="epic-004"),
        example("task_spawned"),
        example("test_started"),
        example("test_failed"),
        example("test_started"),
        example("test_passed"),
        example("validation_failed"),
        example("validation_passed"),
        example("commit_created"),
        example("pr_created"),
        example("pr_merged"),
        example("epic_completed", epic_id="epic-003"),
        example("deployment_started"),
        example("deployment_completed"),
        example("instance_heartbeat", context_percent=79),
        example("context_window_updated", context_percent=81),
        example("checkpoint_created"),
        example("checkpoint_loaded"),
        example("instance_stale"),
    )
    assert now.pop("registration") == EXAMPLES["instance_registered"]
    assert now == {
        "status": "stale",
        "project": "supervisor-service-s",
        "registered_time": "1970-01-01T00:00:00.000000Z",
        "last_heartbeat_time": "1970-01-01T00:00:19.000000Z",
        "context_percent": 81,
        "last_epic": "epic-003",
        "planned_epics": [],
        "open_epics": ["epic-004"],
        "completed_epics": ["epic-003"],
        "failed_epics": [],
        "requested_features": ["resume engine"],
        "tasks_spawned": 1,
        "tests": {"started": 2, "passed": 1, "failed": 1, "last_failure": EXAMPLES["test_failed"]},
        "validations": {"passed": 1, "failed": 1, "last_failure": EXAMPLES["validation_failed"]},
        "commits": {"count": 1, "last": EXAMPLES["commit_created"]},
        "pull_requests": {"open": [], "merged": 1},
        "deployments": {
            "running": [],
            "completed": 1,
            "failed": 0,
            "last": EXAMPLES["deployment_completed"] | {"status": "completed"},
        },
        "last_checkpoint": "checkpoint-12",
        "loaded_checkpoint": "checkpoint-12",
    }


def test_what_fails_is_open_no_more() -> None:
    now = state(
        "instance",
        example("instance_registered"),
        example("epic_started", epic_id="epic-004"),
        example("epic_failed", epic_id="epic-004"),
        example("deployment_started", deployment_id="deploy-78"),
        example("deployment_failed", deployment_id="deploy-78"),
    )
    assert (now["open_epics"], now["failed_epics"]) == ([], ["epic-004"])
    assert (now["deployments"]["running"], now["deployments"]["failed"]) == ([], 1)


def test_a_product_has_its_price_its_stock_and_every_price_that_it_had() -> None:
    now = state(
        "product",
        example("product.created", stock=12),
        example("product.updated"),
        example("product.price_changed"),
        example("price.changed", old_price=5499, new_price=549.9),
        example("product.price_corrected"),
        example("product.stock_updated"),
    )
    assert (now["price"], now["base_price"], now["stock"]) == (5499.0, 5999.0, 11)
    assert (now["name"], now["category"]) == ("0.5 HP Submersible Pump", "pumps")
    assert [change["new_price"] for change in now["price_history"]] == [5499.0, 549.9, 5499.0]


def test_an_order_is_paid_bit_by_bit_and_fulfilled() -> None:
    now = state(
        "order",
        example("order.created"),
        example("order.placed"),
        example("order.payment_received", amount=998.0),
        example("order.payment_received", amount=10000.0),
        example("order.status_changed"),
        example("order.fulfilled"),
    )
    assert (now["status"], now["paid"], len(now["payments"])) == ("fulfilled", 10998.0, 2)
    assert (now["total"], len(now["lines"]), len(now["status_history"])) == (10998.0, 1, 1)
    assert now["shipments"] == EXAMPLES["order.fulfilled"]["shipments"]


def test_a_customer_a_dealer_and_a_payment_are_what_was_last_said_of_them() -> None:
    customer = state(
        "customer",
        example("customer.registered", phone="1"),
        example("customer.profile_updated", changes={"phone": None, "name": "Ann"}),
    )
    assert (customer["name"], "phone" in customer) == ("Ann", False)
    dealer = state(
        "dealer",
        example("dealer.application_submitted"),
        example("dealer.approved"),
        example("dealer.pricing_updated"),
    )
    assert (dealer["status"], dealer["tier"], dealer["discount_percent"]) == (
        "approved",
        "gold",
        12.5,
    )
    assert state("payment", example("payment.received")) == EXAMPLES["payment.received"]


def test_a_decision_is_proposed_and_then_approved_or_rejected() -> None:
    proposed = example("agent.decision_proposed")
    approved = state(
        "decision", proposed, example("agent.decision_approved", changes={"new_price": 5600})
    )
    assert (approved["status"], approved["approved_by"]) == ("approved", "user:staff-3")
    assert (approved["proposal"]["new_price"], approved["proposal"]["old_price"]) == (5600, 5999.0)
    rejected = state("decision", proposed, example("agent.decision_rejected"))
    assert (rejected["status"], rejected["rejected_by"]) == ("rejected", "user:staff-3")
