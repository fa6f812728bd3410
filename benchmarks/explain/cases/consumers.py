"""consumers.sql: what consumers' members read and write."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.keys import CONSUMER, KEY
from benchmarks.explain.filling import HEAD, TENANT, event_id, other_id

ALL_SLOTS = {"slots": [*range(64)]}
SMALL = {"tenant_id": TENANT, "consumer_id": other_id("consumer", 500)}


LEASE_MS = 86_400_000
"""A day: as those of the members that there are, so that all live and none is cut."""


def _beat(consumer: int, members: int) -> dict[str, Any]:
    return {
        "tenant_id": TENANT,
        "consumer_id": other_id("consumer", consumer),
        "process_id": other_id("process", 0),
        "lease_ms": LEASE_MS,
        "member_ids": [other_id("member", consumer * 100 + n) for n in range(members)],
        "names": ["member"] * members,
        "leaving": [False] * members,
        "in_flight": json.dumps([[HEAD - n for n in range(8)]] * members),
    }


# What a member of all 64 slots has to store after 64 answers, of which some failed.
STORED = CONSUMER | {
    "number": 7,
    "slots": [*range(64)],
    "epochs": [1] * 64,
    "checkpoints": [990_200] * 64,
    "finished": ["{990300,990301,990302}"] * 64,
    "events": json.dumps(
        [
            {
                "position": position,
                "slot": 1,
                "event_id": str(event_id(position)),
                **KEY._asdict(),
                "state": "retrying",
                "attempts": 1,
                "is_replayed": False,
                "next_attempt_time": 1,
                "last_error": "it did not answer",
                "failed": [],
                "parked_time": None,
            }
            for position in range(990_001, 990_021)
        ]
    ),
    "gone_slots": [0] * 20,
    "gone_positions": [6 * n for n in range(1, 21)],
    "lanes": json.dumps([{**KEY._asdict(), "slot": 1, "position": 990_001}]),
    "instructions": [other_id("instruction", n) for n in range(1, 11)],
}

CONSUMERS = SqlFile(
    "consumers.sql",
    "Consumers, as their members use them",
    (
        Case("now", "the time"),
        Case("find", "one of 1,000", {"tenant_id": TENANT, "name": "consumer-0777"}),
        Case("find_by_id", "one of 1,000", CONSUMER),
        Case(
            "status",
            "of one with 160,000 events in a state of their own",
            CONSUMER,
        ),
        Case("status", "of one with 40", SMALL),
        Case(
            "standing",
            "of the large one, as the figures of metrics",
            CONSUMER | {"counted_max": 10_000},
        ),
        Case("members", "64", CONSUMER | {"limit": 1_000}),
        Case(
            "join",
            "of a consumer with 64",
            CONSUMER
            | {"member_id": other_id("new", 1), "name": "new", "process_id": other_id("new", 2)}
            | {"lease_ms": LEASE_MS, "members_max": 1_000},
            "consumers",
        ),
        Case("leave", "one", CONSUMER | {"member_ids": [other_id("member", 100)]}, "consumers"),
        Case("release", "one slot", CONSUMER | {"slots": [5], "epochs": [1]}, "consumers"),
        Case("beat", "of one of 64 members, with 5,000 instructions", _beat(1, 1), "consumers"),
        Case("beat", "of all 64 members, with 5,000 instructions", _beat(1, 64), "consumers"),
        Case("beat", "of one of two members of a small consumer", _beat(500, 1), "consumers"),
        Case("store", "64 slots, 20 events, 20 gone, 10 instructions", STORED, "consumers"),
        Case(
            "store",
            "one slot of a small consumer",
            SMALL
            | {"number": 7, "slots": [5], "epochs": [1], "checkpoints": [990_200]}
            | {"finished": ["{990300}"], "events": "[]", "gone_slots": [], "gone_positions": []}
            | {"lanes": "[]", "instructions": []},
            "consumers",
        ),
        Case("slots", "64", CONSUMER | ALL_SLOTS, "consumers"),
        Case("lanes", "of all 64 slots: 8,000", CONSUMER | ALL_SLOTS, "consumers"),
        Case("lanes", "of one slot", CONSUMER | {"slots": [5]}, "consumers"),
        Case(
            "held",
            "of one slot",
            CONSUMER | {"slots": [5], "now": 0},
            "consumers",
            to_see="The partial index of what is not parked.",
        ),
        Case("held", "of all 64 slots: 22,400", CONSUMER | ALL_SLOTS | {"now": 0}, "consumers"),
        Case(
            "ahead",
            "of one slot",
            CONSUMER | {"slots": [5], "after": 900_000},
            "consumers",
            to_see="By state and position: those of other slots are passed over.",
        ),
        Case(
            "replaying",
            "the next 100 of each slot",
            CONSUMER | ALL_SLOTS | {"due": 4_000_000_000_000_000, "limit": 100},
            to_see="Of each slot the first ones that are due, by the partial index of replays.",
        ),
        Case("replaying", "none is due", CONSUMER | ALL_SLOTS | {"due": 0, "limit": 100}),
        Case(
            "own_rows",
            "of the aggregate with the most events",
            CONSUMER | KEY._asdict() | {"after": 500_000, "through": 600_000},
        ),
        Case(
            "records",
            "100 events by their positions",
            {"tenant_id": TENANT, "positions": [n * 1_000 for n in range(1, 101)]}
            | {"bytes_max": 4 * 1024 * 1024},
        ),
    ),
    {"create": "inserts 65 rows, once a consumer"},
)
