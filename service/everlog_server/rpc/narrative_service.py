"""NarrativeService: check, decode, one call into the house, encode; see event_store.py.

What it writes are events as any others: they go through the sequencer, and subscribers see them.
"""

from __future__ import annotations

import struct
from functools import partial

from everlog.v1 import event_pb2, event_store_pb2
from everlog.v1 import narratives_pb2 as pb
from everlog_server.append import Sequencers
from everlog_server.errors import (
    BadRequestError,
    EventNotFoundError,
    EventTooLargeError,
    FieldViolation,
    NarrativeNotFoundError,
)
from everlog_server.model import Graph, Outcome, uuid_text
from everlog_server.narratives import Narrators
from everlog_server.rpc import outcomes, saved_narratives, stories
from everlog_server.rpc.entry import Context, call_of, tenant_of
from everlog_server.rpc.event_fields import FREE_TEXT_BYTES_MAX
from everlog_server.rpc.fields import (
    checked_enum,
    decode_uuid,
    name_problem,
    text_problem,
    violations_of,
)
from everlog_server.rpc.page_token import Listing
from everlog_server.rpc.requests import at_least, bounded, parse
from everlog_server.rpc.rights import Rights
from everlog_server.rpc.service import Handlers, unary
from everlog_server.rpc.tracing import (
    ANSWER_BYTES_MAX,
    OUTCOMES_BYTES_MAX,
    decode_trace,
    encode_trace,
)
from everlog_server.rpc.validation import decode_emission
from everlog_server.rpc.visibility import tenant_that_shows
from everlog_server.settings import LimitSettings
from everlog_server.storage.graph import GraphReader, TraceAsked
from everlog_server.storage.outcomes import MeaningReader
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants

_PAGE_SIZE_DEFAULT = 100
_PAGE_SIZE_MAX = 1_000
_PAGE_BYTES_MAX = 1024 * 1024
_TRACE_EVENTS_DEFAULT = 1_000
_TRACE_EVENTS_MAX = 10_000
_STORY_EVENTS_DEFAULT = 200
_STORY_EVENTS_MAX = 1_000
_NUMBER = struct.Struct(">q")


