"""Projections on the wire: as messages, from what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from everlog.v1 import event_store_pb2
from everlog.v1 import projections_pb2 as pb
from everlog_server.projections.statements import Parameter, parse_statement
from everlog_server.rpc.projection_requests import definition_of, structure_of
from everlog_server.storage.projections import ProjectionStore, StoredFailure, StoredProjection

_VALUE_BYTES_MAX = 1024
_FAILURES_WAITING_MAX = 2


class ProjectionMessages:
    """Makes messages; looks up what of an event a statement took."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    async def projection(self, tenant_id: int, stored: StoredProjection) -> pb.Projection:
        """A projection, with what it waits for."""
        definition = definition_of(stored.structure, stored.definition)
        message = pb.Projection(
            definition=definition,
            state=pb.Projection.STATE_RUNNING,
            checkpoint=stored.checkpoint,
            head_position=stored.head,
            parked=stored.parked,
            wants_rebuild=wants_rebuild(stored),
            projector=stored.projector,
            events_per_second=stored.events_per_second,
        )
        message.created_time.FromMicroseconds(stored.created_time)
        message.applied_time.FromMicroseconds(stored.applied_time)
        message.built_time.FromMicroseconds(stored.built_time)
        if stored.checkpoint_time is not None:
            message.checkpoint_time.FromMicroseconds(stored.checkpoint_time)
        if stored.rebuild is not None:
            message.rebuild.checkpoint = stored.rebuild.checkpoint
            message.rebuild.started_time.FromMicroseconds(stored.rebuild.started_time)
            message.rebuild.blocked_by = stored.rebuild.blocked_by
        waiting = await self._store.failures(
            tenant_id, stored.name, only_waiting=True, limit=_FAILURES_WAITING_MAX
        )
        for failure in waiting:
            error = await self.failure(tenant_id, stored, failure)
            if failure.is_live:
                message.failure.CopyFrom(error)
                message.state = (
                    pb.Projection.STATE_STOPPED
                    if failure.next_attempt_time is None
                    else pb.Projection.STATE_RETRYING
                )
            else:
                message.rebuild.failure.CopyFrom(error)
        if stored.is_paused:
            message.state = pb.Projection.STATE_PAUSED
        return message

    async def failure(
        self, tenant_id: int, stored: StoredProjection, failure: StoredFailure
    ) -> pb.ProjectionError:
        """An event that failed, with the statement and what was put into it."""
        structure = stored.structure
        if not failure.is_live and stored.rebuild is not None:
            structure = stored.rebuild.structure
        handlers = pb.ProjectionDefinition.FromString(structure).handlers
        text = ""
        if failure.handler < len(handlers):
            statements = handlers[failure.handler].statements
            text = statements[failure.statement] if failure.statement < len(statements) else ""
        parameters = await self.parameters(tenant_id, failure.position, [text] if text else [])
        message = pb.ProjectionError(
            event=event_store_pb2.QueryResponse.FromString(failure.record).events[0],
            handler=failure.handler,
            statement=failure.statement,
            sql=text,
            parameters=parameters[0] if parameters else {},
            sqlstate=failure.sqlstate,
            message=failure.message,
            detail=failure.detail,
            attempts=failure.attempts,
            parked=failure.is_parked,
            in_rebuild=not failure.is_live,
        )
        message.failed_time.FromMicroseconds(failure.failed_time)
        if failure.next_attempt_time is not None and not failure.is_parked:
            message.next_attempt_time.FromMicroseconds(failure.next_attempt_time)
        return message

    async def parameters(
        self, tenant_id: int, position: int, statements: Sequence[str]
    ) -> list[Mapping[str, str]]:
        """Of each statement, its parameters in an event, as text."""
        parsed = [parse_statement(text).parameters for text in statements]
        places: dict[Parameter, int] = {}
        for one in (one for each in parsed for one in each):
            places.setdefault(one, len(places))
        values = await self._store.values(
            tenant_id, position, [(one.source, one.path) for one in places]
        )
        return [
            {one.name: _cut(text) for one in each if (text := values[places[one]]) is not None}
            for each in parsed
        ]


def wants_rebuild(stored: StoredProjection) -> bool:
    """Whether what was applied last would make other tables."""
    applied = pb.ProjectionDefinition.FromString(stored.definition)
    return structure_of(applied) != stored.structure


def _cut(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= _VALUE_BYTES_MAX:
        return text
    return encoded[:_VALUE_BYTES_MAX].decode(errors="ignore")
