"""The tenant's catalogue: its event types, aggregate types and policy.

What is said of a type is a message of `everlog.v1.catalog_pb2`, and so is what comes back: the
contract describes each field. `event_type_definition` makes one from native values.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Literal, TypeAlias, get_args

from everlog.connection import Connection
from everlog.v1 import catalog_pb2
from everlog.v1.catalog_pb2 import (
    AggregateType,
    AggregateTypeDefinition,
    EventType,
    EventTypeDefinition,
    ImportCatalogResponse,
)

CatalogPolicy: TypeAlias = Literal["open", "strict"]
"""Whether event types that the catalogue does not have are accepted or refused."""

_POLICIES = {
    "open": catalog_pb2.CATALOG_POLICY_OPEN,
    "strict": catalog_pb2.CATALOG_POLICY_STRICT,
}
_ABSENT: Any = object()


def event_type_definition(
    name: str,
    *,
    category: str = "",
    description: str = "",
    schema: dict[str, Any] | bool | None = None,
    example: Any = _ABSENT,
    documentable: bool = False,
    aggregate_type: str = "",
    starts_aggregate: bool = False,
    aggregate_id_pattern: str = "",
) -> EventTypeDefinition:
    """Say something of an event type; `schema` and `example` are JSON values, not texts."""
    return EventTypeDefinition(
        name=name,
        category=category,
        description=description,
        json_schema="" if schema is None else _json(schema),
        example="" if example is _ABSENT else _json(example),
        documentable=documentable,
        aggregate_type=aggregate_type,
        starts_aggregate=starts_aggregate,
        aggregate_id_pattern=aggregate_id_pattern,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class CatalogCalls:
    """The methods of a client that are about the catalogue.

    All of them are repeated after an interruption: doing them twice is harmless. Only a call with
    an `expected_version` may then be told of a conflict with itself.
    """

    @property
    def _open(self) -> Connection:
        raise NotImplementedError

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
            page_size=page_size,
        )
        while True:
            page = await connection.read(connection.catalog.ListEventTypes, request)
            for event_type in page.event_types:
                yield event_type
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

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
        request = catalog_pb2.ListAggregateTypesRequest(page_size=page_size)
        while True:
            page = await connection.read(connection.catalog.ListAggregateTypes, request)
            for aggregate_type in page.aggregate_types:
                yield aggregate_type
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _policy(policy: catalog_pb2.CatalogPolicy.ValueType) -> CatalogPolicy:
    return "strict" if policy == catalog_pb2.CATALOG_POLICY_STRICT else "open"
