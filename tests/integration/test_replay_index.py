"""Replays that are not due are not read, however many wait, also behind row-level security."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from benchmarks.explain.case import Case
from benchmarks.explain.cases.consumers import ALL_SLOTS, CONSUMERS
from benchmarks.explain.measuring import Measurer
from tests.factories import TENANT

if TYPE_CHECKING:
    from benchmarks.explain.measuring import Measured

CONSUMER = {"tenant_id": TENANT, "consumer_id": "11111111-1111-1111-1111-111111111111"}


def _waiting(url: str, *, due: int) -> Measured:
    """What it costs to look for replays that are due, of 5,000 that are so in 2100."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO everlog.consumer_events (tenant_id, consumer_id, position, slot, event_id,"
            " aggregate_type, aggregate_id, state, next_attempt_time)"
            " SELECT %(tenant_id)s, %(consumer_id)s, n, n %% 64, gen_random_uuid(), 'order',"
            " 'order-' || n, 'replaying', '2100-01-01' FROM generate_series(1, 5000) AS n",
            CONSUMER,
        )
        owner.execute("ANALYZE everlog.consumer_events")
    asked = CONSUMER | ALL_SLOTS | {"due": due, "limit": 100}
    with closing(Measurer(url)) as measurer:
        return measurer.measure(CONSUMERS, Case("replaying", "", asked))


def test_replays_that_are_not_due_are_not_read(database_url: str) -> None:
    measured = _waiting(database_url, due=1_000_000)
    assert [(one.name, one.rows) for one in measured.touched] == [
        ("consumer_events_replaying_idx", 0)
    ]


def test_replays_that_are_due_are(database_url: str) -> None:
    measured = _waiting(database_url, due=4_200_000_000_000_000)
    assert sum(one.rows for one in measured.touched) == 5_000
