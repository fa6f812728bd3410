"""Between a graph of the wire and a story of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1 import narratives_pb2 as pb
from everlog_server.model import Graph, LinkKind, Outcome, uuid_text
from everlog_server.narratives import Link, Step, Story, Told
from everlog_server.rpc.decoding import to_microseconds

SUMMARY_CHARACTERS_MAX = 2_000


def to_story(
    graph: Graph,
    *,
    about: str,
    outcomes: Sequence[Outcome],
    summaries: Mapping[str, str],
    documentable_only: bool,
) -> Story:
    """The story of a graph's events: of all, or of those that people should be told about."""
    events = event_store_pb2.QueryResponse.FromString(graph.records).events
    outcome_of = {uuid_text(outcome.subject_id): outcome for outcome in outcomes}
    told = [
        place
        for place, event in enumerate(events)
        if not documentable_only or event.documentable or event.event_id == about
    ]
    dangling = range(graph.events, len(graph.event_ids))
    places = {place: new for new, place in enumerate((*told, *dangling))}
    links = [
        Link(places[from_place], places[to_place], LinkKind(kind))
        for from_place, to_place, kind in graph.edges
        if from_place in places and to_place in places
    ]
    return Story(
        about=about,
        steps=tuple(_step(events[place], outcome_of, summaries) for place in told),
        links=tuple(links),
        dangling=tuple(graph.event_ids[place] for place in dangling),
        passed_over=len(events) - len(told),
        is_truncated=graph.is_truncated,
    )


def _step(
    event: event_pb2.RecordedEvent,
    outcome_of: Mapping[str, Outcome],
    summaries: Mapping[str, str],
) -> Step:
    intent, context = event.intent, event.context
    return Step(
        event_id=event.event_id,
        event_type=event.event_type,
        aggregate=f"{event.aggregate_type}/{event.aggregate_id}",
        sequence=event.sequence,
        occurred_time=to_microseconds(event.occurred_time),
        source=event.source,
        actor=event.actor,
        problem=intent.problem_solved,
        pain_point=intent.pain_point,
        goal=intent.goal,
        expected_outcome=intent.expected_outcome,
        expected_impact=intent.impact_metric,
        decision=context.decision,
        category=context.category,
        data=event.json,
        outcome=outcome_of.get(event.event_id),
        summary=summaries.get(event.event_id, ""),
    )


def encode_told(told: Told) -> bytes:
    """A BuildNarrativeResponse."""
    response = pb.BuildNarrativeResponse(
        markdown=told.markdown,
        narrator=(pb.NARRATOR_LANGUAGE_MODEL if told.by_language_model else pb.NARRATOR_TEMPLATE),
        fallback_reason=told.fallback_reason,
        events=told.steps,
        truncated=told.is_truncated,
    )
    return response.SerializeToString()
