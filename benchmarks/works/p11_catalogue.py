"""P11: Emit judged by a strict catalogue, beside the same Emit where nothing is registered.

The event type has a schema, a kind of aggregate and a pattern for its ids; so each event is looked
up, its id matched and its data judged. Unary, 64 in flight, and requests of 1,000 events.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.bench import PAYLOADS, Bench, Work, size_name
from benchmarks.figures import Comparison, Run, Series
from benchmarks.loads.common import AGGREGATE_TYPE, EVENT_TYPE
from benchmarks.processes import Service, run_load
from benchmarks.sides.servers import check_stored, fresh_everlog
from everlog.v1 import catalog_pb2 as pb
from everlog.v1.catalog_pb2_grpc import CatalogServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = 0.85
IN_FLIGHT = 64
UNARY_EVENTS = 5_000
BULK_EVENTS = {48: 60_000, 1024: 20_000}
BATCH_EVENTS = 1_000

SCHEMA = {
    "type": "object",
    "properties": {
        "order": {"type": "integer", "minimum": 0},
        "note": {"type": "string", "maxLength": 2_000},
        "total": {"type": "number", "minimum": 0},
        "currency": {"enum": ["EUR", "USD", "GBP"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["order", "note"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "required": ["sku", "quantity"]}},
}


def register(address: str) -> None:
    """Makes the catalogue strict, with the loads' event type and some more."""
    definitions = [
        pb.EventTypeDefinition(
            name=name,
            json_schema=json.dumps(SCHEMA),
            aggregate_type=AGGREGATE_TYPE,
            aggregate_id_pattern="[a-z0-9-]{1,64}",
        )
        for name in (EVENT_TYPE, *(f"order.type_{number}" for number in range(20)))
    ]
    with grpc.insecure_channel(address) as channel:
        stub = CatalogServiceStub(channel)
        stub.ImportCatalog(pb.ImportCatalogRequest(event_types=definitions), timeout=10)
        strict = pb.SetCatalogPolicyRequest(policy=pb.CATALOG_POLICY_STRICT)
        stub.SetCatalogPolicy(strict, timeout=10)


def run(bench: Bench) -> Iterator[Comparison]:
    for payload_bytes in PAYLOADS:
        count = bench.sized(UNARY_EVENTS)
        told: dict[str, Any] = {"count": count, "in_flight": IN_FLIGHT}
        label = f"unary Emit, {IN_FLIGHT} in flight, {size_name(payload_bytes)}, strict"
        yield compare(bench, "everlog_unary", told | {"payload_bytes": payload_bytes}, label)
    for payload_bytes in PAYLOADS:
        count = bench.sized(BULK_EVENTS[payload_bytes], multiple_of=BATCH_EVENTS)
        told = {"count": count, "batch_events": BATCH_EVENTS, "streams": 4, "in_flight": 4}
        label = f"requests of {BATCH_EVENTS:,} events, {size_name(payload_bytes)}, strict"
        yield compare(bench, "everlog_bulk", told | {"payload_bytes": payload_bytes}, label)


def compare(bench: Bench, load: str, told: dict[str, Any], label: str) -> Comparison:
    """One load against a strict server and against an open one."""
    count = told["count"]

    def emit(service: Service) -> Run:
        return run_load(service, load, told, expected=count)

    with (
        fresh_everlog(bench.embedded) as (strict, database),
        fresh_everlog(bench.embedded) as (is_open, _),
    ):
        register(strict.address)
        judged, free = bench.alternate(
            label, ("strict", lambda: emit(strict)), ("open", lambda: emit(is_open))
        )
        check_stored(bench.embedded, database, count * len(judged))
    peer = Series("nothing registered", free)
    return Comparison("P11", label, "events/s", Series("strict", judged), peer, TARGET)


WORK = Work("P11", "Emit judged by a catalogue", run)
