"""From a failed call to a typed error: the one place where `google.rpc.Status` is read.

A unary call and a stream fail with an `AioRpcError` (on the synchronous stubs: a `grpc.Call`) that
carries the status in its trailers; an answer on an EmitStream carries it as a message. Both end
here.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from everlog.aggregates import AggregateKey
from everlog.details import (
    DataViolation,
    Details,
    FieldViolation,
    KnownEvent,
    SequenceViolation,
    UnknownEventType,
)
from everlog.errors import ERRORS_BY_CODE, ERRORS_BY_REASON, ConnectionLost, EverlogError
from everlog.expectations import MUST_EXIST, MUST_NOT_EXIST, Expected
from everlog.v1 import errors_pb2

DOMAIN = "everlog"

_DETAILS_HEADER = "grpc-status-details-bin"

_CODES = {code.value[0]: code for code in StatusCode}

_Detail = TypeVar("_Detail", bound=Message)


class FailedCall(Protocol):
    """What an `AioRpcError` and the `RpcError` of a synchronous stub have in common."""

    def code(self) -> StatusCode: ...  # noqa: D102 - as grpc has it

    def details(self) -> str | None: ...  # noqa: D102 - as grpc has it

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]]: ...  # noqa: D102 - as grpc has it


def error_from_rpc(failure: FailedCall) -> EverlogError:
    """Turn a call's failure into a typed error.

    UNAVAILABLE without a status of everlog's comes from the transport: ConnectionLost.
    """
    code = failure.code()
    for key, value in failure.trailing_metadata():
        if key == _DETAILS_HEADER and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
            # A proxy that puts its own code in place of the server's leaves the trailer as it was.
            if status.code == code.value[0]:
                return error_from_status(status)
    message = failure.details() or ""
    if code is StatusCode.UNAVAILABLE:
        return ConnectionLost(message)
    return ERRORS_BY_CODE.get(code, EverlogError)(message, code=code, reason="")


def error_from_status(status: status_pb2.Status) -> EverlogError:
    """Turn a status into a typed error, with everything that its details say."""
    code = _CODES.get(status.code, StatusCode.UNKNOWN)
    info = _first(status.details, error_details_pb2.ErrorInfo)
    retry = _first(status.details, error_details_pb2.RetryInfo)
    reason = info.reason if info is not None and info.domain == DOMAIN else ""
    error = ERRORS_BY_REASON.get(reason) or ERRORS_BY_CODE.get(code, EverlogError)
    return error(
        status.message,
        code=code,
        reason=reason,
        metadata=info.metadata if info is not None else None,
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        details=Details(
            field_violations=_field_violations(status.details),
            sequence_violations=_sequence_violations(status.details),
            known_events=_known_events(status.details),
            unknown_event_types=_unknown_event_types(status.details),
            data_violations=_data_violations(status.details),
        ),
    )


def _first(details: Iterable[Any], kind: type[_Detail]) -> _Detail | None:
    for detail in details:
        if detail.type_url.rpartition("/")[2] == kind.DESCRIPTOR.full_name:
            message = kind()
            detail.Unpack(message)
            return message
    return None


def _field_violations(details: Iterable[Any]) -> Sequence[FieldViolation]:
    bad_request = _first(details, error_details_pb2.BadRequest)
    if bad_request is None:
        return ()
    return tuple(
        FieldViolation(field=violation.field, description=violation.description)
        for violation in bad_request.field_violations
    )


def _sequence_violations(details: Iterable[Any]) -> Sequence[SequenceViolation]:
    conflict = _first(details, errors_pb2.SequenceConflict)
    if conflict is None:
        return ()
    return tuple(
        SequenceViolation(
            aggregate=AggregateKey(
                violation.aggregate.aggregate_type, violation.aggregate.aggregate_id
            ),
            expected=_expected(violation),
            actual=violation.actual_sequence,
        )
        for violation in conflict.violations
    )


def _expected(violation: errors_pb2.SequenceConflict.Violation) -> Expected:
    match violation.expected:
        case errors_pb2.SequenceConflict.Violation.EXPECTED_NOT_TO_EXIST:
            return MUST_NOT_EXIST
        case errors_pb2.SequenceConflict.Violation.EXPECTED_TO_EXIST:
            return MUST_EXIST
        case _:
            return violation.expected_sequence


def _known_events(details: Iterable[Any]) -> Sequence[KnownEvent]:
    known = _first(details, errors_pb2.KnownEvents)
    if known is None:
        return ()
    return tuple(
        KnownEvent(
            index=event.index, idempotency_key=event.idempotency_key, event_id=event.event_id
        )
        for event in known.events
    )


def _unknown_event_types(details: Iterable[Any]) -> Sequence[UnknownEventType]:
    unknown = _first(details, errors_pb2.UnknownEventTypes)
    if unknown is None:
        return ()
    return tuple(
        UnknownEventType(one.index, one.event_type, tuple(one.nearest_event_types))
        for one in unknown.event_types
    )


def _data_violations(details: Iterable[Any]) -> Sequence[DataViolation]:
    invalid = _first(details, errors_pb2.InvalidEventData)
    if invalid is None:
        return ()
    return tuple(
        DataViolation(
            index=one.index,
            event_type=one.event_type,
            version=one.version,
            data_pointer=one.data_pointer if one.HasField("data_pointer") else None,
            schema_pointer=one.schema_pointer,
            message=one.message,
        )
        for one in invalid.violations
    )
