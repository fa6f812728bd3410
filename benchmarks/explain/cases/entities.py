"""entities.sql: the knowledge graph."""

from __future__ import annotations

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.filling import TENANT
from everlog_server.storage.pages import PAGE_BYTES_MAX

HOT = {"tenant_id": TENANT, "kind": "customer", "id": "c-0"}
EVENTS = HOT | {
    "this_id_only": False,
    "after": 0,
    "through": None,
    "limit": 100,
    "bytes_max": PAGE_BYTES_MAX,
    "ids_max": 1_000,
}
LISTED = {"tenant_id": TENANT, "limit": 101, "ids_max": 101} | dict.fromkeys(
    ("kind", "id_prefix", "after_kind", "after_id")
)

ENTITIES = SqlFile(
    "entities.sql",
    "Entities",
    (
        Case("state", "where the index is", {"tenant_id": TENANT}),
        Case("declarations", "what is declared", {"tenant_id": TENANT}),
        Case(
            "behind",
            "the tenants whose indexes have something to do, of 1,000",
            {"limit": 1_000},
        ),
        Case(
            "follow",
            "a window of 1,000 events",
            {"tenant_id": TENANT, "events_max": 1_000, "removed_rows_max": 5_000},
            "indexing",
        ),
        Case(
            "follow",
            "nothing to do",
            {"tenant_id": 2, "events_max": 1_000, "removed_rows_max": 5_000},
            "indexing",
        ),
        Case("link", "two ids", HOT | {"other_kind": "email", "other_id": "m-0"}),
        Case("same_entity", "an id with one other", HOT | {"ids_max": 1_000}),
        Case("same_entity", "an id with 2,001 others", HOT | {"id": "c-1", "ids_max": 1_000}),
        Case(
            "entities",
            "the first 100 of 100,000, with what each is linked to",
            LISTED,
            to_see="The ids' key from where the page begins; for each, its own links.",
        ),
        Case("entities", "100 in the middle", LISTED | {"after_kind": "email", "after_id": "m-3"}),
        Case(
            "entities",
            "100 of a kind, with a prefix",
            LISTED | {"kind": "email", "id_prefix": "m-77"},
        ),
        Case(
            "events_newest_first",
            "the last 100 of a customer with 26,000",
            EVENTS,
            to_see="Of each of its ids the last 101 mentions by their key; then 101 events by"
            " theirs.",
        ),
        Case("events_oldest_first", "the first 100 of it", EVENTS),
        Case("events_newest_first", "the last 100 of one with 2,001 ids", EVENTS | {"id": "c-1"}),
    ),
    {"declare": "changes a few rows by their keys, by hand"},
)
