"""What is asked of a catalogue, checked: everything that is wrong with it, by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.definitions import (
    NAME_BYTES_MAX,
    TEXT_BYTES_MAX,
    aggregate_type_violations,
    event_type_violations,
    name_violations,
    text_violations,
)
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.rpc.fields import checked_enum
from everlog_server.rpc.requests import bounded
from everlog_server.rpc.validation import VIOLATIONS_MAX

EVENT_TYPES_MAX = 1_000
"""Of one import; its aggregate types likewise."""
AGGREGATE_TYPES_MAX = 200
PAGE_SIZE_MAX = 1_000
_PAGE_SIZE_DEFAULT = 100


def check_event_type(definition: pb.EventTypeDefinition) -> None:
    """Raises BadRequestError. Compiles the schema: not for the event loop."""
    _refuse(event_type_violations(definition, "definition"))


def check_aggregate_type(definition: pb.AggregateTypeDefinition) -> None:
    """Raises BadRequestError."""
    _refuse(aggregate_type_violations(definition, "definition"))


def check_import(request: pb.ImportCatalogRequest) -> None:
    """Raises BadRequestError. Compiles every schema: not for the event loop."""
    for field, count, most in (
        ("event_types", len(request.event_types), EVENT_TYPES_MAX),
        ("aggregate_types", len(request.aggregate_types), AGGREGATE_TYPES_MAX),
    ):
        if count > most:
            raise BadRequestError(FieldViolation(field, f"has {count}; at most {most}"))
    _refuse(
        chain(
            _twice("event_types", request.event_types),
            _twice("aggregate_types", request.aggregate_types),
            *(
                event_type_violations(one, f"event_types[{index}]")
                for index, one in enumerate(request.event_types)
            ),
            *(
                aggregate_type_violations(one, f"aggregate_types[{index}]")
                for index, one in enumerate(request.aggregate_types)
            ),
        )
    )


def check_name(name: str) -> None:
    """Raises BadRequestError unless it can be the name of a type."""
    _refuse(name_violations(name, "name"))


def check_deprecation(request: pb.DeprecateEventTypeRequest) -> None:
    """Raises BadRequestError."""
    _refuse(
        chain(
            name_violations(request.name, "name"),
            text_violations(request.note, "note", TEXT_BYTES_MAX),
            [FieldViolation("note", "must be empty to undo")]
            if request.undo and request.note
            else [],
        )
    )


def check_listing(request: pb.ListEventTypesRequest) -> None:
    """Raises BadRequestError."""
    _refuse(
        chain(
            text_violations(request.category, "category", NAME_BYTES_MAX),
            text_violations(request.name_prefix, "name_prefix", NAME_BYTES_MAX),
        )
    )


def page_size(size: int) -> int:
    """How many types a page may have; raises BadRequestError."""
    return bounded(size, "page_size", default=_PAGE_SIZE_DEFAULT, most=PAGE_SIZE_MAX)


def is_strict(policy: int) -> bool:
    """What a policy says; raises BadRequestError when it is not given."""
    checked_enum(policy, pb.CatalogPolicy.DESCRIPTOR, "policy")
    if policy == pb.CATALOG_POLICY_UNSPECIFIED:
        raise BadRequestError(FieldViolation("policy", "must be given"))
    return policy == pb.CATALOG_POLICY_STRICT


def _twice(
    field: str, definitions: Sequence[pb.EventTypeDefinition | pb.AggregateTypeDefinition]
) -> Iterator[FieldViolation]:
    seen: dict[str, int] = {}
    for index, one in enumerate(definitions):
        if (first := seen.setdefault(one.name, index)) != index:
            yield FieldViolation(f"{field}[{index}].name", f"is that of {field}[{first}] too")


def _refuse(violations: Iterable[FieldViolation]) -> None:
    found = tuple(islice(violations, VIOLATIONS_MAX))
    if found:
        raise BadRequestError(*found)
