"""What came of events, how they hang together, and the story that they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from everlog.recorded import RecordedEvent
from everlog.v1 import narratives_pb2

LinkKind: TypeAlias = Literal["related", "causation", "correlation"]
TraceDirection: TypeAlias = Literal["backwards", "forwards", "both"]
Narrator: TypeAlias = Literal["template", "language_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSnippet:
    """A piece of code that belongs to a narrative."""

    code: str
    language: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """What is to be told about an event, beyond what it says itself."""

    long_description: str = ""
    screenshot_urls: Sequence[str] = ()
    code_snippets: Sequence[CodeSnippet] = ()
    narrative: str = ""
    """In Markdown."""

    summary: str = ""
    tags: Sequence[str] = ()

    def to_message(self) -> narratives_pb2.Narrative:
        """Encode the narrative."""
        return narratives_pb2.Narrative(
            long_description=self.long_description,
            screenshot_urls=self.screenshot_urls,
            code_snippets=[
                narratives_pb2.CodeSnippet(
                    language=snippet.language, code=snippet.code, caption=snippet.caption
                )
                for snippet in self.code_snippets
            ],
            narrative=self.narrative,
            summary=self.summary,
            tags=self.tags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNarrative:
    """A narrative as it was saved; versions count from 1."""

    narrative: Narrative
    version: int
    saved_time: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class GraphNode:
    """An event of a graph: `depth` links away; `event` is None when the log does not have it."""

    event_id: str
    depth: int
    event: RecordedEvent | None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """That one event names another."""

    from_event_id: str
    to_event_id: str
    kind: LinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The events around an event, oldest first, then those that dangle; and how they are linked."""

    nodes: Sequence[GraphNode]
    edges: Sequence[GraphEdge]
    truncated: bool
    """Whether there is more within the depth that was asked for."""

    @property
    def events(self) -> list[RecordedEvent]:
        """The events, oldest first."""
        return [node.event for node in self.nodes if node.event is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldNarrative:
    """A story in Markdown, and who told it."""

    markdown: str
    narrator: Narrator
    fallback_reason: str
    """Why a language model was asked for and the template told it; else empty."""

    events: int
    truncated: bool
