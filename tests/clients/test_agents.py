"""The agents in Python, on a live server: what comes of a cause, once, whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import AsyncExitStack, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import pytest_asyncio

import everlog
from everlog import AggregateKey, Event
from everlog_server.cli.catalogues.reading import read_source
from examples.agents.python import approval, checkpoint_keeper, pricing, resume, stale_watcher
from tests.clients.conformance.languages import ROOT
from tests.clients.conformance.stage import Stage
from tests.clients.example_programs import running
from tests.conftest import with_database
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.clients.example_programs import Program

pytestmark = pytest.mark.asyncio(loop_scope="module")

_products = count(1)
INSTANCE = AggregateKey("instance", "odin-PS-8f4a2b")


class Shop:
    """A log of its own, its client, and the agents that work on it."""

    def __init__(self, stage: Stage, tenant: str, client: everlog.Client) -> None:
        self._stage = stage
        self.tenant = tenant
        self.client = client
        self.agents = AsyncExitStack()

    @property
    def environment(self) -> dict[str, str]:
        return {"EVERLOG_URL": self._stage.url, "EVERLOG_TENANT": self.tenant}

    async def hire(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have an agent at work in this process until the end of the test."""
        task = asyncio.create_task(work)

        async def dismiss() -> None:
            task.cancel()
            await asyncio.wait([task], timeout=10)

        self.agents.push_async_callback(dismiss)
        return task

    async def program(self, name: str, *arguments: str) -> Program:
        """Start an agent as a process."""
        command = [sys.executable, "-m", f"examples.agents.python.{name}"]
        return await self.agents.enter_async_context(
            running(command, *arguments, environment=self.environment)
        )

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run `everlog`; its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everlog_server", *arguments),
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, out.decode(), err.decode()

    async def stock(self, old: int, new: int, *, price: float = 100.0) -> everlog.Receipt:
        """A new product whose stock changes."""
        product = ("product", f"p-{next(_products)}")
        created = {"sku": "PUMP", "name": "Pump", "base_price": price, "stock": old}
        changed = {"old_quantity": old, "new_quantity": new, "reason": "delivery"}
        receipts = await self.client.emit_many(
            [
                Event("product.created", aggregate=product, data=created),
                Event("product.stock_updated", aggregate=product, data=changed),
            ]
        )
        return receipts[1]

    async def chain(self, length: int) -> list[everlog.RecordedEvent]:
        """The last events of the log that agents and people have emitted, when so many are here."""
        async with asyncio.timeout(20):
            async with self.client.subscribe(after_position=0) as events:
                found: list[everlog.RecordedEvent] = []
                async for event in events:
                    if event.actor:
                        found.append(event)
                    if len(found) == length:
                        return found
        raise AssertionError("unreachable")

    async def settled(self, consumer: str) -> None:
        """Wait until a consumer has finished all that the log has."""
        async with asyncio.timeout(20):
            while True:
                with suppress(everlog.ConsumerNotFound):  # not created yet
                    status = (await self.client.consumer(consumer)).status
                    if not (status.lag or status.in_flight or status.retrying):
                        return
                await asyncio.sleep(0.05)

    async def count(self, event_type: str) -> int:
        return len(
            [one async for one in self.client.query(everlog.Filter(event_types=[event_type]))]
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("agents")
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {folder.name} TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, folder.name)
    async with serving(dsn, folder) as server:
        yield Stage(server, dsn)


@pytest_asyncio.fixture(loop_scope="module")
async def shop(stage: Stage) -> AsyncIterator[Shop]:
    tenant = await stage.new_tenant()
    async with everlog.connect(stage.url, tenant=tenant) as client:
        shop = Shop(stage, tenant, client)
        async with shop.agents:
            yield shop


def told(event: everlog.RecordedEvent) -> tuple[str, str]:
    return event.event_type, event.actor


