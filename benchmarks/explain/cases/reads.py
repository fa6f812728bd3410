"""reads.sql: events, and where the log is."""

from __future__ import annotations

from typing import Any

from benchmarks.explain.case import Case, SqlFile
from benchmarks.explain.cases.keys import EVENT_TYPE, KEY, page
from benchmarks.explain.filling import HEAD, TENANT, event_id
from everlog_server.model import EventFilter
from everlog_server.storage.pages import PAGE_BYTES_MAX

MIDDLE = HEAD // 2
FILL = 4_000
"""About as many of these events as fill a page."""
TYPED = EventFilter(event_types=(EVENT_TYPE, "no.such"))
ACTOR = EventFilter(actor="nobody")
AT: dict[str, Any] = {"tenant_id": TENANT, **KEY._asdict()}
BY_ID = {"tenant_id": TENANT, "event_id": event_id(MIDDLE).bytes}
BY_KEY = {"tenant_id": TENANT, "idempotency_key": "key-500001"}
WINDOW = {
    "tenant_id": TENANT,
    "after": MIDDLE,
    "through": MIDDLE + FILL,
    "bytes_max": PAGE_BYTES_MAX,
    "record_bytes_max": 2_000,
}
NOTHING = dict.fromkeys(("after_sequence", "from_time", "through_sequence", "through_time"))

READS = SqlFile(
    "reads.sql",
    "Events",
    (
        Case(
            "whole_log_ascending",
            f"{FILL:,} events from the middle, a page of a replay",
            WINDOW,
            to_see="One scan of the primary key over exactly the window; no sort, no row copied.",
        ),
        Case(
            "whole_log_descending",
            "the newest 100, as Query asks",
            WINDOW | {"after": HEAD - 100, "through": HEAD},
        ),
        Case(
            "whole_aggregate_ascending",
            "the first 100 of an aggregate that has 7,000",
            page(EventFilter(aggregate=KEY)),
            to_see="The aggregate's unique key; the bounds are looked up once each (InitPlan).",
        ),
        Case("whole_aggregate_descending", "the last 100 of it", page(EventFilter(aggregate=KEY))),
        Case(
            "page_of_aggregate_ascending",
            "all of it, under a filter that means none",
            page(EventFilter(aggregate=KEY, actor="nobody")),
        ),
        Case(
            "page_of_aggregate_descending",
            "the same, newest first",
            page(EventFilter(aggregate=KEY, actor="nobody")),
        ),
        Case(
            "page_of_types_ascending",
            "the first 100 of two event types",
            page(TYPED),
            to_see="The event type's index, in order of position, once for each type;"
            " at most 100 of each.",
        ),
        Case("page_of_types_descending", "the newest 100 of two event types", page(TYPED)),
        Case(
            "page_of_log_ascending",
            "an actor, which no index has, in a window of 20,000",
            page(ACTOR, after=MIDDLE, through=MIDDLE + 20_000),
            to_see="The primary key over the window, and not a row further; the filter is judged"
            " row by row.",
        ),
        Case(
            "page_of_log_descending",
            "a correlation id, the whole log",
            page(EventFilter(correlation_id="work-7")),
            to_see="The partial index of correlation ids: what has none is not in it.",
        ),
        Case(
            "count_of_log",
            "an actor, in a window of 20,000",
            page(ACTOR, after=MIDDLE, through=MIDDLE + 20_000),
        ),
        Case(
            "count_of_types",
            "two types in a window of 100,000",
            page(TYPED, after=MIDDLE, through=MIDDLE + 100_000),
        ),
        Case(
            "event_types_with_prefixes",
            "the types under a prefix",
            {"tenant_id": TENANT, "event_type_prefixes": ["order."], "limit": 101},
            to_see="From each type to the next by its index: as many probes as there are types.",
        ),
        Case(
            "tail",
            "the last 2,000 events, as those who follow read them",
            {"tenant_id": TENANT, "after": HEAD - 2000, "through": HEAD, "limit": 2000}
            | {"bytes_max": 1024 * 1024},
        ),
        Case("event_by_id", "one event", BY_ID),
        Case("event_at_position", "one event", {"tenant_id": TENANT, "position": MIDDLE}),
        Case("event_at_sequence", "one event", AT | {"sequence": 1}),
        Case("event_by_key", "one event", BY_KEY),
        Case("position_of_event_by_id", "of a damaged one", BY_ID),
        Case(
            "position_of_event_at_position",
            "of a damaged one",
            {"tenant_id": TENANT, "position": MIDDLE},
        ),
        Case("position_of_event_at_sequence", "of a damaged one", AT | {"sequence": 1}),
        Case("position_of_event_by_key", "of a damaged one", BY_KEY),
        Case("name_at_position", "of a damaged one", {"tenant_id": TENANT, "position": MIDDLE}),
        Case("head", "the head", {"tenant_id": TENANT}),
        Case(
            "heads",
            "the heads of 100 tenants that are followed",
            {"tenant_ids": [*range(1, 101)], "positions": [50] * 100},
        ),
        Case(
            "extent", "what bounds the replay of one aggregate", AT | NOTHING | {"position": MIDDLE}
        ),
        Case(
            "extent",
            "the same, between two times",
            AT
            | NOTHING
            | {"position": None, "from_time": 1_000_000, "through_time": 4_000_000_000_000_000},
        ),
        Case("position_before", "where a time lies", {"tenant_id": TENANT, "time": 1_000_000}),
    ),
)
