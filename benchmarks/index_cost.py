"""What each index of everlog.events costs an append, and what further ones would.

Two clones of one filled database differ in one index. Both get the same batches, one right after
the other, in changing order; the table shows the median of the ratios of their times, so that
whatever else the machine does hits both. Then it shows what is paid instead of an index for
containment and words: how many events a second are examined. The figures of docs/adr/0006 are from
here.

    .venv/bin/python benchmarks/index_cost.py [--seconds 150]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from everlog.v1 import event_pb2
from everlog_server.append.judging import new_event_ids
from everlog_server.model import EventFilter, NewEvent
from everlog_server.rpc.codec import frame_events
from everlog_server.rpc.decoding import decode_event
from everlog_server.settings import Settings
from everlog_server.storage import migrations
from everlog_server.storage.appends import (
    AppendConnection,
    AppendedRows,
    Checks,
    ConnectionLost,
    Fence,
    StatementFailed,
    Verdict,
)
from everlog_server.storage.database import Database
from everlog_server.storage.embedded import EmbeddedPostgres
from everlog_server.storage.reads import EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TENANT = 1
STORED_EVENTS = 60_000
AGGREGATES = 5_000
BATCHES = {1: 0.25, 30: 0.25, 1_000: 0.5}
"""Events of an append, and the share of the time that it is measured for."""
LARGEST = max(BATCHES)
NEEDLE = "aardvark"
"""A word, and a tier, of every 5,000th event: what a search has to find."""
WORDS = (
    "parcel",
    "gift",
    "urgent",
    "fragile",
    "return",
    "refund",
    "window",
    "garden",
    "lamp",
    "red",
)
TYPES = ("order.created", "order.paid", "order.packed", "order.shipped", "user.seen")


@dataclass(frozen=True)
class Variant:
    """One index: how it is dropped, or, if it is not there, made."""

    name: str
    change: str
    is_new: bool = False


def _drop_key(name: str) -> str:
    return f"ALTER TABLE everlog.events DROP CONSTRAINT {name}"


def _drop_index(name: str) -> str:
    return f"DROP INDEX everlog.{name}"


OPTIONAL = ("events_correlation_id_idx", "events_causation_id_idx", "events_user_id_idx")
VARIANTS = (
    Variant("primary key (position)", _drop_key("events_position_key")),
    Variant("unique aggregate, sequence", _drop_key("events_sequence_key")),
    Variant("unique event_id", _drop_key("events_event_id_key")),
    Variant("unique idempotency_key (partial)", _drop_index("events_idempotency_key_key")),
    Variant("event_type, position", _drop_index("events_event_type_idx")),
    Variant("correlation_id (partial)", _drop_index(OPTIONAL[0])),
    Variant("causation_id (partial)", _drop_index(OPTIONAL[1])),
    Variant("user_id (partial)", _drop_index(OPTIONAL[2])),
    Variant(
        "the last four together", "; ".join(map(_drop_index, ("events_event_type_idx", *OPTIONAL)))
    ),
    Variant(
        "GIN (data jsonb_path_ops)",
        "CREATE INDEX further_idx ON everlog.events USING gin (data jsonb_path_ops)",
        is_new=True,
    ),
    Variant(
        "GIN (tsvector of the words)",
        "CREATE INDEX further_idx ON everlog.events USING gin (to_tsvector('simple',"
        " everlog.search_text(event_type, aggregate_id, data, metadata)))",
        is_new=True,
    ),
)


State = tuple[Fence, dict[str, int]]


class Feed:
    """Makes batches that follow one another, as the sequencer does."""

    def __init__(self, *, with_ids: bool) -> None:
        self.fence = Fence(0, None, 0)
        self.with_ids = with_ids
        self._random = random.Random(7)
        self._last_sequences: dict[str, int] = {}
        (self._cause,) = new_event_ids(int(time.time() * 1_000_000), 1)
        self._numbers = itertools.count()

    def batch(self, size: int) -> tuple[Fence, AppendedRows]:
        """The next rows, and the state of the log that they need."""
        fence, rows = self.fence, AppendedRows(int(time.time() * 1_000_000))
        rows.event_ids = new_event_ids(rows.record_time, size)
        for _ in range(size):
            aggregate_id = f"o-{self._random.randrange(AGGREGATES)}"
            sequence = self._last_sequences.get(aggregate_id, 0) + 1
            self._last_sequences[aggregate_id] = sequence
            rows.events.append(self._event(aggregate_id))
            rows.sequences.append(sequence)
        rows.records, _ = frame_events(
            rows.events,
            rows.event_ids,
            rows.sequences,
            first_position=fence.head + 1,
            record_time=rows.record_time,
        )
        self.fence = Fence(fence.head + size, rows.event_ids[-1], 0)
        self._cause = rows.event_ids[0]
        return fence, rows

    def state(self) -> State:
        """Where the log is now."""
        return self.fence, dict(self._last_sequences)

    def go_back(self, state: State) -> None:
        """Goes on from an earlier state, with other events."""
        self.fence, self._last_sequences = state

    def _event(self, aggregate_id: str) -> NewEvent:
        number, choose = next(self._numbers), self._random
        rare = number % 5_000 == 0
        data = {
            "customer": {"id": f"c-{choose.randrange(20_000)}", "tier": NEEDLE if rare else "gold"},
            "total": {"amount": choose.randrange(100, 90_000), "currency": "EUR"},
            "lines": [
                {"sku": f"sku-{choose.randrange(9_000)}", "count": choose.randrange(1, 9)}
                for _ in range(2)
            ],
            "note": " ".join(choose.choices(WORDS, k=6)),
        }
        message = event_pb2.NewEvent(
            aggregate_type="order",
            aggregate_id=aggregate_id,
            event_type=choose.choice(TYPES),
            source="shop",
            json=json.dumps(data),
            actor=f"user:{choose.randrange(500)}",
            metadata={"region": "eu-west-1", "host": f"web-{choose.randrange(40)}"},
        )
        if self.with_ids:
            message.idempotency_key = f"shop/{choose.getrandbits(64):016x}"
            message.correlation_id = f"checkout-{choose.getrandbits(48):012x}"
            message.causation_id = str(uuid.UUID(bytes=self._cause))
            message.user_id = f"u-{choose.randrange(20_000)}"
        return decode_event(message)


async def append(connection: AppendConnection, fence: Fence, rows: AppendedRows) -> float:
    """Appends a batch, and returns the seconds from sending it to its durable commit."""
    done: asyncio.Future[Verdict | ConnectionLost | StatementFailed] = (
        asyncio.get_running_loop().create_future()
    )
    started = time.perf_counter()
    connection.append(fence, Checks(), rows, done.set_result)
    verdict = await done
    seconds = time.perf_counter() - started
    assert verdict is Verdict.APPENDED, verdict
    return seconds


class Cluster:
    """The databases: one filled for each kind of events, and clones of it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._dsn = postgres.dsn
        self._names = itertools.count()

    def url(self, name: str) -> str:
        return urlsplit(self._dsn)._replace(path=f"/{name}").geturl()

    def execute(self, statement: str, database: str = "postgres") -> str:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""

    async def connect(self, name: str) -> AppendConnection:
        return await Database(self.url(name), Settings().storage).connect_to_append(TENANT)

    @asynccontextmanager
    async def clone(self, template: str, change: str = "") -> AsyncIterator[str]:
        name = f"clone_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        if change:
            self.execute(change, name)
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def fill(self, name: str, feed: Feed) -> None:
        self.execute(f"CREATE DATABASE {name}")
        migrations.migrate(self.url(name))
        connection = await self.connect(name)
        while feed.fence.head < STORED_EVENTS:
            await append(connection, *feed.batch(1_000))
        connection.close("filled")
        self.execute("VACUUM (ANALYZE) everlog.events", name)


