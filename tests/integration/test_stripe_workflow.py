"""The workflow of the mesh's guide, whole: connect, widget, automation, triggered, outcome, story.

Through the Python client and the command line, on the real server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest_asyncio

import everlog
from everlog import Context, Event, Intent
from tests.language_model_stand_in import stand_in
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.servers import Server

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OUTCOME = "Successfully created Jira ticket SCRUM-42 and sent Slack notification in 45 seconds"
IMPACT = "Saved 10 minutes compared to manual process"


async def set_up_stripe_automation(client: everlog.Client) -> list[str]:
    """The five steps; the ids of the four events."""
    ids: list[str] = []

    async def publish(event_type: str, source: str, minutes: int, **fields: object) -> None:
        related = fields.pop("related", ())
        decision, category = fields.pop("decision", ""), fields.pop("category", "")
        event = Event(
            event_type,
            source=source,
            occurred_time=START + timedelta(minutes=minutes),
            documentable=True,
            context=Context(
                decision=str(decision),
                category=str(category),
                related_event_ids=tuple(related),  # type: ignore[arg-type]
            ),
            **fields,  # type: ignore[arg-type]
        )
        ids.append((await client.emit(event)).event_id)

    await publish(
        "provider.connected",
        "oauth_flow",
        0,
        actor="user:ann",
        data={"providerId": "stripe", "scopes": ["read_payments", "read_customers"]},
        intent=Intent(
            problem_solved="Need access to Stripe payment data",
            pain_point="No visibility into payment failures",
            goal="Connect Stripe to dashboard",
            expected_outcome="Successfully authenticate and fetch payment data",
        ),
    )
    await publish(
        "widget.created",
        "widget_wizard",
        5,
        actor="user:ann",
        data={"widgetType": "stripe_failed_payments", "providerId": "stripe"},
        intent=Intent(
            problem_solved="Track late payments across all customers",
            pain_point="Manually checking Stripe takes 30min/day",
            goal="Automatically see failed payments in dashboard",
            expected_outcome="Dashboard shows failures within 1 minute",
            impact_metric="Reduce checking time from 30min to 0min/day",
        ),
        related=[ids[0]],
        decision="Widget requires OAuth token from previous step",
        category="feature",
    )
    await publish(
        "automation.created",
        "automation_wizard",
        15,
        actor="user:ann",
        data={"trigger": "stripe.payment.failed", "automationId": "auto_123"},
        intent=Intent(
            problem_solved="Automate response to payment failures",
            pain_point="Manual ticket creation is slow",
            goal="Create Jira ticket and notify team when payment fails",
            expected_outcome="Ticket created and Slack sent within 1 minute",
            impact_metric="Save 2 hours per week on manual ticket creation",
        ),
        related=[ids[0], ids[1]],
        decision="User wants both ticket creation AND notification",
        category="feature",
    )
    await publish(
        "automation.triggered",
        "automation_engine",
        75,
        actor="system",
        data={"automationId": "auto_123", "trigger": {"type": "stripe.payment.failed"}},
        related=[ids[2]],
        decision="Payment failure detected, triggering automation",
    )
    return ids


@pytest_asyncio.fixture
async def server(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    with stand_in() as model:
        model.says("# Ann automated her bills")
        monkeypatch.setenv("EVERLOG_NARRATOR_API_KEY", "sk-secret-of-the-test")
        flags = ("--narrator-base-url", model.url, "--log-level", "debug")
        async with serving(database_url, tmp_path, *flags) as running:
            yield running
            assert await running.stop() == 0
            assert "Traceback" not in running.log
            assert "sk-secret" not in running.log
            assert "narrator.api_key" in running.log  # the settings are in it, and the key is not


async def run(server: Server, *arguments: str) -> str:
    """What a command writes; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", *arguments, "--url", server.address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, err
    return out.decode()


