"""`python -m examples.meaning.stripe_workflow`: a workflow that says why, and what came of it.

Ann connects Stripe, makes a widget, sets up an automation; an hour later it runs. Every event has
a key: a second run finds the first one's events, stores nothing and prints the same.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import everlog
from everlog import Context, Event, Intent, Narrative, SyncClient
from everlog.address import DEFAULT_URL

FAILURE = "stripe.payment.failed"
STARTED = datetime(2025, 11, 24, 9, 0, tzinfo=UTC)


def main() -> None:
    """Publish the workflow, record its outcome, and tell it."""
    try:
        with everlog.connect_sync(os.environ.get("EVERLOG_URL", DEFAULT_URL)) as client:
            triggered = publish_workflow(client)
            record_outcome(client, triggered)
            print_workflow(client, triggered)
            tell_the_story(client, triggered)
    except everlog.EverlogError as error:
        sys.exit(f"stripe_workflow: {error}")


def publish_workflow(client: SyncClient) -> str:
    """Publish the four steps, each linked to those before it; return the id of the last."""

    def publish(event_type: str, *, minutes: int, **fields: Any) -> str:
        event = Event(
            event_type,
            occurred_time=STARTED + timedelta(minutes=minutes),
            idempotency_key=f"stripe-workflow/{event_type}",
            **fields,
        )
        receipt = client.emit(event)
        print(event_type, "is documentable" if receipt.documentable else "is stored")
        return receipt.event_id

    connected = publish(
        "provider.connected",
        minutes=0,
        source="oauth_flow",
        actor="user:ann",
        data={"providerId": "stripe", "scopes": ["read_payments", "read_customers"]},
        intent=Intent(
            problem_solved="Need access to Stripe payment data",
            pain_point="No visibility into payment failures",
            goal="Connect Stripe to dashboard",
            expected_outcome="Successfully authenticate and fetch payment data",
        ),
    )
    widget = publish(
        "widget.created",
        minutes=5,
        source="widget_wizard",
        actor="user:ann",
        data={"widgetType": "stripe_failed_payments", "providerId": "stripe"},
        intent=Intent(
            problem_solved="Track late payments across all customers",
            pain_point="Manually checking Stripe takes 30min/day",
            goal="Automatically see failed payments in dashboard",
            expected_outcome="Dashboard shows failures within 1 minute",
            impact_metric="Reduce checking time from 30min to 0min/day",
        ),
        context=Context(
            decision="Widget requires OAuth token from previous step",
            category="feature",
            related_event_ids=(connected,),
        ),
    )
    actions = [{"type": "create_jira_ticket"}, {"type": "send_slack_message"}]
    automation = publish(
        "automation.created",
        minutes=15,
        source="automation_wizard",
        actor="user:ann",
        data={"automationId": "auto_123", "trigger": FAILURE, "actions": actions},
        documentable=True,  # the other three types are so by themselves, in every tenant
        intent=Intent(
            problem_solved="Automate response to payment failures",
            pain_point="Manual ticket creation is slow",
            goal="Create Jira ticket and notify team when payment fails",
            expected_outcome="Ticket created and Slack sent within 1 minute",
            impact_metric="Save 2 hours per week on manual ticket creation",
        ),
        context=Context(
            decision="User wants both ticket creation AND notification",
            related_event_ids=(connected, widget),
        ),
    )
    return publish(
        "automation.triggered",
        minutes=75,
        source="automation_engine",
        actor="system",
        data={"automationId": "auto_123", "trigger": {"type": FAILURE, "amount": 5000}},
        context=Context(
            decision="Payment failure detected, triggering automation",
            related_event_ids=(automation,),
        ),
    )


def record_outcome(client: SyncClient, triggered: str) -> None:
    """Record the outcome beside the event, and read the event again."""
    client.record_outcome(
        triggered,
        "Successfully created Jira ticket SCRUM-42 and sent Slack notification in 45 seconds",
        impact_metric="Saved 10 minutes compared to manual process",
        actor="system",
        idempotency_key="stripe-workflow/triggered/outcome",
    )
    updated = client.get(triggered)
    print(f"\n{updated.event_type}: {updated.outcome.outcome if updated.outcome else '-'}")


def print_workflow(client: SyncClient, triggered: str) -> None:
    """Follow the links back from the last step."""
    print("\nComplete workflow:")
    workflow = client.trace(triggered, direction="backwards", max_depth=10, outcomes=True)
    for number, event in enumerate(workflow.events, 1):
        print(f"{number}. {event.event_type}")
        if event.intent:
            print(f"   Problem: {event.intent.problem_solved}")
            print(f"   Goal: {event.intent.goal}")
        if event.outcome:
            print(f"   Outcome: {event.outcome.outcome}")


def tell_the_story(client: SyncClient, triggered: str) -> None:
    """Save what is to be told about the last step, once, and print the whole as Markdown."""
    told = Narrative(summary="A failed payment is a ticket at once.", tags=["billing"])
    with suppress(everlog.SequenceConflict):  # there is one already
        client.save_narrative(triggered, told, expected_version=0)
    print("\n" + client.build_narrative(triggered).markdown, end="")


if __name__ == "__main__":
    main()
