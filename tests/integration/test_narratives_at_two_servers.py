"""Outcomes and narratives with two server processes on one database: either sees the other's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1 import narratives_pb2 as pb
from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub
from everlog.v1.narratives_pb2_grpc import NarrativeServiceStub
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 10


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


async def test_what_is_recorded_at_one_server_is_read_at_the_other(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as first,
        serving(database_url, tmp_path) as second,
        grpc.aio.insecure_channel(first.address) as here,
        grpc.aio.insecure_channel(second.address) as there,
    ):
        event = event_pb2.NewEvent(aggregate_type="a", aggregate_id="1", event_type="a.b")
        emitted = await EventStoreServiceStub(here).Emit(
            event_store_pb2.EmitRequest(events=[event])
        )
        subject = emitted.receipts[0].event_id
        narratives = NarrativeServiceStub(here), NarrativeServiceStub(there)
        stores = EventStoreServiceStub(here), EventStoreServiceStub(there)

        # By turns: each appends to an aggregate whose last event is the other's.
        for number in range(1, ROUNDS + 1):
            writer, reader = number % 2, 1 - number % 2
            recorded = await narratives[writer].RecordOutcome(
                pb.RecordOutcomeRequest(event_id=subject, outcome=f"outcome {number}")
            )
            assert recorded.outcome.number == number
            got = await stores[reader].Get(event_store_pb2.GetRequest(event_id=subject))
            assert got.outcome == recorded.outcome
            listed = await narratives[reader].ListOutcomes(
                pb.ListOutcomesRequest(event_id=subject, page_size=1)
            )
            assert list(listed.outcomes) == [recorded.outcome]
            traced = await narratives[reader].Trace(
                pb.TraceRequest(event_id=subject, include_outcomes=True)
            )
            assert list(traced.outcomes) == [recorded.outcome]

        key = pb.RecordOutcomeRequest(event_id=subject, outcome="once", idempotency_key="k")
        once = await asyncio.gather(*(one.RecordOutcome(key) for one in narratives * 5))
        assert {answer.outcome.number for answer in once} == {ROUNDS + 1}
        assert [answer.deduplicated for answer in once].count(False) == 1


async def test_of_two_servers_that_save_the_same_version_one_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as first,
        serving(database_url, tmp_path) as second,
        grpc.aio.insecure_channel(first.address) as here,
        grpc.aio.insecure_channel(second.address) as there,
    ):
        event = event_pb2.NewEvent(aggregate_type="a", aggregate_id="1", event_type="a.b")
        emitted = await EventStoreServiceStub(here).Emit(
            event_store_pb2.EmitRequest(events=[event])
        )
        subject = emitted.receipts[0].event_id
        narratives = NarrativeServiceStub(here), NarrativeServiceStub(there)

        for version in range(ROUNDS):
            saved = await asyncio.gather(
                *(
                    narrator.SaveNarrative(
                        pb.SaveNarrativeRequest(
                            event_id=subject,
                            narrative=pb.Narrative(summary=f"by server {server}"),
                            expected_version=version,
                        )
                    )
                    for server, narrator in enumerate(narratives)
                ),
                return_exceptions=True,
            )
            won = [n for n, one in enumerate(saved) if isinstance(one, pb.SaveNarrativeResponse)]
            lost = [one for one in saved if isinstance(one, grpc.aio.AioRpcError)]
            assert (len(won), [reason_of(one) for one in lost]) == (1, ["SEQUENCE_CONFLICT"])
            for narrator in narratives:
                got = await narrator.GetNarrative(pb.GetNarrativeRequest(event_id=subject))
                assert got.version == version + 1
                assert got.narrative.summary == f"by server {won[0]}"