class NarrativeService:
    """The handlers."""

    name = pb.DESCRIPTOR.services_by_name["NarrativeService"].full_name

    def __init__(
        self,
        *,
        sequencers: Sequencers,
        tenants: Tenants,
        reader: EventReader,
        meaning: MeaningReader,
        graphs: GraphReader,
        narrators: Narrators,
        limits: LimitSettings,
    ) -> None:
        self._sequencers = sequencers
        self._tenants = tenants
        self._reader = reader
        self._meaning = meaning
        self._graphs = graphs
        self._narrators = narrators
        self._limits = limits
        self._tenant_that_shows = partial(
            tenant_that_shows, tenants=tenants, wait=reader.wait_visible
        )

    def handlers(self) -> Handlers:
        """Its methods, by name."""
        return unary(
            self.RecordOutcome,
            self.ListOutcomes,
            self.SaveNarrative,
            self.GetNarrative,
            self.Trace,
            self.BuildNarrative,
        )

    async def RecordOutcome(self, data: bytes, context: Context) -> bytes:
        """Appends an outcome."""
        request = parse(pb.RecordOutcomeRequest, data)
        event_id = self._checked_outcome(request)
        rights = call_of(context).rights
        actor = rights.check_actor(request.actor)
        tenant_id = await self._tenants.resolve(tenant_of(context))
        event = outcomes.to_event(event_id, request)
        receipt = await self._append(tenant_id, event_id, event, rights)
        outcome = Outcome(
            event_id,
            decode_uuid(receipt.event_id, "event_id"),
            receipt.sequence,
            receipt.record_time.ToMicroseconds(),
            await self._actor(tenant_id, receipt, actor),
            request.outcome,
            request.impact_metric,
        )
        response = pb.RecordOutcomeResponse(
            outcome=outcomes.to_message(outcome),
            position=receipt.position,
            deduplicated=receipt.deduplicated,
        )
        return response.SerializeToString()

    async def ListOutcomes(self, data: bytes, context: Context) -> bytes:
        """A page of an event's outcomes."""
        request = parse(pb.ListOutcomesRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        limit = bounded(
            request.page_size, "page_size", default=_PAGE_SIZE_DEFAULT, most=_PAGE_SIZE_MAX
        )
        tenant_id = await self._tenants.resolve(tenant_of(context))
        request.event_id = uuid_text(event_id)
        listing, before = Listing(tenant_id, request), None
        if request.page_token:
            (before,) = listing.place(request.page_token, _NUMBER.unpack)
        page = await self._meaning.outcomes(
            tenant_id,
            event_id,
            before=before,
            limit=limit,
            bytes_max=_PAGE_BYTES_MAX,
        )
        response = pb.ListOutcomesResponse(outcomes=map(outcomes.to_message, page.outcomes))
        if page.next_before is not None:
            response.next_page_token = listing.token(_NUMBER.pack(page.next_before))
        return response.SerializeToString()

    async def SaveNarrative(self, data: bytes, context: Context) -> bytes:
        """Appends a narrative."""
        request = parse(pb.SaveNarrativeRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        if not request.HasField("narrative"):
            raise BadRequestError(FieldViolation("narrative", "must be given"))
        saved_narratives.check_narrative(request.narrative, self._limits.name_bytes_max)
        self._check_actor(request.actor)
        rights = call_of(context).rights
        rights.check_actor(request.actor)
        at_least(0, request.expected_version, "expected_version")
        tenant_id = await self._tenants.resolve(tenant_of(context))
        event = saved_narratives.to_event(event_id, request)
        expected = request.expected_version if request.HasField("expected_version") else None
        receipt = await self._append(tenant_id, event_id, event, rights, expected_sequence=expected)
        response = pb.SaveNarrativeResponse(
            version=receipt.sequence, saved_time=receipt.record_time
        )
        return response.SerializeToString()

    async def GetNarrative(self, data: bytes, context: Context) -> bytes:
        """A saved narrative."""
        request = parse(pb.GetNarrativeRequest, data)
        event_id = decode_uuid(request.event_id, "event_id")
        version = at_least(0, request.version, "version") or None
        tenant_id = await self._tenants.resolve(tenant_of(context))
        saved = await self._meaning.narrative(tenant_id, event_id, version)
        if saved is None:
            which = "narrative" if version is None else f"version {version} of a narrative"
            raise NarrativeNotFoundError(f"event {uuid_text(event_id)} has no {which}")
        return saved_narratives.encode_narrative(saved)

    async def Trace(self, data: bytes, context: Context) -> bytes:
        """The graph around an event."""
        request = parse(pb.TraceRequest, data)
        asked = decode_trace(
            request, events_default=_TRACE_EVENTS_DEFAULT, events_max=_TRACE_EVENTS_MAX
        )
        tenant_id = await self._tenant_that_shows(request.min_position, context)
        if not request.include_outcomes:
            return encode_trace(await self._graph(tenant_id, asked, ANSWER_BYTES_MAX), ())
        graph = await self._graph(tenant_id, asked, ANSWER_BYTES_MAX - OUTCOMES_BYTES_MAX)
        return encode_trace(graph, await self._latest_outcomes(tenant_id, graph))

    async def BuildNarrative(self, data: bytes, context: Context) -> bytes:
        """The story of an event's workflow."""
        request = parse(pb.BuildNarrativeRequest, data)
        checked_enum(request.narrator, pb.Narrator.DESCRIPTOR, "narrator")
        asked = decode_trace(
            request, events_default=_STORY_EVENTS_DEFAULT, events_max=_STORY_EVENTS_MAX
        )
        tenant_id = await self._tenants.resolve(tenant_of(context))
        graph = await self._graph(tenant_id, asked, ANSWER_BYTES_MAX)
        event_ids = graph.event_ids[: graph.events]
        summaries = await self._meaning.narrative_summaries(
            tenant_id, event_ids, characters_max=stories.SUMMARY_CHARACTERS_MAX
        )
        story = stories.to_story(
            graph,
            about=uuid_text(asked.event_id),
            outcomes=await self._latest_outcomes(tenant_id, graph),
            summaries=summaries,
            documentable_only=request.documentable_only,
        )
        told = await self._narrators.tell(
            story,
            by_language_model=request.narrator == pb.NARRATOR_LANGUAGE_MODEL,
            seconds_max=context.time_remaining(),
        )
        return stories.encode_told(told)

    def _checked_outcome(self, request: pb.RecordOutcomeRequest) -> bytes:
        """The subject's id; raises BadRequestError with everything that is wrong."""
        key_problem = text_problem(request.idempotency_key, self._limits.name_bytes_max)
        violations = (
            *violations_of("outcome", name_problem(request.outcome, FREE_TEXT_BYTES_MAX)),
            *violations_of(
                "impact_metric", text_problem(request.impact_metric, FREE_TEXT_BYTES_MAX)
            ),
            *violations_of("actor", text_problem(request.actor, self._limits.name_bytes_max)),
            *violations_of("idempotency_key", key_problem),
        )
        if violations:
            raise BadRequestError(*violations)
        return decode_uuid(request.event_id, "event_id")

    def _check_actor(self, actor: str) -> None:
        problem = text_problem(actor, self._limits.name_bytes_max)
        if problem is not None:
            raise BadRequestError(FieldViolation("actor", problem))

    async def _append(
        self,
        tenant_id: int,
        subject_id: bytes,
        event: event_pb2.NewEvent,
        rights: Rights,
        *,
        expected_sequence: int | None = None,
    ) -> event_store_pb2.Receipt:
        """Appends an event about another one, which must be there; events never go again."""
        request = event_store_pb2.EmitRequest(events=[event])
        if expected_sequence is not None:
            expected = request.expected_sequences.add(exactly=expected_sequence)
            expected.aggregate.aggregate_type = event.aggregate_type
            expected.aggregate.aggregate_id = event.aggregate_id
        try:
            emission = decode_emission(request, self._limits, rights=rights)
        except EventTooLargeError as error:
            # As JSON a text may take six times the bytes.
            described = error.violations[0].description
            raise EventTooLargeError(
                FieldViolation("request", f"as an event {described}")
            ) from None
        if not await self._meaning.has_event(tenant_id, subject_id):
            raise EventNotFoundError(f"there is no event {uuid_text(subject_id)}")
        answer = await self._sequencers.of(tenant_id).submit(emission)
        return event_store_pb2.EmitResponse.FromString(answer).receipts[0]

    async def _actor(self, tenant_id: int, receipt: event_store_pb2.Receipt, actor: str) -> str:
        """Who recorded it: that of the first request, if this one only found it."""
        if not receipt.deduplicated:
            return actor
        found = await self._reader.event_at_position(tenant_id, receipt.position)
        if found is None:
            return actor
        return event_store_pb2.GetResponse.FromString(found.record).event.actor

    async def _graph(self, tenant_id: int, asked: TraceAsked, bytes_max: int) -> Graph:
        graph = await self._graphs.trace(tenant_id, asked, bytes_max=bytes_max)
        if graph is None:
            raise EventNotFoundError(f"there is no event {uuid_text(asked.event_id)}")
        return graph

    async def _latest_outcomes(self, tenant_id: int, graph: Graph) -> list[Outcome]:
        event_ids = graph.event_ids[: graph.events]
        return await self._meaning.latest_outcomes(
            tenant_id, event_ids, bytes_max=OUTCOMES_BYTES_MAX
        )
