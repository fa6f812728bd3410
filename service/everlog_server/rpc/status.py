"""From an exception to what a caller is told: the one table of reasons and codes.

Unary calls, streams and the answers of an EmitStream all go through `status_of`.
"""

from __future__ import annotations

import uuid
from collections.abc import MutableSequence
from dataclasses import asdict
from itertools import accumulate
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from everlog.v1 import errors_pb2, event_pb2
from everlog_server.errors import (
    BadRequestError,
    EventDamagedError,
    EventDataInvalidError,
    EventTypeUnknownError,
    EverlogError,
    InternalError,
    KnownEventsError,
    SequenceConflictError,
    Violation,
)
from everlog_server.model import ExpectationKind

log = structlog.get_logger(__name__)

DOMAIN = "everlog"

# Clients refuse trailers of more than 8 KiB by default. The message travels twice, once of them
# percent-encoded, and the details in Base64.
_MESSAGE_BYTES_MAX = 512
_TRAILERS_DETAILS_BYTES_MAX = 3_500
_ITEM_OVERHEAD_BYTES = 3

_CODES = {
    "INVALID_EVENT": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_FILTER": grpc.StatusCode.INVALID_ARGUMENT,
    "INVALID_REQUEST": grpc.StatusCode.INVALID_ARGUMENT,
    "PAGE_TOKEN_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "EVENT_TYPE_UNKNOWN": grpc.StatusCode.INVALID_ARGUMENT,
    "EVENT_DATA_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "EVENT_TOO_LARGE": grpc.StatusCode.INVALID_ARGUMENT,
    "BATCH_TOO_LARGE": grpc.StatusCode.INVALID_ARGUMENT,
    "SEQUENCE_CONFLICT": grpc.StatusCode.ABORTED,
    "IDEMPOTENCY_KEY_REUSED": grpc.StatusCode.ALREADY_EXISTS,
    "IDEMPOTENCY_KEYS_PARTLY_KNOWN": grpc.StatusCode.ALREADY_EXISTS,
    "EVENT_ID_REUSED": grpc.StatusCode.ALREADY_EXISTS,
    "EVENT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "AGGREGATE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "TENANT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CURSOR_BEYOND_HEAD": grpc.StatusCode.OUT_OF_RANGE,
    "CURSOR_TRIMMED": grpc.StatusCode.OUT_OF_RANGE,
    "LOG_DIVERGED": grpc.StatusCode.FAILED_PRECONDITION,
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "TOO_MANY_SUBSCRIPTIONS": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "STORAGE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "SERVER_DRAINING": grpc.StatusCode.UNAVAILABLE,
    "COMMIT_UNKNOWN": grpc.StatusCode.UNAVAILABLE,
    "UNAUTHENTICATED": grpc.StatusCode.UNAUTHENTICATED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "POSITION_NOT_VISIBLE": grpc.StatusCode.DEADLINE_EXCEEDED,
    "READ_TOO_EXPENSIVE": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "EVENT_TYPE_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "EVENT_TYPE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "AGGREGATE_TYPE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "VERSION_CONFLICT": grpc.StatusCode.ABORTED,
    "NARRATIVE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "ENTITY_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONSUMER_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONSUMER_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "DELIVERY_NOT_HELD": grpc.StatusCode.FAILED_PRECONDITION,
    "EVENT_NOT_PENDING": grpc.StatusCode.FAILED_PRECONDITION,
    "TOO_MANY_MEMBERS": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "PROJECTION_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "PROJECTION_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "PROJECTION_SCHEMA_TAKEN": grpc.StatusCode.FAILED_PRECONDITION,
    "TENANT_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "TENANT_FROZEN": grpc.StatusCode.FAILED_PRECONDITION,
    "TOKEN_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "TOKEN_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "EVENT_DAMAGED": grpc.StatusCode.DATA_LOSS,
    "INTERNAL": grpc.StatusCode.INTERNAL,
}

_CODES_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}

_EXPECTED = {
    ExpectationKind.EXACTLY: errors_pb2.SequenceConflict.Violation.EXPECTED_SEQUENCE,
    ExpectationKind.NOT_TO_EXIST: errors_pb2.SequenceConflict.Violation.EXPECTED_NOT_TO_EXIST,
    ExpectationKind.TO_EXIST: errors_pb2.SequenceConflict.Violation.EXPECTED_TO_EXIST,
}


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """The status's code as gRPC has it."""
    return _CODES_BY_NUMBER[status.code]


