"""CatalogService: check, decode, one call into the house, encode.

What is read is read from the copy that Emits are judged by, after a look at whether it is the
newest; only older versions and aggregate types are asked of the tables. Definitions are checked in
a thread: compiling a large schema takes its time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog import changes
from everlog_server.catalog.catalogs import Catalogs
from everlog_server.catalog.catalogue import Catalogue
from everlog_server.catalog.preloaded import PRELOADED
from everlog_server.errors import (
    AggregateTypeNotFoundError,
    EventTypeNotFoundError,
    VersionConflictError,
)
from everlog_server.rpc import catalog_requests as requests
from everlog_server.rpc.catalog_messages import (
    aggregate_type_of,
    event_type_of,
    policy_of,
    preloaded,
    timestamp_of,
)
from everlog_server.rpc.entry import Context, tenant_of
from everlog_server.rpc.page_token import Listing, fill_page
from everlog_server.rpc.requests import at_least, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.storage.catalogs import (
    CatalogChange,
    CatalogStore,
    StoredVersion,
)
from everlog_server.storage.pages import PAGE_BYTES_MAX
from everlog_server.storage.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import Iterable


class CatalogService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["CatalogService"].full_name

    def __init__(self, *, tenants: Tenants, catalogs: Catalogs, store: CatalogStore) -> None:
        self._tenants = tenants
        self._catalogs = catalogs
        self._store = store

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.RegisterEventType,
            self.UpdateEventType,
            self.GetEventType,
            self.ListEventTypes,
            self.DeprecateEventType,
            self.ImportCatalog,
            self.GetCatalogPolicy,
            self.SetCatalogPolicy,
            self.SetAggregateType,
            self.GetAggregateType,
            self.ListAggregateTypes,
        )

    async def RegisterEventType(self, data: bytes, context: Context) -> bytes:
        """Adds an event type."""
        request = parse(pb.RegisterEventTypeRequest, data)
        definition = request.definition
        await asyncio.to_thread(requests.check_event_type, definition)
        tenant_id = await self._tenants.resolve(tenant_of(context))

        async def decide(catalogue: Catalogue, time: datetime) -> CatalogChange | None:
            return changes.change_of(catalogue, [changes.register(catalogue, definition, time)])

        catalogue = await self._catalogs.change(tenant_id, decide)
        response = pb.RegisterEventTypeResponse(
            event_type=event_type_of(catalogue, definition.name)
        )
        return response.SerializeToString()

    async def UpdateEventType(self, data: bytes, context: Context) -> bytes:
        """Makes a new version of an event type."""
        request = parse(pb.UpdateEventTypeRequest, data)
        definition = request.definition
        expected = at_least(0, request.expected_version, "expected_version")
        await asyncio.to_thread(requests.check_event_type, definition)
        tenant_id = await self._tenants.resolve(tenant_of(context))

        async def decide(catalogue: Catalogue, time: datetime) -> CatalogChange | None:
            updated = changes.update(catalogue, definition, expected, time)
            return changes.change_of(catalogue, [updated])

        catalogue = await self._catalogs.change(tenant_id, decide)
        response = pb.UpdateEventTypeResponse(event_type=event_type_of(catalogue, definition.name))
        return response.SerializeToString()

    async def GetEventType(self, data: bytes, context: Context) -> bytes:
        """An event type, in its newest or an older version."""
        request = parse(pb.GetEventTypeRequest, data)
        name, version = request.name, at_least(0, request.version, "version")
        requests.check_name(name)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        catalogue = await self._catalogs.of(tenant_id).look()
        if name not in catalogue.types and name in PRELOADED:
            newest = preloaded(name)
        else:
            changes.found(catalogue, name)
            newest = event_type_of(catalogue, name)
        event_type = newest
        if version not in (0, newest.version):
            stored = await self._store.event_type_version(tenant_id, name, version)
            if stored is None:
                raise EventTypeNotFoundError(
                    f"event type {name} has no version {version}; the newest is {newest.version}"
                )
            event_type = pb.EventType()
            event_type.CopyFrom(newest)
            event_type.definition.ParseFromString(stored.definition)
            event_type.version = version
            event_type.created_time.CopyFrom(timestamp_of(stored.created_time))
        response = pb.GetEventTypeResponse(event_type=event_type, newest_version=newest.version)
        return response.SerializeToString()

    async def ListEventTypes(self, data: bytes, context: Context) -> bytes:
        """A page of event types, by name."""
        request = parse(pb.ListEventTypesRequest, data)
        requests.check_listing(request)
        size = requests.page_size(request.page_size)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        listing = Listing(tenant_id, request)
        after = listing.place(request.page_token, bytes.decode) if request.page_token else ""
        catalogue = await self._catalogs.of(tenant_id).look()
        response = pb.ListEventTypesResponse()
        found = (
            event_type_of(catalogue, name) for name in _listed_names(catalogue, request, after)
        )
        if fill_page(response.event_types, found, size):
            last = response.event_types[-1].definition.name
            response.next_page_token = listing.token(last.encode())
        return response.SerializeToString()

    async def DeprecateEventType(self, data: bytes, context: Context) -> bytes:
        """Marks an event type as not to be used any more, or takes that back."""
        request = parse(pb.DeprecateEventTypeRequest, data)
        requests.check_deprecation(request)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        name, note, undo = request.name, request.note, request.undo

        async def decide(catalogue: Catalogue, time: datetime) -> CatalogChange | None:
            deprecated = changes.deprecate(catalogue, name, note, time, undo=undo)
            return changes.change_of(catalogue, [deprecated])

        catalogue = await self._catalogs.change(tenant_id, decide)
        response = pb.DeprecateEventTypeResponse(event_type=event_type_of(catalogue, name))
        return response.SerializeToString()

    async def ImportCatalog(self, data: bytes, context: Context) -> bytes:
        """Registers and updates many types at once, all or none."""
        request = parse(pb.ImportCatalogRequest, data)
        await asyncio.to_thread(requests.check_import, request)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        response = pb.ImportCatalogResponse()

        async def decide(catalogue: Catalogue, time: datetime) -> CatalogChange | None:
            names = [one.name for one in request.aggregate_types]
            stored = await self._store.aggregate_types_named(tenant_id, names)
            done = changes.import_all(catalogue, stored, request, time)
            changes.check_size(catalogue, done.event_types)
            await self._check_room(tenant_id, sum(name not in stored for name in names))
            response.Clear()
            response.added.extend(done.added)
            response.updated.extend(done.updated)
            response.unchanged.extend(done.unchanged)
            if request.dry_run:
                return None
            return changes.change_of(catalogue, done.event_types, done.aggregate_types)

        await self._catalogs.change(tenant_id, decide)
        return response.SerializeToString()

    async def GetCatalogPolicy(self, data: bytes, context: Context) -> bytes:
        """How strictly Emits are held to the catalogue."""
        parse(pb.GetCatalogPolicyRequest, data)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        catalogue = await self._catalogs.of(tenant_id).look()
        return pb.GetCatalogPolicyResponse(policy=policy_of(catalogue)).SerializeToString()

    async def SetCatalogPolicy(self, data: bytes, context: Context) -> bytes:
        """Sets how strictly Emits are held to the catalogue."""
        request = parse(pb.SetCatalogPolicyRequest, data)
        is_strict = requests.is_strict(request.policy)
        tenant_id = await self._tenants.resolve(tenant_of(context))

        async def decide(catalogue: Catalogue, _: datetime) -> CatalogChange | None:
            return changes.change_of(catalogue, is_strict=is_strict)

        catalogue = await self._catalogs.change(tenant_id, decide)
        return pb.SetCatalogPolicyResponse(policy=policy_of(catalogue)).SerializeToString()

    async def SetAggregateType(self, data: bytes, context: Context) -> bytes:
        """Says how the events of an aggregate type add up."""
        request = parse(pb.SetAggregateTypeRequest, data)
        definition = request.definition
        expected = at_least(0, request.expected_version, "expected_version")
        await asyncio.to_thread(requests.check_aggregate_type, definition)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        name, wanted = definition.name, changes.serialized(definition)
        answer = pb.AggregateType()

        async def decide(catalogue: Catalogue, time: datetime) -> CatalogChange | None:
            stored = await self._store.newest_aggregate_type(tenant_id, name)
            version = 0 if stored is None else stored.version
            if expected not in (0, version):
                what = f"aggregate type {name}"
                raise VersionConflictError(what, expected=expected, actual=version)
            if stored is not None and stored.definition == wanted:
                answer.CopyFrom(aggregate_type_of(stored))
                return None
            await self._check_room(tenant_id, int(stored is None))
            answer.CopyFrom(aggregate_type_of(StoredVersion(version + 1, time, wanted)))
            return changes.change_of(catalogue, aggregate_types=[(name, version + 1, wanted)])

        await self._catalogs.change(tenant_id, decide)
        return pb.SetAggregateTypeResponse(aggregate_type=answer).SerializeToString()

    async def GetAggregateType(self, data: bytes, context: Context) -> bytes:
        """An aggregate type."""
        request = parse(pb.GetAggregateTypeRequest, data)
        requests.check_name(request.name)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        stored = await self._store.newest_aggregate_type(tenant_id, request.name)
        if stored is None:
            raise AggregateTypeNotFoundError(f"there is no aggregate type {request.name}")
        response = pb.GetAggregateTypeResponse(aggregate_type=aggregate_type_of(stored))
        return response.SerializeToString()

    async def ListAggregateTypes(self, data: bytes, context: Context) -> bytes:
        """A page of aggregate types, by name."""
        request = parse(pb.ListAggregateTypesRequest, data)
        size = requests.page_size(request.page_size)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        listing = Listing(tenant_id, request)
        after = listing.place(request.page_token, bytes.decode) if request.page_token else ""
        found = await self._store.aggregate_types_after(tenant_id, after, size + 1, PAGE_BYTES_MAX)
        response = pb.ListAggregateTypesResponse()
        if fill_page(response.aggregate_types, (aggregate_type_of(one) for _, one in found), size):
            last = response.aggregate_types[-1].definition.name
            response.next_page_token = listing.token(last.encode())
        return response.SerializeToString()

    async def _check_room(self, tenant_id: int, new: int) -> None:
        """Raises BadRequestError if so many new aggregate types would be too many."""
        if new:
            count = await self._store.aggregate_type_count(tenant_id, changes.AGGREGATE_TYPES_MAX)
            changes.check_aggregate_type_count(count + new)


def _listed_names(
    catalogue: Catalogue, request: pb.ListEventTypesRequest, after: str
) -> Iterable[str]:
    types = catalogue.types
    for name in sorted(types.keys() | PRELOADED.keys()):
        if name <= after or not name.startswith(request.name_prefix):
            continue
        one = types.get(name)
        category = (PRELOADED[name] if one is None else one.definition).category
        if request.category and category != request.category:
            continue
        if request.without_deprecated and one and one.stored.deprecated_time is not None:
            continue
        yield name
