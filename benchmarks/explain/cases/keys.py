"""What several files' cases ask about."""

from __future__ import annotations

from typing import Any

from benchmarks.explain.filling import HEAD, TENANT, other_id
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage.pages import PAGE_BYTES_MAX, filter_parameters

KEY = AggregateKey("order", "order-0")
"""The aggregate with the most events, some 7,000."""
EVENT_TYPE = "order.created"
"""The type with the most events, some 100,000."""
CONSUMER = {"tenant_id": TENANT, "consumer_id": other_id("consumer", 1)}
"""The one with 160,000 events of its own."""


def page(event_filter: EventFilter, **bounds: int) -> dict[str, Any]:
    """A page of the events that match: of the whole log, unless `bounds` say otherwise."""
    found = {"after": 0, "through": HEAD, "limit": 100, "bytes_max": PAGE_BYTES_MAX}
    return filter_parameters(TENANT, event_filter) | found | bounds
