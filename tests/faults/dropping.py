"""Dropping a tenant over the wire, until it is gone; and what is left of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from everlog.v1 import admin_pb2 as pb
from everlog.v1.admin_pb2_grpc import AdminServiceStub
from tests.faults.acknowledged import reason_of
from tests.faults.guarantees import TenantNotDropped
from tests.servers import tenant_channel
from tests.tenants import id_of, schemas_like, tables_with

if TYPE_CHECKING:
    from collections.abc import Iterator

_AGAIN_SECONDS = 0.1
_ATTEMPT_SECONDS = 30
_SECONDS_MAX = 60
_GOES_AWAY = {"STORAGE_UNAVAILABLE", "SERVER_DRAINING", "OVERLOADED", "CONNECTION_LOST"}


async def drop(address: str, tenant: str, head: int) -> None:
    """Freezes and drops a tenant, said again until it is done; TimeoutError if it never is."""
    async with asyncio.timeout(_SECONDS_MAX), tenant_channel(address) as channel:
        stub = AdminServiceStub(channel)
        freeze = pb.FreezeTenantRequest(name=tenant)
        request = pb.DropTenantRequest(name=tenant, head_position=head)
        requests = [
            lambda: stub.FreezeTenant(freeze, timeout=_ATTEMPT_SECONDS),
            lambda: stub.DropTenant(request, timeout=_ATTEMPT_SECONDS),
        ]
        while requests:
            try:
                await requests[0]()
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.INVALID_ARGUMENT and len(requests) == 2:
                    pass  # it is being dropped already: frozen it is
                elif (reason := reason_of(error)) in _GOES_AWAY:
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                elif reason == "TENANT_NOT_FOUND":
                    return  # the answer to the drop was lost
                else:
                    raise
            del requests[0]


async def dropped(
    address: str, database_url: str, tenant: str, *, head: int, schema: str
) -> list[TenantNotDropped]:
    """Drops it; what is left of it. `schema`: how those of its projections begin."""
    number = id_of(database_url, tenant)
    try:
        await drop(address, tenant, head)
    except (TimeoutError, grpc.aio.AioRpcError) as error:
        return [TenantNotDropped(f"{tenant} is still there: {error!r}")]
    return list(leftovers(database_url, number, schema))


def leftovers(database_url: str, number: int, schema: str) -> Iterator[TenantNotDropped]:
    """What there is of a tenant that is no more."""
    if others := tables_with(database_url, number) - {"dropped_tenants"}:
        yield TenantNotDropped(f"there is something of it in {sorted(others)}")
    if schemas := schemas_like(database_url, schema):
        yield TenantNotDropped(f"there are still {sorted(schemas)}")
