"""Projections on the wire: as messages, from what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from everlog.v1 import event_store_pb2
from everlog.v1 import projections_pb2 as pb
from everlog_server.projections.statements import Parameter, parse_statement
from everlog_server.rpc.projection_requests import definition_of, structure_of
from everlog_server.storage.projections import ProjectionStore, StoredFailure, StoredProjection

_VALUE_BYTES_MAX = 1024


class ProjectionMessages:
    """Makes messages; looks up what of an event a statement took."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    async def projection(self, tenant_id: int, stored: StoredProjection) -> pb.Projection:
        """A projection, with what it waits for."""
        (message,) = await self.projections(tenant_id, [stored])
        return message

    async def projections(
        self, tenant_id: int, found: Sequence[StoredProjection]
    ) -> list[pb.Projection]:
        """Projections; two queries, however many there are."""
        waiting = await self._store.waited_for(tenant_id, [stored.name for stored in found])
        failures = [
            (stored, failure) for stored in found for failure in waiting.get(stored.name, ())
        ]
        errors = iter(await self.failures(tenant_id, failures))
        return [
            _projection(stored, [(one, next(errors)) for one in waiting.get(stored.name, ())])
            for stored in found
        ]

    async def failures(
        self, tenant_id: int, found: Sequence[tuple[StoredProjection, StoredFailure]]
    ) -> list[pb.ProjectionError]:
        """Events that failed, with the statements and what was put into them; one query."""
        messages = [_failure(stored, failure) for stored, failure in found]
        parameters = await self.parameters(
            tenant_id,
            [
                (failure.position, message.sql)
                for (_, failure), message in zip(found, messages, strict=True)
            ],
        )
        for message, values in zip(messages, parameters, strict=True):
            message.parameters.update(values)
        return messages

    async def parameters(
        self, tenant_id: int, statements: Sequence[tuple[int, str]]
    ) -> list[Mapping[str, str]]:
        """Of each statement, its parameters in the event at a position, as text; one query."""
        parsed = [
            (position, parse_statement(text).parameters if text else ())
            for position, text in statements
        ]
        places: dict[tuple[int, Parameter], int] = {}
        for position, each in parsed:
            for one in each:
                places.setdefault((position, one), len(places))
        values = await self._store.values(
            tenant_id,
            [(position, one.source, one.path) for position, one in places],
            characters_max=_VALUE_BYTES_MAX,
        )
        return [
            {
                one.name: _cut(text)
                for one in each
                if (text := values[places[position, one]]) is not None
            }
            for position, each in parsed
        ]


def _projection(
    stored: StoredProjection, waiting: Sequence[tuple[StoredFailure, pb.ProjectionError]]
) -> pb.Projection:
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
    # By position: why it can't run at all comes before the event that it waits for.
    for failure, error in waiting:
        if not failure.is_live:
            if not message.rebuild.HasField("failure"):
                message.rebuild.failure.CopyFrom(error)
            continue
        if not message.HasField("failure"):
            message.failure.CopyFrom(error)
        if failure.next_attempt_time is None:
            message.state = pb.Projection.STATE_STOPPED
        elif message.state == pb.Projection.STATE_RUNNING:
            message.state = pb.Projection.STATE_RETRYING
    if stored.is_paused:
        message.state = pb.Projection.STATE_PAUSED
    return message


def _failure(stored: StoredProjection, failure: StoredFailure) -> pb.ProjectionError:
    """Without the parameters."""
    message = pb.ProjectionError(
        handler=failure.handler,
        statement=failure.statement,
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
    if failure.record is not None:
        message.event.CopyFrom(event_store_pb2.QueryResponse.FromString(failure.record).events[0])
    if failure.position:
        structure = stored.structure
        if not failure.is_live and stored.rebuild is not None:
            structure = stored.rebuild.structure
        message.sql = _statement(structure, failure.handler, failure.statement)
    return message


def _statement(structure: bytes, handler: int, statement: int) -> str:
    """The text of a statement; empty when the definition has another shape by now."""
    handlers = pb.ProjectionDefinition.FromString(structure).handlers
    if handler >= len(handlers) or statement >= len(handlers[handler].statements):
        return ""
    return handlers[handler].statements[statement]


def wants_rebuild(stored: StoredProjection) -> bool:
    """Whether what was applied last would make other tables."""
    applied = pb.ProjectionDefinition.FromString(stored.definition)
    return structure_of(applied) != stored.structure


def _cut(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= _VALUE_BYTES_MAX:
        return text
    return encoded[:_VALUE_BYTES_MAX].decode(errors="ignore")
