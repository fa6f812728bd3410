"""What a consumer knows when a server or PostgreSQL dies between a delivery and its settlement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog_server.storage import migrations
from tests.faults.test_postgres_restart import _pg_ctl, _start, own_postgres
from tests.members import Client, acked, client_for, nacked, positions
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

    import grpc

    from everlog_server.storage.embedded import EmbeddedPostgres

__all__ = ["own_postgres"]

SOON = {"initial": Duration(nanos=1_000_000), "jitter": 0.0, "multiplier": 1.0}


def _reason(error: grpc.aio.AioRpcError | None) -> str:
    assert error is not None
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what it takes
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return info.reason


async def _parked(client: Client, name: str) -> int:
    return (await client.get(name)).status.parked


async def test_answers_outlast_a_crash_of_postgres(
    own_postgres: EmbeddedPostgres,
    tmp_path: Path,
) -> None:
    migrations.migrate(own_postgres.dsn)
    async with (
        serving(own_postgres.dsn, tmp_path) as server,
        client_for(server.address) as client,
    ):
        await client.create("crash")
        await client.emit(*(f"order/{n}" for n in range(20)))
        async with client.member("crash") as member:
            taken = await member.take(20)
            await asyncio.to_thread(_pg_ctl, own_postgres, "stop", "--mode=immediate")
            await member.answer(*map(acked, taken[:10]))
            await asyncio.to_thread(_start, own_postgres)
            settled = [await member.settled() for _ in range(10)]
            assert not any(one.HasField("refusal") for one in settled)
            await member.ack(*taken[10:15])
            await member.cancel()
        async with client.member("crash") as member:
            again = await member.take(5)
            assert sorted(positions(again)) == sorted(positions(taken[15:]))
            assert {one.attempt for one in again} == {2}  # the stream broke
            await member.ack(*again)
            await client.emit("order/0")
            assert positions([await member.next()]) == [21]


@pytest.mark.slow
async def test_a_server_that_dies_or_stops_costs_no_attempt(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as first,
        serving(database_url, tmp_path) as second,
        client_for(first.address) as client,
        client_for(second.address) as other,
    ):
        await client.create("die", attempts_max=3, backoff=SOON)
        poison, *rest = await client.emit("order/1", "order/1", "order/2", "order/3")
        async with client.member("die") as member:
            by_position = {one.event.position: one for one in await member.take(3)}
            await member.ack(by_position.pop(rest[1]))
            await member.answer(nacked(by_position.pop(poison)))
            delivery = await member.next()
            assert (delivery.event.position, delivery.attempt) == (poison, 2)
            await first.kill()
        async with other.member("die") as member:
            taken = {one.event.position: one for one in await member.take(2)}
            assert {position: one.attempt for position, one in taken.items()} in (
                {poison: 2, rest[2]: 1},
                {poison: 1, rest[2]: 1},  # the nack was not stored yet
            )
            attempt = taken[poison].attempt
            await member.answer(nacked(taken[poison]))
            delivery = await member.next()
            assert (delivery.event.position, delivery.attempt) == (poison, attempt + 1)
            await first.start()
            stopping = asyncio.create_task(second.stop())
            assert _reason(await member.end()) == "SERVER_DRAINING"
            await stopping
        async with client.member("die") as member:
            taken = {one.event.position: one for one in await member.take(2)}
            assert taken.keys() == {poison, rest[2]}
            assert taken[poison].attempt == attempt + 1
            assert taken[rest[2]].attempt == 1
            delivery = taken[poison]
            while delivery.event.position == poison:
                await member.answer(nacked(delivery))
                delivery = await member.next()
            assert delivery.event.position == rest[0]  # its aggregate goes on
            assert await _parked(client, "die") == 1
