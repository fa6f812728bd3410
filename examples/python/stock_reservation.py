"""Optimistic concurrency: many workers sell one stock, at once, and never more than there is.

Each reads the stock's events, decides, and emits what it decided on the condition that nothing
came in between. If something did, it reads and decides again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import everlog

TRIES_MAX = 50
PAUSE_SECONDS_MAX = 0.1


@dataclass(slots=True)
class Stock:
    """What the events of one `stock/<sku>` come to."""

    received: int = 0
    reserved: int = 0
    sequence: int = 0
    """Of the last event that is counted: what a decision is based on."""

    def add(self, event: everlog.RecordedEvent) -> None:
        """Count one event."""
        match event.event_type:
            case "stock.received":
                self.received += event.data["quantity"]
            case "stock.reserved":
                self.reserved += event.data["quantity"]
        self.sequence = event.sequence


class Worker:
    """Reserves one item after the other until none is left."""

    def __init__(self, client: everlog.Client, sku: str, name: str) -> None:
        self._client = client
        self._aggregate = everlog.AggregateKey("stock", sku)
        self._name = name
        self.reserved = 0
        self.conflicts = 0

    async def run(self) -> None:
        """Reserve until there is nothing left."""
        while await self._reserve_one():
            self.reserved += 1

    async def _reserve_one(self) -> bool:
        # One key for all tries of one reservation: if the answer to a try is lost on the way, the
        # client sends it again, and the log knows it.
        key = f"reservation-{uuid.uuid4()}"
        for tries in range(1, TRIES_MAX + 1):
            stock = await read_stock(self._client, self._aggregate)
            if stock.reserved >= stock.received:
                return False
            event = everlog.Event(
                "stock.reserved",
                aggregate=self._aggregate,
                data={"quantity": 1},
                idempotency_key=key,
                actor=f"agent:{self._name}",
            )
            try:
                await self._client.emit(event, expect=stock.sequence)
            except everlog.SequenceConflict:
                # Somebody was faster: what was read is old. Jitter, or all would return in step.
                self.conflicts += 1
                await asyncio.sleep(random.uniform(0, min(0.002 * 2**tries, PAUSE_SECONDS_MAX)))  # noqa: S311 - no secret
            else:
                return True
        raise RuntimeError(f"{self._name}: {self._aggregate} was busy for {TRIES_MAX} tries")


async def read_stock(client: everlog.Client, aggregate: everlog.AggregateKey) -> Stock:
    """Fold the aggregate's whole history; a long one would be read on from a snapshot."""
    stock = Stock()
    async for event in client.replay(aggregate):
        stock.add(event)
    return stock


async def sell(sku: str, received: int, workers: int) -> None:
    """Receive the stock, unless that is known, and have the workers sell it."""
    url = os.environ.get("EVERLOG_URL", everlog.DEFAULT_URL)
    tenant = os.environ.get("EVERLOG_TENANT", "default")
    aggregate = everlog.AggregateKey("stock", sku)
    async with everlog.connect(url, tenant=tenant) as client:
        await client.emit(
            everlog.Event(
                "stock.received",
                aggregate=aggregate,
                data={"quantity": received},
                # Whoever comes second, in whatever language, finds it received already.
                idempotency_key=f"stock-{sku}-received",
            )
        )
        crew = [Worker(client, sku, f"python-{n}") for n in range(1, workers + 1)]
        await asyncio.gather(*(worker.run() for worker in crew))
        stock = await read_stock(client, aggregate)
    report(sku, stock, crew)


def report(sku: str, stock: Stock, crew: Iterable[Worker]) -> None:
    """Print what became of the stock; an oversold one would be a defect."""
    for_us = sum(worker.reserved for worker in crew)
    conflicts = sum(worker.conflicts for worker in crew)
    print(
        f"{sku}: reserved {for_us} of {stock.received} here, {stock.reserved} in all;"
        f" {conflicts} conflicts"
    )
    if stock.reserved > stock.received:
        sys.exit(f"{sku} is oversold")


def main() -> None:
    """Sell what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sku", default="teapot")
    parser.add_argument("--stock", type=int, default=20, help="how many there are to sell")
    parser.add_argument("--workers", type=int, default=8)
    arguments = parser.parse_args()
    try:
        asyncio.run(sell(arguments.sku, arguments.stock, arguments.workers))
    except (everlog.EverlogError, RuntimeError) as error:
        sys.exit(f"stock_reservation: {error}")


if __name__ == "__main__":
    main()