async def compare(
    cluster: Cluster, template: str, feed: Feed, variant: Variant, seconds: float
) -> tuple[dict[int, float], float]:
    """For each batch size, the time with the index over the time without; bytes an event."""
    start = feed.state()
    ratios: dict[int, list[float]] = {size: [] for size in BATCHES}
    totals = {True: 0.0, False: 0.0}
    async with cluster.clone(template) as plain, cluster.clone(template, variant.change) as changed:
        pair = [await cluster.connect(plain), await cluster.connect(changed)]
        for size, share in BATCHES.items():
            deadline = time.monotonic() + seconds * share
            for number in itertools.count():
                fence, rows = feed.batch(size)
                times = [0.0, 0.0]
                for place in (0, 1) if number % 2 else (1, 0):
                    times[place] = await append(pair[place], fence, rows)
                with_index, without = times[variant.is_new], times[not variant.is_new]
                if number >= 2:  # the first ones plan, and fill caches
                    ratios[size].append(with_index / without)
                    if size == LARGEST:
                        totals[True] += with_index
                        totals[False] += without
                if time.monotonic() > deadline and number >= 6:
                    break
        for connection in pair:
            connection.close("compared")
        grown = feed.fence.head
        sizes = [
            int(cluster.execute("SELECT pg_indexes_size('everlog.events')", name))
            for name in (plain, changed)
        ]
    feed.go_back(start)
    medians = {size: statistics.median(found) for size, found in ratios.items()}
    if variant.is_new:
        # A GIN index defers work: every some thousand events one append pays for all before it.
        medians[LARGEST] = totals[True] / totals[False]
    return medians, abs(sizes[0] - sizes[1]) / grown


