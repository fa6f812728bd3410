"""What an operator does to tenants: check, decode, one call into the house, encode."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from everlog.v1 import admin_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.rpc.entry import TENANT_NAME
from everlog_server.rpc.fields import duration_problem, seconds_of
from everlog_server.rpc.guard import Context
from everlog_server.rpc.page_token import Listing
from everlog_server.rpc.requests import at_least, page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.settings import LimitSettings
from everlog_server.storage.tenants import ListedTenant, TenantStore

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_TENANT = 0
"""Stands in page tokens for a listing that is of no tenant; none has this id."""
_DROP_SECONDS_MAX = 3_600


class TenantAdmin:
    """The handlers about tenants."""

    def __init__(self, *, store: TenantStore, limits: LimitSettings) -> None:
        self._store = store
        self._limits = limits

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.CreateTenant,
            self.ListTenants,
            self.RenameTenant,
            self.FreezeTenant,
            self.DropTenant,
        )

    async def CreateTenant(self, data: bytes, context: Context) -> bytes:
        """A new tenant, with an empty log."""
        del context
        request = parse(pb.CreateTenantRequest, data)
        _check_names(name=request.name)
        await self._store.create(request.name)
        tenant = await self._store.tenant(request.name)
        return pb.CreateTenantResponse(tenant=_encode(tenant)).SerializeToString()

    async def ListTenants(self, data: bytes, context: Context) -> bytes:
        """A page of tenants."""
        del context
        request = parse(pb.ListTenantsRequest, data)
        limit = page_size(request, self._limits)
        listing, after = Listing(_NO_TENANT, request), None
        if request.page_token:
            after = listing.place(request.page_token, bytes.decode)
        found = await self._store.tenants_after(after, limit + 1)
        response = pb.ListTenantsResponse(tenants=map(_encode, found[:limit]))
        if len(found) > limit:
            response.next_page_token = listing.token(found[limit - 1].name.encode())
        return response.SerializeToString()

    async def RenameTenant(self, data: bytes, context: Context) -> bytes:
        """Another name for a tenant."""
        del context
        request = parse(pb.RenameTenantRequest, data)
        _check_names(name=request.name, new_name=request.new_name)
        await self._store.rename(request.name, request.new_name)
        tenant = await self._store.tenant(request.new_name)
        return pb.RenameTenantResponse(tenant=_encode(tenant)).SerializeToString()

    async def FreezeTenant(self, data: bytes, context: Context) -> bytes:
        """No more events, or events again."""
        del context
        request = parse(pb.FreezeTenantRequest, data)
        _check_names(name=request.name)
        await self._store.freeze(request.name, undo=request.undo)
        tenant = await self._store.tenant(request.name)
        return pb.FreezeTenantResponse(tenant=_encode(tenant)).SerializeToString()

    async def DropTenant(self, data: bytes, context: Context) -> bytes:
        """Removes a tenant piece by piece: what was removed when the call ends early stays so."""
        del context
        request = parse(pb.DropTenantRequest, data)
        _check_names(name=request.name)
        head = at_least(0, request.head_position, "head_position")
        until = time.monotonic() + _seconds_max(request)
        tenant_id = await self._store.begin_drop(request.name, head)
        response = pb.DropTenantResponse()
        while True:
            removed, is_done = await self._store.drop_piece(tenant_id, request.name)
            response.events += removed
            if is_done:
                break
            if time.monotonic() >= until:
                left = await self._store.events_left(tenant_id, head)
                response.left = min(left, head - response.events)
                break
        return response.SerializeToString()


def _seconds_max(request: pb.DropTenantRequest) -> float:
    """For how long pieces are begun."""
    if not request.HasField("time_max"):
        return math.inf
    problem = duration_problem(request.time_max, 0, _DROP_SECONDS_MAX)
    if problem is not None:
        raise BadRequestError(FieldViolation("time_max", problem))
    return seconds_of(request.time_max)


def _check_names(**names: str) -> None:
    violations = tuple(_violations(names))
    if violations:
        raise BadRequestError(*violations)


def _violations(names: dict[str, str]) -> Iterator[FieldViolation]:
    for field, name in names.items():
        if not TENANT_NAME.fullmatch(name):
            yield FieldViolation(
                field, f"is {name[:80]!r}; must be 1 to 63 characters of a-z, 0-9, . _ and -"
            )


def _encode(tenant: ListedTenant) -> pb.Tenant:
    message = pb.Tenant(
        name=tenant.name, frozen=tenant.frozen_time is not None, head_position=tenant.head
    )
    message.created_time.FromMicroseconds(tenant.created_time)
    if tenant.frozen_time is not None:
        message.frozen_time.FromMicroseconds(tenant.frozen_time)
    return message
