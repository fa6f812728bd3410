"""projections.sql: what was applied, where each is, what failed."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.keys import page
from benchmarks.explain.filling import TENANT, event_id
from everlog_server.model import EventFilter
from everlog_server.storage.pages import PAGE_BYTES_MAX

LARGE = {"tenant_id": TENANT, "name": "projection-001"}
SMALL = {"tenant_id": TENANT, "name": "projection-002"}
FAILURES = LARGE | {"after_is_live": False, "limit": 100, "bytes_max": PAGE_BYTES_MAX}


def _window(projection: dict[str, Any]) -> dict[str, Any]:
    return projection | {
        "epoch": 1,
        "is_rebuild": False,
        "until": None,
        "events_max": 1_000,
        "positions_max": 1_000,
        "lease_seconds": 30.0,
        "kept_positions": 100_000,
    }


_BY_HAND = "by hand, or once a build"

PROJECTIONS = SqlFile(
    "projections.sql",
    "Projections",
    (
        Case("projections", "one", SMALL | {"after": None, "limit": 1}),
        Case(
            "projections",
            "all 100, one of which has 50,000 parked events",
            {"tenant_id": TENANT, "name": None, "after": "", "limit": 100},
        ),
        Case(
            "failures",
            "the first 100 of 50,500",
            FAILURES | {"after": -1},
            to_see="Of each of the two builds the first hundred by their key, then the events of"
            " the hundred that are shown.",
        ),
        Case("failures", "100 in the middle", FAILURES | {"after": 500_004}),
        Case(
            "waited_for",
            "what 100 projections wait for",
            {"tenant_id": TENANT, "names": [f"projection-{n:03}" for n in range(1, 101)]}
            | {"bytes_max": 4 * PAGE_BYTES_MAX},
        ),
        Case("failure_of_event", "one", LARGE | {"event_id": event_id(19_000).bytes}),
        Case("parked", "100 in the middle", LARGE | {"after": 500_000, "limit": 100}),
        Case("parked_count", "of those behind", LARGE | {"after": 500_000, "limit": 10_000}),
        Case(
            "values",
            "300 places in 100 events",
            {
                "tenant_id": TENANT,
                "places": json.dumps(
                    [
                        {"position": n * 1_000, "source": "data", "path": ["amount"], "number": n}
                        for n in range(1, 101)
                        for _ in range(3)
                    ]
                ),
                "characters_max": 100,
            },
        ),
        Case(
            "event_meant",
            "one event",
            page(EventFilter(actor="nobody")) | {"event_id": event_id(5_000).bytes},
        ),
        Case("trace_of_event", "one", LARGE | {"position": 950_000, "statements": 1}),
        Case(
            "look",
            "since ever, of 1,000 logs and 100 projections: a projector's first look, and after a"
            " failover",
            # A mark that is to come is no mark of this PostgreSQL.
            {"projector": "somebody", "since": 2_000_000_000},
        ),
        Case(
            "look_at",
            "100 that have changed",
            {"tenant_ids": [TENANT] * 100}
            | {"names": [f"projection-{n:03}" for n in range(1, 101)]},
        ),
        Case(
            "look_on",
            "the next of 100: once a second",
            {"projector": "somebody", "after_tenant": 0, "after_name": "", "limit": 200},
        ),
        Case("leftovers", "schemas to be dropped", {"limit": 10}, "projecting"),
        Case("schema_exists", "one", {"schema": "projection_001"}),
        Case("unknown_roles", "ten names", {"names": [f"role_{n}" for n in range(10)]}),
        Case(
            "project",
            "a window of 1,000 events, of one with 50,000 parked ones",
            _window(LARGE),
            "projecting",
        ),
        Case("project", "a window of 1,000 events", _window(SMALL), "projecting"),
        Case(
            "note_failure",
            "of one with 50,000 parked ones",
            LARGE
            | {"epoch": 1, "is_rebuild": False, "position": 999_001, "handler": 0, "statement": 0}
            | {"sqlstate": "23505", "message": "duplicate key", "detail": "", "random": 0.5},
            "changes",
        ),
        Case(
            "renew",
            "all that a projector holds, and the pace of 100",
            {
                "projector": "somebody",
                "tenant_ids": [TENANT] * 100,
                "names": [f"projection-{n:03}" for n in range(1, 101)],
                "epochs": [1] * 100,
                "rates": [1.0] * 100,
                "lease_seconds": 30.0,
            },
            "changes",
        ),
        Case(
            "claim",
            "none is free",
            {"projector": "me", "limit": 200, "lease_seconds": 30.0},
            "changes",
        ),
        Case("release", "100 leases", {"projector": "somebody"}, "changes"),
        Case("retry", "what is waited for", LARGE | {"position": None}, "changes"),
        Case("skip", "a parked one", LARGE | {"position": 19_000}, "changes"),
    ),
    {
        "types": "reads catalogues of PostgreSQL by their ids",
        "project_parked": "a window of one event: as `project`",
        **dict.fromkeys(
            (
                *("pause", "switch", "create_schema", "define_function", "make_tables", "seal"),
                *("grant", "create", "update", "number_rebuild", "begin_rebuild"),
                *("cancel_rebuild", "drop_schema", "delete"),
            ),
            _BY_HAND,
        ),
    },
    fragments_of="reads.sql",
)
