"""aggregates.sql: which aggregates there are, and how much has happened."""

from __future__ import annotations

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.keys import EVENT_TYPE, page
from benchmarks.explain.filling import HEAD, TENANT
from everlog_server.model import EventFilter

ALL_NAMES = {"low_type": "", "low_id": "", "high_type": None, "high_id": None}
SHIPMENTS = {
    "low_type": "shipment",
    "low_id": "shipment-1",
    "high_type": "shipment",
    "high_id": "shipment-2",
}
LISTED = {"tenant_id": TENANT, "head": HEAD, "limit": 100}
WINDOW = {"after": HEAD - 20_000, "through": HEAD}
EVERYTHING = page(EventFilter(), **WINDOW)
OF_TYPE = page(EventFilter(event_types=(EVENT_TYPE,)), **WINDOW)

AGGREGATES = SqlFile(
    "aggregates.sql",
    "Aggregates, and counts",
    (
        Case(
            "aggregates_by_name",
            "the first 100 of 50,000",
            LISTED | ALL_NAMES,
            to_see="From each name to the next by the aggregates' key, however many events each"
            " has.",
        ),
        Case("aggregates_by_name", "100 of a type, with a prefix", LISTED | SHIPMENTS),
        Case(
            "aggregates_by_activity",
            "100 by their last event, of a window of 20,000",
            LISTED | ALL_NAMES | WINDOW,
            to_see="The primary key from the head backwards; for each event one probe whether there"
            " is a next one of its aggregate. It ends with the hundredth.",
        ),
        Case(
            "aggregates_by_activity", "the same, of a type and prefix", LISTED | SHIPMENTS | WINDOW
        ),
        Case("counts_by_event_type", "20,000 events", EVERYTHING),
        Case(
            "counts_by_event_type",
            "20,000 events, of which one type counts",
            OF_TYPE,
            to_see="The index of types over exactly the window, or the window itself: never a"
            " type's whole past.",
        ),
        Case("counts_by_day", "20,000 events", EVERYTHING),
        Case("counts_by_aggregate_type", "20,000 events", EVERYTHING),
        Case("counts_by_actor", "20,000 events", EVERYTHING),
        Case(
            "counts_of_all_types",
            "1,000,000 events",
            {"tenant_id": TENANT, "after": 0, "through": HEAD, "limit": 1001},
        ),
        Case(
            "counts_of_all_days",
            "1,000,000 events of 90 days",
            {"tenant_id": TENANT, "after": 0, "through": HEAD, "limit": 1001},
        ),
        Case("activity", "three stretches", {"tenant_id": TENANT, "spans": [60, 3600, 86400]}),
        Case(
            "newest",
            "what the last 20,000 are about",
            {"tenant_id": TENANT, "limit": 20} | WINDOW,
        ),
    ),
    fragments_of="reads.sql",
)
