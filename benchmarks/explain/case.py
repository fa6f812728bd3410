"""What is shown of a file of queries, and what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Pool = Literal["reads", "consumers", "changes", "indexing", "projecting", "append"]
"""Whose connections run a query, and so under which settings: see storage/database.py."""


@dataclass(frozen=True, slots=True)
class Case:
    """One query with parameters."""

    query: str
    what: str
    parameters: Mapping[str, Any] | Sequence[Any] = field(default_factory=dict)
    pool: Pool = "reads"
    to_see: str = ""
    """What its plan shows; empty: the plan is not shown as a whole."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of storage/sql."""

    name: str
    heading: str
    cases: Sequence[Case] = ()
    not_shown: Mapping[str, str] = field(default_factory=dict)
    """Why, by query."""
    fragments_of: str | None = None