async def test_from_a_stock_to_a_price_by_itself(shop: Shop) -> None:
    await shop.hire(pricing.work(shop.client, "pricing"))
    await shop.hire(approval.work(shop.client, "approval", 0.8))
    stock = await shop.stock(10, 150)
    proposed, approved, changed = await shop.chain(3)
    assert [told(one) for one in (proposed, approved, changed)] == [
        ("agent.decision_proposed", "agent:category_agent"),
        ("agent.decision_approved", "agent:approval_policy"),
        ("product.price_changed", "agent:category_agent"),
    ]
    assert [one.causation_id for one in (proposed, approved, changed)] == [
        stock.event_id,
        proposed.event_id,
        approved.event_id,
    ]
    assert {one.correlation_id for one in (proposed, approved, changed)} == {stock.event_id}
    assert changed.data == {"old_price": 100, "new_price": 90, "reason": "approved_proposal"}
    assert proposed.intent is not None
    assert proposed.intent.expected_outcome == "It costs 90.00 instead of 100.00"
    await shop.settled("pricing")
    assert (
        await shop.count("agent.decision_proposed") == 1
    )  # its own change gives no reason for one


async def test_what_is_unsure_waits_for_a_person(shop: Shop) -> None:
    await shop.hire(pricing.work(shop.client, "pricing"))
    await shop.hire(approval.work(shop.client, "approval", 0.8))
    await shop.stock(10, 1)
    [proposed] = await shop.chain(1)
    await shop.settled("approval")
    code, out, _ = await shop.command("decisions", "list", "--json")
    listed = json.loads(out)
    assert (code, listed["decision"], listed["state"]) == (0, proposed.aggregate_id, "open")
    code, _, err = await shop.command(
        *("decisions", "approve", proposed.aggregate_id, "--actor", "user:ann"),
        *("--changes", '{"new_price": 105}'),
    )
    assert (code, err) == (0, "")
    _, approved, changed = await shop.chain(3)
    assert told(approved) == ("agent.decision_approved", "user:ann")
    assert approved.causation_id == proposed.event_id
    assert changed.data["new_price"] == 105
    assert (await shop.command("decisions", "list"))[1] == ""
    for verdict in (["approve"], ["reject", "--reason", "no"]):
        code, _, err = await shop.command(
            "decisions", *verdict, proposed.aggregate_id, "--actor", "user:bob"
        )
        assert code == 3
        assert f"{proposed.aggregate_id} was approved by user:ann" in err


async def test_what_was_rejected_changes_nothing_and_stays_rejected(shop: Shop) -> None:
    await shop.hire(pricing.work(shop.client, "pricing"))
    await shop.stock(10, 1)
    [proposed] = await shop.chain(1)
    reject = ("decisions", "reject", proposed.aggregate_id, "--actor", "user:ann")
    assert (await shop.command(*reject, "--reason", "The margin is fine."))[0] == 0
    await shop.settled("pricing")
    assert await shop.count("product.price_changed") == 0
    code, _, err = await shop.command(
        "decisions", "approve", proposed.aggregate_id, "--actor", "user:bob"
    )
    assert (code, "was rejected by user:ann" in err) == (3, True)
    code, out, _ = await shop.command("decisions", "list", "--all")
    assert "rejected by user:ann" in out


async def test_two_who_decide_at_once_do_not_both_win(shop: Shop) -> None:
    """The expected sequence decides, not who has looked first."""
    await shop.hire(pricing.work(shop.client, "pricing"))
    await shop.stock(10, 1)
    [proposed] = await shop.chain(1)
    id_ = proposed.aggregate_id
    outcomes = await asyncio.gather(
        shop.command("decisions", "approve", id_, "--actor", "user:ann"),
        shop.command("decisions", "reject", id_, "--actor", "user:bob", "--reason", "no"),
        shop.command("decisions", "approve", id_, "--actor", "user:eve"),
    )
    assert sorted(code for code, _, _ in outcomes) == [0, 3, 3]


async def test_a_decision_that_nobody_proposed_is_not_found(shop: Shop) -> None:
    code, _, err = await shop.command("decisions", "approve", "nothing", "--actor", "user:ann")
    assert (code, err) == (
        4,
        "everlog: nobody has proposed nothing: see `everlog decisions list`\n",
    )


