"""Connections that stay open, and on which nothing comes any more: TCP itself sees no fault."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from everlog_server.errors import StorageUnavailableError
from everlog_server.settings import StorageSettings
from everlog_server.storage import database
from tests.factories import TENANT, House, new_event, open_house
from tests.faults.proxy import Proxy, proxied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog.v1 import event_pb2

pytestmark = pytest.mark.asyncio(loop_scope="function")

WAIT_SECONDS = 30
IMPATIENT = replace(StorageSettings(), statement_timeout_seconds=0.5, lock_timeout_seconds=0.2)


@pytest.fixture
async def stallable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Proxy, House, House]]:
    """A proxy, a house behind it, and one with a connection of its own."""
    monkeypatch.setattr(database, "_SLACK_SECONDS", 0.1)
    with tempfile.TemporaryDirectory(prefix="el") as folder:
        async with (
            proxied(database_url, Path(folder)) as (proxy, url),
            open_house(url, storage=IMPATIENT) as house,
            open_house(database_url) as other,
        ):
            yield proxy, house, other


async def test_a_read_on_a_stalled_connection_is_given_up(
    stallable: tuple[Proxy, House, House],
) -> None:
    proxy, house, _ = stallable
    assert (await house.reader.head(TENANT)).position == 0
    proxy.stall()
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(StorageUnavailableError):
            await house.reader.head(TENANT)
        assert (await house.reader.head(TENANT)).position == 0  # by a new one


async def test_a_subscriber_is_not_left_with_heartbeats_for_ever(
    stallable: tuple[Proxy, House, House],
) -> None:
    """What another process appends is only seen by asking PostgreSQL."""
    proxy, house, other = stallable
    await other.emit(new_event())

    stalled = False

    def is_over(received: list[event_pb2.RecordedEvent]) -> bool:
        nonlocal stalled
        if received and not stalled:
            stalled = True
            proxy.stall()
            asyncio.get_running_loop().create_task(other.emit(new_event()))
        return len(received) == 2

    async with asyncio.timeout(WAIT_SECONDS):
        received = await house.follow(is_over)
    assert [event.position for event in received] == [1, 2]
