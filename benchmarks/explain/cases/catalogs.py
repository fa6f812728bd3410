"""catalogs.sql: event types and aggregate types."""

from __future__ import annotations

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.filling import TENANT

CATALOGS = SqlFile(
    "catalogs.sql",
    "Catalogues",
    (
        Case("state", "whether it has changed", {"tenant_id": TENANT}, "changes"),
        Case(
            "event_types_since",
            "what has changed since a revision, of 2,000 types",
            {"tenant_id": TENANT, "revision": 5_950, "limit": 5_000},
            "changes",
        ),
        Case(
            "event_types_since",
            "all 2,000, as a server begins",
            {"tenant_id": TENANT, "revision": 0, "limit": 5_000},
            "changes",
        ),
        Case(
            "event_type_version",
            "one version",
            {"tenant_id": TENANT, "name": "type.number77", "version": 2},
            "changes",
        ),
        Case(
            "aggregate_type",
            "the last version",
            {"tenant_id": TENANT, "name": "aggregate-77"},
            "changes",
        ),
        Case(
            "aggregate_types_named",
            "the last versions of 20",
            {"tenant_id": TENANT, "names": [f"aggregate-{n}" for n in range(20)]},
            "changes",
        ),
        Case(
            "aggregate_types_after",
            "100 of 500 with 20 versions each",
            {"tenant_id": TENANT, "after": "", "limit": 100, "bytes_max": 1024 * 1024},
            "changes",
        ),
        Case("aggregate_type_count", "500", {"tenant_id": TENANT, "limit": 1_000}, "changes"),
    ),
    {"change": "changes rows by their keys, by hand"},
)
