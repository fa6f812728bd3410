"""The calls of NarrativeService: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from everlog.connection import Calls
from everlog.narratives import (
    CodeSnippet,
    Graph,
    GraphEdge,
    GraphNode,
    LinkKind,
    Narrative,
    Narrator,
    SavedNarrative,
    ToldNarrative,
    TraceDirection,
)
from everlog.recorded import EventOutcome, RecordedEvent
from everlog.times import to_datetime
from everlog.v1 import narratives_pb2

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


class NarrativeCalls(Calls):
    """The methods of a client that are about what events mean."""

    async def record_outcome(
        self,
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

    async def outcomes(self, event_id: str) -> AsyncGenerator[EventOutcome, None]:
        """Yield the outcomes of an event, newest first."""
        connection = self._open
        listing = connection.listing(
            connection.narratives.ListOutcomes,
            narratives_pb2.ListOutcomesRequest(event_id=event_id),
            lambda page: page.outcomes,
        )
        async with aclosing(listing) as found:
            async for outcome in found:
                yield EventOutcome(outcome)

    async def save_narrative(
        self,
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

    async def narrative(self, event_id: str, *, version: int = 0) -> SavedNarrative:
        """Return what is to be told about an event: a version, or the last. NarrativeNotFound."""
        connection = self._open
        request = narratives_pb2.GetNarrativeRequest(event_id=event_id, version=version)
        return _saved(await connection.read(connection.narratives.GetNarrative, request))

    async def trace(
        self,
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
        self,
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
