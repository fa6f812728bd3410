"""What every client makes of a refusal: it waits where it is told to, and asks in vain nowhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.clients.conformance.asking import EVERY_LANGUAGE, error_of, ok
from tests.conftest import new_database
from tests.faults.test_damaged_events import damage
from tests.servers import SharedServer, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.clients.conformance.conftest import Cast
    from tests.clients.conformance.runners import Runner

pytestmark = pytest.mark.asyncio(loop_scope="module")

_RATE = 5
"""Events that a tenant may emit in a second; after a rest so many are let in at once."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paced(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedServer]:
    """A server that lets each tenant emit so many events a second."""
    folder = tmp_path_factory.mktemp("paced")
    flags = ("--limits-caller-events-per-second", str(_RATE))
    with new_database(postgres, template=template_database) as url:
        async with serving(url, folder, *flags) as server:
            yield SharedServer(server, url)
            assert await server.stop() == 0
            assert "Traceback" not in server.log


def _events(count: int, *, with_keys: bool = True) -> list[dict[str, Any]]:
    event = {"event_type": "order.created", "aggregate_type": "order", "json": "{}"}
    return [
        event | {"aggregate_id": str(n)} | ({"idempotency_key": f"k{n}"} if with_keys else {})
        for n in range(1, count + 1)
    ]


async def _connected(runner: Runner, server: SharedServer, **more: Any) -> None:
    await ok(runner, "connect", url=server.url, tenant=server.new_tenant(), **more)


@EVERY_LANGUAGE
@pytest.mark.parametrize("with_keys", [True, False], ids=["with keys", "without"])
async def test_an_emit_beyond_the_rate_waits_as_long_as_it_is_told(
    language: str, with_keys: bool, paced: SharedServer, cast: Cast
) -> None:
    """Each is stored once: what is refused as `OVERLOADED` was not."""
    runner = await cast.runner(language)
    await _connected(runner, paced)
    count = 2 * _RATE
    began = time.monotonic()
    for position, event in enumerate(_events(count, with_keys=with_keys), 1):
        receipt = (await ok(runner, "emit", event=event))["receipt"]
        assert (receipt["position"], receipt["deduplicated"]) == (str(position), False)
    assert time.monotonic() - began > (count - _RATE) / _RATE * 0.8
    assert (await ok(runner, "head"))["position"] == str(count)
    await ok(runner, "close")


@EVERY_LANGUAGE
@pytest.mark.parametrize("command", ["emit_stream", "emit_concurrently"])
async def test_many_emits_at_once_all_get_in_in_their_time(
    language: str, command: str, paced: SharedServer, cast: Cast
) -> None:
    runner = await cast.runner(language)
    await _connected(runner, paced)
    count = 2 * _RATE
    began = time.monotonic()
    outcomes = (await ok(runner, command, events=_events(count)))["outcomes"]
    took = time.monotonic() - began
    positions = sorted(int(one["receipt"]["position"]) for one in outcomes)
    assert positions == list(range(1, count + 1))
    # Not all again and again at the same moment: the wait is told, and heeded.
    assert (count - _RATE) / _RATE * 0.8 < took < 15
    await ok(runner, "close")


@EVERY_LANGUAGE
async def test_an_emit_that_would_have_to_wait_beyond_its_deadline_fails_by_then(
    language: str, paced: SharedServer, cast: Cast
) -> None:
    runner = await cast.runner(language)
    await _connected(runner, paced, timeout_seconds=0.5)
    first, second = _events(2 * _RATE)[:_RATE], _events(3 * _RATE)[_RATE:]
    await ok(runner, "emit_many", events=first)
    began = time.monotonic()
    error = await error_of(runner, "emit_many", events=second)
    assert time.monotonic() - began < 1.5
    assert error["reason"] == "OVERLOADED" or error["code"] == "DEADLINE_EXCEEDED", error
    assert (await ok(runner, "head"))["position"] == str(_RATE)
    await ok(runner, "close")


@EVERY_LANGUAGE
async def test_a_damaged_event_is_told_by_every_read_and_not_asked_for_again(
    language: str, paced: SharedServer, cast: Cast
) -> None:
    runner = await cast.runner(language)
    tenant = paced.new_tenant()
    await ok(runner, "connect", url=paced.url, tenant=tenant)
    receipts = (await ok(runner, "emit_many", events=_events(_RATE)))["receipts"]
    damage(paced.database_url, tenant, 3)
    await ok(runner, "subscribe_open", subscription="s", after_position="0")
    followed: list[str] = []
    while len(followed) < 2:
        found = await ok(
            runner, "subscribe_next", subscription="s", count=2 - len(followed), timeout_seconds=20
        )
        followed += [item["event"]["position"] for item in found["items"]]
    assert followed == ["1", "2"]
    began = time.monotonic()
    errors = [
        await error_of(runner, "subscribe_next", subscription="s", count=1, timeout_seconds=20),
        await error_of(runner, "replay"),
        await error_of(runner, "query", order="oldest_first"),
        await error_of(runner, "get", position="3"),
    ]
    assert time.monotonic() - began < 5
    for error in errors:
        assert (error["reason"], error["code"]) == ("EVENT_DAMAGED", "DATA_LOSS")
        assert error["metadata"] == {"position": "3", "event_id": receipts[2]["event_id"]}
        assert "retry_after_seconds" not in error
    replayed = await ok(runner, "replay", after_position="3")
    assert [event["position"] for event in replayed["events"]] == ["4", "5"]
    await ok(runner, "close")
