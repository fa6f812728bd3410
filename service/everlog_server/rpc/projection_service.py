"""ProjectionService: check, decode, one call into the house, encode. See event_store.py."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from everlog.v1 import projections_pb2 as pb
from everlog_server.errors import (
    BadRequestError,
    EventNotFoundError,
    EventNotPendingError,
    FieldViolation,
    PermissionDeniedError,
    ProjectionNotFoundError,
)
from everlog_server.model import EventFilter
from everlog_server.projections import Applied, Builder, Change
from everlog_server.rpc.entry import Context, tenant_of
from everlog_server.rpc.fields import decode_uuid
from everlog_server.rpc.page_token import Listing, fill_page
from everlog_server.rpc.projection_messages import ProjectionMessages
from everlog_server.rpc.projection_requests import decode_definition, decode_name, read_definition
from everlog_server.rpc.requests import at_least, page_size, parse
from everlog_server.rpc.service import Handlers, unary
from everlog_server.settings import LimitSettings
from everlog_server.storage.projecting import ProjectingStore, ProjectionBrokenError
from everlog_server.storage.projections import ProjectionStore, StoredProjection
from everlog_server.storage.tenants import Tenants

_CHANGES = {
    Change.CREATED: pb.ApplyProjectionResponse.CHANGE_CREATED,
    Change.NONE: pb.ApplyProjectionResponse.CHANGE_NONE,
    Change.UPDATED: pb.ApplyProjectionResponse.CHANGE_UPDATED,
    Change.WANTS_REBUILD: pb.ApplyProjectionResponse.CHANGE_WANTS_REBUILD,
    Change.REBUILDING: pb.ApplyProjectionResponse.CHANGE_REBUILDING,
}
_PLACE = struct.Struct(">q?")
_PARKED_AT_ONCE = 1_000
_PARKED_SECONDS_MAX = 5.0
_PARKED_COUNTED_MAX = 10_000
_PAGE_BYTES_MAX = 1024 * 1024
_PROJECTIONS_MAX = 1_000


class ProjectionService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["ProjectionService"].full_name

    def __init__(
        self,
        *,
        tenants: Tenants,
        store: ProjectionStore,
        projecting: ProjectingStore,
        builder: Builder,
        limits: LimitSettings,
        accepts_definitions: bool,
        on_change: Callable[[], None],
    ) -> None:
        self._tenants = tenants
        self._store = store
        self._projecting = projecting
        self._builder = builder
        self._messages = ProjectionMessages(store)
        self._limits = limits
        self._accepts_definitions = accepts_definitions
        self._on_change = on_change

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.ApplyProjection,
            self.GetProjection,
            self.ListProjections,
            self.PauseProjection,
            self.ResumeProjection,
            self.RebuildProjection,
            self.DeleteProjection,
            self.ListProjectionErrors,
            self.RetryProjection,
            self.SkipProjection,
            self.GetProjectionEffects,
        )

    async def ApplyProjection(self, data: bytes, context: Context) -> bytes:
        """Creates a projection, or changes it."""
        request = parse(pb.ApplyProjectionRequest, data)
        self._check_accepts()
        applied = decode_definition(request.definition, self._limits)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        name = applied.definition.name
        stored = await self._store.one(tenant_id, name)
        if stored is None:
            await self._builder.create(tenant_id, applied, dry_run=request.dry_run)
            change = Change.CREATED
        else:
            change = await self._builder.change(
                tenant_id,
                stored,
                pb.ProjectionDefinition.FromString(stored.definition).readers,
                applied,
                rebuild=request.rebuild,
                dry_run=request.dry_run,
            )
        self._on_change()
        response = pb.ApplyProjectionResponse(change=_CHANGES[change])
        stored = await self._store.one(tenant_id, name)
        if stored is None:  # a dry run
            response.projection.definition.CopyFrom(request.definition)
        else:
            response.projection.CopyFrom(await self._messages.projection(tenant_id, stored))
        return response.SerializeToString()

    async def GetProjection(self, data: bytes, context: Context) -> bytes:
        """A projection, and where it is."""
        request = parse(pb.GetProjectionRequest, data)
        _, projection = await self._projection(request.name, context)
        return pb.GetProjectionResponse(projection=projection).SerializeToString()

    async def ListProjections(self, data: bytes, context: Context) -> bytes:
        """A page of projections."""
        request = parse(pb.ListProjectionsRequest, data)
        limit = page_size(request, self._limits)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        listing, after = Listing(tenant_id, request), ""
        if request.page_token:
            after = listing.place(request.page_token, bytes.decode)
        response = pb.ListProjectionsResponse()
        found = await self._store.page(tenant_id, after=after, limit=limit + 1)
        fill_page(
            response.projections, await self._messages.projections(tenant_id, found[:limit]), limit
        )
        if len(response.projections) < len(found):
            last = response.projections[-1].definition.name
            response.next_page_token = listing.token(last.encode())
        return response.SerializeToString()

    async def PauseProjection(self, data: bytes, context: Context) -> bytes:
        """Lets a projection rest."""
        request = parse(pb.PauseProjectionRequest, data)
        projection = await self._pause(request.name, context, is_paused=True)
        return pb.PauseProjectionResponse(projection=projection).SerializeToString()

    async def ResumeProjection(self, data: bytes, context: Context) -> bytes:
        """Lets a paused projection go on."""
        request = parse(pb.ResumeProjectionRequest, data)
        projection = await self._pause(request.name, context, is_paused=False)
        return pb.ResumeProjectionResponse(projection=projection).SerializeToString()

    async def RebuildProjection(self, data: bytes, context: Context) -> bytes:
        """Makes the tables anew, by what was applied last; or cancels that."""
        request = parse(pb.RebuildProjectionRequest, data)
        self._check_accepts()
        tenant_id, stored = await self._stored(request.name, context)
        if request.cancel:
            await self._builder.cancel_rebuild(tenant_id, stored.name)
        else:
            await self._builder.rebuild(tenant_id, stored, self._applied(stored.definition))
        self._on_change()
        _, projection = await self._projection(request.name, context)
        return pb.RebuildProjectionResponse(projection=projection).SerializeToString()

    async def DeleteProjection(self, data: bytes, context: Context) -> bytes:
        """Removes a projection."""
        request = parse(pb.DeleteProjectionRequest, data)
        self._check_accepts()
        tenant_id, stored = await self._stored(request.name, context)
        await self._builder.delete(tenant_id, stored.name, keeps_tables=request.keep_tables)
        self._on_change()
        return pb.DeleteProjectionResponse().SerializeToString()

    async def ListProjectionErrors(self, data: bytes, context: Context) -> bytes:
        """A page of events that failed."""
        request = parse(pb.ListProjectionErrorsRequest, data)
        limit = page_size(request, self._limits)
        tenant_id, stored = await self._stored(request.name, context)
        listing, after = Listing(tenant_id, request), (-1, False)
        if request.page_token:
            after = listing.place(request.page_token, _unpack_place)
        failures = await self._store.failures(tenant_id, stored.name, after=after, limit=limit + 1)
        response, size = pb.ListProjectionErrorsResponse(), 0
        last: bytes | None = None
        shown = failures[:limit]
        messages = await self._messages.failures(tenant_id, [(stored, one) for one in shown])
        for failure, message in zip(shown, messages, strict=True):
            size += message.ByteSize()
            if last is not None and size > _PAGE_BYTES_MAX:
                break
            response.errors.append(message)
            last = _PLACE.pack(failure.position, failure.is_live)
        # The statement, too, may have cut the page by bytes: whether there is more, only it knows.
        if last is not None and (
            len(response.errors) < len(failures)
            or await self._store.failures(
                tenant_id, stored.name, after=_unpack_place(last), limit=1
            )
        ):
            response.next_page_token = listing.token(last)
        return response.SerializeToString()

    async def RetryProjection(self, data: bytes, context: Context) -> bytes:
        """Tries events again that failed."""
        request = parse(pb.RetryProjectionRequest, data)
        event_id = decode_uuid(request.event_id, "event_id") if request.event_id else None
        tenant_id, stored = await self._stored(request.name, context)
        after = _decode_after(request)
        response = pb.RetryProjectionResponse()
        if event_id is None:
            if after or not await self._store.retry(tenant_id, stored.name, None):
                await self._retry_parked(tenant_id, stored.name, after, response)
        else:
            failures = await self._failures_of(tenant_id, stored.name, event_id, request.event_id)
            position, is_parked, _ = failures[0]
            if not is_parked:
                await self._store.retry(tenant_id, stored.name, position)
            else:
                await self._retry_one(tenant_id, stored.name, position, response)
        self._on_change()
        return response.SerializeToString()

    async def SkipProjection(self, data: bytes, context: Context) -> bytes:
        """Does without the effects of an event that failed."""
        request = parse(pb.SkipProjectionRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        tenant_id, stored = await self._stored(request.name, context)
        failures = await self._failures_of(tenant_id, stored.name, event_id, request.event_id)
        if not await self._store.skip(tenant_id, stored.name, failures[0][0]):
            raise EventNotPendingError(request.event_id, "did not fail")
        self._on_change()
        _, projection = await self._projection(request.name, context)
        return pb.SkipProjectionResponse(projection=projection).SerializeToString()

    async def GetProjectionEffects(self, data: bytes, context: Context) -> bytes:
        """What an event did."""
        request = parse(pb.GetProjectionEffectsRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        tenant_id = await self._tenants.resolve(tenant_of(context))
        if request.name:
            _, one = await self._stored(request.name, context)
            found = [one]
        else:
            found = await self._store.page(tenant_id, after="", limit=_PROJECTIONS_MAX)
        response = pb.GetProjectionEffectsResponse()
        if not found:
            await self._check_exists(tenant_id, event_id, request.event_id)
        for stored in found:
            response.effects.append(
                await self._effects(tenant_id, stored, event_id, request.event_id)
            )
        return response.SerializeToString()

    async def _effects(
        self, tenant_id: int, stored: StoredProjection, event_id: bytes, shown: str
    ) -> pb.ProjectionEffects:
        definition = self._applied(stored.structure).definition
        meant = await self._store.event_meant(tenant_id, event_id, definition.event_filter)
        if meant is None:
            raise EventNotFoundError(f"there is no event {shown}")
        message = pb.ProjectionEffects(projection=stored.name)
        handler = definition.handler_of(meant.event_type) if meant.is_meant else None
        if handler is None:
            message.effect = pb.ProjectionEffects.EFFECT_NOT_MATCHED
            return message
        statements = definition.handlers[handler].statements
        trace = await self._store.trace_of_event(
            tenant_id, stored.name, meant.position, len(statements)
        )
        if trace is None:
            raise ProjectionNotFoundError(f"there is no projection {stored.name}")
        if trace.was_skipped:
            message.effect = pb.ProjectionEffects.EFFECT_SKIPPED
        elif trace.has_failed:
            message.effect = pb.ProjectionEffects.EFFECT_FAILED
        elif meant.position > trace.checkpoint:
            message.effect = pb.ProjectionEffects.EFFECT_PENDING
        elif trace.transaction_id is None or trace.committed_time is None:
            message.effect = pb.ProjectionEffects.EFFECT_FORGOTTEN
        else:
            message.effect = pb.ProjectionEffects.EFFECT_COMMITTED
            message.transaction_id = trace.transaction_id
            message.committed_time.FromMicroseconds(trace.committed_time)
            parameters = await self._messages.parameters(
                tenant_id, [(meant.position, text) for text in statements]
            )
            for text, values, rows in zip(statements, parameters, trace.rows or (), strict=False):
                message.statements.add(sql=text, parameters=values, rows=rows)
        return message

    async def _check_exists(self, tenant_id: int, event_id: bytes, shown: str) -> None:
        if await self._store.event_meant(tenant_id, event_id, EventFilter()) is None:
            raise EventNotFoundError(f"there is no event {shown}")

    async def _retry_parked(
        self, tenant_id: int, name: str, after: int, response: pb.RetryProjectionResponse
    ) -> None:
        """Some, in the order of the log. Who calls may be long gone when the last has run."""
        until = time.monotonic() + _PARKED_SECONDS_MAX
        for position in await self._store.parked(
            tenant_id, name, after=after, limit=_PARKED_AT_ONCE
        ):
            await self._retry_one(tenant_id, name, position, response)
            after = response.last_position = position
            if time.monotonic() > until:
                break
        if response.last_position:
            response.left = await self._store.parked_count(
                tenant_id, name, after=after, limit=_PARKED_COUNTED_MAX
            )

    async def _retry_one(
        self, tenant_id: int, name: str, position: int, response: pb.RetryProjectionResponse
    ) -> None:
        try:
            outcome = await self._projecting.project_parked(tenant_id, name, position)
        except ProjectionBrokenError:
            outcome = "failed"
        response.succeeded += outcome == "applied"
        response.failed += outcome == "failed"

    async def _failures_of(
        self, tenant_id: int, name: str, event_id: bytes, shown: str
    ) -> list[tuple[int, bool, bool]]:
        failures = await self._store.failure_of_event(tenant_id, name, event_id)
        if not failures:
            raise EventNotPendingError(shown, f"did not fail in projection {name}")
        return failures

    async def _pause(self, name: str, context: Context, *, is_paused: bool) -> pb.Projection:
        tenant_id, stored = await self._stored(name, context)
        await self._store.pause(tenant_id, stored.name, is_paused=is_paused)
        self._on_change()
        _, projection = await self._projection(name, context)
        return projection

    async def _projection(self, name: str, context: Context) -> tuple[int, pb.Projection]:
        tenant_id, stored = await self._stored(name, context)
        return tenant_id, await self._messages.projection(tenant_id, stored)

    async def _stored(self, name: str, context: Context) -> tuple[int, StoredProjection]:
        decode_name(name)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        stored = await self._store.one(tenant_id, name)
        if stored is None:
            raise ProjectionNotFoundError(f"there is no projection {name}")
        return tenant_id, stored

    def _applied(self, serialized: bytes) -> Applied:
        return read_definition(pb.ProjectionDefinition.FromString(serialized), self._limits)

    def _check_accepts(self) -> None:
        if not self._accepts_definitions:
            raise PermissionDeniedError(
                "this server takes no definitions of projections from its callers: it listens"
                " beyond loopback, and projections.accept_definitions is not set"
            )


def _decode_after(request: pb.RetryProjectionRequest) -> int:
    after = at_least(0, request.after_position, "after_position")
    if after and request.event_id:
        raise BadRequestError(
            FieldViolation("after_position", f"is {after:,}, and must be 0 beside an event_id")
        )
    return after


def _unpack_place(place: bytes) -> tuple[int, bool]:
    position, is_live = _PLACE.unpack(place)
    return position, is_live
