"""narratives.sql: outcomes, narratives, and the graph that events make."""

from __future__ import annotations

from typing import Any

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.keys import KEY
from benchmarks.explain.filling import (
    HOT_CAUSE,
    HOT_OUTCOMES,
    HOT_RELATED,
    TENANT,
    event_id,
)

# Positions that end on 02 of fifty have an outcome, on 13 of a hundred a narrative: see fill.sql.
WITH_OUTCOME, WITH_NARRATIVE = 500_002, 500_013
HUNDRED = [event_id(WITH_OUTCOME + 50 * n) for n in range(100)]


def _trace(position: int, **asked: Any) -> dict[str, Any]:
    return {
        "tenant_id": TENANT,
        "event_id": event_id(position).bytes,
        "backwards": True,
        "forwards": True,
        "causation": True,
        "correlation": True,
        "related": True,
        "max_depth": 10,
        "events_max": 1_000,
        "edges_max": 20_000,
        "records_bytes_max": 3 * 1024 * 1024,
        "bytes_max": 4 * 1024 * 1024,
        "node_bytes": 42,
        "edge_bytes": 80,
    } | asked


def _of(position: int, **asked: Any) -> dict[str, Any]:
    return {"tenant_id": TENANT, "event_id": event_id(position).bytes} | asked


BY_KEY = {"tenant_id": TENANT, "idempotency_key": "key-500002"}

NARRATIVES = SqlFile(
    "narratives.sql",
    "Outcomes, narratives and the graph",
    (
        Case(
            "event_by_id_with_outcome",
            "one event",
            _of(WITH_OUTCOME),
            to_see="Two probes: of the event's key, and of the key of the aggregate that its"
            " outcomes are.",
        ),
        Case("event_by_id_with_outcome", "one that has 5,000 outcomes", _of(HOT_OUTCOMES)),
        Case(
            "event_at_position_with_outcome",
            "one event",
            {"tenant_id": TENANT, "position": WITH_OUTCOME},
        ),
        Case(
            "event_at_sequence_with_outcome",
            "one event",
            {"tenant_id": TENANT, "sequence": 5} | KEY._asdict(),
        ),
        Case("event_by_key_with_outcome", "one event", BY_KEY),
        Case("has_event", "one event", _of(WITH_OUTCOME)),
        Case(
            "latest_outcomes",
            "of 100 events",
            {"tenant_id": TENANT, "event_ids": HUNDRED, "bytes_max": 1024 * 1024},
        ),
        Case("records_of_ids", "of 100 events", {"tenant_id": TENANT, "event_ids": HUNDRED}),
        Case(
            "outcomes_page",
            "the last 100 of 5,000",
            _of(HOT_OUTCOMES, before=2**63 - 1, limit=101, bytes_max=1024 * 1024),
        ),
        Case("last_narrative", "of one event", _of(WITH_NARRATIVE)),
        Case("last_narrative", "of an event that has none", _of(WITH_NARRATIVE + 1)),
        Case("narrative_at", "of one event", _of(WITH_NARRATIVE, version=1)),
        Case(
            "narrative_summaries",
            "of 100 events",
            {
                "tenant_id": TENANT,
                "event_ids": [event_id(WITH_NARRATIVE + 100 * n) for n in range(100)],
                "characters_max": 200,
            },
        ),
        Case(
            "trace",
            "one step around an event",
            _trace(WITH_OUTCOME, max_depth=1),
        ),
        Case("trace", "1,000 events around one", _trace(WITH_OUTCOME)),
        Case(
            "trace",
            "around the cause of 20,000",
            _trace(HOT_CAUSE, max_depth=2, correlation=False, related=False),
        ),
        Case(
            "trace",
            "around one that 20,000 name",
            _trace(HOT_RELATED, max_depth=2, correlation=False, causation=False),
        ),
        Case(
            "trace",
            "within a piece of work of 50,000",
            _trace(500_004, causation=False, related=False, max_depth=100),
        ),
    ),
)
