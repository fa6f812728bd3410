"""Where scenarios are played: the one live server, a new tenant for each, and what befalls it."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import everlog
from tests.clients.conformance.matching import (
    Normaliser,
    differences,
    look_up,
    substitute,
)
from tests.clients.conformance.scenarios import HARNESS_ACTIONS
from tests.servers import make_tenant

if TYPE_CHECKING:
    from tests.clients.conformance.runners import Runner
    from tests.clients.conformance.scenarios import Scenario, Step
    from tests.servers import Server

_tenants = count(2)


class Stage:
    """A server and its database."""

    def __init__(self, server: Server, database_url: str) -> None:
        self.server = server
        self._database_url = database_url
        self._serves = True

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"everlog://{self.server.address}"

    async def new_tenant(self, *, head: int = 0) -> str:
        """A tenant with an empty log, or with one that says that it is long already."""
        number = next(_tenants)
        name = f"tenant-{number}"
        await asyncio.to_thread(make_tenant, self._database_url, name, number, head=head)
        return name

    async def play(self, scenario: Scenario, runner: Runner) -> list[str]:
        """Play a scenario; returns the normalised answers, raises AssertionError."""
        tenant = await self.new_tenant(head=scenario.head)
        variables = {"url": self.url, "tenant": tenant}
        normalise = Normaliser(repr(scenario))
        answers = []
        if scenario.connected:
            assert await runner.ask("connect", {"url": self.url, "tenant": tenant}) == {"ok": {}}
        try:
            for number, step in enumerate(scenario.steps, 1):
                try:
                    answer = await self._take(step, runner, variables, tenant)
                except AssertionError as error:
                    raise AssertionError(f"step {number}, {step.action}: {error}") from None
                answers.append(normalise(answer) if step.equal else "")
        finally:
            if not self._serves:
                await self._act("server", "start", tenant)
        assert await runner.ask("close", {}) == {"ok": {}}
        return answers

    async def _take(
        self, step: Step, runner: Runner, variables: dict[str, str], tenant: str
    ) -> dict[str, Any]:
        arguments = substitute(step.arguments, variables)
        if step.action == "tenant":
            variables[arguments] = await self.new_tenant()
            return {}
        if step.action in HARNESS_ACTIONS:
            await self._act(step.action, arguments, tenant)
            return {}
        asked = asyncio.create_task(runner.ask(step.action, arguments))
        try:
            for action, given in step.meanwhile.items():
                await asyncio.sleep(0.2)  # the runner is to have begun
                await self._act(action, substitute(given, variables), tenant)
            answer = await asked
        finally:
            asked.cancel()
        if step.error is not None:
            assert "error" in answer, f"it went well: {answer}"
            found = list(differences(substitute(step.error, variables), answer["error"]))
        else:
            assert "ok" in answer, f"it failed: {answer}"
            found = list(differences(substitute(step.ok or {}, variables), answer["ok"]))
        assert not found, "\n  ".join(["", *found[:10], f"answer: {str(answer)[:3000]}"])
        for name, path in step.save.items():
            variables[name] = look_up(next(iter(answer.values())), path)
        return answer

    async def _act(self, action: str, given: Any, tenant: str) -> None:
        match action, given:
            case "server", "stop":
                self._serves = False
                await self.server.stop()
            case "server", "kill":
                self._serves = False
                await self.server.kill()
            case "server", "start":
                await self.server.start()
                self._serves = True
            case "flood", {"events": events, "restarts": restarts}:
                await self._flood(events, restarts, tenant)
            case "consumer", {"name": name}:
                await self._create_consumer(name, given, tenant)
            case "consumer_has", {"name": name}:
                await self._wait_for_consumer(name, given, tenant)
            case "consumer_deleted", name:
                async with everlog.connect(self.url, tenant=tenant) as client:
                    await client.delete_consumer(name)
            case _:
                raise AssertionError(f"{action} can't be {given!r}")

    async def _create_consumer(self, name: str, given: dict[str, Any], tenant: str) -> None:
        fields = {field: value for field, value in given.items() if field != "name"}
        # Short, so that nothing waits for long: 1 ms after a failure, unless the scenario says so.
        backoff = everlog.RetryBackoff(initial_seconds=fields.pop("backoff_seconds", 0.001))
        event_filter = fields.pop("filter", None)
        settings = everlog.ConsumerSettings(
            filter=everlog.Filter(**event_filter) if event_filter else None,
            backoff=backoff,
            **fields,
        )
        async with everlog.connect(self.url, tenant=tenant) as client:
            await client.create_consumer(name, settings)

    async def _wait_for_consumer(self, name: str, expected: dict[str, Any], tenant: str) -> None:
        """Ask where a consumer is until it is there."""
        wanted = {field: value for field, value in expected.items() if field != "name"}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 15
        async with everlog.connect(self.url, tenant=tenant) as client:
            while True:
                status = (await client.consumer(name)).status
                found = {field: getattr(status, field) for field in wanted}
                if found == wanted:
                    return
                if loop.time() > deadline:
                    raise AssertionError(f"{name} has {found}, expected {wanted}")
                await asyncio.sleep(0.05)

    async def _flood(self, events: int, restarts: list[str], tenant: str) -> None:
        """Emit numbered events without a pause, through restarts of the server."""

        async def emit() -> None:
            async with everlog.connect(self.url, tenant=tenant) as client:
                for number in range(1, events + 1):
                    await client.emit(
                        everlog.Event(
                            "flood.rose",
                            aggregate=("flood", "1"),
                            json=str(number),
                            idempotency_key=f"flood-{number}",
                        )
                    )
                    await asyncio.sleep(0.005)

        emitting = asyncio.create_task(emit())
        try:
            for way in restarts:
                await asyncio.sleep(0.4)
                assert not emitting.done(), "the flood was over before the server was restarted"
                await self._act("server", way, tenant)
                await self._act("server", "start", tenant)
            await emitting
        finally:
            emitting.cancel()
