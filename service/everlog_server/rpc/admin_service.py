"""AdminService: tenants and tokens, each with a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from everlog.v1 import admin_pb2 as pb

if TYPE_CHECKING:
    from everlog_server.rpc.service import Handlers


class _Part(Protocol):
    def handlers(self) -> Handlers:
        """Some of the service's methods, by name."""


class AdminService:
    """The handlers of all its parts: TenantAdmin, TokenAdmin."""

    name = pb.DESCRIPTOR.services_by_name["AdminService"].full_name

    def __init__(self, *parts: _Part) -> None:
        self._parts = parts

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return {name: one for part in self._parts for name, one in part.handlers().items()}
