"""What came of events, how they hang together, and the story that they tell."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, TypeVar

from everlog.connection import Connection
from everlog.recorded import EventOutcome, RecordedEvent
from everlog.times import to_datetime
from everlog.v1 import narratives_pb2

LinkKind: TypeAlias = Literal["related", "causation", "correlation"]
TraceDirection: TypeAlias = Literal["backwards", "forwards", "both"]
Narrator: TypeAlias = Literal["template", "language_model"]

_Name = TypeVar("_Name")
_Value = TypeVar("_Value")

_DIRECTIONS: Mapping[TraceDirection, narratives_pb2.TraceDirection.ValueType] = {
    "backwards": narratives_pb2.TRACE_DIRECTION_BACKWARDS,
    "forwards": narratives_pb2.TRACE_DIRECTION_FORWARDS,
    "both": narratives_pb2.TRACE_DIRECTION_BOTH,
}
_KINDS: Mapping[LinkKind, narratives_pb2.LinkKind.ValueType] = {
    "related": narratives_pb2.LINK_KIND_RELATED,
    "causation": narratives_pb2.LINK_KIND_CAUSATION,
    "correlation": narratives_pb2.LINK_KIND_CORRELATION,
}
_KIND_NAMES: Mapping[int, LinkKind] = {number: name for name, number in _KINDS.items()}
_NARRATORS: Mapping[Narrator, narratives_pb2.Narrator.ValueType] = {
    "template": narratives_pb2.NARRATOR_TEMPLATE,
    "language_model": narratives_pb2.NARRATOR_LANGUAGE_MODEL,
}


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


class _HasConnection(Protocol):
    @property
    def _open(self) -> Connection: ...


class NarrativeCalls:
    """The calls of NarrativeService: a part of the client."""

    async def record_outcome(
        self: _HasConnection,
        event_id: str,
        outcome: str,
        *,
        impact_metric: str = "",
        actor: str = "",
        idempotency_key: str = "",
    ) -> EventOutcome:
        """Record what came of an event; earlier outcomes stay readable.

        With an idempotency key it is sent again after an interruption. Raises EventNotFound.
        """
        connection = self._open
        request = narratives_pb2.RecordOutcomeRequest(
            event_id=event_id,
            outcome=outcome,
            impact_metric=impact_metric,
            actor=actor,
            idempotency_key=idempotency_key,
        )
        response = await connection.read(
            connection.narratives.RecordOutcome, request, repeatable=bool(idempotency_key)
        )
        return EventOutcome(response.outcome)

    async def outcomes(self: _HasConnection, event_id: str) -> AsyncGenerator[EventOutcome, None]:
        """Yield the outcomes of an event, newest first."""
        connection = self._open
        request = narratives_pb2.ListOutcomesRequest(event_id=event_id)
        while True:
            page = await connection.read(connection.narratives.ListOutcomes, request)
            for message in page.outcomes:
                yield EventOutcome(message)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def save_narrative(
        self: _HasConnection,
        event_id: str,
        narrative: Narrative,
        *,
        actor: str = "",
        expected_version: int | None = None,
    ) -> int:
        """Save what is to be told about an event, whole; return its version.

        `expected_version` is the one that it replaces, 0: none; SequenceConflict if it is another.
        It is not sent again after an interruption. Raises EventNotFound.
        """
        connection = self._open
        request = narratives_pb2.SaveNarrativeRequest(
            event_id=event_id,
            narrative=narrative.to_message(),
            actor=actor,
            expected_version=expected_version,
        )
        response = await connection.read(
            connection.narratives.SaveNarrative, request, repeatable=False
        )
        return response.version

    async def narrative(self: _HasConnection, event_id: str, *, version: int = 0) -> SavedNarrative:
        """Return what is to be told about an event: a version, or the last. NarrativeNotFound."""
        connection = self._open
        request = narratives_pb2.GetNarrativeRequest(event_id=event_id, version=version)
        return _saved(await connection.read(connection.narratives.GetNarrative, request))

    async def trace(
        self: _HasConnection,
        event_id: str,
        *,
        direction: TraceDirection = "both",
        link_kinds: Sequence[LinkKind] = (),
        max_depth: int = 0,
        max_events: int = 0,
        outcomes: bool = False,
        min_position: int = 0,
    ) -> Graph:
        """Return the graph around an event: what led to it, and what came of it.

        No link kinds: all. 0: the server's default depth (10) and number of events (1,000). With
        `outcomes` the events bring their latest outcomes. Raises EventNotFound.
        """
        connection = self._open
        request = narratives_pb2.TraceRequest(
            event_id=event_id,
            direction=_chosen(_DIRECTIONS, direction, "direction"),
            link_kinds=[_chosen(_KINDS, kind, "link_kinds") for kind in link_kinds],
            max_depth=max_depth,
            max_events=max_events,
            include_outcomes=outcomes,
            min_position=min_position,
        )
        return _graph(await connection.read(connection.narratives.Trace, request))

    async def build_narrative(
        self: _HasConnection,
        event_id: str,
        *,
        direction: TraceDirection = "both",
        link_kinds: Sequence[LinkKind] = (),
        max_depth: int = 0,
        max_events: int = 0,
        documentable_only: bool = False,
        narrator: Narrator = "template",
        timeout_seconds: float | None = None,
    ) -> ToldNarrative:
        """Tell the story of an event's workflow in Markdown; otherwise as `trace`.

        A language model may need longer than the client's time-out: give `timeout_seconds`.
        """
        connection = self._open
        request = narratives_pb2.BuildNarrativeRequest(
            event_id=event_id,
            direction=_chosen(_DIRECTIONS, direction, "direction"),
            link_kinds=[_chosen(_KINDS, kind, "link_kinds") for kind in link_kinds],
            max_depth=max_depth,
            max_events=max_events,
            documentable_only=documentable_only,
            narrator=_chosen(_NARRATORS, narrator, "narrator"),
        )
        response = await connection.read(
            connection.narratives.BuildNarrative, request, timeout_seconds=timeout_seconds
        )
        by_model = response.narrator == narratives_pb2.NARRATOR_LANGUAGE_MODEL
        return ToldNarrative(
            markdown=response.markdown,
            narrator="language_model" if by_model else "template",
            fallback_reason=response.fallback_reason,
            events=response.events,
            truncated=response.truncated,
        )


def _chosen(choices: Mapping[_Name, _Value], choice: _Name, name: str) -> _Value:
    if choice not in choices:
        raise ValueError(f"{name}: {choice!r}, expected one of {list(choices)}")
    return choices[choice]


def _saved(response: narratives_pb2.GetNarrativeResponse) -> SavedNarrative:
    message = response.narrative
    narrative = Narrative(
        long_description=message.long_description,
        screenshot_urls=tuple(message.screenshot_urls),
        code_snippets=tuple(
            CodeSnippet(code=snippet.code, language=snippet.language, caption=snippet.caption)
            for snippet in message.code_snippets
        ),
        narrative=message.narrative,
        summary=message.summary,
        tags=tuple(message.tags),
    )
    return SavedNarrative(
        narrative=narrative,
        version=response.version,
        saved_time=to_datetime(response.saved_time),
        actor=response.actor,
    )


def _graph(response: narratives_pb2.TraceResponse) -> Graph:
    outcomes = {outcome.event_id: outcome for outcome in response.outcomes}
    events = {
        message.event_id: RecordedEvent(message, outcomes.get(message.event_id))
        for message in response.events
    }
    return Graph(
        nodes=[
            GraphNode(node.event_id, node.depth, events.get(node.event_id))
            for node in response.nodes
        ],
        edges=[
            GraphEdge(edge.from_event_id, edge.to_event_id, _KIND_NAMES[edge.kind])
            for edge in response.edges
            if edge.kind in _KIND_NAMES  # a newer server may know others
        ],
        truncated=response.truncated,
    )
