"""Writes docs/plans.md: how PostgreSQL answers each query of reads.sql and appends.sql.

Runs against a database that is filled already, such as the benchmarks' (aggregates `order/o-…`,
events `order.created`), and changes nothing in it:

    .venv/bin/python -m benchmarks.explain postgresql://… > docs/plans.md

All run as the service's role, which sees one tenant; reads with the settings of a reading
connection, appends' look-ups with those of an appending one. Each plan is the third run of its
query: what it touches is in memory by then.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage.conninfo import SERVICE_ROLE, TENANT_SETTING
from everlog_server.storage.pages import PAGE_BYTES_MAX, filter_parameters
from everlog_server.storage.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = 1
RUNS = 3
FILL = 6_400
"""As many events of 48 bytes as fill a page."""
READING = "SET plan_cache_mode = force_custom_plan"
APPENDING = "SET enable_seqscan = off; SET enable_bitmapscan = off"
ALWAYS = "SET jit = off; SET max_parallel_workers_per_gather = 0"


@dataclass(frozen=True, slots=True)
class Case:
    """One query with parameters, and what its plan shows."""

    query: str
    what: str
    to_see: str
    parameters: dict[str, Any] | list[Any] = field(default_factory=dict)


def reads(head: int, event_id: bytes, key: AggregateKey, event_type: str) -> Iterator[Case]:
    middle = head // 2

    def page(event_filter: EventFilter, **bounds: int) -> dict[str, Any]:
        found = {"after": 0, "through": head, "limit": 100, "bytes_max": PAGE_BYTES_MAX}
        return filter_parameters(TENANT, event_filter) | found | bounds

    one = EventFilter(aggregate=key)
    typed = EventFilter(event_types=(event_type, "no.such"))
    window = {
        "tenant_id": TENANT,
        "after": middle,
        "through": middle + FILL,
        "bytes_max": PAGE_BYTES_MAX,
        "record_bytes_max": 1300,
    }
    at = {"tenant_id": TENANT, **key._asdict()}
    yield Case(
        "whole_log_ascending",
        f"{FILL:,} events from the middle, a page of a replay",
        "One scan of the primary key over exactly the window; no sort, no row copied.",
        window,
    )
    yield Case(
        "whole_log_descending",
        "the newest 100, as Query asks",
        "The same key, backwards: 100 rows.",
        window | {"after": head - 100, "through": head},
    )
    yield Case(
        "whole_aggregate_ascending",
        "the first 100 of one aggregate",
        "The aggregate's unique key; the bounds are looked up once each (InitPlan).",
        page(one),
    )
    yield Case(
        "whole_aggregate_descending",
        "the last 100 of one aggregate",
        "The same key, backwards.",
        page(one),
    )
    yield Case(
        "page_of_aggregate_ascending",
        "one aggregate under a further filter",
        "The aggregate's key finds its events, the filter looks at those only.",
        page(EventFilter(aggregate=key, actor="nobody")),
    )
    yield Case(
        "page_of_aggregate_descending",
        "the same, newest first",
        "The same key, backwards.",
        page(EventFilter(aggregate=key, actor="nobody")),
    )
    yield Case(
        "page_of_types_ascending",
        "the first 100 of two event types",
        "The event type's index, in order of position, once for each type; at most 100 of each.",
        page(typed),
    )
    yield Case(
        "page_of_types_descending",
        "the newest 100 of two event types",
        "The same index, backwards.",
        page(typed),
    )
    yield Case(
        "page_of_log_ascending",
        "an actor, which no index has, in a window of 20,000",
        "The primary key over the window, and not a row further; the filter is judged row by row.",
        page(EventFilter(actor="nobody"), after=middle, through=middle + 20_000),
    )
    yield Case(
        "page_of_log_descending",
        "a correlation id, the whole log",
        "The partial index of correlation ids: what has none is not in it.",
        page(EventFilter(correlation_id="no-such")),
    )
    yield Case(
        "count_of_log",
        "an actor, in a window of 20,000",
        "As page_of_log_ascending.",
        page(EventFilter(actor="nobody"), after=middle, through=middle + 20_000),
    )
    yield Case(
        "count_of_types",
        "100,000 events of a type",
        "The event type's index alone (index only, as far as the visibility map allows).",
        page(typed, after=middle, through=middle + 100_000),
    )
    yield Case(
        "event_types_with_prefixes",
        "the types under a prefix",
        "From each type to the next by its index: as many probes as there are types.",
        {"tenant_id": TENANT, "event_type_prefixes": ["order."], "limit": 101},
    )
    yield Case(
        "tail",
        "the last 2,000 events, as those who follow read them",
        "The primary key over exactly those.",
        {"tenant_id": TENANT, "after": head - 2000, "through": head, "limit": 2000}
        | {"bytes_max": 1024 * 1024},
    )
    unique = "One probe of a unique key."
    yield Case("event_by_id", "one event", unique, {"tenant_id": TENANT, "event_id": event_id})
    yield Case("event_at_position", "one event", unique, {"tenant_id": TENANT, "position": middle})
    yield Case("event_at_sequence", "one event", unique, at | {"sequence": 1})
    yield Case(
        "event_by_key", "one event", unique, {"tenant_id": TENANT, "idempotency_key": "no-such"}
    )
    yield Case("head", "the head", "One row of a table of one page.", {"tenant_id": TENANT})
    yield Case(
        "heads",
        "the heads of all who are followed",
        "The same, and the primary key.",
        {"tenant_ids": [TENANT], "positions": [middle]},
    )
    nothing = dict.fromkeys(("after_sequence", "from_time", "through_sequence", "through_time"))
    yield Case(
        "extent",
        "what bounds the replay of one aggregate",
        "One probe for each thing that is asked; what is not asked is never executed.",
        at | nothing | {"position": None},
    )
    yield Case(
        "position_before",
        "where a time lies",
        "A binary search in PL/pgSQL: some 23 probes of the primary key for 5,000,000 events.",
        {"tenant_id": TENANT, "time": 1_000_000},
    )


def appends(head: int, event_id: bytes, key: AggregateKey) -> Iterator[Case]:
    ids = [event_id.hex() for _ in range(1000)]
    yield Case(
        "lock_head",
        "the lock that orders writers",
        "One row of `tenants`; the rest is in the function.",
        [TENANT],
    )
    yield Case(
        "known_by_key",
        "1,000 idempotency keys",
        "One probe of the partial unique index for each.",
        [TENANT, [f"no-such-{n}" for n in range(1000)]],
    )
    yield Case("known_by_id", "1,000 event ids", "One probe of the key for each.", [TENANT, ids])
    yield Case(
        "last_sequences",
        "1,000 aggregates",
        "One backward probe of the aggregate's key for each.",
        [TENANT, [key.aggregate_type] * 1000, [key.aggregate_id] * 1000],
    )
    yield Case(
        "stored_at",
        "1,000 positions",
        "The primary key over exactly those.",
        [TENANT, head - 999, head],
    )
    yield Case(
        "appended_since",
        "what others appended after a remembered head",
        "The remembered event first; then the primary key over at most as many as asked.",
        [TENANT, head - 1000, event_id.hex(), 5000],
    )


def explain(connection: psycopg.Connection[Any], file: str, case: Case) -> str:
    """One section."""
    text = f"EXPLAIN (ANALYZE, BUFFERS) {load(file)[case.query]}".encode()
    cursor = connection.cursor() if file == "reads.sql" else psycopg.RawCursor(connection)
    rows: list[Any] = []
    for _ in range(RUNS):
        rows = cursor.execute(text, case.parameters).fetchall()
    # The arrays of the appends would fill pages.
    lines = [re.sub(r"'\{[^}]{80,}\}'", "'{…}'", row[0]) for row in rows]
    plan = "\n".join(line if len(line) <= 180 else f"{line[:179]}…" for line in lines)
    used = sorted(set(re.findall(r"Index (?:Only )?Scan(?: Backward)? using (\w+)", plan)))
    touched = sum(
        round(float(rows_) * int(loops))
        for rows_, loops in re.findall(r"(?:Index|Seq).*?actual.*?rows=([\d.]+) loops=(\d+)", plan)
    )
    took = re.search(r"Execution Time: ([\d.]+) ms", plan)
    facts = f"index: {', '.join(used) or 'none'}; rows: {touched:,}; {took[1] if took else '?'} ms"
    return f"### {case.query}: {case.what}\n\n{case.to_see} ({facts})\n\n```\n{plan}\n```\n"


def main() -> None:
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        connection.execute(ALWAYS)
        connection.execute(f"SET ROLE {SERVICE_ROLE}".encode())
        connection.execute(f"SET {TENANT_SETTING} = {TENANT}".encode())
        row = connection.execute(
            "SELECT t.head, uuid_send(e.event_id), e.aggregate_type, e.aggregate_id, e.event_type,"
            " current_setting('server_version') FROM everlog.tenants AS t JOIN everlog.events AS e"
            " ON e.tenant_id = t.tenant_id AND e.position = t.head / 2 WHERE t.tenant_id = %s",
            [TENANT],
        ).fetchone()
        assert row is not None, "there are no events"
        head, event_id, aggregate_type, aggregate_id, event_type, version = row
        key = AggregateKey(aggregate_type, aggregate_id)
        print(PREFACE.format(events=head, version=version.split()[0]))
        print("## Reads (`storage/sql/reads.sql`)\n")
        connection.execute(READING)
        for case in reads(head, event_id, key, event_type):
            print(explain(connection, "reads.sql", case))
        print("## Look-ups of the appends (`storage/sql/appends.sql`)\n")
        print(NOT_SHOWN)
        connection.execute(APPENDING)
        for case in appends(head, event_id, key):
            print(explain(connection, "appends.sql", case))


PREFACE = """# Plans

How PostgreSQL {version} answers each query with {events:,} events stored, of 48 bytes of JSON each,
in 1,000 aggregates. Times are of one machine with two cores, everything in memory. Made by
`.venv/bin/python -m benchmarks.explain URL > docs/plans.md`.
"""
NOT_SHOWN = """Not shown: `append`, a function, whose statements are look-ups such as these and an
`INSERT`; `begin`, `commit`, `rollback`, `discard_plans` and `raise_epoch`, which plan nothing or
would change something.
"""

if __name__ == "__main__":
    main()
