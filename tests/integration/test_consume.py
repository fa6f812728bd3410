"""Consume: what members are delivered, and what becomes of their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.members import client_for, positions
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_was_acked_is_not_delivered_again_after_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path) as server, client_for(server.address) as client:
        stored = await client.emit("order/1", "order/2", "order/3")
        created = await client.create("pricing")
        assert (created.status.checkpoint, created.status.lag) == (0, 3)
        async with client.member("pricing") as member:
            taken = await member.take(3)
            assert sorted(positions(taken)) == stored
            assert [one.attempt for one in taken] == [1, 1, 1]
            settlements = await member.ack(*taken)
            assert not any(one.HasField("refusal") for one in settlements)
            await member.leave()
        assert (await client.get("pricing")).status.checkpoint == 3

        await server.stop()
        await server.start()
        stored = await client.emit("order/4")
        async with client.member("pricing") as member:
            taken = await member.take(1)
            assert positions(taken) == stored
            await member.ack(*taken)
