"""Outcomes on the wire: as messages, framed for the answers that carry them, and as new events."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from everlog.v1 import event_pb2, narratives_pb2, outcome_pb2
from everlog_server.model import Outcome, uuid_text
from everlog_server.rpc.codec import varint

# The field that an outcome is in each answer, with its wire type.
OUTCOME_OF_GET = b"\x12"
OUTCOMES_OF_QUERY = b"\x2a"
OUTCOMES_OF_TRACE = b"\x22"

AGGREGATE_TYPE = "outcome"
EVENT_TYPE = "outcome.recorded"


def to_message(outcome: Outcome) -> outcome_pb2.Outcome:
    """The message."""
    message = outcome_pb2.Outcome(
        event_id=uuid_text(outcome.subject_id),
        outcome=outcome.outcome,
        impact_metric=outcome.impact_metric,
        actor=outcome.actor,
        number=outcome.number,
        outcome_event_id=uuid_text(outcome.event_id),
    )
    message.record_time.FromMicroseconds(outcome.record_time)
    return message


def frame_outcome(tag: bytes, outcome: Outcome) -> bytes:
    """An outcome as one field of an answer."""
    message = to_message(outcome).SerializeToString()
    return tag + varint(len(message)) + message


def frame_outcomes(tag: bytes, outcomes: Iterable[Outcome]) -> bytes:
    """Outcomes as elements of a repeated field of an answer."""
    return b"".join([frame_outcome(tag, outcome) for outcome in outcomes])


def to_event(event_id: bytes, request: narratives_pb2.RecordOutcomeRequest) -> event_pb2.NewEvent:
    """The event that records an outcome. It does not name its subject as its cause.

    A trace shows an outcome as what it is, and not as one more step.
    """
    subject = uuid_text(event_id)
    data = {"event_id": subject, "outcome": request.outcome}
    if request.impact_metric:
        data["impact_metric"] = request.impact_metric
    return event_pb2.NewEvent(
        aggregate_type=AGGREGATE_TYPE,
        aggregate_id=subject,
        event_type=EVENT_TYPE,
        json=orjson.dumps(data).decode(),
        actor=request.actor,
        idempotency_key=request.idempotency_key,
    )
