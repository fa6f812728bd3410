"""The calls of ProjectionService: a part of the client.

A definition is a message of `everlog.v1.projections_pb2`, and so is what comes back: the contract
describes each field. `everlog projections apply` makes definitions of folders.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from everlog.connection import Calls
from everlog.v1 import projections_pb2
from everlog.v1.projections_pb2 import (
    ApplyProjectionResponse,
    Projection,
    ProjectionDefinition,
    ProjectionEffects,
    ProjectionError,
    RetryProjectionResponse,
)

_PAGE_SIZE = 1_000
_POLL_SECONDS = 0.05
_POLL_SECONDS_MAX = 1.0


class ProjectionCalls(Calls):
    """The methods of a client that are about projections.

    What may be done twice is repeated after an interruption. A rebuild, a deletion, a retry and a
    skip are not: done twice, they would begin anew, or be told that there is nothing to do.
    """

    async def apply_projection(
        self, definition: ProjectionDefinition, *, rebuild: bool = False, dry_run: bool = False
    ) -> ApplyProjectionResponse:
        """Create a projection, or change it; `rebuild` begins one if its tables would be others.

        `dry_run` has the definition checked against the database, and changes nothing. Raises
        ProjectionInvalid, whose `field_violations` name each statement that the database does not
        take, InvalidRequest, ProjectionSchemaTaken, PermissionDenied.
        """
        connection = self._open
        request = projections_pb2.ApplyProjectionRequest(
            definition=definition, rebuild=rebuild, dry_run=dry_run
        )
        return await connection.read(connection.projections.ApplyProjection, request)

    async def projection(self, name: str) -> Projection:
        """Tell what a projection is doing, and where it is. Raises ProjectionNotFound."""
        connection = self._open
        request = projections_pb2.GetProjectionRequest(name=name)
        response = await connection.read(connection.projections.GetProjection, request)
        return response.projection

    async def projections(self, *, limit: int | None = None) -> AsyncGenerator[Projection, None]:
        """Yield the tenant's projections, by name."""
        connection = self._open
        listing = connection.listing(
            connection.projections.ListProjections,
            projections_pb2.ListProjectionsRequest(),
            lambda page: page.projections,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for projection in found:
                yield projection

    async def pause_projection(self, name: str) -> Projection:
        """Let a projection rest: its tables stay as they are. Raises ProjectionNotFound."""
        connection = self._open
        request = projections_pb2.PauseProjectionRequest(name=name)
        response = await connection.read(connection.projections.PauseProjection, request)
        return response.projection

    async def resume_projection(self, name: str) -> Projection:
        """Let a paused projection go on. Raises ProjectionNotFound."""
        connection = self._open
        request = projections_pb2.ResumeProjectionRequest(name=name)
        response = await connection.read(connection.projections.ResumeProjection, request)
        return response.projection

    async def rebuild_projection(self, name: str, *, cancel: bool = False) -> Projection:
        """Begin to make a projection's tables anew, beside those that are read; or stop that.

        Raises ProjectionNotFound, PermissionDenied.
        """
        connection = self._open
        request = projections_pb2.RebuildProjectionRequest(name=name, cancel=cancel)
        response = await connection.read(
            connection.projections.RebuildProjection, request, repeatable=False
        )
        return response.projection

    async def delete_projection(self, name: str, *, keep_tables: bool = False) -> None:
        """Remove a projection, with its tables unless they are to be kept.

        Raises ProjectionNotFound, ProjectionSchemaTaken when something outside of its schema
        depends on it, PermissionDenied.
        """
        connection = self._open
        request = projections_pb2.DeleteProjectionRequest(name=name, keep_tables=keep_tables)
        await connection.read(connection.projections.DeleteProjection, request, repeatable=False)

    async def projection_errors(
        self, name: str, *, limit: int | None = None
    ) -> AsyncGenerator[ProjectionError, None]:
        """Yield the events that failed, by position. Raises ProjectionNotFound."""
        connection = self._open
        listing = connection.listing(
            connection.projections.ListProjectionErrors,
            projections_pb2.ListProjectionErrorsRequest(name=name),
            lambda page: page.errors,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for error in found:
                yield error

    async def retry_projection(self, name: str, event_id: str = "") -> RetryProjectionResponse:
        """Try an event again that failed.

        Without an id: the one that is waited for, or else all that are parked, in as many calls as
        it takes. Raises ProjectionNotFound, EventNotPending when it did not fail.
        """
        connection = self._open
        request = projections_pb2.RetryProjectionRequest(name=name, event_id=event_id)
        succeeded = failed = 0
        while True:
            answer = await connection.read(
                connection.projections.RetryProjection, request, repeatable=False
            )
            answer.succeeded = succeeded = succeeded + answer.succeeded
            answer.failed = failed = failed + answer.failed
            if not answer.left:
                return answer
            request.after_position = answer.last_position

    async def skip_projection(self, name: str, event_id: str) -> Projection:
        """Do without the effects of an event that failed.

        Raises ProjectionNotFound, EventNotPending when it did not fail.
        """
        connection = self._open
        request = projections_pb2.SkipProjectionRequest(name=name, event_id=event_id)
        response = await connection.read(
            connection.projections.SkipProjection, request, repeatable=False
        )
        return response.projection

    async def projection_effects(self, event_id: str, name: str = "") -> list[ProjectionEffects]:
        """Tell what an event did, in one projection or in all of them, by name.

        Raises EventNotFound, ProjectionNotFound.
        """
        connection = self._open
        request = projections_pb2.GetProjectionEffectsRequest(event_id=event_id, name=name)
        response = await connection.read(connection.projections.GetProjectionEffects, request)
        return list(response.effects)

    async def projection_follows(self, name: str, position: int) -> Projection:
        """Wait until a projection's tables show the log up to this position.

        So a writer reads its own writes: emit, wait for the receipt's position, then SELECT. It
        waits as long as it takes, also while the projection is stopped: bound it by
        `asyncio.timeout`. Raises ProjectionNotFound.
        """
        seconds = _POLL_SECONDS
        while (projection := await self.projection(name)).checkpoint < position:
            await asyncio.sleep(seconds)
            seconds = min(seconds * 1.5, _POLL_SECONDS_MAX)
        return projection
