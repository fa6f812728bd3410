"""What a request changes in a catalogue: decided in memory, on one state of it.

Each decision is made anew when the catalogue turns out to have moved on meanwhile. Definitions are
compared as bytes: the same message is always serialized the same way here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.catalogue import Catalogue
from everlog_server.errors import (
    BadRequestError,
    EventTypeExistsError,
    EventTypeNotFoundError,
    FieldViolation,
    VersionConflictError,
)
from everlog_server.storage.catalogs import CatalogChange, StoredEventType, StoredVersion

EVENT_TYPES_MAX = 5_000
AGGREGATE_TYPES_MAX = 1_000
DEFINITIONS_BYTES_MAX = 32 * 1024 * 1024
"""Of the event types of a tenant: every server that it uses holds them in memory."""


def serialized(definition: pb.EventTypeDefinition | pb.AggregateTypeDefinition) -> bytes:
    """The bytes by which definitions are stored and compared. Drops what is not known here."""
    definition.DiscardUnknownFields()
    return definition.SerializeToString(deterministic=True)


def register(
    catalogue: Catalogue, definition: pb.EventTypeDefinition, time: datetime
) -> StoredEventType:
    """The event type as it will be, or is; raises EventTypeExistsError."""
    name, wanted = definition.name, serialized(definition)
    one = catalogue.types.get(name)
    if one is None:
        return StoredEventType(name, 1, time, wanted, None, "")
    if one.stored.definition != wanted:
        raise EventTypeExistsError(
            f"event type {name} exists with another definition, in version {one.stored.version}:"
            " update it"
        )
    return one.stored


def update(
    catalogue: Catalogue,
    definition: pb.EventTypeDefinition,
    expected_version: int,
    time: datetime,
) -> StoredEventType:
    """The event type as it will be, or is; EventTypeNotFoundError, VersionConflictError."""
    now = found(catalogue, definition.name)
    if expected_version not in (0, now.version):
        raise VersionConflictError(
            f"event type {now.name}", expected=expected_version, actual=now.version
        )
    wanted = serialized(definition)
    if now.definition == wanted:
        return now
    return now._replace(version=now.version + 1, created_time=time, definition=wanted)


def deprecate(
    catalogue: Catalogue, name: str, note: str, time: datetime, *, undo: bool
) -> StoredEventType:
    """The event type as it will be, or is; raises EventTypeNotFoundError.

    One that is deprecated already keeps its time.
    """
    now = found(catalogue, name)
    if undo:
        return now._replace(deprecated_time=None, deprecation_note="")
    return now._replace(deprecated_time=now.deprecated_time or time, deprecation_note=note)


def found(catalogue: Catalogue, name: str) -> StoredEventType:
    """The tenant's event type of a name; raises EventTypeNotFoundError."""
    one = catalogue.types.get(name)
    if one is None:
        if catalogue.knows(name):
            raise EventTypeNotFoundError(f"event type {name} came with everlog: register it first")
        nearest = catalogue.nearest(name)
        hint = f"; there is {', '.join(nearest)}" if nearest else ""
        raise EventTypeNotFoundError(f"there is no event type {name}{hint}")
    return one.stored


@dataclass(slots=True)
class Imported:
    """What an import does, by names in the request's order."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    event_types: list[StoredEventType] = field(default_factory=list)
    aggregate_types: list[tuple[str, int, bytes]] = field(default_factory=list)


def import_all(
    catalogue: Catalogue,
    aggregate_types: Mapping[str, StoredVersion],
    request: pb.ImportCatalogRequest,
    time: datetime,
) -> Imported:
    """What becomes of each. `aggregate_types` has those of the request's that exist."""
    result = Imported()
    for definition in request.event_types:
        one = catalogue.types.get(definition.name)
        if one is None:
            result.added.append(definition.name)
            result.event_types.append(register(catalogue, definition, time))
            continue
        changed = update(catalogue, definition, 0, time)
        if changed is one.stored:
            result.unchanged.append(definition.name)
        else:
            result.updated.append(definition.name)
            result.event_types.append(changed)
    for aggregate_type in request.aggregate_types:
        name = aggregate_type.name
        stored = aggregate_types.get(name)
        wanted = serialized(aggregate_type)
        if stored is not None and stored.definition == wanted:
            result.unchanged.append(name)
            continue
        (result.added if stored is None else result.updated).append(name)
        version = 1 if stored is None else stored.version + 1
        result.aggregate_types.append((name, version, wanted))
    return result


def check_size(catalogue: Catalogue, event_types: Iterable[StoredEventType]) -> None:
    """Raises BadRequestError if the catalogue would become larger than a server can hold."""
    now = catalogue.types
    new = count = 0
    for one in event_types:
        before = now.get(one.name)
        count += before is None
        new += len(one.definition) - (0 if before is None else len(before.stored.definition))
    if count and (total := len(now) + count) > EVENT_TYPES_MAX:
        raise _too_many(f"would be {total} event types; at most {EVENT_TYPES_MAX}")
    if new > 0 and (size := catalogue.size_bytes + new) > DEFINITIONS_BYTES_MAX:
        raise _too_many(f"would be {size} bytes of definitions; at most {DEFINITIONS_BYTES_MAX}")


def check_aggregate_type_count(count: int) -> None:
    """Raises BadRequestError if there would be more aggregate types than a tenant may have."""
    if count > AGGREGATE_TYPES_MAX:
        raise _too_many(f"would be more than {AGGREGATE_TYPES_MAX} aggregate types")


def change_of(
    catalogue: Catalogue,
    event_types: Iterable[StoredEventType] = (),
    aggregate_types: Iterable[tuple[str, int, bytes]] = (),
    *,
    is_strict: bool | None = None,
) -> CatalogChange | None:
    """What has to be stored; None: nothing."""
    now = catalogue.types
    changed = [one for one in event_types if one.name not in now or now[one.name].stored != one]
    aggregates = list(aggregate_types)
    policy = None if is_strict is None or is_strict == catalogue.is_strict else is_strict
    if not changed and not aggregates and policy is None:
        return None
    return CatalogChange(is_strict=policy, event_types=changed, aggregate_types=aggregates)


def _too_many(text: str) -> BadRequestError:
    return BadRequestError(FieldViolation("catalog", text))
