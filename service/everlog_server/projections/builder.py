"""From a definition to tables: a projection is applied, made anew, removed.

Everything about one call happens in one transaction: what is refused leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from typing import NamedTuple

from everlog_server.errors import (
    FieldViolation,
    ProjectionInvalidError,
    ProjectionNotFoundError,
    ProjectionSchemaTakenError,
)
from everlog_server.projections.compiling import ParameterType, Prepared, run_body, tables_body
from everlog_server.projections.definitions import Definition
from everlog_server.projections.statements import Statement, StatementError, parse_statement
from everlog_server.storage.projection_builds import (
    BuildSite,
    ProjectionBuilds,
    SchemaExists,
    SqlRefused,
)
from everlog_server.storage.projections import Policy, ProjectionStore, StoredProjection

_SYNTAX_ERROR = "42601"
_UNDEFINED_OBJECT = "42704"


class Change(Enum):
    """What has become of a definition that was applied."""

    CREATED = auto()
    NONE = auto()
    UPDATED = auto()
    WANTS_REBUILD = auto()
    REBUILDING = auto()


class Applied(NamedTuple):
    """A definition in all its forms."""

    definition: Definition
    serialized: bytes
    """The whole of it."""
    structure: bytes
    """What of it makes the tables."""

    @property
    def policy(self) -> Policy:
        """What it says of failures."""
        one, backoff = self.definition, self.definition.backoff
        return Policy(
            int(one.on_failure),
            one.attempts_max,
            backoff.initial_seconds,
            backoff.multiplier,
            backoff.max_seconds,
            backoff.jitter,
        )


class Builder:
    """Makes what projectors then fill."""

    def __init__(self, store: ProjectionStore, builds: ProjectionBuilds) -> None:
        self._store = store
        self._builds = builds

    async def create(self, tenant_id: int, applied: Applied, *, dry_run: bool) -> None:
        """A new projection. Raises ProjectionInvalidError, ProjectionSchemaTakenError."""
        await self._check_readers(applied.definition)
        definition = applied.definition
        async with self._builds.site(keep=not dry_run) as site:
            await _build(site, definition, definition.schema)
            await site.create(
                tenant_id,
                definition.name,
                schema=definition.schema,
                definition=applied.serialized,
                structure=applied.structure,
                policy=applied.policy,
            )

    async def change(
        self,
        tenant_id: int,
        stored: StoredProjection,
        former_readers: Sequence[str],
        applied: Applied,
        *,
        rebuild: bool,
        dry_run: bool,
    ) -> Change:
        """Another definition for a projection that exists. Raises as `create` does.

        Its SQL is tried even if the tables are not made anew now: who rebuilds later should not
        be the first to hear of a mistake.
        """
        definition = applied.definition
        if applied.serialized == stored.definition:
            same = applied.structure == stored.structure
            if same or (
                stored.rebuild is not None and stored.rebuild.structure == applied.structure
            ):
                return Change.NONE if same else Change.REBUILDING
        await self._check_readers(definition)
        is_same = applied.structure == stored.structure
        if not is_same and not rebuild:
            await self._try_out(tenant_id, stored, applied)
        async with self._builds.site(keep=not dry_run) as site:
            seen = await site.update(
                tenant_id,
                stored.name,
                seen=stored.definition,
                definition=applied.serialized,
                policy=applied.policy,
            )
            if not seen:
                raise ProjectionSchemaTakenError(
                    f"projection {stored.name} was changed at the same moment: apply it again"
                )
            gone = [name for name in former_readers if name not in definition.readers]
            await site.grant(stored.schema, definition.readers, gone)
            if is_same:
                # One that runs would make the tables otherwise.
                if stored.rebuild is not None and stored.rebuild.structure != stored.structure:
                    await site.cancel_rebuild(tenant_id, stored.name)
                return Change.UPDATED
            if rebuild:
                await _rebuild(site, tenant_id, stored, applied)
                return Change.REBUILDING
        return Change.WANTS_REBUILD

    async def _try_out(self, tenant_id: int, stored: StoredProjection, applied: Applied) -> None:
        """Makes the tables and throws them away. Raises as `create` does."""
        async with self._builds.site(keep=False) as site:
            await _rebuild(site, tenant_id, stored, applied)

    async def rebuild(self, tenant_id: int, stored: StoredProjection, applied: Applied) -> None:
        """Begins to make the tables anew. Raises as `create` does."""
        async with self._builds.site() as site:
            await _rebuild(site, tenant_id, stored, applied)

    async def cancel_rebuild(self, tenant_id: int, name: str) -> None:
        """Stops the rebuild that runs, if one does."""
        async with self._builds.site() as site:
            await site.cancel_rebuild(tenant_id, name)

    async def delete(self, tenant_id: int, name: str, *, keeps_tables: bool) -> None:
        """Removes a projection. Raises ProjectionSchemaTakenError."""
        async with self._builds.site() as site:
            dependents = await site.delete(tenant_id, name, keeps_tables=keeps_tables)
            if dependents is not None:
                raise ProjectionSchemaTakenError(
                    f"projection {name} can't be removed: {dependents} depends on its tables",
                    metadata={"dependents": dependents[:1000]},
                )

    async def _check_readers(self, definition: Definition) -> None:
        unknown = set(await self._store.unknown_roles(definition.readers))
        violations = [
            FieldViolation(f"definition.readers[{index}]", f"the database has no role {name}")
            for index, name in enumerate(definition.readers)
            if name in unknown
        ]
        if violations:
            raise ProjectionInvalidError(*violations, sqlstate=_UNDEFINED_OBJECT)


async def _rebuild(
    site: BuildSite, tenant_id: int, stored: StoredProjection, applied: Applied
) -> None:
    number = await site.number_rebuild(tenant_id, stored.name)
    if number is None:
        raise ProjectionNotFoundError(f"there is no projection {stored.name}")
    schema = f"{applied.definition.schema}__rebuild_{number}"
    await _build(site, applied.definition, schema)
    await site.begin_rebuild(
        tenant_id,
        stored.name,
        build=number,
        schema=schema,
        wanted_schema=applied.definition.schema,
        structure=applied.structure,
    )


async def _build(site: BuildSite, definition: Definition, schema: str) -> None:
    """A schema with its tables and its function."""
    statements = _statements(definition)
    try:
        await site.create_schema(schema)
    except SchemaExists as error:
        raise ProjectionSchemaTakenError(
            f"there is a schema {schema} already, of another projection or of somebody else",
            metadata={"schema": schema},
        ) from error
    try:
        await site.make_tables(schema, tables_body(definition.tables))
    except SqlRefused as refused:
        # What is run is the text itself: its places are those of the definition.
        raise _invalid("definition.tables", refused, refused.place) from refused
    places = [
        (index, number) for index, each in enumerate(statements) for number in range(len(each))
    ]
    flat = [one for each in statements for one in each]
    try:
        described = await site.describe(schema, [one.numbered for one in flat])
    except SqlRefused as refused:
        index, number = places[refused.index]
        place = refused.place and flat[refused.index].place_of(refused.place)
        raise _invalid(_path(index, number), refused, place) from refused
    prepared = [
        (index, Prepared(one, [ParameterType(*each) for each in told.types], told.returns_rows))
        for (index, _), one, told in zip(places, flat, described, strict=True)
    ]
    condition = None
    if not definition.event_filter.is_empty:
        condition = await site.filter_condition(definition.event_filter)
    body = run_body(
        definition,
        [[one for _, one in group] for _, group in groupby(prepared, key=lambda pair: pair[0])],
        condition,
    )
    try:
        await site.define(schema, body, definition.readers)
    except SqlRefused as refused:
        raise _invalid("definition.handlers", refused, None) from refused


def _statements(definition: Definition) -> list[list[Statement]]:
    found: list[list[Statement]] = []
    for index, handler in enumerate(definition.handlers):
        found.append([])
        for number, text in enumerate(handler.statements):
            try:
                found[-1].append(parse_statement(text))
            except StatementError as error:
                violation = FieldViolation(
                    _path(index, number), f"{error} (character {error.place})"
                )
                raise ProjectionInvalidError(
                    violation, sqlstate=_SYNTAX_ERROR, position=error.place
                ) from None
    return found


def _path(handler: int, statement: int) -> str:
    return f"definition.handlers[{handler}].statements[{statement}]"


def _invalid(path: str, refused: SqlRefused, place: int | None) -> ProjectionInvalidError:
    text = refused.message
    for more in (refused.detail, refused.hint):
        if more:
            text += f"; {more}"
    position = place if place is not None and place > 0 else None
    if position is not None:
        text += f" (character {position})"
    violation = FieldViolation(path, text)
    return ProjectionInvalidError(violation, sqlstate=refused.sqlstate, position=position)
