"""Writers that note what they are told, and what a log must then have."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from tests.factories import assert_gap_free

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

NOT_STORED = {"STORAGE_UNAVAILABLE", "SERVER_DRAINING", "OVERLOADED"}
NOT_KNOWN = {"COMMIT_UNKNOWN", "CONNECTION_LOST"}
# The latter is how gRPC itself ends calls that reach a server after it has stopped taking them.
_BY_GRPC_ITSELF = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
REACH_SECONDS = 60


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason that everlog gave; CONNECTION_LOST if the connection ended instead."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what it takes
    info = error_details_pb2.ErrorInfo()
    if status is None or not any(detail.Unpack(info) for detail in status.details):
        assert error.code() in _BY_GRPC_ITSELF, error
        return "CONNECTION_LOST"
    return info.reason


@dataclass(slots=True)
class Told:
    """What writers were told, by mark: a position, or a reason."""

    answers: dict[str, int | str] = field(default_factory=dict)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def receipts(self) -> dict[str, int]:
        return {mark: answer for mark, answer in self.answers.items() if isinstance(answer, int)}

    def with_reasons(self, reasons: set[str]) -> set[str]:
        return {mark for mark, answer in self.answers.items() if answer in reasons}

    async def reach(self, receipts: int) -> None:
        """Returns when so many events are acknowledged."""
        async with asyncio.timeout(REACH_SECONDS):
            while len(self.receipts) < receipts:  # noqa: ASYNC110  any writer may be the one
                await asyncio.sleep(0.01)

    async def reach_reason(self, *reasons: str) -> None:
        """Returns when somebody was told one of them."""
        async with asyncio.timeout(REACH_SECONDS):
            while not self.with_reasons(set(reasons)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def write(self, stub: EventStoreServiceStub, writer: str, *, padding: str = "") -> None:
        """Emits until told to stop: each event once, without a key."""
        n = 0
        while not self.stop.is_set():
            n += 1
            mark = f"{writer}-{n}"
            event = event_pb2.NewEvent(
                aggregate_type="writer",
                aggregate_id=writer,
                event_type="writer.written",
                json=f'{{"mark": "{mark}", "padding": "{padding}"}}',
                metadata={"mark": mark},
            )
            try:
                response = await stub.Emit(pb.EmitRequest(events=[event]), timeout=30)
            except grpc.aio.AioRpcError as error:
                assert error.code() in _BY_GRPC_ITSELF, error
                self.answers[mark] = reason_of(error)
                await asyncio.sleep(0.05)
            else:
                self.answers[mark] = response.receipts[0].position

    def lost(self, log: Sequence[event_pb2.RecordedEvent]) -> set[str]:
        """What was acknowledged, and is not where it was said to be."""
        stored = positions_of(log)
        return {mark for mark, position in self.receipts.items() if stored.get(mark) != position}

    def check(self, log: Sequence[event_pb2.RecordedEvent]) -> None:
        """The log has all that was acknowledged, nothing that was refused, nothing twice."""
        assert_gap_free(list(log))
        stored = positions_of(log)
        marked = [event for event in log if "mark" in event.metadata]
        assert len(marked) == len(stored), "an event was stored twice"
        assert not self.lost(log), "acknowledged, and lost"
        refused = self.with_reasons(NOT_STORED)
        assert not refused & stored.keys(), "refused, and stored"
        unknown = self.with_reasons(NOT_KNOWN)
        assert stored.keys() <= self.receipts.keys() | unknown, "stored, and never acknowledged"
        assert len(self.answers) == len(self.receipts) + len(refused) + len(unknown), self.answers


def positions_of(log: Sequence[event_pb2.RecordedEvent]) -> dict[str, int]:
    """The position of each marked event."""
    return {event.metadata["mark"]: event.position for event in log if "mark" in event.metadata}


@asynccontextmanager
async def writing(
    stub: EventStoreServiceStub, writers: int, *, padding: str = ""
) -> AsyncIterator[Told]:
    """Writers that write until the block ends."""
    told = Told()
    async with asyncio.TaskGroup() as tasks:
        for number in range(writers):
            tasks.create_task(told.write(stub, str(number), padding=padding))
        try:
            yield told
        finally:
            told.stop.set()