async def test_an_approval_of_an_outdated_proposal_is_parked(shop: Shop) -> None:
    await shop.hire(pricing.work(shop.client, "pricing"))
    stock = await shop.stock(10, 1)
    [proposed] = await shop.chain(1)
    product = (await shop.client.get(stock.event_id)).aggregate_id
    change = {"old_price": 100, "new_price": 80, "reason": "autumn"}
    await shop.client.emit(
        Event("product.price_changed", aggregate=("product", product), data=change)
    )
    await shop.command("decisions", "approve", proposed.aggregate_id, "--actor", "user:ann")
    await shop.settled("pricing")
    assert (await shop.client.consumer("pricing")).status.parked == 1
    assert await shop.count("product.price_changed") == 1


async def test_an_agent_that_is_killed_says_everything_once(shop: Shop) -> None:
    """Killed at whatever moment, and its events delivered again: each cause has one effect."""
    await shop.hire(approval.work(shop.client, "approval", 0.8))
    for _ in range(3):
        agent = await shop.program("pricing")
        for _ in range(10):
            await shop.stock(10, 150)
        await agent.says("changed")
        await agent.kill()
    await shop.hire(pricing.work(shop.client, "pricing"))
    chain = await shop.chain(90)
    await shop.settled("pricing")
    causes = [(one.event_type, one.causation_id) for one in chain]
    assert len(set(causes)) == 90
    for event_type in ("agent.decision_proposed", "agent.decision_approved"):
        assert await shop.count(event_type) == 30
    assert await shop.count("product.price_changed") == 30


async def test_what_was_handled_and_is_delivered_again_says_nothing_new(shop: Shop) -> None:
    agent = await shop.hire(pricing.work(shop.client, "pricing"))
    await shop.hire(approval.work(shop.client, "approval", 0.8))
    await shop.stock(10, 150)
    await shop.chain(3)
    await shop.settled("pricing")
    head = (await shop.client.head()).position
    agent.cancel()
    await asyncio.wait([agent])
    # The same events again, to a consumer that has seen none of them.
    await shop.hire(pricing.work(shop.client, "pricing-again"))
    await shop.hire(approval.work(shop.client, "approval-again", 0.8))
    await shop.settled("pricing-again")
    await shop.settled("approval-again")
    assert (await shop.client.head()).position == head
    status = (await shop.client.consumer("pricing-again")).status
    assert (status.parked, status.retrying) == (0, 0)


async def test_the_run_of_the_readme(shop: Shop) -> None:
    """Its commands, and what the agents say to that."""
    readme = (ROOT / "examples" / "agents" / "python" / "README.md").read_text(encoding="utf-8")
    _, commands, pricing_says, approval_says = re.findall(
        r"(?ms)^```(?:sh|text)\n(.*?)^```", readme
    )
    agents = {"pricing": pricing_says, "approval": approval_says}
    programs = {name: await shop.program(name) for name in agents}
    for name, program in programs.items():
        await program.says(f"{name} is at work")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    decision = ""
    for command in commands.splitlines():
        if command.startswith("decision="):
            await programs["approval"].says("left to people")
            decisions = await shop.command("decisions", "list", "--json")
            decision = json.loads(decisions[1])["decision"]
        process = await asyncio.create_subprocess_shell(
            command,
            env={**os.environ, **shop.environment, "PATH": path, "decision": decision},
        )
        assert await asyncio.wait_for(process.wait(), 20) == 0, command
        if "approve" in command:
            await programs["pricing"].says("changed 20.00")
        elif "stock_updated" in command and "pump" in command:
            await programs["pricing"].says("changed 5999.00")
    for name, text in agents.items():
        lines = await programs[name].says("", times=len(text.splitlines()))
        said = re.sub(r"price-[0-9a-f-]{36}", "price-<id>", "\n".join(lines) + "\n")
        assert said == text


# --- Supervisors ----------------------------------------------------------------------------------


def about(event_type: str, **data: Any) -> Event:
    return Event(event_type, aggregate=INSTANCE, data=data)


