"""What is said of the event types, aggregate types and policy of a tenant's catalogue.

What is said of a type is a message of `everlog.v1.catalog_pb2`, and so is what comes back: the
contract describes each field. `event_type_definition` makes one from native values.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

from everlog.v1.catalog_pb2 import EventTypeDefinition

CatalogPolicy: TypeAlias = Literal["open", "strict"]
"""Whether event types that the catalogue does not have are accepted or refused."""

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
