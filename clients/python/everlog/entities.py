"""The knowledge graph: which customers, accounts or logins events speak of.

What comes back are small values; events are RecordedEvents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from everlog.v1 import entities_pb2


class EntityKey(NamedTuple):
    """Names an entity by an id of one kind. A plain pair of texts will do as well."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityDeclaration:
    """Says where events of some types carry the ids of entities; see the proto's message."""

    name: str
    pointer: str
    """A JSON pointer into the data, such as `/customer/email`; `*` is every element of an array."""
    kind: str
    event_types: Sequence[str] = ()
    """Exact types, or prefixes (`stripe.*`); empty: all."""
    subject: str = ""
    """Ids that one event carries under the same subject name the same entity."""
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.event_types, str):
            raise TypeError("event_types takes a sequence of texts, not one text")

    def to_message(self) -> entities_pb2.EntityDeclaration:
        """Encode the declaration."""
        return entities_pb2.EntityDeclaration(
            name=self.name,
            event_types=self.event_types,
            pointer=self.pointer,
            kind=self.kind,
            subject=self.subject,
            ignore_case=self.ignore_case,
        )


class EntityDeclarations(NamedTuple):
    """What is declared, and how far the log is indexed by it."""

    declarations: list[EntityDeclaration]
    indexed_position: int
    head_position: int


class EntitySummary(NamedTuple):
    """One id of an entity, and where it is met."""

    key: EntityKey
    events: int
    last_position: int
    last_record_time: datetime | None
    """None when no event carries it: somebody linked it."""
    same_as: list[EntityKey]
    """Other ids of the same entity; at most 100."""