async def test_an_instance_without_heartbeat_is_stale_once_until_the_next_one(shop: Shop) -> None:
    await shop.client.emit(about("instance_registered", project="sv", instance_type="PS"))
    watcher = await shop.hire(stale_watcher.work(shop.client, 0.3))
    [stale] = await shop.chain(1)
    assert told(stale) == ("instance_stale", "agent:stale_watcher")
    assert stale.data["timeout_seconds"] == 0.3
    watcher.cancel()
    await asyncio.wait([watcher])
    # While nobody watches, its time is over again; two watchers that come then say it once.
    await shop.client.emit(about("instance_heartbeat", context_percent=5))
    await asyncio.sleep(0.4)
    for _ in range(2):
        await shop.hire(stale_watcher.work(shop.client, 0.3))
    await shop.chain(2)
    await shop.client.emit(about("instance_heartbeat", context_percent=6))
    stales = await shop.chain(3)
    assert len({one.causation_id for one in stales}) == 3
    await asyncio.sleep(0.5)
    assert await shop.count("instance_stale") == 3


async def test_an_instance_with_heartbeats_is_not_stale(shop: Shop) -> None:
    await shop.client.emit(about("instance_registered", project="sv", instance_type="PS"))
    await shop.hire(stale_watcher.work(shop.client, 5))
    for percent in range(5):
        await shop.client.emit(about("instance_heartbeat", context_percent=percent))
        await asyncio.sleep(0.05)
    assert await shop.count("instance_stale") == 0


async def test_a_full_context_window_leads_to_a_checkpoint_with_the_state(shop: Shop) -> None:
    await _import_supervisor(shop)
    await shop.hire(checkpoint_keeper.work(shop.client, "checkpoint_keeper", 80))
    await shop.client.emit_many(
        [
            about("instance_registered", project="sv", instance_type="PS"),
            about("epic_started", epic_id="epic-003", feature_name="authentication"),
            about("context_window_updated", context_percent=79.9),
            about("context_window_updated", context_percent=80),
            about("epic_completed", epic_id="epic-003"),
        ]
    )
    [created] = await shop.chain(1)
    assert created.data["checkpoint_id"] == "checkpoint-4"
    assert created.data["context_percent"] == 80
    assert created.data["state"]["open_epics"] == ["epic-003"]  # as it was then
    assert await shop.count("checkpoint_created") == 1


async def _import_supervisor(shop: Shop) -> None:
    code, _, err = await shop.command("types", "import", "supervisor")
    assert code == 0, err


@pytest.mark.parametrize(
    ("events", "suggestion"),
    [
        ([], "sv: nothing was begun; ask what to do"),
        (
            [about("epic_started", epic_id="epic-003", feature_name="login")],
            "sv: go on with epic-003, login",
        ),
        (
            [
                about("epic_started", epic_id="epic-003", feature_name="login"),
                about("test_failed", test_name="tests/unit", error="expected 48, got 47"),
                about("instance_stale", last_heartbeat_time="…", timeout_seconds=120),
            ],
            "sv: mend tests/unit: expected 48, got 47",
        ),
    ],
)
async def test_resuming_suggests_what_follows_from_the_last_work_item(
    shop: Shop, events: list[Event], suggestion: str
) -> None:
    registered = about("instance_registered", project="sv", instance_type="PS")
    await shop.client.emit_many([registered, *events])
    text = await resume.suggest(shop.client, INSTANCE)
    assert text is not None
    assert text.splitlines()[0] == suggestion


async def test_resuming_an_instance_that_nobody_knows(shop: Shop) -> None:
    assert await resume.suggest(shop.client, INSTANCE) is None


async def test_every_kind_of_work_item_has_its_suggestion(shop: Shop) -> None:
    """From the examples that the catalogue itself has."""
    for definition in read_source("supervisor").request.event_types:
        if definition.name in resume.WORK_ITEMS:
            event = Event(definition.name, aggregate=INSTANCE, json=definition.example)
            receipt = await shop.client.emit(event)
            assert resume.suggestion(await shop.client.get(receipt.event_id))
