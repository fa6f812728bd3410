"""The calls of AdminService that are about tenants: a part of the client."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from everlog.connection import Calls
from everlog.tenants import Tenant
from everlog.times import to_datetime
from everlog.v1 import admin_pb2

_PAGE_SIZE = 1_000
_DROP_SECONDS = 1.0
"""For so long one call begins to remove pieces."""


class TenantCalls(Calls):
    """The methods of a client that are about tenants; for operators."""

    async def create_tenant(self, name: str) -> Tenant:
        """Create a tenant; raises TenantExists."""
        connection = self._open
        request = admin_pb2.CreateTenantRequest(name=name)
        response = await connection.read(connection.admin.CreateTenant, request, repeatable=False)
        return _tenant(response.tenant)

    async def tenants(self, *, limit: int | None = None) -> AsyncGenerator[Tenant, None]:
        """Yield the tenants, by name."""
        connection = self._open
        listing = connection.listing(
            connection.admin.ListTenants,
            admin_pb2.ListTenantsRequest(),
            lambda page: page.tenants,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield _tenant(one)

    async def rename_tenant(self, name: str, new_name: str) -> Tenant:
        """Give a tenant another name. Servers take up to 2 s to know it by that only."""
        connection = self._open
        request = admin_pb2.RenameTenantRequest(name=name, new_name=new_name)
        response = await connection.read(connection.admin.RenameTenant, request, repeatable=False)
        return _tenant(response.tenant)

    async def freeze_tenant(self, name: str, *, undo: bool = False) -> Tenant:
        """Let a tenant take no events, or take them again.

        Once this returns, what writes to it raises TenantFrozen; reads go on.
        """
        connection = self._open
        request = admin_pb2.FreezeTenantRequest(name=name, undo=undo)
        response = await connection.read(connection.admin.FreezeTenant, request)
        return _tenant(response.tenant)

    async def drop_tenant(
        self,
        name: str,
        *,
        head_position: int,
        timeout_seconds: float | None = None,
        on_left: Callable[[int], object] | None = None,
    ) -> int:
        """Remove a tenant that is frozen, for good; tell how many events were removed.

        `head_position` is the guard: the one that it has. It takes as many calls as need be, of
        about a second each; `timeout_seconds` bounds one of them. After each but the last
        `on_left` is told how many events are left, at most. When it ends early, with
        DeadlineExceeded say, what was removed stays so: call again, and it goes on.
        """
        connection = self._open
        request = admin_pb2.DropTenantRequest(name=name, head_position=head_position)
        # Time for the piece that is under way then is left.
        seconds = min(_DROP_SECONDS, (timeout_seconds or math.inf) / 2)
        request.time_max.FromMicroseconds(round(seconds * 1_000_000))
        events = 0
        while True:
            response = await connection.read(
                connection.admin.DropTenant,
                request,
                repeatable=False,
                timeout_seconds=timeout_seconds,
            )
            events += response.events
            if not response.HasField("left"):
                return events
            if on_left is not None:
                on_left(min(response.left, head_position - events))


def _tenant(message: admin_pb2.Tenant) -> Tenant:
    return Tenant(
        message.name,
        to_datetime(message.created_time),
        to_datetime(message.frozen_time) if message.HasField("frozen_time") else None,
        message.head_position,
    )
