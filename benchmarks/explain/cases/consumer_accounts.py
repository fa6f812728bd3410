"""consumer_accounts.sql: consumers as they are asked about, and what is decided by hand."""

from __future__ import annotations

from typing import Any

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.consumers import LEASE_MS
from benchmarks.explain.cases.keys import CONSUMER, EVENT_TYPE, KEY, page
from benchmarks.explain.filling import HEAD, TENANT, event_id, other_id
from everlog_server.model import EventFilter

ACCOUNT: dict[str, Any] = {
    "tenant_id": TENANT,
    "position": 600_000,
    "slot_of_aggregate": 5,
    "slot_of_position": 7,
    **KEY._asdict(),
}
PARKED = CONSUMER | {"window": 2_000}
OF_TYPE = EventFilter(event_types=(EVENT_TYPE,))
RARE = EventFilter(actor="nobody")
POSITIONS = [n * 600 for n in range(1, 101)]
"""Of parked ones, of the large consumer."""
DECIDED = CONSUMER | {
    "is_ordered": True,
    "slot": 5,
    "position": 600_000,
    "event_id": event_id(600_000).bytes,
    **KEY._asdict(),
    "action": "park",
    "reason": "by hand",
    "instruction_id": other_id("new instruction", 1),
    "again": False,
    "lease_ms": LEASE_MS,
}

CONSUMER_ACCOUNTS = SqlFile(
    "consumer_accounts.sql",
    "Consumers, from outside",
    (
        Case(
            "consumers",
            "100 of 1,000, with what each is in",
            {"tenant_id": TENANT, "after": "consumer-0100", "limit": 100, "members_max": 1_000},
            to_see="The names' key from where the page begins; for each of the 100 its own rows,"
            " and no row of any other.",
        ),
        Case(
            "consumers",
            "the first page: one of them has 160,000 events",
            {"tenant_id": TENANT, "after": "", "limit": 100, "members_max": 1_000},
        ),
        Case("event_of_id", "one event", {"tenant_id": TENANT, "event_id": event_id(5_000).bytes}),
        Case(
            "positions_of_ids",
            "of 100 events",
            {"tenant_id": TENANT, "event_ids": [event_id(n) for n in POSITIONS]},
        ),
        Case(
            "judged_by_filters",
            "an event by 100 filters",
            {
                "tenant_id": TENANT,
                "position": 600_000,
                "metadatas": ['{"region": 1}'] * 100,
                "contained": [None] * 100,
                "keywords": ['["lamp"]'] * 100,
            },
        ),
        Case(
            "accounts",
            "what 100 of 1,000 consumers know of an event",
            ACCOUNT | {"name": None, "limit": 100},
            to_see="The names' key; for each consumer probes of the keys of its slots, lanes and"
            " events.",
        ),
        Case("accounts", "what one knows", ACCOUNT | {"name": "consumer-0001", "limit": 1}),
        Case("slots", "64", CONSUMER),
        Case("in_flight", "of 64 members", CONSUMER),
        Case(
            "single_rows",
            "the next 100 that wait for an attempt",
            CONSUMER | {"states": ["retrying", "replaying"], "after": 500_000, "limit": 100},
        ),
        Case(
            "lanes",
            "100 in the middle of 8,000",
            CONSUMER | {"after": 500_000, "limit": 100} | KEY._asdict(),
            to_see="In the order that is asked for.",
        ),
        Case(
            "lanes_of",
            "of 100 aggregates",
            CONSUMER
            | {"aggregate_types": ["order"] * 100}
            | {"aggregate_ids": [f"order-{n * 5}" for n in range(100)]},
        ),
        Case("rows_at", "100 events", CONSUMER | {"positions": POSITIONS}),
        Case(
            "parked",
            "the first 100 of 128,000",
            page(EventFilter(), through=HEAD) | PARKED,
            to_see="The first 2,000 of each state by the index of states; then a hundred events by"
            " their key.",
        ),
        Case("parked", "those of a type, in the middle", page(OF_TYPE, after=500_000) | PARKED),
        Case("parked", "an actor that none has", page(RARE, after=500_000) | PARKED),
        Case("parked_positions", "those of a type", page(OF_TYPE, after=500_000) | PARKED),
        Case("parked_event", "one", CONSUMER | {"position": 600}),
        Case("decide", "of a slot that a member has", DECIDED, "consumers"),
        Case(
            "move",
            "100 parked events",
            CONSUMER
            | {"is_ordered": True, "positions": POSITIONS, "action": "ack"}
            | {"all_or_nothing": False},
            "consumers",
        ),
        Case(
            "instructions_left",
            "of 100, among 5,000",
            CONSUMER | {"instruction_ids": [other_id("instruction", n) for n in range(100)]},
        ),
    ),
    {
        "update": "one row by its key, by hand",
        "reset": "changes all rows of a consumer, by hand",
        "delete": "deletes all rows of a consumer, by hand",
    },
    fragments_of="reads.sql",
)
