"""What a read may show: a tenant, once so much of it is visible here; an aggregate, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from everlog_server.errors import AggregateNotFoundError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.entry import Context, call_of, tenant_of
from everlog_server.rpc.requests import at_least
from everlog_server.rpc.rights import Rights
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants

# How long to wait where the caller sets no deadline, and how long before its deadline to give up,
# so that the answer still reaches it.
_PATIENCE_SECONDS_DEFAULT = 10.0
_ANSWER_SECONDS = 0.1


async def tenant_that_shows(
    min_position: int,
    context: Context,
    *,
    tenants: Tenants,
    wait: Callable[[int, int, float], Awaitable[None]],
) -> int:
    """The call's tenant, once a position is visible to what is read (0: at once).

    `wait` gets the tenant, the position and the seconds that there are. Raises BadRequestError,
    TenantNotFoundError and PositionNotVisibleError.
    """
    at_least(0, min_position, "min_position")
    tenant_id = await tenants.resolve(tenant_of(context))
    if min_position:
        call = call_of(context)
        # For as long as the caller says: by then it may have been revoked, and see nothing more.
        async with call.holding.stream(call):
            await wait(tenant_id, min_position, patience_seconds(context))
    return tenant_id


def patience_seconds(context: Context) -> float:
    """How long a call may wait for what is not visible yet."""
    remaining: float | None = context.time_remaining()  # None: the caller set no deadline
    return _PATIENCE_SECONDS_DEFAULT if remaining is None else max(0.0, remaining - _ANSWER_SECONDS)


async def check_aggregate_seen(
    reader: EventReader, tenant_id: int, aggregate: AggregateKey, rights: Rights
) -> None:
    """AggregateNotFoundError unless the caller may see an event of it, or is not limited at all."""
    if rights.scope is None:
        return
    event_filter = rights.narrow(EventFilter(aggregate=aggregate))
    head = await reader.head(tenant_id)
    cursor: int | None = None
    while True:
        page = await reader.query(
            tenant_id,
            event_filter,
            newest_first=True,
            cursor=cursor,
            through=head.position,
            limit=1,
        )
        if page.events:
            return
        if page.is_last:
            raise AggregateNotFoundError(aggregate)
        cursor = page.examined_position
