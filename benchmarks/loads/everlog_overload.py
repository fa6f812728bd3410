"""Emits at a rate that nobody slows down, or as fast as answers come; what became of each is told.

Parameters: address, tenant, seconds, rate (Emits a second, begun whether or not earlier ones were
answered; 0: `in_flight` at a time, each after the one before), in_flight, connections, events (of
each Emit), payload_bytes, deadline_seconds, first (the number of the first Emit), answers (a file:
for each Emit its number, the seconds at which it ended, those that it took, and OK, the reason of
its refusal or gRPC's code).

Nothing is tried again: every answer is counted as it came.
"""

from __future__ import annotations

import asyncio
import random
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import grpc
import uvloop

from benchmarks.loads import common
from everlog.v1 import event_pb2
from everlog.v1.event_store_pb2 import EmitRequest

_TICK_SECONDS = 0.005
_AGGREGATES = 1_000


class Template:
    """The bytes of an Emit, made once: only its number is put in, at its places."""

    def __init__(self, events: int, payload_bytes: int) -> None:
        mark = f"{0:012d}"
        filler = "x" * max(0, payload_bytes - 40)
        request = EmitRequest(
            events=[
                event_pb2.NewEvent(
                    aggregate_type="overload",
                    aggregate_id=f"a-{index}-{mark}",
                    event_type=common.EVENT_TYPE,
                    json=f'{{"n":"{mark}","i":{index},"filler":"{filler}"}}',
                )
                for index in range(events)
            ]
        )
        self._pieces = request.SerializeToString().split(mark.encode())

    def bytes_of(self, number: int) -> bytes:
        """The Emit of this number, to aggregates that others share."""
        one, two = f"{number % _AGGREGATES:012d}".encode(), f"{number:012d}".encode()
        pieces = self._pieces
        parts = [pieces[0]]
        for place, piece in enumerate(pieces[1:]):
            parts += (two if place % 2 else one, piece)
        return b"".join(parts)


class Load:
    """What runs, and what came of it."""

    def __init__(self, told: dict[str, Any], channels: list[grpc.aio.Channel]) -> None:
        self._template = Template(told["events"], told["payload_bytes"])
        self._deadline_seconds = told["deadline_seconds"]
        self._metadata = (("everlog-tenant", told["tenant"]),)
        self._emits: list[Any] = [
            channel.unary_unary("/everlog.v1.EventStoreService/Emit") for channel in channels
        ]
        self._numbers = count(told["first"])
        self._began = monotonic()
        self.answers: list[str] = []
        self.begun = 0
        self.running = 0

    async def closed(self, in_flight: int, seconds: float) -> None:
        """As fast as answers come."""
        end = monotonic() + seconds

        async def caller() -> None:
            while monotonic() < end:
                await self.emit()

        await asyncio.gather(*(caller() for _ in range(in_flight)))

    async def open(self, rate: float, seconds: float) -> None:
        """At a rate, with gaps as they are between callers who know nothing of each other."""
        began = monotonic()
        next_seconds = 0.0
        running: set[asyncio.Task[None]] = set()
        while (now := monotonic() - began) < seconds:
            while next_seconds <= now:
                task = asyncio.create_task(self.emit())
                running.add(task)
                task.add_done_callback(running.discard)
                next_seconds += random.expovariate(rate)
            await asyncio.sleep(_TICK_SECONDS)
        if running:
            await asyncio.wait(running)

    async def emit(self) -> None:
        """One, answered or not."""
        number = next(self._numbers)
        emit = self._emits[number % len(self._emits)]
        began = monotonic()
        self.begun += 1
        try:
            await emit(
                self._template.bytes_of(number),
                timeout=self._deadline_seconds,
                metadata=self._metadata,
            )
        except grpc.aio.AioRpcError as error:
            ending = _reason_of(error)
        else:
            ending = "OK"
        ended = monotonic()
        self.answers.append(f"{number} {ended - self._began:.4f} {ended - began:.4f} {ending}")


def _reason_of(error: grpc.aio.AioRpcError) -> str:
    """In few microseconds: the load must not take from the server what it needs to refuse."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and b"OVERLOADED" in value:
            return "OVERLOADED"
    return str(error.code().name)


async def main() -> None:
    told = common.parameters()
    channels = [
        grpc.aio.insecure_channel(told["address"], options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(told["connections"])
    ]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    common.wait_for_go()
    load = Load(told, channels)
    stopwatch = common.Stopwatch()
    if told["rate"]:
        await load.open(told["rate"], told["seconds"])
    else:
        await load.closed(told["in_flight"], told["seconds"])
    stopwatch.stop()
    await asyncio.to_thread(Path(told["answers"]).write_text, "\n".join(load.answers))
    stopwatch.report(load.begun)
    for channel in channels:
        await channel.close()


if __name__ == "__main__":
    uvloop.run(main())
