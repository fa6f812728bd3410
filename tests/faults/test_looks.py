"""PostgreSQL refuses what a server looks at by itself, for a reason that is no outage.

The server goes on with everything else, says so once, and looks again until it may.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog.v1 import event_store_pb2 as pb
from tests.members import client_for, positions
from tests.servers import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import Server

SECONDS = 20
TOLD_AGAIN_SECONDS = 3.0


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.05)


def lines(server: Server, event: str) -> int:
    return server.log.count(f'"event":"{event}"')


@pytest.mark.parametrize(
    ("what", "event"),
    [
        ("SELECT ON everlog.consumer_slots", "a consumer's standing can't be asked for"),
        ("EXECUTE ON FUNCTION everlog.tenants_to_index", "indexes of entities can't be looked at"),
        ("EXECUTE ON FUNCTION everlog.log_heads", "heads can't be read"),
        ("EXECUTE ON FUNCTION everlog.changes_for_projector", "projections can't be looked at"),
    ],
    ids=["consumers", "entities", "heads", "projections"],
)
async def test_a_look_that_postgresql_refuses_ends_no_server_and_is_told_once(
    database_url: str, tmp_path: Path, what: str, event: str
) -> None:
    flags = ("--metrics-port", str(free_port()), "--log-format", "json")
    async with (
        serving(database_url, tmp_path, *flags) as server,
        client_for(server.address) as client,
    ):
        await client.emit("order/1")
        subscription = client.events.Subscribe(pb.SubscribeRequest(after_position=0))
        await subscription.read()
        await client.create("billing")
        execute(database_url, f"REVOKE {what} FROM everlog_service")
        async with client.member("billing"):
            await until(lambda: bool(lines(server, event)))
            await asyncio.sleep(TOLD_AGAIN_SECONDS)
            assert lines(server, event) == 1
            assert await client.emit("order/2") == [2]
        execute(database_url, f"GRANT {what} TO everlog_service")
        async with client.member("billing") as member:
            assert sorted(positions(await member.take(2))) == [1, 2]
        subscription.cancel()
        assert await server.stop() == 0
