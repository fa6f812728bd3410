"""tenants.sql and tokens.sql: who may do what, where."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.explain.case import Case, SqlFile

NAMES = [f"token-{n:05}" for n in range(1, 101)]
_BY_HAND = "rows by their keys, by hand"

TENANTS = SqlFile(
    "tenants.sql",
    "Tenants",
    (
        Case("tenant_id", "one of 1,000", {"name": "tenant-0777"}),
        Case("changes", "whether a name has changed its meaning"),
        Case("tenants", "one of 1,000", {"name": "tenant-0777", "after": None, "limit": 1}),
        Case("tenants", "100 of 1,000", {"name": None, "after": "tenant-0777", "limit": 100}),
    ),
    {
        **dict.fromkeys(("create", "rename", "freeze", "begin_drop"), _BY_HAND),
        "drop_piece": "deletes by pieces what a tenant has, by hand",
        "first_position": "between pieces, the first entry of the primary key",
    },
)

TOKENS = SqlFile(
    "tokens.sql",
    "Tokens",
    (
        Case(
            "by_prefix",
            "one of 10,000: what a server does with a token that it has not seen",
            {"prefix": "evl_c4ca4238"},
            "changes",
        ),
        Case("by_names", "100", {"names": NAMES}, "changes"),
        Case("after", "100 of 10,000", {"after": "token-05000", "limit": 100}, "changes"),
        Case("version", "whether any has changed", {}, "changes"),
        Case("tenant_ids", "of two names", {"names": ["default", "tenant-0777"]}, "changes"),
        Case("revoke", "one", {"name": NAMES[0], "revoked_time": datetime.now(UTC)}, "changes"),
        Case(
            "note_used",
            "100 at once",
            {"names": NAMES, "used_times": [datetime(2026, 1, 1, tzinfo=UTC)] * 100},
            "changes",
        ),
    ),
    {"create": "inserts one row, by hand"},
)
