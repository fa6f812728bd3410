"""`python -m examples.meaning.price_history`: what a product cost, when, why, and who decided it.

A product of the `commerce` catalogue: created, made cheaper, mistyped and corrected, and at last
priced by an agent, as a person approved. A second run stores nothing and prints the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import everlog
from everlog import AggregateKey, Event, Filter, RecordedEvent, SyncClient
from everlog.address import DEFAULT_URL

PRODUCT = AggregateKey("product", "123e4567-e89b-12d3-a456-426614174000")
REVIEW = "price-review-2025-11"
DECISION = AggregateKey("decision", REVIEW)
SKU = "SUBM-05HP-DOM-SS-50LPM-20M"
FIRST_DAY = datetime(2025, 10, 26, 10, 0, tzinfo=UTC)


def main() -> None:
    """Write the history, and read it in the ways that a shop needs."""
    url = os.environ.get("EVERLOG_URL", DEFAULT_URL)
    try:
        import_commerce(url)
        with everlog.connect_sync(url) as client:
            write_history(client)
            refuse_half_a_fact(client)
            write_decision(client)
            print_history(client)
            print_states(client)
            print_decision(client)
    except everlog.EverlogError as error:
        sys.exit(f"price_history: {error}")


def import_commerce(url: str) -> None:
    """Import the catalogue that comes with everlog; again and again harmless."""
    command = [sys.executable, "-m", "everlog_server", "types", "import", "commerce", "--json"]
    imported = subprocess.run([*command, "--url", url], stdout=subprocess.DEVNULL, check=False)
    if imported.returncode:
        sys.exit(imported.returncode)  # the command has said why


def write_history(client: SyncClient) -> None:
    """Write the product's life up to the correction; each key names a fact."""

    def happened(event_type: str, days: int, data: Any, causation_id: str = "") -> str:
        event = Event(
            event_type,
            aggregate=PRODUCT,
            data=data,
            actor="user:staff-3",
            metadata={"source": "web_ui"},
            occurred_time=FIRST_DAY + timedelta(days=days),
            causation_id=causation_id,
            idempotency_key=f"price-history/{event_type}/{days}",
        )
        return client.emit(event).event_id

    pump = {"sku": SKU, "name": "0.5HP Submersible Pump", "base_price": 5999.00}
    happened("product.created", 0, pump)
    match = {"old_price": 5999.00, "new_price": 5499.00, "reason": "competitor_match"}
    happened("product.price_changed", 1, match | {"effective_date": "2025-10-27"})
    typo = {"old_price": 5499.00, "new_price": 529.90, "reason": "autumn_offer"}
    mistyped = happened("product.price_changed", 5, typo)
    corrected = {"wrong_price": 529.90, "new_price": 5299.00, "reason": "A digit was missing."}
    happened("product.price_corrected", 6, corrected, causation_id=mistyped)


def refuse_half_a_fact(client: SyncClient) -> None:
    """Show that a change of price says what it was before, and why: the catalogue wants it."""
    try:
        client.emit(Event("product.price_changed", aggregate=PRODUCT, data={"new_price": 5499.00}))
    except everlog.EventDataInvalid as error:
        print(f"Refused, {error.reason}:")
        for violation in error.data_violations:
            print(f"  {violation}")


def write_decision(client: SyncClient) -> None:
    """Let an agent propose a price, a person approve it, and the price change because of that."""

    def step(event_type: str, about: AggregateKey, data: Any, actor: str, cause: str = "") -> str:
        event = Event(
            event_type,
            aggregate=about,
            data=data,
            actor=actor,
            correlation_id=REVIEW,
            causation_id=cause,
            occurred_time=FIRST_DAY + timedelta(days=20),
            idempotency_key=f"{REVIEW}/{event_type}",
        )
        return client.emit(event).event_id

    agent, person = "agent:category_agent", "user:staff-3"
    change = {"old_price": 5299.00, "new_price": 5399.00}
    proposal: Any = {"agent": "category_agent", "decision_type": "price_change", "confidence": 0.82}
    proposal |= {"proposal": change, "reasoning": "Two competitors are at 5450."}
    made = change | {"reason": "approved proposal"}
    proposed = step("agent.decision_proposed", DECISION, proposal, agent)
    approved = step("agent.decision_approved", DECISION, {"approved_by": person}, person, proposed)
    step("product.price_changed", PRODUCT, made, agent, approved)


def print_history(client: SyncClient) -> None:
    """Print all that happened to the product, oldest first."""
    print(f"\nThe history of {PRODUCT}:")
    for event in client.replay(PRODUCT):
        print(f"{event.sequence}. {event.occurred_time:%Y-%m-%d}  {told(event)}")


def told(event: RecordedEvent) -> str:
    """Say what an event did to the price, and why."""
    data = event.data
    before = data.get("old_price", data.get("wrong_price", "-"))
    after = data.get("new_price", data.get("base_price"))
    return f"{event.event_type}: {before} → {after}, {data.get('reason', 'new')} ({event.actor})"


def print_states(client: SyncClient) -> None:
    """Print what the product was before and after each change of its price."""
    print("\nIts price, as the state says it:")
    for sequence in range(1, client.state(PRODUCT).last_sequence + 1):
        before = client.state(PRODUCT, through_sequence=sequence - 1)
        after = client.state(PRODUCT, through_sequence=sequence)
        prices = f"{before.data.get('price')} → {after.data['price']}"
        print(f"{sequence}. {after.last_event_type}: {prices}")


def print_decision(client: SyncClient) -> None:
    """Print the piece of work, and how its events caused each other."""
    work = list(client.query(Filter(correlation_id=REVIEW), order="oldest_first"))
    names = {event.event_id: event.event_type for event in work}
    print("\nHow the last price came about:")
    for event in work:
        because = f", because of {names[event.causation_id]}" if event.causation_id else ""
        print(f"{event.event_type} by {event.actor}{because}")
    decision = client.state(DECISION).data
    print(f"{DECISION} is {decision['status']}, by {decision['approved_by']}")


if __name__ == "__main__":
    main()