async def test_the_stripe_workflow_from_connecting_to_its_story(server: Server) -> None:
    async with everlog.connect(server.address) as client:
        ids = await set_up_stripe_automation(client)
        triggered = ids[3]
        async with client.subscribe(after_position=4) as live:
            recorded = await client.record_outcome(
                triggered, OUTCOME, impact_metric=IMPACT, actor="system"
            )
            async for event in live:
                assert (event.event_type, event.data["outcome"]) == ("outcome.recorded", OUTCOME)
                break
        assert (recorded.number, recorded.outcome) == (1, OUTCOME)
        updated = await client.get(triggered)
        assert updated.outcome == recorded
        assert (await client.get(triggered, outcome=False)).outcome is None

        graph = await client.trace(triggered, direction="backwards", outcomes=True)
        assert [event.event_type for event in graph.events] == [
            "provider.connected",
            "widget.created",
            "automation.created",
            "automation.triggered",
        ]
        assert [node.depth for node in graph.nodes] == [2, 2, 1, 0]
        assert {(edge.from_event_id, edge.to_event_id) for edge in graph.edges} == {
            (ids[1], ids[0]),
            (ids[2], ids[0]),
            (ids[2], ids[1]),
            (ids[3], ids[2]),
        }
        assert graph.events[3].outcome == recorded

        version = await client.save_narrative(
            ids[1], everlog.Narrative(summary="The widget that started it", tags=("billing",))
        )
        assert version == 1
        assert (await client.narrative(ids[1])).narrative.tags == ("billing",)
        told = await client.build_narrative(triggered)
        assert told == await client.build_narrative(triggered)
        assert (told.events, told.narrator, told.fallback_reason) == (4, "template", "")
        for text in (
            "4 steps, from 2026-03-02 09:00:00 UTC, until 2026-03-02 10:15:00 UTC: 1 hour 15",
            "*5 minutes later:*\n\n### 2. widget.created",
            "*1 hour later:*\n\n### 4. automation.triggered (the event in question)",
            "- **Pain point:** Manually checking Stripe takes 30min/day",
            "- **Decision:** Widget requires OAuth token from previous step",
            "- **What is told of it:** The widget that started it",
            f"by system):** {OUTCOME}",
            "| 2. widget.created | Dashboard shows failures within 1 minute | *not known yet* |",
            "- Step 4 belongs with step 3.",
        ):
            assert text in told.markdown, told.markdown
        by_model = await client.build_narrative(triggered, narrator="language_model")
        assert by_model.narrator == "language_model"
        assert by_model.markdown == "# Ann automated her bills\n"


async def test_the_command_line_tells_it_too(server: Server) -> None:
    async with everlog.connect(server.address) as client:
        ids = await set_up_stripe_automation(client)
    out = await run(server, "outcome", ids[3], OUTCOME, "--impact", IMPACT, "--actor", "system")
    assert out == f"recorded as outcome 1 of {ids[3]}\n"
    assert OUTCOME in await run(server, "outcomes", ids[3])
    assert OUTCOME in await run(server, "get", ids[3])
    assert json.loads(await run(server, "get", ids[3], "--json"))["outcome"]["outcome"] == OUTCOME
    listed = (await run(server, "query", "--type", "automation.*", "--json")).splitlines()
    assert [json.loads(line).get("outcome", {}).get("number") for line in listed] == [1, None]

    tree = (await run(server, "trace", ids[3])).splitlines()
    assert tree[0].startswith("4  automation.triggered  source/automation_engine#1")
    assert tree[0].endswith(f"→ {OUTCOME}")
    assert [line.split("  20")[0] for line in tree[1:]] == [
        "  names 3  automation.created  source/automation_wizard#1",
        "    names 1  provider.connected  source/oauth_flow#1",
        "      named by ^ 2",
        "    names 2  widget.created  source/widget_wizard#1",
    ]
    graph = json.loads(await run(server, "trace", ids[3], "--json"))
    assert (len(graph["nodes"]), len(graph["edges"]), graph["truncated"]) == (4, 4, False)
    assert graph["events"][3]["outcome"]["outcome"] == OUTCOME
    dot = await run(server, "trace", ids[3], "--dot")
    assert dot.count(" -> ") == 4

    saved = await run(
        server, "narrative", "save", ids[0], "--summary", "In short", "--tag", "a", "--expect", "0"
    )
    assert saved == "saved as version 1\n"
    assert "In short" in await run(server, "narrative", "show", ids[0])
    markdown = await run(server, "narrate", ids[3])
    assert markdown.startswith("# The story of automation.triggered\n")
    assert "In short" in markdown
    assert (await run(server, "narrate", ids[3], "--model")).startswith("# Ann automated")
