"""P8: memory of the server, PostgreSQL not counted: idle, with subscribers, with a slow reader.

*Idle subscribers*: 1,000, on one connection, that have caught up; then one event, which each must
get. *Slow reader*: a replay of 1,000,000 events that takes a message now and then, and the rest at
the end; memory is sampled all the while, and must not grow. *Soak*: 100,000 events through 20
subscribers, slow and reconnecting ones among them, each of which must get every event in order;
`python -m benchmarks.soak` is the same with 2,000,000.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Work
from benchmarks.figures import Reading
from benchmarks.processes import Load, Service, check_count, resident_bytes, run_load
from benchmarks.sides.servers import check_stored, fresh_everlog
from benchmarks.soak import GROWTH_MB, LIMIT_MB, soak
from benchmarks.soak import SUBSCRIBERS as SUBSCRIBERS_OF_SOAK

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSCRIBERS = 1_000
EVENTS = 1_000_000
LOAD_AT_ONCE = 250_000
SLOW_SECONDS = 20
SAMPLE_SECONDS = 0.5
SOAK_EVENTS = 100_000
PAYLOAD_BYTES = 48


def run(bench: Bench) -> Iterator[Reading]:
    with fresh_everlog(bench.embedded) as (everlog, database):
        yield Reading("P8", "memory when idle", "MB", resident_mb(everlog), LIMIT_MB)
        subscribers = bench.sized(SUBSCRIBERS)
        bench.say(f"{subscribers} idle subscribers")
        memory = with_subscribers(everlog, subscribers)
        yield Reading("P8", f"memory with {subscribers:,} subscribers", "MB", memory, LIMIT_MB)
        count = fill(bench, everlog)
        check_stored(bench.embedded, database, count + 1)
        before = resident_mb(everlog)
        bench.say(f"slow replay of {count:,}")
        samples = with_slow_reader(everlog, count + 1)
        yield Reading("P8", "memory with a slow reader", "MB", max(samples), LIMIT_MB)
        # From when the buffers are full: growth is what comes after.
        growth = max(samples[len(samples) // 4 :]) - samples[len(samples) // 4]
        yield Reading("P8", f"growth in {SLOW_SECONDS} s of slowness", "MB", growth, GROWTH_MB)
        yield Reading("P8", "memory before the slow reader", "MB", before, LIMIT_MB)
    yield from soaked(bench)


def soaked(bench: Bench) -> Iterator[Reading]:
    events = bench.sized(SOAK_EVENTS, multiple_of=100)
    bench.say(f"soak: {events:,} events through {SUBSCRIBERS_OF_SOAK} subscribers")
    with fresh_everlog(bench.embedded) as (everlog, database):
        found = soak(everlog, events)
        check_stored(bench.embedded, database, events)
    label = f"soak, {events:,} events to {SUBSCRIBERS_OF_SOAK}"
    yield Reading("P8", f"{label}: memory", "MB", found.mb_max, LIMIT_MB)
    # It is over before the buffers of the slow are full: of growth, only the whole soak tells.
    yield Reading("P8", f"{label}: growth, filling included", "MB", found.growth_mb, None)


def resident_mb(service: Service) -> float:
    assert service.pid is not None
    return resident_bytes(service.pid) / 1e6


def with_subscribers(everlog: Service, subscribers: int) -> float:
    told = {"address": everlog.address, "subscribers": subscribers, "count": 1, "sampled": 1}
    writing = {"count": 1, "rate": 1, "payload_bytes": PAYLOAD_BYTES}
    with Load("everlog_subscribe", told) as load:
        load.go()
        time.sleep(SAMPLE_SECONDS)
        memory = resident_mb(everlog)
        run_load(everlog, "everlog_write", writing, expected=1)
        check_count("deliveries", int(load.result()["count"]), subscribers)
    return memory


def fill(bench: Bench, everlog: Service) -> int:
    count = bench.sized(EVENTS, multiple_of=1_000)
    for start in range(0, count, LOAD_AT_ONCE):
        bench.say(f"loading {count:,} events: {start:,}")
        part = min(LOAD_AT_ONCE, count - start)
        told = {"count": part, "batch_events": 1_000, "streams": 4, "in_flight": 4}
        run_load(everlog, "everlog_bulk", {**told, "payload_bytes": PAYLOAD_BYTES}, expected=part)
    return count


def with_slow_reader(everlog: Service, count: int) -> list[float]:
    told = {"address": everlog.address, "slow_seconds": SLOW_SECONDS}
    samples = []
    with Load("everlog_slow_replay", told) as load:
        load.go()
        for _ in range(round(SLOW_SECONDS / SAMPLE_SECONDS)):
            time.sleep(SAMPLE_SECONDS)
            samples.append(resident_mb(everlog))
        check_count("replayed", int(load.result()["count"]), count)
    return samples


WORK = Work("P8", "memory", run)