async def search(cluster: Cluster, template: str) -> None:
    """The bounded scan beside an index, for a value that one event in 5,000 has."""
    print(f"\nFinding {STORED_EVENTS // 5_000} of {STORED_EVENTS:,} events")
    print("| filter | scan, ms | events examined/s | with the GIN index, ms |")
    print("|---|---|---|---|")
    contained = f'{{"customer": {{"tier": "{NEEDLE}"}}}}'
    text = "everlog.search_text(event_type, aggregate_id, data, metadata)"
    searches = (
        ("data_contains", EventFilter(data_contains=contained), f"data @> '{contained}'"),
        (
            "keyword",
            EventFilter(keywords=(NEEDLE,)),
            f"to_tsvector('simple', {text}) @@ to_tsquery('simple', '{NEEDLE}:*')",
        ),
    )
    for (name, event_filter, condition), variant in zip(searches, VARIANTS[-2:], strict=True):
        async with (
            cluster.clone(template) as plain,
            cluster.clone(template, f"{variant.change}; ANALYZE") as indexed,
        ):
            database = Database(cluster.url(plain), Settings().storage)
            await database.open()
            scans, lookups = [], []
            lookup = (
                "SELECT count(octet_length(record)) FROM everlog.events"
                f" WHERE tenant_id = {TENANT} AND {condition}"
            )
            with psycopg.connect(cluster.url(indexed), autocommit=True) as connection:
                for _ in range(5):
                    started = time.perf_counter()
                    found = 0
                    async for batch in EventReader(database).replay(
                        TENANT, event_filter, after=0, through=STORED_EVENTS
                    ):
                        found += batch.events
                    scans.append(time.perf_counter() - started)
                    started = time.perf_counter()
                    row = connection.execute(lookup.encode()).fetchone()
                    lookups.append(time.perf_counter() - started)
                    assert row == (found,) == (STORED_EVENTS // 5_000,), (row, found)
            await database.close()
        scan, by_index = statistics.median(scans), statistics.median(lookups)
        rate = STORED_EVENTS / scan
        print(f"| {name} | {scan * 1000:.0f} | {rate:,.0f} | {by_index * 1000:.1f} |", flush=True)


async def run(seconds: float) -> None:
    postgres = EmbeddedPostgres(ephemeral=True)
    postgres.start()
    try:
        cluster = Cluster(postgres)
        version = cluster.execute("SHOW server_version")
        print(
            f"PostgreSQL {version}; {STORED_EVENTS:,} events stored; time with / without the index"
        )
        feeds = {"with_ids": Feed(with_ids=True), "without_ids": Feed(with_ids=False)}
        for template, feed in feeds.items():
            await cluster.fill(template, feed)
        one = seconds / (len(VARIANTS) * len(feeds))
        sizes = " | ".join(f"{size:,}" for size in BATCHES)
        for template, feed in feeds.items():
            print(f"\nEvents {template.replace('_', ' ')} (keys, correlation, causation, user)")
            print(f"| index | {sizes} | bytes an event |")
            print("|---" * (len(BATCHES) + 2) + "|")
            for variant in VARIANTS:
                ratios, size = await compare(cluster, template, feed, variant, one)
                cells = " | ".join(f"{ratios[batch]:.2f}" for batch in BATCHES)
                sign = "+ " if variant.is_new else ""
                print(f"| {sign}{variant.name} | {cells} | {size:.0f} |", flush=True)
        await search(cluster, "with_ids")
    finally:
        postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=150, help="for the comparisons together")
    asyncio.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
