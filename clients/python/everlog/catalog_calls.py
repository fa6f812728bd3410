"""The calls of CatalogService: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import get_args

from everlog.catalog import CatalogPolicy
from everlog.connection import Calls
from everlog.v1 import catalog_pb2
from everlog.v1.catalog_pb2 import (
    AggregateType,
    AggregateTypeDefinition,
    EventType,
    EventTypeDefinition,
    ImportCatalogResponse,
)

_POLICIES = {
    "open": catalog_pb2.CATALOG_POLICY_OPEN,
    "strict": catalog_pb2.CATALOG_POLICY_STRICT,
}


class CatalogCalls(Calls):
    """The methods of a client that are about the catalogue.

    All of them are repeated after an interruption: doing them twice is harmless. Only a call with
    an `expected_version` may then be told of a conflict with itself.
    """

    async def register_event_type(self, definition: EventTypeDefinition) -> EventType:
        """Add an event type. Registering the same definition twice is harmless.

        Raises EventTypeExists when the tenant has the name with another definition, InvalidRequest.
        """
        connection = self._open
        request = catalog_pb2.RegisterEventTypeRequest(definition=definition)
        response = await connection.read(connection.catalog.RegisterEventType, request)
        return response.event_type

    async def update_event_type(
        self, definition: EventTypeDefinition, *, expected_version: int = 0
    ) -> EventType:
        """Make a new version of an event type: what is said of it from now on, whole.

        Raises EventTypeNotFound, VersionConflict when another version than the expected one is the
        newest (0: any will do), InvalidRequest.
        """
        connection = self._open
        request = catalog_pb2.UpdateEventTypeRequest(
            definition=definition, expected_version=expected_version
        )
        response = await connection.read(connection.catalog.UpdateEventType, request)
        return response.event_type

    async def event_type(self, name: str, *, version: int = 0) -> EventType:
        """Return an event type, in its newest (0) or an older version. Raises EventTypeNotFound."""
        connection = self._open
        request = catalog_pb2.GetEventTypeRequest(name=name, version=version)
        response = await connection.read(connection.catalog.GetEventType, request)
        return response.event_type

    async def event_types(
        self,
        *,
        category: str = "",
        name_prefix: str = "",
        without_deprecated: bool = False,
        page_size: int = 1_000,
    ) -> AsyncGenerator[EventType, None]:
        """Yield event types by name, in their newest version; the preloaded ones, too."""
        connection = self._open
        request = catalog_pb2.ListEventTypesRequest(
            category=category,
            name_prefix=name_prefix,
            without_deprecated=without_deprecated,
        )
        listing = connection.listing(
            connection.catalog.ListEventTypes,
            request,
            lambda page: page.event_types,
            page_size=page_size,
        )
        async with aclosing(listing) as found:
            async for event_type in found:
                yield event_type

    async def deprecate_event_type(
        self, name: str, *, note: str = "", undo: bool = False
    ) -> EventType:
        """Mark an event type as not to be used any more, or take that back.

        Its events are still accepted. Raises EventTypeNotFound.
        """
        connection = self._open
        request = catalog_pb2.DeprecateEventTypeRequest(name=name, note=note, undo=undo)
        response = await connection.read(connection.catalog.DeprecateEventType, request)
        return response.event_type

    async def import_catalog(
        self,
        event_types: Iterable[EventTypeDefinition] = (),
        aggregate_types: Iterable[AggregateTypeDefinition] = (),
        *,
        dry_run: bool = False,
    ) -> ImportCatalogResponse:
        """Register or update many types at once, all or none; `dry_run` only judges them.

        Raises InvalidRequest, whose `field_violations` name each field that was refused.
        """
        connection = self._open
        request = catalog_pb2.ImportCatalogRequest(
            event_types=event_types, aggregate_types=aggregate_types, dry_run=dry_run
        )
        return await connection.read(connection.catalog.ImportCatalog, request)

    async def catalog_policy(self) -> CatalogPolicy:
        """Tell whether event types that the catalogue does not have are accepted or refused."""
        connection = self._open
        request = catalog_pb2.GetCatalogPolicyRequest()
        response = await connection.read(connection.catalog.GetCatalogPolicy, request)
        return _policy(response.policy)

    async def set_catalog_policy(self, policy: CatalogPolicy) -> CatalogPolicy:
        """Set whether event types that the catalogue does not have are accepted or refused."""
        if policy not in _POLICIES:
            raise ValueError(
                f"policy is {policy!r}, expected one of {list(get_args(CatalogPolicy))}"
            )
        connection = self._open
        request = catalog_pb2.SetCatalogPolicyRequest(policy=_POLICIES[policy])
        response = await connection.read(connection.catalog.SetCatalogPolicy, request)
        return _policy(response.policy)

    async def set_aggregate_type(
        self, definition: AggregateTypeDefinition, *, expected_version: int = 0
    ) -> AggregateType:
        """Say how the events of an aggregate type add up to its state, whole.

        Raises VersionConflict when another version than the expected one is the newest (0: any will
        do), InvalidRequest.
        """
        connection = self._open
        request = catalog_pb2.SetAggregateTypeRequest(
            definition=definition, expected_version=expected_version
        )
        response = await connection.read(connection.catalog.SetAggregateType, request)
        return response.aggregate_type

    async def aggregate_type(self, name: str) -> AggregateType:
        """Return an aggregate type. Raises AggregateTypeNotFound."""
        connection = self._open
        request = catalog_pb2.GetAggregateTypeRequest(name=name)
        response = await connection.read(connection.catalog.GetAggregateType, request)
        return response.aggregate_type

    async def aggregate_types(
        self, *, page_size: int = 1_000
    ) -> AsyncGenerator[AggregateType, None]:
        """Yield the aggregate types, by name, in their newest version."""
        connection = self._open
        listing = connection.listing(
            connection.catalog.ListAggregateTypes,
            catalog_pb2.ListAggregateTypesRequest(),
            lambda page: page.aggregate_types,
            page_size=page_size,
        )
        async with aclosing(listing) as found:
            async for aggregate_type in found:
                yield aggregate_type


def _policy(policy: catalog_pb2.CatalogPolicy.ValueType) -> CatalogPolicy:
    return "strict" if policy == catalog_pb2.CATALOG_POLICY_STRICT else "open"
