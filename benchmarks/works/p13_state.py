"""P13: GetState, with one call in flight.

Of 100 events, beside a Replay of the same 100, which a caller would have to fold himself; and of
100,000 events of one aggregate, merged, and added up by a reducer of three steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.bench import Bench, Work
from benchmarks.figures import Comparison, Finding, Reading, Run, Series
from benchmarks.loads.common import AGGREGATE_TYPE, EVENT_TYPE
from benchmarks.processes import Service, run_load
from benchmarks.sides.servers import check_stored, fresh_everlog
from everlog.v1 import catalog_pb2 as pb
from everlog.v1.catalog_pb2_grpc import CatalogServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW, MANY = 100, 100_000
CALLS_OF_FEW, CALLS_OF_MANY = 300, 3
PAYLOAD_BYTES = 48
MANY_LIMIT_MS = 1_000
REDUCED_TYPE = "reduced"

_Step = pb.ReducerStep


def register(address: str) -> None:
    """Sets the reducer: a constant, a value of the event, and a sum."""
    set_status = _Step(operation=_Step.OPERATION_SET, target="/status", constant='"open"')
    set_note = _Step(operation=_Step.OPERATION_SET, target="/note")
    add_order = _Step(operation=_Step.OPERATION_INCREMENT, target="/sum")
    setattr(set_note, "from", "/data/note")
    setattr(add_order, "from", "/data/order")
    steps = [set_status, set_note, add_order]
    definition = pb.AggregateTypeDefinition(
        name=REDUCED_TYPE, reductions=[pb.Reduction(event_types=[EVENT_TYPE], steps=steps)]
    )
    with grpc.insecure_channel(address) as channel:
        request = pb.SetAggregateTypeRequest(definition=definition)
        CatalogServiceStub(channel).SetAggregateType(request, timeout=10)


def run(bench: Bench) -> Iterator[Finding]:
    many = bench.sized(MANY, multiple_of=1_000)
    with fresh_everlog(bench.embedded) as (everlog, database):
        register(everlog.address)
        told: dict[str, Any] = {"payload_bytes": PAYLOAD_BYTES, "aggregate_id": "1"}
        merged = told | {"aggregate_type": AGGREGATE_TYPE, "events": many}
        reduced = told | {"aggregate_type": REDUCED_TYPE, "events": many}
        few = told | {"aggregate_type": AGGREGATE_TYPE, "aggregate_id": "few", "events": FEW}
        for one in (merged, reduced, few):
            bench.say("state: filling")
            run_load(everlog, "everlog_state", one | {"kind": "emit"}, expected=one["events"])
        check_stored(bench.embedded, database, 2 * many + FEW)
        bench.embedded.execute("VACUUM ANALYZE everlog.events", database)
        yield beside_replay(bench, everlog, few)
        yield from of_many(bench, everlog, merged, reduced)


def beside_replay(bench: Bench, everlog: Service, few: dict[str, Any]) -> Comparison:
    """What a state of few events costs, and what a replay of them does."""
    calls = bench.sized(CALLS_OF_FEW)
    label = f"GetState of {FEW}"
    states, replays = bench.alternate(
        label,
        ("GetState", lambda: measure(everlog, few, "state", calls)),
        ("Replay", lambda: measure(everlog, few, "replay", calls)),
    )
    side = Series("GetState", states, "p50_ms")
    peer = Series(f"Replay of {FEW}", replays, "p50_ms")
    # Any ratio meets the target: it is reported.
    return Comparison("P13", label, "ms (p50)", side, peer, 0.0)


def of_many(
    bench: Bench, everlog: Service, merged: dict[str, Any], reduced: dict[str, Any]
) -> Iterator[Reading]:
    """How long an aggregate of many events takes."""
    label = f"GetState of {merged['events']:,}"
    sides = bench.alternate(
        label,
        ("merged", lambda: measure(everlog, merged, "state", CALLS_OF_MANY)),
        ("reduced", lambda: measure(everlog, reduced, "state", CALLS_OF_MANY)),
    )
    for how, runs in zip(("merged", "by a reducer of 3 steps"), sides, strict=True):
        value = Series(how, runs, "p50_ms").median
        yield Reading("P13", f"{label}, {how}, p50", "ms", value, MANY_LIMIT_MS)


def measure(everlog: Service, aggregate: dict[str, Any], kind: str, calls: int) -> Run:
    """Some calls about an aggregate, one after the other."""
    told = aggregate | {"kind": kind, "calls": calls}
    return run_load(everlog, "everlog_state", told, expected=calls * aggregate["events"])


WORK = Work("P13", "the state of an aggregate", run)
