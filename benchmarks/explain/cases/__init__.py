"""What is shown, by file of storage/sql."""

from __future__ import annotations

from benchmarks.explain.case import SqlFile
from benchmarks.explain.cases.aggregates import AGGREGATES
from benchmarks.explain.cases.appends import APPENDS
from benchmarks.explain.cases.catalogs import CATALOGS
from benchmarks.explain.cases.consumer_accounts import CONSUMER_ACCOUNTS
from benchmarks.explain.cases.consumers import CONSUMERS
from benchmarks.explain.cases.entities import ENTITIES
from benchmarks.explain.cases.narratives import NARRATIVES
from benchmarks.explain.cases.projections import PROJECTIONS
from benchmarks.explain.cases.reads import READS
from benchmarks.explain.cases.tenants import TENANTS, TOKENS

FILES: tuple[SqlFile, ...] = (
    READS,
    APPENDS,
    AGGREGATES,
    NARRATIVES,
    ENTITIES,
    CATALOGS,
    CONSUMERS,
    CONSUMER_ACCOUNTS,
    PROJECTIONS,
    TENANTS,
    TOKENS,
)
NOT_SHOWN = {
    "diagnosis.sql": "`everlog doctor` asks it once: catalogues and statistics of PostgreSQL",
    "projection_filters.sql": "conditions, not queries",
}
"""Files of which nothing is shown, and why."""