def status_of(
    error: Exception, *, details_bytes_max: int | None = None, request_id: str | None = None
) -> status_pb2.Status:
    """What a caller is told of an exception.

    One that is not the house's own is logged with its traceback, and nothing of it is told but a
    request id (the caller's, if it gave one), under which the log has it. A damaged event is
    logged, too. A list of details that is longer than `details_bytes_max` is cut; the metadata's
    `omitted` then counts what is left out.
    """
    if not isinstance(error, EverlogError) or isinstance(error, InternalError):
        request_id = request_id or uuid.uuid4().hex
        log.error("a call failed by a defect", request_id=request_id, exc_info=error)
        error = InternalError(
            f"the server met a defect of its own; its log has it as request {request_id}",
            metadata={"request_id": request_id},
        )
    elif isinstance(error, EventDamagedError):
        # Whoever runs the server has to hear of it, and the caller may never say.
        log.error("an event is damaged", request_id=request_id, **error.metadata)
    status = status_pb2.Status(code=_CODES[error.reason].value[0], message=_cut(error.message))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    detail, items = _detail(error)
    if details_bytes_max is not None and (omitted := _shorten(items, details_bytes_max)):
        info.metadata["omitted"] = str(omitted)
    status.details.add().Pack(info)
    if error.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMicroseconds(round(error.retry_after_seconds * 1_000_000))
        status.details.add().Pack(retry)
    if detail is not None:
        status.details.add().Pack(detail)
    return status


def trailers_status_of(error: Exception, *, request_id: str | None = None) -> grpc.Status:
    """The same, as a call ends with it: small enough for the trailers that every client takes."""
    status = status_of(error, details_bytes_max=_TRAILERS_DETAILS_BYTES_MAX, request_id=request_id)
    return rpc_status.to_status(status)


def _detail(error: EverlogError) -> tuple[Message | None, MutableSequence[Any]]:
    """The error's typed detail, and the list in it."""
    if isinstance(error, BadRequestError):
        bad = error_details_pb2.BadRequest()
        for field, description in error.violations:
            bad.field_violations.add(field=field, description=description)
        return bad, bad.field_violations
    if isinstance(error, SequenceConflictError):
        conflict = errors_pb2.SequenceConflict(violations=map(_conflict, error.violations))
        return conflict, conflict.violations
    if isinstance(error, KnownEventsError):
        known = errors_pb2.KnownEvents()
        for event in error.known:
            known.events.add(**asdict(event))
        return known, known.events
    if isinstance(error, EventDataInvalidError):
        invalid = errors_pb2.InvalidEventData()
        for violation in error.violations:
            invalid.violations.add(**asdict(violation))
        return invalid, invalid.violations
    if isinstance(error, EventTypeUnknownError):
        types = errors_pb2.UnknownEventTypes()
        for one in error.unknown:
            types.event_types.add(**asdict(one))
        return types, types.event_types
    return None, []


def _conflict(violation: Violation) -> errors_pb2.SequenceConflict.Violation:
    (aggregate, kind, sequence), actual = violation
    return errors_pb2.SequenceConflict.Violation(
        aggregate=event_pb2.AggregateKey(**aggregate._asdict()),
        expected=_EXPECTED[kind],
        expected_sequence=sequence,
        actual_sequence=actual,
    )


def _shorten(items: MutableSequence[Any], bytes_max: int) -> int:
    """Keeps as many as fit, at least one; returns how many it has dropped."""
    sizes = accumulate(item.ByteSize() + _ITEM_OVERHEAD_BYTES for item in items)
    fitting = max(1, sum(1 for size in sizes if size <= bytes_max))
    omitted = len(items) - fitting
    del items[fitting:]
    return max(0, omitted)


def _cut(message: str) -> str:
    encoded = message.encode(errors="replace")
    cut = encoded[:_MESSAGE_BYTES_MAX].decode(errors="ignore")
    return cut if len(encoded) <= _MESSAGE_BYTES_MAX else f"{cut}…"
