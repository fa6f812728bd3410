"""The pricing agent in TypeScript, as a user would run it: the whole chain, and its crashes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import everlog
from everlog.v1 import consumers_pb2, consumers_pb2_grpc
from tests.clients.conformance.languages import MissingError
from tests.clients.example_programs import TYPESCRIPT_AGENTS, Program, running
from tests.servers import serving
from tests.toolchains import leave_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

# Building the client is part of the first run.
pytestmark = [pytest.mark.polyglot, pytest.mark.timeout(300)]


class Shop:
    """A log with products, and agents that price them."""

    def __init__(self, address: str, client: everlog.AsyncClient) -> None:
        self.client = client
        self._address = address

    def agent(self, *arguments: str) -> AbstractAsyncContextManager[Program]:
        """Start the agent; skips the test, or fails it in CI, when Node isn't here."""
        try:
            command = TYPESCRIPT_AGENTS.command("pricing_agent")
        except MissingError as missing:
            leave_out(str(missing))
        environment = {"EVERLOG_URL": f"everlog://{self._address}", "EVERLOG_TENANT": "default"}
        return running(command, *arguments, environment=environment)

    async def stocks(self, product: str, quantity: int, *, price: float = 60) -> everlog.Receipt:
        """A product is new, and then there is more or less of it."""
        about = ("product", product)
        created = {"sku": product, "name": product, "base_price": price, "stock": 20}
        await self.client.emit(everlog.Event("product.created", aggregate=about, data=created))
        return await self.client.emit(
            everlog.Event(
                "product.stock_updated",
                aggregate=about,
                data={"old_quantity": 20, "new_quantity": quantity, "reason": "delivery"},
                correlation_id=f"delivery-{product}",
            )
        )

    async def decides(
        self, proposed: everlog.RecordedEvent, kind: str, **data: Any
    ) -> everlog.Receipt:
        """Somebody decides about a proposal."""
        return await self.client.emit(
            everlog.Event(
                f"agent.decision_{kind}",
                aggregate=proposed.aggregate,
                data=data,
                causation_id=proposed.event_id,
                correlation_id=proposed.correlation_id,
                actor="user:mia",
            )
        )

    async def events(self, event_type: str) -> list[everlog.RecordedEvent]:
        """All of a type, in the order of the log."""
        filter_ = everlog.Filter(event_types=[event_type])
        return [event async for event in self.client.replay(filter=filter_)]

    async def proposal(self, product: str) -> everlog.RecordedEvent:
        """What was proposed for a product: exactly one thing."""
        proposed = await self.events("agent.decision_proposed")
        [found] = [event for event in proposed if event.data["proposal"]["product"] == product]
        return found

    async def has(self, count: int, event_type: str) -> list[everlog.RecordedEvent]:
        """Wait until the log has so many of a type."""
        async with asyncio.timeout(60):
            while len(events := await self.events(event_type)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return events

    async def parks_one(self) -> None:
        """Wait until the agent's consumer has parked an event."""
        request = consumers_pb2.GetConsumerRequest(name="pricing_agent")
        async with grpc.aio.insecure_channel(self._address) as channel, asyncio.timeout(60):
            stub = consumers_pb2_grpc.ConsumerServiceStub(channel)
            while not (await stub.GetConsumer(request)).consumer.status.parked:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(f"everlog://{server.address}") as client,
    ):
        yield Shop(server.address, client)


async def test_it_proposes_waits_and_acts(shop: Shop) -> None:
    async with shop.agent() as agent:
        stocked = await shop.stocks("teapot", 120)
        await agent.says("teapot: proposed 54 instead of 60")
        proposed = await shop.proposal("teapot")
        assert (proposed.causation_id, proposed.correlation_id) == (
            stocked.event_id,
            "delivery-teapot",
        )
        assert proposed.actor == "agent:pricing_agent"
        assert proposed.data["confidence"] == 0.9
        assert proposed.documentable
        assert proposed.intent is not None
        assert proposed.intent.expected_outcome == "teapot costs 54"

        approved = await shop.decides(proposed, "approved", approved_by="user:mia")
        await agent.says("teapot: costs 54 now, as user:mia approved")
        [changed] = await shop.events("product.price_changed")
        assert changed.aggregate == ("product", "teapot")
        assert (changed.causation_id, changed.correlation_id) == (
            approved.event_id,
            "delivery-teapot",
        )
        assert changed.data == {
            "old_price": 60,
            "new_price": 54,
            "reason": "approved by user:mia",
        }

        # Whoever approves may differ from the proposal, and who rejects has it stay as it is.
        await shop.stocks("cup", 1, price=5)
        await agent.says("cup: proposed 5.5 instead of 5")
        cup = await shop.proposal("cup")
        await shop.decides(cup, "approved", approved_by="user:mia", changes={"new_price": 5.25})
        await agent.says("cup: costs 5.25 now")
        await shop.stocks("vase", 100, price=30)
        await agent.says("vase: proposed 27 instead of 30")
        vase = await shop.proposal("vase")
        await shop.decides(vase, "rejected", rejected_by="user:mia", reason="not in December")
        await agent.says("vase: stays at 30, user:mia: not in December")
        await shop.decides(vase, "approved", approved_by="user:too-late")

        # What is approved after the price has changed is for a person to look at.
        await shop.stocks("plate", 500, price=10)
        await agent.says("plate: proposed 9 instead of 10")
        change = {"old_price": 10, "new_price": 12, "reason": "sale is over"}
        await shop.client.emit(
            everlog.Event("product.price_changed", aggregate=("product", "plate"), data=change)
        )
        plate = await shop.proposal("plate")
        await shop.decides(plate, "approved", approved_by="user:mia")
        await shop.parks_one()
        agent.terminate()
        await agent.ends()
    assert len(await shop.events("product.price_changed")) == 3


async def test_killed_and_delivered_again_it_does_nothing_twice(shop: Shop) -> None:
    products = [f"p{number}" for number in range(12)]
    stocked = [await shop.stocks(product, 150) for product in products]
    for _ in range(2):
        async with shop.agent() as agent:
            await agent.says("proposed", times=3)
            await agent.kill()
    async with shop.agent() as agent:
        proposals = await shop.has(len(products), "agent.decision_proposed")
        for proposed in proposals:
            await shop.decides(proposed, "approved", approved_by="user:mia")
        await agent.says("costs 54 now", times=3)
        await agent.kill()
    assert sorted(event.causation_id for event in proposals) == sorted(
        receipt.event_id for receipt in stocked
    )
    async with shop.agent() as agent, shop.agent() as other:
        changed = await shop.has(len(products), "product.price_changed")
        for one in (agent, other):
            one.terminate()
            await one.ends()
    assert sorted(event.aggregate_id for event in changed) == sorted(products)

    # Another consumer is delivered all of it once more, and finds that it is done.
    head = (await shop.client.head()).position
    async with shop.agent("--consumer", "once_more") as agent:
        await agent.says(", as before", times=len(products))
        await agent.says("its price was changed before", times=len(products))
        agent.terminate()
        await agent.ends()
    assert (await shop.client.head()).position == head
