"""A graph that costs too much is refused, and what it cost is over then."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import grpc
import psycopg
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import narratives_pb2 as pb
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub
from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import LinkKind
from everlog_server.storage.graph import GraphReader, TraceAsked
from tests.factories import TENANT, House, new_event, open_house
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

HUBS = 100
SPOKES = 2_000
SECONDS_MAX = 0.1
"""Of some 400,000 look-ups: seconds, on any machine."""


def asked(event_id: str, kind: LinkKind) -> TraceAsked:
    return TraceAsked(
        event_id=uuid.UUID(event_id).bytes,
        backwards=True,
        forwards=True,
        link_kinds=frozenset([kind]),
        depth_max=100,
        events_max=10_000,
    )


async def emit_hubs_and_spokes(house: House) -> str:
    """Every spoke names every hub: a level of the hubs has each spoke a hundred times."""
    hubs = [str(uuid.uuid4()) for _ in range(HUBS)]
    await house.emit(*(new_event(event_id=hub) for hub in hubs))
    context = {"related_event_ids": hubs}
    for _ in range(0, SPOKES, 500):
        await house.emit(*(new_event(context=context) for _ in range(500)))
    return hubs[0]


def running_walks(database_url: str) -> int:
    """Only those: the pool may still be opening the connections that it was asked for."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state = 'active' AND query LIKE 'WITH RECURSIVE walk%'"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_graph_that_takes_too_long_is_given_up_and_its_statement_ends(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        hub = await emit_hubs_and_spokes(house)
        graphs = GraphReader(house.database, seconds_max=SECONDS_MAX)
        # All of them at once, more than there are connections: none is lost, each is given back.
        refused = await asyncio.gather(
            *(
                graphs.trace(TENANT, asked(hub, LinkKind.RELATED), bytes_max=1 << 22)
                for _ in range(12)
            ),
            return_exceptions=True,
        )
        assert [type(one) for one in refused] == [ReadTooExpensiveError] * 12
        assert "smaller depth" in str(refused[0])
        assert running_walks(database_url) == 0
        near = await GraphReader(house.database).trace(
            TENANT, asked(hub, LinkKind.CAUSATION), bytes_max=1 << 22
        )
        assert near is not None
        assert near.events == 1


async def test_who_asks_for_too_large_a_graph_is_told_so(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url) as house:
        hub = await emit_hubs_and_spokes(house)
    flags = ("--statement-timeout-seconds", str(SECONDS_MAX))
    async with (
        serving(database_url, tmp_path, *flags) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        narratives = NarrativeServiceStub(channel)
        dear = pb.TraceRequest(event_id=hub, max_events=10_000)
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await narratives.Trace(dear)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            status = rpc_status.from_call(caught.value)
            assert status is not None
            info = error_details_pb2.ErrorInfo()
            assert status.details[0].Unpack(info)
            assert info.reason == "READ_TOO_EXPENSIVE"
        cheap = pb.TraceRequest(event_id=hub, link_kinds=[pb.LINK_KIND_CAUSATION])
        assert len((await narratives.Trace(cheap)).events) == 1
        assert "Traceback" not in server.log
