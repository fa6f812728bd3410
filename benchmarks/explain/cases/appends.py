"""appends.sql: the look-ups of those who write."""

from __future__ import annotations

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.filling import HEAD, TENANT, event_id

APPENDS = SqlFile(
    "appends.sql",
    "Look-ups of the appends",
    (
        Case("lock_head", "the lock that orders writers", [TENANT], "append"),
        Case(
            "known_by_key",
            "1,000 idempotency keys",
            [TENANT, [f"no-such-{n}" for n in range(1000)]],
            "append",
        ),
        Case(
            "known_by_id",
            "1,000 event ids",
            [TENANT, [str(event_id(n * 1000)) for n in range(1, 1001)]],
            "append",
        ),
        Case(
            "last_sequences",
            "1,000 aggregates",
            [TENANT, ["order"] * 1000, [f"order-{n * 5}" for n in range(1000)]],
            "append",
            to_see="One backward probe of the aggregate's key for each.",
        ),
        Case("stored_at", "1,000 positions", [TENANT, HEAD - 999, HEAD], "append"),
        Case(
            "appended_since",
            "what others appended after a remembered head",
            [TENANT, HEAD - 1000, str(event_id(HEAD - 1000)), 5000],
            "append",
        ),
    ),
    {
        "append": "a function, whose statements are look-ups such as these and an `INSERT`:"
        " benchmarks/index_cost.py",
        "raise_epoch": "one row by its key, when a connection was lost",
        "begin": "plans nothing",
        "commit": "plans nothing",
        "rollback": "plans nothing",
        "discard_plans": "plans nothing",
    },
)
