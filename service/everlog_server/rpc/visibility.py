"""The tenant of a read, and the wait until its log is visible here as far as the caller asks."""

from __future__ import annotations

from everlog_server.rpc.interceptors import Context, tenant_of
from everlog_server.rpc.requests import at_least
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants

# How long to wait for `min_position` where the caller sets no deadline, and how long before its
# deadline to give up, so that the answer still reaches it.
_VISIBLE_SECONDS_DEFAULT = 10.0
_ANSWER_SECONDS = 0.1


async def tenant_that_shows(
    min_position: int, context: Context, *, tenants: Tenants, reader: EventReader
) -> int:
    """The call's tenant, once its log is visible here up to a position (0: at once).

    Raises BadRequestError, TenantNotFoundError and PositionNotVisibleError.
    """
    at_least(0, min_position, "min_position")
    tenant_id = await tenants.resolve(tenant_of(context))
    if min_position:
        seconds = _patience_seconds(context.time_remaining())
        await reader.wait_visible(tenant_id, min_position, seconds)
    return tenant_id


def _patience_seconds(remaining: float | None) -> float:
    """How long to wait for a caller who gives us so many seconds (None: any)."""
    return _VISIBLE_SECONDS_DEFAULT if remaining is None else max(0.0, remaining - _ANSWER_SECONDS)
